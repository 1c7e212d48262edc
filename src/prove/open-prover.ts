/** The prover and whoever proves Basic, and what they are made of, over the parts that others share. */
import { ownMac } from '../crypto/digest.ts';
import type { PasswordHasher } from '../crypto/password-hash.ts';
import type { Random } from '../crypto/random.ts';
import type { BasicVerifier } from '../guard/basic.ts';
import { type Prover, prover as makeProver, type ProverParts } from '../prove.ts';
import type { SharedCells } from '../store/shared-cells.ts';
import { hold } from '../throttle/hold.ts';
import type { Limiter } from '../throttle/limiter.ts';
import { repeats } from '../throttle/repeats.ts';
import { acquaintances } from '../verify/acquaintance.ts';
import { knownProofs } from '../verify/basic/known-proofs.ts';
import type { ServiceKeys } from '../verify/basic/service-key.ts';
import type { Memory } from '../verify/memory.ts';
import { passkeyVerifier } from '../verify/passkeys/passkey.ts';
import { type PasskeyChallenges, passkeyChallenges } from '../verify/passkeys/passkey-challenge.ts';
import { passwordVerifier } from '../verify/password.ts';
import { basicVerifier } from './basic.ts';
import { type EnrolmentProver, enrolmentProver } from './enrolment.ts';
import { type LinkProver, linkProver } from './link.ts';

export interface OpenedProver {
  readonly prover: Prover;
  readonly basic: BasicVerifier;
  readonly enrolments: EnrolmentProver;
  readonly links: LinkProver;
  readonly passkeyChallenges: PasskeyChallenges;
}

export function openProver(
  parts: Pick<ProverParts, 'store' | 'limiter' | 'unknownSecrets' | 'recorder' | 'keyring' | 'clock'> & {
    readonly memory: Memory;
    readonly hasher: PasswordHasher;
    readonly serviceKeys: ServiceKeys;
    readonly serviceKeyFrom: 'local' | 'anywhere';
    /** Where several nodes count together; null: each for itself. */
    readonly cells: SharedCells | null;
    readonly random: Random;
    readonly wait: (ms: number) => Promise<void>;
    readonly onFault: (fault: unknown) => void;
  },
): OpenedProver {
  const { store, memory, keyring, clock, random, cells, unknownSecrets, onFault } = parts;
  const proofs = knownProofs({ mac: ownMac(random), clock });
  // What is guessed another way fills the same limits, and is no less a guess to whoever is known over Basic from there.
  const limiter: Limiter = {
    ...parts.limiter,
    take: (attempt) => {
      if (attempt.way !== 'basic') proofs.tried(attempt.address);
      return parts.limiter.take(attempt);
    },
  };
  const challenges = passkeyChallenges({ key: () => keyring.cookieKey(), random, clock, store });
  const proverParts: ProverParts = {
    store,
    passwords: passwordVerifier({ hasher: parts.hasher, keyring, random, store, onFault }),
    passkeys: { verifier: passkeyVerifier({ store }), challenges },
    unknownSecrets,
    clock,
    recorder: parts.recorder,
    acquaintances: acquaintances({ store, clock }),
    limiter,
    repeats: repeats({ clock, key: cells === null ? random.bytes(32) : keyring.cookieKey(), cells }),
    keyring,
    hold: hold(clock, parts.wait),
  };
  const prover = makeProver(proverParts);
  return {
    prover,
    basic: basicVerifier({
      store,
      memory,
      keys: parts.serviceKeys,
      serviceKeyFrom: parts.serviceKeyFrom,
      proofs,
      prover,
      unknown: unknownSecrets,
      recorder: parts.recorder,
      clock,
    }),
    enrolments: enrolmentProver(proverParts),
    links: linkProver(proverParts),
    passkeyChallenges: challenges,
  };
}
