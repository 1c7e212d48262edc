/**
 * `Incoming` → `Answer`: finds out where a request was sent and which part of the house answers there. Whatever throws
 * on the way becomes a refusal here, and only here.
 */
import { newName, type Random } from '../crypto/random.ts';
import { refuse, type Refusal } from '../errors.ts';
import type { Log } from '../record/recorder.ts';
import type { SilentProxies } from '../record/silent-proxies.ts';
import { type Arrival, type ArrivalRules, arrive } from '../request/arrival.ts';
import { type Incoming, pathOf } from '../request/incoming.ts';
import { StoreFault } from '../store/store.ts';
import type { MaybePromise } from '../types.ts';
import { type Answer, problem } from './answer.ts';
import { operationsPaths } from '../actions/operations.ts';

/** A part of the house that answers for some paths; `not-mine` leaves them to the next. */
export type Wing = (
  incoming: Incoming,
  arrival: Arrival,
  path: string,
) => MaybePromise<Answer> | { readonly kind: 'not-mine' };

export const notMine = { kind: 'not-mine' } as const;

export interface HandlerParts {
  readonly arrivals: () => ArrivalRules;
  readonly silentProxies: SilentProxies;
  readonly random: Random;
  readonly log: Log;
  /** Wings by place, asked in order. */
  readonly wings: Readonly<Record<Arrival['place'], readonly Wing[]>>;
}

export type Handler = (incoming: Incoming) => MaybePromise<Answer>;

export const verifyPath = '/api/auth/verify';

export function handler(parts: HandlerParts): Handler {
  const refused = (refusal: Refusal): Answer => problem(refusal, { requestId: newName(parts.random) });

  /** Two readings of such a request are possible: nothing behind it is read. */
  const closing = (refusal: Refusal): Answer => ({
    ...problem(refusal, { requestId: newName(parts.random) }),
    close: true,
  });

  const faulted = (fault: unknown, path: string): Answer => {
    const requestId = newName(parts.random);
    parts.log.error({ err: fault, request: requestId, path }, 'request failed');
    return problem(refuse(fault instanceof StoreFault ? 'unavailable' : 'internal'), { requestId });
  };

  return (incoming) => {
    const path = pathOf(incoming.target);
    try {
      const rules = parts.arrivals();
      const arrival = arrive(incoming, rules, path === verifyPath ? 'ignore' : 'read');
      switch (arrival.kind) {
        case 'malformed':
          return closing(refuse('invalid_request', { detail: arrival.detail }));
        case 'too-many-headers':
          return closing(refuse('headers_too_large'));
        case 'misdirected':
          return refused(refuse('misdirected_request'));
        case 'unlisted-peer':
          return refused(refuse('forbidden', { detail: 'This listener answers its reverse proxies alone.' }));
        case 'arrived': {
          const { forwardedHeader } = rules;
          // Proxies ask how we are for themselves.
          if (
            arrival.proxied === 'proxy' &&
            incoming.headers[forwardedHeader] === undefined &&
            !operationsPaths.has(path)
          )
            parts.silentProxies.note(incoming.peer);
          for (const wing of parts.wings[arrival.place]) {
            const answer = wing(incoming, arrival, path);
            if (answer instanceof Promise) return answer.catch((fault: unknown) => faulted(fault, path));
            if (answer.kind !== 'not-mine') return answer;
          }
          return refused(refuse('not_found'));
        }
      }
    } catch (fault) {
      return faulted(fault, path);
    }
  };
}
