/**
 * The spine's other half: the same walk as `guard.ts` for a secret that somebody typed, or a passkey.
 *
 *   request (name and secret become typed) → throttle (a unit is taken) → verify → record → settle
 *
 * Unknown, wrong and disabled leave here alike: one answer, one hash, and at a whole second after arrival
 * (3-rules, Guessing). The walk itself is in `prove/walk.ts`, second factors are in `prove/second-factor.ts`.
 */
import type { HashTurn, Lane } from './crypto/hash-queue.ts';
import type { Keyring } from './crypto/keyring.ts';
import { recoveryCodeDigest } from './crypto/code.ts';
import { refuse, type Refusal } from './errors.ts';
import { secondFactorOf } from './principal/factors.ts';
import { codes as makeCodes } from './prove/codes.ts';
import { type Admission, type PasskeyParts, type Passkeys, passkeys as makePasskeys } from './prove/passkeys.ts';
import { type Reauthenticate, reauthentication } from './prove/reauthenticate.ts';
import { type FactorRefusal, type SecondFactors, secondFactors } from './prove/second-factor.ts';
import type { Realms } from './realm/realms.ts';
import type { Passwords } from './prove/realms/passwords.ts';
import { type ShownInVain, shownInVain } from './prove/shown-in-vain.ts';
import { countDevice, limited, noted, queueIsFull, realmIsAway, turnFor, walker } from './prove/walk.ts';
import { namedBy } from './record/failures/lines.ts';
import type { Recorder } from './record/recorder.ts';
import { readFactorCode } from './request/factor-code.ts';
import type { DeviceRow, UserRow } from './store/rows.ts';
import type { Store } from './store/store.ts';
import type { Hold } from './throttle/hold.ts';
import type { Limiter } from './throttle/limiter.ts';
import type { Standing } from './throttle/places.ts';
import type { Repeats, WrongSecret } from './throttle/repeats.ts';
import type { UnknownSecrets } from './throttle/unknown-secrets.ts';
import type { Address, Circumstances, Clock, Digest } from './types.ts';
import type { Acquaintances, Shown } from './verify/acquaintance.ts';
import { claims as makeClaims, readPassword } from './verify/claim.ts';
import type { Account, PasswordProof } from './verify/password.ts';
import { verifySetupCode } from './verify/setup-code.ts';

/** Everything that was needed. */
export interface ProvenUser {
  readonly kind: 'user';
  readonly user: UserRow;
  /** Device of that user which showed itself; null for strangers. */
  readonly device: DeviceRow | null;
}

/** The password was right; the account has a second factor, and none was given. */
export interface HalfProven {
  readonly kind: 'half';
  readonly user: UserRow;
  /** Whether the account is used to whoever it was. */
  readonly from: 'stranger' | 'owner';
}

export interface ProvenCode {
  readonly kind: 'code';
  readonly codeDigest: Digest;
}

export interface Prover {
  /** Whether a sign-in from there would be refused now, before anything that works once is spent on it. */
  standing(
    claim: { readonly username: string; readonly code: string | undefined },
    circumstances: Circumstances,
  ): Promise<Refusal | { readonly kind: 'open' }>;
  signIn(
    claim: {
      readonly username: string;
      readonly password: string;
      /** Of the second factor; of no meaning where the account has none. */
      readonly code: string | undefined;
      readonly way: 'login' | 'enable' | 'basic' | 'ticket';
      readonly kind: string;
      /** That very password was proven for that user before, and is not hashed again as long as the account is the same. */
      readonly provenFor?: UserRow | null;
    },
    circumstances: Circumstances,
  ): Promise<Refusal | FactorRefusal | HalfProven | ProvenUser>;
  /** A passkey that says itself whose it is, and stands for password and second factor. */
  signInByPasskey(
    claim: { readonly response: unknown; readonly kind: string; readonly admit: Admission },
    circumstances: Circumstances,
  ): Promise<Refusal | ProvenUser>;
  readonly reauthenticate: Reauthenticate;
  readonly secondFactors: SecondFactors;
  readonly passkeyOptions: Passkeys['options'];
  setupCode(code: string, circumstances: Circumstances): Promise<Refusal | ProvenCode>;
  /** What was shown for a signed ticket and is good for none: written down, and told like a wrong password. */
  readonly shownInVain: (shown: ShownInVain, circumstances: Circumstances) => Promise<Refusal>;
  /** Lane and network of a new hash by somebody already proven. */
  turnFor(lane: Lane, address: Address): HashTurn;
}

