/**
 * API tokens over HTTP (2-http-api, 5): listed, made, changed, given a new secret, revoked. What widens one needs the person
 * to confirm it, and is its owner's alone; an admin may list, narrow, switch off and revoke everybody's.
 */
import { refuse, type Refusal } from '../../errors.ts';
import { compareScopes } from '../../policy/scopes.ts';
import { adminPrivilege, hasPrivilege } from '../../principal/principal.ts';
import { scopesInForce } from '../../principal/scopes.ts';
import { compareNetworks } from '../../request/tokens/address-list.ts';
import type { TokenRow, UserRow } from '../../store/rows.ts';
import type { ListedToken, TokenPatch } from '../../store/store.ts';
import type { TokenId, UserId } from '../../types.ts';
import { type AccountCall, done, type Outcome, whence } from '../call.ts';
import { timeText } from '../issue-session.ts';
import type { By } from '../people/accounts.ts';
import {
  changeToken,
  type MadeToken,
  makeToken,
  noSuchToken,
  revokeToken,
  rotateToken,
  type TokenParts,
} from './making.ts';
import { type Lifetime, readPatch, shownToken, type TokenBody } from './values.ts';

const mostListed = 1000;

export async function listTokens(parts: TokenParts, call: AccountCall): Promise<Outcome> {
  const { row } = call.principal.user;
  const everybody = call.query.get('all') === '1';
  if (everybody && !hasPrivilege(row, adminPrivilege))
    return refuse('forbidden', { detail: 'This needs an administrator.' });
  return tokensPage(parts, {
    userId: everybody ? null : row.id,
    owners: everybody ? 'told' : 'known',
    before: call.query.get('before'),
    limit: call.query.get('limit'),
  });
}

/** As text, from a query or a command line; `userId` null lists everybody's. */
export interface TokensQuery {
  readonly userId: UserId | null;
  /** Whether whoever asks is told whose they are. */
  readonly owners: 'told' | 'known';
  readonly before: string | null;
  readonly limit: string | null;
}

export async function tokensPage(
  parts: TokenParts,
  { userId, owners, before, limit: limitText }: TokensQuery,
): Promise<Outcome> {
  const limit = limitText === null ? mostListed : /^[1-9]\d{0,3}$/.test(limitText) ? Number(limitText) : 0;
  if (limit < 1 || limit > mostListed)
    return refuse('invalid_request', { detail: `"limit" is a number from 1 to ${mostListed}.` });
  if (before !== null && !/^t_[A-Za-z0-9_-]{22}$/.test(before))
    return refuse('invalid_request', { detail: '"before" is what "next" said.' });
  const rows = await parts.store.tokens({ userId, before: before as TokenId | null, limit: limit + 1 });
  const page = rows.slice(0, limit);
  return done({
    tokens: page.map(({ token, username }) => ({
      ...toldOf(parts, token),
      ...(owners === 'told' ? { username } : {}),
    })),
    next: rows.length > limit ? (page.at(-1)?.token.id ?? null) : null,
  });
}

export async function createToken(parts: TokenParts, call: AccountCall<TokenBody & Lifetime>): Promise<Outcome> {
  const made = await makeToken(parts, call.principal.user.row, call.body, byOf(call));
  if (made.kind === 'refused') return made;
  return done(toldOnMaking(made), { status: 201 });
}

/** Raising, adding, switching on: whatever lets a token do or reach more than before. */
export async function updateToken(
  parts: TokenParts,
  call: AccountCall<TokenBody>,
  confirm: () => Promise<Refusal | { readonly kind: 'confirmed' }>,
): Promise<Outcome> {
  const found = await reachable(parts, call);
  if (found.kind === 'refused') return found;
  const { token, owner } = found;
  const read = readPatch(call.body, owner);
  if (read.kind === 'refused') return read;
  if (widening(token, read.patch, owner) === 'wider') {
    if (token.userId !== call.principal.user.row.id)
      return refuse('forbidden', { detail: 'Only its owner can let a token do more.' });
    const confirmed = await confirm();
    if (confirmed.kind === 'refused') return confirmed;
  }
  const changed = await changeToken(parts, { id: token.id, patch: read.patch, from: token }, byOf(call));
  return changed.kind === 'refused' ? changed : done(toldOf(parts, changed.token));
}

export async function giveNewSecret(
  parts: TokenParts,
  call: AccountCall<{ readonly overlap_seconds: number }>,
): Promise<Outcome> {
  const found = await reachable(parts, call);
  if (found.kind === 'refused') return found;
  // The secret acts as its owner: nobody else is told it.
  if (found.token.userId !== call.principal.user.row.id)
    return refuse('forbidden', { detail: 'Only its owner can give a token a new secret.' });
  const made = await rotateToken(parts, found, call.body.overlap_seconds, byOf(call));
  if (made.kind === 'refused') return made;
  return done(toldOnRotating(made));
}

export async function deleteToken(parts: TokenParts, call: AccountCall): Promise<Outcome> {
  const { row } = call.principal.user;
  const owner = hasPrivilege(row, adminPrivilege) ? null : row.id;
  const revoked = await revokeToken(parts, call.params['id'] as TokenId, owner, byOf(call));
  return revoked.kind === 'refused' ? revoked : done({});
}

/** An own token, or anybody's for an admin; of others there is nothing. */
async function reachable(
  parts: TokenParts,
  call: AccountCall,
): Promise<Refusal | (ListedToken & { readonly kind: 'found'; readonly owner: UserRow })> {
  const { row } = call.principal.user;
  const found = await parts.store.tokenById(call.params['id'] as TokenId);
  if (found.kind === 'unknown') return noSuchToken();
  if (found.token.userId === row.id) return { ...found, owner: row };
  if (!hasPrivilege(row, adminPrivilege)) return noSuchToken();
  const owner = await parts.store.userById(found.token.userId);
  return owner.kind === 'found' ? { ...found, owner: owner.user } : noSuchToken();
}

/** Measured by what the token comes to now: scopes that its owner has lost since it was made are none. */
function widening(token: TokenRow, patch: TokenPatch, owner: UserRow): 'wider' | 'contained' {
  const wider =
    (patch.active === true && !token.active) ||
    (patch.perMinute !== undefined && patch.perMinute > token.perMinute) ||
    (patch.perHour !== undefined && patch.perHour > token.perHour) ||
    (patch.scopes !== undefined && compareScopes(patch.scopes, scopesInForce(token.scopes, owner)) === 'wider') ||
    (patch.addresses !== undefined && compareNetworks(patch.addresses, token.addresses) === 'wider');
  return wider ? 'wider' : 'contained';
}

export function toldOf(parts: TokenParts, token: TokenRow): Readonly<Record<string, unknown>> {
  return shownToken(token, parts.tokenUses.unwritten(token.id), parts.clock.now());
}

export function toldOnMaking(made: MadeToken & { readonly lasts: string }): Readonly<Record<string, unknown>> {
  return { ...toldOnce(made), expires_in: made.lasts };
}

export function toldOnRotating(made: MadeToken): Readonly<Record<string, unknown>> {
  const { previous } = made.token;
  return { ...toldOnce(made), previous_valid_until: previous === null ? null : timeText(previous.until) };
}

function toldOnce({ secret, token }: MadeToken): Readonly<Record<string, unknown>> {
  return {
    token: secret,
    id: token.id,
    token_name: token.name,
    token_prefix: token.prefix,
    scopes: token.scopes,
    expires_at: token.expiresAt === null ? null : timeText(token.expiresAt),
  };
}

function byOf(call: AccountCall): By {
  return { actor: call.principal.user.row.id, ...whence(call), way: call.principal.via };
}
