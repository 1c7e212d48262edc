/**
 * The key ring: every key of the installation is a row sealed under the one root key (3-rules, Keys). Of a purpose the
 * newest whose time has come seals and signs, older ones still open what was made under them, and one that is published is
 * known before it is used. Rows that change while it runs: `ring/living-keyring.ts`.
 */
import type { MaybePromise, Millis } from '../types.ts';
import { newName, type Random } from './random.ts';
import { open, seal, sealedUnder, type Opened, type SealingKey } from './seal.ts';
import { type CheckingKey, checkingKey, type PublicKey, signingKey, type SigningKey } from './sign.ts';

/** Purposes of the keys in the ring; `service`: its bytes are the service key, which this installation has one of. */
export type KeyPurpose = 'seal' | 'cookie' | 'audit' | 'ticket' | 'service';

/** A key as the store keeps it. */
export interface KeyRow {
  readonly id: string;
  readonly purpose: KeyPurpose;
  /** Key bytes sealed under the root key. */
  readonly sealed: string;
  readonly createdAt: Millis;
  /** New things are made under it from then on; before that it is published, so that everybody knows it by then. */
  readonly usedFrom: Millis;
}

export interface RootKey {
  readonly bytes: Uint8Array;
}

export interface Keyring {
  seal(place: readonly string[], plain: string): string;
  open(place: readonly string[], sealed: string): Opened;
  /** Before something is opened that another node may have sealed under a key that was not heard of here. */
  learn(sealed: string): MaybePromise<void>;
  /** Key bytes for keyed digests of short-lived things (login tokens). */
  cookieKey(): Uint8Array;
  /**
   * All that such a digest may be keyed with by now: the key in use first, then the others, the newest first. Those that are
   * published are among them, since another node's clock may be ahead.
   */
  cookieKeys(): readonly Uint8Array[];
  /** Signs checkpoints of the audit log. */
  auditSigner(): SigningKey;
  /** Every key that checkpoints may be signed by, old ones included. */
  auditKeys(): readonly PublicKey[];
  /** Signs tickets. */
  ticketSigner(): SigningKey;
  /** Every key that a living ticket may be signed by, and those that will be used soon: what is published. */
  ticketKeys(): readonly PublicKey[];
  /**
   * One of these, ready to check signatures with. Of an id that is not known the rows are read again, since another node may
   * use a key that was not heard of here.
   */
  ticketKey(id: string): MaybePromise<TicketKeyLookup>;
  /** The service key among these rows, which may be newer than the ring. */
  serviceKey(rows: readonly KeyRow[]): ServiceKeyOpening;
  /** Another one, for the store to put in its place. */
  newServiceKey(at: Millis): KeyRow;
}

export type TicketKeyLookup = { readonly kind: 'unknown' } | CheckingKey;

export type ServiceKeyOpening =
  | { readonly kind: 'damaged'; readonly why: string }
  | { readonly kind: 'opened'; readonly id: string; readonly bytes: Uint8Array };

export type KeyringOpening =
  | { readonly kind: 'damaged'; readonly why: string }
  | { readonly kind: 'opened'; readonly keyring: Keyring };

const keyBytes = 32;

/** A fresh key row of a purpose, sealed under the root key. `usedFrom`: at once, unless it is said. */
export function newKey(purpose: KeyPurpose, root: RootKey, at: Millis, random: Random, usedFrom = at): KeyRow {
  const id = newName(random);
  const bytes = random.bytes(keyBytes);
  return { id, purpose, createdAt: at, usedFrom, sealed: sealKey({ id, purpose }, bytes, root, random) };
}

/** A text only this root key can have sealed for this installation; checked at every start. */
export function newCanary(installationId: string, root: RootKey, random: Random): string {
  return seal(rootSealingKey(root), ['canary', installationId], Buffer.from(installationId), random);
}

export function openCanary(installationId: string, canary: string, root: RootKey): Opened {
  return open(rootSealingKey(root), ['canary', installationId], canary);
}

/** Whether that root key and that installation belong together. */
export function judgeRoot(
  { id, canary }: { readonly id: string; readonly canary: string },
  root: RootKey,
): { readonly kind: 'foreign' | 'ours' } {
  const opened = openCanary(id, canary, root);
  return { kind: opened.kind === 'opened' && opened.bytes.toString('utf8') === id ? 'ours' : 'foreign' };
}

/** A key as it was opened; what it signs with is made once. */
export interface OpenKey extends SealingKey {
  readonly signing: () => SigningKey;
}

export type RowsOpening =
  | { readonly kind: 'damaged'; readonly why: string }
  | { readonly kind: 'opened'; readonly keys: ReadonlyMap<string, OpenKey> };

/** All of them, or what is wrong with the first that does not open. */
export function openRows(rows: readonly KeyRow[], root: RootKey): RowsOpening {
  const keys = new Map<string, OpenKey>();
  for (const row of rows) {
    const opened = openKey(row, root);
    if (opened.kind === 'damaged') return opened;
    keys.set(row.id, opened);
  }
  for (const purpose of ['seal', 'cookie', 'audit', 'ticket'] as const)
    if (!rows.some((row) => row.purpose === purpose))
      return { kind: 'damaged', why: `the key ring lacks a ${purpose} key` };
  return { kind: 'opened', keys };
}

/** Without a clock the newest key of each purpose is in use, whatever its time. */
export function openKeyring(
  rows: readonly KeyRow[],
  root: RootKey,
  random: Random,
  now: () => Millis = () => Number.POSITIVE_INFINITY as Millis,
): KeyringOpening {
  const opened = openRows(rows, root);
  if (opened.kind === 'damaged') return opened;
  const held = heldKeys(rows, opened.keys);
  return { kind: 'opened', keyring: ringOver({ held: () => held, root: () => root, now, random }) };
}

