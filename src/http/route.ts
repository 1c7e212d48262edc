/** The shape of a row of the route table, and how a path finds its row. */
import type * as z from 'zod';
import type { AccountCall, AdminCall, Call, LeavingCall, Outcome, PersonCall, SignedInCall } from '../actions/call.ts';
import type { Refusal } from '../errors.ts';
import type { Need } from '../policy/need.ts';
import type { BodyForm } from './body.ts';

/** A password or a passkey in the body, which is checked whenever it is given; or an open window. */
export type Confirm = () => Promise<Refusal | { readonly kind: 'confirmed' }>;

type Unsafe = 'POST' | 'PATCH' | 'DELETE';

interface RouteBase {
  /** `{name}` takes one segment. */
  readonly path: string;
  /** One line for the OpenAPI document. */
  readonly summary: string;
  /** Names that the query may hold, for the OpenAPI document. */
  readonly query?: readonly string[];
  /**
   * `with-accounts`: only once there are accounts; 503 `not_configured` before that (3-rules, Setup states).
   * `with-sign-in`: also while sign-in is switched off only for whoever shows a credential. `orEmpty`: the same, and
   * otherwise there is an empty list under that name.
   */
  readonly works: 'always' | 'with-accounts' | 'with-sign-in' | { readonly orEmpty: string };
  readonly form: BodyForm;
  /** Nothing but a signed ticket is looked at. */
  readonly reads?: 'tickets';
  readonly body: z.ZodType | null;
  /** 201 where something is made; 200 otherwise. */
  readonly success?: 201;
  /** Codes this route can answer with besides the general ones. */
  readonly refusals: readonly string[];
}

/** Carried out as often as it is asked for, whatever Idempotency-Key it has: what it is for is a session, or its own body. */
interface Unkeyed {
  readonly method: 'GET' | Unsafe;
  readonly repeats?: never;
}

/**
 * `by-key`: what an unsafe request does is done once for an Idempotency-Key, and told again to whoever repeats it
 * (2-http-api, 5). A row that changes something says whether it is.
 */
type Keyed =
  | { readonly method: 'GET'; readonly repeats?: never }
  | { readonly method: Unsafe; readonly repeats: 'by-key' | 'never' };

/** A route for everybody, or one whose secret comes in its body. */
export interface OpenRoute extends RouteBase, Unkeyed {
  readonly who: 'anybody';
  readonly need: Extract<Need, { kind: 'nobody' | 'anybody' | 'local' }>;
  readonly stepUp: 'none';
  readonly action: (call: Call) => Promise<Outcome> | Outcome;
}

/** A route about a session. */
export interface SessionRoute extends RouteBase, Unkeyed {
  readonly who: 'signed-in';
  readonly need: Extract<Need, { kind: 'session' }>;
  /** `fresh`: an open step-up window, or the password in the body, which is checked whenever it is given. */
  readonly stepUp: 'none' | 'fresh';
  readonly action: (call: SignedInCall) => Promise<Outcome> | Outcome;
}

/** The route that ends whatever was signed in with. */
export interface LeavingRoute extends RouteBase, Unkeyed {
  readonly who: 'leaving';
  readonly need: Extract<Need, { kind: 'session' }>;
  readonly stepUp: 'none';
  readonly action: (call: LeavingCall) => Promise<Outcome> | Outcome;
}

/** A route for a person, with a session, a signed ticket or over Basic. */
export type PersonRoute = RouteBase & Keyed & PersonColumns;

interface PersonColumns {
  readonly who: 'person';
  readonly need: Extract<Need, { kind: 'person' }>;
  readonly stepUp: SessionRoute['stepUp'];
  readonly action: (call: PersonCall) => Promise<Outcome> | Outcome;
}

/** A route of administration, which the service key reaches as well. */
export type AdminRoute = RouteBase & Keyed & AdminColumns;

interface AdminColumns {
  readonly who: 'admin';
  readonly need: Extract<Need, { kind: 'account' | 'admin' }>;
  /** `by-content`: fresh when what is asked for widens something; the action sees that, and asks. */
  readonly stepUp: SessionRoute['stepUp'] | 'by-content';
  readonly action: (call: AdminCall, confirm: Confirm) => Promise<Outcome> | Outcome;
}

