/**
 * What ends access ends it at once, also when it cannot be written (3-rules, Logs, audit, metrics): this process takes the
 * session or token for ended from now on, whoever asked is told 503, and the end is written as soon as the store can write again.
 * Only until then would a crash bring the session back, which is why nobody is told that it is done.
 *
 * What grants waits for the ends before it: else an end written late would take along what was opened after it.
 */
import { type Store, StoreFault, type Write } from '../store/store.ts';
import type { TokenId, UserId } from '../types.ts';
import type { Held } from './holders.ts';
import type { Memory } from './known/contract.ts';

export interface Ending {
  /** The same store, whose ends hold even while they cannot be written. */
  readonly store: Store;
  /** Writes what could not be written before; called every second, and before closing. */
  settle(): Promise<void>;
}

interface Pending {
  readonly write: () => Promise<unknown>;
  readonly lift: () => void;
}

/** What a write ends, and how it is written once the store can again. */
interface End {
  /** By what it ends: asking twice is one end. */
  readonly key: string;
  readonly covers: (held: Held) => boolean;
  readonly later: () => Promise<unknown>;
}

export function endingStore(store: Store, memory: Pick<Memory, 'bar'>): Ending {
  const pending = new Map<string, Pending>();
  let settling: Promise<void> | null = null;

  /** Where it fails, these ends hold all the same. */
  const holding = async <T>(ends: readonly End[], write: () => Promise<T>): Promise<T> => {
    try {
      return await write();
    } catch (fault) {
      if (fault instanceof StoreFault)
        for (const { key, covers, later } of ends)
          if (!pending.has(key)) pending.set(key, { write: later, lift: memory.bar(covers) });
      throw fault;
    }
  };

  const settleAll = async (): Promise<void> => {
    for (const [key, { write, lift }] of pending) {
      await write();
      lift();
      pending.delete(key);
    }
  };

  const settle = (): Promise<void> => {
    settling ??= settleAll().finally(() => {
      settling = null;
    });
    return settling;
  };

  const afterEnds =
    <Given extends readonly unknown[], T>(grant: (...given: Given) => Promise<T>) =>
    async (...given: Given): Promise<T> => {
      if (pending.size > 0) await settle();
      return grant(...given);
    };

  /** One that ends something holds its end at once; every other waits for the ends before it. */
  const written = <T>(each: Write, write: () => Promise<T>): Promise<T> => {
    const ends = endsOf(store, each);
    return ends.length === 0 ? afterEnds(write)() : holding(ends, write);
  };

  return {
    store: {
      ...store,
      openSession: afterEnds((opening) => store.openSession(opening)),
      renewSession: afterEnds((renewal) => store.renewSession(renewal)),
      issueOneUse: afterEnds((ticket, cap) => store.issueOneUse(ticket, cap)),
      redeemHandOver: afterEnds((redemption) => store.redeemHandOver(redemption)),
      changePassword: afterEnds((change) => store.changePassword(change)),
      noteAccepted: afterEnds((accepted) => store.noteAccepted(accepted)),
      openChallenge: afterEnds((challenge, cap) => store.openChallenge(challenge, cap)),
      enableTotp: afterEnds((change) => store.enableTotp(change)),
      disableTotp: afterEnds((change) => store.disableTotp(change)),
      replaceRecoveryCodes: afterEnds((change) => store.replaceRecoveryCodes(change)),
      addPasskey: afterEnds((change) => store.addPasskey(change)),
      removePasskey: afterEnds((change) => store.removePasskey(change)),
      putLink: afterEnds((link, audit) => store.putLink(link, audit)),
      redeemLink: afterEnds((redemption) => store.redeemLink(redemption)),
      endSession: (given) => {
        const later = () => store.endSession(given);
        const covers = (each: Held): boolean =>
          each.userId === given.userId && (each.sessionId === given.id || each.parentId === given.id);
        return holding([{ key: `session ${given.id}`, covers, later }], later);
      },
      endSessions: (given) => {
        const later = () => store.endSessions(given);
        const covers = (each: Held): boolean =>
          each.userId === given.userId &&
          (each.serial !== null ||
            (each.sessionId !== null &&
              (given.except === null || (each.sessionId !== given.except && each.parentId !== given.except))));
        return holding([{ key: `all of ${given.userId} but ${given.except ?? 'none'}`, covers, later }], later);
      },
      revokeTicket: (given) => {
        const later = () => store.revokeTicket(given);
        const covers = (each: Held): boolean =>
          each.serial !== null && (each.serial === given.digest || each.digest === given.digest);
        return holding([{ key: `ticket ${given.digest}`, covers, later }], later);
      },
      createToken: afterEnds((creation) => store.createToken(creation)),
      rotateToken: afterEnds((rotation) => store.rotateToken(rotation)),
      issuePathTicket: afterEnds((ticket, cap) => store.issuePathTicket(ticket, cap)),
      updateUser: (given) => written({ write: 'updateUser', given }, () => store.updateUser(given)),
      updateToken: (given) => written({ write: 'updateToken', given }, () => store.updateToken(given)),
      deleteToken: (given) => written({ write: 'deleteToken', given }, () => store.deleteToken(given)),
      deleteUser: (given) => written({ write: 'deleteUser', given }, () => store.deleteUser(given)),
      writeTogether: (writes, which) => {
        const ends = writes.map((each) => endsOf(store, each));
        const write = () => store.writeTogether(writes, which);
        // All or none: what ends nothing if another one fails has not ended while nobody knows.
        if (which === 'all') return afterEnds(write)();
        return holding(ends.flat(), ends.some(({ length }) => length === 0) ? afterEnds(write) : write);
      },
    },
    settle,
  };
}

/** What a write ends: nothing, or one thing. */
function endsOf(store: Store, each: Write): readonly End[] {
  switch (each.write) {
    case 'updateUser': {
      if (each.given.patch.active !== false) return [];
      // Its end holds already: it is written whatever else has changed by then.
      const { from: _seen, ...whateverItIs } = each.given;
      const { userId } = whateverItIs;
      return [{ key: `user ${userId}`, covers: coversUser(userId), later: () => store.updateUser(whateverItIs) }];
    }
    case 'deleteUser': {
      const { given } = each;
      const key = `account ${given.userId}`;
      return [{ key, covers: coversUser(given.userId), later: () => store.deleteUser(given) }];
    }
    case 'updateToken': {
      if (each.given.patch.active !== false) return [];
      // What else was asked for may not fit any more by then.
      const { from: _seen, ...given } = each.given;
      const later = () => store.updateToken({ ...given, patch: { active: false } });
      return [{ key: `token ${given.id} off`, covers: coversToken(given), later }];
    }
    case 'deleteToken': {
      const { given } = each;
      return [{ key: `token ${given.id}`, covers: coversToken(given), later: () => store.deleteToken(given) }];
    }
    case 'createUser':
    case 'createToken':
      return [];
  }
}

function coversUser(id: UserId): (held: Held) => boolean {
  return ({ userId }) => userId === id;
}

/** Nobody ends what is another's, not even for a while. */
function coversToken(ending: { readonly id: TokenId; readonly owner: UserId | null }): (held: Held) => boolean {
  return ({ tokenId, userId }) => tokenId === ending.id && (ending.owner === null || userId === ending.owner);
}