/** The rows a ring works with, by purpose, newest first; what does not open is not among them. */
export interface HeldKeys {
  readonly keys: ReadonlyMap<string, OpenKey>;
  readonly of: (purpose: KeyPurpose) => readonly (readonly [KeyRow, OpenKey])[];
  readonly publicKeys: (purpose: 'audit' | 'ticket') => readonly PublicKey[];
  readonly ticketKeys: ReadonlyMap<string, CheckingKey>;
}

export function heldKeys(rows: readonly KeyRow[], keys: ReadonlyMap<string, OpenKey>): HeldKeys {
  const byPurpose = Map.groupBy(
    newestFirst(rows).flatMap((row) => {
      const key = keys.get(row.id);
      return key === undefined ? [] : [[row, key] as const];
    }),
    ([row]) => row.purpose,
  );
  const of: HeldKeys['of'] = (purpose) => byPurpose.get(purpose) ?? [];
  const publicOf = (purpose: KeyPurpose): readonly PublicKey[] =>
    of(purpose).map(([, key]) => publicKeyOf(key.signing()));
  const known = { audit: publicOf('audit'), ticket: publicOf('ticket') };
  return {
    keys,
    of,
    publicKeys: (purpose) => known[purpose],
    ticketKeys: new Map(known.ticket.map((key) => [key.id, checkingKey(key)])),
  };
}

/** A ring over what is held at the moment. */
export function ringOver(parts: {
  readonly held: () => HeldKeys;
  readonly root: () => RootKey;
  readonly now: () => Millis;
  readonly random: Random;
}): Keyring {
  const { held, root, now, random } = parts;
  const inUse = (purpose: KeyPurpose): OpenKey => {
    const all = held().of(purpose);
    const at = now();
    const [, key] = all.find(([row]) => row.usedFrom <= at) ?? all.at(-1) ?? [];
    if (key === undefined) throw new Error(`Cannot use the key ring: it has no ${purpose} key`);
    return key;
  };
  return {
    seal: (place, plain) => seal(inUse('seal'), place, Buffer.from(plain), random),
    open: (place, sealed) => {
      const key = held().keys.get(sealedUnder(sealed));
      return key ? open(key, place, sealed) : { kind: 'damaged', why: 'sealed under a key that is not in the ring' };
    },
    learn: () => undefined,
    cookieKey: () => inUse('cookie').bytes,
    cookieKeys: () => {
      const first = inUse('cookie');
      const others = held()
        .of('cookie')
        .filter(([, key]) => key !== first);
      return [first.bytes, ...others.map(([, key]) => key.bytes)];
    },
    auditSigner: () => inUse('audit').signing(),
    auditKeys: () => held().publicKeys('audit'),
    ticketSigner: () => inUse('ticket').signing(),
    ticketKeys: () => held().publicKeys('ticket'),
    ticketKey: (id) => held().ticketKeys.get(id) ?? { kind: 'unknown' },
    serviceKey: (rows) => {
      const row = rows.find(({ purpose }) => purpose === 'service');
      return row === undefined ? { kind: 'damaged', why: 'the key ring has no service key' } : openKey(row, root());
    },
    newServiceKey: (at) => newKey('service', root(), at, random),
  };
}

/** As they were made: the last one first. */
export function newestFirst(rows: readonly KeyRow[]): readonly KeyRow[] {
  return rows.toSorted((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1));
}

/** The one that was made last, whether or not its time has come. */
export function newestKey(rows: readonly KeyRow[], purpose: KeyPurpose): KeyRow | undefined {
  return newestFirst(rows).find((each) => each.purpose === purpose);
}

/** The newest whose time has come; where none has, as after a clock was set back, the oldest. */
export function keyInUse(rows: readonly KeyRow[], purpose: KeyPurpose, now: Millis): KeyRow | undefined {
  const all = newestFirst(rows).filter((each) => each.purpose === purpose);
  return all.find(({ usedFrom }) => usedFrom <= now) ?? all.at(-1);
}

/** A row under another root key. */
export function sealKey(
  { id, purpose }: Pick<KeyRow, 'id' | 'purpose'>,
  bytes: Uint8Array,
  root: RootKey,
  random: Random,
): string {
  return seal(rootSealingKey(root), ['key', purpose, id], bytes, random);
}

export type KeyOpening =
  | { readonly kind: 'damaged'; readonly why: string }
  | (OpenKey & { readonly kind: 'opened'; readonly id: string });

export function openKey({ id, purpose, sealed }: KeyRow, root: RootKey): KeyOpening {
  const opened = open(rootSealingKey(root), ['key', purpose, id], sealed);
  if (opened.kind === 'damaged') return { kind: 'damaged', why: `key "${id}": ${opened.why}` };
  const { bytes } = opened;
  if (bytes.length !== keyBytes) return { kind: 'damaged', why: `key "${id}" has the wrong length` };
  let signing: SigningKey | undefined;
  return { kind: 'opened', id, bytes, signing: () => (signing ??= signingKey(id, bytes)) };
}

const publicKeys = new WeakMap<SigningKey, PublicKey>();

/** The same object each time: whoever checks by it makes no key of it anew. */
function publicKeyOf(key: SigningKey): PublicKey {
  const known = publicKeys.get(key);
  if (known !== undefined) return known;
  const made = { id: key.id, publicKey: key.publicKey };
  publicKeys.set(key, made);
  return made;
}

function rootSealingKey(root: RootKey): SealingKey {
  return { id: 'root', bytes: root.bytes };
}
