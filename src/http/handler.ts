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
import { askerOf, opensSocket } from '../request/navigation.ts';
import { hostOf, isLoopbackOrigin } from '../request/origin.ts';
import { StoreFault } from '../store/store.ts';
import type { MaybePromise, Origin } from '../types.ts';
import { type Answer, empty, problem } from './answer.ts';
import type { Dialects } from './dialects/dialect.ts';
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
  readonly dialects: Dialects;
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

  /** Nothing it carries is read. People are led to where it is read; whoever else sent it has to hear of its mistake. */
  const inTheClear = (incoming: Incoming, path: string, host: Origin | null): Answer => {
    if (host === null) return closing(refuse('misdirected_request'));
    const secure = `https://${hostOf(host)}`;
    return leads(incoming, path) === 'leads'
      ? { ...empty(308, ['location', secure + incoming.target]), close: true }
      : closing(refuse('forbidden', { detail: `This port speaks HTTPS: ${secure}` }));
  };

  const faulted = (fault: unknown, path: string): Answer => {
    const requestId = newName(parts.random);
    parts.log.error({ err: fault, request: requestId, path }, 'request failed');
    return parts
      .dialects(path)
      .refused(refuse(fault instanceof StoreFault ? 'unavailable' : 'internal'), { requestId });
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
        case 'in-the-clear':
          return inTheClear(incoming, path, arrival.host);
        case 'arrived': {
          const { forwardedHeader } = rules;
          // Proxies ask how we are for themselves.
          if (
            arrival.proxied === 'proxy' &&
            incoming.headers[forwardedHeader] === undefined &&
            !operationsPaths.has(path)
          )
            parts.silentProxies.note(incoming.peer);
          // A promise holds for all ports of a name: of `localhost` it would shut out whatever else is developed or run there.
          const ours = incoming.transport === 'tls' && !isLoopbackOrigin(arrival.origin);
          const promised = ours ? rules.overTls[incoming.door] : nothing;
          for (const wing of parts.wings[arrival.place]) {
            const answer = wing(incoming, arrival, path);
            if (answer instanceof Promise) {
              const settled = answer.catch((fault: unknown) => faulted(fault, path));
              return promised.length === 0 ? settled : settled.then((each) => withMore(each, promised));
            }
            if (answer.kind !== 'not-mine') return withMore(answer, promised);
          }
          const requestId = newName(parts.random);
          return withMore(parts.dialects(path).refused(refuse('not_found'), { requestId }), promised);
        }
      }
    } catch (fault) {
      return faulted(fault, path);
    }
  };
}

const nothing: readonly string[] = [];

function withMore(answer: Answer, more: readonly string[]): Answer {
  return more.length === 0 ? answer : { ...answer, headers: [...answer.headers, ...more] };
}

/** Whether a request in the clear is a person's browser on its way to a page, by a target that can follow an origin. */
function leads({ method, target, headers }: Incoming, path: string): 'leads' | 'refused' {
  const page = askerOf(method, headers) === 'navigation' && opensSocket(headers) === 'plain';
  const api = path === '/api' || path.startsWith('/api/');
  return page && !api && /^\/[\x21-\x7e]*$/.test(target) ? 'leads' : 'refused';
}
