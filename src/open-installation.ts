/**
 * Opens what is on disk, or makes it on a first run. The rule behind every case: state that cannot be read, or that does
 * not fit together, refuses to start; it is never taken for "no authentication" or for a first run (3-rules, Setup states).
 *
 * First run: pending key → database with its keys, in one step → key in its place. Cut short anywhere, the next start
 * either finds nothing that was ever used and begins again, or finds everything and finishes.
 */
import { lstatSync, rmSync } from 'node:fs';
import {
  judgeRoot,
  type Keyring,
  type KeyPurpose,
  type KeyRow,
  newCanary,
  newKey,
  type RootKey,
} from './crypto/keyring.ts';
import { newName, type Random } from './crypto/random.ts';
import {
  findRootKey,
  makePendingRootKey,
  pendingRootKey,
  readRootKey,
  readRootKeyInPlaceOrPending,
  rootKeysAt,
  type RootKeyReading,
  settleRootKey,
} from './crypto/key-files/root-key.ts';
import { livingKeyring, type LivingKeyring, type RingStanding } from './crypto/ring/living-keyring.ts';
import { auditEvent } from './record/recorder.ts';
import type { AuditEvent, Installation } from './store/rows.ts';
import type { Store } from './store/store.ts';
import type { Clock, Millis, Seq } from './types.ts';

export type InstallationOpening =
  | { readonly kind: 'refused'; readonly why: string }
  | {
      readonly kind: 'opened';
      readonly installation: Installation;
      readonly seq: Seq;
      readonly keyring: LivingKeyring;
    };

/** Whose the database is. */
export type Belonging =
  /** This data folder's: it is gone or empty only when it was lost. */
  | { readonly kind: 'own' }
  /** Several nodes'. `known`: the installation this node has belonged to before; empty when it is new. */
  | { readonly kind: 'shared'; readonly known: string };

