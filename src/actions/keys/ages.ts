/**
 * How long keys are used, and how long they stay afterwards (3-rules, Keys). Pure: what is due is read from the rows and the
 * time alone, so that every node comes to the same.
 */
import { type KeyPurpose, keyInUse, type KeyRow, newestFirst, newestKey } from '../../crypto/keyring.ts';
import type { Millis } from '../../types.ts';

export type RotatedPurpose = Exclude<KeyPurpose, 'service'>;

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** A new key is in the ring so long before it is used, so that every node knows it by then. */
export const publishedMs = 10 * minuteMs;
/**
 * Used at once, a cookie key waits until every node has heard of it: what one signs with it another has to know, and a request
 * under one Idempotency-Key is begun once. Changes are read within 5 seconds.
 */
export const heardMs = 15_000;
/** Keys of one purpose, those that are kept among them; more rotations are refused until some have gone. */
export const mostOfPurpose = 20;

/**
 * `everyMs`: how long a key is used before the next one is. `keptMs`: how long it stays in the ring once the next one is used.
 * - ticket: a ticket lives 2 hours, and 60 seconds of a clock that is ahead; 9 minutes are to spare.
 * - cookie: a login token lives 30 seconds, a passkey challenge 2 minutes, the answer to an idempotent request 24 hours, and a
 *   name that is nobody's may be limited for 100 hours.
 * - seal: until nothing is sealed under it any more; not sooner, since a change that was under way may come late.
 * - audit: until no checkpoint that it signed is kept any more, which is 400 days.
 */
export const keyAges: Readonly<Record<RotatedPurpose, { readonly everyMs: number; readonly keptMs: number }>> = {
  ticket: { everyMs: 30 * dayMs, keptMs: 2 * hourMs + 10 * minuteMs },
  cookie: { everyMs: 90 * dayMs, keptMs: 101 * hourMs },
  seal: { everyMs: 365 * dayMs, keptMs: hourMs },
  audit: { everyMs: 365 * dayMs, keptMs: hourMs },
};

export const rotatedPurposes = Object.keys(keyAges) as readonly RotatedPurpose[];

/** When a key came or comes into use. Rows from before keys were published say nothing: then it was made for use. */
export function startOf({ createdAt, usedFrom }: KeyRow): Millis {
  return Math.max(createdAt, usedFrom) as Millis;
}

/** When a newer one came or comes into use; null for the newest. */
function supersededAt(rows: readonly KeyRow[], row: KeyRow): Millis | null {
  const ordered = newestFirst(rows.filter(({ purpose }) => purpose === row.purpose));
  const newer = ordered.slice(
    0,
    ordered.findIndex(({ id }) => id === row.id),
  );
  return newer.length === 0 ? null : (Math.min(...newer.map(startOf)) as Millis);
}

/** When the one after it came or comes into use, by itself at the latest; null: not by itself. */
export function nextFromOf(rows: readonly KeyRow[], row: KeyRow): Millis | null {
  if (row.purpose === 'service') return null;
  return supersededAt(rows, row) ?? ((startOf(row) + keyAges[row.purpose].everyMs) as Millis);
}

export type KeyState = 'published' | 'in-use' | 'old';

export function stateOf(rows: readonly KeyRow[], row: KeyRow, now: Millis): KeyState {
  const used = keyInUse(rows, row.purpose, now);
  if (used === undefined || used.id === row.id) return 'in-use';
  const ordered = newestFirst(rows.filter(({ purpose }) => purpose === row.purpose)).map(({ id }) => id);
  return ordered.indexOf(row.id) < ordered.indexOf(used.id) ? 'published' : 'old';
}

export interface Due {
  readonly add: readonly RotatedPurpose[];
  /** If nothing hangs on them: the store looks. */
  readonly remove: readonly KeyRow[];
}

export function dueAt(rows: readonly KeyRow[], now: Millis): Due {
  return {
    add: rotatedPurposes.filter((purpose) => {
      const newest = newestKey(rows, purpose);
      return newest !== undefined && startOf(newest) + keyAges[purpose].everyMs - publishedMs <= now;
    }),
    remove: rows.filter((row) => {
      const keptUntil = keptUntilOf(rows, row);
      return keptUntil !== null && keptUntil <= now;
    }),
  };
}

/** Not removed before then; null: it is the newest, or of a purpose that has one key at a time. */
export function keptUntilOf(rows: readonly KeyRow[], row: KeyRow): Millis | null {
  if (row.purpose === 'service') return null;
  const over = supersededAt(rows, row);
  return over === null ? null : ((over + keyAges[row.purpose].keptMs) as Millis);
}

/** Of each purpose, how long the key in use has been in use. */
export function keyFigures(
  rows: readonly KeyRow[],
  now: Millis,
): readonly { readonly purpose: KeyPurpose; readonly ageMs: number }[] {
  return [...rotatedPurposes, 'service' as const].flatMap((purpose) => {
    const used = keyInUse(rows, purpose, now);
    return used === undefined ? [] : [{ purpose, ageMs: Math.max(0, now - startOf(used)) }];
  });
}
