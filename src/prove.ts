/**
 * The spine's other half: the same walk as `guard.ts` for a secret that somebody typed.
 *
 *   request (name and secret become typed) → throttle (a unit is taken) → verify → record → settle
 *
 * Unknown, wrong and disabled leave here alike: one answer, one hash, and at a whole second after arrival
 * (3-rules, Guessing).
 */
import { digest } from './crypto/digest.ts';
import type { HashTurn, Lane } from './crypto/hash-queue.ts';
import { refuse, type Refusal } from './errors.ts';
import type { Recorder } from './record/recorder.ts';
import { networkOf } from './request/address.ts';
import { parsePassword } from './request/password.ts';
import { parseUsername } from './request/username.ts';
import type { DeviceRow, UserRow } from './store/rows.ts';
import type { Store, UserLookup } from './store/store.ts';
import type { Hold } from './throttle/hold.ts';
import { networkLimits } from './throttle/limits.ts';
import type { HolderLimiter } from './throttle/holder-limiter.ts';
import type { NetworkLimiter, Permit, Taking } from './throttle/network-limiter.ts';
import type { UserPrincipal } from './principal/principal.ts';
import type { Address, Clock, Digest, Password, UserId } from './types.ts';
import type { Account, PasswordVerifier } from './verify/password.ts';
import { verifySetupCode } from './verify/setup-code.ts';

/** What came along with the secret. */
export interface Circumstances {
  readonly address: Address;
  /** Who the connection came from. */
  readonly peer: Address;
  /** Monotonic time the request arrived, for the hold. */
  readonly arrivedAt: number;
  /** Value of the device cookie; empty without one. */
  readonly device: string;
}

export interface ProvenUser {
  readonly kind: 'user';
  readonly user: UserRow;
  /** Device of that user which showed itself; null for strangers. */
  readonly device: DeviceRow | null;
}

export interface ProvenCode {
  readonly kind: 'code';
  readonly codeDigest: Digest;
}

export interface Prover {
  /** Whether a try would be refused now, before anything that works once is spent on it. */
  standing(circumstances: Pick<Circumstances, 'address'>): Refusal | { readonly kind: 'open' };
  signIn(
    claim: { readonly username: string; readonly password: string },
    circumstances: Circumstances,
  ): Promise<Refusal | ProvenUser>;
  /** The password of somebody who is signed in already: 403 when wrong, and the fifth wrong one ends the session. */
  reauthenticate(
    claim: { readonly principal: UserPrincipal; readonly password: string },
    circumstances: Circumstances,
  ): Promise<Refusal | ProvenUser>;
  setupCode(code: string, circumstances: Circumstances): Promise<Refusal | ProvenCode>;
  /** Lane and network of a new hash by somebody already proven. */
  turnFor(lane: Lane, address: Address): HashTurn;
}

/** A refusal on the way out, and what is written down about it. */
interface Failure {
  readonly refusal: Refusal;
  readonly userId: UserId | null;
  readonly cause: string;
}

