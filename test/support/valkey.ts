/** A Redis or Valkey server of the test's own: Debian's, in a temporary folder, on loopback, with nothing on disk. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { need } from './debian.ts';
import { freePort } from './free-port.ts';

export interface TestValkey {
  readonly port: number;
  readonly url: string;
  readonly command: (name: string, ...given: readonly (string | number)[]) => Promise<unknown>;
  stop(): Promise<void>;
  /** Empty again. */
  start(): Promise<void>;
  suspend(): void;
  resume(): void;
  remove(): Promise<void>;
}

export interface ValkeyOptions {
  readonly password?: string;
  /** Further lines of its configuration, as flags. */
  readonly flags?: readonly string[];
  /** Runs as a sentinel with these lines. */
  readonly sentinel?: readonly string[];
  /** PEM files; then nothing is spoken without TLS. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string };
}

export async function startValkey(options: ValkeyOptions = {}): Promise<TestValkey> {
  const server = await need('redis-server', 'redis-server');
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-valkey-'));
  const port = await freePort();
  const { password = '', tls } = options;
  const flags = [
    ...(tls === undefined
      ? ['--port', String(port)]
      : [
          '--port',
          '0',
          '--tls-port',
          String(port),
          '--tls-cert-file',
          tls.cert,
          '--tls-key-file',
          tls.key,
          '--tls-ca-cert-file',
          tls.ca,
          '--tls-auth-clients',
          'optional',
        ]),
    '--bind',
    '127.0.0.1',
    '--dir',
    folder,
    '--save',
    '',
    '--appendonly',
    'no',
    ...(password === '' ? [] : ['--requirepass', password]),
    ...(options.flags ?? []),
  ];
  const sentinelFile = options.sentinel === undefined ? undefined : join(folder, 'sentinel.conf');
  if (sentinelFile !== undefined)
    writeFileSync(
      sentinelFile,
      [`port ${port}`, 'bind 127.0.0.1', `dir ${folder}`, ...(options.sentinel ?? []), ''].join('\n'),
    );
  let child: ChildProcess | undefined;
  const said = (): string => readFileSync(join(folder, 'log'), 'utf8');
  const client = (): Redis => {
    const made = new Redis({
      host: '127.0.0.1',
      port,
      ...(password === '' ? {} : { password }),
      ...(tls === undefined ? {} : { tls: { rejectUnauthorized: false } }),
      lazyConnect: true,
      retryStrategy: () => null,
    });
    made.on('error', () => undefined);
    return made;
  };
  const command: TestValkey['command'] = async (name, ...given) => {
    const asking = client();
    try {
      await asking.connect();
      return await asking.call(name, ...given);
    } finally {
      asking.disconnect();
    }
  };
  const start = async (): Promise<void> => {
    const log = openSync(join(folder, 'log'), 'a');
    const started = spawn(server, sentinelFile === undefined ? flags : [sentinelFile, '--sentinel'], {
      cwd: folder,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    // A test that has ended waits for nothing; what it leaves is taken away then.
    started.unref();
    child = started;
    for (let tried = 0; tried < 400; tried += 1) {
      if (started.exitCode !== null) throw new Error(`The server ended: ${said()}`);
      try {
        await command('PING');
        return;
      } catch {
        await pause(25);
      }
    }
    throw new Error(`The server was not ready in time: ${said()}`);
  };
  const stop = async (): Promise<void> => {
    const running = child;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const ended = new Promise((resolve) => running.once('exit', resolve));
    running.ref();
    running.kill('SIGKILL');
    await ended;
  };
  const leave = (): void => {
    child?.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', leave);
  await start();
  return {
    port,
    url: `${tls === undefined ? 'redis' : 'rediss'}://${password === '' ? '' : `:${password}@`}127.0.0.1:${port}`,
    command,
    stop,
    start,
    suspend: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    remove: async () => {
      await stop();
      process.off('exit', leave);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Three masters without replicas. */
export async function startCluster(): Promise<{ readonly url: string; readonly nodes: readonly TestValkey[] }> {
  const nodes = await Promise.all(
    [0, 1, 2].map(() => startValkey({ flags: ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000'] })),
  );
  const cli = await need('redis-cli', 'redis-tools');
  const places = nodes.map(({ port }) => `127.0.0.1:${port}`);
  execFileSync(cli, ['--cluster', 'create', ...places, '--cluster-yes'], { stdio: 'ignore' });
  for (const { command } of nodes)
    for (let tried = 0; !String(await command('CLUSTER', 'INFO')).includes('cluster_state:ok'); tried += 1) {
      if (tried > 200) throw new Error('The cluster was not ready in time.');
      await pause(50);
    }
  return { url: `redis+cluster://${places.join(',')}`, nodes };
}

/** A master, a replica, and three sentinels that watch them. */
export async function startSentinels(): Promise<{
  readonly url: string;
  readonly master: TestValkey;
  readonly servers: readonly TestValkey[];
}> {
  const master = await startValkey();
  const replica = await startValkey({ flags: ['--replicaof', '127.0.0.1', String(master.port)] });
  const watch = (at: number): Promise<TestValkey> =>
    startValkey({
      sentinel: [
        `sentinel monitor main 127.0.0.1 ${master.port} 2`,
        'sentinel down-after-milliseconds main 1000',
        'sentinel failover-timeout main 5000',
        `sentinel myid ${String(at).repeat(40)}`,
      ],
    });
  const sentinels = await Promise.all([1, 2, 3].map(watch));
  for (const { command } of sentinels)
    for (let tried = 0; ; tried += 1) {
      const about = JSON.stringify(await command('SENTINEL', 'master', 'main'));
      if (about.includes('"num-other-sentinels","2"') && about.includes('"num-slaves","1"')) break;
      if (tried > 400) throw new Error('The sentinels did not find each other in time.');
      await pause(50);
    }
  return {
    url: `redis+sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/main`,
    master,
    servers: [master, replica, ...sentinels],
  };
}
