/** PHC strings: Argon2 of all three kinds and scrypt. Parameters in their order, base64 without filling, nothing optional. */
import { bytesOf, countFrom, type ForeignHash, type Spelling, unknown } from './foreign-hash.ts';

type Argon2Hash = Extract<ForeignHash, { scheme: 'argon2' }>;

const argon2Parameters = /^m=([1-9]\d{0,9}),t=([1-9]\d{0,9}),p=([1-9]\d{0,2})$/;
const scryptParameters = /^ln=([1-9]\d?),r=([1-9]\d{0,8}),p=([1-9]\d{0,8})$/;

/** RFC 9106, section 3.1; shorter tags than 16 bytes are no password hashes. */
export function readArgon2(text: string, variant: Argon2Hash['variant']): Spelling {
  const fields = text.split('$').slice(2);
  // The first version did not write which one it is.
  const version = fields.length === 4 ? fields.shift() : 'v=16';
  const [parameters = '', saltText = '', tagText = ''] = fields;
  const [, memory, passes, lanes] = (argon2Parameters.exec(parameters) ?? []).map(Number);
  const salt = bytesOf(saltText, 'unfilled');
  const tag = bytesOf(tagText, 'unfilled');
  if (fields.length !== 3 || (version !== 'v=16' && version !== 'v=19') || !memory || !passes || !lanes)
    return unknown(`not the form of ${variant}`);
  if (!salt || salt.length < 8 || salt.length > 64 || !tag || tag.length < 16 || tag.length > 64)
    return unknown(`salt or hash of ${variant} is not base64, too short or too long`);
  if (lanes > 255 || memory < 8 * lanes) return unknown(`the parameters of ${variant} cannot be`);
  return {
    kind: 'spelled',
    hash: {
      scheme: 'argon2',
      variant,
      version: version === 'v=16' ? 16 : 19,
      memoryKiB: memory,
      passes,
      lanes,
      salt,
      tag,
    },
    canonical: text,
  };
}

export function readScryptPhc(text: string): Spelling {
  const [, , parameters = '', saltText = '', tagText = '', ...more] = text.split('$');
  const [, log, blockSize, lanes] = (scryptParameters.exec(parameters) ?? []).map(Number);
  const salt = bytesOf(saltText, 'unfilled');
  const tag = bytesOf(tagText, 'unfilled');
  if (more.length > 0 || !log || !blockSize || !lanes || !salt || !tag) return unknown('not the form of scrypt');
  return scryptOf({ cost: 2 ** log, blockSize, lanes, salt, tag }, text);
}

/** RFC 7914, section 6: N is a power of two and less than 2^(16 r). */
function scryptOf(parts: Omit<Extract<ForeignHash, { scheme: 'scrypt' }>, 'scheme'>, canonical: string): Spelling {
  const { cost, blockSize, salt, tag } = parts;
  const log = Math.log2(cost);
  if (!Number.isInteger(log) || log < 1 || log >= 16 * blockSize) return unknown('the parameters of scrypt cannot be');
  if (salt.length === 0 || salt.length > 64 || tag.length < 16 || tag.length > 64)
    return unknown('salt or hash of scrypt is too short or too long');
  return { kind: 'spelled', hash: { scheme: 'scrypt', ...parts }, canonical };
}

/** Werkzeug's `scrypt:N:r:p$salt$hash`: the salt is its text, the hash hexadecimal. */
export function readWerkzeugScrypt(text: string): Spelling {
  const [method = '', saltText = '', tagText = '', ...more] = text.split('$');
  const [, cost, blockSize, lanes, ...rest] = method.split(':');
  const numbers = { cost: countFrom(cost), blockSize: countFrom(blockSize), lanes: countFrom(lanes) };
  if (more.length > 0 || rest.length > 0 || !/^(?:[0-9a-fA-F]{2}){16,64}$/.test(tagText))
    return unknown("not the form of Werkzeug's scrypt");
  if (!numbers.cost || !numbers.blockSize || !numbers.lanes) return unknown("not the form of Werkzeug's scrypt");
  return scryptOf(
    {
      cost: numbers.cost,
      blockSize: numbers.blockSize,
      lanes: numbers.lanes,
      salt: Buffer.from(saltText, 'utf8'),
      tag: Buffer.from(tagText, 'hex'),
    },
    `${method}$${saltText}$${tagText.toLowerCase()}`,
  );
}
