/** `sallyport user …`: accounts from the host. */
import { type HostCommand, hostUsers } from '../../actions/people/host.ts';
import type { Command } from '../command.ts';
import { askOnce, type HostLine, withHost } from '../host/command.ts';
import { readUserArguments, type SingleAsked, type UserAsked } from './arguments.ts';
import { exportFile } from './files/export.ts';
import { importFile } from './files/import.ts';
import { told } from './told.ts';

const line: HostLine<UserAsked, HostCommand> = { read: readUserArguments, path: '/user', onStopped: hostUsers };

export const user: Command = {
  summary: 'list, make, invite, change, unlock, delete, import or export accounts',
  help: [
    'Usage: sallyport user list [--matching TEXT] [--limit N] [--after NAME]',
    '       sallyport user show NAME',
    '       sallyport user add NAME [--email ADDRESS] [--display-name TEXT] [--group G]… [--privilege P]…',
    '       sallyport user invite NAME | reset NAME',
    '       sallyport user enable NAME | disable NAME | delete NAME',
    '       sallyport user grant NAME PRIVILEGE… | revoke NAME PRIVILEGE…',
    '       sallyport user reset-factors NAME | unlock NAME',
    '       sallyport user import FILE [--dry-run] | export [FILE]',
    '',
    'All take --json and --data FOLDER, and work with the server running or not.',
    '',
    '  invite         prints a link by which its owner sets the first password: 72 hours, once. With a mail server it is',
    '                 mailed, too, by the running server. For whoever has a password it is the same as reset.',
    '  reset          prints a link by which its owner sets a new password: 1 hour, once. The second factor stays.',
    '  grant, revoke  the privilege "admin" makes an administrator. The last active one stays one.',
    '  reset-factors  takes all second factors and recovery codes away, and ends all sessions.',
    '  unlock         forgets the failed attempts that were counted for that name, from wherever they came. Networks that',
    '                 are blocked stay blocked: lift those in the console, or wait.',
    '  import         makes an account of every row of a CSV file (- for standard input): columns username, email, name,',
    '                 privileges, groups (; between words), active, password_hash, of which only the first is needed. Says',
    '                 which rows were refused, and ends with 1 when there are any; --dry-run makes none.',
    '  export         writes such a file of everybody, without hashes, to FILE or to standard output.',
  ].join('\n'),
  run: (invocation) =>
    withHost<UserAsked, HostCommand>(invocation, line, (use) => {
      const { command } = use;
      if (command.action === 'import') return importFile({ ...use, command });
      if (command.action === 'export') return exportFile({ ...use, command });
      return askOnce<SingleAsked>({ ...use, command }, told);
    }),
};
