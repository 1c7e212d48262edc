/**
 * The one reader of CSV (RFC 4180), for what comes over HTTP and for files on the host: fed piece by piece, with a bound on
 * records, on their length and on their cells, so that no text makes it hold or do more than that. Lines end in LF or CRLF,
 * empty ones are passed over, and quotes are where RFC 4180 has them and nowhere else. Pure.
 */

export type CsvFault =
  /** No text of CSV: nothing of it is believed. */
  { readonly kind: 'malformed'; readonly detail: string } | { readonly kind: 'too-many'; readonly detail: string };

export interface CsvTable {
  readonly kind: 'table';
  /** The first record. */
  readonly header: readonly string[];
  /** The others, in order; they may have more cells or fewer. */
  readonly rows: readonly (readonly string[])[];
}

export interface CsvReader {
  /** The next piece. After a fault there is nothing more to push. */
  push(bytes: Uint8Array): CsvFault | Taken;
  end(): CsvFault | CsvTable;
}

interface Taken {
  readonly kind: 'taken';
}

/** `recordCharacters` holds any account that can be made, with all that can be known of it. */
export const csvLimits = { bytes: 8_388_608, rows: 10_000, recordCharacters: 8192, cells: 32 } as const;

type Place =
  /** Nothing of the cell has been read. */
  | 'before'
  | 'plain'
  | 'quoted'
  /** Behind a quote in a quoted cell: it was the end of that, or the first of two. */
  | 'quote'
  /** Behind a carriage return that ends a record, or an empty line. */
  | 'return'
  | 'empty-return';

const taken: Taken = { kind: 'taken' };

export function csvReader(): CsvReader {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const plainRun = /[^",\r\n]*/y;
  const records: string[][] = [];
  let record: string[] = [];
  let cell = '';
  let place: Place = 'before';
  /** Characters of the record so far. */
  let length = 0;
  let emptyLines = 0;

  const wrong = (what: string): CsvFault => ({
    kind: 'malformed',
    detail: `${records.length === 0 ? 'The header' : `Row ${records.length}`} of the file ${what}.`,
  });

  const endCell = (): CsvFault | Taken => {
    if (record.length === csvLimits.cells) return wrong(`has more than ${csvLimits.cells} cells`);
    record.push(cell);
    cell = '';
    place = 'before';
    return taken;
  };

  const endRecord = (): CsvFault | Taken => {
    const ended = endCell();
    if (ended.kind !== 'taken') return ended;
    if (records.length > csvLimits.rows)
      return { kind: 'too-many', detail: `A file has at most ${csvLimits.rows} rows: send it in parts.` };
    records.push(record);
    record = [];
    length = 0;
    return taken;
  };

  const emptyLine = (): CsvFault | Taken => {
    place = 'before';
    length = 0;
    emptyLines += 1;
    return emptyLines > csvLimits.rows ? { kind: 'malformed', detail: 'The file is mostly empty lines.' } : taken;
  };

  /** Text of a cell that stands in no quotes. */
  const plain = (run: string): CsvFault | Taken => {
    if (place === 'quote') return wrong('has text behind the quote that ends a cell');
    if (place !== 'before' && place !== 'plain') return wrong('has a carriage return inside a cell without quotes');
    cell += run;
    place = 'plain';
    return taken;
  };

  const quote = (): CsvFault | Taken => {
    if (place !== 'before' && place !== 'quote') return wrong('has a quote inside a cell that begins without one');
    if (place === 'quote') cell += '"';
    place = 'quoted';
    return taken;
  };

  const sign = (character: string): CsvFault | Taken => {
    const returned = place === 'return' || place === 'empty-return';
    if (character === '\n') {
      const isEmpty = place === 'empty-return' || (place === 'before' && record.length === 0);
      return isEmpty ? emptyLine() : endRecord();
    }
    if (returned) return plain('');
    if (character === ',') return endCell();
    if (character === '"') return quote();
    place = place === 'before' && record.length === 0 ? 'empty-return' : 'return';
    return taken;
  };

  /** From there on: a run of text, or one sign. */
  const step = (text: string, at: number): { readonly size: number; readonly done: CsvFault | Taken } => {
    if (place === 'quoted') {
      const end = text.indexOf('"', at);
      const run = text.slice(at, end === -1 ? text.length : end);
      cell += run;
      if (end !== -1) place = 'quote';
      return { size: run.length + (end === -1 ? 0 : 1), done: taken };
    }
    plainRun.lastIndex = at;
    const [run = ''] = plainRun.exec(text) ?? [];
    return run === '' ? { size: 1, done: sign(text.charAt(at)) } : { size: run.length, done: plain(run) };
  };

  const read = (text: string): CsvFault | Taken => {
    if (text.includes('\0')) return { kind: 'malformed', detail: 'The file holds NUL.' };
    for (let at = 0; at < text.length;) {
      const before = records.length;
      const { size, done } = step(text, at);
      if (done.kind !== 'taken') return done;
      at += size;
      if (records.length > before) continue;
      if (length + size > csvLimits.recordCharacters)
        return wrong(`is longer than ${csvLimits.recordCharacters} characters`);
      length += size;
    }
    return taken;
  };

  const decoded = (bytes: Uint8Array, more: 'to-come' | 'none'): CsvFault | Taken => {
    let text: string;
    try {
      text = decoder.decode(bytes, { stream: more === 'to-come' });
    } catch {
      return { kind: 'malformed', detail: 'The file is not UTF-8.' };
    }
    return read(text);
  };

  return {
    push: (bytes) => decoded(bytes, 'to-come'),
    end: () => {
      const last = decoded(new Uint8Array(), 'none');
      if (last.kind !== 'taken') return last;
      if (place === 'quoted') return wrong('ends inside quotes');
      if (place !== 'empty-return' && (place !== 'before' || record.length > 0)) {
        const ended = endRecord();
        if (ended.kind !== 'taken') return ended;
      }
      const [header, ...rows] = records;
      return header === undefined
        ? { kind: 'malformed', detail: 'The file is empty: it begins with a line that names its columns.' }
        : { kind: 'table', header, rows };
    },
  };
}
