/**
 * A link is redeemed (2-http-api, 5): whoever holds it sets the account's password, once, and is signed in as after set-up.
 * Everything the account had open ends; a second factor stays, and is asked for before there is a session. A password that
 * will not do leaves the link as it is.
 */
import { newRecoveryCodes, recoveryCodeDigest } from '../../crypto/code.ts';
import type { Keyring } from '../../crypto/keyring.ts';
import type { PasswordHasher } from '../../crypto/password-hash.ts';
import { refuse, type Refusal } from '../../errors.ts';
import type { CommonPasswords } from '../../policy/common-passwords.ts';
import { judgePassword, passwordLengthOf, passwordRefused } from '../../policy/password-policy.ts';
import { secondFactorOf } from '../../principal/factors.ts';
import { linkDigest, type LinkProver } from '../../prove/link.ts';
import type { LinkRow, UserRow } from '../../store/rows.ts';
import type { LinkRedemption } from '../../store/store.ts';
import type { Password, SessionKind } from '../../types.ts';
import { networkUse } from '../../verify/acquaintance.ts';
import { readPassword } from '../../verify/claim.ts';
import type { LoginTokens } from '../../verify/login-token.ts';
import { passwordPlace, storedHash } from '../../verify/password.ts';
import { type Call, circumstancesOf, clientAddress, done, type Outcome, whence } from '../call.ts';
import { handOverToken, issueSession, rememberDevice, timeText } from '../issue-session.ts';
import { type LoginMode, loginMode } from '../login-mode.ts';
import { askForSecondFactor, type SecondStepParts } from '../signing-in/second-step.ts';

export interface RedeemLinkParts extends SecondStepParts {
  readonly links: LinkProver;
  readonly tokens: LoginTokens;
  readonly hasher: PasswordHasher;
  readonly keyring: Keyring;
  readonly accountKind: SessionKind;
  readonly hostNames: () => readonly string[];
  readonly commonPasswords: CommonPasswords;
}

export interface RedeemLinkBody {
  readonly link: string;
  readonly password: string;
  readonly login_token?: string | undefined;
}

/** What is the same with a second factor and without. */
type Redemption = Omit<LinkRedemption, 'recoveryCodes' | 'session' | 'device'>;

export async function redeemLink(parts: RedeemLinkParts, call: Call<RedeemLinkBody>): Promise<Outcome> {
  const typed = readPassword(call.body.password);
  if (typed.kind === 'refused') return typed;
  const circumstances = circumstancesOf(call, '');
  // A login token is a row once it is spent: nobody gets to make rows faster than to guess.
  const standing = await parts.links.standing(call.body.link, circumstances);
  if (standing.kind === 'refused') return standing;
  const mode = await loginMode(parts, call, call.body.login_token);
  if (mode.kind === 'refused') return mode;
  const proven = await parts.links.link(call.body.link, circumstances);
  const outcome = proven.kind === 'refused' ? proven : await setPassword(parts, call, proven, typed.password, mode);
  return outcome.kind === 'refused' ? { ...outcome, cookies: outcome.cookies ?? mode.cookies } : outcome;
}

async function setPassword(
  parts: RedeemLinkParts,
  call: Call<RedeemLinkBody>,
  { link, user }: { readonly link: LinkRow; readonly user: UserRow },
  password: Password,
  mode: LoginMode,
): Promise<Outcome> {
  const secondFactor = secondFactorOf(user);
  const { username } = user;
  const judged = judgePassword(
    { password, username, hostNames: parts.hostNames(), secondFactor },
    parts.commonPasswords,
  );
  if (judged.kind === 'refused') return passwordRefused(judged.reasons);
  const address = clientAddress(call);
  const turn = parts.prover.turnFor('known', address);
  // Others may know the old one: that may be why there is a link.
  if (user.sealedPassword !== '') {
    await parts.keyring.learn(user.sealedPassword);
    const old = await parts.hasher.check(password, storedHash(parts.keyring, user), turn);
    if (old.kind === 'busy') return refuse('busy', { retryAfterSeconds: 1 });
    if (old.kind === 'match') return passwordRefused(['same_as_old']);
  }
  const made = await parts.hasher.make(password, turn);
  if (made.kind === 'busy') return refuse('busy', { retryAfterSeconds: 1 });
  const now = parts.clock.now();
  const redemption: Redemption = {
    digest: linkDigest(call.body.link),
    at: now,
    sealedPassword: parts.keyring.seal(passwordPlace(user.id), made.phc),
    passwordLength: passwordLengthOf(password),
    network: networkUse(address, parts.clock),
    attempt: { userId: user.id, address, way: 'link', result: 'ok', at: now },
    audit: parts.recorder.event({
      event: 'password-set-by-link',
      actor: user.id,
      ...whence(call),
      way: 'link',
      target: user.id,
    }),
    notice: { userId: user.id, kind: 'password-reset', at: now, address, detail: '' },
  };
  return secondFactor === 'none'
    ? signInWith(parts, call, { link, user }, redemption, mode)
    : askForFactor(parts, call, redemption, mode);
}

async function signInWith(
  parts: RedeemLinkParts,
  call: Call,
  { link, user }: { readonly link: LinkRow; readonly user: UserRow },
  redemption: Redemption,
  mode: LoginMode,
): Promise<Outcome> {
  const { scheme } = call.arrival;
  const codes = link.purpose === 'invite' ? newRecoveryCodes(parts.random) : [];
  const { token, opening } = issueSession(parts, call, user, parts.accountKind, mode.transport);
  const remembered = mode.transport === 'cookie' ? rememberDevice(parts, user, null, scheme) : null;
  const redeemed = await parts.store.redeemLink({
    ...redemption,
    recoveryCodes: codes.map((each) => recoveryCodeDigest(each)),
    session: opening,
    device: remembered?.device ?? null,
  });
  if (redeemed.kind === 'invalid') return usedMeanwhile();
  parts.recorder.passed({ kind: parts.accountKind.name, way: 'link' });
  const handed = handOverToken(parts, token, opening.session, parts.accountKind.sameSite, scheme);
  return done(
    {
      ...handed.fields,
      expires_at: timeText(opening.session.expiresAt),
      ...(codes.length === 0 ? {} : { backup_codes: codes }),
    },
    { status: 201, cookies: [...handed.cookies, ...(remembered?.cookies ?? []), ...mode.cookies] },
  );
}

/** The password holds from now on; whether it is the owner who set it, the second factor says. */
async function askForFactor(
  parts: RedeemLinkParts,
  call: Call,
  redemption: Redemption,
  { transport, cookies }: LoginMode,
): Promise<Outcome> {
  // Nobody is in yet: that is an attempt of its own.
  const attempt = { ...redemption.attempt, result: 'half' };
  const redeemed = await parts.store.redeemLink({
    ...redemption,
    attempt,
    recoveryCodes: [],
    session: null,
    device: null,
  });
  if (redeemed.kind === 'invalid') return usedMeanwhile();
  const half = { kind: 'half', user: redeemed.user, from: 'stranger' } as const;
  return askForSecondFactor(parts, call, half, { kind: parts.accountKind, transport, cookies });
}

/** Somebody was faster; that costs nothing. */
function usedMeanwhile(): Refusal {
  return refuse('link_invalid', { cause: 'used-meanwhile' });
}
