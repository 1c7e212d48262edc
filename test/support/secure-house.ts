/** A running server that speaks TLS, the pairs that it is given, and what clients see of them. */
import { execFile } from 'node:child_process';
import { copyFileSync, readFileSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import type { ConnectionOptions } from 'node:tls';
import { promisify } from 'node:util';
import { type Authority, makeAuthority } from './certificates.ts';
import { type Got, send, trustFromNowOn } from './client.ts';
import { need } from './debian.ts';
import { type RunningServer, type StartOptions, startServer, temporaryFolder } from './server.ts';
import { everything, secured } from './tls-door.ts';

export interface PairOnDisk {
  readonly cert: string;
  readonly key: string;
}

export interface Workshop {
  readonly folder: string;
  readonly authority: Authority;
  readonly path: (name: string) => string;
  /** A pair for 127.0.0.1 and `localhost`, and for those names besides. */
  readonly pair: (name: string, kind?: 'ec' | 'rsa', others?: string) => PairOnDisk;
  readonly remove: () => void;
}

/** An authority that this file's clients trust, in a folder without a link on the way. */
export async function openWorkshop(): Promise<Workshop> {
  const folder = realpathSync(await temporaryFolder());
  const authority = await makeAuthority(folder, 'authority');
  trustFromNowOn(readFileSync(authority.ca, 'utf8'));
  return {
    folder,
    authority,
    path: (name) => join(folder, name),
    pair: (name, kind = 'ec', others = '') =>
      authority.issue(name, `IP:127.0.0.1,DNS:localhost${others === '' ? '' : `,${others}`}`, 1, kind),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Each file is the old one or the new one at any moment, as whoever renews it sees to it. */
export function layPair(from: PairOnDisk, to: PairOnDisk): void {
  for (const part of ['key', 'cert'] as const) {
    copyFileSync(from[part], `${to[part]}.new`);
    renameSync(`${to[part]}.new`, to[part]);
  }
}

export function serialOf(pair: PairOnDisk): string {
  return new X509Certificate(readFileSync(pair.cert)).serialNumber;
}

export interface SecureHouse extends RunningServer {
  readonly port: number;
  readonly applicationPort: number;
}

/** `console` is at 127.0.0.1 whatever is printed: the name that is printed may be another machine's for this one. */
export async function startSecure(options: StartOptions & { readonly pair?: PairOnDisk } = {}): Promise<SecureHouse> {
  const { pair, args = [], ...others } = options;
  const named = pair === undefined ? [] : ['--tls-cert', pair.cert, '--tls-key', pair.key];
  const server = await startServer({ listen: '127.0.0.1:0', ...others, args: [...args, ...named] });
  return atLoopback(server);
}

function atLoopback(server: RunningServer): SecureHouse {
  const near = (url: string): URL => {
    const at = new URL(url);
    at.hostname = '127.0.0.1';
    return at;
  };
  const console = near(server.url);
  const application = server.application === '' ? undefined : near(server.application);
  return {
    ...server,
    console: console.origin,
    application: application?.origin ?? '',
    port: Number(console.port),
    applicationPort: Number(application?.port ?? 0),
  };
}

/** The serial number of the certificate that a new client meets, whoever vouches for it. */
export async function serialAt(port: number, options: ConnectionOptions = {}): Promise<string> {
  const socket = await secured({ port }, { rejectUnauthorized: false, ...options });
  const serial = socket.getPeerX509Certificate()?.serialNumber ?? '';
  socket.destroy();
  return serial;
}

/** Sends those lines after a handshake of that kind; everything that comes back. */
export async function saidOver(port: number, options: ConnectionOptions, lines: readonly string[]): Promise<string> {
  const socket = await secured({ port }, { rejectUnauthorized: false, ...options });
  const answer = everything(socket);
  socket.write([...lines, 'Connection: close', '', ''].join('\r\n'));
  return answer;
}

/** Looks again and again at what the server says; fails with what it said last. */
export async function until(ask: () => Promise<boolean>, what: string, ms = 10_000): Promise<void> {
  for (const began = performance.now(); !(await ask()); await new Promise((resolve) => setTimeout(resolve, 20)))
    if (performance.now() - began > ms) throw new Error(`It did not come to this: ${what}`);
}

/** SIGHUP, and what is served next is that pair. */
export async function renewed(house: SecureHouse, pair: PairOnDisk): Promise<void> {
  house.process.kill('SIGHUP');
  await until(async () => (await serialAt(house.port)) === serialOf(pair), 'the renewed certificate is served');
}

export function tlsStatus(house: Pick<RunningServer, 'console'>, token: string): Promise<Got> {
  return send(`${house.console}/api/ssl/status`, { headers: { authorization: `Bearer ${token}` } });
}

const run = promisify(execFile);

/** The lowest port that it listens on, where it prints another: that of a URL in front of it. */
export async function portOf({ process: { pid } }: Pick<RunningServer, 'process'>): Promise<number> {
  const { stdout } = await run(await need('ss', 'iproute2'), ['-Hltnp']);
  const lines = stdout.split('\n').filter((line) => line.includes(`pid=${pid},`));
  const ports = lines.map((line) => Number(/:(\d+) /.exec(line)?.[1]));
  if (ports.length === 0) throw new Error(`It listens nowhere: ${stdout}`);
  return Math.min(...ports);
}
