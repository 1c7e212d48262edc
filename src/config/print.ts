/**
 * Settings as text: what is in force and from where (`sallyport config`), problems at start, and the generated reference
 * (2-http-api, 1. Starting). Secrets are never among it. Pure.
 */
import type { SettingsInForce } from './load.ts';
import { settingNames, settingOf } from './schema.ts';
import type { Notice, SettingOrigin } from './sources.ts';
import { flagOf, harmless, secretFileOf, variableOf } from './spelling.ts';

export interface PrintedSetting {
  readonly setting: string;
  /** As an operator would write it; `(set)` for a secret; null when it is not given and has no default. */
  readonly value: string | null;
  readonly from: SettingOrigin['kind'];
  /** Flag, variable or key it was given by; the path of the file too. Absent for defaults. */
  readonly spelling?: string;
  readonly path?: string;
}

export interface PrintedSettings {
  /** Aligned, one setting a line, ends with a line break. */
  readonly text: string;
  /** The same for `--json`. */
  readonly data: { readonly settings: readonly PrintedSetting[]; readonly warnings: readonly Notice[] };
}

function sourceText(origin: SettingOrigin): string {
  if (origin.kind === 'default') return origin.kind;
  return origin.kind === 'file' ? `${harmless(origin.path)} (${harmless(origin.spelling)})` : origin.spelling;
}

export function printSettings(loaded: SettingsInForce): PrintedSettings {
  const lines: (readonly [string, string, string])[] = [];
  const settings: PrintedSetting[] = [];
  for (const name of settingNames) {
    const setting = settingOf(name);
    const value: unknown = loaded.values[name];
    const text = value === null ? null : setting.value.format(value);
    const origin = loaded.origins[name];
    const { kind: from, ...where } = origin;
    settings.push({ setting: name, value: text, from, ...where });
    const absent = setting.kind === 'optional' ? setting.otherwise.replace(/[;,:].*/, '') : 'none';
    lines.push([name, text === null || text === '' ? `(${absent})` : harmless(text), sourceText(origin)]);
  }
  const nameWidth = Math.max(...lines.map(([name]) => name.length));
  // One long list or path does not push every source off the screen.
  const valueWidth = Math.min(40, Math.max(...lines.map(([, value]) => value.length)));
  const text = lines
    .map(([name, value, source]) => `${name.padEnd(nameWidth)}  ${value.padEnd(valueWidth)}  ${source}\n`)
    .join('');
  return { text, data: { settings, warnings: loaded.warnings } };
}

/** One line for a problem or a warning, under the name the user wrote. */
export function noticeLine({ setting, source, message }: Notice): string {
  return setting === source ? `${setting}: ${message}` : `${setting} (${source}): ${message}`;
}

/** Markdown table of every setting (`--config` is none: it says where the file is), for `docs/reference/settings.md`. */
export function settingsReference(): string {
  const cell = (text: string): string => text.replaceAll('|', String.raw`\|`);
  const rows = settingNames.map((name) => {
    const setting = settingOf(name);
    const { writing, form } = setting.value;
    const names = writing === 'secret' ? [name, secretFileOf(name)] : [name];
    const spelt = (spell: (each: string) => string): string => names.map((each) => `\`${spell(each)}\``).join(', ');
    const byDefault =
      setting.kind === 'optional' ? setting.otherwise : setting.byDefault === '' ? 'none' : `\`${setting.byDefault}\``;
    const asFile = writing === 'secret' ? '; or the path of a file that holds it' : '';
    return `| ${[spelt(String), spelt(flagOf), spelt(variableOf), byDefault, setting.meaning, `${form}${asFile}`].map(cell).join(' | ')} |\n`;
  });
  return `| setting | flag | environment | default | meaning | form |\n|---|---|---|---|---|---|\n${rows.join('')}`;
}
