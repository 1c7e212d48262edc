/** `sallyport user …`: accounts from the host. */
import { hostUsers } from '../../actions/people/host.ts';
import { hostCommand } from '../host/command.ts';
import { readUserArguments } from './arguments.ts';
import { told } from './told.ts';

export const user = hostCommand({
  summary: 'list, make, invite, change, unlock or delete accounts',
  help: [
    'Usage: sallyport user list [--matching TEXT] [--limit N] [--after NAME]',
    '       sallyport user show NAME',
    '       sallyport user add NAME [--email ADDRESS] [--display-name TEXT] [--group G]… [--privilege P]…',
    '       sallyport user invite NAME | reset NAME',
    '       sallyport user enable NAME | disable NAME | delete NAME',
    '       sallyport user grant NAME PRIVILEGE… | revoke NAME PRIVILEGE…',
    '       sallyport user reset-factors NAME | unlock NAME',
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
  ].join('\n'),
  read: readUserArguments,
  path: '/user',
  onStopped: hostUsers,
  told,
});
