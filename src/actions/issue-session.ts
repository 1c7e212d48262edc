/**
 * Making sessions: the row, the token, and how the token reaches whoever signed in (2-http-api, 4, login answers).
 */
import { csrfToken, digest } from '../crypto/digest.ts';
import { newSecret, newSessionId, type Random } from '../crypto/random.ts';
import { newToken, sessionTokenPrefix } from '../crypto/token.ts';
import { cookieName, expireCookie, setCookie } from '../request/cookie.ts';
import type { Scheme } from '../request/origin.ts';
import type { DeviceRow, NewSession, SessionRow, Transport, UserRow } from '../store/rows.ts';
import type { Clock, Millis, Secret, SessionKind } from '../types.ts';
import { type Call, clientAddress, userAgentOf } from './call.ts';

export interface Issuing {
  readonly clock: Clock;
  readonly random: Random;
  /** The installation's boot: what is not durable ends with it. */
  readonly boot: () => string;
  readonly cookieStem: string;
  readonly deviceLifetimeMs: number;
}

export interface Issued {
  readonly token: Secret;
  readonly opening: NewSession;
}

export function issueSession(
  parts: Issuing,
  call: Pick<Call, 'arrival' | 'incoming'>,
  user: UserRow,
  kind: SessionKind,
  transport: Transport,
): Issued {
  const { clock, random } = parts;
  const now = clock.now();
  const token = newTokenFor(transport, random);
  const session: SessionRow = {
    id: newSessionId(random),
    digest: digest(token),
    userId: user.id,
    kind: kind.name,
    transport,
    credentialGeneration: user.credentialGeneration,
    bootId: kind.durable ? '' : parts.boot(),
    parentId: null,
    origin: null,
    createdAt: now,
    lastSeenAt: now,
    idleMs: kind.idleMs,
    expiresAt: (now + kind.absoluteMs) as Millis,
    authenticatedAt: now,
    address: clientAddress(call),
    userAgent: userAgentOf(call),
  };
  return { token, opening: { session, cap: kind.cap } };
}

export function newTokenFor(transport: Transport, random: Random): Secret {
  return transport === 'cookie' ? newSecret(random) : newToken(sessionTokenPrefix, random);
}

/** A new device and the cookie that makes it known, or the known one used again. */
export function rememberDevice(
  parts: Issuing,
  user: UserRow,
  shown: DeviceRow | null,
  scheme: Scheme,
): { device: DeviceRow; cookies: string[] } {
  const now = parts.clock.now();
  if (shown !== null) return { device: { ...shown, usedAt: now }, cookies: [] };
  const value = newSecret(parts.random);
  const expiresAt = (now + parts.deviceLifetimeMs) as Millis;
  const cookie = setCookie(cookieName(parts.cookieStem, scheme, 'device'), value, {
    scheme,
    sameSite: 'Lax',
    maxAgeSeconds: Math.floor(parts.deviceLifetimeMs / 1000),
  });
  return {
    device: { digest: digest(value), userId: user.id, createdAt: now, usedAt: now, expiresAt },
    cookies: [cookie],
  };
}

/** How a session's token is handed over: only in Set-Cookie, or only in the body; never both. */
export function handOverToken(
  parts: Pick<Issuing, 'cookieStem'>,
  token: Secret,
  session: Pick<SessionRow, 'kind' | 'transport'>,
  sameSite: SessionKind['sameSite'],
  scheme: Scheme,
): { readonly fields: Readonly<Record<string, string>>; readonly cookies: readonly string[] } {
  if (session.transport === 'bearer') return { fields: { token, token_type: 'Bearer' }, cookies: [] };
  return {
    fields: { csrf_token: csrfToken(token) },
    cookies: [setCookie(cookieName(parts.cookieStem, scheme, session.kind), token, { scheme, sameSite })],
  };
}

export function expireNamed(stem: string, scheme: Scheme, ...which: readonly string[]): readonly string[] {
  return which.map((each) => expireCookie(cookieName(stem, scheme, each)));
}

/** RFC 3339, UTC. */
export function timeText(at: Millis): string {
  return new Date(at).toISOString();
}
