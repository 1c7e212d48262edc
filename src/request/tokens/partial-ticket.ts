/**
 * The text of a partial ticket (2-http-api, 8): a right password that waits for its second factor, `P:!tfa!JSON:TIME::SECRET`. The
 * JSON, percent-encoded, says what the account can answer with. It is looked up whole, and nothing that it says is believed. Pure.
 */
import type { Millis, Secret } from '../../types.ts';

/** No name of a ticket begins so: an exclamation mark in one is written with an escape. */
const mark = '!tfa!';

export function writePartialTicket(
  prefix: string,
  { wanted, at, secret }: { readonly wanted: object; readonly at: Millis; readonly secret: Secret },
): string {
  const time = Math.floor(at / 1000)
    .toString(16)
    .toUpperCase()
    .padStart(8, '0');
  const said = `${mark}${encodeURIComponent(JSON.stringify(wanted))}`;
  return `${prefix}:${said}:${time}::${Buffer.from(secret, 'base64url').toString('base64').replaceAll('=', '')}`;
}

/** The secret as it was made: what a passkey signs. */
export function secretOfPartialTicket(text: string): string {
  return Buffer.from(text.slice(text.lastIndexOf(':') + 1), 'base64').toString('base64url');
}
