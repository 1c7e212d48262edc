/**
 * Rows of the route table for clients of Proxmox products, once for each form of their answers (2-http-api, 8). How those look
 * is the path's affair (`http/dialects/`).
 */
import { dropTicket, listRealms, tellVersion } from '../../actions/access/open.ts';
import { askAboutConsole } from '../../actions/access/path.ts';
import type { TicketParts } from '../../actions/access/giving.ts';
import { makeTicket } from '../../actions/access/ticket.ts';
import { done } from '../../actions/call.ts';
import type { Need } from '../../policy/need.ts';
import { account, open, type Route } from '../route.ts';
import { consoleTicketBody, ticketBody } from './schemas.ts';
import type { Realms } from '../../realm/realms.ts';

export type TicketRowParts = TicketParts & { readonly version: string; readonly realms: Realms };

export function ticketRows(
  parts: TicketRowParts,
  session: Pick<Extract<Need, { kind: 'account' }>, 'kinds' | 'reach'>,
): readonly Route[] {
  return ['/api2/json', '/api2/extjs'].flatMap((base) => rowsBelow(parts, session, base));
}

function rowsBelow(
  parts: TicketRowParts,
  session: Pick<Extract<Need, { kind: 'account' }>, 'kinds' | 'reach'>,
  base: string,
): readonly Route[] {
  const nobody = { kind: 'nobody' } as const;
  return [
    open({
      method: 'POST',
      path: `${base}/access/ticket`,
      summary:
        'A signed ticket for a password, for one that is still good, or for the second factor of a partial one; with `path`, whether a ticket for a path is good',
      need: nobody,
      works: 'with-accounts',
      form: 'json-or-form',
      body: ticketBody,
      stepUp: 'none',
      refusals: ['invalid_credentials', 'rate_limited', 'busy'],
      action: (call) => makeTicket(parts, call),
    }),
    open({
      method: 'GET',
      path: `${base}/access/ticket`,
      summary: 'Nothing: clients look whether it is there',
      need: nobody,
      works: 'always',
      form: 'none',
      body: null,
      stepUp: 'none',
      refusals: [],
      action: () => done({ data: null }),
    }),
    open({
      method: 'DELETE',
      path: `${base}/access/ticket`,
      summary: 'Sign out: a living ticket is over for good, its cookie goes in any case',
      need: { kind: 'anybody' },
      works: 'always',
      form: 'json-or-form',
      reads: 'tickets',
      body: null,
      stepUp: 'none',
      refusals: [],
      action: (call) => dropTicket(parts, call),
    }),
    open({
      method: 'POST',
      path: `${base}/access/vncticket`,
      summary: 'Whether a ticket for a path is good for that account, path, port and those privileges; spends it',
      need: nobody,
      works: 'with-accounts',
      form: 'json-or-form',
      body: consoleTicketBody,
      stepUp: 'none',
      refusals: ['invalid_credentials', 'rate_limited'],
      action: (call) => askAboutConsole(parts, call),
    }),
    open({
      method: 'GET',
      path: `${base}/access/domains`,
      summary: 'Realms to sign in to',
      need: nobody,
      works: 'always',
      form: 'none',
      body: null,
      stepUp: 'none',
      refusals: [],
      action: () => listRealms(parts),
    }),
    account({
      method: 'GET',
      path: `${base}/version`,
      summary: 'The version of this server, to whoever has an account',
      need: { ...session, kind: 'account', scope: 'any' },
      works: 'with-accounts',
      form: 'none',
      body: null,
      stepUp: 'none',
      refusals: [],
      action: () => tellVersion(parts),
    }),
  ];
}
