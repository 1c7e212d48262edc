/**
 * The audit log as text: JSON fields for the API, lines of NDJSON that carry all that verifying needs, and CSV for
 * spreadsheets. What is written here is read back here, so that an auditor can check a file without the database.
 */
import type { PublicKey } from '../crypto/sign.ts';
import { csvRecord } from '../request/csv/cell.ts';
import type { AuditCheckpoint, AuditHead, AuditRow } from '../store/rows.ts';
import type { Address, Millis } from '../types.ts';
import { checkpointText, parseCheckpoint } from './checkpoint.ts';

/** The first line: where the chain stands, and the keys its checkpoints are signed by. */
export interface HeadLine extends AuditHead {
  readonly kind: 'head';
  readonly keys: readonly PublicKey[];
}

export type AuditLine =
  | HeadLine
  | { readonly kind: 'event'; readonly row: AuditRow }
  | { readonly kind: 'checkpoint'; readonly checkpoint: AuditCheckpoint };

export type LineReading = { readonly kind: 'unreadable' } | { readonly kind: 'line'; readonly line: AuditLine };

const format = 'sallyport-audit-1';

/** As the API gives an event. A time that is none (a row that was tampered with) is given as its number. */
export function eventFields(row: AuditRow): Readonly<Record<string, string | number>> {
  const { chain, place, number, at, event, actor, actorName, address, peer, way, target, result, count, hash } = row;
  return {
    number,
    at: timeOf(at),
    event,
    actor,
    actor_name: actorName,
    address,
    peer,
    way,
    target,
    result,
    count,
    hash,
    chain,
    place,
  };
}

function timeOf(at: number): string | number {
  const time = new Date(at);
  return Number.isNaN(time.getTime()) ? at : time.toISOString();
}

/** One line of NDJSON, without its end. */
export function lineText(line: AuditLine): string {
  switch (line.kind) {
    case 'head': {
      const { chain, number, hash, lastRow, lastCheckpoint, strays } = line;
      const keys = line.keys.map(({ id, publicKey }) => ({ id, public_key: publicKey }));
      const head = { chain, number, hash, last_row: lastRow, last_checkpoint: lastCheckpoint, strays, keys };
      return JSON.stringify({ line: 'head', format, ...head });
    }
    case 'event':
      return JSON.stringify({ line: 'event', ...eventFields(line.row) });
    case 'checkpoint':
      return JSON.stringify({ line: 'checkpoint', checkpoint: checkpointText(line.checkpoint) });
  }
}

export function readLine(text: string): LineReading {
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch {
    return { kind: 'unreadable' };
  }
  if (typeof fields !== 'object' || fields === null) return { kind: 'unreadable' };
  const read = new Map<string, unknown>(Object.entries(fields));
  switch (read.get('line')) {
    case 'head':
      return readHead(read);
    case 'event':
      return readEvent(read);
    case 'checkpoint': {
      const form = parseCheckpoint(String(read.get('checkpoint')));
      return form.kind === 'malformed'
        ? { kind: 'unreadable' }
        : { kind: 'line', line: { kind: 'checkpoint', checkpoint: form.checkpoint } };
    }
    default:
      return { kind: 'unreadable' };
  }
}

function readHead(fields: ReadonlyMap<string, unknown>): LineReading {
  const keys = fields.get('keys');
  if (fields.get('format') !== format || !Array.isArray(keys)) return { kind: 'unreadable' };
  const numbers = ['number', 'last_row', 'last_checkpoint', 'strays'].map((name) => fields.get(name));
  const texts = ['chain', 'hash'].map((name) => fields.get(name));
  if (!numbers.every(Number.isSafeInteger) || !texts.every((each) => typeof each === 'string'))
    return { kind: 'unreadable' };
  const [number, lastRow, lastCheckpoint, strays] = numbers as [number, number, number, number];
  const [chain, hash] = texts as [string, string];
  const read = (keys as unknown[]).map((each) => {
    const { id, public_key: publicKey } = (each ?? {}) as { readonly id?: unknown; readonly public_key?: unknown };
    return { id: String(id), publicKey: String(publicKey) };
  });
  return { kind: 'line', line: { kind: 'head', chain, number, hash, lastRow, lastCheckpoint, strays, keys: read } };
}

function readEvent(fields: ReadonlyMap<string, unknown>): LineReading {
  const texts = ['event', 'actor', 'actor_name', 'address', 'peer', 'way', 'target', 'result', 'hash'].map((name) =>
    fields.get(name),
  );
  const time = fields.get('at');
  const at = typeof time === 'string' ? Date.parse(time) : time;
  const [number, count] = [fields.get('number'), fields.get('count')];
  if (!texts.every((each) => typeof each === 'string') || ![number, count, at].every(Number.isSafeInteger))
    return { kind: 'unreadable' };
  const [event, actor, actorName, address, peer, way, target, result, hash] = texts as [
    string,
    string,
    string,
    Address,
    string,
    string,
    string,
    string,
    string,
  ];
  // Files from before there were several chains do not say on every line whose it is, and where; no check relies on it.
  const named = fields.get('chain');
  const chain = typeof named === 'string' ? named : '';
  const place = Number(fields.get('place') ?? number);
  const row = { chain, place, event, actor, actorName, address, peer, way, target, result, hash };
  return {
    kind: 'line',
    line: { kind: 'event', row: { ...row, number: number as number, at: at as Millis, count: count as number } },
  };
}

const csvColumns = [
  'number',
  'at',
  'event',
  'actor',
  'actor_name',
  'address',
  'peer',
  'way',
  'target',
  'result',
  'count',
  'hash',
  'chain',
  'place',
] as const;

export const csvHead = csvRecord(csvColumns);

/** One record, without its end. */
export function csvLine(row: AuditRow): string {
  const fields = eventFields(row);
  return csvRecord(csvColumns.map((name) => String(fields[name] ?? '')));
}
