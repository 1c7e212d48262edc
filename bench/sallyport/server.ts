/**
 * The real Sallyport server as a process, and the people in it: its first admin, a session on the console and one on the
 * application, further users. Nothing here reaches into the server; what has no API yet is done while it is down.
 */

import { randomBytes } from 'node:crypto';
import { spawn, type ChildProcess } from 'node:child_process';
import { request } from 'node:http';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { cpuMs, endWithRunner, stop } from '../measure/child.ts';
import { pinned } from '../measure/cores.ts';

export const USER = 'alice';

const CLI = fileURLToPath(new URL('../../src/cli/sallyport.ts', import.meta.url));
const START_MS = 30_000;

export interface Account {
  readonly username: string;
  readonly password: string;
}

export interface SallyportServer {
  readonly port: number;
  /** Port of the protected application; null without an upstream. */
  readonly applicationPort: number | null;
  /** First admin. */
  readonly admin: Account;
  readonly pid: number | undefined;
  readonly cpuMs: () => number | null;
  readonly stop: () => Promise<void>;
}

export interface Starting {
  /** Core it may use; null: all. */
  readonly core: number | null;
  /** Data folder; with an admin in it already when `admin` is given. */
  readonly data: string;
  readonly admin?: Account;
  readonly upstream?: string;
  /** Further settings, as environment names and values. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** The server as an operator starts it, but for its folder, free ports and a known setup code; with its first admin. */
export async function startSallyport(starting: Starting): Promise<SallyportServer> {
  const setupCode = randomBytes(16).toString('hex');
  const { child, port, applicationPort } = await serve(starting, setupCode);
  const admin = starting.admin ?? { username: USER, password: newPassword() };
  if (starting.admin === undefined) await post(port, '/api/auth/setup', { setup_code: setupCode, ...admin });
  return { port, applicationPort, admin, pid: child.pid, cpuMs: () => cpuMs(child), stop: () => stop(child) };
}

/** Signs the admin in with cookies as the page does; gives the Cookie header. */
export async function sessionOf({ port, admin }: Pick<SallyportServer, 'port' | 'admin'>): Promise<string> {
  const prepared = await post(port, '/api/auth/login/prepare', {});
  const { login_token } = (await prepared.json()) as { login_token: string };
  const answer = await post(
    port,
    '/api/auth/login',
    { ...admin, login_token },
    cookies(prepared.headers.getSetCookie()),
  );
  // The session's cookie alone, as a protected host gets it; the floors and the peer have one cookie to read, too.
  return only(cookies(answer.headers.getSetCookie()), /-account=/);
}

/** Signs the admin in as a program does; gives the token. */
export async function bearerOf({ port, admin }: Pick<SallyportServer, 'port' | 'admin'>): Promise<string> {
  const { token } = (await (await post(port, '/api/auth/login', admin)).json()) as { token: string };
  return token;
}

/** Signs the admin in as clients of Proxmox do; gives the Cookie header that they send. */
export async function ticketOf({ port, admin }: Pick<SallyportServer, 'port' | 'admin'>): Promise<string> {
  const answer = await post(port, '/api2/json/access/ticket', admin);
  const { data } = (await answer.json()) as { data: { ticket: string } };
  return `SPAuthCookie=${data.ticket}`;
}

/** From that session to one on the application behind the built-in proxy, by the hand-over; gives the Cookie header. */
export async function applicationSessionOf(server: SallyportServer): Promise<string> {
  const cookie = await sessionOf(server);
  const application = `http://127.0.0.1:${server.applicationPort}`;
  const signIn = `http://localhost:${server.port}/auth/sign-in?return_to=${encodeURIComponent(`${application}/`)}`;
  const sent = await get(signIn, { cookie, host: `localhost:${server.port}` });
  const back = await get(sent.headers.location ?? '', {});
  return only(cookies(back.headers['set-cookie'] ?? []), /-app=/);
}

export function newPassword(): string {
  return randomBytes(18).toString('base64url');
}

interface Serving {
  readonly child: ChildProcess;
  readonly port: number;
  readonly applicationPort: number | null;
}

async function serve({ core, data, upstream, settings }: Starting, setupCode: string): Promise<Serving> {
  const [command, args] = pinned(core, process.execPath, [CLI, 'serve']);
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('SALLYPORT_'));
  const proxying = upstream === undefined ? {} : { SALLYPORT_UPSTREAM: upstream, SALLYPORT_APP_LISTEN: '127.0.0.1:0' };
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...Object.fromEntries(inherited),
      NODE_ENV: 'production',
      SALLYPORT_DATA: data,
      SALLYPORT_LISTEN: '127.0.0.1:0',
      SALLYPORT_SETUP_CODE: setupCode,
      ...proxying,
      ...settings,
    },
  });
  endWithRunner(child);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4000)));
  const lines = createInterface({ input: child.stdout });
  const ports = new Map<string, number>();
  const ready = new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => {
      const [, what, port] = /^(sallyport ready|application) on http:\/\/[^:]+:(\d+)$/.exec(line) ?? [];
      if (what !== undefined) ports.set(what, Number(port));
      if (ports.has('sallyport ready') && (upstream === undefined || ports.has('application'))) resolve();
    });
    child.once('exit', () => reject(new Error(`the server did not start:\n${said}`)));
    setTimeout(() => reject(new Error(`the server was not ready in time:\n${said}`)), START_MS).unref();
  });
  await ready;
  return { child, port: ports.get('sallyport ready') ?? 0, applicationPort: ports.get('application') ?? null };
}

async function post(port: number, path: string, body: object, cookie = ''): Promise<Response> {
  const base = `http://127.0.0.1:${port}`;
  const headers = { 'content-type': 'application/json', origin: base, cookie };
  const answer = await fetch(base + path, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
  return answer;
}

/** Without the headers by which `fetch` says that it is a script in a page; redirects are not followed. */
async function get(url: string, headers: Readonly<Record<string, string>>): Promise<IncomingMessage> {
  const { port, pathname, search } = new URL(url);
  const sent = request({ host: '127.0.0.1', port, path: pathname + search, headers, agent: false }).end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  answer.resume();
  if (answer.statusCode !== 302) throw new Error(`${pathname} answered ${answer.statusCode}, not a redirect`);
  return answer;
}

/** Cookies an answer sets, as the header that brings them back; expired ones are not kept. */
function cookies(lines: readonly string[]): string {
  const kept = lines.filter((line) => !/; Max-Age=0(;|$)/i.test(line));
  return kept.map((line) => line.slice(0, line.indexOf(';'))).join('; ');
}

function only(header: string, name: RegExp): string {
  const found = header.split('; ').find((cookie) => name.test(cookie));
  if (found === undefined) throw new Error(`there is no ${name.source} among the cookies that were set`);
  return found;
}
