/** Sessions and sign-in attempts: seen and ended by their owner, or by an admin (MX8). */
import { digest } from '../crypto/digest.ts';
import { refuse } from '../errors.ts';
import { readTime } from '../request/time.ts';
import { type ActingPrincipal, adminPrivilege, hasPrivilege, type TicketPrincipal } from '../principal/principal.ts';
import type { Recorder } from '../record/recorder.ts';
import { cookieName, expireCookie, ticketCookieNames } from '../request/cookie.ts';
import { plainTicket } from '../request/tokens/proxmox-header.ts';
import type { SessionRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import type { Clock, Millis, SessionId, UserId } from '../types.ts';
import type { Tickets } from '../verify/tickets/contract.ts';
import { ticketLifetimes } from '../verify/tickets/signed-tickets.ts';
import { type AdminCall, byOf, cookieOf, done, type Outcome, type LeavingCall, type PersonCall } from './call.ts';
import { expireNamed, timeText } from './issue-session.ts';

export interface SessionParts {
  readonly store: Store;
  readonly recorder: Recorder;
  readonly clock: Clock;
  readonly cookieStem: string;
  readonly ticketPrefix: string;
  readonly tickets: Pick<Tickets, 'verify'>;
  /** Every session kind's name, for the cookies that a sign-out expires. */
  readonly kindNames: readonly string[];
  readonly sharedOrigin: boolean;
}

/** Ends this session and the `app` sessions made from it; the browser forgets what it kept of us. */
export async function signOut(parts: SessionParts, call: LeavingCall): Promise<Outcome> {
  const { principal } = call;
  const kept = new Set<string>();
  if (principal.kind === 'ticket') await endTicket(parts, { ...call, principal });
  else {
    const { user, session } = principal;
    await parts.store.endSession({
      id: session.id,
      userId: user.row.id,
      shown: session.digest,
      audit: ended(parts, call, session.id, 'signed-out'),
    });
    // A browser that has both leaves with both: what it loses the cookie of must not live on in a copy.
    const text = cookieOf(call, ticketCookieNames(parts.ticketPrefix).host);
    const beside = text === undefined ? undefined : await parts.tickets.verify(plainTicket(text), call.arrival.client);
    if (beside?.kind === 'ticket') await endTicket(parts, { ...call, principal: beside });
    // Not looked at, because of what others showed: it stays in the browser, for another try.
    if (beside?.kind === 'limited') kept.add(ticketCookieNames(parts.ticketPrefix).host);
  }
  const cookies = [
    ...expireNamed(parts.cookieStem, call.arrival.scheme, ...parts.kindNames, 'login', 'challenge'),
    ...Object.values(ticketCookieNames(parts.ticketPrefix))
      .filter((name) => !kept.has(name))
      .map((name) => expireCookie(name)),
  ];
  return done({}, { cookies, headers: parts.sharedOrigin ? [] : ['clear-site-data', '"cache", "storage"'] });
}

/** All that came from its sign-in are on the list of those that are over, until the last of them would be (3-rules, Tickets). */
export async function endTicket(
  { store, recorder }: Pick<SessionParts, 'store' | 'recorder'>,
  call: Pick<AdminCall, 'incoming' | 'arrival'> & { readonly principal: TicketPrincipal },
): Promise<void> {
  const { ticket, user } = call.principal;
  const { serial: digest, firstSignIn } = ticket;
  const expiresAt = (firstSignIn + ticketLifetimes.absoluteMs) as Millis;
  const audit = recorder.event({ event: 'ticket-ended', ...byOf(call), target: user.row.id, result: 'signed-out' });
  await store.revokeTicket({ digest, expiresAt, audit });
}

export async function listSessions(parts: SessionParts, call: PersonCall): Promise<Outcome> {
  const { user } = call.principal;
  const now = parts.clock.now();
  const [rows, devices] = await Promise.all([
    parts.store.sessionsOf(user.row.id, now),
    parts.store.devicesOf(user.row.id, now),
  ]);
  const own = cookieOf(call, cookieName(parts.cookieStem, call.arrival.scheme, 'device'));
  const ownDigest = own === undefined ? '' : digest(own);
  return done({
    sessions: rows.map((row) => shown(row, sessionOf(call.principal))),
    // Browsers that strangers' failures do not keep out; told apart by a part of what is stored, which opens nothing.
    devices: devices.map((each) => ({
      id: each.digest.slice(0, 16),
      created_at: timeText(each.createdAt),
      last_used_at: timeText(each.usedAt),
      expires_at: timeText(each.expiresAt),
      current: each.digest === ownDigest,
    })),
  });
}

export async function endOneSession(parts: SessionParts, call: PersonCall): Promise<Outcome> {
  const id = call.params['id'] as SessionId;
  const { principal } = call;
  const own = principal.kind === 'user' && principal.session.id === id ? principal.session : null;
  const result = await parts.store.endSession({
    id,
    userId: principal.user.row.id,
    ...(own === null ? {} : { shown: own.digest }),
    audit: ended(parts, call, id),
  });
  if (result.kind === 'unknown') return refuse('not_found');
  return done(
    {},
    own?.transport === 'cookie' ? { cookies: expireNamed(parts.cookieStem, call.arrival.scheme, own.kind) } : {},
  );
}

export async function endOtherSessions(parts: SessionParts, call: PersonCall): Promise<Outcome> {
  const userId = call.principal.user.row.id;
  const { ended: count } = await parts.store.endSessions({
    userId,
    except: sessionOf(call.principal),
    audit: endedAll(parts, call, userId),
  });
  return done({ ended: count });
}

export async function listUserSessions(parts: SessionParts, call: AdminCall): Promise<Outcome> {
  const found = await parts.store.userById(call.params['id'] as UserId);
  if (found.kind === 'unknown') return refuse('not_found');
  const rows = await parts.store.sessionsOf(found.user.id, parts.clock.now());
  return done({ sessions: rows.map((row) => shown(row, sessionOf(call.principal))) });
}

export async function endUserSession(parts: SessionParts, call: AdminCall): Promise<Outcome> {
  const id = call.params['session'] as SessionId;
  const result = await parts.store.endSession({
    id,
    userId: call.params['id'] as UserId,
    audit: ended(parts, call, id),
  });
  return result.kind === 'unknown' ? refuse('not_found') : done({});
}

export async function endUserSessions(parts: SessionParts, call: AdminCall): Promise<Outcome> {
  const found = await parts.store.userById(call.params['id'] as UserId);
  if (found.kind === 'unknown') return refuse('not_found');
  const { principal } = call;
  const own = 'user' in principal && found.user.id === principal.user.row.id;
  const { ended: count } = await parts.store.endSessions({
    userId: found.user.id,
    except: own ? sessionOf(principal) : null,
    audit: endedAll(parts, call, found.user.id),
  });
  return done({ ended: count });
}

export async function listAttempts(parts: SessionParts, call: PersonCall): Promise<Outcome> {
  const limitText = call.query.get('limit') ?? '100';
  const limit = /^\d{1,4}$/.test(limitText) ? Number(limitText) : 0;
  if (limit < 1 || limit > 1000) return refuse('invalid_request', { detail: '"limit" is a number from 1 to 1000.' });
  const beforeText = call.query.get('before');
  const before = beforeText === null ? null : readTime(beforeText);
  if (before?.kind === 'malformed')
    return refuse('invalid_request', { detail: '"before" is a time such as 2026-11-21T22:00:00Z.' });
  const everybody = call.query.get('all') === '1';
  if (everybody && !hasPrivilege(call.principal.user.row, adminPrivilege))
    return refuse('forbidden', { detail: 'This needs an administrator.' });
  const rows = await parts.store.attempts({
    userId: everybody ? null : call.principal.user.row.id,
    limit,
    before: before?.at ?? null,
  });
  return done({
    attempts: rows.map((row) => ({
      first_at: timeText(row.firstAt),
      last_at: timeText(row.lastAt),
      count: row.count,
      address: row.address,
      way: row.way,
      result: row.result,
    })),
  });
}

/** The session that asks; null where none does. */
function sessionOf(principal: ActingPrincipal): SessionId | null {
  return principal.kind === 'user' ? principal.session.id : null;
}

function shown(row: SessionRow, current: SessionId | null): Readonly<Record<string, unknown>> {
  return {
    id: row.id,
    kind: row.kind,
    created_at: timeText(row.createdAt),
    last_seen_at: timeText(row.lastSeenAt),
    expires_at: timeText(row.expiresAt),
    address: row.address,
    user_agent: row.userAgent,
    origin: row.origin,
    current: row.id === current,
  };
}

function ended(
  parts: SessionParts,
  call: AdminCall,
  target: SessionId,
  event: 'session-ended' | 'signed-out' = 'session-ended',
) {
  return parts.recorder.event({ event, ...byOf(call), target });
}

function endedAll(parts: SessionParts, call: AdminCall, target: UserId) {
  return parts.recorder.event({ event: 'sessions-ended', ...byOf(call), target });
}
