/**
 * Mails on their way: sent beside whatever asked for them, a few times when it does not work, and written down however it
 * ends. What is on its way is bounded, and ends with the process: mails tell, and nothing hangs on them.
 */
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { between, type Random } from '../crypto/random.ts';
import type { EventName, Log, Recorder } from '../record/recorder.ts';
import { type Store, StoreFault } from '../store/store.ts';
import type { UserId } from '../types.ts';
import type { Mailer } from './mailer.ts';
import type { Letter } from './words.ts';

export interface Outbox {
  /** `none`: there is no mail server, and nothing is sent. */
  readonly standing: 'none' | 'set';
  /** Sends, and resolves when it is known whether the first try was taken, or after a while; tries go on behind that. */
  send(letter: Letter, userId: UserId): Promise<'mailed' | 'not-mailed'>;
  /** The same, however long the first try takes. */
  deliver(letter: Letter, userId: UserId): Promise<void>;
  /**
   * Does something that nobody waits for, once whoever asked has an answer: a while later, so that no time tells what there
   * was to do. Where too much of that is under way it is left undone.
   */
  later(work: () => Promise<void>): void;
  /** What is being sent may still be taken, for a moment; what waits for another try is given up. */
  stop(): Promise<void>;
}

export interface OutboxParts {
  /** Null: none is set. */
  readonly mailer: Mailer | null;
  readonly store: Pick<Store, 'appendAudit'>;
  readonly recorder: Pick<Recorder, 'event'>;
  readonly log: Log;
  readonly random: Random;
  readonly wait: (ms: number) => Promise<void>;
}

/** Pauses before each further try. */
const againAfterMs = [1000, 10_000, 60_000, 300_000] as const;
/** Longest that whoever makes a link waits to hear whether it was mailed. */
const tellMs = 5000;
const mostUnderWay = 64;
/** Mails that wait for another try, in all and to one account: one mailbox that takes nothing keeps no other from it. */
const mostWaiting = { all: 64, ofOne: 3 } as const;
/** Before what nobody waits for begins. */
const laterMs = { least: 100, most: 400 } as const;
/** What is being sent when the server stops. */
const stopMs = 2000;

export function outbox(parts: OutboxParts): Outbox {
  const { mailer, store, recorder, log, random, wait } = parts;
  const underWay = new Set<Promise<void>>();
  /** Whose mails wait for another try, one entry each. */
  const waiting: UserId[] = [];
  const furtherTries = new Set<Promise<void>>();
  /** No further tries; no further waiting. */
  const ending = new AbortController();
  const over = new AbortController();

  const onFault = (fault: unknown): void => log.error({ err: fault }, 'mailing failed');

  const note = async (event: Extract<EventName, 'mail-sent' | 'mail-failed'>, userId: UserId, result: string) => {
    if (event === 'mail-failed') log.warn({ user: userId, cause: result }, 'a mail could not be sent');
    try {
      await store.appendAudit(recorder.event({ event, actor: '', address: '', way: 'host', target: userId, result }));
    } catch (fault) {
      if (!(fault instanceof StoreFault)) throw fault;
      log.error({ err: fault }, 'a mail could not be written to the audit log');
    }
  };

  const tryAgain = async (to: Mailer, letter: Letter, userId: UserId, first: string): Promise<void> => {
    let cause = first;
    for (const again of againAfterMs) {
      log.info({ user: userId, cause, again }, 'a mail was not taken, and is tried again');
      const waited = await pause(again, 'over', { signal: ending.signal, ref: false }).catch(() => 'stopped');
      if (waited === 'stopped') break;
      const sending = await to.send(letter, over.signal);
      if (sending.kind === 'sent') return note('mail-sent', userId, 'ok');
      ({ cause } = sending);
      if (sending.again === 'hopeless') break;
    }
    return note('mail-failed', userId, cause);
  };

  const deliver = async (letter: Letter, userId: UserId, onFirst: (tried: 'mailed' | 'not-mailed') => void) => {
    if (mailer === null) return onFirst('not-mailed');
    const sending = await mailer.send(letter, over.signal);
    onFirst(sending.kind === 'sent' ? 'mailed' : 'not-mailed');
    if (sending.kind === 'sent') return note('mail-sent', userId, 'ok');
    const room = waiting.length < mostWaiting.all && waiting.filter((id) => id === userId).length < mostWaiting.ofOne;
    if (sending.again === 'hopeless' || ending.signal.aborted || !room)
      return note('mail-failed', userId, sending.cause);
    waiting.push(userId);
    const trying = tryAgain(mailer, letter, userId, sending.cause)
      .catch(onFault)
      .finally(() => {
        waiting.splice(waiting.indexOf(userId), 1);
        furtherTries.delete(trying);
      });
    furtherTries.add(trying);
  };

  /** By the stop. */
  const waitedFor = (work: Promise<void>): Promise<void> => {
    const running = work.finally(() => underWay.delete(running));
    underWay.add(running);
    return running;
  };

  const begin = (work: () => Promise<void>): 'begun' | 'crowded' => {
    if (underWay.size >= mostUnderWay || ending.signal.aborted) return 'crowded';
    void waitedFor(work().catch(onFault));
    return 'begun';
  };

  return {
    standing: mailer === null ? 'none' : 'set',

    send: (letter, userId) =>
      new Promise((resolve) => {
        const late = setTimeout(resolve, tellMs, 'not-mailed');
        const tell = (tried: 'mailed' | 'not-mailed'): void => {
          clearTimeout(late);
          resolve(tried);
        };
        if (begin(() => deliver(letter, userId, tell)) === 'crowded') tell('not-mailed');
      }),

    deliver: (letter, userId) => waitedFor(deliver(letter, userId, () => undefined)),

    later: (work) => {
      const afterwards = async (): Promise<void> => {
        await wait(between(random, laterMs.least, laterMs.most));
        await nextTurn();
        if (!ending.signal.aborted) await work();
      };
      if (begin(afterwards) === 'crowded') log.warn({}, 'too many mails are under way: one was not made');
    },

    stop: async () => {
      ending.abort();
      const late = setTimeout(() => over.abort(), stopMs);
      while (underWay.size + furtherTries.size > 0) await Promise.all([...underWay, ...furtherTries]);
      clearTimeout(late);
    },
  };
}
