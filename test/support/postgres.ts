/**
 * A PostgreSQL server of the test's own: Debian's, in a temporary folder, on loopback. As root it runs as the user that the
 * package brings, since it refuses to be root.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import {
  chownSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import { need } from './debian.ts';
import { freePort } from './free-port.ts';

export interface TestPostgres {
  readonly port: number;
  readonly folder: string;
  /** A new empty database of a role that is nothing else: no superuser, and may make no databases. */
  createDatabase(): Promise<TestDatabase>;
  /** As superuser, in that database. */
  sql(text: string, database?: string): Promise<readonly Record<string, unknown>[]>;
  /** `immediate`: as a crash. */
  stop(mode: 'fast' | 'immediate'): Promise<void>;
  start(): Promise<void>;
  /** Its processes stand still, and hold their connections. */
  suspend(): void;
  resume(): void;
  remove(): Promise<void>;
}

export interface TestDatabase {
  readonly name: string;
  readonly url: string;
  /** The parts of the URL. */
  readonly place: { host: string; port: number; user: string; password: string; database: string };
  drop(): Promise<void>;
}

export interface PostgresOptions {
  /** PEM files; then nothing is spoken without TLS. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly clientCa?: string };
}

const password = 'test-only-password';
const admin = 'postgres';

async function binaries(): Promise<string> {
  const found = newest();
  if (found !== undefined) return found;
  await need('/usr/share/doc/postgresql/copyright', 'postgresql');
  const installed = newest();
  if (installed === undefined) throw new Error('The package postgresql brought no server.');
  return installed;
}

function newest(): string | undefined {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : [];
  return versions.map((version) => join(root, version, 'bin')).find((folder) => existsSync(join(folder, 'postgres')));
}

/** Root must become somebody; anybody else stays who he is. */
function owner(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string): number => Number(execFileSync('id', [flag, admin], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

export async function startPostgres(options: PostgresOptions = {}): Promise<TestPostgres> {
  const bin = await binaries();
  const user = owner();
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-pg-'));
  const data = join(folder, 'data');
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, password);
  const copies = options.tls === undefined ? [] : (['cert', 'key'] as const);
  for (const name of copies)
    writeFileSync(join(folder, `${name}.pem`), readFileSync(options.tls?.[name] ?? ''), { mode: 0o600 });
  if (user !== undefined)
    for (const each of [folder, passwordFile, ...copies.map((name) => join(folder, `${name}.pem`))])
      chownSync(each, user.uid, user.gid);
  const as = { ...user, cwd: folder, stdio: 'ignore' } as const;
  execFileSync(
    join(bin, 'initdb'),
    [
      '-D',
      data,
      '-U',
      admin,
      '-A',
      'scram-sha-256',
      `--pwfile=${passwordFile}`,
      '--no-sync',
      '-E',
      'UTF8',
      '--locale=C',
    ],
    as,
  );
  const hosts = options.tls === undefined ? 'host' : 'hostssl';
  const proof = options.tls?.clientCa === undefined ? 'scram-sha-256' : 'scram-sha-256 clientcert=verify-ca';
  writeFileSync(join(data, 'pg_hba.conf'), `local all all scram-sha-256\n${hosts} all all 127.0.0.1/32 ${proof}\n`);
  const port = await freePort();
  const settings: Record<string, string | number> = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: folder,
    max_connections: 200,
    shared_buffers: '32MB',
    log_min_messages: 'warning',
    ...(options.tls === undefined
      ? {}
      : { ssl: 'on', ssl_cert_file: join(folder, 'cert.pem'), ssl_key_file: join(folder, 'key.pem') }),
    ...(options.tls?.clientCa === undefined ? {} : { ssl_ca_file: options.tls.clientCa }),
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  let child: ChildProcess | undefined;
  const said = (): string => readFileSync(join(folder, 'log'), 'utf8');

  const connectAsAdmin = async (database: string): Promise<Client> => {
    const client = new Client({ host: folder, port, user: admin, password, database });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };

  const start = async (): Promise<void> => {
    const log = openSync(join(folder, 'log'), 'a');
    const started = spawn(join(bin, 'postgres'), ['-D', data, ...flags], { ...as, stdio: ['ignore', log, log] });
    closeSync(log);
    // A test that has ended waits for nothing; what it leaves is taken away then.
    started.unref();
    child = started;
    for (let tried = 0; tried < 600; tried += 1) {
      if (started.exitCode !== null) throw new Error(`PostgreSQL ended: ${said()}`);
      try {
        await (await connectAsAdmin(admin)).end();
        return;
      } catch {
        await pause(50);
      }
    }
    throw new Error(`PostgreSQL was not ready in time: ${said()}`);
  };

  const stop = async (mode: 'fast' | 'immediate'): Promise<void> => {
    const running = child;
    if (running === undefined || running.exitCode !== null) return;
    const ended = new Promise((resolve) => running.once('exit', resolve));
    running.ref();
    running.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
    await ended;
  };

  const family = (): readonly number[] => {
    const pid = child?.pid ?? 0;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
    return [pid, ...children.map(Number)];
  };

  // Whoever forgets it, or ends by a fault, leaves nothing behind.
  const leave = (): void => {
    child?.kill('SIGQUIT');
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  };
  process.once('exit', leave);

  let made = 0;
  await start();
  return {
    port,
    folder,
    sql: async (text, database = admin) => {
      const client = await connectAsAdmin(database);
      try {
        return (await client.query<Record<string, unknown>>(text)).rows;
      } finally {
        await client.end();
      }
    },
    createDatabase: async () => {
      const name = `test_${process.pid}_${(made += 1)}`;
      const client = await connectAsAdmin(admin);
      try {
        await client.query(`CREATE ROLE ${name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '${password}'`);
        await client.query(`CREATE DATABASE ${name} OWNER ${name}`);
      } finally {
        await client.end();
      }
      return {
        name,
        url: `postgres://${name}:${password}@127.0.0.1:${port}/${name}`,
        place: { host: '127.0.0.1', port, user: name, password, database: name },
        drop: async () => {
          const dropping = await connectAsAdmin(admin);
          await dropping.query(`DROP DATABASE ${name} WITH (FORCE)`);
          await dropping.query(`DROP ROLE ${name}`);
          await dropping.end();
        },
      };
    },
    stop,
    start,
    suspend: () => family().forEach((pid) => process.kill(pid, 'SIGSTOP')),
    resume: () => family().forEach((pid) => process.kill(pid, 'SIGCONT')),
    remove: async () => {
      await stop('immediate');
      process.off('exit', leave);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

let shared: Promise<TestPostgres> | undefined;

/** One for all tests of a process. */
export function sharedPostgres(): Promise<TestPostgres> {
  shared ??= startPostgres();
  return shared;
}
