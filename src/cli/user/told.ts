/** What commands about accounts say, for people. */
import { type Fields, rowsOf, table, text, textsOf } from '../host/table.ts';
import type { SingleAsked } from './arguments.ts';

export function told(command: SingleAsked, fields: Fields): readonly string[] {
  switch (command.action) {
    case 'list': {
      const lines = listed(rowsOf(fields['users']));
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
  return table(
    users.map((user) => [
      text(user['username']),
      user['active'] === true ? (user['has_password'] === true ? 'active' : 'invited') : 'disabled',
      text(user['email']) === '' ? '-' : text(user['email']),
      textsOf(user['privileges']),
    ]),
  );
}

function shown(user: Fields): readonly string[] {
  return table(
    Object.entries(user).map(([name, value]) => [name, Array.isArray(value) ? textsOf(value) : text(value)]),
  );
}
