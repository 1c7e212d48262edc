/** Request bodies: size and type before anything else is looked at (2-http-api, 2). */
import { refuse, type Refusal } from '../errors.ts';
import { header, type Incoming } from '../request/incoming.ts';
import { readJson } from '../request/json.ts';

export type BodyForm = 'none' | 'json' | 'json-or-form';

const mostBodyBytes = 65_536;

export type BodyReading = Refusal | { readonly kind: 'body'; readonly value: unknown };

const jsonType = /^application\/json[ \t]*(;[ \t]*charset="?utf-8"?[ \t]*)?$/i;
const formType = /^application\/x-www-form-urlencoded[ \t]*(;[ \t]*charset="?utf-8"?[ \t]*)?$/i;

/** From headers alone: refused here, nothing is read. */
export function checkBodyHeaders(incoming: Incoming, form: BodyForm): Refusal | { readonly kind: 'acceptable' } {
  const length = header(incoming.headers, 'content-length');
  const chunked = incoming.headers['transfer-encoding'] !== undefined;
  if (length !== undefined && Number(length) > mostBodyBytes) return refuse('payload_too_large');
  const hasBody = chunked || (length !== undefined && Number(length) > 0);
  const type = header(incoming.headers, 'content-type');
  if (!hasBody && (type === undefined || form === 'none')) return { kind: 'acceptable' };
  const encoding = header(incoming.headers, 'content-encoding');
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') return refuse('unsupported_media_type');
  if (form === 'none') return { kind: 'acceptable' };
  const fits = type !== undefined && (jsonType.test(type) || (form === 'json-or-form' && formType.test(type)));
  return fits ? { kind: 'acceptable' } : refuse('unsupported_media_type');
}

/** Longest a body may take to arrive. */
const bodyMs = 10_000;

/** Nothing sent reads as no fields. */
export async function readBody(incoming: Incoming): Promise<BodyReading> {
  const parts: Uint8Array[] = [];
  const arrived = await inTime(collect(incoming, parts));
  if (arrived.kind === 'refused') return arrived;
  const bytes = Buffer.concat(parts);
  if (bytes.length === 0) return { kind: 'body', value: {} };
  if (formType.test(header(incoming.headers, 'content-type') ?? '')) return readForm(bytes.toString('utf8'));
  const read = readJson(bytes);
  return read.kind === 'malformed'
    ? refuse('invalid_request', { detail: read.detail })
    : { kind: 'body', value: read.value };
}

async function collect(incoming: Incoming, parts: Uint8Array[]): Promise<Refusal | { readonly kind: 'collected' }> {
  let size = 0;
  try {
    for await (const part of incoming.body) {
      size += part.length;
      if (size > mostBodyBytes) return refuse('payload_too_large');
      parts.push(part);
    }
    return { kind: 'collected' };
  } catch {
    // The client went away or framed it wrongly; nothing here has failed.
    return refuse('invalid_request', { detail: 'The body did not arrive whole.' });
  }
}

/** A client that sends a byte now and then gets its answer all the same; the connection is closed with it. */
async function inTime<T>(reading: Promise<T>): Promise<T | Refusal> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Refusal>((resolve) => {
    timer = setTimeout(() => resolve(refuse('request_timeout')), bodyMs);
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
