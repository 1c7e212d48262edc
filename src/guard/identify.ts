/**
 * Steps 2 to 5 for what a request carries: may it be tried, is it genuine and in force, whose is it, and is its owner still
 * entitled to it? Of tokens it is asked in this order: format, secret, active, expiry, address, owner, rate (3-rules, API
 * tokens); what it may do comes after, and is the guard's.
 */
import { refuse } from '../errors.ts';
import { judgeKind } from '../policy/need.ts';
import { type ActingPrincipal, anonymous, type UserPrincipal } from '../principal/principal.ts';
import type { Recorder } from '../record/recorder.ts';
import type { Client } from '../request/address.ts';
import type { CookieCandidate, Credential } from '../request/credential.ts';
import { readUserId, type RealmNames } from '../request/tokens/user-id.ts';
import { rateLimitHeaders } from '../throttle/tokens/rate-limit-headers.ts';
import type { Spending, TokenLimits } from '../throttle/token-limits.ts';
import type { Digest, MaybePromise, Secret, SessionKind } from '../types.ts';
import type { TokenProof, TokenVerifier } from '../verify/api-token.ts';
import type { TokenHolder } from '../verify/holders.ts';
import type { PathTicketShown, PathTicketVerifier } from '../verify/path-ticket.ts';
import type { TicketProof, Tickets } from '../verify/tickets/contract.ts';
import type { SessionProof, SessionVerifier, Shown, Use } from '../verify/session.ts';
import type { BasicDoor, BasicProof, BasicVerifier } from './basic.ts';
import { type Admission, admitted, nothing, rejected, withValue, tooManyUnknown } from './admission.ts';

export interface IdentifyParts {
  readonly sessions: SessionVerifier;
  readonly tokens: TokenVerifier;
  readonly pathTickets: PathTicketVerifier;
  readonly tickets: Tickets;
  readonly realms: RealmNames;
  readonly tokenLimits: TokenLimits;
  readonly kinds: ReadonlyMap<string, SessionKind>;
  readonly basic: BasicVerifier;
  readonly recorder: Pick<Recorder, 'tokenRefused'>;
}

export interface Asked {
  readonly use: Use;
  /** Whose failures a secret that nobody knows is counted with. */
  readonly client: () => Client;
  /** Undefined where Basic is none of ours. */
  readonly basic?: BasicDoor | undefined;
}

export interface Identify {
  (credential: Credential, asked: Asked): MaybePromise<Admission>;
  /** Whoever was found before, as of now; of a ticket, which is spent, whether somebody is still behind it. */
  again(principal: ActingPrincipal, asked: Asked): MaybePromise<Admission>;
  /** Whoever is behind a ticket for a path, which is spent by that. */
  behind(shown: PathTicketShown, asked: Asked): Promise<Admission>;
}

