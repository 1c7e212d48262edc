/**
 * Several things asked for in one request (2-http-api, 5): each is decided as if it were asked for alone, in order, by what those
 * before it are going to leave; then they are written together. What turns out otherwise than foreseen, because the store
 * refused one or because somebody else was faster, is looked at and decided again.
 */
import { refuse, type Refusal } from '../../errors.ts';
import type { Store, Write, WriteOutcome } from '../../store/store.ts';
import { type About, mostReadAgain, unmade } from './unmade.ts';

/** What one comes to before anything is written. */
export type Plan<Subject> =
  | Refusal
  /** It is as was asked for already. */
  | { readonly kind: 'as-it-is'; readonly told: Told }
  /** `leaves`: what it is about, as it is then; null where it is gone, or new and nobody's business yet. */
  | { readonly kind: 'planned'; readonly write: Write; readonly leaves: Subject | null; readonly told: Told };

export interface Told {
  readonly status: 200 | 201;
  readonly fields: Readonly<Record<string, unknown>>;
}

export type Wanted<Subject> =
  | { readonly id: null; readonly plan: () => Plan<Subject> }
  | { readonly id: string; readonly plan: (subject: Subject) => Plan<Subject> };

export interface SeveralParts<Subject> {
  readonly store: Pick<Store, 'writeTogether'>;
  readonly about: About;
  readonly look: (id: string) => Promise<Refusal | { readonly kind: 'seen'; readonly subject: Subject }>;
}

export type RowOutcome = Refusal | ({ readonly kind: 'done' } & Told);

interface Row<Subject> {
  readonly at: number;
  readonly wanted: Wanted<Subject>;
  /** How often somebody was faster. */
  readonly again: number;
}

interface Judged<Subject> {
  readonly row: Row<Subject>;
  readonly plan: Plan<Subject>;
  /** Of its write; undefined where there was none to make. */
  readonly outcome: WriteOutcome | undefined;
}

type Settled = RowOutcome | { readonly kind: 'changed-meanwhile' } | { readonly kind: 'undone' };

/** Each by itself: what is refused keeps nothing else from being done. */
export async function eachInOrder<Subject>(
  parts: SeveralParts<Subject>,
  wanted: readonly Wanted<Subject>[],
): Promise<readonly RowOutcome[]> {
  const outcomes: RowOutcome[] = [];
  let rows: readonly Row<Subject>[] = wanted.map((each, at) => ({ at, wanted: each, again: 0 }));
  while (rows.length > 0) {
    const otherwise = new Set<string>();
    const next: Row<Subject>[] = [];
    for (const judged of await judge(parts, rows, 'each')) {
      const { row } = judged;
      const { id } = row.wanted;
      const settled = settle(parts, judged);
      const foreseen = id === null || !otherwise.has(id);
      if (id !== null && turnedOut(judged) === 'otherwise') otherwise.add(id);
      if (!foreseen && judged.outcome?.kind !== 'updated' && judged.outcome?.kind !== 'deleted') next.push(row);
      else if (settled.kind === 'changed-meanwhile' && row.again < mostReadAgain)
        next.push({ ...row, again: row.again + 1 });
      else outcomes[row.at] = asTold(parts, settled);
    }
    rows = next;
  }
  return outcomes;
}

export type AllOutcome =
  | { readonly kind: 'none'; readonly outcomes: readonly RowOutcome[] }
  | { readonly kind: 'all'; readonly outcomes: readonly RowOutcome[] };

