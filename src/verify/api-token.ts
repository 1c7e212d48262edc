/**
 * Step 3 for API tokens: is it genuine, is it in force, and does it come from where it may? In that order, so that what is
 * off its list costs it nothing (3-rules, API tokens). Answers at once for known tokens, from the store otherwise.
 */
import { digest } from '../crypto/digest.ts';
import type { Client } from '../request/address.ts';
import { type AddressList, addressList } from '../request/tokens/address-list.ts';
import type { TokenRow, TokenUse } from '../store/rows.ts';
import { type Store, StoreFault } from '../store/store.ts';
import type { Limited } from '../throttle/limiter.ts';
import type { UnknownSecrets } from '../throttle/unknown-secrets.ts';
import type { Address, Clock, Digest, MaybePromise, Secret, TokenId } from '../types.ts';
import type { KnownToken, TokenHolder } from './holders.ts';
import type { Memory } from './known/contract.ts';

export type TokenProof =
  /** So many that do not exist were shown from there that the store is not asked about another. */
  | Limited
  | { readonly kind: 'rejected'; readonly cause: 'unknown' | 'replaced' | 'inactive' | 'owner-disabled' }
  /** By its time: the token, or the secret before the one it has now. */
  | { readonly kind: 'rejected'; readonly cause: 'expired' | 'outlived'; readonly token: TokenRow }
  /** Genuine and in force, and not from there. */
  | { readonly kind: 'off-list'; readonly holder: TokenHolder }
  | TokenHolder;

/** A use that goes on being counted until it is written. */
type Counting = { -readonly [field in keyof TokenUse]: TokenUse[field] };

export interface TokenVerifier {
  /** Throws when the store cannot answer. */
  verify(token: Secret, client: () => Client): MaybePromise<TokenProof>;
  /** The same, for whoever knows it by its digest. */
  verifyDigest(key: Digest, client: () => Client): MaybePromise<TokenProof>;
  /** It was let through: counted here, written later. */
  noteUse(token: TokenRow, address: Address): void;
  /** Uses of that token that are not written yet. */
  unwritten(id: TokenId): TokenUse | undefined;
  /** Writes uses that memory holds, if the first of them is long enough ago; called every second. */
  keepUp(): Promise<void>;
  /** The same, now; called before closing. */
  flush(): Promise<void>;
}

/** Uses are written at most this often per token (3-rules, API tokens). */
const writeEveryMs = 30_000;

export function tokenVerifier(parts: {
  memory: Memory;
  store: Pick<Store, 'noteTokenUses'>;
  clock: Clock;
  unknown: UnknownSecrets;
  /** It was seen to be over by its time: resolves when it stays over, also when the clock is set back. */
  over: (token: TokenRow, what: 'expired' | 'outlived') => Promise<void>;
}): TokenVerifier {
  const { memory, clock, unknown } = parts;
  const lists = new WeakMap<TokenHolder, AddressList>();
  let unwritten = new Map<TokenId, Counting>();
  /** What is being written, and not there yet. */
  let underWay: ReadonlyMap<TokenId, TokenUse> = new Map();
  /** When the first of them was counted. */
  let countedSince = 0;

  const listOf = (holder: TokenHolder): AddressList => {
    const known = lists.get(holder);
    if (known !== undefined) return known;
    const made = addressList(holder.token.addresses);
    lists.set(holder, made);
    return made;
  };

  const judge = ({ holder }: KnownToken, key: Digest, client: () => Client): TokenProof => {
    const { token, user } = holder;
    const now = clock.now();
    if (token.digest !== key) {
      if (token.previous?.digest !== key) return { kind: 'rejected', cause: 'replaced' };
      if (now >= token.previous.until) return { kind: 'rejected', cause: 'outlived', token };
    }
    if (!token.active) return { kind: 'rejected', cause: 'inactive' };
    if (token.expiresAt !== null && now >= token.expiresAt) return { kind: 'rejected', cause: 'expired', token };
    if (token.addresses.length > 0 && listOf(holder).standing(client().address) === 'unlisted')
      return { kind: 'off-list', holder };
    return user.row.active ? holder : { kind: 'rejected', cause: 'owner-disabled' };
  };

  const fromStore = async (key: Digest, client: () => Client): Promise<TokenProof> => {
    const { address } = client();
    const standing = unknown.standing(address);
    if (standing.kind === 'limited') return standing;
    let loaded: Awaited<ReturnType<Memory['loadToken']>>;
    try {
      loaded = await memory.loadToken(key);
    } catch (fault) {
      // Asking was not free either, and nobody can say that it exists.
      unknown.charge(address);
      throw fault;
    }
    if (loaded.kind === 'known') return judge(loaded, key, client);
    unknown.charge(address);
    return { kind: 'rejected', cause: 'unknown' };
  };

  const fromMemory = (key: Digest, client: () => Client): TokenProof | 'stale' | undefined => {
    const recalled = memory.recallToken(key);
    switch (recalled.kind) {
      case 'known':
        return judge(recalled, key, client);
      case 'unknown':
        // It costs the store nothing, so it costs whoever else comes from there nothing either.
        return { kind: 'rejected', cause: 'unknown' };
      case 'stale':
        return 'stale';
      case 'not-known':
        return undefined;
    }
  };

  const prove = (key: Digest, client: () => Client): MaybePromise<TokenProof> => {
    const known = fromMemory(key, client);
    if (known === undefined) return fromStore(key, client);
    if (known !== 'stale') return known;
    return memory.refresh().then(() => {
      const fresh = fromMemory(key, client);
      if (fresh === 'stale') throw new Error('Cannot judge a token: changes could not be read in time');
      return fresh ?? fromStore(key, client);
    });
  };

  /** What has expired is over before anybody is told. */
  const settled = (proof: TokenProof): MaybePromise<TokenProof> =>
    proof.kind === 'rejected' && 'token' in proof ? parts.over(proof.token, proof.cause).then(() => proof) : proof;

  const verifyDigest = (key: Digest, client: () => Client): MaybePromise<TokenProof> => {
    const proof = prove(key, client);
    return proof instanceof Promise ? proof.then(settled) : settled(proof);
  };

  const write = async (): Promise<void> => {
    const uses = [...unwritten.values()];
    if (uses.length === 0) return;
    underWay = unwritten;
    unwritten = new Map();
    try {
      await parts.store.noteTokenUses(uses);
    } catch (fault) {
      if (!(fault instanceof StoreFault)) throw fault;
      // Counted with what came meanwhile, and written with it.
      countedSince = clock.monotonic();
      for (const use of uses) {
        const later = unwritten.get(use.id);
        unwritten.set(use.id, later === undefined ? use : { ...later, count: later.count + use.count });
      }
      throw fault;
    } finally {
      underWay = new Map();
    }
  };

  return {
    verify: (token, client) => verifyDigest(digest(token), client),
    verifyDigest,
    noteUse: ({ id }, address) => {
      const use = unwritten.get(id);
      if (use === undefined) {
        if (unwritten.size === 0) countedSince = clock.monotonic();
        unwritten.set(id, { id, lastUsedAt: clock.now(), address, count: 1 });
      } else {
        use.lastUsedAt = clock.now();
        use.address = address;
        use.count += 1;
      }
    },
    unwritten: (id) => {
      const [before, since] = [underWay.get(id), unwritten.get(id)];
      if (before === undefined || since === undefined) return since ?? before;
      return { ...since, count: since.count + before.count };
    },
    keepUp: async () => {
      if (unwritten.size > 0 && clock.monotonic() - countedSince >= writeEveryMs) await write();
    },
    flush: write,
  };
}
