/**
 * Changing the password and confirming with it (2-http-api, 4). Both give the session a new token; a change ends all
 * other sessions, devices and tickets of the user before it is answered (3-rules, What ends what).
 */
import { digest } from '../crypto/digest.ts';
import type { Keyring } from '../crypto/keyring.ts';
import type { PasswordHasher } from '../crypto/password-hash.ts';
import { refuse } from '../errors.ts';
import type { CommonPasswords } from '../policy/common-passwords.ts';
import { judgePassword, passwordRefused } from '../policy/password-policy.ts';
import type { Prover } from '../prove.ts';
import { readPassword } from '../verify/claim.ts';
import type { Recorder } from '../record/recorder.ts';
import { cookieName } from '../request/cookie.ts';
import type { Store } from '../store/store.ts';
import type { Millis, SessionKind } from '../types.ts';
import { networkUse } from '../verify/acquaintance.ts';
import { passwordPlace } from '../verify/password.ts';
import { circumstancesOf, clientAddress, cookieOf, done, type Outcome, type SignedInCall, whence } from './call.ts';
import { expireNamed, handOverToken, type Issuing, newTokenFor, timeText } from './issue-session.ts';

export interface CredentialParts extends Issuing {
  readonly store: Store;
  readonly prover: Prover;
  readonly recorder: Recorder;
  readonly kinds: ReadonlyMap<string, SessionKind>;
  readonly stepUpWindowMs: number;
}

export interface ChangePasswordParts extends CredentialParts {
  readonly hasher: PasswordHasher;
  readonly keyring: Keyring;
  readonly hostNames: readonly string[];
  readonly commonPasswords: CommonPasswords;
}

export interface ChangePasswordBody {
  readonly old_password: string;
  readonly new_password: string;
}

export async function changePassword(
  parts: ChangePasswordParts,
  call: SignedInCall<ChangePasswordBody>,
): Promise<Outcome> {
  const { session } = call.principal;
  const wanted = readPassword(call.body.new_password);
  if (wanted.kind === 'refused') return wanted;
  const device = cookieName(parts.cookieStem, call.arrival.scheme, 'device');
  const proven = await parts.prover.reauthenticate(
    { principal: call.principal, password: call.body.old_password },
    circumstancesOf(call, device),
  );
  if (proven.kind === 'refused') return afterRefusal(parts, call, proven);
  const { user } = proven;
  const old = readPassword(call.body.old_password);
  const judged = judgePassword(
    {
      password: wanted.password,
      username: user.username,
      hostNames: parts.hostNames,
      secondFactor: 'none',
      ...(old.kind === 'password' ? { previous: old.password } : {}),
    },
    parts.commonPasswords,
  );
  if (judged.kind === 'refused') return passwordRefused(judged.reasons);
  const made = await parts.hasher.make(wanted.password, parts.prover.turnFor('known', clientAddress(call)));
  if (made.kind === 'busy') return refuse('busy', { retryAfterSeconds: 1 });

  const token = newTokenFor(session.transport, parts.random);
  const now = parts.clock.now();
  const shown = cookieOf(call, device);
  const changed = await parts.store.changePassword({
    userId: user.id,
    fromGeneration: user.credentialGeneration,
    sealedPassword: parts.keyring.seal(passwordPlace(user.id), made.phc),
    keep: { id: session.id, digest: digest(token), authenticatedAt: now },
    keepDevice: shown === undefined ? null : digest(shown),
    keepNetwork: networkUse(clientAddress(call), parts.clock),
    audit: parts.recorder.event({
      event: 'password-changed',
      actor: user.id,
      ...whence(call),
      way: 'password',
      target: user.id,
    }),
  });
  if (changed.kind === 'superseded')
    return refuse('conflict', { detail: 'The password was changed elsewhere meanwhile.' });
  return renewed(parts, call, token, { expires_at: timeText(session.expiresAt) });
}

export async function reauthenticate(
  parts: CredentialParts,
  call: SignedInCall<{ readonly password: string }>,
): Promise<Outcome> {
  const { session } = call.principal;
  const device = cookieName(parts.cookieStem, call.arrival.scheme, 'device');
  const proven = await parts.prover.reauthenticate(
    { principal: call.principal, password: call.body.password },
    circumstancesOf(call, device),
  );
  if (proven.kind === 'refused') return afterRefusal(parts, call, proven);
  const token = newTokenFor(session.transport, parts.random);
  const now = parts.clock.now();
  const renewal = await parts.store.renewSession({
    id: session.id,
    fromDigest: session.digest,
    digest: digest(token),
    authenticatedAt: now,
    audit: parts.recorder.event({
      event: 'reauthenticated',
      actor: proven.user.id,
      ...whence(call),
      way: 'password',
      target: session.id,
    }),
  });
  if (renewal.kind === 'renewed') parts.recorder.passed({ kind: session.kind, way: 'password' });
  if (renewal.kind === 'gone') return refuse('session_expired', { cause: 'gone' });
  return renewed(parts, call, token, { valid_until: timeText((now + parts.stepUpWindowMs) as Millis) });
}

/** The new token goes the way the old one came. */
function renewed(
  parts: CredentialParts,
  call: SignedInCall,
  token: ReturnType<typeof newTokenFor>,
  fields: Readonly<Record<string, unknown>>,
): Outcome {
  const { session } = call.principal;
  const sameSite = parts.kinds.get(session.kind)?.sameSite ?? 'Strict';
  const handed = handOverToken(parts, token, session, sameSite, call.arrival.scheme);
  return done({ ...handed.fields, ...fields }, { cookies: handed.cookies });
}

/** The fifth wrong password has ended the session; its cookie goes with it. */
async function afterRefusal(
  parts: CredentialParts,
  call: SignedInCall,
  refusal: Extract<Outcome, { kind: 'refused' }>,
): Promise<Outcome> {
  const { session } = call.principal;
  if (refusal.code !== 'reauthentication_failed' || session.transport !== 'cookie') return refusal;
  const now = await parts.store.sessionByDigest(session.digest);
  return now.kind === 'found'
    ? refusal
    : { ...refusal, cookies: expireNamed(parts.cookieStem, call.arrival.scheme, session.kind) };
}
