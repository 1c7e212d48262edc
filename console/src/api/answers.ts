/** What the API can answer, as unions on `kind`, and the reading of untyped JSON into them. */

export interface PasswordReason {
  readonly code: string;
  /** The server's own sentence, for a reason this version of the pages does not know. */
  readonly detail: string;
}

export type Refusal =
  | { readonly kind: 'offline' }
  | { readonly kind: 'busy' }
  | { readonly kind: 'limited'; readonly seconds: number }
  /** Something answered that does not speak our format: a proxy's error page, most likely. */
  | { readonly kind: 'unreadable' }
  | { readonly kind: 'session-ended' }
  /** The cookie that belongs to a login token did not come back, twice. */
  | { readonly kind: 'cookies-blocked' }
  | {
      readonly kind: 'refused';
      readonly status: number;
      readonly code: string;
      readonly detail: string;
      readonly reasons: readonly PasswordReason[];
      readonly codeWanted: boolean;
      /** What would do as a proof, where one is asked for. */
      readonly methods: readonly string[];
      /** What the server's log calls this request; empty when it did not say. */
      readonly requestId: string;
    };

/** The person was asked for a proof before the request could go on, and did not want to give it. */
export interface GivenUp {
  readonly kind: 'given-up';
}

const refusals: readonly string[] = [
  'offline',
  'busy',
  'limited',
  'unreadable',
  'session-ended',
  'cookies-blocked',
  'refused',
] satisfies readonly Refusal['kind'][];

/** Picks the refusals out of what a form can be in. */
export function isRefusal<State extends { readonly kind: string }>(state: State): state is Extract<State, Refusal> {
  return refusals.includes(state.kind);
}

export interface Status {
  readonly kind: 'status';
  readonly configured: boolean;
  readonly enabled: boolean;
  readonly declined: boolean;
  readonly person: Person;
}

/** What has to be done before anything else can be: add a second factor, choose another password. */
export type Must = 'enrol' | 'change-password' | 'nothing';

export type Person =
  | { readonly kind: 'stranger' }
  | {
      readonly kind: 'signed-in';
      readonly username: string;
      readonly admin: boolean;
      readonly expiresAt: number;
      readonly hasTotp: boolean;
      readonly passkeys: number;
      readonly must: Must;
    };

export type SignedIn = Extract<Person, { kind: 'signed-in' }>;

/** With one a shorter password will do. Recovery codes alone are none. */
export function hasFactor(person: SignedIn): boolean {
  return person.hasTotp || person.passkeys > 0;
}

export type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export function readFields(value: unknown): Fields {
  return isFields(value) ? value : {};
}

export function readText(fields: Fields, name: string): string {
  const value = fields[name];
  return typeof value === 'string' ? value : '';
}

export function readList(fields: Fields, name: string): readonly unknown[] {
  const value: unknown = fields[name];
  return Array.isArray(value) ? value : [];
}

export function readTexts(fields: Fields, name: string): readonly string[] {
  return readList(fields, name).filter((item) => typeof item === 'string');
}

export function readNumber(fields: Fields, name: string): number {
  const value = fields[name];
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}

export function readTime(fields: Fields, name: string): number {
  const time = Date.parse(readText(fields, name));
  return Number.isNaN(time) ? 0 : time;
}

export function readStatus(fields: Fields): Status {
  const person: Person =
    fields['authenticated'] === true
      ? {
          kind: 'signed-in',
          username: readText(fields, 'username'),
          admin: readTexts(fields, 'privileges').includes('admin'),
          expiresAt: readTime(fields, 'expires_at'),
          hasTotp: fields['totp_enabled'] === true,
          passkeys: readNumber(fields, 'passkeys'),
          must: readMust(fields),
        }
      : { kind: 'stranger' };
  return {
    kind: 'status',
    configured: fields['auth_configured'] === true,
    enabled: fields['auth_enabled'] === true,
    declined: fields['declined'] === true,
    person,
  };
}

function readMust(fields: Fields): Must {
  const must = fields['must'];
  return must === 'enrol' || must === 'change-password' ? must : 'nothing';
}

const endedCodes: readonly string[] = ['unauthorized', 'session_expired', 'invalid_token'];

/** A problem answer (RFC 9457) as a refusal. */
export function readRefusal(status: number, fields: Fields): Refusal {
  const code = readText(fields, 'error_code');
  if (code === '') return { kind: 'unreadable' };
  if (status === 429) return { kind: 'limited', seconds: Math.max(1, readNumber(fields, 'retry_after')) };
  if (code === 'busy') return { kind: 'busy' };
  if (status === 401 && endedCodes.includes(code)) return { kind: 'session-ended' };
  return {
    kind: 'refused',
    status,
    code,
    detail: readText(fields, 'detail'),
    reasons: [...readList(fields, 'reasons'), ...readList(fields, 'problems')].map(readReason),
    codeWanted: fields['requires_totp'] === true,
    methods: readTexts(fields, 'methods'),
    requestId: readText(fields, 'request_id'),
  };
}

/** Reasons come as bare codes or as objects with more to say; those about certificates as problems with a message. */
function readReason(value: unknown): PasswordReason {
  if (typeof value === 'string') return { code: value, detail: '' };
  const fields = readFields(value);
  return {
    code: readText(fields, 'code') || readText(fields, 'reason'),
    detail: readText(fields, 'detail') || readText(fields, 'message'),
  };
}
