/** What crypt(3) makes: SHA-crypt and bcrypt. */
import { type Spelling, unknown } from './foreign-hash.ts';

const roundsWithoutMention = 5000;
const fewestRounds = 1000;
const mostRounds = 999_999_999;

/** `$5$` and `$6$`, with or without `rounds=`, the salt of at most 16 characters. */
export function readShaCrypt(text: string): Spelling {
  const [, id, ...fields] = text.split('$');
  const mentioned = fields[0]?.startsWith('rounds=') === true ? fields.shift()?.slice('rounds='.length) : undefined;
  const [salt = '', tag = ''] = fields;
  const length = id === '5' ? 43 : 86;
  if (fields.length !== 2 || tag.length !== length || !/^[./0-9A-Za-z]*$/.test(tag))
    return unknown('not the form of SHA-crypt');
  if (salt.length > 16 || salt.includes(':')) return unknown('the salt of SHA-crypt is too long or holds a colon');
  // crypt(3) writes the number it used: others than those it can use are in nobody's list, and match nowhere.
  if (mentioned !== undefined && !/^[1-9]\d{3,8}$/.test(mentioned))
    return unknown(`the rounds of SHA-crypt are no number from ${fewestRounds} to ${mostRounds}`);
  const rounds = mentioned === undefined ? roundsWithoutMention : Number(mentioned);
  const digest = id === '5' ? 'sha256' : 'sha512';
  return { kind: 'spelled', hash: { scheme: 'sha-crypt', digest, rounds, salt, tag }, canonical: text };
}

const bcryptForm = /^\$2[aby]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}$/;

/** `$2a$`, `$2b$`, `$2y$`; not `$2x$`, which stands for hashes that an error made, nor `$2$`. */
export function readBcrypt(text: string): Spelling {
  const [, cost] = bcryptForm.exec(text) ?? [];
  if (cost === undefined) return unknown('not the form of bcrypt, or a version other than 2a, 2b and 2y');
  return {
    kind: 'spelled',
    hash: { scheme: 'bcrypt', setting: text.slice(0, 29), cost: Number(cost), tag: text.slice(29) },
    canonical: text,
  };
}
