/** A real application without a sign-in of its own: Debian's Prometheus, with its web pages and API. */
import { spawn } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { send } from './client.ts';
import { need } from './debian.ts';
import { temporaryFolder } from './server.ts';
import { freePort } from './free-port.ts';

export interface Prometheus {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** A free port can be taken by somebody else before Prometheus has it. */
const tries = 3;

/** Scrapes nothing. */
const idle = 'global:\n  scrape_interval: 1h\n';

/** `configuration`: YAML, as in its manual. */
export async function startPrometheus(configuration = idle): Promise<Prometheus> {
  const command = await need('prometheus', 'prometheus');
  let said = '';
  for (let attempt = 0; attempt < tries; attempt += 1) {
    const started = await start(command, await freePort(), configuration);
    if (started.kind === 'started') return started.prometheus;
    said = started.said;
  }
  throw new Error(`Prometheus did not start: ${said}`);
}

type Start =
  | { readonly kind: 'ended'; readonly said: string }
  | { readonly kind: 'started'; readonly prometheus: Prometheus };

async function start(command: string, port: number, configuration: string): Promise<Start> {
  const folder = await temporaryFolder();
  const config = join(folder, 'prometheus.yml');
  await writeFile(config, configuration);
  const child = spawn(
    command,
    [
      `--web.listen-address=127.0.0.1:${port}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--config.file=${config}`,
    ],
    { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  child.stderr.setEncoding('utf8');
  child.stderr.on('data', (part: string) => {
    said += part;
  });
  let alive = true;
  const ended = new Promise<void>((resolve) => {
    const gone = (): void => {
      alive = false;
      resolve();
    };
    child.once('exit', gone);
    child.once('error', gone);
  });
  const url = `http://127.0.0.1:${port}`;
  const close = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  const deadline = performance.now() + 60_000;
  while (performance.now() < deadline) {
    if (!alive) break;
    const status = await send(`${url}/-/ready`).then(
      (got) => got.status,
      () => 0,
    );
    // Another Prometheus on that port would answer as well, but then ours has ended.
    if (status === 200 && alive) return { kind: 'started', prometheus: { url, close } };
    await pause(50);
  }
  await close();
  return { kind: 'ended', said };
}
