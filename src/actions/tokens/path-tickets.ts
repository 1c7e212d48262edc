/** Tickets for one request to one path, asked for by whoever will make it (PM13; 2-http-api, 5). */
import { digest } from '../../crypto/digest.ts';
import type { Random } from '../../crypto/random.ts';
import { refuse } from '../../errors.ts';
import { privilegeStanding } from '../../principal/scopes.ts';
import { newPathTicket, parseTicketPath } from '../../request/tokens/path-ticket.ts';
import type { Store } from '../../store/store.ts';
import type { Clock, Millis } from '../../types.ts';
import { type AccountCall, done, type Outcome } from '../call.ts';
import { timeText } from '../issue-session.ts';

export interface PathTicketParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
}

interface PathTicketBody {
  readonly path: string;
  readonly ttl_seconds: number;
  /** What it may be shown for where a program asks about it; in a URL it is good with any. */
  readonly privileges?: readonly string[] | undefined;
  /** With one it is good there alone, and in no URL. */
  readonly port?: number | undefined;
}

/** Unspent ones of one session or token: pages that open several sockets at once. */
const unspentCap = 20;

export async function issuePathTicket(
  { store, clock, random }: PathTicketParts,
  { principal, body }: AccountCall<PathTicketBody>,
): Promise<Outcome> {
  const form = parseTicketPath(body.path);
  if (form.kind === 'malformed')
    return refuse('invalid_request', { detail: '"path" is a path as requests spell it, without query: /reports/7.' });
  // It dies with a session or a token: whoever shows neither has nothing that it could hang on, and a ticket makes no tickets.
  if (principal.kind !== 'user' && principal.kind !== 'token')
    return refuse('forbidden', { detail: 'A ticket hangs on a session or an API token: ask with one of those.' });
  const privileges = body.privileges ?? [];
  if (privileges.some((each) => privilegeStanding(principal, each) === 'lacks'))
    return refuse('forbidden', { detail: 'A ticket is for privileges that whoever asks for it holds.' });
  const ticket = newPathTicket(random);
  const expiresAt = (clock.now() + body.ttl_seconds * 1000) as Millis;
  const parent =
    principal.kind === 'token'
      ? ({ kind: 'token', digest: principal.shown } as const)
      : ({ kind: 'session', digest: principal.session.digest } as const);
  await store.issuePathTicket(
    {
      digest: digest(ticket),
      userId: principal.user.row.id,
      parent,
      path: form.path,
      privileges,
      port: body.port ?? null,
      expiresAt,
    },
    unspentCap,
  );
  return done(
    { ticket, ttl_seconds: body.ttl_seconds, expires_at: timeText(expiresAt) },
    { status: 201, secrets: ['ticket'] },
  );
}
