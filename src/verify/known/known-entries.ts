/** Known sessions, or known tokens, by digest: bounded, and none of a user who has changed. */
import type { Digest } from '../../types.ts';
import type { Held, KnownUser } from '../holders.ts';

interface Entry {
  readonly kind: 'known';
  readonly holder: { readonly user: KnownUser };
}

/** Entries kept at most; the oldest known gives way. About 600 bytes each. */
export const mostEntries = 262_144;

export interface KnownEntries<E extends Entry> {
  /** Undefined also where the user has changed since. */
  get(digest: Digest): E | undefined;
  keep(held: Held, entry: E): void;
  forget(digest: Digest): void;
  forgetThose(covers: (held: Held) => boolean): void;
  clear(): void;
  readonly size: number;
  /** How often something was found. */
  readonly hits: number;
}

/**
 * Takes one after the other out, from the oldest on. What was taken out is not walked over again, as it would be by whoever
 * began at the front each time: a map keeps the places of what was deleted for a long while.
 */
export function oldestOut<K, V>(map: Map<K, V>): () => V | undefined {
  let hand = map.entries();
  return () => {
    let next = hand.next();
    if (next.done === true) {
      hand = map.entries();
      next = hand.next();
    }
    if (next.done === true) return undefined;
    const [key, value] = next.value;
    map.delete(key);
    return value;
  };
}

export function knownEntries<E extends Entry>(heldOf: (entry: E, digest: Digest) => Held): KnownEntries<E> {
  const entries = new Map<Digest, E>();
  const giveWay = oldestOut(entries);
  let hits = 0;
  return {
    get: (digest) => {
      const entry = entries.get(digest);
      if (entry === undefined) return undefined;
      if (entry.holder.user.current) {
        hits += 1;
        return entry;
      }
      entries.delete(digest);
      return undefined;
    },
    keep: ({ digest }, entry) => {
      if (entries.size >= mostEntries) giveWay();
      entries.set(digest, entry);
    },
    forget: (digest) => {
      entries.delete(digest);
    },
    forgetThose: (covers) => {
      for (const [digest, entry] of entries) if (covers(heldOf(entry, digest))) entries.delete(digest);
    },
    clear: () => entries.clear(),
    get size() {
      return entries.size;
    },
    get hits() {
      return hits;
    },
  };
}

/** A program goes on with a revoked token for hours. */
const mostNothing = 4096;

/** Digests that the store knows nothing of, the oldest giving way: whoever shows one again costs it no second question. */
export function knownNothing() {
  const digests = new Set<Digest>();
  return {
    has: (digest: Digest) => digests.has(digest),
    keep: (digest: Digest): void => {
      const [oldest] = digests;
      if (digests.size >= mostNothing && oldest !== undefined) digests.delete(oldest);
      digests.add(digest);
    },
    forget: (digest: Digest): void => void digests.delete(digest),
    clear: () => digests.clear(),
  };
}

/** What all tickets of one sign-in hang on, by the digest of their serial; the oldest give way, and theirs are looked up again. */
export function knownSignIns() {
  const signIns = new Map<Digest, { current: boolean }>();
  const oldestSignInOut = oldestOut(signIns);
  return {
    of: (serial: Digest): { readonly current: boolean } => {
      const known = signIns.get(serial);
      if (known !== undefined) return known;
      if (signIns.size >= mostEntries) {
        const oldest = oldestSignInOut();
        if (oldest !== undefined) oldest.current = false;
      }
      const made = { current: true };
      signIns.set(serial, made);
      return made;
    },
    forget: (serial: Digest): void => {
      const known = signIns.get(serial);
      if (known !== undefined) known.current = false;
      signIns.delete(serial);
    },
    clear: (): void => {
      for (const each of signIns.values()) each.current = false;
      signIns.clear();
    },
  };
}
