/** API tokens made, changed, given a new secret, and revoked: by their owner, or by a command on the host (2-http-api, 5). */
import { digest } from '../../crypto/digest.ts';
import { newTokenId, type Random } from '../../crypto/random.ts';
import { newToken } from '../../crypto/token.ts';
import { refuse, type Refusal } from '../../errors.ts';
import type { Recorder } from '../../record/recorder.ts';
import type { TokenRow, UserRow } from '../../store/rows.ts';
import type { ListedToken, SeenToken, Store, TokenPatch, Write } from '../../store/store.ts';
import { tokenLimits } from '../../throttle/limits.ts';
import type { Clock, Millis, Secret, TokenId, UserId } from '../../types.ts';
import type { TokenVerifier } from '../../verify/api-token.ts';
import { noSuchToken, unmade } from '../bulk/unmade.ts';
import type { By } from '../call.ts';
import { type Lifetime, newTokenDefaults, readLifetime, readPatch, type TokenBody } from './values.ts';

export interface TokenParts {
  readonly store: Store;
  readonly recorder: Recorder;
  readonly clock: Clock;
  readonly random: Random;
  readonly tokenPrefix: string;
  readonly tokenUses: Pick<TokenVerifier, 'unwritten'>;
}

/** The secret is told here and nowhere else. */
export interface MadeToken {
  readonly kind: 'made';
  readonly secret: Secret;
  readonly token: TokenRow;
}

/** Characters of a secret that lists show, beyond the prefix that all have. */
const shownCharacters = 6;

function newSecret({
  random,
  tokenPrefix,
}: TokenParts): Pick<TokenRow, 'digest' | 'prefix'> & { readonly secret: Secret } {
  const secret = newToken(tokenPrefix, random);
  return { secret, digest: digest(secret), prefix: secret.slice(0, tokenPrefix.length + shownCharacters) };
}

/** A token that is to be made; its secret is worth something once it was. */
export interface PlannedToken extends Omit<MadeToken, 'kind'> {
  readonly kind: 'planned';
  readonly lasts: string;
  readonly write: Extract<Write, { write: 'createToken' }>;
}

export function plannedToken(
  parts: TokenParts,
  owner: UserRow,
  body: TokenBody & Lifetime,
  by: By,
): Refusal | PlannedToken {
  const now = parts.clock.now();
  const read = readPatch(body, owner);
  if (read.kind === 'refused') return read;
  const lifetime = readLifetime(body, now);
  if (lifetime.kind === 'refused') return lifetime;
  const { secret, ...found } = newSecret(parts);
  const token: TokenRow = {
    ...newTokenDefaults,
    ...read.patch,
    ...found,
    id: newTokenId(parts.random),
    userId: owner.id,
    previous: null,
    createdAt: now,
    expiresAt: lifetime.expiresAt,
    lastUsedAt: null,
    lastUsedAddress: '',
    useCount: 0,
  };
  const audit = parts.recorder.event({ event: 'token-created', ...by, target: token.id });
  const { credentialGeneration: fromGeneration } = owner;
  const given = { token, cap: tokenLimits.perUser, fromGeneration, audit };
  return { kind: 'planned', secret, token, lasts: lifetime.text, write: { write: 'createToken', given } };
}

export async function makeToken(
  parts: TokenParts,
  owner: UserRow,
  body: TokenBody & Lifetime,
  by: By,
): Promise<Refusal | (MadeToken & { readonly lasts: string })> {
  const plan = plannedToken(parts, owner, body, by);
  if (plan.kind === 'refused') return plan;
  const { secret, token, lasts, write } = plan;
  const created = await parts.store.createToken(write.given);
  return created.kind === 'created' ? { kind: 'made', secret, token, lasts } : unmade(created.kind, 'token');
}

interface TokenChange {
  readonly id: TokenId;
  readonly patch: TokenPatch;
  /** Only as long as it is as it was seen. */
  readonly from?: SeenToken;
}

export function plannedTokenChange(
  parts: TokenParts,
  { id, patch, from }: TokenChange,
  by: By,
): Extract<Write, { write: 'updateToken' }> {
  const result = Object.keys(patch).join(',') || 'ok';
  const audit = parts.recorder.event({ event: 'token-changed', ...by, target: id, result });
  return { write: 'updateToken', given: { id, owner: null, patch, ...(from === undefined ? {} : { from }), audit } };
}

export async function changeToken(
  parts: TokenParts,
  change: TokenChange,
  by: By,
): Promise<Refusal | { readonly kind: 'changed'; readonly token: TokenRow }> {
  const updated = await parts.store.updateToken(plannedTokenChange(parts, change, by).given);
  return updated.kind === 'updated' ? { kind: 'changed', token: updated.token } : unmade(updated.kind, 'token');
}

export async function rotateToken(
  parts: TokenParts,
  { token }: ListedToken,
  overlapSeconds: number,
  by: By,
): Promise<Refusal | MadeToken> {
  const { secret, ...found } = newSecret(parts);
  const rotated = await parts.store.rotateToken({
    id: token.id,
    owner: token.userId,
    fromDigest: token.digest,
    ...found,
    previousUntil: overlapSeconds === 0 ? null : ((parts.clock.now() + overlapSeconds * 1000) as Millis),
    audit: parts.recorder.event({ event: 'token-rotated', ...by, target: token.id }),
  });
  switch (rotated.kind) {
    case 'unknown':
      return noSuchToken();
    case 'changed-meanwhile':
      return refuse('conflict', { detail: 'The token was given a new secret meanwhile. Look at it again.' });
    case 'rotated':
      return { kind: 'made', secret, token: rotated.token };
  }
}

/** `owner` null: whoever's it is. */
export function plannedRevocation(
  parts: TokenParts,
  id: TokenId,
  owner: UserId | null,
  by: By,
): Extract<Write, { write: 'deleteToken' }> {
  const audit = parts.recorder.event({ event: 'token-revoked', ...by, target: id });
  return { write: 'deleteToken', given: { id, owner, audit } };
}

export async function revokeToken(
  parts: TokenParts,
  id: TokenId,
  owner: UserId | null,
  by: By,
): Promise<Refusal | { readonly kind: 'revoked' }> {
  const deleted = await parts.store.deleteToken(plannedRevocation(parts, id, owner, by).given);
  return deleted.kind === 'deleted' ? { kind: 'revoked' } : unmade(deleted.kind, 'token');
}