export interface OpeningParts {
  readonly store: Store;
  readonly belonging: Belonging;
  readonly rootKeyFile: string;
  readonly bootId: string;
  /** `renewed`: another one whenever the installation starts. */
  readonly serviceKey: 'kept' | 'renewed';
  /** Told when the root key of this node stops to open what is in the store, and when it does again. */
  readonly onRing?: (standing: RingStanding) => void;
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

const purposes: readonly KeyPurpose[] = ['seal', 'cookie', 'audit', 'ticket', 'service'];

export async function openInstallation(parts: OpeningParts): Promise<InstallationOpening> {
  const { store, rootKeyFile, belonging } = parts;
  const found = await store.installation();
  const key = readRootKey(rootKeyFile);
  if (key.kind === 'unusable') return { kind: 'refused', why: unusableKey(rootKeyFile, key.why) };
  if (found.kind === 'empty') {
    if (belonging.kind === 'own' && key.kind === 'read') return { kind: 'refused', why: lostDatabase(rootKeyFile) };
    if (belonging.kind === 'shared' && belonging.known !== '')
      return {
        kind: 'refused',
        why: `The database is empty, and this node belongs to installation ${belonging.known}: restore the database, or give this node a data folder of its own.`,
      };
    return firstRun(parts, key);
  }
  const pending =
    key.kind === 'absent' ? readRootKeyInPlaceOrPending(rootKeyFile) : findRootKey(rootKeyFile, found.installation);
  if (pending.kind !== 'read') {
    return {
      kind: 'refused',
      why: `The root key ${rootKeyFile} is missing, and nothing in the database can be opened without it. Put it back${belonging.kind === 'shared' ? ', or copy it from another node' : ''}.`,
    };
  }
  const opened = await open(parts, pending.root);
  if (opened.kind === 'opened' && key.kind === 'absent') settleRootKey(rootKeyFile);
  return opened;
}

/**
 * Of several nodes one makes the installation. One that came too late goes on with the key they share, or is told that it
 * has another. A key that was handed out before the first start is nobody's yet.
 */
async function firstRun(
  parts: OpeningParts,
  handedOut: Extract<RootKeyReading, { kind: 'absent' | 'read' }>,
): Promise<InstallationOpening> {
  const { store, random, clock, rootKeyFile } = parts;
  const root = handedOut.kind === 'read' ? handedOut.root : await makePendingRootKey(rootKeyFile, random);
  const id = newName(random);
  const now = clock.now();
  const keys = purposes.map((purpose) => newKey(purpose, root, now, random));
  const initialised = await store.initialise({
    installation: { id, state: 'fresh', bootId: parts.bootId, canary: newCanary(id, root, random) },
    keys,
    audit: keysMade(keys, now),
  });
  if (initialised.kind === 'already-initialised' && parts.belonging.kind === 'own')
    return { kind: 'refused', why: 'Another process set the database up at the same moment. Start again.' };
  const settled = readRootKey(rootKeyFile);
  const opened = await open(parts, settled.kind === 'read' ? settled.root : root);
  if (opened.kind === 'opened') settleRootKey(rootKeyFile);
  else if (handedOut.kind === 'absent') rmSync(pendingRootKey(rootKeyFile), { force: true });
  return opened;
}

async function open(parts: OpeningParts, root: RootKey): Promise<InstallationOpening> {
  const { store } = parts;
  const found = await store.installation();
  if (found.kind === 'empty') return { kind: 'refused', why: 'The database is empty.' };
  if (judgeRoot(found.installation, root).kind === 'foreign') {
    const shared = ' Every node needs the key of the node that made the installation: copy it.';
    return {
      kind: 'refused',
      why: `The root key ${parts.rootKeyFile} does not belong to this database.${parts.belonging.kind === 'shared' ? shared : ''}`,
    };
  }
  if (parts.belonging.kind === 'shared' && !['', found.installation.id].includes(parts.belonging.known))
    return {
      kind: 'refused',
      why: `The database holds installation ${found.installation.id}, and this node belongs to ${parts.belonging.known}.`,
    };
  await addAuditKey(parts, root);
  await addTicketKey(parts, root);
  const ring = livingKeyring({
    rows: await store.keys(),
    root,
    read: () => store.keys(),
    roots: () => rootKeysAt(parts.rootKeyFile),
    clock: parts.clock,
    random: parts.random,
    onStanding: parts.onRing ?? (() => undefined),
  });
  if (ring.kind === 'damaged') return { kind: 'refused', why: `The key ring is damaged: ${ring.why}.` };
  const boot = await store.beginBoot(parts.bootId, parts.clock.now());
  const start = boot.bootId === parts.bootId ? 'of-the-installation' : 'of-a-node';
  await provideServiceKey(parts, ring.keyring, start);
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
  await store.addKey({ key, after: null, others: 'stay', audit: [keysMade([key], at)] });
}

/** An installation from before there were signed tickets gets their key. */
async function addTicketKey({ store, clock, random }: OpeningParts, root: RootKey): Promise<void> {
  if ((await store.keys()).some((key) => key.purpose === 'ticket')) return;
  const at = clock.now();
  const key = newKey('ticket', root, at, random);
  await store.addKey({ key, after: null, others: 'stay', audit: [keysMade([key], at)] });
}

/** An installation from before there was one gets it. Of several nodes that start at once, one makes it. */
async function provideServiceKey(
  { store, clock, serviceKey }: OpeningParts,
  keyring: Keyring,
  start: 'of-the-installation' | 'of-a-node',
): Promise<void> {
  const before = (await store.keys()).find(({ purpose }) => purpose === 'service');
  const renewing = serviceKey === 'renewed' && start === 'of-the-installation';
  if (before !== undefined && !renewing) return;
  const at = clock.now();
  const key = keyring.newServiceKey(at);
  const audit = before === undefined ? keysMade([key], at) : serviceKeyReplaced(key, at);
  await store.replaceKey({ key, from: before?.id ?? null, audit });
}

function serviceKeyReplaced({ id: target }: KeyRow, at: Millis): AuditEvent {
  return auditEvent({ event: 'service-key-replaced', actor: '', address: '', way: 'host', target }, at);
}

function keysMade(keys: readonly KeyRow[], at: Millis): AuditEvent {
  const target = keys.map((key) => `${key.purpose}:${key.id}`).join(' ');
  return auditEvent({ event: 'keys-made', actor: '', address: '', way: 'host', target }, at);
}
