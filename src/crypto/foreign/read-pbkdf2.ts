/** PBKDF2 (RFC 8018) as Werkzeug, Django and ProxMenux write it. */
import { bytesOf, countFrom, type ForeignHash, type Spelling, unknown } from './foreign-hash.ts';

type Pbkdf2Hash = Extract<ForeignHash, { scheme: 'pbkdf2' }>;

/** All of them keep as much as the digest gives. */
const tagBytes: Readonly<Record<Pbkdf2Hash['digest'], number>> = { sha1: 20, sha256: 32, sha512: 64 };

function digestNamed(name: string): Pbkdf2Hash['digest'] | undefined {
  return name === 'sha1' || name === 'sha256' || name === 'sha512' ? name : undefined;
}

/**
 * `pbkdf2:sha256:600000$salt$hash`: the salt is its text, the hash hexadecimal. Without iterations the number is whatever
 * the default of that Werkzeug was, and no Werkzeug writes it so.
 */
export function readWerkzeugPbkdf2(text: string): Spelling {
  const [method = '', salt = '', tag = '', ...more] = text.split('$');
  const [, name = '', count, ...rest] = method.split(':');
  const digest = digestNamed(name);
  if (digest === undefined || more.length > 0 || rest.length > 0 || salt === '' || salt.length > 64)
    return unknown("not the form of Werkzeug's PBKDF2, or another digest than SHA-1, SHA-256 or SHA-512");
  if (count === undefined) return unknown('PBKDF2 without its number of iterations');
  const iterations = countFrom(count);
  if (iterations === undefined || !/^[0-9a-fA-F]{40,128}$/.test(tag) || tag.length !== 2 * tagBytes[digest])
    return unknown("iterations or hash of Werkzeug's PBKDF2 are not right");
  return {
    kind: 'spelled',
    hash: {
      scheme: 'pbkdf2',
      digest,
      iterations,
      salt: Buffer.from(salt, 'utf8'),
      tag: Buffer.from(tag, 'hex'),
    },
    canonical: `${method}$${salt}$${tag.toLowerCase()}`,
  };
}

/**
 * `pbkdf2_sha256$600000$salt$hash`, the hash in base64. Django's salt is its text, in letters and digits; ProxMenux writes
 * 16 bytes in base64, and their filling, which no salt of Django has, tells one from the other.
 */
export function readDjangoPbkdf2(text: string): Spelling {
  const [method = '', count, saltText = '', tagText = '', ...more] = text.split('$');
  const digest = digestNamed(method.slice('pbkdf2_'.length));
  const iterations = countFrom(count);
  const tag = bytesOf(tagText, 'filled');
  if (!digest || !iterations || tag?.length !== tagBytes[digest] || more.length > 0)
    return unknown("not the form of Django's PBKDF2");
  if (saltText === '' || saltText.length > 128) return unknown("the salt of Django's PBKDF2 is empty or too long");
  const bytes = saltText.endsWith('==') ? bytesOf(saltText, 'filled') : undefined;
  const salt = bytes?.length === 16 ? bytes : Buffer.from(saltText, 'utf8');
  return { kind: 'spelled', hash: { scheme: 'pbkdf2', digest, iterations, salt, tag }, canonical: text };
}
