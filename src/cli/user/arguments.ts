/** `sallyport user …` read: which command it is, and about whom. */
import type { HostCommand } from '../../actions/people/host.ts';
import { type ActionLine, type ActionRead, readAction, type Reading } from '../host/arguments.ts';

const own = {
  email: { type: 'string' },
  'display-name': { type: 'string' },
  group: { type: 'string', multiple: true },
  privilege: { type: 'string', multiple: true },
  matching: { type: 'string' },
  after: { type: 'string' },
  limit: { type: 'string' },
  'dry-run': { type: 'boolean' },
} as const;

/** What takes a file, and more than one question to the server. */
export type FileAsked =
  /** `-`: standard input. */
  | { readonly action: 'import'; readonly file: string; readonly dry_run: boolean }
  /** Null: standard output. */
  | { readonly action: 'export'; readonly file: string | null };

export type SingleAsked = Exclude<HostCommand, { action: 'import' }>;
export type UserAsked = SingleAsked | FileAsked;

type Action = UserAsked['action'];

const actions: Readonly<Record<Action, ActionLine<keyof typeof own>>> = {
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
  import: { flags: ['dry-run'], after: 'FILE' },
  export: { flags: [], after: '[FILE]' },
};

const aliases = new Map<string, Action>([['remove', 'delete']]);

export function readUserArguments(argv: readonly string[]): Reading<UserAsked> {
  const read = readAction(argv, { name: 'user', flags: own, actions, aliases });
  if (read.kind === 'wrong') return read;
  const { json, settings } = read;
  return { kind: 'read', command: commandOf(read), json, settings };
}

function commandOf({
  action,
  names: [username = '', ...privileges],
  values,
}: ActionRead<Action, typeof own>): UserAsked {
  switch (action) {
    case 'import':
      return { action, file: username, dry_run: values['dry-run'] === true };
    case 'export':
      return { action, file: username === '' ? null : username };
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
