/**
 * All that touches Sallyport: its first admin, a session cookie, the guard in process, the real server over HTTP. Started
 * as a process (`sallyport.ts guard|handle`) it is P1's contestant; `startSallyport` is P2's.
 */

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { spawn, type ChildProcess } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createSallyport, loadSettings, openSqliteStore, readPages } from '../src/index.ts';
import type { Incoming, Log, Origin, Sallyport } from '../src/index.ts';
import { cookieName } from '../src/request/cookie.ts';
import { cpuMs, endWithRunner, stop, type HttpContestant } from './measure/child.ts';
import { contest, type Operation } from './measure/contestant.ts';
import { pinned, type Cores } from './measure/cores.ts';

const USER = 'alice';
const PATH = '/api/auth/verify';
const CLI = fileURLToPath(new URL('../src/cli/sallyport.ts', import.meta.url));
const PAGES = fileURLToPath(new URL('../dist/console', import.meta.url));
const START_MS = 30_000;

interface Server {
  readonly child: ChildProcess;
  readonly port: number;
}

export async function startSallyport(cores: Cores): Promise<HttpContestant> {
  const data = temporaryFolder();
  const setupCode = randomBytes(16).toString('hex');
  const { child, port } = await serve(data, setupCode, cores.server);
  const cookie = await signUp(port, setupCode);
  return {
    target: { port, path: PATH, headers: { cookie }, expect: `remote-user\n${USER}\n` },
    cpuMs: () => cpuMs(child),
    stop: () => stop(child),
  };
}

/** The guard as an embedding application calls it, or the whole way from a request's values to an answer's. */
async function inProcess(what: string): Promise<Operation> {
  const data = temporaryFolder();
  const setupCode = randomBytes(16).toString('hex');
  // The real server makes the admin; the session is durable, so it is known here as well.
  const { child, port } = await serve(data, setupCode, null);
  const cookie = await signUp(port, setupCode);
  await stop(child);

  const { sallyport, stem, close } = await open(data);
  return { batch: what === 'handle' ? handling(sallyport, cookie) : guarding(sallyport, stem, cookie), close };
}

function guarding({ guard, memory, places }: Sallyport, stem: string, cookie: string): Operation['batch'] {
  const [ownOrigin] = places.console;
  const headers = { host: new URL(ownOrigin).host, cookie };
  // The kinds that `verify` accepts, in its order.
  const slots = ['app', 'account', 'admin'].map((kind) => ({
    sessionKind: kind,
    cookie: cookieName(stem, 'http', kind),
  }));
  const once = async (): Promise<void> => {
    const state = await memory.state();
    judge(
      await guard.admitToApplication({
        headers,
        method: 'GET',
        origin: null,
        ownOrigin,
        slots,
        state,
        openness: 'closed',
      }),
    );
  };
  return (count) => {
    for (let i = 0; i < count; i++) {
      const state = memory.state();
      // Memory must have its changes read now and then; that call waits, and the rest of the batch after it.
      if (state instanceof Promise) return again(once, count - i);
      const admission = guard.admitToApplication({
        headers,
        method: 'GET',
        origin: null,
        ownOrigin,
        slots,
        state,
        openness: 'closed',
      });
      if (admission instanceof Promise) return again(once, count - i);
      judge(admission);
    }
    return undefined;
  };
}

function judge(admission: Awaited<ReturnType<Sallyport['guard']['admitToApplication']>>): void {
  if (
    admission.kind !== 'admitted' ||
    admission.principal.kind !== 'user' ||
    admission.principal.user.row.username !== USER
  ) {
    throw new Error(`the guard did not admit ${USER}: ${JSON.stringify(admission)}`);
  }
}

function handling({ handle, places }: Sallyport, cookie: string): Operation['batch'] {
  const [origin] = places.console;
  const { host } = new URL(origin);
  const request: Incoming = {
    door: 'console',
    method: 'GET',
    target: PATH,
    headers: { host, cookie },
    rawHeaders: ['Host', host, 'Cookie', cookie],
    peer: '127.0.0.1',
    body: (async function* () {})(),
  };
  const check = (answer: Awaited<ReturnType<Sallyport['handle']>>): void => {
    if (answer.kind !== 'written' || answer.status !== 200) throw new Error(`not admitted: ${JSON.stringify(answer)}`);
  };
  const once = async (): Promise<void> => check(await handle({ ...request }));
  return (count) => {
    for (let i = 0; i < count; i++) {
      const answer = handle({ ...request });
      if (answer instanceof Promise) return again(once, count - i);
      check(answer);
    }
    return undefined;
  };
}

async function again(operation: () => Promise<void>, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await operation();
}

async function open(data: string): Promise<{ sallyport: Sallyport; stem: string; close: () => Promise<void> }> {
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
  return { sallyport, stem: settings.cookieName, close };
}

/** The server as an operator starts it, but for its folder, a free port and a known setup code. */
async function serve(data: string, setupCode: string, core: number | null): Promise<Server> {
  const [command, args] = pinned(core, process.execPath, [CLI, 'serve']);
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('SALLYPORT_'));
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...Object.fromEntries(inherited),
      NODE_ENV: 'production',
      SALLYPORT_DATA: data,
      SALLYPORT_LISTEN: '127.0.0.1:0',
      SALLYPORT_SETUP_CODE: setupCode,
    },
  });
  endWithRunner(child);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4000)));
  const lines = createInterface({ input: child.stdout });
  const ready = new Promise<number>((resolve, reject) => {
    lines.on('line', (line) => {
      const port = /^sallyport ready on http:\/\/[^:]+:(\d+)$/.exec(line)?.[1];
      if (port !== undefined) resolve(Number(port));
    });
    child.once('exit', () => reject(new Error(`the server did not start:\n${said}`)));
    setTimeout(() => reject(new Error(`the server was not ready in time:\n${said}`)), START_MS).unref();
  });
  return { child, port: await ready };
}

/** First admin as a program makes it, then a sign-in with cookies as the page does it; gives the Cookie header. */
async function signUp(port: number, setupCode: string): Promise<string> {
  const base = `http://127.0.0.1:${port}`;
  const post = async (path: string, body: object, cookie = ''): Promise<Response> => {
    const headers = { 'content-type': 'application/json', origin: base, cookie };
    const answer = await fetch(base + path, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
    return answer;
  };
  const account = { username: USER, password: randomBytes(18).toString('base64url') };
  await post('/api/auth/setup', { setup_code: setupCode, ...account });
  const prepared = await post('/api/auth/login/prepare', {});
  const { login_token } = (await prepared.json()) as { login_token: string };
  const answer = await post('/api/auth/login', { ...account, login_token }, cookies(prepared));
  // The session's cookie alone, as a protected host gets it; the floors and the peer have one cookie to read, too.
  const session = cookies(answer)
    .split('; ')
    .find((cookie) => /-account=/.test(cookie));
  if (session === undefined) throw new Error('signing in gave no session cookie');
  return session;
}

/** Cookies an answer sets, as the header that brings them back; expired ones are not kept. */
function cookies(answer: Response): string {
  const kept = answer.headers.getSetCookie().filter((line) => !/; Max-Age=0(;|$)/i.test(line));
  return kept.map((line) => line.slice(0, line.indexOf(';'))).join('; ');
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await contest(() => inProcess(process.argv[2] ?? ''));
