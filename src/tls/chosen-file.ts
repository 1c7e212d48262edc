/**
 * Which certificate was chosen while running, kept in the data folder: a restart serves the same. It names files of this
 * machine, so it is this node's alone. Whole or not there.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import type { PairFiles } from './contract.ts';

export type ChosenFile =
  | { readonly kind: 'damaged'; readonly why: string }
  | { readonly kind: 'none' }
  | { readonly kind: 'chosen'; readonly files: PairFiles };

/** Where certificates of our own, and what was chosen, are kept in the data folder. */
export function tlsFolder(data: string): string {
  return join(data, 'tls');
}

export function chosenIn(folder: string): string {
  return join(folder, 'chosen.json');
}

const sources = ['proxmox', 'letsencrypt', 'custom'] as const;

export function readChosen(path: string): ChosenFile {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code === 'ENOENT') return { kind: 'none' };
    throw fault;
  }
  const damaged: ChosenFile = {
    kind: 'damaged',
    why: `${path} does not say which certificate was chosen: put it back, or remove it.`,
  };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return damaged;
  }
  if (typeof value !== 'object' || value === null) return damaged;
  const { source, cert_path: certPath, key_path: keyPath } = value as Readonly<Record<string, unknown>>;
  const known = sources.find((each) => each === source);
  if (known === undefined || typeof certPath !== 'string' || typeof keyPath !== 'string') return damaged;
  if (!isAbsolute(certPath) || !isAbsolute(keyPath)) return damaged;
  return { kind: 'chosen', files: { source: known, certPath, keyPath } };
}

/** `null`: nothing is chosen any more. On disk when this returns. */
export function writeChosen(path: string, files: PairFiles | null): void {
  if (files === null) rmSync(path, { force: true });
  else {
    const { source, certPath, keyPath } = files;
    writeWhole(path, `${JSON.stringify({ source, cert_path: certPath, key_path: keyPath })}\n`);
  }
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** A file of ours alone, the old one or the new one at any moment. */
export function writeWhole(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const part = `${path}.part`;
  rmSync(part, { force: true });
  const file = openSync(part, 'wx', 0o600);
  try {
    // All of it: one write may take a part and say nothing, on a disk that is nearly full.
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(part, path);
}
