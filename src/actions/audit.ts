/** The audit log for admins: a page of it, or everything that matches as a file (2-http-api, 5). */
import { refuse, type Refusal } from '../errors.ts';
import type { AuditSource } from '../record/audit-log.ts';
import { csvHead, csvLine, eventFields, lineText } from '../record/audit-lines.ts';
import { auditEvents } from '../record/recorder.ts';
import { askedForm, csvType } from '../request/csv/accept.ts';
import { header } from '../request/incoming.ts';
import { readTime } from '../request/time.ts';
import { parseUsername } from '../request/username.ts';
import type { AuditFilter, AuditRow } from '../store/rows.ts';
import { type AdminCall, done, type Export, type Outcome } from './call.ts';

export interface AuditParts {
  readonly audit: AuditSource;
}

/** Events of one answer; of one exported file, beyond which a link leads on. */
const mostListed = 1000;
const mostExported = 10_000;
const byDefault = 100;

const forms = { 'application/x-ndjson': 'ndjson', 'text/csv': 'csv' } as const;

export interface AuditQuery {
  readonly kind: 'query';
  readonly filter: AuditFilter;
  readonly before: number | null;
  /** Null: not asked for. */
  readonly limit: number | null;
}

export async function listAudit(parts: AuditParts, call: AdminCall): Promise<Outcome> {
  const query = readAuditQuery(call.query);
  if (query.kind === 'refused') return query;
  const form = askedForm(header(call.incoming.headers, 'accept'), forms);
  const limit = query.limit ?? (form === 'json' ? byDefault : mostExported);
  const { events, next } = await parts.audit.newest(query.filter, query.before, limit);
  if (form === 'json') return done({ events: events.map(eventFields), next_before: next });
  return file(form, events, next === null ? [] : ['link', `<${nextPage(call.query, next)}>; rel="next"`]);
}

function file(form: 'ndjson' | 'csv', events: readonly AuditRow[], headers: readonly string[]): Export {
  const lines =
    form === 'csv' ? [csvHead, ...events.map(csvLine)] : events.map((row) => lineText({ kind: 'event', row }));
  const end = form === 'csv' ? '\r\n' : '\n';
  const name = `attachment; filename="audit.${form}"`;
  return {
    kind: 'export',
    contentType: form === 'csv' ? csvType : 'application/x-ndjson; charset=utf-8',
    text: lines.map((line) => `${line}${end}`).join(''),
    headers: ['content-disposition', name, ...headers],
  };
}

function nextPage(query: URLSearchParams, next: number): string {
  const more = new URLSearchParams(query);
  more.set('before', String(next));
  return `/api/auth/audit?${more.toString()}`;
}

/** Names as in the route's query; each at most once. */
export function readAuditQuery(query: URLSearchParams): Refusal | AuditQuery {
  const known = ['event', 'user', 'since', 'until', 'before', 'limit'];
  const wrong = (detail: string): Refusal => refuse('invalid_request', { detail });
  for (const name of known) if (query.getAll(name).length > 1) return wrong(`"${name}" came more than once.`);
  const [event = null, userText = null, sinceText = null, untilText = null, beforeText = null, limitText = null] =
    known.map((name) => query.get(name));
  if (event !== null && !Object.hasOwn(auditEvents, event)) return wrong('There is no event of that name.');
  const user = userText === null ? null : parseUsername(userText);
  if (user?.kind === 'malformed') return wrong('"user" is no user name.');
  const since = sinceText === null ? null : readTime(sinceText);
  const until = untilText === null ? null : readTime(untilText);
  if (since?.kind === 'malformed' || until?.kind === 'malformed')
    return wrong('"since" and "until" are times such as 2026-11-21T22:00:00Z.');
  if (beforeText !== null && !/^[1-9]\d{0,14}$/.test(beforeText)) return wrong('"before" is what "next_before" said.');
  if (limitText !== null && !/^[1-9]\d{0,3}$/.test(limitText)) return wrong(limitSentence);
  const limit = limitText === null ? null : Number(limitText);
  if (limit !== null && limit > mostListed) return wrong(limitSentence);
  return {
    kind: 'query',
    filter: { event, user: user?.username ?? null, since: since?.at ?? null, until: until?.at ?? null },
    before: beforeText === null ? null : Number(beforeText),
    limit,
  };
}

const limitSentence = '"limit" is a number from 1 to 1000.';
