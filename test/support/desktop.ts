/**
 * A real application that lives on a WebSocket: Debian's noVNC, a desktop in the browser, served by websockify in front of
 * a TigerVNC server with nothing on its white screen.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { send } from './client.ts';
import { need } from './debian.ts';
import { temporaryFolder } from './server.ts';
import { freePort } from './free-port.ts';

export interface Desktop {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** Size of the screen; the page shows a canvas of the same. */
export const screen = { width: 320, height: 200 } as const;

export async function startDesktop(): Promise<Desktop> {
  const pages = dirname(await need('/usr/share/novnc/vnc_lite.html', 'novnc'));
  const websockify = await need('websockify', 'websockify');
  const vnc = await need('Xtigervnc', 'tigervnc-standalone-server');
  const folder = await temporaryFolder();
  const [display, port] = [await freePort(), await freePort()];
  const children: ChildProcess[] = [];
  let said = '';
  const start = (command: string, args: readonly string[], stdio: 'pipe'[]): ChildProcess => {
    const child = spawn(command, args, {
      cwd: folder,
      env: { ...process.env, HOME: folder },
      stdio: ['ignore', ...stdio],
    });
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (part: Buffer) => (said += part.toString()));
    children.push(child);
    return child;
  };
  const close = async (): Promise<void> => {
    for (const child of children.toReversed()) {
      if (child.exitCode !== null) continue;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
    }
    await rm(folder, { recursive: true, force: true });
  };
  // The server picks a free display and writes its number down once it can be used.
  const shown = start(
    vnc,
    [
      '-displayfd',
      '3',
      '-rfbport',
      String(display),
      '-SecurityTypes',
      'None',
      '-localhost',
      '-wr',
      '-geometry',
      `${screen.width}x${screen.height}`,
    ],
    ['pipe', 'pipe', 'pipe'],
  );
  start(websockify, ['--web', pages, `127.0.0.1:${port}`, `127.0.0.1:${display}`], ['pipe', 'pipe']);
  const url = `http://127.0.0.1:${port}`;
  const ready = new Promise((resolve) => shown.stdio[3]?.once('data', resolve));
  const answers = async (): Promise<void> => {
    for (let tries = 0; tries < 200; tries += 1) {
      const got = await send(`${url}/vnc_lite.html`).then(
        ({ status }) => status,
        () => 0,
      );
      if (got === 200) return;
      await pause(50);
    }
    throw new Error(`The desktop did not start: ${said}`);
  };
  try {
    await Promise.race([
      Promise.all([ready, answers()]),
      pause(30_000, undefined, { ref: false }).then(() => Promise.reject(new Error(said))),
    ]);
  } catch (fault) {
    await close();
    throw fault;
  }
  return { url, close };
}
