/**
 * What is under way between clients and the application, WebSockets included. Once a second each exchange is looked at:
 * does its session still stand, and does it move? Sockets and streams end with their session (3-rules, Proxied requests);
 * what stands still for too long is cut. A request that is answered within the second costs one entry in a set.
 */
import type { Socket } from 'node:net';
import type { Refusal } from '../../errors.ts';
import type { Forward } from '../answer.ts';

/** What an exchange waits for; each has its own bound. */
export type Phase = 'connecting' | 'answer' | 'bytes';

export type Cut = 'no-connection' | 'no-answer' | 'silent' | 'session-ended' | 'stopping';

export interface Limits {
  readonly connectTimeoutMs: number;
  readonly answerTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

export interface Exchange {
  phase: Phase;
  /** `socket`: nobody waits for its end when the server stops. */
  readonly form: 'request' | 'socket';
  /** The client's connection: its counters say what moves. */
  readonly client: Socket;
  readonly standing: Forward['standing'];
  /** Ends it, with an answer if none has begun: what was said of its credential, where that is why. */
  cut: (why: Cut, said?: Refusal) => void;
}

export interface Exchanges {
  add(exchange: Exchange): void;
  delete(exchange: Exchange): void;
  /** Ends the sockets: the server stops. */
  endSockets(): void;
  close(): void;
}

interface Pace {
  phase: Phase;
  read: number;
  written: number;
  movedAt: number;
}

const lookEveryMs = 1000;

const cuts = { connecting: 'no-connection', answer: 'no-answer', bytes: 'silent' } as const satisfies Record<
  Phase,
  Cut
>;

export function exchanges(parts: {
  readonly limits: Limits;
  /** Milliseconds that never go back. */
  readonly monotonic: () => number;
  readonly onFault: (fault: unknown) => void;
}): Exchanges {
  const open = new Map<Exchange, Pace | 'new'>();
  const bounds: Readonly<Record<Phase, number>> = {
    connecting: parts.limits.connectTimeoutMs,
    answer: parts.limits.answerTimeoutMs,
    bytes: parts.limits.idleTimeoutMs,
  };

  /** What cannot be judged does not go on. */
  const judge = async (exchange: Exchange, use: 'goes-on' | 'looks'): Promise<void> => {
    try {
      const admission = await exchange.standing(use);
      if (admission.kind === 'refused') exchange.cut('session-ended', admission);
    } catch (fault) {
      parts.onFault(fault);
      exchange.cut('session-ended');
    }
  };

  const look = (): void => {
    const now = parts.monotonic();
    for (const [exchange, pace] of open) {
      const { bytesRead: read, bytesWritten: written } = exchange.client;
      if (pace === 'new') {
        open.set(exchange, { phase: exchange.phase, read, written, movedAt: now });
        continue;
      }
      const heard = read !== pace.read;
      if (heard || written !== pace.written || pace.phase !== exchange.phase) {
        Object.assign(pace, { phase: exchange.phase, read, written, movedAt: now });
      } else if (now - pace.movedAt >= bounds[pace.phase]) {
        exchange.cut(cuts[pace.phase]);
        continue;
      }
      // What the client sends is a use of its session; what the application sends is none.
      void judge(exchange, heard ? 'goes-on' : 'looks');
    }
  };
  const looking = setInterval(look, lookEveryMs);
  looking.unref();

  return {
    add: (exchange) => void open.set(exchange, 'new'),
    delete: (exchange) => void open.delete(exchange),
    endSockets: () => {
      for (const exchange of open.keys()) if (exchange.form === 'socket') exchange.cut('stopping');
    },
    close: () => clearInterval(looking),
  };
}
