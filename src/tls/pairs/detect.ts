/**
 * Pairs that others keep on this machine (2-http-api, 7): Proxmox VE's, the uploaded one before its own, and those of
 * Let's Encrypt's clients, the newest first. What is listed is not yet known to be good.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CertificateSource, PairFiles } from '../contract.ts';
import { locate } from './locate.ts';

const mostListed = 50;
/** Folders that are looked into at all, by name. */
const mostLooked = 1000;

const proxmoxPairs = [
  ['pveproxy-ssl.pem', 'pveproxy-ssl.key'],
  ['pve-ssl.pem', 'pve-ssl.key'],
] as const;

/** A folder that is not there or cannot be read has none. */
export async function detectPairs(folders: readonly string[]): Promise<readonly PairFiles[]> {
  const proxmox: PairFiles[] = [];
  const letsEncrypt: Found[] = [];
  for (const folder of folders) {
    for (const [cert, key] of proxmoxPairs) {
      const found = await pairAt('proxmox', folder, cert, key, folders);
      if (found !== undefined) proxmox.push(found.files);
    }
    for (const inside of [...(await liveIn(folder, folders)), ...(await foldersIn(folder))]) {
      const found = await pairAt('letsencrypt', inside, 'fullchain.pem', 'privkey.pem', folders);
      if (found !== undefined) letsEncrypt.push(found);
    }
  }
  const newestFirst = letsEncrypt.toSorted((one, other) => other.changed - one.changed);
  return distinct([...proxmox, ...newestFirst.map(({ files }) => files)]).slice(0, mostListed);
}

interface Found {
  readonly files: PairFiles;
  /** When the certificate was last written. */
  readonly changed: number;
}

async function pairAt(
  source: CertificateSource,
  folder: string,
  cert: string,
  key: string,
  folders: readonly string[],
): Promise<Found | undefined> {
  const certPath = join(folder, cert);
  const keyPath = join(folder, key);
  const [certChanged, keyChanged] = await Promise.all([changedAt(certPath, folders), changedAt(keyPath, folders)]);
  if (certChanged === undefined || keyChanged === undefined) return undefined;
  return { files: { source, certPath, keyPath }, changed: certChanged };
}

/** Nothing where there is no file, or where a link leads out of the readable folders. */
async function changedAt(path: string, folders: readonly string[]): Promise<number | undefined> {
  const located = await locate(path, folders);
  if (located.kind !== 'located') return undefined;
  const about = await stat(located.path).catch(() => undefined);
  return about?.isFile() === true ? about.mtimeMs : undefined;
}

/** `live` may be a link, too, and is looked into only where that leads into a readable folder. */
async function liveIn(folder: string, folders: readonly string[]): Promise<readonly string[]> {
  const live = join(folder, 'live');
  return (await locate(live, folders)).kind === 'located' ? foldersIn(live) : [];
}

async function foldersIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
    .map((entry) => join(folder, entry.name))
    .toSorted()
    .slice(0, mostLooked);
}

/** Folders may lie in one another. */
function distinct(all: readonly PairFiles[]): readonly PairFiles[] {
  return all.filter((each, place) => all.findIndex((other) => other.certPath === each.certPath) === place);
}
