/**
 * The text of a signed ticket (3-rules, Tickets): `PREFIX:name:TIME::BLOB`. `name` is `user@realm`, percent-encoded; TIME eight
 * upper-case hexadecimal digits of seconds since the epoch; BLOB base64 without padding of what `layout` says. One ticket
 * has one spelling: any other is no ticket. Pure. Stops: a ticket that is read in two ways, and parts that run into each other.
 */
import { compareDigests, type Comparison, keyedDigest } from '../../crypto/digest.ts';
import type { Millis, Secret, UserId } from '../../types.ts';

/** What a ticket says, in the clear; nothing of it is true before its signature was checked. */
export interface TicketClaims {
  /** `user@realm` as the person signed in by it. */
  readonly name: string;
  /** Whole seconds. */
  readonly issuedAt: Millis;
  /** Id of the key that signed it. */
  readonly keyId: string;
  /** 128 random bits, base64url: all tickets that came from one sign-in have the same, and no others. A secret. */
  readonly serial: string;
  readonly userId: UserId;
  /** When the password was given: a refreshed ticket keeps it. */
  readonly firstSignIn: Millis;
  readonly generation: number;
  /** 32 random bits, base64url: no two tickets are the same, also of one sign-in and one second. */
  readonly nonce: string;
}

export interface SignedTicket extends TicketClaims {
  /** Ed25519, base64url, over `partsOf`. */
  readonly signature: string;
}

export type TicketForm =
  /** Not one of this prefix: somebody else's. */
  | { readonly kind: 'foreign' }
  | { readonly kind: 'malformed' }
  | { readonly kind: 'ticket'; readonly ticket: SignedTicket };

const foreign: TicketForm = { kind: 'foreign' };
const malformed: TicketForm = { kind: 'malformed' };

/** Bytes of each field, in this order, behind a byte that is the version. */
const layout = { keyId: 12, serial: 16, userId: 16, firstSignIn: 6, generation: 4, nonce: 4 } as const;
const version = 1;
const bodyLength =
  1 + layout.keyId + layout.serial + layout.userId + layout.firstSignIn + layout.generation + layout.nonce;
const signatureLength = 64;
const userIdPrefix = 'u_';

/** Longer than any ticket: a name has 64 characters of up to four bytes. */
const mostCharacters = 2048;
const anyForm = /:[^:]+:[0-9A-Fa-f]{8}::[A-Za-z0-9+/_-]{43}/y;
const form = /^([A-Z]{2,8}):([^:]{1,1024}):([0-9A-F]{8})::([A-Za-z0-9+/]{164})$/;

/** What is signed, in turn; the signature puts a length before each (`crypto/sign.ts`). */
export function partsOf(prefix: string, claims: TicketClaims): readonly string[] {
  return [prefix, encodedName(claims.name), hexTime(claims.issuedAt), unpadded(bodyOf(claims))];
}

export function writeTicket(prefix: string, ticket: SignedTicket): Secret {
  const blob = Buffer.concat([bodyOf(ticket), Buffer.from(ticket.signature, 'base64url')]);
  return `${headOf(prefix, ticket)}::${unpadded(blob)}` as Secret;
}

/** For scripts that cannot read the cookie: who and until when, and never mistaken for a ticket (2-http-api, 8). */
export function writeTicketInfo(prefix: string, claims: TicketClaims): string {
  return `${headOf(prefix, claims)}::ticketinfo`;
}

