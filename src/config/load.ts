/**
 * Settings at start (2-http-api, 1. Starting): flags over environment over file over defaults. Every problem is listed
 * at once; the caller prints them and ends with exit code 64. Takes argv, environment and a reader as arguments.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { rules } from './rules.ts';
import {
  nest,
  type SettingName,
  settingNames,
  settingOf,
  type Settings,
  settingsTable,
  type Values,
} from './schema.ts';
import {
  decide,
  type Gathered,
  fromEnvironment,
  fromFile,
  fromFlags,
  type Given,
  type Notice,
  type SettingOrigin,
} from './sources.ts';
import type { Finding, Standings } from './table/rule.ts';
import type { Setting } from './table/setting.ts';
import { shown } from './spelling.ts';

export type FileRead =
  | { readonly kind: 'missing' }
  | { readonly kind: 'unreadable'; /** The system's word for it: `EACCES`, `EISDIR`. */ readonly reason: string }
  | { readonly kind: 'text'; readonly text: string };

export interface SettingsInput {
  /** What stands behind the command's name; flags of the command itself are taken out before. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readFile: (path: string) => FileRead;
}

export interface SettingsInForce {
  readonly kind: 'settings';
  readonly settings: Settings;
  /** The same values by dotted name. */
  readonly values: Values;
  readonly origins: Readonly<Record<SettingName, SettingOrigin>>;
  readonly warnings: readonly Notice[];
}

export type Loaded = { readonly kind: 'refused'; readonly problems: readonly Notice[] } | SettingsInForce;

/** The reader for real files. Read once, at start. */
export function readSettingsFile(path: string): FileRead {
  try {
    return { kind: 'text', text: readFileSync(path, 'utf8') };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';
    return code === 'ENOENT' ? { kind: 'missing' } : { kind: 'unreadable', reason: code };
  }
}

function sourceOf(origin: SettingOrigin): string {
  return origin.kind === 'file' ? origin.path : origin.kind;
}

function notice(name: SettingName, origin: SettingOrigin, message: string): Notice {
  return { setting: origin.kind === 'default' ? name : shown(origin.spelling), source: sourceOf(origin), message };
}

const nothing: Gathered = { given: [], problems: [], warnings: [] };

function unread(read: Exclude<FileRead, { kind: 'text' }>, path: string): string {
  return read.kind === 'missing' ? `there is no file ${shown(path)}` : `cannot read ${shown(path)} (${read.reason})`;
}

/** The named file must be there; the one in the data folder may be. */
function gatherFile(named: readonly Gathered[], readFile: SettingsInput['readFile']): Gathered {
  const find = (wanted: (given: Given) => boolean): Given | undefined =>
    named.flatMap(({ given }) => given).find(wanted);
  const config = find(({ target }) => target.kind === 'config');
  if (config !== undefined) {
    const path = resolve(config.text);
    const read: FileRead = config.text === '' || path.includes('\0') ? { kind: 'missing' } : readFile(path);
    if (read.kind === 'text') return fromFile(read.text, path);
    return { ...nothing, problems: [notice('data', config.origin, unread(read, path))] };
  }
  const data = find(({ target }) => target.kind === 'setting' && target.name === 'data');
  const folder = settingsTable.data.value.parse(data?.text ?? settingsTable.data.byDefault);
  // A data folder that cannot be read as a path is told once, with the other values.
  if (folder.kind === 'refused') return nothing;
  const path = join(folder.value, 'sallyport.toml');
  const read = readFile(path);
  if (read.kind === 'missing') return nothing;
  if (read.kind === 'unreadable')
    return { ...nothing, problems: [{ setting: path, source: path, message: unread(read, path) }] };
  const file = fromFile(read.text, path);
  const moved = file.given.find(({ target }) => target.kind === 'setting' && target.name === 'data');
  if (moved === undefined) return file;
  const message =
    'the file was found in the data folder and cannot name another; use --data, SALLYPORT_DATA or --config';
  return { ...file, problems: [...file.problems, notice('data', moved.origin, message)] };
}

