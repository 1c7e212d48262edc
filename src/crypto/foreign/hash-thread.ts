/**
 * The owner's end of the thread that checks hashes: started with the first one, kept for the next, ended when one takes
 * longer than 2 s. What is ended in the middle of native code goes on until that returns; no other starts before.
 */
import { Worker } from 'node:worker_threads';
import type { Comparison } from './compare-hash.ts';
import type { Question, Report } from './worker.ts';

export type ThreadAnswer = Comparison | { readonly kind: 'too-slow' } | { readonly kind: 'stopped' };

export interface HashThread {
  /** One at a time. Throws where the thread fell over: a fault, of which only that one check dies. */
  ask(question: Question): Promise<ThreadAnswer>;
  /** Resolves when no ended thread is still at work. */
  idle(): Promise<void>;
  /** Ends it for good; whoever is asking is told so. */
  stop(): void;
  /** Threads started so far, for tests. */
  started(): number;
}

const mostMs = 2000;

export function hashThread({ limitMs = mostMs, program = new URL('./worker.ts', import.meta.url) } = {}): HashThread {
  let worker: Worker | null = null;
  let leaving: Promise<unknown> = Promise.resolve();
  let stopping: (() => void) | null = null;
  let stopped = false;
  let started = 0;

  const end = (): void => {
    const ended = worker;
    worker = null;
    if (ended !== null) leaving = Promise.all([leaving, ended.terminate()]);
  };

  const start = (): Promise<Worker | 'ended'> => {
    started += 1;
    const begun = new Worker(program, {
      name: 'hash-check',
      // What the process was started with (a preload, `--input-type`) is not for this thread.
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 32 },
    });
    // Kept from the start, so that `stop` ends it while it loads.
    worker = begun;
    begun.once('error', () => {
      if (worker === begun) worker = null;
    });
    return new Promise((resolve, reject) => {
      begun.once('message', () => resolve(begun));
      begun.once('error', reject);
      begun.once('exit', () => resolve('ended'));
    });
  };

  const answerOf = (asked: Worker, question: Question): Promise<ThreadAnswer> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => done({ kind: 'too-slow' }), limitMs);
      const done = (answer: ThreadAnswer): void => {
        clearTimeout(timer);
        asked.off('message', answered).off('error', failed);
        stopping = null;
        asked.unref();
        if (answer.kind === 'too-slow' || answer.kind === 'stopped') end();
        resolve(answer);
      };
      const answered = (report: Report): void => {
        if (report.kind !== 'ready') done(report);
      };
      const failed = (fault: unknown): void => {
        clearTimeout(timer);
        stopping = null;
        reject(new Error('The thread that checks hashes fell over', { cause: fault }));
      };
      asked.on('message', answered).on('error', failed);
      stopping = () => done({ kind: 'stopped' });
      asked.ref();
      asked.postMessage(question, []);
    });

  return {
    ask: async (question) => {
      await leaving;
      if (stopped) return { kind: 'stopped' };
      const asked = worker ?? (await start());
      return asked === 'ended' ? { kind: 'stopped' } : answerOf(asked, question);
    },
    idle: async () => {
      await leaving;
    },
    stop: () => {
      stopped = true;
      stopping?.();
      end();
    },
    started: () => started,
  };
}
