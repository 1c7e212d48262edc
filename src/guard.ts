/**
 * The spine: what every request walks, in order. Read this file first.
 *
 *   request → throttle → verify → record → principal → policy → action → answer
 *
 * `admit` walks it for what a request carries in its headers, `admitToApplication` for requests on their way to a
 * protected application, and `prove` for a secret that somebody typed (a password, a setup code): same rooms, same
 * order. Each answers with a refusal or with who it is; there is no boolean to forget. A fault anywhere throws, and
 * the handler turns that into a refusal.
 */
import { refuse, type Refusal } from './errors.ts';
import { judgeCsrfToken, judgeProvenance } from './policy/csrf.ts';
import { type Duty, dutyOf, judgeDuty, type Reach, type RequireFactor } from './policy/duty.ts';
import { judgeKind, judgeNeed, type Need, reachOf } from './policy/need.ts';
import { anonymous, type Principal, type UserPrincipal } from './principal/principal.ts';
import type { Client } from './request/address.ts';
import type { Locality } from './request/arrival.ts';
import {
  type CookieCandidate,
  type CookieSlot,
  type Credential,
  ownCredential,
  proxiedCredential,
} from './request/credential.ts';
import { type HeaderMap, type Incoming, methodSafety } from './request/incoming.ts';
import { opensSocket } from './request/navigation.ts';
import type { InstallationState } from './store/rows.ts';
import type { Limited } from './throttle/limiter.ts';
import type { MaybePromise, Origin, Secret, SessionKind } from './types.ts';
import type { SessionProof, SessionVerifier, Shown, Use } from './verify/session.ts';

export interface Admitted {
  readonly kind: 'admitted';
  readonly principal: Principal;
  /** Token of the session that decided; empty when none did. CSRF tokens are derived from it. */
  readonly token: Secret | '';
  /** Cookies of ours that turned out dead, to be expired by the answer. */
  readonly deadCookies: readonly string[];
}

export interface Rejected extends Refusal {
  readonly deadCookies: readonly string[];
  /** Who was refused for want of a privilege: that is written down. */
  readonly denied?: UserPrincipal;
  /** What has to be done first. */
  readonly duty?: Exclude<Duty, 'none'>;
}

export type Admission = Rejected | Admitted;

/** What the route table says about a route, as far as the guard is concerned. */
export interface Gate {
  /** Whose failures a token that nobody knows is counted with. */
  readonly client: () => Client;
  readonly locality: () => Locality;
  readonly need: Need;
  readonly slots: readonly CookieSlot[];
  /** Origins whose pages may send unsafe requests here. */
  readonly own: readonly Origin[];
  /** CSRF token that came as a form field, where the route takes forms. */
  readonly csrfField?: string | undefined;
}

export interface ApplicationGate {
  readonly client: () => Client;
  readonly headers: HeaderMap;
  /** Empty when a proxy did not say: anything but safe. */
  readonly method: string;
  /** The proxy says that a WebSocket is asked for. */
  readonly exchange?: 'socket' | 'request';
  /** Host asked for; null when a forward-auth request names none. */
  readonly origin: Origin | null;
  /** Origin whose pages may send unsafe requests. */
  readonly ownOrigin: Origin;
  readonly slots: readonly CookieSlot[];
  readonly state: InstallationState;
  readonly openness: 'closed' | 'may-be-open';
  /** `always`: signing out, which no duty keeps anybody from. */
  readonly reach?: Reach;
  /** `looks`: asks about an exchange that is under way, which is no use of the session by itself. */
  readonly use?: Use;
}

export interface Guard {
  admit(incoming: Incoming, gate: Gate): MaybePromise<Admission>;
  admitToApplication(gate: ApplicationGate): MaybePromise<Admission>;
}

const noCookies: readonly string[] = [];

