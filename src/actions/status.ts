/** What this installation is, for anybody; who is signed in, for them alone (PM1). Never 401. */
import { csrfToken } from '../crypto/digest.ts';
import type { Duty } from '../policy/duty.ts';
import { secondFactorOf } from '../principal/factors.ts';
import type { TokenPrincipal } from '../principal/principal.ts';
import { scopesOf } from '../principal/scopes.ts';
import { header } from '../request/incoming.ts';
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
  if (principal.kind !== 'user') return done({ ...fields, authenticated: false, username: null, totp_enabled: false });
  const { user, session } = principal;
  const duty = parts.dutyOf(user.row);
  return done({
    ...fields,
    authenticated: true,
    username: user.row.username,
    display_name: user.row.displayName,
    totp_enabled: user.row.sealedTotp !== '',
    privileges: user.row.privileges,
    scopes: [],
    via: principal.via,
    session_kind: session.kind,
    passkeys: user.row.passkeys,
    second_factor: secondFactorOf(user.row) === 'present',
    must: duty === 'none' ? null : duty,
    expires_at: timeText(session.expiresAt),
    ...(session.transport === 'cookie' && token !== '' && sameOrigin(call) ? { csrf_token: csrfToken(token) } : {}),
  });
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