/** A route for whatever acts as an account: a person, or a token that reaches so far. */
export type AccountRoute = RouteBase & Keyed & AccountColumns;

interface AccountColumns {
  readonly who: 'account';
  readonly need: Extract<Need, { kind: 'account' }>;
  readonly stepUp: SessionRoute['stepUp'];
  /** 200 that says what is missing, where a password came without its second factor (2-http-api, 4). */
  readonly asksForCode?: true;
  readonly action: (call: AccountCall) => Promise<Outcome> | Outcome;
}

export type Route = OpenRoute | SessionRoute | LeavingRoute | PersonRoute | AccountRoute | AdminRoute;

type Row<R, Action, S extends z.ZodType | null> = R extends unknown
  ? Omit<R, 'who' | 'body' | 'action'> & { readonly body: S; readonly action: Action }
  : never;
type BodyOf<S> = S extends z.ZodType ? z.infer<S> : unknown;
type Answered = Promise<Outcome> | Outcome;

/** The handler has checked the body against the row's schema before the action sees it; this is where that becomes a type. */
export function open<S extends z.ZodType | null>(row: Row<OpenRoute, (call: Call<BodyOf<S>>) => Answered, S>): Route {
  return { ...row, who: 'anybody' } as OpenRoute;
}

export function account<S extends z.ZodType | null>(
  row: Row<AccountRoute, (call: AccountCall<BodyOf<S>>) => Answered, S>,
): Route {
  return { ...row, who: 'account' } as AccountRoute;
}

export function admin<S extends z.ZodType | null>(
  row: Row<AdminRoute, (call: AdminCall<BodyOf<S>>, confirm: Confirm) => Answered, S>,
): Route {
  return { ...row, who: 'admin' } as AdminRoute;
}

export function person<S extends z.ZodType | null>(
  row: Row<PersonRoute, (call: PersonCall<BodyOf<S>>) => Answered, S>,
): Route {
  return { ...row, who: 'person' } as PersonRoute;
}

export function signedIn<S extends z.ZodType | null>(
  row: Row<SessionRoute, (call: SignedInCall<BodyOf<S>>) => Answered, S>,
): Route {
  return { ...row, who: 'signed-in' } as SessionRoute;
}

export function leaving<S extends z.ZodType | null>(
  row: Row<LeavingRoute, (call: LeavingCall<BodyOf<S>>) => Answered, S>,
): Route {
  return { ...row, who: 'leaving' } as LeavingRoute;
}

export type RouteMatch =
  | { readonly kind: 'no-path' }
  | { readonly kind: 'no-method'; readonly allow: readonly string[] }
  | { readonly kind: 'matched'; readonly route: Route; readonly params: Readonly<Record<string, string>> };

/** Paths are compared as they came, byte by byte: what is spelled otherwise is another path, and there is nothing there. */
export function routeFinder(routes: readonly Route[]): (method: string, path: string) => RouteMatch {
  const fixed = new Map<string, Route[]>();
  const patterns: { readonly pattern: RegExp; readonly rows: Route[] }[] = [];
  const byPath = Map.groupBy(routes, (route) => route.path);
  for (const [path, rows] of byPath) {
    if (path.includes('{')) patterns.push({ pattern: patternOf(path), rows });
    else fixed.set(path, rows);
  }
  return (method, path) => {
    const exact = fixed.get(path);
    if (exact) return pick(exact, method, {});
    for (const { pattern, rows } of patterns) {
      const match = pattern.exec(path);
      if (match) return pick(rows, method, match.groups ?? {});
    }
    return { kind: 'no-path' };
  };
}

function pick(rows: readonly Route[], method: string, params: Readonly<Record<string, string>>): RouteMatch {
  const wanted = method === 'HEAD' ? 'GET' : method;
  const route = rows.find((row) => row.method === wanted);
  if (route) return { kind: 'matched', route, params };
  const allow = rows.flatMap((row) => (row.method === 'GET' ? ['GET', 'HEAD'] : [row.method]));
  return { kind: 'no-method', allow };
}

/** The longest id in a path is that of a passkey: 1023 bytes, base64url. */
const segment = '[A-Za-z0-9_-]{1,1364}';

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replace(/[.]/g, '\\.').replace(/\{([a-z_]+)\}/g, `(?<$1>${segment})`)}$`);
}
