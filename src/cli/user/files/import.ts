/** `sallyport user import FILE`: a file read here, and its accounts made in parts where they are kept. */
import { createReadStream } from 'node:fs';
import type { HostCommand } from '../../../actions/people/host.ts';
import { noRealms } from '../../../realm/realms.ts';
import { type ReadableRow, readAccounts, rowsInTurn } from '../../../actions/people/files/read-accounts.ts';
import { type RowResult, rowResult, summaryOf } from '../../../actions/bulk/results.ts';
import { csvLimits, csvReader, type CsvTable } from '../../../request/csv/read-csv.ts';
import { type ExitCode, exitCodes, fail, type Terminal } from '../../exit-codes.ts';
import type { Use } from '../../host/command.ts';
import type { FileAsked } from '../arguments.ts';

interface Numbered {
  readonly row: number;
  readonly read: ReadableRow;
}

/** Bytes of rows in one command to the server: below what the control socket takes. No row alone is beyond it. */
const mostInPart = 48_000;

/** Which realms there are, only the server knows; it looks at every row again. */
const anyRealm = noRealms();

export async function importFile({
  command,
  host,
  json,
  terminal,
}: Use<Extract<FileAsked, { action: 'import' }>, HostCommand>): Promise<ExitCode> {
  const table = await tableOf(command.file);
  if (table.kind === 'unreadable') return fail(terminal, table.code, table.why);
  const file = await readAccounts(anyRealm, table, 'taken');
  if (file.kind === 'refused') return fail(terminal, exitCodes.usage, file.detail ?? 'the file cannot be read.');
  const results: RowResult[] = [];
  const rows: Numbered[] = [];
  file.rows.forEach((read, at) => {
    if (read.kind === 'refused') results.push(rowResult(at + 1, read, null));
    else rows.push({ row: at + 1, read });
  });
  const progress = progressOf(terminal, file.rows.length);
  let done = 0;
  for (const part of partsOf(rows)) {
    progress.at(results.length);
    const accounts = part.map(({ read }) => read.row);
    const answer = await host.ask({ action: 'import', accounts, dry_run: command.dry_run });
    if (answer.kind === 'failed') {
      progress.end();
      const so = ` Rows before ${part[0]?.row ?? 0} are done; the same file can be imported again.`;
      return fail(terminal, answer.code, `${answer.why}${done === 0 ? '' : so}`);
    }
    done += part.length;
    const told = answer.fields['results'] as readonly RowResult[];
    told.forEach((result, at) => results.push({ ...result, row: part[at]?.row ?? 0 }));
  }
  progress.at(results.length);
  progress.end();
  const summary = summaryOf(results.toSorted((one, other) => one.row - other.row));
  await tell(terminal, { ...summary, dry_run: command.dry_run }, json);
  return summary.refused === 0 ? exitCodes.well : exitCodes.broken;
}

async function tell(
  terminal: Terminal,
  summary: ReturnType<typeof summaryOf> & { readonly dry_run: boolean },
  json: boolean,
): Promise<void> {
  if (json) {
    await terminal.write(JSON.stringify({ success: true, ...summary }));
    return;
  }
  const { results, applied, dry_run: dry } = summary;
  for (const { row, error_code, detail } of results)
    if (error_code !== undefined) await terminal.write(`row ${row}: ${error_code}: ${detail ?? ''}`);
  const what = dry ? 'can be made; nothing was written' : 'were made';
  await terminal.write(`${applied} of ${results.length} accounts ${what}`);
}

function* partsOf(rows: readonly Numbered[]): Generator<readonly Numbered[], void, undefined> {
  let part: Numbered[] = [];
  let size = 0;
  for (const each of rows) {
    const length = Buffer.byteLength(JSON.stringify(each.read.row));
    if (part.length === rowsInTurn || (part.length > 0 && size + length > mostInPart)) {
      yield part;
      [part, size] = [[], 0];
    }
    part.push(each);
    size += length;
  }
  if (part.length > 0) yield part;
}

/** Rows without somebody who watches between two lines that tell how far it is. */
const told = 1000;

function progressOf(terminal: Terminal, all: number): { at(done: number): void; end(): void } {
  const { over } = terminal;
  let last = 0;
  return {
    at: (done) => {
      if (over !== null) over(`${done} of ${all} rows`);
      else if (Math.floor(done / told) > Math.floor(last / told)) terminal.err(`${done} of ${all} rows`);
      last = done;
    },
    end: () => over?.(''),
  };
}

async function tableOf(
  file: string,
): Promise<CsvTable | { readonly kind: 'unreadable'; readonly code: ExitCode; readonly why: string }> {
  const reader = csvReader();
  const wrong = (why: string) => ({ kind: 'unreadable', code: exitCodes.usage, why }) as const;
  let size = 0;
  try {
    const bytes = (file === '-' ? process.stdin : createReadStream(file)) as AsyncIterable<Uint8Array>;
    for await (const piece of bytes) {
      size += piece.length;
      if (size > csvLimits.bytes) return wrong(`the file has more than ${csvLimits.bytes} bytes: import it in parts.`);
      const pushed = reader.push(piece);
      if (pushed.kind !== 'taken') return wrong(pushed.detail);
    }
  } catch (fault) {
    const why = `cannot read ${file}: ${fault instanceof Error ? fault.message : String(fault)}`;
    return { kind: 'unreadable', code: exitCodes.unavailable, why };
  }
  const table = reader.end();
  return table.kind === 'table' ? table : wrong(table.detail);
}
