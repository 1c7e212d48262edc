/** `sallyport key …`: the keys of the installation, from the host. */
import { hostKeys } from '../../actions/keys/host.ts';
import { hostCommand } from '../host/command.ts';
import { readKeyArguments } from './arguments.ts';
import { told } from './told.ts';

export const key = hostCommand({
  summary: 'list keys, or replace the service key',
  help: [
    'Usage: sallyport key list',
    '       sallyport key rotate service',
    '',
    'Both take --json and --data FOLDER, and work with the server running or not.',
    '',
    '  list    what each key is for, when it was made, and whether it is in use. An old one still opens what was made',
    '          under it. The keys themselves are never shown.',
    '  rotate  makes another service key and writes its file. The old one is dead at once, on all nodes, and so is every',
    '          user key derived from it. Keys for other purposes cannot be rotated by this version.',
  ].join('\n'),
  read: readKeyArguments,
  path: '/key',
  onStopped: hostKeys,
  told,
});
