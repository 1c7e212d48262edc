/** For tests: settings from flags, variables and files that exist only here. */
import { resolve } from 'node:path';
import { type FileRead, type Loaded, loadSettings } from './load.ts';

export const secretText = 'correct-horse-battery-staple';
/** The file that is looked for when nothing names one. */
export const inData = resolve('sallyport-data/sallyport.toml');

export interface Given {
  readonly argv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Files by path. */
  readonly files?: Readonly<Record<string, string>>;
}

export function load({ argv = [], env = {}, files = {} }: Given): Loaded {
  const readFile = (path: string): FileRead => {
    const text = Object.hasOwn(files, path) ? files[path] : undefined;
    if (text === 'EACCES') return { kind: 'unreadable', reason: 'EACCES' };
    return text === undefined ? { kind: 'missing' } : { kind: 'text', text };
  };
  return loadSettings({ argv, env, readFile });
}

export function toml(text: string): Given {
  return { files: { [inData]: text } };
}

export function flags(line: string): Given {
  return { argv: line.split(' ') };
}

/** Notices as one line each: `setting @ source: message`. */
export function told(loaded: Loaded): readonly string[] {
  const notices = loaded.kind === 'refused' ? loaded.problems : loaded.warnings;
  return notices.map(({ setting, source, message }) => `${setting} @ ${source}: ${message}`);
}
