/**
 * Step 3 for passwords: is it the right one for that account? Unknown, malformed, disabled and wrong cost one real hash
 * each and look alike outside (3-rules, Guessing). Equal checks in flight share one hash.
 */
import { keyedDigest } from '../crypto/digest.ts';
import type { Keyring } from '../crypto/keyring.ts';
import type { HashCheck, PasswordHasher } from '../crypto/password-hash.ts';
import type { HashTurn } from '../crypto/hash-queue.ts';
import type { Random } from '../crypto/random.ts';
import type { UserRow } from '../store/rows.ts';
import type { Store, UserLookup } from '../store/store.ts';
import type { Password, UserId } from '../types.ts';

export type PasswordProof =
  | { readonly kind: 'busy' }
  | {
      readonly kind: 'rejected';
      readonly cause: 'unknown-user' | 'no-password' | 'wrong-password' | 'hash-too-slow' | 'disabled';
      readonly userId: UserId | null;
    }
  | { readonly kind: 'proven'; readonly user: UserRow };

export interface Account {
  /** Name as typed, canonical where it can be: equal checks of unknown names are told by it. */
  readonly name: string;
  readonly lookup: UserLookup;
}

export interface PasswordVerifier {
  verify(account: Account, password: Password, turn: HashTurn): Promise<PasswordProof>;
}

/** Where a user's hash is sealed: cannot be moved to another account. */
export function passwordPlace(userId: UserId): readonly string[] {
  return ['password', userId];
}

/** The hash that is stored of a password, where there is one. */
export function storedHash(keyring: Keyring, { id, sealedPassword }: UserRow): string {
  const opened = keyring.open(passwordPlace(id), sealedPassword);
  if (opened.kind === 'damaged') throw new Error(`Cannot open the password of "${id}": ${opened.why}`);
  return opened.bytes.toString('utf8');
}

export function passwordVerifier(parts: {
  hasher: PasswordHasher;
  keyring: Keyring;
  random: Random;
  store: Pick<Store, 'rehashPassword'>;
  onFault: (fault: unknown) => void;
}): PasswordVerifier {
  const { hasher, keyring, store } = parts;
  const inFlight = new Map<string, Promise<HashCheck>>();
  const flightKey = parts.random.bytes(32);

  /** Equal checks in flight are one hash, for names that exist and names that do not: neither fills the queue faster. */
  const once = async (key: readonly string[], check: () => Promise<HashCheck>): Promise<HashCheck> => {
    const place = keyedDigest(flightKey, 'check', ...key);
    const running = inFlight.get(place);
    if (running) return running;
    const begun = check().finally(() => inFlight.delete(place));
    inFlight.set(place, begun);
    return begun;
  };

  const rehash = async (user: UserRow, password: Password, turn: HashTurn): Promise<void> => {
    const made = await hasher.make(password, turn);
    if (made.kind === 'busy') return;
    await store.rehashPassword({
      userId: user.id,
      generation: user.credentialGeneration,
      sealedPassword: keyring.seal(passwordPlace(user.id), made.phc),
    });
  };

  return {
    verify: async (account, password, turn) => {
      const { name, lookup } = account;
      if (lookup.kind === 'unknown') {
        const spent = await once(['nobody', name, password], () => hasher.checkNobody(password, turn));
        return spent.kind === 'busy' ? spent : { kind: 'rejected', cause: 'unknown-user', userId: null };
      }
      const { user } = lookup;
      // Invited, and not come yet: outside that is like a wrong password.
      if (user.sealedPassword === '') {
        const spent = await once(['nobody', name, password], () => hasher.checkNobody(password, turn));
        return spent.kind === 'busy' ? spent : { kind: 'rejected', cause: 'no-password', userId: user.id };
      }
      await keyring.learn(user.sealedPassword);
      const phc = storedHash(keyring, user);
      const check = await once(['user', user.id, phc, password], () => hasher.check(password, phc, turn));
      switch (check.kind) {
        case 'busy':
          return check;
        case 'mismatch':
          return {
            kind: 'rejected',
            cause: check.why === 'too-slow' ? 'hash-too-slow' : 'wrong-password',
            userId: user.id,
          };
        case 'match':
          if (!user.active) return { kind: 'rejected', cause: 'disabled', userId: user.id };
          if (check.stale === 'rehash') void rehash(user, password, turn).catch(parts.onFault);
          return { kind: 'proven', user };
      }
    },
  };
}