export function prover(parts: {
  store: Store;
  passwords: PasswordVerifier;
  limiter: NetworkLimiter;
  /** For known devices and living sessions: strangers around them are not their concern. */
  holders: HolderLimiter;
  hold: Hold;
  recorder: Recorder;
  clock: Clock;
  /** What follows a wrong re-authentication, before its answer. */
  onWrongReauthentication: (principal: UserPrincipal, circumstances: Circumstances) => Promise<void>;
}): Prover {
  const { store, passwords, limiter, holders, hold, recorder, clock } = parts;

  const walk = async <T>(
    taking: Promise<Taking> | Taking,
    circumstances: Circumstances,
    verify: () => Promise<
      | { readonly kind: 'failed'; readonly failure: Failure }
      | { readonly kind: 'turned-away'; readonly refusal: Refusal }
      | { readonly kind: 'proven'; readonly proven: T }
    >,
    note: (failure: Failure) => Promise<void>,
  ): Promise<Refusal | T> => {
    const permit = await taking;
    if (permit.kind === 'limited') {
      recorder.limited(circumstances.address);
      return limited(permit.retryAfterSeconds);
    }
    const outcome = await settling(permit, verify);
    switch (outcome.kind) {
      case 'turned-away':
        return outcome.refusal;
      case 'proven':
        return outcome.proven;
      case 'failed': {
        await note(outcome.failure);
        const held = await hold.untilWholeSecond(circumstances.arrivedAt);
        return held.kind === 'crowded'
          ? refuse('rate_limited', { retryAfterSeconds: 1, cause: 'crowded' })
          : outcome.failure.refusal;
      }
    }
  };

  const turnFor = (lane: Lane, address: Address): HashTurn => ({ lane, network: networkOf(address, narrowest) });

  const checkPassword = async (account: Account, typed: string, circumstances: Circumstances, lane: Lane) => {
    const password = readPassword(typed);
    if (password.kind === 'refused') return { kind: 'turned-away' as const, refusal: password };
    const proof = await passwords.verify(account, password.password, turnFor(lane, circumstances.address));
    return proof.kind === 'busy'
      ? { kind: 'turned-away' as const, refusal: refuse('busy', { retryAfterSeconds: 1 }) }
      : proof;
  };

  const deviceOf = async (value: string): Promise<DeviceRow | null> => {
    if (value === '') return null;
    const found = await store.deviceByDigest(digest(value), clock.now());
    return found.kind === 'found' ? found.device : null;
  };

  return {
    turnFor,

    standing: (circumstances) => {
      const standing = limiter.standing(circumstances.address);
      if (standing.kind === 'open') return standing;
      recorder.limited(circumstances.address);
      return limited(standing.retryAfterSeconds);
    },

    signIn: async (claim, circumstances) => {
      const name = parseUsername(claim.username);
      const lookup: UserLookup = name.kind === 'username' ? await store.userByName(name.username) : { kind: 'unknown' };
      const shown = await deviceOf(circumstances.device);
      const device = lookup.kind === 'found' && shown?.userId === lookup.user.id ? shown : null;
      const account = { name: name.kind === 'username' ? name.username : claim.username, lookup };
      const proven = await walk<ProvenUser>(
        device === null ? limiter.take(circumstances.address) : holders.take(device.digest),
        circumstances,
        async () => {
          const proof = await checkPassword(account, claim.password, circumstances, device ? 'known' : 'stranger');
          switch (proof.kind) {
            case 'turned-away':
              return proof;
            case 'rejected': {
              const refusal = refuse('invalid_credentials', { fields: { requires_totp: false } });
              return { kind: 'failed', failure: { refusal, userId: proof.userId, cause: proof.cause } };
            }
            case 'proven':
              return { kind: 'proven', proven: { kind: 'user', user: proof.user, device } };
          }
        },
        (failure) =>
          recorder.refused({
            event: 'sign-in-refused',
            actor: '',
            address: circumstances.address,
            peer: circumstances.peer,
            way: 'password',
            ...noted(failure),
          }),
      );
      if (proven.kind === 'user') limiter.welcome(circumstances.address);
      return proven;
    },

    reauthenticate: (claim, circumstances) =>
      walk<ProvenUser>(
        holders.take(claim.principal.session.id),
        circumstances,
        async () => {
          const { row } = claim.principal.user;
          const account = { name: row.username, lookup: await store.userById(row.id) };
          const proof = await checkPassword(account, claim.password, circumstances, 'known');
          switch (proof.kind) {
            case 'turned-away':
              return proof;
            case 'rejected':
              return {
                kind: 'failed',
                failure: { refusal: refuse('reauthentication_failed'), userId: proof.userId, cause: proof.cause },
              };
            case 'proven':
              return { kind: 'proven', proven: { kind: 'user', user: proof.user, device: null } };
          }
        },
        async (failure) => {
          const actor = claim.principal.user.row.id;
          await recorder.refused({
            event: 'reauthentication-refused',
            actor,
            address: circumstances.address,
            peer: circumstances.peer,
            way: 'password',
            ...noted(failure),
          });
          await parts.onWrongReauthentication(claim.principal, circumstances);
        },
      ),

    setupCode: (code, circumstances) =>
      walk<ProvenCode>(
        limiter.take(circumstances.address),
        circumstances,
        async () => {
          const proof = await verifySetupCode(code, store, clock);
          return proof.kind === 'proven'
            ? { kind: 'proven', proven: { kind: 'code', codeDigest: proof.codeDigest } }
            : { kind: 'failed', failure: { refusal: refuse('setup_code_invalid'), userId: null, cause: 'wrong-code' } };
        },
        (failure) =>
          recorder.refused({
            event: 'setup-code-refused',
            actor: '',
            address: circumstances.address,
            peer: circumstances.peer,
            way: 'setup-code',
            ...noted(failure),
          }),
      ),
  };
}

function limited(retryAfterSeconds: number): Refusal {
  return refuse('rate_limited', { retryAfterSeconds, cause: 'limited' });
}

const narrowest = networkLimits[0]?.bits ?? { v4: 32, v6: 64 };

function noted(failure: Failure): { readonly userId: UserId | null; readonly cause: string; readonly target: string } {
  return { userId: failure.userId, cause: failure.cause, target: failure.userId ?? '' };
}

/** A password as typed becomes one that can be checked; what cannot be one is told so before any hash. */
export function readPassword(typed: string): Refusal | { readonly kind: 'password'; readonly password: Password } {
  const form = parsePassword(typed);
  switch (form.kind) {
    case 'malformed':
      return refuse('invalid_request', {
        detail: 'The password is empty or holds characters that no password may have.',
      });
    case 'too-long':
      return refuse('payload_too_large', { detail: 'A password has at most 1024 bytes.' });
    case 'password':
      return form;
  }
}

/** The unit is given back unless the secret was wrong; also when looking at it broke something. */
async function settling<O extends { readonly kind: string }>(permit: Permit, verify: () => Promise<O>): Promise<O> {
  let result: 'failed' | 'given-back' = 'given-back';
  try {
    const outcome = await verify();
    if (outcome.kind === 'failed') result = 'failed';
    return outcome;
  } finally {
    permit.settle(result);
  }
}
