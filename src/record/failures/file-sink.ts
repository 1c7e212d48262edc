/**
 * The failure log as a file: appended to, never through a link, four files of 64 MiB at most. Lines wait in memory while the
 * disk works; when it cannot, so many are kept and the rest are counted, and it tries again by itself.
 */
import { constants, fchmodSync, fstatSync, openSync } from 'node:fs';
import { close as closeFile, fstat, renameSync, rmSync, write as writeFile } from 'node:fs';
import { promisify } from 'node:util';
import type { Log } from '../recorder.ts';
import type { Sink } from './failure-log.ts';
import { fileLine } from './lines.ts';

const write = promisify(writeFile);
const stat = promisify(fstat);
const close = promisify(closeFile);

const mostBytes = 64 * 1024 * 1024;
/** Beside the one that is written to. */
const olderFiles = 3;
/** Kept back while it cannot be written. */
const mostKept = 10_000;
const againMs = 1000;
/** Written in one go. */
const mostAtOnce = 1000;

export type FileOpening =
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'open'; readonly sink: Sink };

export function openFileSink(parts: { readonly path: string; readonly tag: string; readonly log: Log }): FileOpening {
  const { path, tag, log } = parts;
  const first = openOwn(path);
  if (first.kind === 'refused') return first;
  let file: number | null = first.file;
  let kept: string[] = [];
  let lost = 0;
  let trouble: string | null = null;
  const wish = { reopening: false, closing: false };
  let underWay: Promise<void> | null = null;
  let again: NodeJS.Timeout | undefined;

  const tell = (why: string): void => {
    if (trouble === null) log.error({ path, why }, 'the failure log cannot be written; sign-in goes on');
    trouble = why;
  };

  const letGo = async (): Promise<void> => {
    const was = file;
    file = null;
    if (was !== null) await close(was);
  };

  const rotate = async (): Promise<void> => {
    await letGo();
    rmSync(`${path}.${olderFiles}`, { force: true });
    for (let number = olderFiles - 1; number >= 0; number -= 1) {
      const from = number === 0 ? path : `${path}.${number}`;
      try {
        renameSync(from, `${path}.${number + 1}`);
      } catch (fault) {
        if ((fault as NodeJS.ErrnoException).code !== 'ENOENT') throw fault;
      }
    }
  };

  const reachable = async (): Promise<number> => {
    if (wish.reopening) await letGo();
    wish.reopening = false;
    if (file !== null && (await stat(file)).size >= mostBytes) await rotate();
    if (file !== null) return file;
    const opened = openOwn(path);
    if (opened.kind === 'refused') throw new Error(opened.why);
    file = opened.file;
    return file;
  };

  /** One go at a time; what could not be written stays in front. */
  const flush = async (): Promise<void> => {
    while (kept.length > 0 || wish.reopening) {
      const target = await reachable();
      const batch = kept.slice(0, mostAtOnce);
      if (batch.length > 0) {
        let bytes = Buffer.from(batch.join(''));
        while (bytes.length > 0) bytes = bytes.subarray((await write(target, bytes)).bytesWritten);
        kept = kept.slice(batch.length);
      }
      if (trouble !== null) log.warn({ path, lost }, 'the failure log is written again');
      trouble = null;
      lost = 0;
    }
  };

  const begin = (): void => {
    if (underWay !== null) return;
    clearTimeout(again);
    underWay = flush()
      .catch((fault: unknown) => {
        tell(fault instanceof Error ? fault.message : String(fault));
        // A file whose write failed is not trusted again.
        wish.reopening = true;
        again = setTimeout(begin, againMs);
        again.unref();
      })
      .finally(() => {
        underWay = null;
        if (trouble === null && !wish.closing && (kept.length > 0 || wish.reopening)) begin();
      });
  };

  const sink: Sink = {
    write: (at, text) => {
      kept.push(fileLine(tag, at, text));
      if (kept.length > mostKept) {
        kept.shift();
        lost += 1;
      }
      if (trouble === null) begin();
    },
    standing: () => (trouble === null ? 'working' : 'degraded'),
    reopen: () => {
      wish.reopening = true;
      begin();
    },
    close: async () => {
      clearTimeout(again);
      wish.closing = true;
      if (underWay !== null) await underWay;
      if (kept.length > 0) await flush().catch((fault: unknown) => tell(String(fault)));
      clearTimeout(again);
      await letGo();
    },
  };
  return { kind: 'open', sink };
}

type Opened = { readonly kind: 'refused'; readonly why: string } | { readonly kind: 'open'; readonly file: number };

/** A file of its own, that nobody else writes: no link, no pipe, not open to others. */
function openOwn(path: string): Opened {
  const { O_APPEND, O_CREAT, O_WRONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  try {
    const file = openSync(path, O_APPEND | O_CREAT | O_WRONLY | O_NOFOLLOW | O_NONBLOCK, 0o640);
    const about = fstatSync(file);
    if (!about.isFile()) {
      closeFile(file);
      return { kind: 'refused', why: `${path} is not a file.` };
    }
    if ((about.mode & 0o137) !== 0) fchmodSync(file, about.mode & 0o640);
    return { kind: 'open', file };
  } catch (fault) {
    const { code, message } = fault as NodeJS.ErrnoException;
    return { kind: 'refused', why: code === 'ELOOP' ? `${path} is a symbolic link.` : message };
  }
}
