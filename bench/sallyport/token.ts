/**
 * An API token that is never refused: with a scope, an address list and limits, which are as large as every engine takes. What
 * can be asked for ends at 100 000 a minute, which one process uses up in less than a second; the work is the same. Written
 * into the store as the product writes it.
 */

import { digest } from '../../src/crypto/digest.ts';
import { newTokenId } from '../../src/crypto/random.ts';
import { newToken } from '../../src/crypto/token.ts';
import { systemClock as clock, systemRandom as random } from '../../src/index.ts';
import type { Store } from '../../src/index.ts';
import type { TokenRow } from '../../src/store/rows.ts';
import type { Scope, Username } from '../../src/types.ts';

/** The largest `integer` of PostgreSQL; an hour at half a million a second stays below it. */
const UNREACHED = 2_147_483_647;

export const SCOPE = 'read:projects' as Scope;

export interface MadeToken {
  readonly id: TokenRow['id'];
  readonly authorization: string;
}

export async function tokenOf(store: Store, prefix: string, username: string): Promise<MadeToken> {
  const owner = await store.userByName(username as Username);
  if (owner.kind !== 'found') throw new Error(`there is no ${username}`);
  const secret = newToken(prefix, random);
  const id = newTokenId(random);
  const at = clock.now();
  const token: TokenRow = {
    id,
    userId: owner.user.id,
    name: 'Measured',
    digest: digest(secret),
    prefix: secret.slice(0, prefix.length + 6),
    previous: null,
    // Found at the second look, by a wildcard.
    scopes: ['write:projects' as Scope, 'read:*' as Scope],
    addresses: ['192.0.2.0/24', '2001:db8::/32', '127.0.0.0/8'],
    perMinute: UNREACHED,
    perHour: UNREACHED,
    active: true,
    createdAt: at,
    expiresAt: (at + 86_400_000) as TokenRow['expiresAt'],
    lastUsedAt: null,
    lastUsedAddress: '',
    useCount: 0,
  };
  const created = await store.createToken({
    token,
    cap: 1,
    fromGeneration: owner.user.credentialGeneration,
    audit: {
      at,
      event: 'token-created',
      actor: '',
      address: '',
      peer: '',
      way: 'host',
      target: id,
      result: 'ok',
      count: 1,
    },
  });
  if (created.kind !== 'created') throw new Error(`the token was not made: ${created.kind}`);
  return { id, authorization: `Bearer ${secret}` };
}
