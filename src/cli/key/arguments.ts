/** `sallyport key …` read. */
import type { KeyCommand } from '../../actions/keys/host.ts';
import { rotatedPurposes } from '../../actions/keys/ages.ts';
import { type ActionLine, readAction, type Reading, wrong } from '../host/arguments.ts';

const flags = { now: { type: 'boolean' }, compromised: { type: 'boolean' } } as const;

const actions: Readonly<Record<KeyCommand['action'], ActionLine<keyof typeof flags>>> = {
  list: { flags: [], after: '' },
  rotate: { flags: ['now', 'compromised'], after: 'PURPOSE' },
};

const purposes = [...rotatedPurposes, 'service', 'root', 'all'] as const;

export function readKeyArguments(argv: readonly string[]): Reading<KeyCommand> {
  const read = readAction(argv, { name: 'key', flags, actions, aliases: new Map() });
  if (read.kind === 'wrong') return read;
  const { action, names, values, json, settings } = read;
  if (action === 'list') return { kind: 'read', command: { action }, json, settings };
  const [named = ''] = names;
  const purpose = purposes.find((each) => each === named);
  if (purpose === undefined)
    return wrong(`there is no key for "${named.slice(0, 40)}": name one of ${purposes.join(', ')}.`);
  if (values.compromised === true && purpose !== 'ticket')
    return wrong('--compromised is for ticket keys alone; for any other purpose say --now.');
  const when = values.compromised === true ? 'compromised' : values.now === true ? 'now' : 'published';
  return { kind: 'read', command: { action, purpose, when }, json, settings };
}
