/** API tokens made, changed, given a new secret, and revoked: by their owner, or by a command on the host (2-http-api, 5). */
import { digest } from '../../crypto/digest.ts';
import { newTokenId, type Random } from '../../crypto/random.ts';
import { newToken } from '../../crypto/token.ts';
import { refuse, type Refusal } from '../../errors.ts';
import type { Recorder } from '../../record/recorder.ts';
import type { TokenRow, UserRow } from '../../store/rows.ts';
import type { ListedToken, SeenToken, Store, TokenPatch } from '../../store/store.ts';
import { tokenLimits } from '../../throttle/limits.ts';
import type { Clock, Millis, Secret, TokenId, UserId } from '../../types.ts';
import type { TokenVerifier } from '../../verify/api-token.ts';
import type { By } from '../people/accounts.ts';
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

export async function makeToken(
  parts: TokenParts,
  owner: UserRow,
  body: TokenBody & Lifetime,
  by: By,
): Promise<Refusal | (MadeToken & { readonly lasts: string })> {
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
  const created = await parts.store.createToken({ token, cap: tokenLimits.perUser, fromGeneration, audit });
  switch (created.kind) {
    case 'superseded':
      return refuse('conflict', { detail: 'The account has changed meanwhile. Look at it again.' });
    case 'too-many':
      return refuse('conflict', {
        detail: `An account has at most ${tokenLimits.perUser} API tokens. Revoke one that is not needed.`,
      });
    case 'created':
      return { kind: 'made', secret, token, lasts: lifetime.text };
  }
}

/** `from`: only as long as it is as it was seen. */
export async function changeToken(
  parts: TokenParts,
  { id, patch, from }: { readonly id: TokenId; readonly patch: TokenPatch; readonly from?: SeenToken },
  by: By,
): Promise<Refusal | { readonly kind: 'changed'; readonly token: TokenRow }> {
  const result = Object.keys(patch).join(',') || 'ok';
  const updated = await parts.store.updateToken({
    id,
    owner: null,
    patch,
    ...(from === undefined ? {} : { from }),
    audit: parts.recorder.event({ event: 'token-changed', ...by, target: id, result }),
  });
  switch (updated.kind) {
    case 'unknown':
      return noSuchToken();
    case 'changed-meanwhile':
      return refuse('conflict', { detail: 'The token was changed meanwhile. Look at it again.' });
    case 'updated':
      return { kind: 'changed', token: updated.token };
  }
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

export async function revokeToken(
  parts: TokenParts,
  id: TokenId,
  owner: UserId | null,
  by: By,
): Promise<Refusal | { readonly kind: 'revoked' }> {
  const audit = parts.recorder.event({ event: 'token-revoked', ...by, target: id });
  const deleted = await parts.store.deleteToken({ id, owner, audit });
  return deleted.kind === 'unknown' ? noSuchToken() : { kind: 'revoked' };
}

export function noSuchToken(): Refusal {
  return refuse('not_found', { detail: 'There is no such token.' });
}
