/**
 * The walk of whoever is signed in already and confirms it: with the password, and the second factor where there is one; or
 * with a passkey, which stands for both. 403 when wrong, and the fifth wrong one ends the session (3-rules, Sessions).
 */
import { refuse, type Refusal } from '../errors.ts';
import { stepUpRefusal } from '../policy/step-up.ts';
import { secondFactorOf } from '../principal/factors.ts';
import { type BasicPrincipal, holderOf, type TokenPrincipal, type UserPrincipal } from '../principal/principal.ts';
import { readFactorCode } from '../request/factor-code.ts';
import type { UserRow } from '../store/rows.ts';
import { reauthenticationFailures } from '../throttle/limits.ts';
import type { Circumstances, Password, TokenId } from '../types.ts';
import { type Claims, readPassword } from '../verify/claim.ts';
import type { Codes } from './codes.ts';
import type { Passkeys } from './passkeys.ts';
import type { Passwords } from './realms/passwords.ts';
import type { SecondFactors } from './second-factor.ts';
import {
  countReauthentication,
  type Failure,
  noted,
  queueIsFull,
  realmIsAway,
  turnFor,
  type Verdict,
  type Walk,
  type WalkParts,
} from './walk.ts';

/** What was given to confirm with. */
export interface Confirmation {
  readonly password?: string | undefined;
  readonly code?: string | undefined;
  /** A browser's assertion. */
  readonly passkey?: unknown;
}

/** Who confirms: somebody signed in, or whoever uses a token, or a password over Basic, and gives the owner's password as well. */
export type Confirming = UserPrincipal | TokenPrincipal | BasicPrincipal;

export interface Confirmed {
  readonly kind: 'user';
  readonly user: UserRow;
  readonly way: 'password' | 'passkey';
}

export interface ReauthenticationParts extends WalkParts {
  readonly walk: Walk;
  readonly claims: Claims;
  readonly passwords: Passwords;
  readonly codes: Codes;
  readonly passkeys: Passkeys;
  readonly factors: SecondFactors;
}

/** Tokens whose wrong confirmations are remembered; beyond them the oldest is forgotten. */
const mostBeside = 4096;

export type Reauthenticate = (
  claim: { readonly principal: Confirming; readonly given: Confirmation },
  circumstances: Circumstances,
) => Promise<Refusal | Confirmed>;