type Read =
  | { readonly kind: 'problem'; readonly message: string }
  | { readonly kind: 'value'; readonly value: unknown };

/** The text a source gave, or what is in the file it named. */
function readGiven(given: Given, setting: Setting, readFile: SettingsInput['readFile']): Read {
  let { text } = given;
  if (given.target.kind === 'setting' && given.target.form === 'secret-file') {
    const path = resolve(text);
    const read: FileRead = text === '' || text.includes('\0') ? { kind: 'missing' } : readFile(path);
    if (read.kind !== 'text') return { kind: 'problem', message: unread(read, path) };
    text = read.text.replace(/\r?\n$/, '');
  }
  const parsed = setting.value.parse(text);
  if (parsed.kind === 'value') return parsed;
  // A text with @ in it may be a URL with a password, wherever it was meant to stand.
  const repeated = setting.value.writing === 'secret' || text.includes('@') ? '' : `; given: "${shown(text)}"`;
  return {
    kind: 'problem',
    message: `expected ${setting.value.form}${parsed.reason === '' ? '' : ` (${parsed.reason})`}${repeated}`,
  };
}

function readDefault(setting: Setting, data: string): unknown {
  if (setting.kind === 'optional') return null;
  const parsed = setting.value.parse(setting.byDefault.replace(/^<data>/, () => data));
  if (parsed.kind === 'refused') throw new TypeError(`The table holds a default that is none: "${setting.byDefault}"`);
  return parsed.value;
}

export function loadSettings({ argv, env, readFile }: SettingsInput): Loaded {
  const flags = fromFlags(argv);
  const environment = fromEnvironment(env);
  const sources = [flags, environment, gatherFile([flags, environment], readFile)];
  const problems = sources.flatMap((source) => source.problems);
  const warnings = sources.flatMap((source) => source.warnings);
  const values: Record<string, unknown> = {};
  const origins = {} as Record<SettingName, SettingOrigin>;
  const broken = new Set<SettingName>();

  const decided = decide(sources);
  for (const name of settingNames) {
    const setting = settingOf(name);
    const said = decided.get(name) ?? { kind: 'nothing' };
    origins[name] = said.kind === 'nothing' ? { kind: 'default' } : said.given.origin;
    // The data folder comes first in the table, so that defaults inside it are known.
    if (said.kind === 'nothing') {
      values[name] = readDefault(setting, String(values['data']));
      continue;
    }
    const read: Read =
      said.kind === 'both-forms'
        ? { kind: 'problem', message: 'given as a value and as a file; keep one' }
        : readGiven(said.given, setting, readFile);
    if (read.kind === 'value') {
      values[name] = read.value;
      if (
        setting.value.writing === 'secret' &&
        said.given.origin.kind === 'flag' &&
        said.given.target.kind === 'setting' &&
        said.given.target.form === 'value'
      ) {
        warnings.push(
          notice(name, origins[name], 'other users of this machine can read command lines; give the secret as a file'),
        );
      }
    } else {
      problems.push(notice(name, origins[name], read.message));
      broken.add(name);
    }
  }

  // Complete for every rule that runs: rules that read a broken setting are left out.
  const complete = values as Values;
  const standing = Object.fromEntries(
    settingNames.map((name) => [name, origins[name].kind === 'default' ? 'default' : 'given']),
  ) as Standings;
  for (const rule of rules) {
    if (rule.reads.some((name) => broken.has(name))) continue;
    const finding: Finding = rule.check(complete, standing);
    if (finding.kind === 'fine') continue;
    const name = rule.reads.find((each) => standing[each] === 'given') ?? rule.reads[0];
    (finding.kind === 'problem' ? problems : warnings).push(notice(name, origins[name], finding.message));
  }
  if (problems.length > 0) return { kind: 'refused', problems };
  return { kind: 'settings', settings: nest(complete), values: complete, origins, warnings };
}
