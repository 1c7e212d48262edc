/** Accounts as rows of a CSV file (2-http-api, 5): which columns there are, what a row says, and how an account is written into one. */
import { refuse, type Refusal } from '../../../errors.ts';
import { cellText, csvRecord } from '../../../request/csv/cell.ts';
import type { NewAccountBody } from '../accounts.ts';

/** Those of an exported file, in its order; an imported one may have them in any, and needs only the first. */
const columns = ['username', 'email', 'name', 'privileges', 'groups', 'active'] as const;
/** Taken from whoever is on the host, and never given. */
const hashColumn = 'password_hash';

export type Column = (typeof columns)[number] | typeof hashColumn;

/** As a row of a file says it. */
export interface AccountRow extends NewAccountBody {
  /** Of a password that its owner has already, as another program made it; empty without one. */
  readonly password_hash: string;
}

/** Whether whoever brings the file may bring hashes of passwords with it. */
export type Hashes = 'taken' | 'refused';

/** In the order of the file. */
export type ColumnsReading = Refusal | { readonly kind: 'columns'; readonly columns: readonly Column[] };

export function readColumns(header: readonly string[], hashes: Hashes): ColumnsReading {
  const names = header.map((cell) => cellText(cell).trim().toLowerCase());
  const known: readonly string[] = hashes === 'taken' ? [...columns, hashColumn] : columns;
  const wrong = (detail: string): Refusal => refuse('invalid_request', { detail });
  if (hashes === 'refused' && names.includes(hashColumn))
    return wrong(`Nobody sets another's password: "${hashColumn}" is taken by the command on the host alone.`);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    // It is somebody's file, and may be told on a terminal.
    const shown = unknown.slice(0, 5).map((name) => `"${name.slice(0, 40).replaceAll(/\p{C}/gu, '\ufffd')}"`);
    return wrong(`There is no column ${shown.join(', ')}: columns are ${known.join(', ')}, separated by commas.`);
  }
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) return wrong(`The column "${twice}" is there twice.`);
  if (!names.includes('username')) return wrong('The file has no column "username".');
  return { kind: 'columns', columns: names as readonly Column[] };
}

export function readAccountRow(
  cells: readonly string[],
  order: readonly Column[],
): Refusal | { readonly kind: 'row'; readonly row: AccountRow } {
  const wrong = (detail: string): Refusal => refuse('invalid_request', { detail });
  if (cells.length !== order.length)
    return wrong(`The row has ${cells.length} cells, and the file ${order.length} columns.`);
  const said = new Map(order.map((column, at) => [column, cellText(cells[at] ?? '')]));
  const text = (column: Column): string => said.get(column) ?? '';
  const active = text('active').toLowerCase();
  if (!['', 'true', 'false'].includes(active)) return wrong('"active" is true or false.');
  return {
    kind: 'row',
    row: {
      username: text('username'),
      email: text('email'),
      display_name: text('name'),
      privileges: words(text('privileges')),
      groups: words(text('groups')),
      active: active !== 'false',
      password_hash: text(hashColumn),
    },
  };
}

function words(text: string): readonly string[] {
  return text
    .split(';')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

/** What an exported file tells of an account, as the API tells it. */
export interface ExportedAccount {
  readonly username: string;
  readonly email: string;
  readonly display_name: string;
  readonly privileges: readonly string[];
  readonly groups: readonly string[];
  readonly active: boolean;
}

export const exportHead = csvRecord(columns);

export function exportRecord(account: ExportedAccount): string {
  const cells: Readonly<Record<(typeof columns)[number], string>> = {
    username: account.username,
    email: account.email,
    name: account.display_name,
    privileges: account.privileges.join(';'),
    groups: account.groups.join(';'),
    active: String(account.active),
  };
  return csvRecord(columns.map((column) => cells[column]));
}
