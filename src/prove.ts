/**
 * The spine's other half: the same walk as `guard.ts` for a secret that somebody typed.
 *
 *   request (name and secret become typed) → throttle (a unit is taken) → verify → record → settle
 *
 * Unknown, wrong and disabled leave here alike: one answer, one hash, and at a whole second after arrival
 * (3-rules, Guessing).
 */
import type { HashTurn, Lane } from './crypto/hash-queue.ts';
import type { Keyring } from './crypto/keyring.ts';
import { refuse, type Refusal } from './errors.ts';
import type { UserPrincipal } from './principal/principal.ts';
import { namedBy } from './record/failures/lines.ts';
import type { Recorder } from './record/recorder.ts';
import { networkOf } from './request/address.ts';
import type { DeviceRow, UserRow } from './store/rows.ts';
import type { Store } from './store/store.ts';
import type { Hold } from './throttle/hold.ts';
import type { Limited, Limiter } from './throttle/limiter.ts';
import type { Try } from './throttle/places.ts';
import { deviceFailures, narrowNetwork } from './throttle/limits.ts';
import type { Repeats, WrongSecret } from './throttle/repeats.ts';
import type { Address, Clock, Digest, UserId } from './types.ts';
import type { Acquaintances } from './verify/acquaintance.ts';
import { claims as makeClaims, readPassword } from './verify/claim.ts';
import type { PasswordVerifier } from './verify/password.ts';
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
  /** Whether a sign-in from there would be refused now, before anything that works once is spent on it. */
  standing(circumstances: Pick<Circumstances, 'address'>): Promise<Refusal | { readonly kind: 'open' }>;
  signIn(
    claim: {
      readonly username: string;
      readonly password: string;
      readonly way: 'login' | 'enable';
      readonly kind: string;
    },
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
  /** `repeated`: that very secret was wrong from there before, and costs nothing again. */
  readonly charge: 'charged' | 'repeated';
}

type Verdict<T> =
  | { readonly kind: 'failed'; readonly failure: Failure }
  | { readonly kind: 'turned-away'; readonly refusal: Refusal }
  | { readonly kind: 'proven'; readonly proven: T };

const queueIsFull = { kind: 'turned-away', refusal: refuse('busy', { retryAfterSeconds: 1 }) } as const;

export interface ProverParts {
  readonly store: Store;
  readonly passwords: PasswordVerifier;
  readonly acquaintances: Acquaintances;
  readonly limiter: Limiter;
  readonly repeats: Repeats;
  readonly hold: Hold;
  readonly recorder: Recorder;
  readonly keyring: Keyring;
  readonly clock: Clock;
  /** What follows a wrong re-authentication, before its answer. */
  readonly onWrongReauthentication: (principal: UserPrincipal, circumstances: Circumstances) => Promise<void>;
}

