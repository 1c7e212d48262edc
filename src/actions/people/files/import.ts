/**
 * Accounts from a CSV file (2-http-api, 5): all of it is read and judged, then made in parts with a turn for everybody else
 * between them. Cut off in the middle, some have been made; whoever sends the file again is told of those as conflicts.
 */
import { setImmediate } from 'node:timers/promises';
import { refuse, type Refusal } from '../../../errors.ts';
import type { CsvTable } from '../../../request/csv/read-csv.ts';
import type { RowOutcome } from '../../bulk/in-order.ts';
import { rowResult, summaryOf } from '../../bulk/results.ts';
import { type AdminCall, byOf, done, type Outcome } from '../../call.ts';
import { carryOut, type Doing, type FileParts } from './make-accounts.ts';
import { readAccounts, rowsInTurn } from './read-accounts.ts';

export async function importUsers(parts: FileParts, call: AdminCall<CsvTable>): Promise<Outcome> {
  const wanted = readDoing(call.query);
  if (wanted.kind === 'refused') return wanted;
  const file = await readAccounts(parts.realms, call.body, 'refused');
  if (file.kind === 'refused') return file;
  const outcomes: RowOutcome[] = [];
  for (let from = 0; from < file.rows.length; from += rowsInTurn) {
    const rows = file.rows.slice(from, from + rowsInTurn);
    outcomes.push(...(await carryOut(parts, rows, wanted.doing, byOf(call))));
    await setImmediate();
  }
  const results = outcomes.map((outcome, at) => rowResult(at + 1, outcome, null));
  return done({ ...summaryOf(results), dry_run: wanted.doing === 'try' });
}

/** Said wrongly it is neither: nobody's file is made by mistake. */
function readDoing(query: URLSearchParams): Refusal | { readonly kind: 'read'; readonly doing: Doing } {
  const [asked = '0', ...more] = query.getAll('dry_run');
  if (more.length > 0 || !['0', '1'].includes(asked))
    return refuse('invalid_request', { detail: '"dry_run" is 1, or is left out.' });
  return { kind: 'read', doing: asked === '1' ? 'try' : 'make' };
}
