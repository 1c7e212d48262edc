/**
 * One-use tickets in a URL, for what cannot carry a header: sockets and downloads (2-http-api, 3. Ways in). Pure.
 * Stops: a ticket that works at another spelling of its path, and an application's own `ticket` taken for ours.
 */
import { newSecret, type Random } from '../../crypto/random.ts';
import type { Secret } from '../../types.ts';

const prefix = 'spp_';
const form = /^spp_[A-Za-z0-9_-]{43}$/;

export function newPathTicket(random: Random): Secret {
  return `${prefix}${newSecret(random)}` as Secret;
}

/** What is shown by itself, and not in a URL. */
export function pathTicketForm(text: string): 'path-ticket' | 'other' {
  return form.test(text) ? 'path-ticket' : 'other';
}

export type ShownTicket =
  | { readonly kind: 'none' }
  /** There is one, and it cannot be one of ours; or there are two. */
  | { readonly kind: 'foreign' | 'repeated' }
  | { readonly kind: 'ticket'; readonly ticket: Secret; readonly path: string };

const none: ShownTicket = { kind: 'none' };

/** Pure predicate on a query. What reads it and what takes it away know the same spellings. */
function mayName(target: string, mark: number): boolean {
  return target.includes('ticket', mark) || target.includes('%', mark);
}

/** What the query of a request's target shows. */
export function shownTicket(target: string): ShownTicket {
  const mark = target.indexOf('?');
  if (mark === -1 || !mayName(target, mark)) return none;
  const all = new URLSearchParams(target.slice(mark + 1)).getAll('ticket');
  const ours = all.filter((each) => form.test(each));
  const [ticket] = ours;
  if (ticket === undefined) return all.length === 0 ? none : { kind: 'foreign' };
  return all.length > 1
    ? { kind: 'repeated' }
    : { kind: 'ticket', ticket: ticket as Secret, path: target.slice(0, mark) };
}

/** The target without tickets of ours, as it may go on to an application; everything else stays byte by byte. */
export function withoutTickets(target: string): string {
  const mark = target.indexOf('?');
  if (mark === -1 || !mayName(target, mark)) return target;
  const kept = target
    .slice(mark + 1)
    .split('&')
    .filter((pair) => !new URLSearchParams(pair).getAll('ticket').some((each) => form.test(each)));
  return kept.length === 0 ? target.slice(0, mark) : `${target.slice(0, mark)}?${kept.join('&')}`;
}

export type PathForm = { readonly kind: 'malformed' } | { readonly kind: 'path'; readonly path: string };

const pathLimit = 2048;

/** A path as requests spell it: compared byte by byte, so one that any hop would rewrite is refused. */
export function parseTicketPath(text: string): PathForm {
  const plain = text.length <= pathLimit && /^\/(?!\/)[\x21-\x7e]*$/.test(text) && !/[?#\\]/.test(text);
  const dots = /(^|\/)(\.|%2e){1,2}(\/|$)/i.test(text);
  return plain && !dots ? { kind: 'path', path: text } : { kind: 'malformed' };
}
