/**
 * Who this node is, kept in its data folder: a name that is the same after a restart, and the installation it belongs to.
 * A database that is empty, or another one's, is then told from a first run.
 */
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { newName, systemRandom } from '../../crypto/random.ts';

export type NodeMark =
  | { readonly kind: 'damaged'; readonly why: string }
  | {
      readonly kind: 'marked';
      readonly node: string;
      /** Empty: none yet. */
      readonly installation: string;
      readonly belongsTo: (installationId: string) => void;
    };

/** Names as we make them, one line. */
const form = /^[A-Za-z0-9_-]{16,64}\n?$/;

export function nodeMark(data: string): NodeMark {
  const nodePath = join(data, 'node');
  const installationPath = join(data, 'installation');
  const damaged = (path: string): NodeMark => ({
    kind: 'damaged',
    why: `${path} does not hold a name: put it back, or remove it.`,
  });
  const node = read(nodePath) ?? make(nodePath);
  if (!form.test(node)) return damaged(nodePath);
  const installation = read(installationPath) ?? '';
  if (installation !== '' && !form.test(installation)) return damaged(installationPath);
  return {
    kind: 'marked',
    node: node.trim(),
    installation: installation.trim(),
    belongsTo: (id) => {
      if (installation === '') write(installationPath, id);
    },
  };
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw fault;
  }
}

function make(path: string): string {
  write(path, newName(systemRandom));
  return read(path) ?? '';
}

/** Whole or not there; one that is there already stays: a command beside the server may have been faster. */
function write(path: string, name: string): void {
  const part = `${path}.${newName(systemRandom)}`;
  const file = openSync(part, 'wx', 0o600);
  try {
    writeSync(file, `${name}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  try {
    linkSync(part, path);
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code !== 'EEXIST') throw fault;
  } finally {
    rmSync(part, { force: true });
  }
}
