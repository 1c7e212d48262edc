/**
 * Whether a ticket for a path is good, asked by a program that somebody showed it to (PX6; 2-http-api, 8): for that path and port,
 * for no more privileges than it was made for, once, and as long as whoever asked for it has them.
 */
import { refuse, type Refusal } from '../../errors.ts';
import { pathTicketForm } from '../../request/tokens/path-ticket.ts';
import { readUserId } from '../../request/tokens/user-id.ts';
import type { Circumstances, Secret, Username } from '../../types.ts';
import { type Call, circumstancesOf, done, type Outcome } from '../call.ts';
import {
  capOf,
  inCookie,
  type Named,
  type PathQuestion,
  type TicketBody,
  type TicketParts,
  wrongField,
} from './giving.ts';

type Asking = Pick<TicketParts, 'guard' | 'prover' | 'unknownSecrets'>;

export async function askAboutPath(
  parts: Asking,
  call: Call<TicketBody>,
  asked: { readonly named: Named; readonly password: string; readonly question: PathQuestion },
  circumstances: Circumstances,
): Promise<Outcome> {
  const { named, password, question } = asked;
  const found = await behind(parts, call, { username: named.username, ticket: password, question }, circumstances);
  if (found.kind === 'refused') return found;
  const { userId: username } = named;
  const { headers } = found;
  return call.body.form === 'cookie'
    ? done(inCookie({ username }), { headers })
    : // What was asked for and is so: whoever is behind it may have more, and an API token less than its owner.
      done({ data: { username, cap: capOf(question) } }, { headers });
}

export interface ConsoleTicketBody {
  readonly authid: string;
  readonly vncticket: string;
  readonly question: PathQuestion;
}

/** The same question under another name; there is nothing to say but that it is. */
export async function askAboutConsole(
  parts: Asking & Pick<TicketParts, 'realmNames'>,
  call: Call<ConsoleTicketBody>,
): Promise<Outcome> {
  const { authid, vncticket: ticket, question } = call.body;
  const named = readUserId(authid, parts.realmNames);
  if (named.kind === 'malformed') return wrongField('authid', 'This is no name of an account.');
  const { username } = named;
  const found = await behind(parts, call, { username, ticket, question }, circumstancesOf(call, ''));
  return found.kind === 'refused' ? found : done({ data: null }, { headers: found.headers });
}

async function behind(
  parts: Asking,
  call: Pick<Call, 'arrival'>,
  shown: { readonly username: Username; readonly ticket: string; readonly question: PathQuestion },
  circumstances: Circumstances,
): Promise<Refusal | { readonly kind: 'found'; readonly headers: readonly string[] }> {
  const inVain = (cause: string, is: 'garbage' | 'somebodys'): Promise<Refusal> =>
    parts.prover.shownInVain({ userId: null, cause, is }, circumstances);
  const { client } = call.arrival;
  if (pathTicketForm(shown.ticket) === 'other') {
    const standing = parts.unknownSecrets.standing(circumstances.address);
    if (standing.kind === 'limited')
      return refuse('rate_limited', { retryAfterSeconds: standing.retryAfterSeconds, cause: 'unknown-secrets' });
    parts.unknownSecrets.charge(circumstances.address);
    return inVain('malformed', 'garbage');
  }
  const admission = await parts.guard.admitByTicket({ ticket: shown.ticket as Secret, ...shown.question }, client);
  if (admission.kind === 'refused')
    return admission.code === 'rate_limited' ? admission : inVain(admission.cause ?? admission.code, 'garbage');
  const { principal } = admission;
  return 'user' in principal && principal.user.row.username === shown.username
    ? { kind: 'found', headers: admission.headers() }
    : inVain('other-user', 'somebodys');
}
