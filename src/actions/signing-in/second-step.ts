/**
 * Signing in in two steps (2-http-api, 4): a right password of an account with a second factor is answered with a challenge,
 * which is good for one session of the kind and in the mode that the password was given for, and for nothing else.
 */
import { compareDigests, digest } from '../../crypto/digest.ts';
import { newSecret } from '../../crypto/random.ts';
import { refuse, type Refusal } from '../../errors.ts';
import type { HalfProven, Prover } from '../../prove.ts';
import { type Answer, codeRefused } from '../../prove/second-factor.ts';
import { cookieName, setCookie } from '../../request/cookie.ts';
import type { ChallengeRow, Transport, UserRow } from '../../store/rows.ts';
import { pendingSignIns } from '../../throttle/limits.ts';
import type { UnknownSecrets } from '../../throttle/unknown-secrets.ts';
import type { Digest, Millis, SessionKind } from '../../types.ts';
import { type Call, circumstancesOf, clientAddress, cookieOf, done, type Outcome } from '../call.ts';
import { expireNamed, timeText } from '../issue-session.ts';
import { completeSignIn, type CompletionParts } from './complete.ts';

export interface SecondStepParts extends CompletionParts {
  readonly prover: Prover;
  /** Kinds a sign-in may ask for; `app` is not among them. */
  readonly signInKinds: ReadonlyMap<string, SessionKind>;
  readonly unknownSecrets: UnknownSecrets;
}

export interface AnswerBody {
  readonly challenge: string;
  readonly totp_token?: string | undefined;
  readonly passkey?: unknown;
}

/** No failure, and no session: says what else is wanted. In a browser the answer has to come from the same one. */
export async function askForSecondFactor(
  parts: SecondStepParts,
  call: Pick<Call, 'arrival' | 'incoming'>,
  half: HalfProven,
  mode: { readonly kind: SessionKind; readonly transport: Transport; readonly cookies: readonly string[] },
): Promise<Outcome> {
  const { user } = half;
  const { scheme, origin } = call.arrival;
  const { methods, passkeys } = await parts.prover.secondFactors.methods(user, origin);
  const challenge = newSecret(parts.random);
  const nonce = mode.transport === 'cookie' ? newSecret(parts.random) : null;
  const opened = await openPending(parts, call, half, {
    digest: digest(challenge),
    kind: mode.kind.name,
    transport: mode.transport,
    binding: nonce === null ? null : digest(nonce),
  });
  if (opened.kind === 'superseded')
    return refuse('invalid_credentials', { fields: { requires_totp: false }, cookies: mode.cookies });
  const asked = parts.prover.passkeyOptions(origin, { kind: 'pending', challenge, passkeys });
  const bound =
    nonce === null
      ? []
      : [
          setCookie(cookieName(parts.cookieStem, scheme, 'challenge'), nonce, {
            scheme,
            sameSite: 'Strict',
            maxAgeSeconds: pendingSignIns.ms / 1000,
          }),
        ];
  return done(
    {
      success: false,
      requires_totp: true,
      methods,
      challenge,
      expires_at: timeText(opened.expiresAt),
      ...(methods.includes('passkey') && asked.kind === 'options' ? { passkey_options: asked.options } : {}),
    },
    { cookies: [...mode.cookies, ...bound] },
  );
}

/** The challenge of a right password, found again by its digest and good for nothing but its kind. */
export async function openPending(
  { store, clock }: Pick<SecondStepParts, 'store' | 'clock'>,
  call: Pick<Call, 'arrival'>,
  { user, from }: HalfProven,
  challenge: Pick<ChallengeRow, 'digest' | 'kind' | 'transport' | 'binding'>,
): Promise<{ readonly kind: 'superseded' } | { readonly kind: 'opened'; readonly expiresAt: Millis }> {
  const expiresAt = (clock.now() + pendingSignIns.ms) as Millis;
  const { id: userId, credentialGeneration } = user;
  const address = clientAddress(call);
  const row = { ...challenge, userId, credentialGeneration, address, from, expiresAt };
  const opened = await store.openChallenge(row, pendingSignIns.most);
  return opened.kind === 'opened' ? { kind: 'opened', expiresAt } : opened;
}

export async function answerChallenge(parts: SecondStepParts, call: Call<AnswerBody>): Promise<Outcome> {
  const { challenge: text, totp_token: code, passkey } = call.body;
  if ((code === undefined) === (passkey === undefined))
    return refuse('invalid_request', { detail: 'Give one of "totp_token" and "passkey".' });
  const { scheme } = call.arrival;
  const circumstances = circumstancesOf(call, cookieName(parts.cookieStem, scheme, 'device'));
  const standing = parts.unknownSecrets.standing(circumstances.address);
  if (standing.kind === 'limited')
    return refuse('rate_limited', { retryAfterSeconds: standing.retryAfterSeconds, cause: 'unknown-secrets' });
  const found = await pendingOf(parts, call, digest(text));
  if (found.kind === 'unknown') {
    parts.unknownSecrets.charge(circumstances.address);
    return ended(codeRefused());
  }
  const { row, user, sessionKind: kind } = found;
  const pending = { text, digest: row.digest };
  const answer: Answer =
    code === undefined ? { kind: 'passkey', response: passkey, pending } : { kind: 'code', text: code, pending };
  const factor = await parts.prover.secondFactors.prove({ user, answer, way: 'code', kind: kind.name }, circumstances);
  const over = row.transport === 'cookie' ? expireNamed(parts.cookieStem, scheme, 'challenge') : [];
  if (factor.kind === 'refused') {
    if (factor.challenge === 'ended') return { ...ended(factor), cookies: over };
    return factor.code === 'invalid_credentials'
      ? { ...factor, fields: { ...factor.fields, challenge_ended: false } }
      : factor;
  }
  return completeSignIn(parts, call, {
    user,
    device: factor.device,
    kind,
    transport: row.transport,
    way: 'password',
    superseded: ended(codeRefused()),
    cookies: over,
  });
}

type PendingSignIn =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'found'; readonly row: ChallengeRow; readonly user: UserRow; readonly sessionKind: SessionKind };

/** Of another browser it is as unknown as one that was never made, and stays as it is. */
async function pendingOf(
  parts: SecondStepParts,
  call: Pick<Call, 'arrival' | 'incoming'>,
  key: Digest,
): Promise<PendingSignIn> {
  const found = await parts.store.challenge(key, parts.clock.now());
  if (found.kind === 'unknown') return found;
  const { challenge: row, user } = found;
  const sessionKind = parts.signInKinds.get(row.kind);
  if (sessionKind === undefined) return { kind: 'unknown' };
  if (row.binding !== null) {
    const shown = cookieOf(call, cookieName(parts.cookieStem, call.arrival.scheme, 'challenge')) ?? '';
    if (compareDigests(digest(shown), row.binding).kind === 'different') return { kind: 'unknown' };
  }
  return { kind: 'found', row, user, sessionKind };
}

/** Used, expired, answered wrong too often, or never made: whoever wants in begins with the password again. */
function ended(refusal: Refusal): Refusal {
  return { ...refusal, fields: { ...refusal.fields, challenge_ended: true } };
}