export function guard(parts: {
  sessions: SessionVerifier;
  kinds: ReadonlyMap<string, SessionKind>;
  requireFactor: RequireFactor;
}): Guard {
  const { sessions, kinds } = parts;

  /** The last question: may they, and is there nothing that has to be done first? */
  const dutiful = (identity: Admitted, reach: Reach): Admission => {
    const { principal } = identity;
    if (principal.kind !== 'user') return identity;
    const judged = judgeDuty(reach, dutyOf(principal.user.row, parts.requireFactor));
    return judged.kind === 'refused' ? { ...judged, deadCookies: identity.deadCookies } : identity;
  };

  return {
    admit: (incoming, gate) => {
      const unsafe = methodSafety(incoming.method) === 'unsafe';
      if (gate.need.kind === 'nobody' || gate.need.kind === 'local') {
        const provenance = unsafe ? judgeProvenance(incoming.headers, gate.own) : undefined;
        if (provenance?.kind === 'refused') return rejected(provenance);
        const need = judgeNeed(gate.need, anonymous, gate.locality());
        return need.kind === 'refused' ? rejected(need) : admitted(anonymous);
      }
      const credential = ownCredential(incoming.headers, gate.slots);
      return then(identify(credential, 'counts', gate.client), (identity): Admission => {
        if (identity.kind === 'refused') {
          // A dead cookie on a route that does without is no cookie; it is expired all the same.
          return gate.need.kind === 'anybody'
            ? { ...admitted(anonymous), deadCookies: identity.deadCookies }
            : identity;
        }
        const { principal } = identity;
        if (unsafe && credential.kind !== 'bearer') {
          const provenance = judgeProvenance(incoming.headers, gate.own);
          if (provenance.kind === 'refused') return rejected(provenance, identity.deadCookies);
          if (identity.token !== '') {
            const headers = gate.csrfField === undefined ? incoming.headers : { 'x-csrf-token': gate.csrfField };
            const token = judgeCsrfToken(headers, identity.token);
            if (token.kind === 'refused') return rejected(token, identity.deadCookies);
          }
        }
        const need = judgeNeed(gate.need, principal, gate.locality());
        if (need.kind === 'refused') {
          const refused = rejected(need, identity.deadCookies);
          return need.code === 'forbidden' && principal.kind === 'user' ? { ...refused, denied: principal } : refused;
        }
        return dutiful(identity, reachOf(gate.need));
      });
    },

    admitToApplication: (gate) => {
      switch (gate.state) {
        case 'fresh':
          return rejected(refuse('not_configured'));
        case 'declined':
        case 'off':
          return gate.openness === 'may-be-open'
            ? admitted({ kind: 'everybody', state: gate.state })
            : rejected(refuse('not_configured'));
        case 'configured':
          break;
      }
      const credential = proxiedCredential(gate.headers, gate.slots);
      return then(identify(credential, gate.use ?? 'counts', gate.client), (identity): Admission => {
        if (identity.kind === 'refused') return identity;
        const { principal } = identity;
        if (principal.kind !== 'user') return rejected(refuse('unauthorized'));
        const { session } = principal;
        if (session.origin !== null && gate.origin !== null && session.origin !== gate.origin) {
          return rejected(refuse('unauthorized', { cause: 'session-of-another-host' }));
        }
        if (credential.kind === 'cookies' && unsafeToApplication(gate)) {
          const provenance = judgeProvenance(gate.headers, [gate.ownOrigin]);
          if (provenance.kind === 'refused') return rejected(provenance);
        }
        return dutiful(identity, gate.reach ?? 'whole');
      });
    },
  };

  /** Steps 2 to 5 for sessions: genuine, alive, whose, and still entitled to a session of that kind. */
  function identify(credential: Credential, use: Use, client: () => Client): MaybePromise<Admission> {
    switch (credential.kind) {
      case 'none':
        return admitted(anonymous);
      case 'malformed':
        return rejected(refuse('invalid_request', { detail: credential.detail }));
      case 'unusable-header':
        return rejected(refuse('invalid_token', { cause: 'malformed' }));
      case 'bearer':
        return then(
          sessions.verify(credential.token, { transport: 'bearer', sessionKind: undefined, use, client }),
          (proof) => {
            if (proof.kind === 'limited') return limited(proof);
            return proof.kind === 'rejected'
              ? rejected(refuse('invalid_token', { cause: proof.cause }))
              : entitled(proof, credential.token, noCookies);
          },
        );
      case 'cookies':
        return firstAlive(credential.candidates, 0, noCookies, 'absent', { use, client });
    }
  }

  /** A dead cookie counts as absent when another of ours is alive; all dead ones are expired by the answer. */
  function firstAlive(
    candidates: readonly CookieCandidate[],
    at: number,
    dead: readonly string[],
    cause: string,
    asked: Pick<Shown, 'use' | 'client'>,
  ): MaybePromise<Admission> {
    const candidate = candidates[at];
    if (candidate === undefined) return rejected(refuse('session_expired', { cause }), dead);
    const proof: MaybePromise<SessionProof> =
      candidate.token === ''
        ? { kind: 'rejected', cause: 'unknown' }
        : sessions.verify(candidate.token, { ...asked, transport: 'cookie', sessionKind: candidate.sessionKind });
    return then(proof, (judged) => {
      if (judged.kind === 'limited') return limited(judged);
      return judged.kind === 'rejected'
        ? firstAlive(candidates, at + 1, [...dead, candidate.cookie], judged.cause, asked)
        : entitled(judged, candidate.token, dead);
    });
  }

  function entitled(principal: UserPrincipal, token: Secret | '', deadCookies: readonly string[]): Admission {
    const kind = kinds.get(principal.session.kind);
    if (kind === undefined) return rejected(refuse('session_expired', { cause: 'kind-unknown' }), deadCookies);
    const judged = judgeKind(principal, kind.privilege);
    return judged.kind === 'refused'
      ? { ...rejected(judged, deadCookies), denied: principal }
      : { kind: 'admitted', principal, token, deadCookies };
  }
}

/** WebSocket upgrades change things and carry no token, so their Origin must match (3-rules, Proxied requests). */
function unsafeToApplication(gate: ApplicationGate): boolean {
  return gate.exchange === 'socket' || methodSafety(gate.method) === 'unsafe' || opensSocket(gate.headers) === 'socket';
}

/** Nothing is said about the token: the store was not asked. */
function limited({ retryAfterSeconds }: Limited): Rejected {
  return rejected(refuse('rate_limited', { retryAfterSeconds, cause: 'unknown-secrets' }));
}

function admitted(principal: Principal): Admitted {
  return { kind: 'admitted', principal, token: '', deadCookies: noCookies };
}

function rejected(refusal: Refusal, deadCookies: readonly string[] = noCookies): Rejected {
  return { ...refusal, deadCookies };
}

/** Goes on at once when the value is there: the hot path makes no promise. */
function then<T, U>(value: MaybePromise<T>, goOn: (value: T) => MaybePromise<U>): MaybePromise<U> {
  return value instanceof Promise ? value.then(goOn) : goOn(value);
}
