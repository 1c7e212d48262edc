/**
 * What every cell of the corridor must get: a row of the route table × whatever a request shows for itself, with the answer in
 * status and code. It comes from a row's need and the contract's order of checks (2-http-api, 2) as they are written here
 * once more, not from the product's own judgement. Bodies fit no schema and ids exist nowhere, so that what is let through
 * shows as 400 or 404 and changes nothing.
 */
import assert from 'node:assert/strict';
import type { Route } from '../../src/http/route.ts';
import { type RouteParts, routes } from '../../src/http/routes.ts';
import { type Got, send, type Sent } from './client.ts';

/** No row is called here: the running server has its own table, made from the same function. */
export const table = routes({ consoleKinds: ['account', 'admin'] } as unknown as RouteParts);

/** Who owns what is shown: an admin, a former one, or somebody who never was. */
export type Standing = 'admin' | 'demoted' | 'user';

export interface TokenShown {
  readonly kind: 'token';
  readonly scopes: readonly string[];
  readonly owner: Standing;
}

export interface SessionShown {
  readonly kind: 'session';
  readonly owner: Standing;
  readonly sessionKind: 'account' | 'admin';
  readonly csrf: 'not-asked' | 'right' | 'wrong' | 'foreign';
}

/** Name and secret; a browser that has them sends them by itself, so that its Origin is asked. */
export interface BasicShown {
  readonly kind: 'basic';
  readonly owner: Standing;
  readonly by: 'password' | 'user-key';
  readonly csrf: 'not-asked' | 'foreign';
}

/** A signed ticket; in a header no page of another origin can send it along. */
export interface SignedTicketShown {
  readonly kind: 'signed-ticket';
  readonly owner: Standing;
  readonly carried: 'cookie' | 'header';
  readonly csrf: 'not-asked' | 'right' | 'wrong' | 'foreign';
}

/** What a request shows for itself, as far as the contract goes by it. */
export type Shown =
  | { readonly kind: 'nothing' }
  | {
      readonly kind: 'dead';
      readonly code: 'invalid_token' | 'session_expired' | 'invalid_credentials' | 'second_factor_required';
    }
  | { readonly kind: 'unreadable' }
  | { readonly kind: 'off-list' }
  | { readonly kind: 'ticket'; readonly of: SessionShown | TokenShown }
  /** `from`: whether it is taken from elsewhere than this machine. */
  | { readonly kind: 'service'; readonly from: 'local' | 'anywhere'; readonly csrf: 'not-asked' | 'foreign' }
  | BasicShown
  | SignedTicketShown
  | SessionShown
  | TokenShown;

export interface Way {
  readonly name: string;
  readonly shown: Shown;
  /** Headers, and a query, for a request to that path. */
  readonly show: (path: string) => Promise<Showing> | Showing;
  /** Unknown secrets are counted per address. */
  readonly from?: string;
}

export interface Showing {
  readonly headers: Readonly<Record<string, string>>;
  readonly query?: string;
}

export interface Wanted {
  readonly status: number;
  readonly code?: string;
  readonly requiredScope?: string;
  /** What it would have been, where the status itself is 200 (2-http-api, 8). */
  readonly inBody?: number;
}

export const refused = (status: number, code: string): Wanted => ({ status, code });

function holds({ scopes, owner }: TokenShown, wanted: string): 'reaches' | 'too small' {
  const all = wanted.startsWith('sallyport:') && scopes.includes('sallyport:admin');
  return owner === 'admin' && (all || scopes.includes(wanted)) ? 'reaches' : 'too small';
}

export type Locality = 'remote' | 'local';

/** Whether the contract says of a row that Basic is a way in. */
const takesBasic = ({ need }: Route): boolean => need.kind !== 'nobody' && need.kind !== 'session';

/** The contract, read for one cell: credential, CSRF, need. Null: nothing stands in the way of what comes after. */
export function turnedAway(row: Route, { shown }: Pick<Way, 'shown'>, locality: Locality): Wanted | null {
  const unsafe = row.method !== 'GET';
  const foreign = 'csrf' in shown && shown.csrf === 'foreign' && unsafe;
  const { need } = row;
  if (need.kind === 'nobody' || (need.kind === 'local' && locality === 'local'))
    return foreign ? refused(403, 'csrf_failed') : null;
  if (row.reads === 'tickets') return leavingByTicket(shown, unsafe);
  const farKey = shown.kind === 'service' && shown.from === 'local' && locality === 'remote';
  if (need.kind === 'anybody' && (need.header !== 'judged' || inCookie(shown))) return null;
  switch (shown.kind) {
    case 'dead':
      return refused(401, shown.code);
    case 'unreadable':
      return refused(400, 'invalid_request');
    case 'off-list':
      return refused(403, 'address_denied');
    case 'session':
      // The kind asks for the privilege whenever it is used.
      if (shown.sessionKind === 'admin' && shown.owner !== 'admin') return refused(403, 'forbidden');
      if (unsafe && (shown.csrf === 'wrong' || shown.csrf === 'foreign')) return refused(403, 'csrf_failed');
      break;
    case 'service':
      if (farKey) return refused(401, 'invalid_credentials');
      if (foreign) return refused(403, 'csrf_failed');
      break;
    case 'basic':
      if (foreign) return refused(403, 'csrf_failed');
      break;
    case 'signed-ticket':
      if (unsafe && shown.carried === 'cookie' && (shown.csrf === 'wrong' || foreign))
        return refused(403, 'csrf_failed');
      break;
    case 'ticket':
      // In a URL, so for reading alone.
      if (unsafe) return refused(403, 'forbidden');
      break;
    case 'nothing':
    case 'token':
      break;
  }
  return fallsShort(row, shown);
}

