/**
 * `Authorization` as Proxmox clients write it (2-http-api, 3): `<P>APIToken=user@realm!name=secret`, with a space after the word
 * and a colon before the secret as well, each part percent-encoded or not; and `<P>AuthCookie=<ticket>`. Pure.
 */
import type { Secret } from '../../types.ts';

export type ProxmoxHeader =
  | { readonly kind: 'other' }
  /** The word is ours, and what stands behind it cannot be read. */
  | { readonly kind: 'malformed' }
  | { readonly kind: 'token'; readonly userId: string; readonly name: string; readonly secret: string }
  | { readonly kind: 'ticket'; readonly ticket: Secret };

const other: ProxmoxHeader = { kind: 'other' };
const malformed: ProxmoxHeader = { kind: 'malformed' };

/** The user is what stands before the first `!` behind its `@`; the secret holds neither separator. */
const named = /^(?<userId>[^@!]*(?:@[^!]*)?)!(?<name>.+)[=:](?<secret>[^=:]+)$/s;

export function readProxmoxHeader(authorization: string, prefix: string): ProxmoxHeader {
  const line = authorization.trim();
  if (!line.startsWith(prefix)) return other;
  const text = behind(line, `${prefix}APIToken`, '= ');
  if (text !== undefined) {
    const { userId, name, secret } = named.exec(text)?.groups ?? {};
    const parts = [userId, name, secret].map((part) => decoded(part ?? ''));
    const [user = '', label = '', key = ''] = parts;
    return user === '' || label === '' || key === ''
      ? malformed
      : { kind: 'token', userId: user, name: label, secret: key };
  }
  const ticket = behind(line, `${prefix}AuthCookie`, '=');
  if (ticket !== undefined) return { kind: 'ticket', ticket: plainTicket(ticket) };
  return other;
}

/** A ticket as its cookie's value is sent: as it is, or percent-encoded as a whole. */
export function plainTicket(value: string): Secret {
  return (value.includes(':') ? value : decoded(value)) as Secret;
}

function behind(line: string, word: string, separators: string): string | undefined {
  const mark = line.charAt(word.length);
  return line.startsWith(word) && mark !== '' && separators.includes(mark)
    ? line.slice(word.length + 1).trim()
    : undefined;
}

/** Empty where it cannot be decoded. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
