/**
 * The names in a CSV file, row by row, to be shown beside the results, which only count. Only for what the server has read
 * already: whether it is proper CSV is not looked at here.
 */

/** A cell in quotes or without; then a comma, the end of the line, or the end of the file. */
const cell = /(?:"([^"]*(?:""[^"]*)*)"|([^,\r\n]*))(,|\r?\n|\r|$)/y;

const nameColumn = 'username';

/** The first is that of row 1; lines that are empty are no rows. Empty where there is none. */
export function namesIn(csv: string): readonly string[] {
  const [head = [], ...rows] = recordsOf(csv.replace(/^\uFEFF/, ''));
  const at = head.findIndex((each) => each.trim().toLowerCase() === nameColumn);
  return rows.map((record) => withoutDefusing(record[at] ?? ''));
}

function recordsOf(text: string): readonly (readonly string[])[] {
  const records: string[][] = [];
  let record: string[] = [];
  let at = 0;
  while (at < text.length) {
    cell.lastIndex = at;
    const found = cell.exec(text);
    // A quote out of its place: the rest cannot be told apart.
    if (found === null) break;
    const [whole, quoted, plain = '', end] = found;
    at += whole.length;
    record.push(quoted?.replaceAll('""', '"') ?? plain);
    if (end === ',' && at < text.length) continue;
    if (record.length > 1 || quoted !== undefined || plain !== '') records.push(record);
    record = [];
  }
  return records;
}

/** The apostrophe that keeps a spreadsheet from reckoning with it is no part of a name. */
function withoutDefusing(text: string): string {
  return /^'+[=+\-@\uFF1D\uFF0B\uFF0D\uFF20\t\r\n]/.test(text) ? text.slice(1) : text;
}
