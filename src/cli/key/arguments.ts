/** `sallyport key …` read. */
import type { KeyCommand } from '../../actions/keys/host.ts';
import { type ActionLine, readAction, type Reading, wrong } from '../host/arguments.ts';

const actions: Readonly<Record<KeyCommand['action'], ActionLine<never>>> = {
  list: { flags: [], after: '' },
  rotate: { flags: [], after: 'PURPOSE' },
};

export function readKeyArguments(argv: readonly string[]): Reading<KeyCommand> {
  const read = readAction(argv, { name: 'key', flags: {}, actions, aliases: new Map() });
  if (read.kind === 'wrong') return read;
  const { action, names, json, settings } = read;
  if (action === 'list') return { kind: 'read', command: { action }, json, settings };
  const [purpose = ''] = names;
  return purpose === 'service'
    ? { kind: 'read', command: { action, purpose }, json, settings }
    : wrong(`this version cannot rotate a key for "${purpose.slice(0, 40)}": it can rotate "service", and no other.`);
}