export function prover(parts: ProverParts): Prover {
  const { store, passwords, limiter, repeats, hold, recorder, clock } = parts;
  const claims = makeClaims(parts);

  const walk = async <T>(
    attempt: Try,
    circumstances: Circumstances,
    verify: () => Promise<Verdict<T>>,
    note: (failure: Failure) => Promise<void>,
  ): Promise<Refusal | T> => {
    const permit = await limiter.take(attempt);
    if (permit.kind === 'limited') {
      recorder.limited(attempt, permit.retryAfterSeconds);
      return limited(permit);
    }
    let verdict: Verdict<T>;
    try {
      verdict = await verify();
    } catch (fault) {
      await permit.settle('given-back');
      throw fault;
    }
    switch (verdict.kind) {
      case 'turned-away':
        await permit.settle('given-back');
        return verdict.refusal;
      case 'proven': {
        const { put, drop } = await permit.settle('succeeded');
        if (put.length + drop.length > 0) await store.writeLimits({ put, drop });
        return verdict.proven;
      }
      case 'failed': {
        const { failure } = verdict;
        const written = await permit.settle(failure.charge === 'charged' ? 'failed' : 'given-back');
        await Promise.all([note(failure), store.writeLimits(written)]);
        const held = await hold.untilWholeSecond(circumstances.arrivedAt);
        return held.kind === 'crowded'
          ? refuse('rate_limited', { retryAfterSeconds: 1, cause: 'crowded', connection: 'close' })
          : failure.refusal;
      }
    }
  };

  const turnFor = (lane: Lane, address: Address): HashTurn => ({
    lane,
    network: networkOf(address, narrowNetwork.bits),
  });

  const countDevice = (device: DeviceRow, { address, peer }: Circumstances) =>
    store.countDeviceFailure({
      digest: device.digest,
      limit: deviceFailures,
      audit: recorder.event({
        event: 'device-forgotten',
        actor: '',
        address,
        peer,
        way: 'password',
        target: device.userId,
        result: 'too-many-wrong-passwords',
      }),
    });

  return {
    turnFor,

    standing: async ({ address }) => {
      // What holds for everybody from there, whoever they turn out to be.
      const anybody = { kind: 'stranger', network: 'seen-before' } as const;
      const standing = await limiter.standing({ way: 'login', address, standing: anybody });
      if (standing.kind === 'open') return standing;
      recorder.limited({ way: 'login', address }, standing.retryAfterSeconds);
      return limited(standing);
    },

    signIn: async (claim, circumstances) => {
      const { address } = circumstances;
      const typed = readPassword(claim.password);
      if (typed.kind === 'refused') return typed;
      const { password } = typed;
      const { account, subject, userId } = await claims.of(claim.username);
      const { standing, device } = await parts.acquaintances.of(userId, circumstances);
      const turn = turnFor(standing.kind === 'stranger' ? 'stranger' : 'known', address);
      const tried: WrongSecret = {
        subject: claims.voidable(account, subject),
        network: turn.network,
        secret: password,
      };
      const refusal = refuse('invalid_credentials', { fields: { requires_totp: false } });
      return walk<ProvenUser>(
        { way: claim.way, address, standing, subject },
        circumstances,
        async () => {
          const recalled = await repeats.recall(tried);
          if (recalled.before !== null)
            return { kind: 'failed', failure: { refusal, userId, cause: recalled.before, charge: 'repeated' } };
          const proof = await passwords.verify(account, password, turn);
          if (proof.kind === 'busy') return queueIsFull;
          if (proof.kind === 'proven') return { kind: 'proven', proven: { kind: 'user', user: proof.user, device } };
          const charge = (await recalled.note(proof.cause)).kind === 'new' ? 'charged' : 'repeated';
          return { kind: 'failed', failure: { refusal, userId: proof.userId, cause: proof.cause, charge } };
        },
        async (failure) => {
          await Promise.all([
            recorder.refused({
              event: 'sign-in-refused',
              kind: claim.kind,
              guessed: failure.charge === 'charged' ? namedBy(account.name, subject) : null,
              actor: '',
              way: 'password',
              ...noted(failure, circumstances),
            }),
            device !== null && failure.charge === 'charged' ? countDevice(device, circumstances) : undefined,
          ]);
        },
      );
    },

    reauthenticate: async ({ principal, password: text }, circumstances) => {
      const { address } = circumstances;
      const typed = readPassword(text);
      if (typed.kind === 'refused') return typed;
      const { row } = principal.user;
      return walk<ProvenUser>(
        {
          way: 'reauthentication',
          address,
          standing: { kind: 'holder', holder: principal.session.id },
          subject: { kind: 'user', userId: row.id },
        },
        circumstances,
        async () => {
          const account = { name: row.username, lookup: await store.userById(row.id) };
          const proof = await passwords.verify(account, typed.password, turnFor('known', address));
          if (proof.kind === 'busy') return queueIsFull;
          if (proof.kind === 'proven')
            return { kind: 'proven', proven: { kind: 'user', user: proof.user, device: null } };
          const { userId, cause } = proof;
          return {
            kind: 'failed',
            failure: { refusal: refuse('reauthentication_failed'), userId, cause, charge: 'charged' },
          };
        },
        async (failure) => {
          await recorder.refused({
            event: 'reauthentication-refused',
            kind: principal.session.kind,
            guessed: { kind: 'account', username: row.username },
            actor: row.id,
            way: 'password',
            ...noted(failure, circumstances),
          });
          await parts.onWrongReauthentication(principal, circumstances);
        },
      );
    },

    setupCode: async (code, circumstances) => {
      const { address } = circumstances;
      const { standing } = await parts.acquaintances.of(null, circumstances);
      return walk<ProvenCode>(
        { way: 'setup-code', address, standing, subject: { kind: 'nobody' } },
        circumstances,
        async () => {
          const proof = await verifySetupCode(code, store, clock);
          switch (proof.kind) {
            case 'already-configured':
              return { kind: 'turned-away', refusal: refuse('already_configured') };
            case 'rejected': {
              const refusal = refuse('setup_code_invalid');
              return { kind: 'failed', failure: { refusal, userId: null, cause: 'wrong-code', charge: 'charged' } };
            }
            case 'proven':
              return { kind: 'proven', proven: { kind: 'code', codeDigest: proof.codeDigest } };
          }
        },
        (failure) =>
          recorder.refused({
            event: 'setup-code-refused',
            kind: 'setup',
            guessed: { kind: 'nobody' },
            actor: '',
            way: 'setup-code',
            ...noted(failure, circumstances),
          }),
      );
    },
  };
}

function limited({ retryAfterSeconds }: Limited): Refusal {
  return refuse('rate_limited', { retryAfterSeconds, cause: 'limited' });
}

function noted({ userId, cause }: Failure, { address, peer }: Circumstances) {
  return { userId, cause, target: userId ?? '', address, peer };
}
