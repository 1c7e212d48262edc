/** Starts the real server as its own process, on free ports, with data in a temporary folder. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

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
  /** Everything on standard error so far. */
  readonly log: () => string;
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

export async function startServer(options: StartOptions = {}): Promise<RunningServer> {
  const data = options.data ?? (await temporaryFolder());
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
    void exited.then((code) => reject(new Error(`The server ended with ${code}: ${errors}`)));
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
    console: url.replace('localhost', '127.0.0.1'),
    application: lines.get('application on') ?? '',
    setupCode: decodeURIComponent((lines.get('setup link:') ?? '').split('#code=')[1] ?? ''),
    data,
    process: child,
    log: () => errors,
    end,
    remove: async () => {
      await end();
      await rm(data, { recursive: true, force: true });
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
): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [entry, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', ...env },
  });
  const read = async (stream: NodeJS.ReadableStream): Promise<string> => {
    let text = '';
    for await (const part of stream) text += String(part);
    return text;
  };
  const code = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const [out, err] = await Promise.all([read(child.stdout), read(child.stderr)]);
  return { code: await code, out, err };
}
