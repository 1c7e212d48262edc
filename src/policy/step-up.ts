/**
 * Step 6c: is the person still there? (2-http-api, 4, step-up.) Pure. Stops: a stolen session that disarms the account.
 */
import { refuse, type Refusal } from '../errors.ts';
import type { FactorMethod } from '../principal/factors.ts';
import type { SessionRow } from '../store/rows.ts';
import type { Millis } from '../types.ts';

export interface StepUpRules {
  readonly windowMs: number;
  /** On a shared origin the application's scripts share the console's window, so every change takes the password itself. */
  readonly origin: 'own' | 'shared';
}

export type StepUp = { readonly kind: 'password-needed' } | { readonly kind: 'within-window' };

/** A complete sign-in or re-authentication opens the window; nothing else does. */
export function judgeStepUp(session: SessionRow, rules: StepUpRules, now: Millis): StepUp {
  if (rules.origin === 'shared') return { kind: 'password-needed' };
  const age = now - session.authenticatedAt;
  // A clock that went back opens nothing.
  return age >= 0 && age < rules.windowMs ? { kind: 'within-window' } : { kind: 'password-needed' };
}

/** What would do: the password, with one of these where the account has any; a passkey does by itself as well. */
export function stepUpRefusal(methods: readonly FactorMethod[]): Refusal {
  return refuse('reauthentication_required', { fields: { methods: ['password', ...methods] } });
}
