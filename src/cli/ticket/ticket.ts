/** `sallyport ticket …`: a signed ticket looked at from the host. */
import { hostTickets, type TicketCommand } from '../../actions/access/host.ts';
import type { Command } from '../command.ts';
import { askOnce, type HostLine, withHost } from '../host/command.ts';
import { readTicketArguments } from './arguments.ts';
import { told } from './told.ts';

const line: HostLine<TicketCommand> = { read: readTicketArguments, path: '/ticket', onStopped: hostTickets };

/** Longer than any ticket, with whatever is around it. */
const mostCharacters = 16_384;

export const ticket: Command = {
  summary: 'look at a signed ticket: whose it is, and whether it is good',
  help: [
    'Usage: sallyport ticket show TICKET',
    '',
    'Takes --json and --data FOLDER, and works with the server running or not.',
    '',
    '  show  whose it is, when it was made and when it ends, which key signed it, and whether it is good. Nothing changes.',
    '        A ticket lets its holder in: write - for it and give it on standard input, so that it does not stand in the',
    '        list of processes.',
  ].join('\n'),
  run: (invocation) =>
    withHost(invocation, line, async (use) => {
      const shown = use.command.ticket === '-' ? await standardInput() : use.command.ticket;
      return askOnce({ ...use, command: { ...use.command, ticket: shown } }, told);
    }),
};

async function standardInput(): Promise<string> {
  let text = '';
  for await (const part of process.stdin.setEncoding('utf8')) {
    text += String(part);
    if (text.length > mostCharacters) break;
  }
  return text.slice(0, mostCharacters).trim();
}
