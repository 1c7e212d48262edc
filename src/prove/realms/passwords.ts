/**
 * Step 3 for passwords, whoever vouches for them: those that are kept here by `verify/password.ts`, others by their realm. An
 * account is only ever signed in to by its own realm: one of another realm that has the same name is refused to both.
 */
import { keyedDigest } from '../../crypto/digest.ts';
import type { HashTurn } from '../../crypto/hash-queue.ts';
import type { Random } from '../../crypto/random.ts';
import type { OutsideRealm, RealmProof } from '../../realm/contract.ts';
import type { Circumstances, Clock, Password, UserId } from '../../types.ts';
import type { ClaimedAccount } from '../../verify/claim.ts';
import type { PasswordProof, PasswordVerifier } from '../../verify/password.ts';
import type { Adoption } from './adopt.ts';

export type RealmedProof =
  | PasswordProof
  /** Its realm could not be asked: nobody knows. */
  | { readonly kind: 'unavailable' }
  | {
      readonly kind: 'rejected';
      readonly cause: 'other-realm' | 'ambiguous';
      readonly userId: UserId | null;
    };

export interface Passwords {
  verify(
    account: ClaimedAccount,
    password: Password,
    turn: HashTurn,
    circumstances: Pick<Circumstances, 'address' | 'peer'>,
  ): Promise<RealmedProof>;
  /** A password of that account was changed there: what was wrong may be right. */
  changed(realm: OutsideRealm, name: string): void;
}

export interface PasswordsParts {
  readonly local: PasswordVerifier;
  readonly adoption: Adoption;
  readonly clock: Clock;
  readonly random: Random;
  readonly onFault: (fault: unknown) => void;
}

/**
 * A program with an old password tries it every minute: its directory, which may count, is not asked each time. The same
 * password may be right there a while later.
 */
const rejectedMs = 60_000;
const mostRejected = 4096;

interface Rejected {
  readonly proof: Extract<RealmProof, { kind: 'rejected' }>;
  readonly name: string;
  readonly until: number;
}

export function realmPasswords(parts: PasswordsParts): Passwords {
  const { local, clock } = parts;
  const key = parts.random.bytes(32);
  const inFlight = new Map<string, Promise<RealmProof>>();
  const rejected = new Map<string, Rejected>();

  const ask = async (realm: OutsideRealm, name: string, password: Password): Promise<RealmProof> => {
    try {
      return await realm.authenticate(name, password);
    } catch (fault) {
      parts.onFault(fault);
      return { kind: 'unavailable', why: 'it failed' };
    }
  };

  /** Equal questions in flight are one. */
  const authenticate = async (realm: OutsideRealm, name: string, password: Password): Promise<RealmProof> => {
    const place = keyedDigest(key, 'realm', realm.name, name, password);
    const before = rejected.get(place);
    if (before !== undefined && clock.monotonic() < before.until) return before.proof;
    const running = inFlight.get(place);
    if (running !== undefined) return running;
    const begun = ask(realm, name, password).finally(() => inFlight.delete(place));
    inFlight.set(place, begun);
    const proof = await begun;
    rejected.delete(place);
    // Of several entries for one name nothing is known of the password.
    if (proof.kind === 'rejected' && proof.cause !== 'ambiguous') {
      const [oldest] = rejected.keys();
      if (rejected.size >= mostRejected && oldest !== undefined) rejected.delete(oldest);
      rejected.set(place, { proof, name: `${name}@${realm.name}`, until: clock.monotonic() + rejectedMs });
    }
    return proof;
  };

  const verifyOutside = async (
    realm: OutsideRealm,
    name: string,
    { lookup }: ClaimedAccount,
    password: Password,
    { address, peer }: Pick<Circumstances, 'address' | 'peer'>,
  ): Promise<RealmedProof> => {
    const userId = lookup.kind === 'found' ? lookup.user.id : null;
    const proof = await authenticate(realm, name, password);
    switch (proof.kind) {
      case 'unavailable':
        return { kind: 'unavailable' };
      case 'rejected':
        return { kind: 'rejected', cause: proof.cause, userId };
      case 'proven': {
        const { entry } = proof;
        // Whom the realm has disabled gets no account, and the one there is, is disabled.
        const bringing = { address, peer, way: 'password' } as const;
        if (entry.standing === 'disabled') {
          if (lookup.kind === 'found') await parts.adoption.bringUpToDate(lookup.user, entry, bringing);
          return { kind: 'rejected', cause: 'disabled', userId };
        }
        const adopted = await parts.adoption.whoCame(realm, { ...entry, name }, bringing);
        const { user } = adopted;
        if (adopted.kind === 'not-theirs') return { kind: 'rejected', cause: 'other-realm', userId: user.id };
        return user.active ? { kind: 'proven', user } : { kind: 'rejected', cause: 'disabled', userId: user.id };
      }
    }
  };

  return {
    verify: async (account, password, turn, circumstances) => {
      const { lookup } = account;
      const { realm, name } = account.at;
      if (lookup.kind === 'found' && lookup.user.realm !== realm.name) {
        // It costs what a name that is nobody's costs.
        const spent = await local.verify({ ...account, lookup: { kind: 'unknown' } }, password, turn);
        return spent.kind === 'busy' ? spent : { kind: 'rejected', cause: 'other-realm', userId: lookup.user.id };
      }
      return realm.kind === 'local'
        ? local.verify(account, password, turn)
        : verifyOutside(realm, name, account, password, circumstances);
    },

    changed: (realm, name) => {
      for (const [place, each] of rejected) if (each.name === `${name}@${realm.name}`) rejected.delete(place);
    },
  };
}
