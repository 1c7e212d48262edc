/**
 * Sallyport in process, as the contestant of P1 and P3 (`in-process.ts guard|handle|ticket|token`): the guard alone, with a session,
 * a signed ticket or an API token, or the whole way from a request's values to an answer's. The server process and the people in it are in
 * `server.ts`.
 */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createSallyport, loadSettings, openSqliteStore, readPages } from '../../src/index.ts';
import type { Incoming, Log, Origin, Sallyport, Settings } from '../../src/index.ts';
import type { Client } from '../../src/request/address.ts';
import { cookieName } from '../../src/request/cookie.ts';
import type { HeaderMap } from '../../src/request/incoming.ts';
import type { Address, Scope } from '../../src/types.ts';
import { contest, type Operation } from '../measure/contestant.ts';
import { sessionOf, startSallyport, ticketOf, USER } from './server.ts';
import { temporaryFolder } from '../measure/temporary.ts';
import { SCOPE, tokenOf } from './token.ts';

const PATH = '/api/auth/verify';
/** What the application is asked for. */
const TARGET = '/projects/7?page=2';
const PAGES = fileURLToPath(new URL('../../dist/console', import.meta.url));

/** The guard as an embedding application calls it, or the whole way from a request's values to an answer's. */
async function inProcess(what: string): Promise<Operation> {
  const data = temporaryFolder();
  // The real server makes the admin; the session is durable, so it is known here as well.
  const server = await startSallyport({ core: null, data });
  const cookie = await (what === 'ticket' ? ticketOf(server) : sessionOf(server));
  await server.stop();

  const { sallyport, settings, close } = await open(data);
  return { batch: await operation(what, sallyport, settings, cookie), close };
}

async function operation(
  what: string,
  sallyport: Sallyport,
  { cookieName: stem, tokenPrefix }: Settings,
  cookie: string,
): Promise<Operation['batch']> {
  if (what === 'handle') return handling(sallyport, cookie);
  if (what === 'ticket') return guarding(sallyport, stem, byTicket(cookie, USER));
  if (what === 'guard')
    return guarding(
      sallyport,
      stem,
      bySession(() => cookie, USER),
    );
  const { authorization } = await tokenOf(sallyport.store, tokenPrefix, USER);
  return guarding(sallyport, stem, byToken(authorization, USER));
}

/** What is shown, what it is needed for, and whose it has to turn out to be. */
interface Showing {
  readonly headers: (host: string) => HeaderMap;
  readonly scopes: readonly Scope[];
  readonly kind: 'user' | 'ticket' | 'token';
  /** How the name of its owner begins. */
  readonly whose: string;
}

export function bySession(nextCookie: () => string, whose: string): Showing {
  return { headers: (host) => ({ host, cookie: nextCookie() }), scopes: [], kind: 'user', whose };
}

function byTicket(cookie: string, whose: string): Showing {
  return { headers: (host) => ({ host, cookie }), scopes: [], kind: 'ticket', whose };
}

export function byToken(authorization: string, whose: string): Showing {
  return { headers: (host) => ({ host, authorization }), scopes: [SCOPE], kind: 'token', whose };
}

/** One check after the other, of whatever is shown. */
export function guarding({ guard, memory, places }: Sallyport, stem: string, showing: Showing): Operation['batch'] {
  const { headers, scopes } = showing;
  const [ownOrigin] = places().console;
  const { host } = new URL(ownOrigin);
  // The kinds that `verify` accepts, in its order.
  const slots = ['app', 'account', 'admin'].map((kind) => ({
    sessionKind: kind,
    cookie: cookieName(stem, 'http', kind),
  }));
  const client = (): Client => ({ address: '127.0.0.1' as Address, via: 'direct' });
  const once = async (): Promise<void> => {
    const state = await memory.state();
    judge(
      await guard.admitToApplication({
        client,
        headers: headers(host),
        method: 'GET',
        target: TARGET,
        scopes,
        origin: null,
        ownOrigin,
        slots,
        state,
        openness: 'closed',
      }),
      showing,
    );
  };
  return (count) => {
    for (let i = 0; i < count; i++) {
      const state = memory.state();
      // Memory must have its changes read now and then; that call waits, and the rest of the batch after it.
      if (state instanceof Promise) return again(once, count - i);
      const admission = guard.admitToApplication({
        client,
        headers: headers(host),
        method: 'GET',
        target: TARGET,
        scopes,
        origin: null,
        ownOrigin,
        slots,
        state,
        openness: 'closed',
      });
      if (admission instanceof Promise) return waiting(admission, once, count - i, showing);
      judge(admission, showing);
    }
    return undefined;
  };
}

