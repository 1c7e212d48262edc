/**
 * The nouns. Every value that was checked once carries a brand, so that limits, rules and logs can ask for the checked
 * form and the compiler refuses the raw one. Each brand is minted in exactly one function, in the room named beside it.
 */

declare const brand: unique symbol;
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** Milliseconds since the epoch, from the one clock. */
export type Millis = Brand<number, 'Millis'>;
/** Random identifier of a user, 128 bits; never shown to be guessable, never a secret. Minted in `crypto/random.ts`. */
export type UserId = Brand<string, 'UserId'>;
/** Random identifier of a session row; what lists and audit show instead of the token. Minted in `crypto/random.ts`. */
export type SessionId = Brand<string, 'SessionId'>;
/** Random identifier of an API token's row; what lists and audit show instead of the token. Minted in `crypto/random.ts`. */
export type TokenId = Brand<string, 'TokenId'>;
/** What a token may be used for, or what is asked for: `read:projects`, `read:*`, `*`. Minted in `request/tokens/scope.ts`. */
export type Scope = Brand<string, 'Scope'>;
/** Canonical user name: one spelling for limits, look-ups and logs. Minted in `request/username.ts`. */
export type Username = Brand<string, 'Username'>;
/** A password after OpaqueString (RFC 8265 section 4.2): 1 to 1024 bytes. Minted in `request/password.ts`. */
export type Password = Brand<string, 'Password'>;
/** Canonical client address: IPv4 dotted, or IPv6 compressed without zone; mapped IPv4 folded. Minted in `request/address.ts`. */
export type Address = Brand<string, 'Address'>;
/** `scheme://host[:port]`, lower case, without a default port. Minted in `request/origin.ts`. */
export type Origin = Brand<string, 'Origin'>;
/** A secret as it travels: session token, ticket, code. Never stored, never logged. */
export type Secret = Brand<string, 'Secret'>;
/** SHA-256 of a secret, base64url: what is stored and looked up. Minted in `crypto/digest.ts`. */
export type Digest = Brand<string, 'Digest'>;
/** Number of a change in the one-row counter (3-rules, The hot path). */
export type Seq = Brand<number, 'Seq'>;

/** Time comes in as an argument; the only real one is made in `setup.ts`. */
export interface Clock {
  /** Wall-clock time, for what is written down and what expires. */
  now(): Millis;
  /** Milliseconds that never go back, for delays and staleness. */
  monotonic(): number;
}

/** Answered at once on the hot path, later elsewhere. */
export type MaybePromise<T> = T | Promise<T>;

/** What came along with a secret that can be guessed. */
export interface Circumstances {
  readonly address: Address;
  /** Who the connection came from. */
  readonly peer: Address;
  /** Monotonic time the request arrived, for the hold. */
  readonly arrivedAt: number;
  /** Value of the device cookie; empty without one. */
  readonly device: string;
  /** Where the page lives that sent it: passkeys are good for one. */
  readonly origin: Origin;
}

/** A session kind is data (3-rules, Sessions): an embedding application may add its own. */
export interface SessionKind {
  readonly name: string;
  readonly idleMs: number;
  readonly absoluteMs: number;
  /** Live sessions of one user and transport; the oldest gives way. */
  readonly cap: number;
  /** False: gone when the installation restarts. */
  readonly durable: boolean;
  readonly sameSite: 'Lax' | 'Strict';
  /** Privilege a user must hold to get one, and to keep using it. */
  readonly privilege: string | null;
}
