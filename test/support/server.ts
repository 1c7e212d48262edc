/** Starts the real server as its own process, on free ports, with data in a temporary folder. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startBalancer } from './balancer.ts';
import { footing, forgetFooting, knownSettingsFor, settingsFor } from './footing.ts';
import { freePort } from './free-port.ts';

export interface RunningServer {
  /** As printed in the ready line. */
  readonly url: string;
  /** The console by its address: what programs use. */
  readonly console: string;
  readonly application: string;
  /** Empty when the server printed no setup link. */
  readonly setupCode: string;
  readonly data: string;
  readonly process: ChildProcess;
  /** Each by itself, where there are several; this one then stands for all of them. */
  readonly nodes: readonly RunningServer[];
  /** Everything on standard error so far. */
  readonly log: () => string;
  /** SIGKILL; resolves when it is gone. */
  readonly kill: () => Promise<void>;
  /** SIGTERM; the exit code. */
  readonly end: () => Promise<number | null>;
  /** Ends it and removes its data. */
  readonly remove: () => Promise<void>;
}

export interface StartOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly data?: string;
  readonly upstream?: string;
  /** Where the console and the application listen; without it on ports that are free now. */
  readonly listen?: string;
  readonly appListen?: string;
  /** Known to be set up: nobody waits for a setup link that will not come. */
  readonly standing?: 'set-up';
  /** A command that the server is started by, and that becomes it: `prlimit --nofile=256`, `faketime +2h`. */
  readonly through?: readonly string[];
  /** What is started instead of the source, and where. */
  readonly entry?: string;
  readonly cwd?: string;
}

/** Far beyond what is promised (5 s): the machine may be busy with other tests. */
const readyMs = 60_000;

export const entry = fileURLToPath(new URL('../../src/cli/sallyport.ts', import.meta.url));

/** One server, or as many as the suite stands on (`footing.ts`). */
export async function startServer(options: StartOptions = {}): Promise<RunningServer> {
  const data = options.data ?? (await temporaryFolder());
  const env = { ...(await settingsFor(data)), ...options.env };
  const balanced = footing() === 'nodes' && options.listen === undefined && options.entry === undefined;
  return balanced ? startNodes({ ...options, data, env }) : startOne({ ...options, data, env });
}

/**
 * Two nodes with folders of their own and one root key, on the same port of two addresses, so that both are known by the
 * names that the balancer has.
 */
async function startNodes(options: StartOptions & { readonly data: string }): Promise<RunningServer> {
  const [port, appPort] = [await freePort(), await freePort()];
  const hosts = ['127.0.0.11', '127.0.0.12'];
  const shared = { ...options.env, SALLYPORT_ROOT_KEY_FILE: join(options.data, 'root.key') };
  const starts = await Promise.allSettled(
    hosts.map((host, at) =>
      startOne({
        ...options,
        data: at === 0 ? options.data : `${options.data}-second`,
        listen: `${host}:${port}`,
        appListen: `${host}:${appPort}`,
        env: shared,
      }),
    ),
  );
  const nodes = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
  const failed = starts.find((start) => start.status === 'rejected');
  if (failed !== undefined) {
    await Promise.all(nodes.map((each) => each.end()));
    throw failed.reason;
  }
  const balancers = [
    await startBalancer(
      port,
      hosts.map((host) => ({ host, port })),
    ),
  ];
  if (options.upstream !== undefined)
    balancers.push(
      await startBalancer(
        appPort,
        hosts.map((host) => ({ host, port: appPort })),
      ),
    );
  const [first] = nodes;
  if (first === undefined) throw new Error('There are no nodes.');
  const end = async (): Promise<number | null> => {
    await Promise.all(balancers.map((each) => each.close()));
    const codes = await Promise.all(nodes.map((each) => each.end()));
    return codes.find((code) => code !== 0) ?? 0;
  };
  return {
    ...first,
    application: first.application.replace(hosts[0] ?? '', '127.0.0.1'),
    nodes: nodes.map((node, at) => ({ ...node, console: `http://${hosts[at]}:${port}` })),
    kill: async () => {
      await Promise.all(balancers.map((each) => each.close()));
      await Promise.all(nodes.map((each) => each.kill()));
    },
    log: () => nodes.map((each) => each.log()).join(''),
    end,
    remove: async () => {
      await end();
      for (const each of nodes) await rm(each.data, { recursive: true, force: true });
      await forgetFooting(options.data);
    },
  };
}

