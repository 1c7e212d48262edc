/**
 * Changing the password and confirming with it (2-http-api, 4). Both give the session a new token; a change ends all
 * other sessions, devices and tickets of the user before it is answered (3-rules, What ends what).
 */
import { localRealmName } from '../config/ldap/place.ts';
import { digest } from '../crypto/digest.ts';
import type { Keyring } from '../crypto/keyring.ts';
import type { PasswordHasher } from '../crypto/password-hash.ts';
import { refuse, type Refusal } from '../errors.ts';
import type { CommonPasswords } from '../policy/common-passwords.ts';
import { judgePassword, passwordLengthOf, passwordRefused } from '../policy/password-policy.ts';
import { type SecondFactor, secondFactorOf } from '../principal/factors.ts';
import type { Prover } from '../prove.ts';
import type { Passwords } from '../prove/realms/passwords.ts';
import { realmIsAway } from '../prove/walk.ts';
import type { Realms } from '../realm/realms.ts';
import { readPassword } from '../verify/claim.ts';
import type { Recorder } from '../record/recorder.ts';
import { cookieName } from '../request/cookie.ts';
import type { UserRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import type { Millis, Password, SessionKind } from '../types.ts';
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
  readonly realms: Realms;
  readonly passwords: Pick<Passwords, 'changed'>;
  readonly hostNames: () => readonly string[];
  readonly commonPasswords: CommonPasswords;
}

/** Second factor of whoever has one, beside the password. */
interface FactorFields {
  readonly totp_code?: string | undefined;
  readonly passkey?: unknown;
}

export interface ChangePasswordBody extends FactorFields {
  readonly old_password: string;
  readonly new_password: string;
}

export async function changePassword(
  parts: ChangePasswordParts,
  call: SignedInCall<ChangePasswordBody>,
): Promise<Outcome> {
  const { session } = call.principal;
  const { old_password: password, new_password, totp_code: code, passkey } = call.body;
  const wanted = readPassword(new_password);
  if (wanted.kind === 'refused') return wanted;
  const old = readPassword(password);
  const { username } = call.principal.user.row;
  const judge = (secondFactor: SecondFactor): Refusal | { readonly kind: 'accepted' } => {
    const previous = old.kind === 'password' ? { previous: old.password } : {};
    const candidate = { password: wanted.password, username, hostNames: parts.hostNames(), secondFactor, ...previous };
    const judged = judgePassword(candidate, parts.commonPasswords);
    return judged.kind === 'refused' ? passwordRefused(judged.reasons) : judged;
  };
  // A code works once: it is not spent on a password that will not do.
  const early = judge('present');
  if (early.kind === 'refused' && secondFactorOf(call.principal.user.row) === 'present') return early;
  const device = cookieName(parts.cookieStem, call.arrival.scheme, 'device');
  const proven = await parts.prover.reauthenticate(
    { principal: call.principal, given: { password, code, passkey } },
    circumstancesOf(call, device),
  );
  if (proven.kind === 'refused') return afterRefusal(parts, call, proven);
  const { user } = proven;
  const judged = judge(secondFactorOf(user));
  if (judged.kind === 'refused') return judged;
  const kept =
    user.realm === localRealmName
      ? await keptHere(parts, user, wanted.password, call)
      : await changedThere(parts, user, old.kind === 'password' ? old.password : null, wanted.password);
  if (kept.kind === 'refused') return kept;

  const token = newTokenFor(session.transport, parts.random);
  const now = parts.clock.now();
  const shown = cookieOf(call, device);
  const changed = await parts.store.changePassword({
    userId: user.id,
    fromGeneration: user.credentialGeneration,
    sealedPassword: kept.sealedPassword,
    passwordLength: passwordLengthOf(wanted.password),
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
    notice: { userId: user.id, kind: 'password-changed', at: now, address: clientAddress(call), detail: '' },
  });
  if (changed.kind === 'superseded')
    return refuse('conflict', { detail: 'The password was changed elsewhere meanwhile.' });
  return renewed(parts, call, token, { expires_at: timeText(session.expiresAt) });
}

type Kept = Refusal | { readonly kind: 'kept'; readonly sealedPassword: string };

async function keptHere(
  parts: ChangePasswordParts,
  { id }: UserRow,
  wanted: Password,
  call: SignedInCall,
): Promise<Kept> {
  const made = await parts.hasher.make(wanted, parts.prover.turnFor('known', clientAddress(call)));
  return made.kind === 'busy'
    ? refuse('busy', { retryAfterSeconds: 1 })
    : { kind: 'kept', sealedPassword: parts.keyring.seal(passwordPlace(id), made.phc) };
}

/** By the realm that keeps it; nothing of it is kept here. */
async function changedThere(
  parts: ChangePasswordParts,
  { realm: name, username }: UserRow,
  old: Password | null,
  wanted: Password,
): Promise<Kept> {
  const { realm, name: person } = parts.realms.split(username);
  if (realm.kind === 'local' || realm.name !== name || old === null) return refuse('reauthentication_failed');
  const changed = await realm.changePassword(person, old, wanted);
  switch (changed.kind) {
    case 'unavailable':
      return realmIsAway.refusal;
    case 'rejected':
      return refuse('reauthentication_failed');
    case 'refused':
      return changed.why === 'not-accepted'
        ? refuse('password_refused', {
            detail: `The realm "${name}" does not accept this password.`,
            fields: { reasons: [] },
          })
        : refuse('conflict', {
            detail: `The realm "${name}" does not change this password here: change it where the directory is kept.`,
          });
    case 'changed':
      parts.passwords.changed(realm, person);
      return { kind: 'kept', sealedPassword: '' };
  }
}

export async function reauthenticate(
  parts: CredentialParts,
  call: SignedInCall<FactorFields & { readonly password?: string | undefined }>,
): Promise<Outcome> {
  const { session } = call.principal;
  const { password, totp_code: code, passkey } = call.body;
  const device = cookieName(parts.cookieStem, call.arrival.scheme, 'device');
  const proven = await parts.prover.reauthenticate(
    { principal: call.principal, given: { password, code, passkey } },
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
      way: proven.way,
      target: session.id,
    }),
  });
  if (renewal.kind === 'renewed') parts.recorder.passed({ kind: session.kind, way: proven.way });
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

/** The fifth wrong one has ended the session; its cookie goes with it. */
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
