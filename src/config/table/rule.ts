/** What a rule that joins settings is, and what it may find. Pure. */
import type { SettingName, Values } from '../schema.ts';

/** Which settings were given at all, whatever they say. */
export type Standings = Readonly<Record<SettingName, 'default' | 'given'>>;

export type Finding = { readonly kind: 'problem' | 'warning'; readonly message: string } | { readonly kind: 'fine' };

export interface Rule {
  /** What it reads. The notice stands under the first of these that was given. */
  readonly reads: readonly [SettingName, ...SettingName[]];
  check(values: Values, standings: Standings): Finding;
}

export const fine: Finding = { kind: 'fine' };

export function problem(message: string): Finding {
  return { kind: 'problem', message };
}

export function warning(message: string): Finding {
  return { kind: 'warning', message };
}
