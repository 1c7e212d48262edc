/** What this installation is, for anybody; who is signed in, for them alone (PM1). Never 401. */
import { csrfToken } from '../crypto/digest.ts';
import type { Duty } from '../policy/duty.ts';
import { secondFactorOf } from '../principal/factors.ts';
import {
  adminPrivilege,
  type PersonalPrincipal,
  type ServicePrincipal,
  type TokenPrincipal,
} from '../principal/principal.ts';
import { scopesOf } from '../principal/scopes.ts';
import { header } from '../request/incoming.ts';
import { ticketCsrf } from '../request/tokens/signed-ticket.ts';
import type { InstallationState, UserRow } from '../store/rows.ts';
import { type Call, done, type Outcome } from './call.ts';
import { timeText } from './issue-session.ts';

export interface StatusParts {
  readonly dutyOf: (user: UserRow) => Duty;
}

export async function status(parts: StatusParts, call: Call, state: InstallationState): Promise<Outcome> {
  const fields = {
    auth_configured: state === 'configured' || state === 'off',
    auth_enabled: state === 'configured',
    declined: state === 'declined',
  };
  const { principal, token } = call;
  if (principal.kind === 'token') return done({ ...fields, ...statusOfToken(principal) });
  if (principal.kind === 'service') return done({ ...fields, ...statusOfService(principal) });
  if (principal.kind === 'basic')
    return done({ ...fields, ...statusOfPerson(parts, principal), session_kind: null, expires_at: null });
  if (principal.kind === 'ticket')
    return done({
      ...fields,
      ...statusOfPerson(parts, principal),
      session_kind: null,
      expires_at: timeText(principal.ticket.expiresAt),
      ...(token !== '' && sameOrigin(call) ? { csrf_token: ticketCsrf(token) } : {}),
    });
  if (principal.kind !== 'user') return done({ ...fields, authenticated: false, username: null, totp_enabled: false });
  const { session } = principal;
  return done({
    ...fields,
    ...statusOfPerson(parts, principal),
    session_kind: session.kind,
    expires_at: timeText(session.expiresAt),
    ...(session.transport === 'cookie' && token !== '' && sameOrigin(call) ? { csrf_token: csrfToken(token) } : {}),
  });
}

function statusOfPerson(
  parts: StatusParts,
  { user: { row }, via }: PersonalPrincipal,
): Readonly<Record<string, unknown>> {
  const duty = parts.dutyOf(row);
  return {
    authenticated: true,
    username: row.username,
    display_name: row.displayName,
    totp_enabled: row.sealedTotp !== '',
    privileges: row.privileges,
    scopes: [],
    via,
    passkeys: row.passkeys,
    second_factor: secondFactorOf(row) === 'present',
    must: duty === 'none' ? null : duty,
  };
}

/** It administers, and is nobody. */
function statusOfService({ via }: ServicePrincipal): Readonly<Record<string, unknown>> {
  const nobody = { username: null, totp_enabled: false, passkeys: 0, scopes: [], expires_at: null };
  return { authenticated: true, ...nobody, privileges: [adminPrivilege], via };
}

/** What a program is told about its token. */
function statusOfToken(principal: TokenPrincipal): Readonly<Record<string, unknown>> {
  const { user, token, via } = principal;
  return {
    authenticated: true,
    username: user.row.username,
    display_name: user.row.displayName,
    totp_enabled: user.row.sealedTotp !== '',
    privileges: user.row.privileges,
    scopes: scopesOf(principal) ?? [],
    via,
    passkeys: user.row.passkeys,
    token_id: token.id,
    token_name: token.name,
    expires_at: token.expiresAt === null ? null : timeText(token.expiresAt),
  };
}

/** Only our own pages are handed the token; a browser says where a request comes from. */
function sameOrigin(call: Call): boolean {
  const site = header(call.incoming.headers, 'sec-fetch-site');
  const origin = header(call.incoming.headers, 'origin');
  return (site === undefined || site === 'same-origin') && (origin === undefined || origin === call.arrival.origin);
}