export function identifier(parts: IdentifyParts): Identify {
  const { sessions, tokens, tokenLimits, kinds } = parts;

  const entitled = (principal: UserPrincipal, token: Secret | '', deadCookies: readonly string[]): Admission => {
    const kind = kinds.get(principal.session.kind);
    if (kind === undefined) return rejected(refuse('session_expired', { cause: 'kind-unknown' }), deadCookies);
    const judged = judgeKind(principal, kind.privilege);
    return judged.kind === 'refused'
      ? { ...rejected(judged, deadCookies), denied: principal }
      : admitted(principal, token, deadCookies);
  };

  /** A dead cookie counts as absent when another of ours is alive; all dead ones are expired by the answer. */
  const firstAlive = (
    candidates: readonly CookieCandidate[],
    at: number,
    dead: readonly string[],
    cause: string,
    asked: Asked,
  ): MaybePromise<Admission> => {
    const candidate = candidates[at];
    if (candidate === undefined) return rejected(refuse('session_expired', { cause }), dead);
    const { sessionKind, token, cookie } = candidate;
    const { use, client } = asked;
    const next = (why: string): MaybePromise<Admission> =>
      firstAlive(candidates, at + 1, [...dead, cookie], why, asked);
    if (sessionKind === null) {
      const ticket: MaybePromise<TicketProof> =
        token === '' ? { kind: 'rejected', cause: 'malformed' } : parts.tickets.verify(token, client);
      return withValue(ticket, (judged) => {
        if (judged.kind === 'limited') return tooManyUnknown(judged);
        return judged.kind === 'rejected' ? next(judged.cause) : admitted(judged, token, dead);
      });
    }
    const shown: Shown = { use, client, transport: 'cookie', sessionKind };
    const proof: MaybePromise<SessionProof> =
      token === '' ? { kind: 'rejected', cause: 'unknown' } : sessions.verify(token, shown);
    return withValue(proof, (judged) => {
      if (judged.kind === 'limited') return tooManyUnknown(judged);
      return judged.kind === 'rejected' ? next(judged.cause) : entitled(judged, token, dead);
    });
  };

  const bySession = (proof: SessionProof, token: Secret | ''): Admission => {
    if (proof.kind === 'limited') return tooManyUnknown(proof);
    return proof.kind === 'rejected'
      ? rejected(refuse('invalid_token', { cause: proof.cause }))
      : entitled(proof, token, nothing);
  };

  const spent = (holder: TokenHolder, spending: Spending, { client }: Asked, shown: Secret | ''): Admission => {
    const { quota } = spending;
    if (spending.kind === 'spent') {
      tokens.noteUse(holder.token, client().address);
      return admitted(holder, '', nothing, () => rateLimitHeaders(quota), shown);
    }
    const { retryAfterSeconds } = spending;
    const { minute, hour } = quota;
    parts.recorder.tokenRefused('limited');
    return rejected(
      refuse('rate_limited', {
        detail: 'This token has made as many requests as it may. Wait, then go on.',
        retryAfterSeconds,
        headers: rateLimitHeaders(quota),
        cause: 'token-limit',
        fields: {
          limit_per_minute: minute.limit,
          limit_per_hour: hour.limit,
          remaining_per_minute: minute.remaining,
          remaining_per_hour: hour.remaining,
        },
      }),
    );
  };

  const byToken = (proof: TokenProof, asked: Asked, shown: Secret | ''): MaybePromise<Admission> => {
    switch (proof.kind) {
      case 'limited':
        return tooManyUnknown(proof);
      case 'rejected':
        parts.recorder.tokenRefused(proof.cause);
        return rejected(refuse('invalid_token', { cause: proof.cause }));
      case 'off-list':
        parts.recorder.tokenRefused('off-list');
        return { ...rejected(refuse('address_denied', { cause: 'off-list' })), denied: proof.holder };
      case 'token': {
        // What goes on is no further request.
        if (asked.use !== 'counts') return admitted(proof);
        return withValue(tokenLimits.spend(proof.token), (spending) => spent(proof, spending, asked, shown));
      }
    }
  };

  const byApiToken = (token: Secret, asked: Asked): MaybePromise<Admission> =>
    withValue(tokens.verify(token, asked.client), (proof) => byToken(proof, asked, token));

  const bySignedTicket = (proof: TicketProof, shown: Secret | ''): Admission => {
    if (proof.kind === 'limited') return tooManyUnknown(proof);
    return proof.kind === 'rejected'
      ? rejected(refuse('invalid_token', { cause: proof.cause }))
      : admitted(proof, '', nothing, undefined, shown);
  };

  /** The secret finds the token; whose it is and what it is called has to be right as well, before anything is counted for it. */
  const byNamedToken = (
    { token, userId, name }: Extract<Credential, { kind: 'named-token' }>,
    asked: Asked,
  ): MaybePromise<Admission> =>
    withValue(tokens.verify(token, asked.client), (proof) => {
      const holder = proof.kind === 'off-list' ? proof.holder : proof.kind === 'token' ? proof : undefined;
      return holder === undefined || isCalled(holder, userId, name) === 'so'
        ? byToken(proof, asked, token)
        : unusable('other-name');
    });

  const isCalled = ({ user, token }: TokenHolder, userId: string, name: string): 'so' | 'otherwise' => {
    const said = readUserId(userId, parts.realms);
    return said.kind === 'account' && said.username === user.row.username && token.name === name ? 'so' : 'otherwise';
  };

  /** However it came. */
  const verifySession = (key: Digest, asked: Asked): MaybePromise<SessionProof> =>
    sessions.verifyDigest(key, { ...asked, transport: undefined, sessionKind: undefined });

  const byParent = (
    { kind, digest }: { readonly kind: 'session' | 'token'; readonly digest: Digest },
    asked: Asked,
  ): MaybePromise<Admission> => {
    const identity =
      kind === 'token'
        ? withValue(tokens.verifyDigest(digest, asked.client), (proof) => byToken(proof, asked, ''))
        : withValue(verifySession(digest, asked), (proof) => bySession(proof, ''));
    return withValue(identity, (judged): Admission => {
      if (judged.kind === 'refused') return judged;
      const parent = judged.principal;
      if (parent.kind !== 'user' && parent.kind !== 'token') return rejected(refuse('invalid_token'));
      return { ...judged, principal: { kind: 'path-ticket', user: parent.user, parent, via: 'path-ticket' } };
    });
  };

  const behind = async (shown: PathTicketShown, asked: Asked): Promise<Admission> => {
    const proof = await parts.pathTickets.spend(shown, asked.client);
    switch (proof.kind) {
      case 'limited':
        return tooManyUnknown(proof);
      case 'rejected':
        return rejected(refuse('invalid_token', { cause: proof.cause }));
      case 'spent':
        return byParent(proof.parent, asked);
    }
  };

  /** `secret`: what was shown, as it was shown. */
  const byBasic = (proof: BasicProof, secret: string): Admission =>
    proof.kind === 'refused' ? rejected(proof) : admitted(proof, '', nothing, undefined, secret as Secret);

  const unusable = (cause: 'malformed' | 'other-name' = 'malformed'): Admission => {
    parts.recorder.tokenRefused(cause);
    return rejected(refuse('invalid_token', { cause }));
  };

  const identify = (credential: Credential, asked: Asked): MaybePromise<Admission> => {
    switch (credential.kind) {
      case 'none':
        return admitted(anonymous);
      case 'malformed':
        return rejected(refuse('invalid_request', { detail: credential.detail }));
      case 'unusable-header':
        return unusable();
      case 'basic':
        return asked.basic === undefined
          ? unusable()
          : withValue(parts.basic.verify(credential, asked.basic), (proof) => byBasic(proof, credential.encoded));
      case 'api-token':
        return byApiToken(credential.token, asked);
      case 'named-token':
        return byNamedToken(credential, asked);
      case 'signed-ticket': {
        const { ticket } = credential;
        return withValue(parts.tickets.verify(ticket, asked.client), (proof) => bySignedTicket(proof, ticket));
      }
      case 'path-ticket':
        return behind({ ticket: credential.ticket, path: credential.path, privileges: [], port: null }, asked);
      case 'bearer': {
        const { token } = credential;
        const shown: Shown = { ...asked, transport: 'bearer', sessionKind: undefined };
        return withValue(sessions.verify(token, shown), (proof) => bySession(proof, token));
      }
      case 'cookies':
        return firstAlive(credential.candidates, 0, nothing, 'absent', asked);
    }
  };

  const again = (principal: ActingPrincipal, asked: Asked): MaybePromise<Admission> => {
    switch (principal.kind) {
      case 'user':
        return withValue(verifySession(principal.session.digest, asked), (proof) => {
          const judged = bySession(proof, '');
          return judged.kind === 'refused' &&
            judged.code === 'invalid_token' &&
            principal.session.transport === 'cookie'
            ? { ...judged, code: 'session_expired' }
            : judged;
        });
      case 'token':
        return withValue(tokens.verifyDigest(principal.shown, asked.client), (proof) => byToken(proof, asked, ''));
      case 'basic':
      case 'service':
        return withValue(parts.basic.again(principal), (proof) => byBasic(proof, ''));
      case 'ticket':
        return withValue(parts.tickets.again(principal, asked.client), (proof) => bySignedTicket(proof, ''));
      case 'path-ticket': {
        const { parent } = principal;
        return parent.kind === 'token'
          ? byParent({ kind: 'token', digest: parent.shown }, asked)
          : byParent({ kind: 'session', digest: parent.session.digest }, asked);
      }
    }
  };

  return Object.assign(identify, { again, behind });
}