type Admission = Awaited<ReturnType<Sallyport['guard']['admitToApplication']>>;

function judge(admission: Admission, { kind, whose }: Showing): void {
  if (
    admission.kind !== 'admitted' ||
    admission.principal.kind !== kind ||
    !('user' in admission.principal) ||
    !admission.principal.user.row.username.startsWith(whose)
  ) {
    throw new Error(`the guard did not admit ${whose}: ${JSON.stringify(admission)}`);
  }
}

/** From the first call that waits on, each waits for the one before it. */
async function waiting(
  first: Promise<Admission>,
  once: () => Promise<void>,
  count: number,
  showing: Showing,
): Promise<void> {
  judge(await first, showing);
  await again(once, count - 1);
}

function handling({ handle, places }: Sallyport, cookie: string): Operation['batch'] {
  const [origin] = places().console;
  const { host } = new URL(origin);
  const request: Incoming = {
    door: 'console',
    method: 'GET',
    target: PATH,
    headers: { host, cookie },
    rawHeaders: ['Host', host, 'Cookie', cookie],
    peer: '127.0.0.1',
    transport: 'plain',
    body: (async function* () {})(),
  };
  const check = (answer: Awaited<ReturnType<Sallyport['handle']>>): void => {
    if (answer.kind !== 'written' || answer.status !== 200) throw new Error(`not admitted: ${JSON.stringify(answer)}`);
  };
  return oneByOne(() => handle({ ...request }), check);
}

/** The same over and over. What answers at once is not waited for; from the first that does not, each waits for the one before it. */
export function oneByOne<T>(ask: () => T | Promise<T>, check: (answer: T) => void): Operation['batch'] {
  const once = async (): Promise<void> => check(await ask());
  const rest = async (first: Promise<T>, more: number): Promise<void> => {
    check(await first);
    await again(once, more);
  };
  return (count) => {
    for (let i = 0; i < count; i++) {
      const answer = ask();
      if (answer instanceof Promise) return rest(answer, count - i - 1);
      check(answer);
    }
    return undefined;
  };
}

async function again(operation: () => Promise<void>, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await operation();
}

export interface Opened {
  readonly sallyport: Sallyport;
  readonly settings: Settings;
  readonly closeStore: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** The product over a data folder that is there, without a server. */
export async function open(data: string): Promise<Opened> {
  const loaded = loadSettings({ argv: [], env: { SALLYPORT_DATA: data }, readFile: () => ({ kind: 'missing' }) });
  if (loaded.kind === 'refused') throw new Error(JSON.stringify(loaded.problems));
  const { settings } = loaded;
  const pages = readPages(PAGES);
  if (pages.kind === 'missing') throw new Error('the pages are not built: npm run build');
  const opened = await openSqliteStore({ path: join(data, 'sallyport.db'), ownerPath: join(data, 'owner.lock') });
  if (opened.kind !== 'opened') throw new Error(opened.detail);
  const { store } = opened;
  const silent = (): void => {};
  const log: Log = { info: silent, warn: silent, error: (fields, message) => console.error(message, fields) };
  const places = { console: ['http://localhost:8420' as Origin] as const, application: [], protectedHosts: [] };
  const created = await createSallyport({ settings, store, places, pages: pages.pages, version: '0.0.0', log });
  if (created.kind === 'refused') throw new Error(created.why);
  const { sallyport } = created;
  const close = async (): Promise<void> => {
    await sallyport.close();
    await store.close();
  };
  return { sallyport, settings, closeStore: () => store.close(), close };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await contest(() => inProcess(process.argv[2] ?? ''));
