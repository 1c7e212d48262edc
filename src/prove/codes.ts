/**
 * Step 3 for the code of a second factor, each spent as soon as it is right: of any number of racers one wins
 * (3-rules, Second factors).
 */
import { recoveryCodeDigest } from '../crypto/code.ts';
import type { Keyring } from '../crypto/keyring.ts';
import { totpLock } from '../principal/factors.ts';
import type { Recorder } from '../record/recorder.ts';
import type { UserRow } from '../store/rows.ts';
import type { CodeSender, Store } from '../store/store.ts';
import type { Circumstances, Clock } from '../types.ts';
import { verifyTotp } from '../verify/totp.ts';

export type CodeProof =
  | { readonly kind: 'wrong'; readonly cause: 'wrong-code' | 'code-used-before' | 'totp-locked' }
  | { readonly kind: 'spent' };

export interface Codes {
  /** Six digits. Locked, they are refused without a look. */
  totp(user: UserRow, code: string, from: CodeSender): Promise<CodeProof>;
  /** A look at one, which spends nothing. */
  holdsRecovery(user: UserRow, code: string): ReturnType<Store['recoveryCode']>;
  /** In its one spelling. Using one is told to the owner, and ends what wrong codes locked. */
  recovery(user: UserRow, code: string, circumstances: Circumstances): Promise<CodeProof>;
}

export function codes(parts: {
  readonly store: Pick<Store, 'factorsOf' | 'recoveryCode' | 'spendCode'>;
  readonly keyring: Keyring;
  readonly recorder: Pick<Recorder, 'event'>;
  readonly clock: Clock;
}): Codes {
  const { store, keyring, recorder, clock } = parts;
  return {
    totp: async ({ id, sealedTotp, credentialGeneration: generation }, code, from) => {
      if (totpLock(await store.factorsOf(id)) === 'locked') return { kind: 'wrong', cause: 'totp-locked' };
      await keyring.learn(sealedTotp);
      const match = verifyTotp({ keyring }, { userId: id, sealed: sealedTotp, code, now: clock.now() });
      if (match.kind === 'none') return { kind: 'wrong', cause: 'wrong-code' };
      const spending = { userId: id, generation, use: { kind: 'totp', step: match.step, from } } as const;
      return (await store.spendCode(spending)).kind === 'spent'
        ? { kind: 'spent' }
        : { kind: 'wrong', cause: 'code-used-before' };
    },

    holdsRecovery: ({ id }, code) => store.recoveryCode(id, recoveryCodeDigest(code)),

    recovery: async ({ id, credentialGeneration: generation }, code, { address, peer }) => {
      const told = { kind: 'recovery-code-used', userId: id, at: clock.now(), address, detail: '' } as const;
      const event = { event: 'recovery-code-used', actor: id, address, peer, way: 'password', target: id } as const;
      const spent = await store.spendCode({
        userId: id,
        generation,
        use: { kind: 'recovery', digest: recoveryCodeDigest(code), notice: told, audit: recorder.event(event) },
      });
      return spent.kind === 'spent' ? { kind: 'spent' } : { kind: 'wrong', cause: 'wrong-code' };
    },
  };
}
