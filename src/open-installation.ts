/**
 * Opens what is on disk, or makes it on a first run. The rule behind every case: state that cannot be read, or that does
 * not fit together, refuses to start; it is never taken for "no authentication" or for a first run (3-rules, Setup states).
 *
 * First run: pending key → database with its keys, in one step → key in its place. Cut short anywhere, the next start
 * either finds nothing that was ever used and begins again, or finds everything and finishes.
 */
import { lstatSync } from 'node:fs';
import {
  type Keyring,
  type KeyPurpose,
  type KeyRow,
  newCanary,
  newKey,
  openCanary,
  openKeyring,
  type RootKey,
} from './crypto/keyring.ts';
import { newName, type Random } from './crypto/random.ts';
import { makePendingRootKey, pendingRootKey, readRootKey, settleRootKey } from './crypto/root-key.ts';
import { auditEvent } from './record/recorder.ts';
import type { AuditEvent, Installation } from './store/rows.ts';
import type { Store } from './store/store.ts';
import type { Clock, Millis, Seq } from './types.ts';

export type InstallationOpening =
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'opened'; readonly installation: Installation; readonly seq: Seq; readonly keyring: Keyring };

export interface OpeningParts {
  readonly store: Store;
  readonly rootKeyFile: string;
  readonly bootId: string;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Looked at before the database is opened, since opening makes an empty one and takes in the log of a crash: a key without
 * its database is a loss, nothing may be put in the place of what was lost, and a key that cannot be used opens nothing.
 */
export function checkBeforeOpening(parts: {
  readonly databaseFile: string;
  readonly rootKeyFile: string;
}): { readonly kind: 'refused'; readonly why: string } | { readonly kind: 'fits' } {
  const key = readRootKey(parts.rootKeyFile);
  if (key.kind === 'unusable') return { kind: 'refused', why: unusableKey(parts.rootKeyFile, key.why) };
  const database = lstatSync(parts.databaseFile, { throwIfNoEntry: false });
  const empty = database?.isFile() === true && database.size === 0;
  if (key.kind === 'absent' || (database !== undefined && !empty)) return { kind: 'fits' };
  const how = `${parts.databaseFile} is ${empty ? 'empty' : 'gone'}`;
  return { kind: 'refused', why: `${lostDatabase(parts.rootKeyFile)} (${how})` };
}

function unusableKey(rootKeyFile: string, why: string): string {
  return `The root key ${rootKeyFile} cannot be used: ${why}.`;
}

function lostDatabase(rootKeyFile: string): string {
  return `The root key ${rootKeyFile} is there, but its database is not: this is not a first run. Restore the database, or remove the key if nothing is to be kept.`;
}

const purposes: readonly KeyPurpose[] = ['seal', 'cookie', 'audit'];

export async function openInstallation(parts: OpeningParts): Promise<InstallationOpening> {
  const { store, rootKeyFile } = parts;
  const found = await store.installation();
  const key = readRootKey(rootKeyFile);
  if (key.kind === 'unusable') return { kind: 'refused', why: unusableKey(rootKeyFile, key.why) };
  if (found.kind === 'empty') {
    if (key.kind === 'read') {
      return { kind: 'refused', why: lostDatabase(rootKeyFile) };
    }
    return firstRun(parts);
  }
  const pending = key.kind === 'absent' ? readRootKey(pendingRootKey(rootKeyFile)) : key;
  if (pending.kind !== 'read') {
    return {
      kind: 'refused',
      why: `The root key ${rootKeyFile} is missing, and nothing in the database can be opened without it. Put it back.`,
    };
  }
  const opened = await open(parts, pending.root);
  if (opened.kind === 'opened' && key.kind === 'absent') settleRootKey(rootKeyFile);
  return opened;
}

async function firstRun(parts: OpeningParts): Promise<InstallationOpening> {
  const { store, random, clock } = parts;
  const root = makePendingRootKey(parts.rootKeyFile, random);
  const id = newName(random);
  const now = clock.now();
  const keys = purposes.map((purpose) => newKey(purpose, root, now, random));
  const initialised = await store.initialise({
    installation: { id, state: 'fresh', bootId: parts.bootId, canary: newCanary(id, root, random) },
    keys,
    audit: keysMade(keys, now),
  });
  if (initialised.kind === 'already-initialised')
    return { kind: 'refused', why: 'Another process set the database up at the same moment. Start again.' };
  settleRootKey(parts.rootKeyFile);
  return open(parts, root);
}

async function open(parts: OpeningParts, root: RootKey): Promise<InstallationOpening> {
  const { store } = parts;
  const found = await store.installation();
  if (found.kind === 'empty') return { kind: 'refused', why: 'The database is empty.' };
  const canary = openCanary(found.installation.id, found.installation.canary, root);
  if (canary.kind === 'damaged' || canary.bytes.toString('utf8') !== found.installation.id) {
    return { kind: 'refused', why: `The root key ${parts.rootKeyFile} does not belong to this database.` };
  }
  await addAuditKey(parts, root);
  const ring = openKeyring(await store.keys(), root, parts.random);
  if (ring.kind === 'damaged') return { kind: 'refused', why: `The key ring is damaged: ${ring.why}.` };
  await store.beginBoot(parts.bootId, parts.clock.now());
  const now = await store.installation();
  if (now.kind === 'empty') return { kind: 'refused', why: 'The database is empty.' };
  return { kind: 'opened', installation: now.installation, seq: now.seq, keyring: ring.keyring };
}

/**
 * An installation from before the audit log was signed gets its key. Where something is signed already, a key that is
 * missing was taken away: a new one would hide that.
 */
async function addAuditKey({ store, clock, random }: OpeningParts, root: RootKey): Promise<void> {
  if ((await store.keys()).some((key) => key.purpose === 'audit')) return;
  if ((await store.auditHead()).lastCheckpoint > 0) return;
  const at = clock.now();
  const key = newKey('audit', root, at, random);
  await store.addKey({ key, audit: keysMade([key], at) });
}

function keysMade(keys: readonly KeyRow[], at: Millis): AuditEvent {
  const target = keys.map((key) => `${key.purpose}:${key.id}`).join(' ');
  return auditEvent({ event: 'keys-made', actor: '', address: '', way: 'host', target }, at);
}
