/**
 * Step 6a: does an unsafe request come from our own pages? (2-http-api, 3.) Pure.
 * Stops: cross-site and same-site forgery, sign-in forgery, cross-site WebSocket hijacking.
 */
import { compareDigests, type Comparison, csrfToken } from '../crypto/digest.ts';
import { refuse, type Refusal } from '../errors.ts';
import { header, type HeaderMap } from '../request/incoming.ts';
import { checkTicketCsrf } from '../request/tokens/signed-ticket.ts';
import type { Origin, Secret } from '../types.ts';

export type Provenance = Refusal | { readonly kind: 'ours' };

const ours: Provenance = { kind: 'ours' };
const foreign: Refusal = refuse('csrf_failed', { cause: 'foreign-origin' });

/**
 * Fetch Metadata first, Origin second; a client with neither is no browser and is judged by its token alone.
 * `none` is a person's own navigation, which is never unsafe.
 */
export function judgeProvenance(headers: HeaderMap, own: readonly Origin[]): Provenance {
  const site = header(headers, 'sec-fetch-site');
  if (site !== undefined && site !== 'same-origin') return foreign;
  const origin = header(headers, 'origin');
  if (origin !== undefined && !own.some((each) => each === origin)) return foreign;
  return ours;
}

/** The token that only a page which may read our answers can know. */
export function judgeCsrfToken(headers: HeaderMap, sessionToken: Secret): Provenance {
  const check = (shown: string): Comparison => compareDigests(shown, csrfToken(sessionToken));
  return judgeShown(header(headers, 'x-csrf-token'), check, 'X-CSRF-Token');
}

/** The same of a signed ticket, under the name that its clients know. */
export function judgeTicketCsrf(headers: HeaderMap, ticket: Secret): Provenance {
  const shown = header(headers, 'csrfpreventiontoken') ?? header(headers, 'x-csrf-token');
  return judgeShown(shown, (text) => checkTicketCsrf(ticket, text), 'CSRFPreventionToken');
}

function judgeShown(shown: string | undefined, check: (shown: string) => Comparison, name: string): Provenance {
  if (shown === undefined)
    return refuse('csrf_failed', { detail: `The header ${name} is missing.`, cause: 'no-token' });
  return check(shown).kind === 'equal' ? ours : refuse('csrf_failed', { cause: 'wrong-token' });
}
