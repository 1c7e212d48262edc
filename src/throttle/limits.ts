/**
 * Every limit on guessing, in one table (3-rules, Guessing), and what each way in is charged with. A way that is not in
 * `charges` does not compile: there is no way in without a limit.
 */

const secondMs = 1000;
export const minuteMs = 60_000;
export const hourMs = 3_600_000;
export const dayMs = 86_400_000;

export interface NetworkLimit {
  /** How much of an address makes the network. */
  readonly bits: { readonly v4: number; readonly v6: number };
  /** Failures let through per window. */
  readonly perMinute: number;
  readonly perDay: number;
  /** Networks of this size remembered per address family; the oldest that is not blocked gives way. */
  readonly remembered: number;
}

/** One person's network, as far as anybody can tell. */
export const narrowNetwork = {
  bits: { v4: 32, v6: 64 },
  perMinute: 10,
  perDay: 50,
  remembered: 65_536,
} as const satisfies NetworkLimit;

/** Whom these surround is charged with them only where nobody ever signed in from. */
export const widerNetworks = {
  middle: { bits: { v4: 26, v6: 48 }, perMinute: 30, perDay: 150, remembered: 8192 },
  wide: { bits: { v4: 21, v6: 32 }, perMinute: 90, perDay: 450, remembered: 8192 },
} as const satisfies Readonly<Record<string, NetworkLimit>>;

/** Failed sign-ins over any five minutes, per narrow network. */
export const signInWindow = { most: 5, ms: 5 * minuteMs, remembered: 8192 } as const;

/** One name from one network: after so many failures in a row each further one costs a pause that doubles. */
export const nameFromNetwork = {
  free: 5,
  firstMs: 2 * secondMs,
  longestMs: 15 * minuteMs,
  forgottenAfterMs: dayMs,
  remembered: 16_384,
} as const;

/** One name from all strangers together; one failure is forgiven an hour. */
export const nameFromStrangers = { most: 100, forgivenEveryMs: hourMs, remembered: 16_384 } as const;

/** Wrong secrets an hour from one known device, or within one session. */
export const holderLimit = { most: 10, ms: hourMs, remembered: 65_536 } as const;

/** Wrong secrets in all that end a known device. */
export const deviceFailures = 50;

/** Wrong re-authentications in a row that end a session (3-rules, Sessions). */
export const reauthenticationFailures = 5;

/** Wrong codes of one account from a network where nobody knows it: the fifth in a row, and each after it, pauses TOTP there. */
export const totpFromNetwork = {
  free: 4,
  firstMs: 15 * minuteMs,
  longestMs: 15 * minuteMs,
  forgottenAfterMs: dayMs,
} as const;

/**
 * Wrong codes in a row after which TOTP is locked, until something stronger says otherwise: of strangers, and, counted apart,
 * of networks the account is known in, where more people than its owner can be.
 */
export const codesInRow = 100;

/** Strangers' wrong codes after a right password that make it one that others know. */
export const codesAfterPassword = 10;

/** A sign-in that waits for its second factor: how long, how many wrong answers, and how many of one account at once. */
export const pendingSignIns = { ms: 5 * minuteMs, wrong: 5, most: 20 } as const;

/** A network somebody signed in from is known to that user so long; of each user so many are remembered. */
export const knownNetworks = { ms: 90 * dayMs, most: 100 } as const;

/** Wrong secrets per name that are recognised when they come again within `ms`. */
export const repeatsKept = { perName: 8, ms: dayMs, unknownNames: 8192 } as const;

/** Sessions, tokens and tickets that do not exist, per narrow network: protects the store and nothing else. */
export const unknownSecrets = { perMinute: 600, remembered: 16_384 } as const;

/** Somebody says that a password was forgotten: per narrow network; and the mails that makes, per account. */
export const forgottenPassword = {
  requests: { most: 10, ms: hourMs, remembered: 16_384 },
  mails: { most: 3, ms: hourMs, remembered: 65_536 },
} as const;

/** Mails of notices to one account; what is beyond that stands on its page alone. */
export const noticeMails = { most: 10, ms: hourMs, remembered: 65_536 } as const;

/** Requests of one API token over any minute and any hour (3-rules, API tokens). */
export const tokenLimits = {
  perMinute: { unlessSet: 600, most: 100_000 },
  perHour: { unlessSet: 20_000, most: 1_000_000 },
  /** How much of the smaller limit a node takes at once of what all share; always one at least. */
  slice: 0.1,
  remembered: 65_536,
  /** Requests that wait for the same slice; more are told to come back. */
  waiting: 1024,
  /** How long they wait for an answer before this node counts for itself. */
  patienceMs: secondMs,
  /** Tokens of one account. */
  perUser: 250,
} as const;

/** What a wrong secret is counted against. */
export type Count = 'networks' | 'sign-in-window' | 'name' | 'holder' | 'totp';

/** Every way in whose secret can be guessed. */
export type GuessableWay =
  | 'login'
  | 'login-code'
  | 'code'
  | 'totp'
  | 'enable'
  | 'basic'
  | 'ticket'
  | 'setup-code'
  | 'link'
  | 'reauthentication';

/** What a stranger is charged with. A known device pays from its own budget instead, wherever a name is counted. */
export const charges: Readonly<Record<GuessableWay, readonly [Count, ...Count[]]>> = {
  login: ['networks', 'sign-in-window', 'name'],
  // Codes come after a right password, so there is no name to be counted any more.
  'login-code': ['networks', 'sign-in-window'],
  code: ['networks'],
  // Beside one of those two, by strangers: what it refuses are codes by time alone.
  totp: ['totp'],
  enable: ['networks', 'name'],
  basic: ['networks', 'name'],
  ticket: ['networks', 'name'],
  'setup-code': ['networks'],
  link: ['networks'],
  reauthentication: ['holder'],
};
