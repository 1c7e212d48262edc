/** Second factors as an account has them (3-rules, Second factors). Recovery codes alone are none. */
import type { PasskeyRow, UserRow } from '../store/rows.ts';
import type { Factors } from '../store/store.ts';
import { codesInRow } from '../throttle/limits.ts';

export type SecondFactor = 'none' | 'present';

export function secondFactorOf(user: Pick<UserRow, 'sealedTotp' | 'passkeys'>): SecondFactor {
  return user.sealedTotp !== '' || user.passkeys > 0 ? 'present' : 'none';
}

/** Whether codes by time are refused without a look, whoever comes with one, until something stronger does. */
export function totpLock(factors: Pick<Factors, 'strangersFailures' | 'knownNetworkFailures'>): 'locked' | 'open' {
  return Math.max(factors.strangersFailures, factors.knownNetworkFailures) >= codesInRow ? 'locked' : 'open';
}

export type FactorMethod = 'totp' | 'passkey' | 'recovery';

/** What the account can answer with; `usable`: those of its passkeys that work where the asker is. */
export function methodsOf(factors: Factors, usable: readonly PasskeyRow[]): readonly FactorMethod[] {
  return [
    ...(factors.totpAddedAt === null ? [] : (['totp'] as const)),
    ...(usable.length === 0 ? [] : (['passkey'] as const)),
    ...(factors.recoveryCodes === 0 ? [] : (['recovery'] as const)),
  ];
}
