/** `sallyport user …` read: which command it is, about whom, and which settings came along. */
import { parseArgs } from 'node:util';
import type { HostCommand } from '../../actions/people/host.ts';
import { parted } from '../own-flags.ts';

export interface UserArguments {
  readonly kind: 'read';
  readonly command: HostCommand;
  readonly json: boolean;
  readonly settings: readonly string[];
}

export type UserReading = { readonly kind: 'wrong'; readonly why: string } | UserArguments;

/** Flags of these commands; all others are settings. */
const own = {
  json: { type: 'boolean' },
  email: { type: 'string' },
  'display-name': { type: 'string' },
  group: { type: 'string', multiple: true },
  privilege: { type: 'string', multiple: true },
  matching: { type: 'string' },
  after: { type: 'string' },
  limit: { type: 'string' },
} as const;

type Flag = keyof typeof own;
type Action = HostCommand['action'];

/** Which flags each takes, and what it is told after its name. */
const actions: Readonly<Record<Action, { readonly flags: readonly Flag[]; readonly after: string }>> = {
  list: { flags: ['matching', 'after', 'limit'], after: '' },
  show: { flags: [], after: 'NAME' },
  add: { flags: ['email', 'display-name', 'group', 'privilege'], after: 'NAME' },
  invite: { flags: [], after: 'NAME' },
  reset: { flags: [], after: 'NAME' },
  enable: { flags: [], after: 'NAME' },
  disable: { flags: [], after: 'NAME' },
  delete: { flags: [], after: 'NAME' },
  grant: { flags: [], after: 'NAME PRIVILEGE…' },
  revoke: { flags: [], after: 'NAME PRIVILEGE…' },
  'reset-factors': { flags: [], after: 'NAME' },
  unlock: { flags: [], after: 'NAME' },
};

const names = Object.keys(actions).join(', ');

export function readUserArguments(argv: readonly string[]): UserReading {
  const [first = '', ...rest] = argv;
  const action = first === 'remove' ? 'delete' : first;
  if (!Object.hasOwn(actions, action)) return wrong(`say what to do: sallyport user ${names}.`);
  const { flags, after } = actions[action as Action];
  const [taken, settings, others] = parted(rest, [...flags, 'json'], 'taken');
  let values;
  try {
    ({ values } = parseArgs({ args: taken, options: own, strict: true }));
  } catch (fault) {
    // The first line names the flag; the others give advice on dashes.
    return wrong((fault instanceof Error ? fault.message : String(fault)).split('\n', 1)[0] ?? '');
  }
  const expected = wrong(`expected: sallyport user ${action} ${after}`.trimEnd());
  const several = after.endsWith('…');
  const [username, ...more] = others;
  if (after === '' ? username !== undefined : username === undefined) return expected;
  if (several ? more.length === 0 : more.length > 0) return expected;
  const command = commandOf(action as Action, username ?? '', more, values);
  return { kind: 'read', command, json: values.json === true, settings };
}

function commandOf(
  action: Action,
  username: string,
  privileges: readonly string[],
  values: {
    readonly email?: string;
    readonly 'display-name'?: string;
    readonly group?: readonly string[];
    readonly privilege?: readonly string[];
    readonly matching?: string;
    readonly after?: string;
    readonly limit?: string;
  },
): HostCommand {
  switch (action) {
    case 'list':
      return {
        action,
        matching: values.matching ?? '',
        after: values.after ?? null,
        limit: values.limit ?? null,
      };
    case 'add':
      return {
        action,
        username,
        email: values.email,
        display_name: values['display-name'],
        groups: values.group,
        privileges: values.privilege,
      };
    case 'grant':
    case 'revoke':
      return { action, username, privileges };
    case 'show':
    case 'invite':
    case 'reset':
    case 'enable':
    case 'disable':
    case 'delete':
    case 'reset-factors':
    case 'unlock':
      return { action, username };
  }
}

function wrong(why: string): { readonly kind: 'wrong'; readonly why: string } {
  return { kind: 'wrong', why };
}
