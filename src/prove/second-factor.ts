/**
 * The walk of a second factor, after the right password: with it in one request, or in answer to a challenge (2-http-api, 4).
 *
 *   request (the answer becomes typed) → throttle → verify and spend → record → settle
 */
import { refuse, type Refusal } from '../errors.ts';
import { type FactorMethod, methodsOf, secondFactorOf } from '../principal/factors.ts';
import { type FactorCode, readFactorCode } from '../request/factor-code.ts';
import type { DeviceRow, UserRow } from '../store/rows.ts';
import type { CodeSender } from '../store/store.ts';
import { codesAfterPassword, pendingSignIns } from '../throttle/limits.ts';
import type { GuessableWay } from '../throttle/limits.ts';
import type { UnknownSecrets } from '../throttle/unknown-secrets.ts';
import type { Circumstances, Clock, Digest, Origin } from '../types.ts';
import type { Acquaintances } from '../verify/acquaintance.ts';
import { rpIdOf } from '../verify/passkeys/passkey.ts';
import type { CodeProof, Codes } from './codes.ts';
import type { Passkeys } from './passkeys.ts';
import { countDevice, limited, noted, type Verdict, type Walk, type WalkParts } from './walk.ts';

/** A challenge as it was shown. */
export interface Pending {
  readonly text: string;
  readonly digest: Digest;
}

export type Answer =
  | { readonly kind: 'code'; readonly text: string; readonly pending: Pending | null }
  | { readonly kind: 'passkey'; readonly response: unknown; readonly pending: Pending };

export interface FactorClaim {
  readonly user: UserRow;
  readonly answer: Answer;
  /** `login`: together with the password. */
  readonly way: Extract<GuessableWay, 'login-code' | 'code'>;
  /** Kind of session asked for, or what else was tried. */
  readonly kind: string;
}

export interface ProvenFactor {
  readonly kind: 'factor';
  readonly method: FactorMethod;
  readonly device: DeviceRow | null;
}

/** `ended`: whoever wants in begins with the password again. */
export interface FactorRefusal extends Refusal {
  readonly challenge: 'open' | 'ended';
}

export interface SecondFactors {
  prove(claim: FactorClaim, circumstances: Circumstances): Promise<FactorRefusal | ProvenFactor>;
  /** What the account can answer with on a page of that origin, and its passkeys that work there; nothing where no answer is asked for. */
  methods(
    user: UserRow,
    origin: Origin,
  ): Promise<{
    readonly methods: readonly FactorMethod[];
    readonly passkeys: Awaited<ReturnType<WalkParts['store']['factorsOf']>>['passkeys'];
  }>;
}

export interface SecondFactorParts extends WalkParts {
  readonly walk: Walk;
  readonly codes: Codes;
  readonly passkeys: Passkeys;
  readonly acquaintances: Acquaintances;
  readonly unknownSecrets: UnknownSecrets;
  readonly clock: Clock;
}

/** The same whatever was wrong with the answer, or with the challenge. */
export function codeRefused(): Refusal {
  return refuse('invalid_credentials', { detail: 'The code is not right.', fields: { requires_totp: true } });
}

