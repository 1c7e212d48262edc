/**
 * The main thread's end of the writer thread. One group is under way at a time; what is asked for meanwhile is the next
 * one, so that a single write never waits for company and many share a flush.
 */
import { Worker } from 'node:worker_threads';
import type { Change } from '../rows.ts';
import { StoreFault } from '../store.ts';
import { causeOf, type Trouble } from './file/database-file.ts';
import type { Call, CallOutcome, Fault, Order, Report, WriteName, WriteOperations, WriterData } from './writer.ts';

/** Operations per flush: beyond it the first of a group would wait longer for the last than for the disk. */
const mostInGroup = 100;

/** Operations that may wait while the disk works: about a minute of a slow one. Whoever comes then is refused at once. */
const mostWaiting = 10_000;

/** How long a failure is told of while nobody writes: what a proof needs may still be there when the rest is not. */
const troubledMs = 5000;

export interface WriterLine {
  write<K extends WriteName>(
    name: K,
    argument: Parameters<WriteOperations[K]>[0],
  ): Promise<ReturnType<WriteOperations[K]>>;
  /** `troubled`: the disk failed a moment ago, and nothing but proofs has been written since. */
  standing(): { readonly kind: 'down' | 'troubled'; readonly reason: string } | { readonly kind: 'working' };
  /** Since it was opened. */
  figures(): { readonly waiting: number; readonly writes: number };
  /** Takes no more, finishes what was asked for, empties the write-ahead log, ends the thread. */
  close(): Promise<void>;
}

export type WriterStart = Trouble | { readonly kind: 'started'; readonly line: WriterLine };

interface Waiting {
  readonly call: Call;
  readonly resolve: (value: unknown) => void;
  readonly reject: (fault: StoreFault) => void;
}

export interface WriterParts {
  readonly path: string;
  /** Told before any operation of the group resolves. */
  readonly onChanges: (changes: readonly Change[]) => void;
  /** The thread ended by itself: nothing will be written any more by this process. */
  readonly onDown?: ((reason: string) => void) | undefined;
  /** The thread's program; another one only in tests. */
  readonly program?: URL;
}

