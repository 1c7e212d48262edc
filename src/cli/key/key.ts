/** `sallyport key …`: the keys of the installation, from the host. */
import { hostKeys } from '../../actions/keys/host.ts';
import { hostCommand } from '../host/command.ts';
import { readKeyArguments } from './arguments.ts';
import { told } from './told.ts';

export const key = hostCommand({
  summary: 'list the keys of the installation, or rotate them',
  help: [
    'Usage: sallyport key list',
    '       sallyport key rotate PURPOSE [--now]',
    '       sallyport key rotate ticket --compromised',
    '',
    'PURPOSE: ticket, cookie, seal, audit, service, root, all (which is all but root).',
    '',
    'Both take --json and --data FOLDER, and work with the server running or not.',
    '',
    '  list    what each key is for, how old it is, whether it is published, in use or old, and what still lives under it.',
    '          The keys themselves are never shown.',
    '  rotate  makes the next key of a purpose. It is published now and used in 10 minutes; with --now at once. Nobody is',
    '          signed out: what was made under the old one stays good. Keys rotate by themselves as well.',
    '          ticket --compromised: used at once, and the old ones are gone at once. Every signed ticket ends.',
    '          service: the old one is dead at once, on all nodes, and so is every user key derived from it; its file is written.',
    '          root: every key is sealed under a new root key, whose file is replaced. Copy it to nodes that have their own.',
  ].join('\n'),
  read: readKeyArguments,
  path: '/key',
  onStopped: hostKeys,
  told,
});
