/**
 * Step 7: what an allowed request does. Every action takes a `Call` and the few parts it uses, and gives an outcome;
 * how that looks on the wire is `http/`'s.
 */
import type { Refusal } from '../errors.ts';
import type {
  AccountPrincipal,
  ActingPrincipal,
  PersonalPrincipal,
  Principal,
  TicketPrincipal,
  UserPrincipal,
} from '../principal/principal.ts';
import type { Occurrence, Recorder, Whence } from '../record/recorder.ts';
import { peerAddress } from '../request/address.ts';
import { type Arrival, addressOf } from '../request/arrival.ts';
import { readCookie } from '../request/cookie.ts';
import { header, type Incoming, pathOf } from '../request/incoming.ts';
import type { Address, Circumstances, Origin, Secret, UserId } from '../types.ts';

export interface Call<Body = unknown> {
  readonly incoming: Incoming;
  readonly arrival: Arrival;
  /** Monotonic time of arrival. */
  readonly arrivedAt: number;
  readonly principal: Principal;
  /** Session token, or ticket, that decided; empty without one. */
  readonly token: Secret | '';
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: Body;
}

/** A call on a route whose need only a person can meet. */
export interface SignedInCall<Body = unknown> extends Call<Body> {
  readonly principal: UserPrincipal;
}

/** A call by whoever leaves: a session or a signed ticket, which is what ends. */
export interface LeavingCall<Body = unknown> extends Call<Body> {
  readonly principal: UserPrincipal | TicketPrincipal;
}

/** A call on a route for a person, with a session or without. */
export interface PersonCall<Body = unknown> extends Call<Body> {
  readonly principal: PersonalPrincipal;
}

/** A call on a route that takes whatever acts as an account. */
export interface AccountCall<Body = unknown> extends Call<Body> {
  readonly principal: AccountPrincipal;
}

/** A call on a route of administration: by an account, or by the service key, which is nobody's. */
export interface AdminCall<Body = unknown> extends Call<Body> {
  readonly principal: ActingPrincipal;
}

/** Who does it, for the audit log. */
export type By = Pick<Occurrence, 'actor' | 'address' | 'peer' | 'way'>;

/** Whoever runs commands on the host: that person owns the data folder already. */
export const byHost: By = { actor: '', address: '', way: 'host' };

export function byOf(call: Pick<AdminCall, 'incoming' | 'arrival' | 'principal'>): Whence & By {
  const { principal } = call;
  return { actor: 'user' in principal ? principal.user.row.id : '', ...whence(call), way: principal.via };
}

export interface Done {
  readonly kind: 'done';
  readonly status: 200 | 201;
  /** Fields of the answer in snake_case; `success: true` is added. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Names of those that are secrets, wherever they stand in it: never kept in the clear. */
  readonly secrets?: readonly string[];
  readonly cookies?: readonly string[];
  /** Further header names and values, in turn. */
  readonly headers?: readonly string[];
}

export interface Redirect {
  readonly kind: 'redirect';
  readonly location: string;
  readonly cookies?: readonly string[];
}

/** A JSON document that is itself the answer. */
export interface Document {
  readonly kind: 'document';
  readonly value: object;
}

/** A text that is no JSON: an export. */
export interface Export {
  readonly kind: 'export';
  readonly contentType: string;
  readonly text: string;
  /** Further header names and values, in turn. */
  readonly headers: readonly string[];
}

export type Outcome = Refusal | Done | Document | Export;

export function done(fields: Done['fields'], more: Omit<Partial<Done>, 'kind' | 'fields'> = {}): Done {
  return { kind: 'done', status: 200, fields, ...more };
}

export function clientAddress(call: Pick<Call, 'arrival'>): Address {
  return addressOf(call.arrival);
}

/** For what is written down: the client, and who the connection came from. */
export function whence(call: Pick<Call, 'arrival' | 'incoming'>): Whence {
  return { address: clientAddress(call), peer: peerAddress(call.incoming.peer) };
}

/** The password was right, and what it was for needs a privilege that its owner has not. */
export function noteDenial(
  parts: { readonly recorder: Recorder },
  call: Pick<Call, 'arrival' | 'incoming'>,
  actor: UserId,
): Promise<void> {
  const target = pathOf(call.incoming.target);
  return parts.recorder.denied({ ...whence(call), actor, holder: actor, way: 'password', target });
}

/** As far as it is worth keeping. */
export function userAgentOf(call: Pick<Call, 'incoming'>): string {
  return (header(call.incoming.headers, 'user-agent') ?? '').slice(0, 256);
}

export function cookieOf(call: Pick<Call, 'incoming'>, name: string): string | undefined {
  const found = readCookie(call.incoming.headers['cookie'], name);
  return found.kind === 'value' && found.value !== '' ? found.value : undefined;
}

export function circumstancesOf(
  call: Pick<Call, 'arrival' | 'incoming' | 'arrivedAt'>,
  deviceCookie: string,
): Circumstances {
  const { origin } = call.arrival;
  return { ...whence(call), arrivedAt: call.arrivedAt, device: cookieOf(call, deviceCookie) ?? '', origin };
}

/** Where a path on an origin lives. */
export function urlOn(origin: Origin, path: string, query: Readonly<Record<string, string>> = {}): string {
  const text = new URLSearchParams(query).toString();
  return `${origin}${path}${text === '' ? '' : `?${text}`}`;
}