export function secondFactors(parts: SecondFactorParts): SecondFactors {
  const { store, limiter, recorder, clock, walk, codes, passkeys, unknownSecrets } = parts;

  /** Those with a right password and no known device are counted in a row; whoever answers a challenge, with it. */
  const count = async (
    user: UserRow,
    pending: Pending | null,
    from: CodeSender,
    { address, peer }: Circumstances,
  ): Promise<'open' | 'ended'> => {
    if (pending === null && from === 'owner') return 'open';
    const counted = await store.countCodeFailure({
      userId: user.id,
      challenge: pending?.digest ?? null,
      challengeLimit: pendingSignIns.wrong,
      from,
      knownAfter: codesAfterPassword,
      notice: { userId: user.id, kind: 'password-known', at: clock.now(), address, detail: '' },
      audit: recorder.event({ event: 'password-known', actor: '', address, peer, way: 'password', target: user.id }),
    });
    return counted.challenge;
  };

  /** Of two right answers the second one finds the challenge gone. */
  const spend = async (pending: Pending | null): Promise<{ readonly kind: 'gone' | 'spent' }> =>
    pending === null ? { kind: 'spent' } : store.spendChallenge(pending.digest, clock.now());

  type Proof = CodeProof | { readonly kind: 'wrong'; readonly cause: 'code-unreadable' | 'totp-paused' };

  /** Recovery codes were looked at before this: what is one here was wrong. */
  const proofOf = async (user: UserRow, code: FactorCode, from: CodeSender): Promise<Proof> => {
    switch (code.kind) {
      case 'unreadable':
        return { kind: 'wrong', cause: 'code-unreadable' };
      case 'recovery':
        return { kind: 'wrong', cause: 'wrong-code' };
      case 'totp':
        return codes.totp(user, code.code, from);
    }
  };

  const proveCode = async (
    { user, way, kind }: FactorClaim,
    { text, pending }: Extract<Answer, { kind: 'code' }>,
    circumstances: Circumstances,
  ): Promise<FactorRefusal | ProvenFactor> => {
    const { address } = circumstances;
    const { standing, device } = await parts.acquaintances.of(user.id, circumstances);
    const code = readFactorCode(text);
    const gone = { ...codeRefused(), challenge: 'ended' } as const;
    if (code.kind === 'recovery') {
      // Nobody guesses 125 bits: a right one gets through whatever strangers have done.
      const open = unknownSecrets.standing(address);
      if (open.kind === 'limited') return { ...limited(open), challenge: 'open' };
      if ((await codes.holdsRecovery(user, code.code)).kind === 'held') {
        // There are few of them: none is spent on a challenge that is gone.
        if ((await spend(pending)).kind === 'gone') return gone;
        const spent = await codes.recovery(user, code.code, circumstances);
        if (spent.kind === 'spent') return { kind: 'factor', method: 'recovery', device };
        if (pending !== null) return gone;
      }
      unknownSecrets.charge(address);
    }
    const subject = { kind: 'user', userId: user.id } as const;
    let challenge: 'open' | 'ended' = 'open';

    /** A wrong one is counted before the next code from there is looked at. */
    const judge = async (from: CodeSender): Promise<Proof> => {
      const proof = await proofOf(user, code, from);
      if (proof.kind === 'wrong') {
        const looked = proof.cause !== 'totp-locked';
        challenge = await count(user, pending, looked ? from : 'owner', circumstances);
      }
      return proof;
    };

    const inTurn = async (from: CodeSender): Promise<Proof> => {
      const turn = await limiter.take({ way: 'totp', address, standing, subject });
      if (turn.kind === 'limited') {
        challenge = await count(user, pending, 'owner', circumstances);
        return { kind: 'wrong', cause: 'totp-paused' };
      }
      let proof: Proof | undefined;
      try {
        proof = await judge(from);
      } finally {
        const written = await turn.settle(proof?.kind === 'wrong' ? 'failed' : 'given-back');
        if (proof?.kind === 'wrong') await store.writeLimits(written);
      }
      return proof;
    };

    const outcome = await walk<ProvenFactor | { readonly kind: 'gone' }>(
      { way, address, standing, subject },
      circumstances,
      async (): Promise<Verdict<ProvenFactor | { readonly kind: 'gone' }>> => {
        const proof = await (standing.kind === 'holder' ? judge('owner') : inTurn(standing.kind));
        if (proof.kind === 'wrong')
          return {
            kind: 'failed',
            failure: { refusal: codeRefused(), userId: user.id, cause: proof.cause, charge: 'charged' },
          };
        const proven = (await spend(pending)).kind === 'spent';
        return proven
          ? { kind: 'proven', proven: { kind: 'factor', method: 'totp', device }, unit: 'succeeded' }
          : { kind: 'proven', proven: { kind: 'gone' }, unit: 'given-back' };
      },
      async (failure) => {
        await Promise.all([
          recorder.refused({
            event: 'code-refused',
            kind,
            guessed: { kind: 'account', username: user.username },
            actor: '',
            way: 'password',
            ...noted(failure, circumstances),
          }),
          countDevice(parts, device, circumstances),
        ]);
      },
    );
    if (outcome.kind === 'gone') return gone;
    return outcome.kind === 'factor' ? outcome : { ...outcome, challenge };
  };

  const provePasskey = async (
    { user, kind }: FactorClaim,
    { response, pending }: Extract<Answer, { kind: 'passkey' }>,
    circumstances: Circumstances,
  ): Promise<FactorRefusal | ProvenFactor> => {
    const outcome = await passkeys.answering(
      { response, userId: user.id, standsFor: 'second-factor' },
      { challenge: pending.text, spend: () => spend(pending) },
      circumstances,
    );
    switch (outcome.kind) {
      case 'turned-away':
        return { ...outcome.refusal, challenge: 'open' };
      case 'wrong': {
        const challenge = await count(user, pending, 'owner', circumstances);
        const { cause } = outcome;
        await recorder.refused({
          event: 'code-refused',
          kind,
          guessed: 'unguessable',
          actor: '',
          way: 'passkey',
          ...noted({ userId: user.id, cause }, circumstances),
        });
        return { ...codeRefused(), detail: 'The passkey was not accepted.', challenge };
      }
      case 'proven': {
        const { device } = await parts.acquaintances.of(user.id, circumstances);
        return { kind: 'factor', method: 'passkey', device };
      }
    }
  };

  return {
    prove: (claim, circumstances) =>
      claim.answer.kind === 'code'
        ? proveCode(claim, claim.answer, circumstances)
        : provePasskey(claim, claim.answer, circumstances),

    methods: async (user, origin) => {
      if (secondFactorOf(user) === 'none') return { methods: [], passkeys: [] };
      const factors = await store.factorsOf(user.id);
      const party = rpIdOf(origin);
      const usable = factors.passkeys.filter((each) => party.kind === 'name' && each.rpId === party.rpId);
      return { methods: methodsOf(factors, usable), passkeys: usable };
    },
  };
}
