/** The calls that do something to several at once, with a result for each of them; and people as a file. */
import { type Fields, type GivenUp, type Refusal, readFields, readList, readNumber, readText } from './answers.ts';
import { fetchCsvThroughDoor, sendCsvThroughDoor, sendThroughDoor } from './door.ts';
import type { FileAnswer } from './transport.ts';

/** What became of one row, counted from 1; of a trial, what would become of it. */
export type RowResult =
  | { readonly kind: 'done'; readonly row: number; readonly id: string }
  | { readonly kind: 'refused'; readonly row: number; readonly code: string; readonly detail: string };

export interface Results {
  readonly kind: 'results';
  readonly rows: readonly RowResult[];
}

export type ManyOutcome = Results | Refusal | GivenUp;

/** More is refused in one request. */
const atOnce = 100;

export type ManyPath = '/api/auth/users/bulk' | '/api/auth/api-tokens/bulk';

/** All of them, in as many requests as it takes. Rows count as `ids` does. */
export async function changeMany(path: ManyPath, action: string, ids: readonly string[]): Promise<ManyOutcome> {
  const rows: RowResult[] = [];
  for (let from = 0; from < ids.length; from += atOnce) {
    const part = ids.slice(from, from + atOnce);
    const answer = await sendThroughDoor('POST', path, { items: part.map((id) => ({ id, action })) });
    if (answer.kind !== 'answered') {
      if (from === 0) return answer;
      // What was done before is done, and has to be told.
      const undone = ids.slice(from).map((_, at) => from + at + 1);
      return { kind: 'results', rows: [...rows, ...undone.map((row) => refused(row, 'not_tried', ''))] };
    }
    rows.push(...readRows(answer.fields).map((each) => ({ ...each, row: from + each.row })));
  }
  return { kind: 'results', rows };
}

export async function importPeople(csv: string, how: 'for-real' | 'trial'): Promise<ManyOutcome> {
  const query = how === 'trial' ? '?dry_run=1' : '';
  const answer = await sendCsvThroughDoor(`/api/auth/users/import-csv${query}`, csv);
  return answer.kind === 'answered' ? { kind: 'results', rows: readRows(answer.fields) } : answer;
}

export function exportPeople(): Promise<FileAnswer | GivenUp> {
  return fetchCsvThroughDoor('/api/auth/users');
}

const readRows = (fields: Fields): readonly RowResult[] => readList(fields, 'results').map(readRow);

function readRow(value: unknown): RowResult {
  const fields = readFields(value);
  const row = readNumber(fields, 'row');
  if (readNumber(fields, 'status') < 300) return { kind: 'done', row, id: readText(fields, 'id') };
  return refused(row, readText(fields, 'error_code'), readText(fields, 'detail'));
}

const refused = (row: number, code: string, detail: string): RowResult => ({ kind: 'refused', row, code, detail });
