/** `sallyport ticket …` read. */
import type { TicketCommand } from '../../actions/access/host.ts';
import { readAction, type Reading } from '../host/arguments.ts';

export function readTicketArguments(argv: readonly string[]): Reading<TicketCommand> {
  const actions = { show: { flags: [], after: 'TICKET' } } as const;
  const read = readAction(argv, { name: 'ticket', flags: {}, actions, aliases: new Map() });
  if (read.kind === 'wrong') return read;
  const { action, names, json, settings } = read;
  const [ticket = ''] = names;
  return { kind: 'read', command: { action, ticket }, json, settings };
}
