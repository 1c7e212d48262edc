/**
 * The operator's command after what is served over TLS has changed (2-http-api, 1): an argument list and no shell, a
 * small environment, an end after half a minute. One at a time; of changes meanwhile it is told once, as they then are.
 */
import { spawn } from 'node:child_process';
import type { Log } from '../record/recorder.ts';
import { oneAtATime } from '../store/one-at-a-time.ts';

const longestMs = 30_000;

/** What the command finds in its environment, beside a `PATH`. */
export interface HookSurroundings {
  /** The console as browsers reach it from now on. */
  readonly SALLYPORT_URL: string;
  /** The application; empty without one. */
  readonly SALLYPORT_APP_URL: string;
  /** SHA-256 of the certificate; empty where plain HTTP is served. */
  readonly SALLYPORT_CERTIFICATE_FINGERPRINT: string;
}

export interface HookParts {
  readonly command: readonly [string, ...string[]];
  readonly surroundings: () => HookSurroundings;
  readonly log: Log;
  readonly timeoutMs?: number;
}

/** Never throws: the change is made, whatever becomes of the command. */
export function tlsHook({ command, surroundings, log, timeoutMs = longestMs }: HookParts): () => Promise<void> {
  const [program, ...args] = command;
  return oneAtATime(
    () =>
      new Promise((resolve) => {
        let timer: NodeJS.Timeout | undefined;
        const ended = (fields: object, message: string): void => {
          clearTimeout(timer);
          if (message !== '') log.warn({ program, ...fields }, message);
          resolve();
        };
        const failed = (fault: unknown): void => ended({ err: fault }, 'tls-hook could not be run');
        try {
          const child = spawn(program, args, {
            cwd: '/',
            env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ...surroundings() },
            stdio: 'ignore',
            // A group of its own, so that what it started ends with it.
            detached: true,
          });
          let late = false;
          timer = setTimeout(() => {
            late = true;
            // One that may not be ended, since it runs as somebody else, is not waited for either.
            if (endGroup(child.pid) === 'not-ours') ended({ afterMs: timeoutMs }, 'tls-hook took too long and goes on');
          }, timeoutMs);
          child.once('error', failed);
          child.once('exit', (code, signal) => {
            if (late) ended({ afterMs: timeoutMs }, 'tls-hook took too long and was ended');
            else ended({ code, signal }, code === 0 ? '' : 'tls-hook failed');
          });
        } catch (fault) {
          // Some faults of a program are thrown and not told: a path that leads through a file, a file that is written to.
          failed(fault);
        }
      }),
  );
}

function endGroup(pid: number | undefined): 'ended' | 'not-ours' {
  if (pid === undefined) return 'ended';
  try {
    process.kill(-pid, 'SIGKILL');
    return 'ended';
  } catch (fault) {
    // ESRCH: it ended a moment ago by itself.
    return (fault as NodeJS.ErrnoException).code === 'ESRCH' ? 'ended' : 'not-ours';
  }
}
