/**
 * Where `sallyport audit` reads from: the running server, through the control socket, or the store itself when none runs.
 * An exported file is read line by line.
 */
import { open } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import type { Settings } from '../config/schema.ts';
import { auditLog, type AuditSource } from '../record/audit-log.ts';
import { type AuditLine, readLine } from '../record/audit-lines.ts';
import type { AuditFilter } from '../store/rows.ts';
import { controlSocket, lastHeader } from './control.ts';
import type { ExitCode } from './exit-codes.ts';
import { openStoppedStore } from './stopped-store.ts';

export interface Unreadable {
  readonly kind: 'unreadable';
  readonly code: ExitCode;
  readonly why: string;
}

export interface OpenSource {
  readonly kind: 'open';
  readonly source: AuditSource;
  close(): Promise<void>;
}

const unreadableAnswer = 'the server answered what this version cannot read.';

/** What went wrong between here and the server; one line for the operator. */
export class SourceFault extends Error {
  override readonly name = 'SourceFault';
}

export async function openAuditSource(settings: Settings): Promise<Unreadable | OpenSource> {
  const socketPath = join(settings.data, controlSocket);
  const greeting = await ask(socketPath, 'POST', '/audit/head');
  if (greeting.kind === 'answered')
    return { kind: 'open', source: ofServer(socketPath), close: () => Promise.resolve() };
  return openStore(settings);
}

async function openStore(settings: Settings): Promise<Unreadable | OpenSource> {
  const opened = await openStoppedStore(settings);
  if (opened.kind === 'unreadable') return opened;
  const { store, keyring } = opened;
  return {
    kind: 'open',
    source: auditLog(store, () => keyring.refresh().then(() => keyring.auditKeys())),
    close: () => store.close(),
  };
}

function ofServer(socketPath: string): AuditSource {
  const lines = async (
    method: string,
    path: string,
  ): Promise<{ readonly lines: readonly AuditLine[]; readonly last: number }> => {
    const answer = await ask(socketPath, method, path);
    if (answer.kind === 'not-running') throw new SourceFault('the server ended meanwhile.');
    if (answer.status !== 200) throw new SourceFault(`the server refused (${answer.status}): ${detailOf(answer.body)}`);
    const read = answer.body
      .split('\n')
      .filter((text) => text !== '')
      .map((text) => {
        const form = readLine(text);
        if (form.kind === 'unreadable') throw new SourceFault(unreadableAnswer);
        return form.line;
      });
    return { lines: read, last: answer.last };
  };
  return {
    heads: async () => {
      const heads = (await lines('POST', '/audit/head')).lines;
      return heads.map((head) => {
        if (head.kind !== 'head') throw new SourceFault(unreadableAnswer);
        return head;
      });
    },
    page: async (chain, after, upTo) => {
      const part = await lines('GET', `/audit/lines?chain=${encodeURIComponent(chain)}&after=${after}&up_to=${upTo}`);
      if (!(part.last > after)) throw new SourceFault(unreadableAnswer);
      return part;
    },
    newest: async (filter, before, limit) => {
      const { lines: part } = await lines('GET', `/audit/events?${queryOf(filter, before, limit).toString()}`);
      const events = part.flatMap((line) => (line.kind === 'event' ? [line.row] : []));
      return { events, next: events.length === limit ? (events.at(-1)?.place ?? null) : null };
    },
  };
}

function queryOf(filter: AuditFilter, before: number | null, limit: number): URLSearchParams {
  const query = new URLSearchParams({ limit: String(limit) });
  if (before !== null) query.set('before', String(before));
  if (filter.event !== null) query.set('event', filter.event);
  if (filter.user !== null) query.set('user', filter.user);
  if (filter.since !== null) query.set('since', new Date(filter.since).toISOString());
  if (filter.until !== null) query.set('until', new Date(filter.until).toISOString());
  return query;
}

function detailOf(body: string): string {
  try {
    const { detail } = JSON.parse(body) as { readonly detail?: unknown };
    return String(detail);
  } catch {
    return 'no reason given.';
  }
}

type Answered =
  | { readonly kind: 'not-running' }
  | { readonly kind: 'answered'; readonly status: number; readonly body: string; readonly last: number };

function ask(socketPath: string, method: string, path: string): Promise<Answered> {
  return new Promise((resolve) => {
    const asking = request({ socketPath, path, method, headers: { host: 'control' }, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        body += part;
      });
      response.on('error', () => resolve({ kind: 'not-running' }));
      const last = Number(response.headers[lastHeader]);
      response.on('end', () => resolve({ kind: 'answered', status: response.statusCode ?? 0, body, last }));
    });
    asking.on('error', () => resolve({ kind: 'not-running' }));
    asking.end();
  });
}

/** Lines of an exported file, with the number of each in the file, from 1. */
export async function* fileLines(
  path: string,
): AsyncGenerator<{ readonly at: number; readonly line: AuditLine | 'unreadable' }, void, undefined> {
  let at = 0;
  const file = await open(path);
  for await (const text of file.readLines()) {
    at += 1;
    const read = readLine(text);
    yield { at, line: read.kind === 'line' ? read.line : 'unreadable' };
  }
}
