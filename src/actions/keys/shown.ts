/** The key ring as it is shown, over HTTP and to commands alike: never a byte of a key but what is public. */
import type { KeyRow } from '../../crypto/keyring.ts';
import type { PublicKey } from '../../crypto/sign.ts';
import type { KeyUse } from '../../store/store.ts';
import type { Millis } from '../../types.ts';
import { timeText } from '../issue-session.ts';
import { keptUntilOf, nextFromOf, startOf, stateOf } from './ages.ts';
import type { KeyParts } from './rotate.ts';

type Shown = Readonly<Record<string, unknown>>;

/** Which of its keys the store is asked about, one by one: reading that is a look at every account. */
const counted: ReadonlySet<string> = new Set(['seal', 'audit']);

export async function ringFields({ store, keyring, clock }: KeyParts): Promise<Shown> {
  const rows = await store.keys();
  const now = clock.now();
  const several = [...counted].some((purpose) => rows.filter((row) => row.purpose === purpose).length > 1);
  const uses = several ? await store.keyUses() : null;
  const sorted = rows.toSorted((a, b) => a.purpose.localeCompare(b.purpose) || b.createdAt - a.createdAt);
  return {
    keys: sorted.map((row) => keyFields(rows, row, uses, now)),
    resealing: resealingFields(rows, uses, now),
    // What the root key of this node opens.
    root_key: keyring.standing().kind === 'whole' ? 'fits' : 'does-not-fit',
  };
}

function keyFields(rows: readonly KeyRow[], row: KeyRow, uses: readonly KeyUse[] | null, now: Millis): Shown {
  const state = stateOf(rows, row, now);
  const [nextFrom, keptUntil] = [nextFromOf(rows, row), keptUntilOf(rows, row)];
  return {
    id: row.id,
    purpose: row.purpose,
    made_at: timeText(row.createdAt),
    used_from: timeText(startOf(row)),
    age_seconds: Math.max(0, Math.floor((now - row.createdAt) / 1000)),
    state,
    in_use: state === 'in-use',
    // Values sealed under it, or checkpoints signed by it; null where that is not counted.
    uses: uses === null || !counted.has(row.purpose) ? null : usesOf(uses, row.id),
    next_from: nextFrom === null ? null : timeText(nextFrom),
    kept_until: keptUntil === null ? null : timeText(keptUntil),
  };
}

/** How far values are under the key in use; null while there is one key alone. */
function resealingFields(rows: readonly KeyRow[], uses: readonly KeyUse[] | null, now: Millis): Shown | null {
  const keys = rows.filter(({ purpose }) => purpose === 'seal');
  if (uses === null || keys.length < 2) return null;
  const used = keys.filter((row) => stateOf(rows, row, now) === 'in-use');
  const sum = (all: readonly KeyRow[]): number => all.reduce((total, { id }) => total + usesOf(uses, id), 0);
  return { done: sum(used), total: sum(keys) };
}

function usesOf(uses: readonly KeyUse[], id: string): number {
  return uses.find((each) => each.id === id)?.count ?? 0;
}

/** RFC 8037 section 2, as a set of RFC 7517 section 5. */
export function publicKeySet(keys: readonly PublicKey[]): { readonly keys: readonly Shown[] } {
  return {
    keys: keys.map(({ id, publicKey }) => ({
      kty: 'OKP',
      crv: 'Ed25519',
      alg: 'EdDSA',
      use: 'sig',
      kid: id,
      x: publicKey,
    })),
  };
}
