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
import { noSuchToken } from '../bulk/unmade.ts';
import { type AccountCall, type AdminCall, byOf, done, type Outcome } from '../call.ts';
import { timeText } from '../issue-session.ts';
import { changeToken, type MadeToken, makeToken, revokeToken, rotateToken, type TokenParts } from './making.ts';
import { type Lifetime, readPatch, shownToken, type TokenBody } from './values.ts';

const mostListed = 1000;

export async function listTokens(parts: TokenParts, call: AdminCall): Promise<Outcome> {
  const { principal } = call;
  // The service key has none of its own.
  const everybody = !('user' in principal) || call.query.get('all') === '1';
  if (everybody && reachOf(call) !== null) return refuse('forbidden', { detail: 'This needs an administrator.' });
  return tokensPage(parts, {
    userId: everybody ? null : principal.user.row.id,
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
  return done(toldOnMaking(made), { status: 201, secrets: ['token'] });
}

/** Raising, adding, switching on: whatever lets a token do or reach more than before. */
export async function updateToken(
  parts: TokenParts,
  call: AdminCall<TokenBody>,
  confirm: () => Promise<Refusal | { readonly kind: 'confirmed' }>,
): Promise<Outcome> {
  const found = await reachable(parts, call, call.params['id'] ?? '');
  if (found.kind === 'refused') return found;
  const change = readChange(call, found, call.body);
  if (change.kind === 'refused') return change;
  if (change.standing === 'wider') {
    const confirmed = await confirm();
    if (confirmed.kind === 'refused') return confirmed;
  }
  const { token } = found;
  const changed = await changeToken(parts, { id: token.id, patch: change.patch, from: token }, byOf(call));
  return changed.kind === 'refused' ? changed : done(toldOf(parts, changed.token));
}

/** What is wanted of the token as it is. `wider`: it is its owner who asks, and who has to confirm it. */
export function readChange(
  call: Pick<AdminCall, 'principal'>,
  { token, owner }: ReachableToken,
  body: TokenBody,
): Refusal | { readonly kind: 'change'; readonly patch: TokenPatch; readonly standing: 'wider' | 'contained' } {
  const read = readPatch(body, owner);
  if (read.kind === 'refused') return read;
  const standing = widening(token, read.patch, owner);
  return standing === 'wider' && token.userId !== ownIdOf(call)
    ? refuse('forbidden', { detail: 'Only its owner can let a token do more.' })
    : { kind: 'change', patch: read.patch, standing };
}

export async function giveNewSecret(
  parts: TokenParts,
  call: AccountCall<{ readonly overlap_seconds: number }>,
): Promise<Outcome> {
  const found = await reachable(parts, call, call.params['id'] ?? '');
  if (found.kind === 'refused') return found;
  // The secret acts as its owner: nobody else is told it.
  if (found.token.userId !== ownIdOf(call))
    return refuse('forbidden', { detail: 'Only its owner can give a token a new secret.' });
  const made = await rotateToken(parts, found, call.body.overlap_seconds, byOf(call));
  if (made.kind === 'refused') return made;
  return done(toldOnRotating(made), { secrets: ['token'] });
}

export async function deleteToken(parts: TokenParts, call: AdminCall): Promise<Outcome> {
  const revoked = await revokeToken(parts, call.params['id'] as TokenId, reachOf(call), byOf(call));
  return revoked.kind === 'refused' ? revoked : done({});
}

/** Whose tokens somebody may act on; null: everybody's. */
export function reachOf({ principal }: Pick<AdminCall, 'principal'>): UserId | null {
  if (!('user' in principal)) return null;
  const { row } = principal.user;
  return hasPrivilege(row, adminPrivilege) ? null : row.id;
}

function ownIdOf({ principal }: Pick<AdminCall, 'principal'>): UserId | null {
  return 'user' in principal ? principal.user.row.id : null;
}

export interface ReachableToken extends ListedToken {
  readonly kind: 'found';
  readonly owner: UserRow;
}

/** An own token, or anybody's for an admin; of others there is nothing. */
export async function reachable(
  parts: TokenParts,
  call: Pick<AdminCall, 'principal'>,
  id: string,
): Promise<Refusal | ReachableToken> {
  const { principal } = call;
  const found = await parts.store.tokenById(id as TokenId);
  if (found.kind === 'unknown') return noSuchToken();
  if ('user' in principal && found.token.userId === principal.user.row.id)
    return { ...found, owner: principal.user.row };
  if (reachOf(call) !== null) return noSuchToken();
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

export function toldOnMaking(
  made: Pick<MadeToken, 'secret' | 'token'> & { readonly lasts: string },
): Readonly<Record<string, unknown>> {
  return { ...toldOnce(made), expires_in: made.lasts };
}

export function toldOnRotating(made: MadeToken): Readonly<Record<string, unknown>> {
  const { previous } = made.token;
  return { ...toldOnce(made), previous_valid_until: previous === null ? null : timeText(previous.until) };
}

function toldOnce({ secret, token }: Pick<MadeToken, 'secret' | 'token'>): Readonly<Record<string, unknown>> {
  return {
    token: secret,
    id: token.id,
    token_name: token.name,
    token_prefix: token.prefix,
    scopes: token.scopes,
    expires_at: token.expiresAt === null ? null : timeText(token.expiresAt),
  };
}
