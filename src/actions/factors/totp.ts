/**
 * One-time codes by time: switched on in two steps, so that nobody locks themselves out by a picture that was never
 * scanned. Until a code proves the new secret nothing holds, and only the session that asked for it can prove it.
 */
import { newRecoveryCodes, recoveryCodeDigest } from '../../crypto/code.ts';
import { newName } from '../../crypto/random.ts';
import { base32, newTotpSecret, totpForm, totpStepMs } from '../../crypto/totp.ts';
import { refuse } from '../../errors.ts';
import type { EnrolmentProver } from '../../prove/enrolment.ts';
import type { Millis, Origin } from '../../types.ts';
import { rpIdOf } from '../../verify/passkeys/passkey.ts';
import { sealTotp } from '../../verify/totp.ts';
import { circumstancesOf, done, type Outcome, type SignedInCall } from '../call.ts';
import { timeText } from '../issue-session.ts';
import { changeOf, type FactorParts, passwordTooShort, superseded } from './factors.ts';
import { qrCode } from './qr-code.ts';

export interface TotpParts extends FactorParts {
  readonly enrolments: EnrolmentProver;
}

/** Long enough to install an application for it. */
const enrolmentMs = 15 * 60_000;

/** Also where it is on: the new secret takes the old one's place when it is proven. */
export async function setUpTotp(parts: TotpParts, call: SignedInCall): Promise<Outcome> {
  const { user, session } = call.principal;
  const { id: userId, username } = user.row;
  const secret = newTotpSecret(parts.random);
  const codes = newRecoveryCodes(parts.random);
  const expiresAt = (parts.clock.now() + enrolmentMs) as Millis;
  const url = otpauthUrl({ secret, username, consoleOrigin: parts.consoleOrigin() });
  const picture = await qrCode(url);
  await parts.store.putEnrolment({
    id: newName(parts.random),
    userId,
    sessionId: session.id,
    sealedTotp: sealTotp(parts.keyring, userId, secret),
    recoveryCodes: codes.map(recoveryCodeDigest),
    expiresAt,
  });
  return done({
    secret: base32(secret),
    otpauth_url: url,
    qr_code: picture,
    backup_codes: codes,
    expires_at: timeText(expiresAt),
  });
}

export async function enableTotp(parts: TotpParts, call: SignedInCall<{ readonly token: string }>): Promise<Outcome> {
  const { user, session } = call.principal;
  const found = await parts.store.enrolment(user.row.id, parts.clock.now());
  if (found.kind === 'none' || found.enrolment.sessionId !== session.id)
    return refuse('conflict', { detail: 'Nothing is waiting for a code here. Begin again.' });
  const { enrolment } = found;
  const proven = await parts.enrolments.prove(
    { principal: call.principal, enrolment, token: call.body.token },
    circumstancesOf(call, ''),
  );
  if (proven.kind === 'refused') return proven;
  const enabled = await parts.store.enableTotp({
    ...changeOf(parts, call, { event: 'totp-enabled', notice: 'factor-added', detail: 'totp' }),
    enrolmentId: enrolment.id,
    step: proven.step,
  });
  return enabled.kind === 'superseded' ? superseded() : done({});
}

/** Password and code were checked on the way here: they came with the request, so no open window stood in for them. */
export async function disableTotp(parts: TotpParts, call: SignedInCall): Promise<Outcome> {
  if (call.principal.user.row.sealedTotp === '')
    return refuse('conflict', { detail: 'Codes of an authenticator application are not switched on.' });
  const disabled = await parts.store.disableTotp(
    changeOf(parts, call, { event: 'totp-disabled', notice: 'factor-removed', detail: 'totp' }),
  );
  switch (disabled.kind) {
    case 'superseded':
      return superseded();
    case 'password-too-short':
      return passwordTooShort();
    case 'disabled':
      return done({});
  }
}

/** What authenticator applications read: `otpauth://totp/<issuer>:<account>?…`. */
function otpauthUrl(given: {
  readonly secret: Uint8Array;
  readonly username: string;
  readonly consoleOrigin: Origin;
}): string {
  const party = rpIdOf(given.consoleOrigin);
  // An address has colons in it, or tells nobody anything.
  const issuer = party.kind === 'name' ? `Sallyport (${party.rpId})` : 'Sallyport';
  const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(given.username)}`;
  const fields = {
    secret: base32(given.secret),
    issuer,
    algorithm: totpForm.algorithm.toUpperCase(),
    digits: String(totpForm.digits),
    period: String(totpStepMs / 1000),
  };
  // Spaces as %20: not every application reads a plus as one.
  const query = Object.entries(fields).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return `otpauth://totp/${label}?${query.join('&')}`;
}
