/** How it is told what became of each of several things (2-http-api, 5): a row each, numbered from 1. */
import { problems, refuse } from '../../errors.ts';
import { holderOf } from '../../principal/principal.ts';
import type { Recorder } from '../../record/recorder.ts';
import { pathOf } from '../../request/incoming.ts';
import { type AdminCall, byOf, done, type Outcome } from '../call.ts';
import { allInOrder, eachInOrder, type RowOutcome, type SeveralParts, type Wanted } from './in-order.ts';

export interface RowResult {
  readonly row: number;
  readonly status: number;
  readonly id?: string;
  readonly error_code?: string;
  readonly detail?: string;
}

/** `id`: of what was asked about, told also where nothing came of it. */
export function rowResult(row: number, outcome: RowOutcome, id: string | null): RowResult {
  const about = id === null ? {} : { id };
  if (outcome.kind === 'done') return { row, status: outcome.status, ...about, ...outcome.fields };
  const { status, detail } = problems[outcome.code];
  return { row, status, ...about, error_code: outcome.code, detail: outcome.detail ?? detail };
}

export interface Summary {
  readonly results: readonly RowResult[];
  readonly applied: number;
  readonly refused: number;
}

export function summaryOf(results: readonly RowResult[]): Summary {
  const refused = results.filter((each) => each.error_code !== undefined).length;
  return { results, applied: results.length - refused, refused };
}

/** Carries out what a request asks for, and tells it. What somebody may not do is written down as if it had come alone. */
export async function severalOutcome<Subject>(
  parts: SeveralParts<Subject> & { readonly recorder: Recorder },
  call: AdminCall<{ readonly atomic: boolean }>,
  wanted: readonly Wanted<Subject>[],
): Promise<Outcome> {
  const all = call.body.atomic
    ? await allInOrder(parts, wanted)
    : { kind: 'each', outcomes: await eachInOrder(parts, wanted) };
  const { outcomes } = all;
  if (outcomes.some((each) => each.kind === 'refused' && each.code === 'forbidden'))
    await parts.recorder.denied({
      ...byOf(call),
      holder: holderOf(call.principal),
      target: pathOf(call.incoming.target),
    });
  const results = outcomes.map((outcome, at) => rowResult(at + 1, outcome, wanted[at]?.id ?? null));
  if (all.kind !== 'none') return done({ ...summaryOf(results) }, { secrets: ['token'] });
  return refuse('conflict', {
    detail: 'Not all of it can be done, so that nothing was: "results" says what stands in the way.',
    fields: { ...summaryOf(results) },
  });
}
