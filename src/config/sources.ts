/**
 * What was given where: command line, environment, file. Each yields the texts it found and everything it could not
 * place; nothing is read as a value yet (`load.ts`). No message repeats a text that may be a secret. Pure.
 */
import { parse, TomlDate, TomlError } from 'smol-toml';
import { type SettingName, settingNames, settingsTable } from './schema.ts';
import { fileTables, shown, suggestion, type Target, targetOfFlag, targetOfKey, targetOfVariable } from './spelling.ts';

/** Where a value came from. */
export type SettingOrigin =
  | { readonly kind: 'default' }
  | { readonly kind: 'flag' | 'environment'; /** As the user wrote it. */ readonly spelling: string }
  | { readonly kind: 'file'; readonly spelling: string; readonly path: string };

/** One thing to tell the operator: refuses the start (exit code 64), or warns. */
export interface Notice {
  /** Name as the user wrote it. */
  readonly setting: string;
  /** `flag`, `environment`, `default`, or the path of the file. */
  readonly source: string;
  readonly message: string;
}

export interface Given {
  readonly target: Target;
  readonly text: string;
  readonly origin: SettingOrigin;
}

export interface Gathered {
  readonly given: readonly Given[];
  readonly problems: readonly Notice[];
  readonly warnings: readonly Notice[];
}

function writingOf(target: Target): 'text' | 'flag' | 'count' | 'list' | 'secret' {
  return target.kind === 'setting' && target.form === 'value' ? settingsTable[target.name].value.writing : 'text';
}

/** `--name value`, `--name=value`, and `--name` alone for what is true or false. */
export function fromFlags(argv: readonly string[]): Gathered {
  const given: Given[] = [];
  const problems: Notice[] = [];
  const seen = new Set<string>();
  const problem = (setting: string, message: string): number =>
    problems.push({ setting: shown(setting), source: 'flag', message });
  for (let at = 0; at < argv.length; at += 1) {
    const argument = argv[at] ?? '';
    if (!argument.startsWith('--') || argument === '--') {
      // Not repeated: it may be the rest of a secret that was not quoted.
      problem(`argument ${at + 1}`, 'not a flag; settings are written --name value or --name=value');
      continue;
    }
    const equals = argument.indexOf('=');
    const flag = equals === -1 ? argument : argument.slice(0, equals);
    const inline = equals === -1 ? undefined : argument.slice(equals + 1);
    const next = argv[at + 1];
    const target = targetOfFlag.get(flag);
    if (target === undefined) {
      problem(flag, `unknown flag.${suggestion(flag, targetOfFlag.keys())}`);
      if (inline === undefined && next !== undefined && !next.startsWith('-')) at += 1;
      continue;
    }
    if (seen.has(flag)) problem(flag, 'given twice');
    seen.add(flag);
    let text = inline;
    if (text === undefined && writingOf(target) === 'flag' && next !== 'true' && next !== 'false') {
      text = 'true';
    } else if (text === undefined) {
      if (next === undefined || next.startsWith('--')) {
        const form =
          target.kind === 'setting' && target.form === 'value' ? settingsTable[target.name].value.form : 'a path';
        problem(flag, `has no value; expected ${form}`);
        continue;
      }
      text = next;
      at += 1;
    }
    given.push({ target, text, origin: { kind: 'flag', spelling: flag } });
  }
  return { given, problems, warnings: [] };
}

/** Unknown variables only warn: the environment is shared with other programs and with later versions of this one. */
export function fromEnvironment(env: Readonly<Record<string, string | undefined>>): Gathered {
  const given: Given[] = [];
  const warnings: Notice[] = [];
  for (const [variable, text] of Object.entries(env)) {
    if (text === undefined || !variable.startsWith('SALLYPORT_')) continue;
    const target = targetOfVariable.get(variable);
    if (target === undefined) {
      const message = `unknown setting, ignored (in the environment this only warns).${suggestion(variable, targetOfVariable.keys())}`;
      warnings.push({ setting: shown(variable), source: 'environment', message });
    } else {
      given.push({ target, text, origin: { kind: 'environment', spelling: variable } });
    }
  }
  return { given, problems: [], warnings };
}

type FileValue = { readonly kind: 'unfit' } | { readonly kind: 'text'; readonly text: string };

function fileText(value: unknown, target: Target): FileValue {
  const writing = writingOf(target);
  if (typeof value === 'string') return { kind: 'text', text: value };
  if (writing === 'flag' && typeof value === 'boolean') return { kind: 'text', text: String(value) };
  if (writing === 'count' && typeof value === 'number') return { kind: 'text', text: String(value) };
  if (
    writing === 'list' &&
    Array.isArray(value) &&
    value.every((item) => typeof item === 'string' && !item.includes(','))
  ) {
    return { kind: 'text', text: value.join(',') };
  }
  return { kind: 'unfit' };
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof TomlDate);
}

/** `[session.account] idle = "24h"`; underscores for dashes are the same name. */
export function fromFile(toml: string, path: string): Gathered {
  const given = new Map<string, Given>();
  const problems: Notice[] = [];
  const problem = (setting: string, message: string): number =>
    problems.push({ setting: shown(setting), source: path, message });
  const walk = (table: Readonly<Record<string, unknown>>, above: string, writtenAbove: string): void => {
    for (const [key, value] of Object.entries(table)) {
      const name = `${above}${key.replaceAll('_', '-')}`;
      const spelling = `${writtenAbove}${key}`;
      // A quoted key may have dots in it, and then is no way into a table.
      const target = key.includes('.') ? undefined : targetOfKey.get(name);
      if (target !== undefined) {
        const text = fileText(value, target);
        if (given.has(name)) problem(spelling, 'given twice');
        else if (text.kind === 'text')
          given.set(name, { target, text: text.text, origin: { kind: 'file', spelling, path } });
        else
          problem(
            spelling,
            `expected ${target.kind === 'setting' && target.form === 'value' ? settingsTable[target.name].value.form : 'a path'}`,
          );
      } else if (!key.includes('.') && fileTables.has(name)) {
        if (isTable(value)) walk(value, `${name}.`, `${spelling}.`);
        else problem(spelling, `expected a table: [${name}]`);
      } else {
        problem(spelling, `unknown setting.${suggestion(name, targetOfKey.keys())}`);
      }
    }
  };
  try {
    walk(parse(toml), '', '');
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // Only the first line: the rest of the message shows the text around, which may be a secret.
    const [what = ''] = error.message.split('\n');
    problem(path, `line ${error.line}, column ${error.column}: ${what}`);
  }
  return { given: [...given.values()], problems, warnings: [] };
}

/** What one source says about one setting. */
export type Said =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'both-forms'; readonly given: Given }
  | { readonly kind: 'said'; readonly given: Given };

/** The first source that says something decides: command line, environment, file. */
export function decide(sources: readonly Gathered[]): ReadonlyMap<SettingName, Said> {
  const decided = new Map<SettingName, Said>();
  for (const name of settingNames) {
    decided.set(name, { kind: 'nothing' });
    for (const source of sources) {
      const about = source.given.filter(({ target }) => target.kind === 'setting' && target.name === name);
      const [given] = about;
      if (given === undefined) continue;
      const forms = new Set(about.map(({ target }) => (target.kind === 'setting' ? target.form : '')));
      decided.set(name, { kind: forms.size > 1 ? 'both-forms' : 'said', given });
      break;
    }
  }
  return decided;
}