/** Nothing but a signed ticket is read, and it does without: whoever has none is asked where they come from all the same. */
function leavingByTicket(shown: Shown, unsafe: boolean): Wanted | null {
  if (!unsafe || !('csrf' in shown)) return null;
  if (shown.kind === 'signed-ticket')
    return shown.carried === 'cookie' && (shown.csrf === 'wrong' || shown.csrf === 'foreign')
      ? refused(403, 'csrf_failed')
      : null;
  return shown.csrf === 'foreign' ? refused(403, 'csrf_failed') : null;
}

/** Where a route does without, a cookie that is none any more is no cookie. */
const inCookie = (shown: Shown): boolean =>
  shown.kind === 'session' || (shown.kind === 'signed-ticket' && shown.carried === 'cookie')
    ? shown.csrf !== 'not-asked'
    : shown.kind === 'dead' && shown.code === 'session_expired';

/** The need, for whatever is genuine. */
function fallsShort(
  { need }: Pick<Route, 'need'>,
  shown: Exclude<Shown, { kind: 'dead' | 'unreadable' | 'off-list' }>,
): Wanted | null {
  const tooSmall = (scope: string): Wanted => ({ ...refused(403, 'insufficient_scope'), requiredScope: scope });
  const byScope = (token: TokenShown, scope: string): Wanted | null =>
    holds(token, scope) === 'reaches' ? null : tooSmall(scope);
  switch (need.kind) {
    case 'nobody':
    case 'anybody':
      return null;
    case 'local':
      if (shown.kind === 'service') return null;
      return shown.kind === 'token' ? byScope(shown, need.scope) : refused(401, 'unauthorized');
    case 'session':
    case 'person':
    case 'account':
      if (shown.kind === 'nothing') return refused(401, 'unauthorized');
      if (shown.kind === 'session') return null;
      if (shown.kind === 'basic') return need.kind === 'session' ? refused(403, 'forbidden') : null;
      if (shown.kind === 'signed-ticket')
        return need.kind === 'session' && need.tickets !== 'admitted' ? refused(403, 'forbidden') : null;
      if (shown.kind === 'service')
        return need.kind === 'account' && need.service === 'admitted' ? null : refused(403, 'forbidden');
      if (shown.kind === 'ticket' || need.kind !== 'account') return refused(403, 'forbidden');
      return need.scope === 'any' ? null : byScope(shown, need.scope);
    case 'admin': {
      if (shown.kind === 'nothing') return refused(401, 'unauthorized');
      if (shown.kind === 'service') return null;
      const holder = shown.kind === 'ticket' ? shown.of : shown;
      if (holder.owner !== 'admin') return refused(403, 'forbidden');
      return holder.kind === 'token' ? byScope(holder, need.scope) : null;
    }
  }
}

const nowhere = 'x_AAAAAAAAAAAAAAAAAAAAAA';
export const concrete = ({ path }: Route): string => path.replaceAll(/\{[a-z_]+\}/g, nowhere);

/** And what comes after, with a body that fits nothing, or an id that is nowhere. */
export function wantedIn(row: Route, way: Pick<Way, 'shown'>, locality: Locality): Wanted {
  const away = turnedAway(row, way, locality);
  if (away !== null) return away;
  if (row.method !== 'GET' && row.path.startsWith('/api2/extjs/'))
    return { ...refused(200, 'invalid_request'), inBody: 400 };
  if (row.method !== 'GET') return refused(400, 'invalid_request');
  return row.path.includes('{') ? refused(404, 'not_found') : { status: 200 };
}

export const nameOf = (row: Route): string => `${row.method} ${row.path}`;

/** Of an untrusted peer nobody believes it, but whoever sends it is not on this machine. */
export const notLocal = { 'x-forwarded-for': '203.0.113.9' } as const;

/** So many at once. */
export async function inGroups<T>(all: readonly T[], size: number, each: (one: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < all.length; at += size) await Promise.all(all.slice(at, at + size).map(each));
}

