/** What commands about API tokens say, for people. A secret stands alone on the last line, for scripts. */
import type { TokenCommand } from '../../actions/tokens/host.ts';
import { type Fields, rowsOf, table, text, textsOf } from '../host/table.ts';

export function told(command: TokenCommand, fields: Fields): readonly string[] {
  switch (command.action) {
    case 'list': {
      const lines = listed(rowsOf(fields['tokens']));
      return typeof fields['next'] === 'string' ? [...lines, `more: --before ${fields['next']}`] : lines;
    }
    case 'show':
      return shown(fields);
    case 'create': {
      const { username, scopes } = fields;
      const until = orElse(fields['expires_at'], 'it is revoked');
      return [
        `${named(fields)} acts as ${text(username)}, for ${textsOf(scopes)}, until ${until}. Its secret, shown this once:`,
        text(fields['token']),
      ];
    }
    case 'rotate': {
      const old = orElse(fields['previous_valid_until'], '');
      return [
        `${named(fields)} has a new secret; the old one is ${old === '' ? 'dead' : `good until ${old}, too`}. The new one, shown this once:`,
        text(fields['token']),
      ];
    }
    case 'enable':
    case 'disable':
      return [`${named(fields)} is ${command.action}d`];
    case 'revoke':
      return [`${command.id} is revoked`];
  }
}

function listed(tokens: readonly Fields[]): readonly string[] {
  if (tokens.length === 0) return [];
  return table([
    ['ID', 'USER', 'NAME', 'BEGINS WITH', 'SCOPES', 'LAST USED', 'EXPIRES', 'STATE'],
    ...tokens.map((token) => [
      text(token['id']),
      text(token['username']),
      text(token['name']),
      text(token['token_prefix']),
      textsOf(token['scopes']),
      orElse(token['last_used_at'], 'never'),
      orElse(token['expires_at'], 'never'),
      stateOf(token),
    ]),
  ]);
}

function shown(token: Fields): readonly string[] {
  const limits = (token['rate_limit'] ?? {}) as Fields;
  const addresses = textsOf(token['ip_allowlist']);
  const usedFrom = text(token['last_used_address']);
  return table([
    ['id', text(token['id'])],
    ['user', text(token['username'])],
    ['name', text(token['name'])],
    ['begins with', text(token['token_prefix'])],
    ['scopes', textsOf(token['scopes'])],
    ['addresses', addresses === '' ? 'any' : addresses],
    ['rate limit', `${text(limits['per_minute'])} a minute, ${text(limits['per_hour'])} an hour`],
    ['created', text(token['created_at'])],
    ['expires', orElse(token['expires_at'], 'never')],
    ['last used', `${orElse(token['last_used_at'], 'never')}${usedFrom === '' ? '' : ` from ${usedFrom}`}`],
    ['uses', text(token['use_count'])],
    ['old secret', orElse(token['previous_valid_until'], 'dead', 'good until ')],
    ['state', stateOf(token)],
  ]);
}

function stateOf(token: Fields): string {
  if (token['active'] !== true) return 'disabled';
  return token['expired'] === true ? 'expired' : 'active';
}

/** By what people call it, and by what commands do. */
function named(token: Fields): string {
  return `${text(token['token_name'])} (${text(token['id'])})`;
}

function orElse(value: unknown, otherwise: string, before = ''): string {
  return value === null || value === undefined ? otherwise : `${before}${text(value)}`;
}
