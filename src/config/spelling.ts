/**
 * The three spellings of a setting's one name (2-http-api, 1. Starting), and what was probably meant by a misspelt one.
 * Look-ups go through maps, so that `__proto__` and `constructor` are unknown settings and nothing else. Pure.
 */
import { type SettingName, settingNames, settingsTable } from './schema.ts';

/** What a spelling stands for. `secret-file`: the text is the path of a file that holds the secret. */
export type Target =
  | { readonly kind: 'setting'; readonly name: SettingName; readonly form: 'value' | 'secret-file' }
  /** Where the configuration file is; not a setting, because the file cannot say it. */
  | { readonly kind: 'config' };

/** `session.account.idle` → `--session-account-idle`. */
export function flagOf(name: string): string {
  return `--${name.replaceAll('.', '-')}`;
}

/** `session.account.idle` → `SALLYPORT_SESSION_ACCOUNT_IDLE`. */
export function variableOf(name: string): string {
  return `SALLYPORT_${name.replaceAll(/[.-]/g, '_').toUpperCase()}`;
}

/** A secret's second name, for the path of the file that holds it. */
export function secretFileOf(name: SettingName): string {
  return `${name}-file`;
}

const targets: readonly (readonly [string, Target])[] = settingNames.flatMap((name) => {
  const value: readonly [string, Target] = [name, { kind: 'setting', name, form: 'value' }];
  if (settingsTable[name].value.writing !== 'secret') return [value];
  return [value, [secretFileOf(name), { kind: 'setting', name, form: 'secret-file' }] as const];
});
const withConfig: typeof targets = [...targets, ['config', { kind: 'config' }]];

export const targetOfFlag: ReadonlyMap<string, Target> = new Map(
  withConfig.map(([name, target]) => [flagOf(name), target]),
);
export const targetOfVariable: ReadonlyMap<string, Target> = new Map(
  withConfig.map(([name, target]) => [variableOf(name), target]),
);
/** By dotted name, dashes inside; the file may write underscores for them. */
export const targetOfKey: ReadonlyMap<string, Target> = new Map(targets);
/** Names of tables in the file: `session`, `session.account`. */
export const fileTables: ReadonlySet<string> = new Set(
  targets.flatMap(([name]) => {
    const parts = name.split('.');
    return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('.'));
  }),
);

/** Single steps (insert, remove, replace) from one word to the other. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 0; i < from.length; i += 1) {
    const next = [i + 1];
    for (let j = 0; j < to.length; j += 1) {
      const replaced = (row[j] ?? 0) + (from[i] === to[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}

const longestWord = 64;

/** ` Did you mean …?` in the spelling of the candidates, or nothing when none is near. */
export function suggestion(word: string, candidates: Iterable<string>): string {
  if (word.length > longestWord) return '';
  const plain = (text: string): string => text.toLowerCase().replaceAll(/[._-]/g, '-');
  const ranked = [...candidates].map((candidate) => ({ candidate, steps: distance(plain(word), plain(candidate)) }));
  const [best] = ranked.sort((a, b) => a.steps - b.steps);
  return best !== undefined && best.steps <= Math.min(3, word.length / 3) ? ` Did you mean ${best.candidate}?` : '';
}

/** Without characters that a terminal would act on. */
export function harmless(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replaceAll(/[\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g, '?');
}

/** Operators' own words in a message: short and harmless. */
export function shown(text: string): string {
  return harmless(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
