/** Request bodies: size and type before anything else is looked at (2-http-api, 2). */
import { refuse, type Refusal } from '../errors.ts';
import { type CsvFault, csvLimits, csvReader } from '../request/csv/read-csv.ts';
import { header, type Incoming } from '../request/incoming.ts';
import { readJson } from '../request/json.ts';

export type BodyForm = 'none' | 'json' | 'json-or-form' | 'csv';

export type BodyReading = Refusal | { readonly kind: 'body'; readonly value: unknown };

const jsonType = /^application\/json[ \t]*(;[ \t]*charset="?utf-8"?[ \t]*)?$/i;
const formType = /^application\/x-www-form-urlencoded[ \t]*(;[ \t]*charset="?utf-8"?[ \t]*)?$/i;
const csvType = /^text\/csv[ \t]*(;[ \t]*(charset="?utf-8"?|header="?present"?)[ \t]*){0,2}$/i;

/** How large each may be, and how long it may take to arrive. */
const bounds = {
  short: { bytes: 65_536, ms: 10_000 },
  csv: { bytes: csvLimits.bytes, ms: 120_000 },
} as const;

function boundsOf(form: BodyForm): (typeof bounds)['short' | 'csv'] {
  return form === 'csv' ? bounds.csv : bounds.short;
}

/** From headers alone: refused here, nothing is read. */
export function checkBodyHeaders(incoming: Incoming, form: BodyForm): Refusal | { readonly kind: 'acceptable' } {
  const length = header(incoming.headers, 'content-length');
  const chunked = incoming.headers['transfer-encoding'] !== undefined;
  if (length !== undefined && Number(length) > boundsOf(form).bytes) return refuse('payload_too_large');
  const hasBody = chunked || (length !== undefined && Number(length) > 0);
  const type = header(incoming.headers, 'content-type');
  if (!hasBody && (type === undefined || form === 'none')) return { kind: 'acceptable' };
  const encoding = header(incoming.headers, 'content-encoding');
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') return unsupported(form);
  if (form === 'none') return { kind: 'acceptable' };
  return type !== undefined && fits(type, form) ? { kind: 'acceptable' } : unsupported(form);
}

function fits(type: string, form: Exclude<BodyForm, 'none'>): boolean {
  if (form === 'csv') return csvType.test(type);
  return jsonType.test(type) || (form === 'json-or-form' && formType.test(type));
}

function unsupported(form: BodyForm): Refusal {
  const detail = 'Send text/csv in UTF-8, without content encoding.';
  return refuse('unsupported_media_type', form === 'csv' ? { detail } : {});
}

/** Nothing sent reads as no fields. */
export async function readBody(incoming: Incoming): Promise<BodyReading> {
  const parts: Uint8Array[] = [];
  const arrived = await collect(incoming, bounds.short, (part) => {
    parts.push(part);
    return going;
  });
  if (arrived.kind === 'refused') return arrived;
  const bytes = Buffer.concat(parts);
  if (bytes.length === 0) return { kind: 'body', value: {} };
  if (formType.test(header(incoming.headers, 'content-type') ?? '')) return readForm(bytes.toString('utf8'));
  const read = readJson(bytes);
  return read.kind === 'malformed'
    ? refuse('invalid_request', { detail: read.detail })
    : { kind: 'body', value: read.value };
}

/** A whole file, read while it arrives: what is held is its cells. */
export async function readCsvBody(incoming: Incoming): Promise<BodyReading> {
  const reader = csvReader();
  const arrived = await collect(incoming, bounds.csv, (part) => {
    const pushed = reader.push(part);
    return pushed.kind === 'taken' ? going : refusalOf(pushed);
  });
  if (arrived.kind === 'refused') return arrived;
  const table = reader.end();
  return table.kind === 'table' ? { kind: 'body', value: table } : refusalOf(table);
}

function refusalOf({ kind, detail }: CsvFault): Refusal {
  return refuse(kind === 'too-many' ? 'payload_too_large' : 'invalid_request', { detail });
}

interface Going {
  readonly kind: 'going';
}

const going: Going = { kind: 'going' };

async function collect(
  incoming: Incoming,
  { bytes, ms }: { readonly bytes: number; readonly ms: number },
  take: (part: Uint8Array) => Refusal | Going,
): Promise<Refusal | Going> {
  const reading = async (): Promise<Refusal | Going> => {
    let size = 0;
    try {
      for await (const part of incoming.body) {
        size += part.length;
        const taken = size > bytes ? refuse('payload_too_large') : take(part);
        if (taken.kind === 'refused') return taken;
      }
      return going;
    } catch {
      // The client went away or framed it wrongly; nothing here has failed.
      return refuse('invalid_request', { detail: 'The body did not arrive whole.' });
    }
  };
  return inTime(reading(), ms);
}

/** A client that sends a byte now and then gets its answer all the same; the connection is closed with it. */
async function inTime<T>(reading: Promise<T>, ms: number): Promise<T | Refusal> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Refusal>((resolve) => {
    timer = setTimeout(() => resolve(refuse('request_timeout')), ms);
  });
  try {
    return await Promise.race([reading, late]);
  } finally {
    clearTimeout(timer);
  }
}

function readForm(text: string): BodyReading {
  const fields = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(text)) {
    if (fields.has(name)) return refuse('invalid_request', { detail: 'The form names a field twice.' });
    fields.set(name, value);
  }
  return { kind: 'body', value: Object.fromEntries(fields) };
}