/** One request of a cell. */
export async function askIn(
  base: string,
  row: Route,
  way: Way,
  locality: Locality,
  // Nothing that fits: no object, and no whole cell.
  body: unknown = row.form === 'csv' ? '"' : '[]',
): Promise<Got> {
  const path = concrete(row);
  const { headers, query = '' } = await way.show(path);
  const type = row.form === 'csv' ? 'text/csv' : 'application/json';
  const typed = row.method === 'GET' ? {} : { 'content-type': type };
  const sent: Sent = {
    method: row.method,
    headers: { ...headers, ...typed, ...(locality === 'remote' ? notLocal : {}) },
    ...(row.method === 'GET' ? {} : { body }),
    ...(way.from === undefined ? {} : { from: way.from }),
  };
  return send(`${base}${path}${query}`, sent);
}

/** What is wrong with an answer; empty when nothing is. */
export function faultsOf(row: Route, way: Way, locality: Locality, wanted: Wanted, got: Got): readonly string[] {
  const cell = `${nameOf(row)}, ${locality} × ${way.name}`;
  const faults: string[] = [];
  const same = (what: string, is: unknown, should: unknown): void => {
    if (JSON.stringify(is) !== JSON.stringify(should))
      faults.push(`${cell}: ${what} ${JSON.stringify(is)}, not ${JSON.stringify(should)}: ${got.text.slice(0, 200)}`);
  };
  same('status', got.status, wanted.status);
  same('error_code', got.json['error_code'], wanted.code);
  if (wanted.inBody !== undefined) same('status in the body', got.json['status'], wanted.inBody);
  if (row.path.startsWith('/api2/')) {
    same('type', got.headers['content-type'], 'application/json;charset=UTF-8');
    same('data', got.json['data'] === null, wanted.code !== undefined || row.path.endsWith('/ticket'));
  }
  same('cache-control', got.headers['cache-control'], 'no-store');
  const challenge = got.headers['www-authenticate'] ?? '';
  const { shown } = way;
  // A page of another origin says so as browsers do, and a browser would ask its user.
  const browser = 'csrf' in shown && shown.csrf === 'foreign';
  same('challenged for Basic', challenge.includes('Basic '), wanted.status === 401 && takesBasic(row) && !browser);
  const holder = shown.kind === 'ticket' ? shown.of : shown;
  if (wanted.requiredScope !== undefined && holder.kind === 'token') {
    const { scopes, owner } = holder;
    const ours = /^(sallyport|admin):/;
    const inForce = owner === 'admin' ? scopes : scopes.filter((scope) => !ours.test(scope));
    same('required_scope', got.json['required_scope'], [wanted.requiredScope]);
    same('available_scopes', got.json['available_scopes'], inForce);
    same('challenge', challenge.includes(`error="insufficient_scope", scope="${wanted.requiredScope}"`), true);
  }
  const unread =
    row.reads !== undefined || row.need.kind === 'nobody' || (row.need.kind === 'local' && locality === 'local');
  same('limits told', got.headers['ratelimit'] !== undefined, holder.kind === 'token' && !unread);
  if (row.path === '/api/auth/status') same('signed in', got.json['authenticated'], signsIn(shown, locality));
  if (row.path === '/api/ssl/status')
    same('told all', got.json['readable_folders'] !== undefined, wanted.status === 200 && administers(shown));
  return faults;
}

/** Reads what is for admins: as a route that asks for that scope would have it. */
function administers(shown: Shown): boolean {
  if (shown.kind === 'dead' || shown.kind === 'unreadable' || shown.kind === 'off-list') return false;
  return fallsShort({ need: { kind: 'admin', scope: 'sallyport:tls' } }, shown) === null;
}

function signsIn(shown: Shown, locality: Locality): boolean {
  if (shown.kind === 'session') return !(shown.sessionKind === 'admin' && shown.owner !== 'admin');
  if (shown.kind === 'service') return shown.from === 'anywhere' || locality === 'local';
  return shown.kind === 'token' || shown.kind === 'basic' || shown.kind === 'signed-ticket';
}

/** The least that fits a row's body, and names nothing that exists. */
export function fittingBody(row: Route): unknown {
  if (row.form === 'csv') return 'username\r\n';
  if (row.body === null) return {};
  const schema = row.body.toJSONSchema({ io: 'input' });
  return Object.fromEntries((schema.required ?? []).map((name) => [name, fittingValue(schema.properties?.[name])]));
}

function fittingValue(schema: unknown): unknown {
  const { type, enum: words } = schema as { readonly type?: string; readonly enum?: readonly string[] };
  if (type === 'array') return [{ id: 'nobody', action: 'disable' }];
  if (words !== undefined) return words[0];
  assert.equal(type, 'string', 'a body that this test cannot make up');
  return 'nobody';
}
