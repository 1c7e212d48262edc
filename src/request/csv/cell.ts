/**
 * One cell of a CSV file (RFC 4180) as it is written, and as it is read again. A spreadsheet takes some cells for formulas: on
 * the way out those begin with an apostrophe, which is taken away again on the way in. Pure.
 * Stops: a name that runs something on the machine of whoever opens the list (I-16).
 */

/** `=`, `+`, `-`, `@`, also in full width, and controls; behind any number of apostrophes, so that all can be told apart again. */
const formula = /^'*[=+\-@\uff1d\uff0b\uff0d\uff20\t\r\n\0]/;

export function csvCell(text: string): string {
  const defused = formula.test(text);
  return defused || /[",\r\n]/.test(text) ? `"${defused ? "'" : ''}${text.replaceAll('"', '""')}"` : text;
}

/** What `csvCell` was given, of a cell without its quotes. */
export function cellText(cell: string): string {
  return cell.startsWith("'") && formula.test(cell) ? cell.slice(1) : cell;
}

/** One record, without its end. */
export function csvRecord(cells: readonly string[]): string {
  return cells.map(csvCell).join(',');
}
