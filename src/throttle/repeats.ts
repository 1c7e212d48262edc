/**
 * Wrong secrets that come again: a phone with an old password tries it every minute, and guesses nothing. The same wrong
 * secret for the same name from one network is charged once and not hashed again (3-rules, Guessing).
 */
import { keyedDigest } from '../crypto/digest.ts';
import type { SharedCells } from '../store/shared-cells.ts';
import type { Clock, Digest, Password } from '../types.ts';
import { repeatsKept } from './limits.ts';

export interface WrongSecret {
  /** Whose: a user id with what makes an old refusal void (its generation, whether it is active), or a name that is nobody's, as it was
   * typed: it is kept nowhere. */
  readonly subject: { readonly kind: 'user' | 'unknown'; readonly id: string; readonly standing: string };
  readonly network: string;
  readonly secret: Password;
}

export interface Recalled {
  /** What it was refused for before; null when it is new. */
  readonly before: string | null;
  /** It is refused now. `repeated`: before, or by somebody in flight beside it who was faster. */
  readonly note: (cause: string) => Promise<{ readonly kind: 'repeated' | 'new' }>;
}

export interface Repeats {
  /** Whether just that was refused before. */
  recall(tried: WrongSecret): Promise<Recalled>;
}

interface Seen {
  readonly fingerprint: Digest;
  readonly cause: string;
  readonly at: number;
}

/** Those of one name, by the clock of whoever keeps them. */
interface Kept {
  readonly now: number;
  readonly seen: readonly Seen[];
  readonly put: (seen: readonly Seen[]) => void;
}

/**
 * `keys`: fingerprints are worth nothing without one. One process makes its own; nodes that keep them together have the same. New
 * ones are kept under the first, and those that were kept under the others are recognised.
 */
export function repeats(parts: {
  readonly clock: Clock;
  readonly keys: () => readonly Uint8Array[];
  readonly cells: SharedCells | null;
}): Repeats {
  const { clock, keys, cells } = parts;
  const tables = { user: new Map<string, readonly Seen[]>(), unknown: new Map<string, readonly Seen[]>() };

  const fingerprintOf = (key: Uint8Array, { subject, network, secret }: WrongSecret): Digest =>
    keyedDigest(key, 'wrong', subject.kind, subject.id, subject.standing, network, secret);

  /** Names that are nobody's share a fixed number of places: whoever makes names up fills nothing. */
  const cellOf = (key: Uint8Array, { kind, id }: WrongSecret['subject']): string => {
    const place = keyedDigest(key, 'repeats', kind, id);
    return kind === 'user'
      ? place
      : `unknown-${Buffer.from(place, 'base64url').readUInt32BE() % repeatsKept.unknownNames}`;
  };

  const here = (key: Uint8Array, { kind, id }: WrongSecret['subject']): Kept => {
    const table = tables[kind];
    const place = kind === 'user' ? id : keyedDigest(key, 'repeats', kind, id);
    return {
      now: clock.monotonic(),
      seen: table.get(place) ?? [],
      put: (seen) => {
        table.delete(place);
        table.set(place, seen);
        const [oldest] = table.keys();
        if (kind === 'unknown' && table.size > repeatsKept.unknownNames && oldest !== undefined) table.delete(oldest);
      },
    };
  };

  /** Together where that can be done, and by itself where it cannot. */
  const among = async <T>(key: Uint8Array, subject: WrongSecret['subject'], look: (kept: Kept) => T): Promise<T> => {
    const cell = cellOf(key, subject);
    const done = await cells?.step([cell], (shared) => {
      const text = shared.get(cell);
      return look({
        now: shared.now,
        seen: text === '' ? [] : (JSON.parse(text) as readonly Seen[]),
        put: (seen) => shared.put(cell, JSON.stringify(seen), repeatsKept.ms),
      });
    });
    return done?.kind === 'done' ? done.value : look(here(key, subject));
  };

  const recent = ({ now, seen }: Kept): readonly Seen[] => seen.filter(({ at }) => now - at < repeatsKept.ms);

  return {
    recall: async (tried) => {
      const { subject } = tried;
      const [first = new Uint8Array(), ...others] = keys();
      const fingerprint = fingerprintOf(first, tried);
      const known = (kept: Kept, print: Digest): Seen | undefined =>
        recent(kept).find((each) => each.fingerprint === print);
      let before = await among(first, subject, (kept) => known(kept, fingerprint)?.cause ?? null);
      for (const key of others)
        before ??= await among(key, subject, (kept) => known(kept, fingerprintOf(key, tried))?.cause ?? null);
      return {
        before,
        note: (cause) =>
          among(first, subject, (kept): { readonly kind: 'repeated' | 'new' } => {
            if (known(kept, fingerprint) !== undefined) return { kind: 'repeated' };
            kept.put([...recent(kept), { fingerprint, cause, at: kept.now }].slice(-repeatsKept.perName));
            return { kind: 'new' };
          }),
      };
    },
  };
}
