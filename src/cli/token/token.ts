/** `sallyport token …`: API tokens from the host. */
import { hostTokens } from '../../actions/tokens/host.ts';
import { hostCommand } from '../host/command.ts';
import { readTokenArguments } from './arguments.ts';
import { told } from './told.ts';

export const token = hostCommand({
  summary: 'list, make, change, rotate or revoke API tokens',
  help: [
    'Usage: sallyport token list [--user USERNAME] [--limit N] [--before ID]',
    '       sallyport token show ID',
    '       sallyport token create NAME --user USERNAME [--scope read_only|full_admin|SCOPE]…',
    '                              [--expires-in-days N | --never] [--address NETWORK]…',
    '                              [--per-minute N] [--per-hour N]',
    '       sallyport token enable ID | disable ID',
    '       sallyport token rotate ID [--overlap-seconds N]',
    '       sallyport token revoke ID',
    '',
    'All take --json and --data FOLDER, and work with the server running or not.',
    '',
    '  create   prints the secret, this once, alone on the last line. It acts as that user: read_only unless it is said',
    '           otherwise, for 365 days, from anywhere, 600 requests a minute and 20000 an hour.',
    '  disable  it is refused from the next request on, until it is enabled again.',
    '  rotate   prints a new secret, alone on the last line. The old one is dead, or good for so many seconds more.',
    '  revoke   it is refused from the next request on, for good. The same as delete and remove.',
  ].join('\n'),
  read: readTokenArguments,
  path: '/token',
  onStopped: hostTokens,
  told,
});
