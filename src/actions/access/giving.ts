/**
 * How a signed ticket is handed over, in the body or in a cookie that no script can read (PX1, PX2; 2-http-api, 8), and what the
 * answers of the ticket routes have in common.
 */
import { refuse, type Refusal } from '../../errors.ts';
import type { Guard } from '../../guard.ts';
import { setCookie, ticketCookieNames } from '../../request/cookie.ts';
import type { RealmNames, UserIdForm } from '../../request/tokens/user-id.ts';
import type { UserRow } from '../../store/rows.ts';
import { networkUse } from '../../verify/acquaintance.ts';
import type { Memory } from '../../verify/known/contract.ts';
import type { IssuedTicket, Tickets } from '../../verify/tickets/contract.ts';
import { type Call, done, type Outcome, whence } from '../call.ts';
import type { SecondStepParts } from '../signing-in/second-step.ts';

export interface TicketParts extends SecondStepParts {
  readonly ticketPrefix: string;
  readonly tickets: Tickets;
  readonly realmNames: RealmNames;
  readonly guard: Pick<Guard, 'admitByTicket'>;
  readonly memory: Pick<Memory, 'loadUser'>;
}

export interface TicketBody {
  readonly username?: string | undefined;
  readonly realm?: string | undefined;
  /** Or a ticket, or the answer to a partial one, or a ticket for a path. */
  readonly password?: string | undefined;
  readonly otp?: string | undefined;
  readonly challenge?: string | undefined;
  /** `cookie`: the ticket goes where no script can read it. */
  readonly form: 'body' | 'cookie';
  readonly question?: PathQuestion | undefined;
}

/** What a program asks about a ticket for a path. */
export interface PathQuestion {
  readonly path: string;
  readonly privileges: readonly string[];
  readonly port: number | null;
}

/** Whose ticket is asked for. */
export type Named = Exclude<UserIdForm, { kind: 'malformed' }>;

/** The same whatever was wrong. */
export const notAuthenticated: Refusal = refuse('invalid_credentials');

/** What a secret that was typed was refused with says no more here than that. */
export function told(refusal: Refusal): Refusal {
  return refusal.code === 'invalid_credentials' ? notAuthenticated : refusal;
}

/** The end of a sign-in. What changed since the password was right counts, and is looked at once more. */
export async function giveTicket(
  parts: TicketParts,
  call: Call<TicketBody>,
  user: UserRow,
  name: string,
): Promise<Outcome> {
  const asProven = async (): Promise<UserRow | null> => {
    const loaded = await parts.memory.loadUser(user.username);
    if (loaded.kind === 'unknown') return null;
    const { row } = loaded.user;
    const same = row.id === user.id && row.active && row.credentialGeneration === user.credentialGeneration;
    return same ? row : null;
  };
  if ((await asProven()) === null) return notAuthenticated;
  const { address, peer } = whence(call);
  const at = parts.clock.now();
  await parts.store.noteAccepted({
    userId: user.id,
    network: networkUse(address, parts.clock),
    attempt: { userId: user.id, address, way: 'password', result: 'ok', at },
    audit: parts.recorder.event({
      event: 'signed-in',
      actor: user.id,
      address,
      peer,
      way: 'password',
      target: user.id,
    }),
  });
  // Ends that could not be written before were written first: it is of after them.
  const row = await asProven();
  if (row === null) return notAuthenticated;
  parts.recorder.passed({ kind: 'ticket', way: 'password' });
  return handOver(parts, call.body.form, row, name, parts.tickets.issue(row, name));
}

export function handOver(
  parts: TicketParts,
  form: TicketBody['form'],
  user: UserRow,
  name: string,
  { text, info, csrf, expiresAt }: IssuedTicket,
): Outcome {
  if (form === 'body') {
    const cap = capOf(user);
    return done({ data: { username: name, ticket: text, CSRFPreventionToken: csrf, cap } });
  }
  const { host } = ticketCookieNames(parts.ticketPrefix);
  return done(inCookie({ username: name, 'ticket-info': info, CSRFPreventionToken: csrf }), {
    cookies: [setCookie(host, text, { scheme: 'https', sameSite: 'Lax', expiresAt })],
  });
}

/** Privileges by path, as clients expect them; ours are good everywhere. */
export function capOf({
  privileges,
}: Pick<UserRow, 'privileges'>): Readonly<Record<string, Readonly<Record<string, 1>>>> {
  return { '/': Object.fromEntries(privileges.map((each) => [each, 1])) };
}

/** Around every answer of that form, whatever the path's own is. */
export function inCookie(data: object | null): Readonly<Record<string, unknown>> {
  return { data, status: 200 };
}

export function wrongField(name: string, detail: string): Refusal {
  return refuse('invalid_request', { detail, errors: { [name]: detail } });
}
