/** The prover and whoever proves Basic, and what they are made of, over the parts that others share. */
import { ownMac } from '../crypto/digest.ts';
import type { PasswordHasher } from '../crypto/password-hash.ts';
import type { Random } from '../crypto/random.ts';
import type { BasicVerifier } from '../guard/basic.ts';
import { type Prover, prover as makeProver, type ProverParts } from '../prove.ts';
import type { SharedCells } from '../store/shared-cells.ts';
import type { Realms } from '../realm/realms.ts';
import { hold } from '../throttle/hold.ts';
import type { Limiter } from '../throttle/limiter.ts';
import { repeats } from '../throttle/repeats.ts';
import { acquaintances } from '../verify/acquaintance.ts';
import { knownProofs } from '../verify/basic/known-proofs.ts';
import type { ServiceKeys } from '../verify/basic/service-key.ts';
import type { Memory } from '../verify/known/contract.ts';
import { passkeyVerifier } from '../verify/passkeys/passkey.ts';
import { type PasskeyChallenges, passkeyChallenges } from '../verify/passkeys/passkey-challenge.ts';
import { passwordVerifier } from '../verify/password.ts';
import { basicVerifier } from './basic.ts';
import { type EnrolmentProver, enrolmentProver } from './enrolment.ts';
import { type LinkProver, linkProver } from './link.ts';
import type { OpenedRealms } from './realms/open-adoption.ts';
import { realmPasswords, type Passwords } from './realms/passwords.ts';

export interface OpenedProver {
  readonly realms: Realms;
  readonly passwords: Passwords;
  readonly prover: Prover;
  readonly basic: BasicVerifier;
  readonly enrolments: EnrolmentProver;
  readonly links: LinkProver;
  readonly passkeyChallenges: PasskeyChallenges;
}

export function openProver(
  parts: Pick<ProverParts, 'store' | 'limiter' | 'unknownSecrets' | 'recorder' | 'keyring' | 'clock'> & {
    readonly memory: Memory;
    readonly realms: OpenedRealms;
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
  const challenges = passkeyChallenges({ keys: () => keyring.cookieKeys(), random, clock, store });
  const own = random.bytes(32);
  const { realms, adoption } = parts.realms;
  const passwords = realmPasswords({
    local: passwordVerifier({ hasher: parts.hasher, keyring, random, store, onFault }),
    adoption,
    clock,
    random,
    onFault,
  });
  const proverParts: ProverParts = {
    store,
    realms,
    passwords,
    passkeys: { verifier: passkeyVerifier({ store }), challenges },
    unknownSecrets,
    clock,
    recorder: parts.recorder,
    acquaintances: acquaintances({ store, clock }),
    limiter,
    repeats: repeats({ clock, keys: cells === null ? () => [own] : () => keyring.cookieKeys(), cells }),
    keyring,
    hold: hold(clock, parts.wait),
  };
  const prover = makeProver(proverParts);
  return {
    realms,
    passwords,
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
