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
import { refuse } from './errors.ts';
import {
  type Admission,
  type Admitted,
  admitted,
  nothing,
  rejected,
  rejectedAs,
  withValue,
} from './guard/admission.ts';
import type { BasicDoor } from './guard/basic.ts';
import { type Asked, identifier, type IdentifyParts } from './guard/identify.ts';
import { judgeCsrfToken, judgeProvenance, judgeTicketCsrf } from './policy/csrf.ts';
import { dutyOf, judgeDuty, type Reach, type RequireFactor } from './policy/duty.ts';
import { judgeNeed, type Need, reachOf } from './policy/need.ts';
import { judgeScopes, judgeUnnamed } from './policy/scopes.ts';
import { anonymous, type PathTicketPrincipal, personBehind } from './principal/principal.ts';
import { privilegeStanding } from './principal/scopes.ts';
import type { Client } from './request/address.ts';
import type { Locality } from './request/arrival.ts';
import type { CookieSlot, CredentialReader } from './request/credential.ts';
import { type HeaderMap, type Incoming, methodSafety } from './request/incoming.ts';
import { opensSocket } from './request/navigation.ts';
import type { InstallationState } from './store/rows.ts';
import type { MaybePromise, Origin, Scope } from './types.ts';
import type { PathTicketShown } from './verify/path-ticket.ts';
import type { Use } from './verify/session.ts';

/** What the route table says about a route, as far as the guard is concerned. */
export interface Gate {
  /** Whose failures a token that nobody knows is counted with. */
  readonly client: () => Client;
  readonly locality: () => Locality;
  readonly need: Need;
  readonly slots: readonly CookieSlot[];
  /** Nothing but a signed ticket is looked at. */
  readonly reads?: 'tickets';
  /** Origins whose pages may send unsafe requests here. */
  readonly own: readonly Origin[];
  /** Undefined where Basic is not read: pages, and what is on its way to an application. */
  readonly basic?: BasicDoor;
  /** CSRF token that came as a form field, where the route takes forms. */
  readonly csrfField?: string | undefined;
}

export interface ApplicationGate {
  readonly client: () => Client;
  readonly headers: HeaderMap;
  /** Empty when a proxy did not say: anything but safe. */
  readonly method: string;
  /** Path and query that were asked for; empty when a proxy did not say. */
  readonly target: string;
  /** Any of them will do; with none the method decides what a token needs. */
  readonly scopes: readonly Scope[];
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
  /** An exchange that a ticket was spent for: it goes on as long as whoever asked for the ticket may. */
  readonly goesOnFor?: PathTicketPrincipal;
}

export interface Guard {
  admit(incoming: Incoming, gate: Gate): MaybePromise<Admission>;
  /** Whether they still may, once a body has arrived: it takes as long as its sender likes. Nothing is counted again. */
  readmit(admission: Admitted, gate: Gate): MaybePromise<Admission>;
  admitToApplication(gate: ApplicationGate): MaybePromise<Admission>;
  /** Whoever is behind a ticket for a path that a program asks about: spent by that, and for no more than they may now. */
  admitByTicket(shown: PathTicketShown, client: () => Client): Promise<Admission>;
}

export interface GuardParts extends IdentifyParts {
  readonly credentials: CredentialReader;
  readonly requireFactor: RequireFactor;
}