export function reauthentication(parts: ReauthenticationParts): Reauthenticate {
  const { store, recorder, walk, passwords, codes, passkeys } = parts;

  /** Nothing was looked at: it says what would do. */
  const more = async ({ user: { row } }: Confirming, { origin }: Circumstances): Promise<Refusal> =>
    stepUpRefusal((await parts.factors.methods(row, origin)).methods);

  const failed = (userId: Failure['userId'], cause: string): Verdict<never> => ({
    kind: 'failed',
    failure: { refusal: refuse('reauthentication_failed'), userId, cause, charge: 'charged' },
  });

  /** Wrong in a row beside a token, at this node. */
  const beside = new Map<TokenId, number>();

  /** As a session ends: so many in a row switch the token off, before the answer. */
  const countBeside = async ({ token, user }: TokenPrincipal, { address, peer }: Circumstances): Promise<void> => {
    const count = (beside.get(token.id) ?? 0) + 1;
    beside.delete(token.id);
    if (count < reauthenticationFailures) {
      beside.set(token.id, count);
      const [oldest] = beside.keys();
      if (beside.size > mostBeside && oldest !== undefined) beside.delete(oldest);
      return;
    }
    await store.updateToken({
      id: token.id,
      owner: user.row.id,
      patch: { active: false },
      audit: recorder.event({
        event: 'token-changed',
        actor: user.row.id,
        address,
        peer,
        way: 'password',
        target: token.id,
        result: 'too-many-wrong-passwords',
      }),
    });
  };

  const note = async (
    principal: Confirming,
    { way, ...failure }: Pick<Failure, 'userId' | 'cause'> & { readonly way: Confirmed['way'] },
    circumstances: Circumstances,
  ): Promise<void> => {
    const { row } = principal.user;
    await recorder.refused({
      event: 'reauthentication-refused',
      kind: principal.kind === 'user' ? principal.session.kind : principal.kind,
      guessed: way === 'passkey' ? 'unguessable' : { kind: 'account', username: row.username },
      actor: row.id,
      way,
      ...noted(failure, circumstances),
    });
    if (principal.kind === 'user') await countReauthentication(parts, principal, circumstances);
    else if (principal.kind === 'token') await countBeside(principal, circumstances);
  };

  const byPasskey = async (
    principal: Confirming,
    response: unknown,
    circumstances: Circumstances,
  ): Promise<Refusal | Confirmed> => {
    const { id: userId } = principal.user.row;
    const outcome = await passkeys.byItself({ response, userId, standsFor: 'both-factors' }, circumstances);
    switch (outcome.kind) {
      case 'turned-away':
        return outcome.refusal;
      case 'wrong':
        await note(principal, { userId, cause: outcome.cause, way: 'passkey' }, circumstances);
        return refuse('reauthentication_failed', { detail: 'The passkey was not accepted.' });
      case 'proven':
        return { kind: 'user', user: outcome.user, way: 'passkey' };
    }
  };

  /** The password was right. */
  const secondFactor = async (
    user: UserRow,
    { code, passkey }: Confirmation,
    circumstances: Circumstances,
  ): Promise<Verdict<'proven'>> => {
    const proven = { kind: 'proven', proven: 'proven', unit: 'succeeded' } as const;
    if (code === undefined) {
      const outcome = await passkeys.byItself(
        { response: passkey, userId: user.id, standsFor: 'second-factor' },
        circumstances,
      );
      if (outcome.kind === 'wrong') return failed(user.id, outcome.cause);
      return outcome.kind === 'proven' ? proven : outcome;
    }
    const typed = readFactorCode(code);
    if (typed.kind === 'unreadable') return failed(user.id, 'code-unreadable');
    const proof =
      typed.kind === 'totp'
        ? await codes.totp(user, typed.code, 'owner')
        : await codes.recovery(user, typed.code, circumstances);
    return proof.kind === 'wrong' ? failed(user.id, proof.cause) : proven;
  };

  const byPassword = async (
    principal: Confirming,
    password: Password,
    given: Confirmation,
    circumstances: Circumstances,
  ): Promise<Refusal | Confirmed> => {
    const { address } = circumstances;
    const { id: userId, username: name } = principal.user.row;
    return walk<Confirmed>(
      {
        way: 'reauthentication',
        address,
        standing: { kind: 'holder', holder: holderOf(principal) },
        subject: { kind: 'user', userId },
      },
      circumstances,
      async () => {
        const account = parts.claims.ofUser(name, await store.userById(userId));
        const proof = await passwords.verify(account, password, turnFor('known', address), circumstances);
        if (proof.kind === 'busy') return queueIsFull;
        if (proof.kind === 'unavailable') return realmIsAway;
        if (proof.kind === 'rejected') return failed(proof.userId, proof.cause);
        const { user } = proof;
        const proven = { kind: 'user', user, way: 'password' } as const;
        if (secondFactorOf(user) === 'none') return { kind: 'proven', proven, unit: 'succeeded' };
        if (given.code === undefined && given.passkey === undefined)
          return { kind: 'turned-away', refusal: await more(principal, circumstances) };
        const second = await secondFactor(user, given, circumstances);
        return second.kind === 'proven' ? { ...second, proven } : second;
      },
      (failure) => note(principal, { ...failure, way: 'password' }, circumstances),
    );
  };

  const confirm: Reauthenticate = async ({ principal, given }, circumstances) => {
    if (given.password === undefined)
      return given.passkey === undefined
        ? more(principal, circumstances)
        : byPasskey(principal, given.passkey, circumstances);
    const typed = readPassword(given.password);
    if (typed.kind === 'refused') return typed;
    // Not even the password is looked at while the rest is missing.
    const missing = given.code === undefined && given.passkey === undefined;
    if (missing && secondFactorOf(principal.user.row) === 'present') return more(principal, circumstances);
    return byPassword(principal, typed.password, given, circumstances);
  };

  return async (claim, circumstances) => {
    const proven = await confirm(claim, circumstances);
    if (proven.kind === 'user' && claim.principal.kind === 'token') beside.delete(claim.principal.token.id);
    return proven;
  };
}