async function startOne(options: StartOptions & { readonly data: string }): Promise<RunningServer> {
  const { data } = options;
  const flags = [
    '--data',
    data,
    '--listen',
    options.listen ?? '127.0.0.1:0',
    '--app-listen',
    options.appListen ?? '127.0.0.1:0',
    ...(options.upstream === undefined ? [] : ['--upstream', options.upstream]),
  ];
  const { through = [] } = options;
  const [command, ...before] = [...through, process.execPath];
  const child = spawn(
    command ?? process.execPath,
    [...before, options.entry ?? entry, 'serve', ...flags, ...(options.args ?? [])],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: options.cwd ?? process.cwd(),
      env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...options.env },
    },
  );
  let errors = '';
  child.stderr.setEncoding('utf8');
  child.stderr.on('data', (part: string) => {
    errors += part;
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const lines = new Map<string, string>();
  const wanted = (): boolean =>
    lines.has('sallyport ready on') &&
    (options.upstream === undefined ||
      options.args?.includes('--shared-origin') === true ||
      lines.has('application on'));
  const reader = createInterface({ input: child.stdout });
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      // Left alive it would keep the test's process from ending, and the failure from being told.
      child.kill('SIGKILL');
      reject(new Error(`The server was not ready in time: ${errors}`));
    }, readyMs);
    void exited.then((code) => {
      clearTimeout(timer);
      reject(new Error(`The server ended with ${code}: ${errors}`));
    });
    let settling: NodeJS.Timeout | undefined;
    reader.on('line', (line) => {
      const match = /^(sallyport ready on|application on|setup link:) (\S+)$/.exec(line);
      if (match?.[1] !== undefined && match[2] !== undefined) lines.set(match[1], match[2]);
      if (!wanted()) return;
      // The setup link, when there is one, follows at once; a server that is set up prints none.
      clearTimeout(settling);
      settling = setTimeout(
        () => {
          clearTimeout(timer);
          resolve();
        },
        lines.has('setup link:') || options.standing === 'set-up' ? 0 : options.data === undefined ? 10_000 : 1000,
      );
    });
  });
  const url = lines.get('sallyport ready on') ?? '';
  const end = async (): Promise<number | null> => {
    child.kill('SIGTERM');
    return exited;
  };
  return {
    url,
    console: url.replace(/localhost|127\.0\.0\.\d+/, '127.0.0.1'),
    application: lines.get('application on') ?? '',
    setupCode: decodeURIComponent((lines.get('setup link:') ?? '').split('#code=')[1] ?? ''),
    data,
    process: child,
    nodes: [],
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
    log: () => errors,
    end,
    remove: async () => {
      await end();
      await rm(data, { recursive: true, force: true });
      await forgetFooting(data);
    },
  };
}

export function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'sallyport-test-'));
}

/** A command that is expected to end by itself. */
export async function runCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  input = '',
): Promise<{ code: number | null; out: string; err: string }> {
  const data = args[args.indexOf('--data') + 1];
  const child = spawn(process.execPath, [entry, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'] ?? '',
      ...(data === undefined || !args.includes('--data') ? {} : await knownSettingsFor(data)),
      ...env,
    },
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const read = async (stream: NodeJS.ReadableStream): Promise<string> => {
    let text = '';
    for await (const part of stream) text += String(part);
    return text;
  };
  const code = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const [out, err] = await Promise.all([read(child.stdout), read(child.stderr)]);
  return { code: await code, out, err };
}