export function readTicket(text: string, prefix: string): TicketForm {
  if (!text.startsWith(`${prefix}:`)) return foreign;
  if (text.length > mostCharacters) return malformed;
  const [, , name = '', time = '', blobText = ''] = form.exec(text) ?? [];
  const decoded = decodedName(name);
  if (decoded === undefined) return malformed;
  const blob = Buffer.from(blobText, 'base64');
  if (blob.length !== bodyLength + signatureLength || blob[0] !== version) return malformed;
  let at = 1;
  const take = (length: number): Buffer => blob.subarray(at, (at += length));
  const ticket: SignedTicket = {
    name: decoded,
    issuedAt: (Number.parseInt(time, 16) * 1000) as Millis,
    keyId: take(layout.keyId).toString('base64url'),
    serial: take(layout.serial).toString('base64url'),
    userId: `${userIdPrefix}${take(layout.userId).toString('base64url')}` as UserId,
    firstSignIn: take(layout.firstSignIn).readUIntBE(0, layout.firstSignIn) as Millis,
    generation: take(layout.generation).readUInt32BE(0),
    nonce: take(layout.nonce).toString('base64url'),
    signature: take(signatureLength).toString('base64url'),
  };
  // Case of escapes, bits beyond the last byte, what is percent-encoded without need: one spelling each.
  return writeTicket(prefix, ticket) === text ? { kind: 'ticket', ticket } : malformed;
}

/**
 * What an unsafe request has to say beside the cookie, in the form that clients know: TIME and a keyed digest over it, under the
 * serial. So that of a refreshed ticket is good beside the one before it, which clients send with the request that refreshes.
 */
export function ticketCsrf(ticket: string): string {
  return csrfOf(ticket, ticket.split(':', 3)[2] ?? '');
}

/** Whether it is that of a ticket from the same sign-in. */
export function checkTicketCsrf(ticket: string, shown: string): Comparison {
  return compareDigests(shown, csrfOf(ticket, shown.split(':', 1)[0] ?? ''));
}

function csrfOf(ticket: string, time: string): string {
  const blob = Buffer.from(ticket.slice(ticket.lastIndexOf(':') + 1), 'base64');
  const serial = blob.subarray(1 + layout.keyId, 1 + layout.keyId + layout.serial);
  return `${time}:${keyedDigest(serial, 'ticket-csrf', time)}`;
}

/**
 * Whether a text was meant as a ticket, whole or not, of a right password alone, or without its signature: such a text is
 * nobody's password, and goes to nobody who checks passwords.
 */
export function meantAsTicket(text: string, prefix: string): 'ticket' | 'other' {
  const said = text.trim();
  return said.startsWith(`${prefix}:`) && /^[^:]*:[0-9a-f]{8}::/i.test(said.slice(prefix.length + 1))
    ? 'ticket'
    : 'other';
}

/** Whether one stands anywhere in a text, whole or partial, in whatever it is packed: no more than that is known of it. */
export function holdsTicket(text: string, prefix: string): 'ticket' | 'none' {
  for (let at = text.indexOf(`${prefix}:`); at !== -1; at = text.indexOf(`${prefix}:`, at + 1)) {
    anyForm.lastIndex = at + prefix.length;
    if (anyForm.test(text)) return 'ticket';
  }
  return 'none';
}

function headOf(prefix: string, { name, issuedAt }: TicketClaims): string {
  return `${prefix}:${encodedName(name)}:${hexTime(issuedAt)}`;
}

function bodyOf({ keyId, serial, userId, firstSignIn, generation, nonce }: TicketClaims): Buffer {
  const numbers = Buffer.alloc(layout.firstSignIn + layout.generation);
  numbers.writeUIntBE(firstSignIn, 0, layout.firstSignIn);
  numbers.writeUInt32BE(generation, layout.firstSignIn);
  const body = Buffer.concat([
    Buffer.from([version]),
    Buffer.from(keyId, 'base64url'),
    Buffer.from(serial, 'base64url'),
    Buffer.from(userId.slice(userIdPrefix.length), 'base64url'),
    numbers,
    Buffer.from(nonce, 'base64url'),
  ]);
  if (body.length !== bodyLength) throw new Error('Cannot write a ticket: one of its ids has another length');
  return body;
}

function hexTime(at: Millis): string {
  return Math.floor(at / 1000)
    .toString(16)
    .toUpperCase()
    .padStart(8, '0');
}

/** An exclamation mark begins what is no name: partial tickets. */
function encodedName(name: string): string {
  return encodeURIComponent(name).replaceAll('%40', '@').replaceAll('!', '%21');
}

function decodedName(encoded: string): string | undefined {
  try {
    return encoded === '' ? undefined : decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}

function unpadded(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replaceAll('=', '');
}
