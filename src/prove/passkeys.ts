/**
 * The walk of a passkey. Nobody guesses one, so wrong ones are charged to no name and no network but the budget that
 * protects the store, and right ones are never refused for somebody's failures (3-rules, Guessing).
 */
import { refuse, type Refusal } from '../errors.ts';
import type { Recorder } from '../record/recorder.ts';
import type { PasskeyRow, UserRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import type { UnknownSecrets } from '../throttle/unknown-secrets.ts';
import type { Circumstances, Clock, Origin, UserId } from '../types.ts';
import type { PasskeyChallenges } from '../verify/passkeys/passkey-challenge.ts';
import { challengeNamedBy, readAssertion } from '../verify/passkeys/passkey-wire.ts';
import { type PasskeyVerifier, rpIdOf } from '../verify/passkeys/passkey.ts';

export interface PasskeyShown {
  readonly response: unknown;
  /** Null: whose it is says the passkey itself. */
  readonly userId: UserId | null;
  /** `both-factors`: the authenticator itself has to have known its person. */
  readonly standsFor: 'both-factors' | 'second-factor';
}

/** `garbage`: it names no passkey that exists, so anybody can have made it, any number of times. */
export type PasskeyOutcome =
  | { readonly kind: 'turned-away'; readonly refusal: Refusal }
  | { readonly kind: 'wrong'; readonly cause: string; readonly is: 'garbage' | 'of-a-passkey' }
  | { readonly kind: 'proven'; readonly user: UserRow };

export interface Passkeys {
  /** Against a challenge of a pending sign-in: `spend` spends it once the assertion was found genuine. */
  answering(
    shown: PasskeyShown,
    pending: { readonly challenge: string; readonly spend: () => Promise<{ readonly kind: 'gone' | 'spent' }> },
    circumstances: Circumstances,
  ): Promise<PasskeyOutcome>;
  /**
   * Against one that was handed to whoever asked. Looked at whatever failed before, as long as it is an assertion and the
   * challenge is ours; `admit` is asked and the challenge is spent once it was found genuine.
   */
  byItself(shown: PasskeyShown, circumstances: Circumstances, admit?: Admission): Promise<PasskeyOutcome>;
  /** Options for a browser; `conflict` where the console has no name. */
  readonly options: (
    origin: Origin,
    asked:
      | { readonly kind: 'anybody' }
      | { readonly kind: 'pending'; readonly challenge: string; readonly passkeys: readonly PasskeyRow[] },
  ) => Refusal | { readonly kind: 'options'; readonly options: Readonly<Record<string, unknown>> };
}

export interface PasskeyParts {
  readonly store: Pick<Store, 'usePasskey'>;
  readonly verifier: PasskeyVerifier;
  readonly challenges: PasskeyChallenges;
  readonly unknownSecrets: UnknownSecrets;
  readonly recorder: Pick<Recorder, 'event'>;
  readonly clock: Clock;
}

/** Whatever else works once and has to be good: asked of whoever has a genuine passkey, before that is spent. */
export type Admission = () => Promise<Refusal | { readonly kind: 'spent' }>;

/** Whoever signs in with it is nobody known before that. */
const signIn = { purpose: 'sign-in', context: '' } as const;

const garbage: ReadonlySet<string> = new Set([
  'malformed',
  'wrong-type',
  'wrong-challenge',
  'wrong-origin',
  'cross-origin',
  'unknown-passkey',
]);

export function passkeys(parts: PasskeyParts): Passkeys {
  const { store, verifier, challenges, unknownSecrets, recorder, clock } = parts;

  const wrong = (cause: string, { address }: Circumstances): PasskeyOutcome => {
    // Beyond the budget each of them is one of any number.
    const beyond = unknownSecrets.standing(address).kind === 'limited';
    unknownSecrets.charge(address);
    return { kind: 'wrong', cause, is: beyond || garbage.has(cause) ? 'garbage' : 'of-a-passkey' };
  };

  const look = async (
    { response, userId, standsFor }: PasskeyShown,
    challenge: { readonly text: string; readonly spend: () => Promise<Refusal | { readonly kind: 'gone' | 'spent' }> },
    circumstances: Circumstances,
  ): Promise<PasskeyOutcome> => {
    const { address, peer, origin } = circumstances;
    const party = rpIdOf(origin);
    if (party.kind === 'address') return { kind: 'turned-away', refusal: noName() };
    const proof = await verifier.verify({
      response,
      challenge: challenge.text,
      origin,
      rpId: party.rpId,
      userId,
      userVerification: standsFor === 'both-factors' ? 'required' : 'preferred',
    });
    if (proof.kind === 'rejected') return wrong(proof.cause, circumstances);
    const spent = await challenge.spend();
    if (spent.kind === 'refused') return { kind: 'turned-away', refusal: spent };
    if (spent.kind === 'gone') return wrong('challenge-used-before', circumstances);
    const { user, passkey, counter, backedUp } = proof;
    const copied = { event: 'passkey-copied', actor: user.id, address, peer, way: 'passkey', target: user.id } as const;
    const at = clock.now();
    const used = await store.usePasskey({
      id: passkey.id,
      userId: user.id,
      generation: user.credentialGeneration,
      counter,
      backedUp,
      at,
      notice: { userId: user.id, kind: 'passkey-copied', at, address, detail: passkey.name },
      audit: recorder.event(copied),
    });
    return used.kind === 'used' ? { kind: 'proven', user } : wrong('gone', circumstances);
  };

  const within = async ({ address }: Circumstances, goOn: () => Promise<PasskeyOutcome>): Promise<PasskeyOutcome> => {
    const standing = unknownSecrets.standing(address);
    if (standing.kind === 'open') return goOn();
    const { retryAfterSeconds } = standing;
    return {
      kind: 'turned-away',
      refusal: refuse('rate_limited', { retryAfterSeconds, cause: 'unknown-secrets' }),
    };
  };

  return {
    answering: (shown, { challenge, spend }, circumstances) =>
      within(circumstances, () => look(shown, { text: challenge, spend }, circumstances)),

    byItself: async (shown, circumstances, admit) => {
      if (rpIdOf(circumstances.origin).kind === 'address') return { kind: 'turned-away', refusal: noName() };
      const madeUp = (cause: string) => within(circumstances, () => Promise.resolve(wrong(cause, circumstances)));
      const named = challengeNamedBy(shown.response);
      if (named.kind === 'none' || readAssertion(shown.response).kind === 'rejected') return madeUp('malformed');
      const { challenge: text } = named;
      if (challenges.look(text, signIn).kind === 'invalid') return madeUp('wrong-challenge');
      const spend = async (): Promise<Refusal | { readonly kind: 'gone' | 'spent' }> => {
        const admitted = await admit?.();
        if (admitted?.kind === 'refused') return admitted;
        const spent = await challenges.spend(text, signIn);
        return spent.kind === 'spent' ? spent : { kind: 'gone' };
      };
      return look(shown, { text, spend }, circumstances);
    },

    options: (origin, asked) => {
      const party = rpIdOf(origin);
      if (party.kind === 'address') return noName();
      const pending = asked.kind === 'pending';
      return {
        kind: 'options',
        options: verifier.requestOptions({
          challenge: pending ? asked.challenge : challenges.make(signIn),
          rpId: party.rpId,
          passkeys: pending ? asked.passkeys : [],
          userVerification: pending ? 'preferred' : 'required',
        }),
      };
    },
  };
}

function noName(): Refusal {
  return refuse('conflict', { detail: 'Passkeys need a name: open this page under a host name, not an address.' });
}