export interface ProverParts {
  readonly store: Store;
  readonly realms: Realms;
  readonly passwords: Passwords;
  readonly passkeys: Pick<PasskeyParts, 'verifier' | 'challenges'>;
  readonly acquaintances: Acquaintances;
  readonly limiter: Limiter;
  readonly unknownSecrets: UnknownSecrets;
  readonly repeats: Repeats;
  readonly hold: Hold;
  readonly recorder: Recorder;
  readonly keyring: Keyring;
  readonly clock: Clock;
}

export function prover(parts: ProverParts): Prover {
  const { store, passwords, limiter, repeats, recorder, clock } = parts;
  const claims = makeClaims(parts);
  const walk = walker(parts);
  const codes = makeCodes(parts);
  const passkeys = makePasskeys({ ...parts, ...parts.passkeys });
  const factors = secondFactors({ ...parts, walk, codes, passkeys });

  /** A recovery code that comes with the password is shown, not spent: that follows when the password is right. */
  const shownWith = (code: string | undefined, circumstances: Circumstances): Shown => {
    const form = readFactorCode(code ?? '');
    const asked = form.kind === 'recovery' && parts.unknownSecrets.standing(circumstances.address).kind === 'open';
    return asked ? { ...circumstances, recoveryCode: recoveryCodeDigest(form.code) } : circumstances;
  };

  /** The first factor; `standing`: what its owner is to the account. */
  const password: (
    claim: Omit<Parameters<Prover['signIn']>[0], 'code'>,
    circumstances: Circumstances & Shown,
  ) => Promise<Refusal | (ProvenUser & { readonly standing: Standing })> = async (claim, circumstances) => {
    const { address } = circumstances;
    const typed = readPassword(claim.password);
    if (typed.kind === 'refused') return typed;
    const { password: secret } = typed;
    const { account, subject, userId } = await claims.of(claim.username);
    const { standing, device } = await parts.acquaintances.of(userId, circumstances);
    const turn = turnFor(standing.kind === 'stranger' ? 'stranger' : 'known', address);
    const tried: WrongSecret = { subject: claims.voidable(account, subject), network: turn.network, secret };
    const refusal = refuse('invalid_credentials', { fields: { requires_totp: false } });
    return walk<ProvenUser & { readonly standing: Standing }>(
      { way: claim.way, address, standing, subject },
      circumstances,
      async () => {
        const recalled = await repeats.recall(tried);
        // What another realm refused may be right there by now.
        if (recalled.before !== null && account.at.realm.kind === 'local')
          return { kind: 'failed', failure: { refusal, userId, cause: recalled.before, charge: 'repeated' } };
        const proof =
          provenBefore(account, claim.provenFor) ?? (await passwords.verify(account, secret, turn, circumstances));
        if (proof.kind === 'busy') return queueIsFull;
        if (proof.kind === 'unavailable') return realmIsAway;
        if (proof.kind === 'proven') {
          const { user } = proof;
          const unit = secondFactorOf(user) === 'none' ? 'succeeded' : 'given-back';
          return { kind: 'proven', proven: { kind: 'user', user, device, standing }, unit };
        }
        // Nobody knows whether a hash that took too long would have matched: the same password is looked at again.
        const noted = proof.cause === 'hash-too-slow' ? { kind: 'new' } : await recalled.note(proof.cause);
        const charge = noted.kind === 'new' ? 'charged' : 'repeated';
        return { kind: 'failed', failure: { refusal, userId: proof.userId, cause: proof.cause, charge } };
      },
      async (failure) => {
        await Promise.all([
          recorder.refused({
            event: 'sign-in-refused',
            kind: claim.kind,
            guessed: failure.charge === 'charged' ? namedBy(account.name, subject) : null,
            actor: '',
            way: claim.way === 'basic' ? 'basic' : 'password',
            ...noted(failure, circumstances),
          }),
          failure.charge === 'charged' ? countDevice(parts, device, circumstances) : undefined,
        ]);
      },
    );
  };

  return {
    turnFor,
    shownInVain: shownInVain(parts),
    secondFactors: factors,
    passkeyOptions: passkeys.options,
    reauthenticate: reauthentication({ ...parts, claims, walk, codes, passkeys, factors }),

    standing: async ({ username, code }, circumstances) => {
      const { address } = circumstances;
      // What holds for everybody from there, whoever they turn out to be.
      const anybody = { kind: 'stranger', network: 'seen-before' } as const;
      const standing = await limiter.standing({ way: 'login', address, standing: anybody });
      if (standing.kind === 'open') return standing;
      const shown = shownWith(code, circumstances);
      if (shown.recoveryCode !== undefined) {
        const { userId } = await claims.of(username);
        if ((await parts.acquaintances.of(userId, shown)).standing.kind === 'holder') return { kind: 'open' };
      }
      recorder.limited({ way: 'login', address }, standing.retryAfterSeconds);
      return limited(standing);
    },

    signIn: async ({ code, ...claim }, circumstances) => {
      const proven = await password(claim, { ...circumstances, ...shownWith(code, circumstances) });
      if (proven.kind === 'refused') return proven;
      const { user, device, standing } = proven;
      if (secondFactorOf(user) === 'none') return { kind: 'user', user, device };
      if (code === undefined) return { kind: 'half', user, from: standing.kind === 'stranger' ? 'stranger' : 'owner' };
      const way = claim.way === 'login' ? 'login-code' : 'code';
      const answer = { kind: 'code', text: code, pending: null } as const;
      const factor = await factors.prove({ user, answer, way, kind: claim.kind }, circumstances);
      return factor.kind === 'refused' ? factor : { kind: 'user', user, device: factor.device };
    },

    signInByPasskey: async ({ response, kind, admit }, circumstances) => {
      const shown = { response, userId: null, standsFor: 'both-factors' } as const;
      const outcome = await passkeys.byItself(shown, circumstances, admit);
      switch (outcome.kind) {
        case 'turned-away':
          return outcome.refusal;
        case 'wrong':
          await recorder.refused({
            event: 'sign-in-refused',
            kind,
            // Whoever makes things up gets no line of his own for each.
            guessed: outcome.is === 'garbage' ? null : 'unguessable',
            actor: '',
            way: 'passkey',
            ...noted({ userId: null, cause: outcome.cause }, circumstances),
          });
          return refuse('invalid_credentials', {
            detail: 'The passkey was not accepted.',
            fields: { requires_totp: false },
          });
        case 'proven': {
          const { user } = outcome;
          const { device } = await parts.acquaintances.of(user.id, circumstances);
          return { kind: 'user', user, device };
        }
      }
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
              return { kind: 'proven', proven: { kind: 'code', codeDigest: proof.codeDigest }, unit: 'succeeded' };
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

/** Undefined: it has to be looked at. */
function provenBefore({ lookup }: Account, before: UserRow | null | undefined): PasswordProof | undefined {
  if (lookup.kind === 'unknown' || before?.id !== lookup.user.id || !lookup.user.active) return undefined;
  const { user } = lookup;
  return user.credentialGeneration === before.credentialGeneration ? { kind: 'proven', user } : undefined;
}
