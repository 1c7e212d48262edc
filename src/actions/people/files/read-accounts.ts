/** A whole file of accounts, judged row by row before the first of them is made. */
import { setImmediate } from 'node:timers/promises';
import { readForeignHash } from '../../../crypto/foreign/read-hash.ts';
import { refuse, type Refusal } from '../../../errors.ts';
import type { CsvTable } from '../../../request/csv/read-csv.ts';
import type { Realms } from '../../../realm/realms.ts';
import { type AccountRead, readNewAccount } from '../accounts.ts';
import { type AccountRow, type Column, type Hashes, readAccountRow, readColumns } from './columns.ts';

export interface ReadableRow {
  readonly kind: 'readable';
  readonly row: AccountRow;
  readonly account: AccountRead;
  /** Of the password it begins with; empty: it has none yet. */
  readonly hash: string;
}

/** A refusal for each row that cannot be made whatever is there already, and what the others say; in the order of the file. */
export interface AccountFile {
  readonly kind: 'file';
  readonly rows: readonly (Refusal | ReadableRow)[];
}

/** Rows that are worked on before others get a turn. */
export const rowsInTurn = 100;

export async function readAccounts(
  realms: Realms,
  { header, rows }: CsvTable,
  hashes: Hashes,
): Promise<Refusal | AccountFile> {
  const order = readColumns(header, hashes);
  if (order.kind === 'refused') return order;
  const read: (Refusal | ReadableRow)[] = [];
  /** In which row each name stands. */
  const named = new Map<string, number>();
  for (const cells of rows) {
    const row = readCells(realms, cells, order.columns);
    const name = row.kind === 'readable' ? row.account.user.username : undefined;
    const before = name === undefined ? undefined : named.get(name);
    read.push(before === undefined ? row : refuse('conflict', { detail: `Row ${before} has that user name, too.` }));
    if (name !== undefined && before === undefined) named.set(name, read.length);
    if (read.length % rowsInTurn === 0) await setImmediate();
  }
  return { kind: 'file', rows: read };
}

function readCells(realms: Realms, cells: readonly string[], order: readonly Column[]): Refusal | ReadableRow {
  const read = readAccountRow(cells, order);
  if (read.kind === 'refused') return read;
  return readRow(realms, read.row);
}

/** Checked by itself; whether its name is taken is seen when it is made. */
export function readRow(realms: Realms, row: AccountRow): Refusal | ReadableRow {
  const account = readNewAccount(realms, row);
  if (account.kind === 'refused') return account;
  if (row.password_hash === '') return { kind: 'readable', row, account, hash: '' };
  const read = readForeignHash(row.password_hash);
  return read.kind === 'hash'
    ? { kind: 'readable', row, account, hash: read.canonical }
    : refuse('invalid_request', { detail: `The password hash cannot be taken: ${read.why}.` });
}
