/**
 * Signed tickets as clients of Proxmox products ask for them (PX1 to PX6; 2-http-api, 8): for a password, for a ticket that is
 * still good, for the second factor of a partial ticket; and a question whether a ticket for a path is good. Everything that is
 * wrong is one answer.
 */
import { refuse, type Refusal } from '../../errors.ts';
import { judgeTicketCsrf } from '../../policy/csrf.ts';
import { expireCookie, readCookie, ticketCookieNames } from '../../request/cookie.ts';
import { pathTicketForm } from '../../request/tokens/path-ticket.ts';
import { plainTicket } from '../../request/tokens/proxmox-header.ts';
import { meantAsTicket } from '../../request/tokens/signed-ticket.ts';
import { readUserId, type RealmNames, type UserIdForm } from '../../request/tokens/user-id.ts';
import type { Circumstances, Secret, Username } from '../../types.ts';
import type { TicketHolder } from '../../verify/holders.ts';
import { refreshable } from '../../verify/tickets/signed-tickets.ts';
import { type Call, circumstancesOf, type Outcome } from '../call.ts';
import { giveTicket, handOver, type TicketBody, type TicketParts, told, wrongField } from './giving.ts';
import { answerPartial, askForFactor } from './partial.ts';
import { askAboutPath } from './path.ts';

export async function makeTicket(parts: TicketParts, call: Call<TicketBody>): Promise<Outcome> {
  const { body } = call;
  const circumstances = circumstancesOf(call, '');
  const { password } = body;
  const named = nameIn(body, parts.realmNames);
  if (named.kind === 'malformed') return wrongField('username', 'This is no name of an account.');
  if (password === undefined) return fromCookie(parts, call, named, circumstances);
  if (named.kind === 'missing') return wrongField('username', 'The name is missing.');
  if (body.question !== undefined)
    return askAboutPath(parts, call, { named, password, question: body.question }, circumstances);
  if (body.challenge !== undefined)
    return answerPartial(parts, call, { named, password, challenge: body.challenge }, circumstances);
  if (isTicket(password, parts.ticketPrefix) === 'ticket') {
    const holder = await renewable(parts, { text: password as Secret, username: named.username }, call, circumstances);
    return holder.kind === 'refused' ? holder : renewed(parts, body.form, holder, password as Secret);
  }
  const code = body.otp === '' ? undefined : body.otp;
  const { username } = named;
  const proven = await parts.prover.signIn({ username, password, code, way: 'ticket', kind: 'ticket' }, circumstances);
  switch (proven.kind) {
    case 'refused':
      return told(proven);
    case 'half':
      return askForFactor(parts, call, proven, named);
    case 'user':
      return giveTicket(parts, call, proven.user, named.userId);
  }
}

/** Any name of the realm will do, in the name or beside it. */
function nameIn({ username, realm }: TicketBody, realms: RealmNames): UserIdForm | { readonly kind: 'missing' } {
  if (username === undefined) return { kind: 'missing' };
  if (realm === undefined || realm === '') return readUserId(username, realms);
  const said = username.slice(username.lastIndexOf('@') + 1).toLowerCase();
  const meant = realms.get(realm.toLowerCase());
  const same =
    username.includes('@') && (said === realm.toLowerCase() || (meant !== undefined && realms.get(said) === meant));
  return readUserId(same ? username : `${username}@${realm}`, realms);
}

/** What can be no password, though somebody may show it as one: it goes to nobody who checks passwords. */
function isTicket(text: string, prefix: string): 'ticket' | 'other' {
  return pathTicketForm(text) === 'path-ticket' ? 'ticket' : meantAsTicket(text, prefix);
}

/** From a page: the ticket that no script can read, and what proves that it is our page. */
async function fromCookie(
  parts: TicketParts,
  call: Call<TicketBody>,
  named: UserIdForm | { readonly kind: 'missing' },
  circumstances: Circumstances,
): Promise<Outcome> {
  const { headers } = call.incoming;
  const { host } = ticketCookieNames(parts.ticketPrefix);
  const cookie = readCookie(headers['cookie'], host);
  if (cookie.kind === 'absent') return wrongField('password', 'The password is missing.');
  const text = cookie.kind === 'value' ? plainTicket(cookie.value) : ('' as Secret);
  const username = named.kind === 'account' ? named.username : null;
  const holder = await renewable(parts, { text, username }, call, circumstances);
  // Whoever it is of, a browser that sends it for somebody else has a living one.
  if (holder.kind === 'refused')
    return holder.cause === otherUser ? holder : { ...holder, cookies: [expireCookie(host)] };
  const csrf = judgeTicketCsrf(headers, text);
  // Whatever was asked for: a script that has the token must not get out of the cookie what it cannot read there.
  return csrf.kind === 'refused' ? csrf : renewed(parts, 'cookie', holder, text);
}

const otherUser = 'other-user';

/** `username` null: whose it is says the ticket itself. */
async function renewable(
  parts: TicketParts,
  { text, username }: { readonly text: Secret; readonly username: Username | null },
  call: Pick<Call, 'arrival'>,
  circumstances: Circumstances,
): Promise<Refusal | TicketHolder> {
  const proof = await parts.tickets.verify(text, call.arrival.client);
  if (proof.kind === 'limited') {
    const { retryAfterSeconds } = proof;
    return refuse('rate_limited', { retryAfterSeconds, cause: 'unknown-secrets' });
  }
  const inVain = async (cause: string, is: 'garbage' | 'somebodys'): Promise<Refusal> => ({
    ...(await parts.prover.shownInVain({ userId: null, cause, is }, circumstances)),
    cause,
  });
  if (proof.kind === 'rejected') return inVain(proof.cause, garbage.has(proof.cause) ? 'garbage' : 'somebodys');
  const other = username !== null && proof.user.row.username !== username;
  if (!other && refreshable(proof, parts.clock.now()) === 'goes-on') return proof;
  if (other) parts.unknownSecrets.charge(circumstances.address);
  return inVain(other ? otherUser : 'expired', 'somebodys');
}

/** Nobody had to sign anything for those. */
const garbage: ReadonlySet<string> = new Set(['malformed', 'unknown-key', 'wrong-signature']);

function renewed(parts: TicketParts, form: TicketBody['form'], holder: TicketHolder, text: Secret): Outcome {
  const { user, ticket } = holder;
  parts.recorder.passed({ kind: 'ticket', way: 'ticket' });
  return handOver(parts, form, user.row, ticket.name, parts.tickets.renew(holder, text));
}
