/**
 * Every answer that is not a success: code, status, and the sentence shown to whoever asked (2-http-api, 2. Conventions).
 * A sentence never tells more than its code: unknown, wrong, disabled and expired look alike outside; the log knows.
 */
interface Problem {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
}

export const problems = {
  invalid_request: { status: 400, title: 'Invalid request', detail: 'The request could not be understood.' },
  unauthorized: { status: 401, title: 'Not signed in', detail: 'Sign in first.' },
  invalid_credentials: { status: 401, title: 'Invalid credentials', detail: 'The name or the password is not right.' },
  session_expired: { status: 401, title: 'Session ended', detail: 'This session has ended. Sign in again.' },
  invalid_token: { status: 401, title: 'Invalid token', detail: 'This token is not valid.' },
  second_factor_required: {
    status: 401,
    title: 'Second factor needed',
    detail: 'The password is right, and the code of the second factor is wanted with it: send it as X-Auth-Token.',
  },
  forbidden: { status: 403, title: 'Not allowed', detail: 'This account may not do that.' },
  insufficient_scope: {
    status: 403,
    title: 'Scope too small',
    detail: 'This token was not made for that.',
  },
  address_denied: {
    status: 403,
    title: 'Address not allowed',
    detail: 'This token may not be used from this address.',
  },
  csrf_failed: {
    status: 403,
    title: 'Cross-site request refused',
    detail: 'The request did not prove that it comes from this site.',
  },
  login_token_invalid: {
    status: 403,
    title: 'Login token invalid',
    detail: 'The login token is not valid any more, or its cookie did not arrive. Prepare the sign-in again.',
  },
  reauthentication_required: {
    status: 403,
    title: 'Confirmation needed',
    detail: 'Confirm first that it is you: with your password, and your second factor if there is one.',
  },
  reauthentication_failed: {
    status: 403,
    title: 'Confirmation failed',
    detail: 'The password, the code or the passkey is not right.',
  },
  setup_code_invalid: {
    status: 403,
    title: 'Setup code invalid',
    detail: 'The setup code is not right or has expired.',
  },
  link_invalid: {
    status: 403,
    title: 'Link invalid',
    detail: 'This link is not valid any more. Ask for a new one.',
  },
  already_configured: { status: 403, title: 'Already set up', detail: 'This installation has been set up already.' },
  not_found: { status: 404, title: 'Not found', detail: 'There is nothing here.' },
  method_not_allowed: { status: 405, title: 'Method not allowed', detail: 'This method does not work here.' },
  request_timeout: { status: 408, title: 'Too slow', detail: 'The request took too long to arrive.' },
  conflict: { status: 409, title: 'Conflict', detail: 'That does not fit the present state.' },
  idempotency_in_progress: {
    status: 409,
    title: 'Under way',
    detail: 'The same request is being carried out at this moment. Ask again for its answer.',
  },
  idempotency_unknown: {
    status: 409,
    title: 'Outcome unknown',
    detail:
      'Carrying out that request was cut short, and it will not be repeated under this key. Look whether it was done; then use a new key.',
  },
  payload_too_large: { status: 413, title: 'Too large', detail: 'The request is larger than allowed.' },
  unsupported_media_type: {
    status: 415,
    title: 'Unsupported media type',
    detail: 'Send application/json in UTF-8, without content encoding.',
  },
  misdirected_request: {
    status: 421,
    title: 'Unknown host',
    detail: 'This server does not answer for that host name.',
  },
  password_refused: { status: 422, title: 'Password refused', detail: 'Choose another password.' },
  idempotency_mismatch: {
    status: 422,
    title: 'Key used before',
    detail: 'This Idempotency-Key was used for another request.',
  },
  not_applied: {
    status: 424,
    title: 'Not applied',
    detail: 'This was not done, because another part of the same request could not be.',
  },
  rate_limited: { status: 429, title: 'Too many attempts', detail: 'Too many failed attempts. Wait, then try again.' },
  headers_too_large: {
    status: 431,
    title: 'Headers too large',
    detail: 'The headers of the request are larger than allowed.',
  },
  internal: {
    status: 500,
    title: 'Internal error',
    detail: 'Something went wrong here. The log of the server knows more.',
  },
  upstream_unreachable: {
    status: 502,
    title: 'Application unreachable',
    detail: 'The application behind this sign-in did not answer.',
  },
  upstream_timeout: {
    status: 504,
    title: 'Application too slow',
    detail: 'The application behind this sign-in did not answer in time.',
  },
  busy: { status: 503, title: 'Busy', detail: 'Too many sign-ins at once. Try again in a moment.' },
  not_configured: { status: 503, title: 'Not set up', detail: 'This installation has not been set up yet.' },
  unavailable: {
    status: 503,
    title: 'Unavailable',
    detail: 'The server cannot check this right now. Try again in a moment.',
  },
} as const satisfies Readonly<Record<string, Problem>>;

export type ErrorCode = keyof typeof problems;

/** A refusal on its way out. Only `code`, `detail` and the extra fields are ever shown; `cause` is for the log. */
export interface Refusal {
  readonly kind: 'refused';
  readonly code: ErrorCode;
  /** Replaces the table's sentence where more can be said safely. */
  readonly detail?: string;
  /** Seconds until a new try makes sense; also sent as `Retry-After`. */
  readonly retryAfterSeconds?: number;
  /** Further fields of the problem answer (2-http-api, 2), in snake_case. */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** What is wrong with which field of the body, told where clients look for that (2-http-api, 8). */
  readonly errors?: Readonly<Record<string, string>>;
  /** What really happened, one word for log, attempts and audit: `unknown-user`, `disabled`, `expired`, … */
  readonly cause?: string;
  /** Header names and values in turn that go out with the refusal. */
  readonly headers?: readonly string[];
  /** Set-Cookie lines that go out with the refusal: spent and dead cookies are expired. */
  readonly cookies?: readonly string[];
  /** There is no room for whoever asks again on the same connection. */
  readonly connection?: 'close';
}

export function refuse(code: ErrorCode, more: Omit<Refusal, 'kind' | 'code'> = {}): Refusal {
  return { kind: 'refused', code, ...more };
}