/** All of them or none: where one cannot be done, the others are not applied. */
export async function allInOrder<Subject>(
  parts: SeveralParts<Subject>,
  wanted: readonly Wanted<Subject>[],
): Promise<AllOutcome> {
  const rows: readonly Row<Subject>[] = wanted.map((each, at) => ({ at, wanted: each, again: 0 }));
  for (let tries = 0; ; tries += 1) {
    const all = await judge(parts, rows, 'all');
    const settled = all.map((judged) => settle(parts, judged));
    const outcomes = settled.map((each) => asTold(parts, each));
    if (settled.every(({ kind }) => kind === 'done')) return { kind: 'all', outcomes };
    const first = settled.findIndex(({ kind }) => kind === 'refused' || kind === 'changed-meanwhile');
    // Somebody was faster, and that is all that is known to be in the way.
    if (settled[first]?.kind === 'changed-meanwhile' && tries < mostReadAgain) continue;
    const otherwise = new Set<string>();
    return {
      kind: 'none',
      outcomes: all.map((judged, at) => {
        const { id } = judged.row.wanted;
        const foreseen = id === null || !otherwise.has(id);
        if (id !== null && turnedOut(judged) === 'otherwise') otherwise.add(id);
        const told = outcomes[at];
        return told?.kind === 'refused' && foreseen ? told : notApplied;
      }),
    };
  }
}

const notApplied = refuse('not_applied');

/** As an id stands in a path. Of another one no store is asked: PostgreSQL has no text with NUL. */
const spelled = /^[A-Za-z0-9_-]+$/;

/** `all`: nothing is written where one is refused already. */
async function judge<Subject>(
  parts: SeveralParts<Subject>,
  rows: readonly Row<Subject>[],
  which: 'each' | 'all',
): Promise<readonly Judged<Subject>[]> {
  const ids = new Set(rows.flatMap(({ wanted: { id } }) => (id === null ? [] : [id])));
  const look = (id: string) => (spelled.test(id) ? parts.look(id) : unmade('unknown', parts.about));
  const looked = await Promise.all([...ids].map(async (id) => [id, await look(id)] as const));
  const seen = new Map<string, Refusal | { readonly kind: 'seen'; readonly subject: Subject }>(looked);
  const plans = rows.map(({ wanted }): Plan<Subject> => {
    if (wanted.id === null) return wanted.plan();
    const found = seen.get(wanted.id) ?? unmade('unknown', parts.about);
    if (found.kind === 'refused') return found;
    const plan = wanted.plan(found.subject);
    if (plan.kind === 'planned') {
      const { leaves } = plan;
      seen.set(wanted.id, leaves === null ? unmade('unknown', parts.about) : { kind: 'seen', subject: leaves });
    }
    return plan;
  });
  const writes = plans.flatMap((plan) => (plan.kind === 'planned' ? [plan.write] : []));
  const vain = writes.length === 0 || (which === 'all' && plans.some(({ kind }) => kind === 'refused'));
  const outcomes = vain ? [] : await parts.store.writeTogether(writes, which);
  let at = 0;
  return plans.map((plan, index) => {
    const outcome = plan.kind === 'planned' && !vain ? outcomes[at++] : undefined;
    return { row: rows[index] as Row<Subject>, plan, outcome };
  });
}

function settle<Subject>({ about }: SeveralParts<Subject>, { plan, outcome }: Judged<Subject>): Settled {
  if (plan.kind === 'refused') return plan;
  if (plan.kind === 'as-it-is') return { kind: 'done', ...plan.told };
  if (outcome === undefined) return { kind: 'undone' };
  switch (outcome.kind) {
    case 'undone':
      return outcome;
    case 'created':
    case 'updated':
    case 'deleted':
      return { kind: 'done', ...plan.told };
    case 'changed-meanwhile':
      return outcome;
    case 'unknown':
    case 'name-taken':
    case 'last-admin':
    case 'superseded':
    case 'too-many':
      return unmade(outcome.kind, about);
  }
}

function asTold<Subject>({ about }: SeveralParts<Subject>, settled: Settled): RowOutcome {
  if (settled.kind === 'undone') return notApplied;
  return settled.kind === 'changed-meanwhile' ? unmade(settled.kind, about) : settled;
}

/** What those behind it were judged by. */
function turnedOut({ outcome }: { readonly outcome: WriteOutcome | undefined }): 'as-foreseen' | 'otherwise' {
  const foreseen = [undefined, 'undone', 'created', 'updated', 'deleted'];
  return foreseen.includes(outcome?.kind) ? 'as-foreseen' : 'otherwise';
}
