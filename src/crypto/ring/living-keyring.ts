/**
 * A key ring that changes while it runs: its rows are read again when the installation has changed, on whatever node, and
 * when something shows a key that is not known here (3-rules, Keys). Rows that do not open, because the root key was
 * replaced and this node's file is still the old one, leave it with what it has: it goes on, and says so.
 */
import type { Clock, MaybePromise, Millis } from '../../types.ts';
import {
  heldKeys,
  type HeldKeys,
  type Keyring,
  type KeyPurpose,
  type KeyRow,
  newCanary,
  newKey,
  openKey,
  type OpenKey,
  openRows,
  ringOver,
  type RootKey,
  sealKey,
  type TicketKeyLookup,
} from '../keyring.ts';
import type { Random } from '../random.ts';
import { sealedUnder } from '../seal.ts';

/** `unopened`: the root key of this node does not open what is in the store. */
export type RingStanding = { readonly kind: 'whole' } | { readonly kind: 'unopened'; readonly why: string };

export interface LivingKeyring extends Keyring {
  /** Reads the rows again, by a read that begins after this is asked; throws when the store cannot be read. */
  refresh(): Promise<void>;
  standing(): RingStanding;
  /** As they were read last. */
  rows(): readonly KeyRow[];
  /** Sealed under the root key that these rows open with. Nobody makes one while the ring is not whole. */
  newKey(purpose: KeyPurpose, at: Millis, usedFrom: Millis): KeyRow;
  /** Whether that root key is the one in use. */
  judge(root: RootKey): { readonly kind: 'in-use' | 'other' };
  /** Everything that is sealed under the root key, under another one. */
  under(root: RootKey, installationId: string): RootReplacement;
}

export interface RootReplacement {
  readonly canary: string;
  /** `from`: as it was sealed before. */
  readonly keys: readonly { readonly id: string; readonly from: string; readonly sealed: string }[];
}

export interface LivingParts {
  readonly rows: readonly KeyRow[];
  readonly root: RootKey;
  readonly read: () => Promise<readonly KeyRow[]>;
  /** Root keys that lie on this machine now: in their place, and beside it where one is about to be put there. */
  readonly roots: () => readonly RootKey[];
  readonly clock: Clock;
  readonly random: Random;
  /** Told once each time the ring stops being whole, and once it is whole again. */
  readonly onStanding: (standing: RingStanding) => void;
}

export type LivingOpening =
  | { readonly kind: 'damaged'; readonly why: string }
  | { readonly kind: 'opened'; readonly keyring: LivingKeyring };

/** Unknown ids make it read so often at most, whoever makes them up. */
const unknownEveryMs = 1000;

export function livingKeyring(parts: LivingParts): LivingOpening {
  const { read, clock, random, onStanding } = parts;
  const first = openRows(parts.rows, parts.root);
  if (first.kind === 'damaged') return first;
  let { rows, root } = parts;
  let held: HeldKeys = heldKeys(rows, first.keys);
  let standing: RingStanding = { kind: 'whole' };
  /** Readings that began, and the last of them that was believed. */
  let begun = 0;
  let believed = 0;
  let askedUnknownAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | null = null;

  const stands = (now: RingStanding): void => {
    const before = standing;
    standing = now;
    if (before.kind !== now.kind) onStanding(now);
  };

  /** Those known already by the same text stay the objects they are. */
  const openUnder = (now: readonly KeyRow[], by: RootKey): ReadonlyMap<string, OpenKey> | null => {
    const same = by === root ? new Map(rows.map((row) => [row.id, row.sealed])) : new Map<string, string>();
    const keys = new Map<string, OpenKey>();
    for (const row of now) {
      const known = held.keys.get(row.id);
      if (known !== undefined && same.get(row.id) === row.sealed && standing.kind === 'whole') {
        keys.set(row.id, known);
        continue;
      }
      const opened = openKey(row, by);
      if (opened.kind === 'damaged') return null;
      // Its bytes are what they were: whoever holds it goes on with the same object.
      keys.set(row.id, known !== undefined && Buffer.compare(known.bytes, opened.bytes) === 0 ? known : opened);
    }
    return keys;
  };

  const take = (now: readonly KeyRow[]): void => {
    for (const by of [root, ...parts.roots()]) {
      const keys = openUnder(now, by);
      if (keys === null) continue;
      root = by;
      rows = now;
      held = heldKeys(now, keys);
      stands({ kind: 'whole' });
      return;
    }
    // What was known goes on; what is gone from the store is gone here, and what is new is not believed.
    const known = new Map(now.flatMap(({ id }) => [[id, held.keys.get(id)] as const]));
    const kept = new Map([...known].flatMap(([id, key]) => (key === undefined ? [] : [[id, key] as const])));
    held = heldKeys(now, kept);
    stands({ kind: 'unopened', why: 'the root key of this node does not open what is in the store' });
  };

  const refresh = async (): Promise<void> => {
    begun += 1;
    const turn = begun;
    const now = await read();
    // One that began later has seen what this one may have missed.
    if (turn < believed) return;
    believed = turn;
    take(now);
  };

  /** Shared by whoever asks while it is under way: it began for something that is just as new. */
  const sharedRefresh = (): Promise<void> => {
    reading ??= refresh().finally(() => {
      reading = null;
    });
    return reading;
  };

  const ring = ringOver({ held: () => held, root: () => root, now: () => clock.now(), random });

  const ticketKey = (id: string): MaybePromise<TicketKeyLookup> => {
    const known = ring.ticketKey(id);
    if (known instanceof Promise || known.kind === 'key') return known;
    const now = clock.monotonic();
    if (reading === null && now - askedUnknownAt < unknownEveryMs) return known;
    if (reading === null) askedUnknownAt = now;
    return sharedRefresh().then(() => ring.ticketKey(id));
  };

  return {
    kind: 'opened',
    keyring: {
      ...ring,
      learn: (sealed) => {
        const id = sealedUnder(sealed);
        if (id === '' || held.keys.has(id)) return undefined;
        // One that was under way may have begun before that key was there.
        return sharedRefresh().then(() => (held.keys.has(id) ? undefined : sharedRefresh()));
      },
      ticketKey,
      serviceKey: (now) => {
        const opened = ring.serviceKey(now);
        if (opened.kind === 'opened') return opened;
        const row = now.find(({ purpose }) => purpose === 'service');
        const known = row && held.keys.get(row.id);
        return known === undefined ? opened : { kind: 'opened', id: known.id, bytes: known.bytes };
      },
      refresh,
      standing: () => standing,
      rows: () => rows,
      newKey: (purpose, at, usedFrom) => newKey(purpose, root, at, random, usedFrom),
      judge: ({ bytes }) => ({ kind: Buffer.compare(bytes, root.bytes) === 0 ? 'in-use' : 'other' }),
      under: (other, installationId) => ({
        canary: newCanary(installationId, other, random),
        keys: rows.flatMap((row) => {
          const key = held.keys.get(row.id);
          return key === undefined
            ? []
            : [{ id: row.id, from: row.sealed, sealed: sealKey(row, key.bytes, other, random) }];
        }),
      }),
    },
  };
}
