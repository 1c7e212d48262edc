/**
 * SHA-crypt, the `$5$` and `$6$` of crypt(3), after "Unix crypt using SHA-256 and SHA-512" (U. Drepper, version 0.6). Numbers
 * in comments are steps there. Written here because the package that is kept gets passwords of just 32 or 64 bytes wrong.
 */
import { hash } from 'node:crypto';

export interface ShaCryptInput {
  readonly digest: 'sha256' | 'sha512';
  readonly rounds: number;
  readonly salt: string;
}

/** The hash as it is written after the salt: 43 or 86 characters. */
export function shaCrypt(password: Uint8Array, { digest, rounds, salt: saltText }: ShaCryptInput): string {
  const of = (...parts: readonly Uint8Array[]): Buffer => hash(digest, Buffer.concat(parts), 'buffer');
  const salt = Buffer.from(saltText, 'utf8');

  // 1–12
  const alternate = of(password, salt, password);
  const start = [password, salt, stretch(alternate, password.length)];
  for (let bits = password.length; bits > 0; bits >>>= 1) start.push(bits % 2 === 1 ? alternate : password);
  let current = of(...start);

  // 13–20: as long as the password and the salt, and in their place from here on.
  const fromPassword = stretch(of(...repeated(password, password.length)), password.length);
  const fromSalt = stretch(of(...repeated(salt, 16 + (current[0] ?? 0))), salt.length);

  // 21
  for (let round = 0; round < rounds; round += 1) {
    const odd = round % 2 === 1;
    const parts = [odd ? fromPassword : current];
    if (round % 3 !== 0) parts.push(fromSalt);
    if (round % 7 !== 0) parts.push(fromPassword);
    parts.push(odd ? current : fromPassword);
    current = of(...parts);
  }
  return digest === 'sha256' ? encode256(current) : encode512(current);
}

function repeated(part: Uint8Array, times: number): readonly Uint8Array[] {
  return Array.from({ length: times }, () => part);
}

/** The bytes over and over, to that length. */
function stretch(bytes: Uint8Array, length: number): Buffer {
  return length === 0 ? Buffer.alloc(0) : Buffer.alloc(length, bytes);
}

const letters = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Up to three bytes, the first the highest, as letters of 6 bits, the lowest first. */
function written(bytes: Uint8Array, places: readonly number[], count: number): string {
  let value = places.reduce((sum, place) => sum * 256 + (bytes[place] ?? 0), 0);
  let text = '';
  for (let letter = 0; letter < count; letter += 1) {
    text += letters[value % 64] ?? '';
    value = Math.floor(value / 64);
  }
  return text;
}

/** 22, for 32 bytes: three thirds of 10, whose turn moves on by one each time; then the last two. */
function encode256(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0, [a, b, c] = [0, 10, 20]; at < 10; at += 1, [a, b, c] = [c + 1, a + 1, b + 1])
    text += written(bytes, [a, b, c], 4);
  return text + written(bytes, [31, 30], 3);
}

/** The same for 64 bytes: three thirds of 21, the other way round; then the last one. */
function encode512(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0, [a, b, c] = [0, 21, 42]; at < 21; at += 1, [a, b, c] = [b + 1, c + 1, a + 1])
    text += written(bytes, [a, b, c], 4);
  return text + written(bytes, [63], 2);
}
