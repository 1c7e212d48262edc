/** `sallyport token …` read: which command it is, about which token, and what a new one is to be. */
import type { TokenCommand } from '../../actions/tokens/host.ts';
import { type ActionLine, type ActionRead, readAction, type Reading, type Wrong, wrong } from '../host/arguments.ts';
import { numbers, tokenCommand } from './host-command.ts';

const own = {
  user: { type: 'string' },
  scope: { type: 'string', multiple: true },
  address: { type: 'string', multiple: true },
  never: { type: 'boolean' },
  'expires-in-days': { type: 'string' },
  'per-minute': { type: 'string' },
  'per-hour': { type: 'string' },
  'overlap-seconds': { type: 'string' },
  before: { type: 'string' },
  limit: { type: 'string' },
} as const;

type Action = TokenCommand['action'];
type NumberFlag = keyof typeof numbers;

const actions: Readonly<Record<Action, ActionLine<keyof typeof own>>> = {
  list: { flags: ['user', 'before', 'limit'], after: '' },
  show: { flags: [], after: 'ID' },
  create: {
    flags: ['user', 'scope', 'address', 'never', 'expires-in-days', 'per-minute', 'per-hour'],
    after: 'NAME',
  },
  enable: { flags: [], after: 'ID' },
  disable: { flags: [], after: 'ID' },
  rotate: { flags: ['overlap-seconds'], after: 'ID' },
  revoke: { flags: [], after: 'ID' },
};

const aliases = new Map<string, Action>([
  ['delete', 'revoke'],
  ['remove', 'revoke'],
]);

export function readTokenArguments(argv: readonly string[]): Reading<TokenCommand> {
  const read = readAction(argv, { name: 'token', flags: own, actions, aliases });
  if (read.kind === 'wrong') return read;
  const given = numbersOf(read.values);
  if (given.kind === 'wrong') return given;
  const { action, values, json, settings } = read;
  if (action === 'create' && values.user === undefined) return wrong('say whose it is to be: --user USERNAME.');
  if (values.never === true && given.of('expires-in-days') !== undefined)
    return wrong('--never and --expires-in-days are two things.');
  const command = tokenCommand.safeParse(written(read, given.of));
  if (command.success) return { kind: 'read', command: command.data, json, settings };
  const fields = new Set(command.error.issues.map(({ path: [field] }) => field));
  return wrong(
    fields.has('token_name')
      ? 'NAME has from 1 to 64 characters, all of which can be seen.'
      : `${fields.has('scopes') ? '--scope' : '--address'} is given too often, or is too long.`,
  );
}

/** As it goes through the control socket. */
function written(
  { action, names: [first = ''], values }: ActionRead<Action, typeof own>,
  number: (flag: NumberFlag) => number | undefined,
): object {
  switch (action) {
    case 'list':
      return {
        action,
        username: values.user ?? null,
        before: values.before ?? null,
        limit: values.limit ?? null,
      };
    case 'create':
      return {
        action,
        username: values.user,
        token_name: first,
        scopes: values.scope,
        ip_allowlist: values.address,
        rate_limit: { per_minute: number('per-minute'), per_hour: number('per-hour') },
        expires_in_days: number('expires-in-days'),
        never: values.never,
      };
    case 'rotate':
      return { action, id: first, overlap_seconds: number('overlap-seconds') };
    case 'show':
    case 'enable':
    case 'disable':
    case 'revoke':
      return { action, id: first };
  }
}

/** All of them, or the first that is none. */
function numbersOf(
  values: Readonly<Partial<Record<NumberFlag, string>>>,
): Wrong | { readonly kind: 'numbers'; readonly of: (flag: NumberFlag) => number | undefined } {
  const read = new Map<NumberFlag, number>();
  for (const flag of Object.keys(numbers) as NumberFlag[]) {
    const text = values[flag];
    if (text === undefined) continue;
    const { minValue, maxValue } = numbers[flag];
    const number = /^\d{1,15}$/.test(text) ? numbers[flag].safeParse(Number(text)) : undefined;
    if (number?.success !== true) return wrong(`--${flag} is a number from ${minValue} to ${maxValue}.`);
    read.set(flag, number.data);
  }
  return { kind: 'numbers', of: (flag) => read.get(flag) };
}
