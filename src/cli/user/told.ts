/** What commands about accounts say, for people. */
import type { HostCommand } from '../../actions/people/host.ts';

type Fields = Readonly<Record<string, unknown>>;

export function told(command: HostCommand, fields: Fields): readonly string[] {
  switch (command.action) {
    case 'list': {
      const lines = listed((fields['users'] ?? []) as readonly Fields[]);
      return typeof fields['next'] === 'string' ? [...lines, `more: --after ${fields['next']}`] : lines;
    }
    case 'show':
      return shown((fields['user'] ?? {}) as Fields);
    case 'add':
      return [`${command.username} has an account; invite its owner: sallyport user invite ${command.username}`];
    case 'invite':
    case 'reset': {
      const purpose = fields['purpose'] === 'invite' ? 'invitation' : 'link to reset the password';
      const mailed = fields['mailed'] === true ? ', mailed, too' : '';
      return [
        `${purpose} for ${command.username}, once, until ${text(fields['expires_at'])}${mailed}:`,
        text(fields['link']),
      ];
    }
    case 'enable':
    case 'disable':
      return [`${command.username} is ${command.action}d`];
    case 'delete':
      return [`${command.username} is deleted`];
    case 'grant':
    case 'revoke': {
      const now = textsOf(((fields['user'] ?? {}) as Fields)['privileges']);
      return [`${command.username} has ${now === '' ? 'no privileges' : now}`];
    }
    case 'reset-factors':
      return [`${command.username} has no second factor and no recovery code any more`];
    case 'unlock':
      return [fields['lifted'] === 0 ? `nothing kept ${command.username} out` : `${command.username} is unlocked`];
  }
}

function listed(users: readonly Fields[]): readonly string[] {
  const rows = users.map((user) => [
    text(user['username']),
    user['active'] === true ? (user['has_password'] === true ? 'active' : 'invited') : 'disabled',
    text(user['email']) === '' ? '-' : text(user['email']),
    textsOf(user['privileges']),
  ]);
  const widths = [0, 1, 2].map((at) => Math.max(0, ...rows.map((row) => row[at]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function shown(user: Fields): readonly string[] {
  return Object.entries(user).map(([name, value]) =>
    `${name.padEnd(12)}  ${Array.isArray(value) ? textsOf(value) : text(value)}`.trimEnd(),
  );
}

function textsOf(value: unknown): string {
  return Array.isArray(value) ? value.map(text).join(', ') : '';
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}