export function startWriter({ path, onChanges, onDown, program }: WriterParts): Promise<WriterStart> {
  const worker = new Worker(program ?? new URL('./writer.ts', import.meta.url), {
    workerData: { path } satisfies WriterData,
    name: 'store-writer',
    // What the process was started with (a preload, `--input-type`) is not for this thread.
    execArgv: [],
  });
  let down: string | null = null;
  let closing: PromiseWithResolvers<void> | null = null;
  let queue: Waiting[] = [];
  let underWay: readonly Waiting[] = [];
  let serving = false;
  let scheduled = false;
  let writes = 0;
  let trouble: string | null = null;
  let forgetting: NodeJS.Timeout | undefined;
  const started = Promise.withResolvers<WriterStart>();

  const post = (order: Order): void => worker.postMessage(order, []);

  const next = (): void => {
    scheduled = false;
    if (down !== null || underWay.length > 0) return;
    if (queue.length === 0) {
      if (closing === null) worker.unref();
      else post({ kind: 'close' });
      return;
    }
    underWay = queue.slice(0, mostInGroup);
    queue = queue.slice(mostInGroup);
    try {
      post({ kind: 'group', calls: underWay.map((each) => each.call) });
    } catch (fault) {
      // Only something that cannot be sent to another thread ends here; none of it was done.
      const refused = underWay;
      underWay = [];
      for (const { call, reject } of refused)
        reject(new StoreFault(`Cannot ${call.name}: it cannot be handed to the writer`, { cause: fault }));
      next();
    }
  };

  const noteTrouble = (calls: readonly Waiting[], outcomes: readonly CallOutcome[]): void => {
    if (calls.every(({ call }) => call.name === 'proveWriting')) return;
    const fault = outcomes.map((each) => (each.kind === 'failed' ? each.fault : undefined)).find(ofTheDisk);
    clearTimeout(forgetting);
    trouble = fault?.message ?? null;
    if (trouble === null) return;
    forgetting = setTimeout(() => {
      trouble = null;
    }, troubledMs);
    forgetting.unref();
  };

  const settle = ({ outcomes, changes, locked }: Extract<Report, { kind: 'group' }>): void => {
    // Another program has held the write lock for as long as anybody waits: those behind have waited with them.
    const settled = locked === null ? underWay : [...underWay, ...queue];
    if (locked !== null) queue = [];
    underWay = [];
    noteTrouble(settled, outcomes);
    if (changes.length > 0) onChanges(changes);
    settled.forEach(({ call, resolve, reject }, index) => {
      const outcome = outcomes[index];
      if (outcome?.kind === 'done') {
        writes += 1;
        resolve(outcome.value);
      } else reject(failure(call.name, outcome?.fault ?? locked ?? undefined));
    });
    next();
  };

  /** Nobody waits for a thread that is gone. */
  const fail = (reason: string): void => {
    if (down !== null) return;
    down = reason;
    const lost = [...underWay, ...queue];
    underWay = [];
    queue = [];
    for (const { call, reject } of lost) reject(new StoreFault(`Cannot ${call.name}: ${reason}`));
    started.resolve({ kind: 'unreadable', detail: `${path} cannot be used: ${reason}` });
    if (serving && closing === null) onDown?.(reason);
    closing?.resolve();
  };

  worker.on('message', (report: Report) => {
    switch (report.kind) {
      case 'unusable':
        started.resolve(report.trouble);
        return;
      case 'open':
        serving = true;
        worker.unref();
        started.resolve({ kind: 'started', line });
        return;
      case 'group':
        settle(report);
        return;
      case 'closed':
        if (report.fault !== null) closing?.reject(failure('close', report.fault));
        return;
    }
  });
  worker.on('error', (fault) =>
    fail(`the writer thread failed: ${fault instanceof Error ? fault.message : String(fault)}`),
  );
  worker.on('exit', () => fail(closing === null ? 'the writer thread has ended' : 'the store is closed'));

  const line: WriterLine = {
    write: <K extends WriteName>(name: K, argument: Parameters<WriteOperations[K]>[0]) => {
      if (down !== null || closing !== null)
        return Promise.reject(new StoreFault(`Cannot ${name}: ${down ?? 'the store is closed'}`));
      if (queue.length >= mostWaiting)
        return Promise.reject(new StoreFault(`Cannot ${name}: ${mostWaiting} operations wait for the disk already`));
      return new Promise<ReturnType<WriteOperations[K]>>((resolve, reject) => {
        queue.push({
          call: { name, argument },
          resolve: resolve as (value: unknown) => void,
          reject,
        });
        if (scheduled || underWay.length > 0) return;
        // After this turn's other calls: what one request asks for at once is one group.
        scheduled = true;
        worker.ref();
        queueMicrotask(next);
      });
    },
    standing: () => {
      if (down !== null) return { kind: 'down', reason: down };
      return trouble === null ? { kind: 'working' } : { kind: 'troubled', reason: trouble };
    },
    figures: () => ({ waiting: queue.length + underWay.length, writes }),
    close: () => {
      if (closing !== null) return closing.promise;
      closing = Promise.withResolvers<void>();
      if (down !== null) closing.resolve();
      worker.ref();
      if (!scheduled && underWay.length === 0) next();
      return closing.promise;
    },
  };
  return started.promise;
}

/** Not an operation's own fault: the disk's, or another program's lock. */
function ofTheDisk(fault: Fault | undefined): fault is Fault {
  return fault !== undefined && causeOf({ errcode: fault.resultCode }) !== 'operation';
}

function failure(name: string, fault: Fault | undefined): StoreFault {
  const cause = new Error(fault?.message ?? 'the writer gave no outcome');
  return new StoreFault(`Cannot ${name}: ${cause.message}`, {
    cause: Object.assign(cause, { resultCode: fault?.resultCode }),
  });
}