export function guard(parts: GuardParts): Guard {
  const { credentials } = parts;
  const identify = identifier(parts);

  /** The last question: may they, and is there nothing that the person has to do first? */
  const dutiful = (identity: Admitted, reach: Reach): Admission => {
    const person = personBehind(identity.principal);
    if (person === undefined) return identity;
    const judged = judgeDuty(reach, dutyOf(person.user.row, parts.requireFactor));
    return judged.kind === 'refused' ? { ...judged, deadCookies: identity.deadCookies } : identity;
  };

  const entitled = (identity: Admitted, gate: Gate): Admission => {
    const { principal } = identity;
    const need = judgeNeed(gate.need, principal, gate.locality());
    if (need.kind === 'refused') {
      const refused = rejectedAs(identity, need);
      const barred = need.code === 'forbidden' || need.code === 'insufficient_scope';
      const acts = principal.kind !== 'anonymous' && principal.kind !== 'everybody';
      return barred && acts ? { ...refused, denied: principal } : refused;
    }
    return dutiful(identity, reachOf(gate.need));
  };

  return {
    admit: (incoming, gate) => {
      const unsafe = methodSafety(incoming.method) === 'unsafe';
      const { kind } = gate.need;
      if (kind === 'nobody' || (kind === 'local' && gate.locality() === 'local')) {
        const provenance = unsafe ? judgeProvenance(incoming.headers, gate.own) : undefined;
        return provenance?.kind === 'refused' ? rejected(provenance) : admitted(anonymous);
      }
      const { headers, target } = incoming;
      const credential =
        gate.reads === 'tickets' ? credentials.tickets(headers) : credentials.own({ ...gate, target, headers });
      const asked: Asked = { use: 'counts', client: gate.client, basic: gate.basic };
      return withValue(identify(credential, asked), (identity): Admission => {
        if (identity.kind === 'refused') {
          // A dead cookie on a route that does without is no cookie; it is expired all the same.
          const { deadCookies, headers: more = nothing } = identity;
          // Whoever signs out and was not looked at would go away believing that it is over.
          const unlooked = gate.reads === 'tickets' && identity.code === 'rate_limited';
          const does =
            kind === 'anybody' && !unlooked && (gate.need.header !== 'judged' || credential.kind === 'cookies');
          return does ? admitted(anonymous, '', deadCookies, () => more) : identity;
        }
        const { principal } = identity;
        // A ticket is a URL that somebody opens: it reads.
        if (unsafe && principal.kind === 'path-ticket') return rejectedAs(identity, refuse('forbidden'));
        // A browser sends Basic by itself as well, once it has it.
        if (unsafe && (['cookies', 'basic', 'none'] as readonly string[]).includes(credential.kind)) {
          const provenance = judgeProvenance(headers, gate.own);
          if (provenance.kind === 'refused') return rejectedAs(identity, provenance);
          if (identity.token !== '') {
            const shown = gate.csrfField === undefined ? headers : { 'x-csrf-token': gate.csrfField };
            const judge = principal.kind === 'ticket' ? judgeTicketCsrf : judgeCsrfToken;
            const token = judge(shown, identity.token);
            if (token.kind === 'refused') return rejectedAs(identity, token);
          }
        }
        return entitled(identity, gate);
      });
    },

    readmit: (admission, gate) => {
      const { principal } = admission;
      if (principal.kind === 'anonymous' || principal.kind === 'everybody') return admission;
      return withValue(identify.again(principal, { use: 'looks', client: gate.client }), (identity) =>
        identity.kind === 'refused'
          ? rejectedAs(admission, identity)
          : entitled({ ...admission, principal: identity.principal }, gate),
      );
    },

    admitByTicket: async (shown, client) => {
      const identity = await identify.behind(shown, { use: 'counts', client });
      if (identity.kind === 'refused' || identity.principal.kind !== 'path-ticket') return identity;
      const { parent } = identity.principal;
      const lacks = shown.privileges.some((each) => privilegeStanding(parent, each) === 'lacks');
      return lacks ? rejectedAs(identity, refuse('forbidden')) : dutiful(identity, 'whole');
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
      const asked: Asked = { use: gate.use ?? 'counts', client: gate.client };
      const credential = credentials.proxied(gate);
      const identified =
        gate.goesOnFor === undefined ? identify(credential, asked) : identify.again(gate.goesOnFor, asked);
      return withValue(identified, (identity): Admission => {
        if (identity.kind === 'refused') return identity;
        const { principal } = identity;
        if (!('user' in principal)) return rejected(refuse('unauthorized'));
        const person = personBehind(principal);
        const origin = person?.kind === 'user' ? person.session.origin : null;
        if (origin !== null && gate.origin !== null && origin !== gate.origin) {
          return rejected(refuse('unauthorized', { cause: 'session-of-another-host' }));
        }
        const unsafe = unsafeToApplication(gate);
        if (credential.kind === 'cookies' && unsafe) {
          const provenance = judgeProvenance(gate.headers, [gate.ownOrigin]);
          if (provenance.kind === 'refused') return rejectedAs(identity, provenance);
        }
        const scopes =
          gate.scopes.length > 0
            ? judgeScopes(gate.scopes, principal)
            : judgeUnnamed(unsafe ? 'changes' : 'reads', principal);
        if (scopes.kind === 'refused') return { ...rejectedAs(identity, scopes), denied: principal };
        return dutiful(identity, gate.reach ?? 'whole');
      });
    },
  };
}

/** WebSocket upgrades change things and carry no token, so their Origin must match (3-rules, Proxied requests). */
function unsafeToApplication(gate: ApplicationGate): boolean {
  return gate.exchange === 'socket' || methodSafety(gate.method) === 'unsafe' || opensSocket(gate.headers) === 'socket';
}
