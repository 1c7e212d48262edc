/** API tokens by the word of whoever runs commands on the host: everybody's, and nothing has to be confirmed (2-http-api, 9). */
import { refuse } from '../../errors.ts';
import type { TokenId } from '../../types.ts';
import { noSuchToken } from '../bulk/unmade.ts';
import { byHost as by, done, type Outcome } from '../call.ts';
import { userNamed } from '../people/accounts.ts';
import { changeToken, makeToken, revokeToken, rotateToken, type TokenParts } from './making.ts';
import { toldOf, toldOnMaking, toldOnRotating, tokensPage, type TokensQuery } from './tokens.ts';
import type { Lifetime, TokenBody } from './values.ts';

export type TokenCommand =
  /** `username` null: everybody's. */
  | ({ readonly action: 'list'; readonly username: string | null } & Pick<TokensQuery, 'before' | 'limit'>)
  | ({ readonly action: 'create'; readonly username: string } & Omit<TokenBody, 'active'> & Lifetime)
  | { readonly action: 'show' | 'enable' | 'disable' | 'revoke'; readonly id: string }
  | { readonly action: 'rotate'; readonly id: string; readonly overlap_seconds: number };

export type HostTokens = (command: TokenCommand) => Promise<Outcome>;

export function hostTokens(parts: TokenParts): HostTokens {
  return async (command) => {
    if (command.action === 'list') return list(parts, command);
    return command.action === 'create' ? create(parts, command) : toOne(parts, command);
  };
}

async function list(
  parts: TokenParts,
  { username, before, limit }: Extract<TokenCommand, { action: 'list' }>,
): Promise<Outcome> {
  if (username === null) return tokensPage(parts, { userId: null, owners: 'told', before, limit });
  const found = await userNamed(parts, username);
  return found.kind === 'refused' ? found : tokensPage(parts, { userId: found.user.id, owners: 'told', before, limit });
}

async function create(parts: TokenParts, command: Extract<TokenCommand, { action: 'create' }>): Promise<Outcome> {
  const found = await userNamed(parts, command.username);
  if (found.kind === 'refused') return found;
  const { user } = found;
  if (!user.active) return refuse('conflict', { detail: 'This account is disabled: enable it first.' });
  const made = await makeToken(parts, user, command, by);
  return made.kind === 'refused' ? made : done({ ...toldOnMaking(made), username: user.username }, { status: 201 });
}

async function toOne(
  parts: TokenParts,
  command: Exclude<TokenCommand, { action: 'list' | 'create' }>,
): Promise<Outcome> {
  const id = command.id as TokenId;
  const found = await parts.store.tokenById(id);
  if (found.kind === 'unknown') return noSuchToken();
  const { token, username } = found;
  switch (command.action) {
    case 'show':
      return done({ ...toldOf(parts, token), username });
    case 'enable':
    case 'disable': {
      const changed = await changeToken(parts, { id, patch: { active: command.action === 'enable' } }, by);
      return changed.kind === 'refused' ? changed : done({ ...toldOf(parts, changed.token), username });
    }
    case 'rotate': {
      const made = await rotateToken(parts, found, command.overlap_seconds, by);
      return made.kind === 'refused' ? made : done({ ...toldOnRotating(made), username });
    }
    case 'revoke': {
      const revoked = await revokeToken(parts, id, null, by);
      return revoked.kind === 'refused' ? revoked : done({});
    }
  }
}
