/**
 * What ends access ends it at once, also when it cannot be written (3-rules, Logs, audit, metrics): this process takes the
 * session or token for ended from now on, whoever asked is told 503, and the end is written as soon as the store can write again.
 * Only until then would a crash bring the session back, which is why nobody is told that it is done.
 *
 * What grants waits for the ends before it: else an end written late would take along what was opened after it.
 */
import { type Store, StoreFault } from '../store/store.ts';
import type { TokenId, UserId } from '../types.ts';
import type { Held } from './holders.ts';
import type { Memory } from './memory.ts';

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

export function endingStore(store: Store, memory: Pick<Memory, 'bar'>): Ending {
  /** By what they end: asking twice is one end. */
  const pending = new Map<string, Pending>();
  let settling: Promise<void> | null = null;

  const end = async <T>(
    key: string,
    covers: (held: Held) => boolean,
    write: () => Promise<T>,
    later: () => Promise<unknown> = write,
  ): Promise<T> => {
    try {
      return await write();
    } catch (fault) {
      if (fault instanceof StoreFault && !pending.has(key))
        pending.set(key, { write: later, lift: memory.bar(covers) });
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

  return {
    store: {
      ...store,
      openSession: afterEnds((opening) => store.openSession(opening)),
      renewSession: afterEnds((renewal) => store.renewSession(renewal)),
      issueOneUse: afterEnds((ticket, cap) => store.issueOneUse(ticket, cap)),
      redeemHandOver: afterEnds((redemption) => store.redeemHandOver(redemption)),
      changePassword: afterEnds((change) => store.changePassword(change)),
      openChallenge: afterEnds((challenge, cap) => store.openChallenge(challenge, cap)),
      enableTotp: afterEnds((change) => store.enableTotp(change)),
      disableTotp: afterEnds((change) => store.disableTotp(change)),
      replaceRecoveryCodes: afterEnds((change) => store.replaceRecoveryCodes(change)),
      addPasskey: afterEnds((change) => store.addPasskey(change)),
      removePasskey: afterEnds((change) => store.removePasskey(change)),
      putLink: afterEnds((link, audit) => store.putLink(link, audit)),
      redeemLink: afterEnds((redemption) => store.redeemLink(redemption)),
      endSession: (given) =>
        end(
          `session ${given.id}`,
          (each) => each.userId === given.userId && (each.sessionId === given.id || each.parentId === given.id),
          () => store.endSession(given),
        ),
      endSessions: (given) =>
        end(
          `all of ${given.userId} but ${given.except ?? 'none'}`,
          (each) =>
            each.userId === given.userId &&
            each.sessionId !== null &&
            (given.except === null || (each.sessionId !== given.except && each.parentId !== given.except)),
          () => store.endSessions(given),
        ),
      updateUser: (given) => {
        if (given.patch.active !== false) return afterEnds(() => store.updateUser(given))();
        // Its end holds already: it is written whatever else has changed by then.
        const { from: _seen, ...whateverItIs } = given;
        return end(
          `user ${given.userId}`,
          (each) => each.userId === given.userId,
          () => store.updateUser(given),
          () => store.updateUser(whateverItIs),
        );
      },
      createToken: afterEnds((creation) => store.createToken(creation)),
      rotateToken: afterEnds((rotation) => store.rotateToken(rotation)),
      issuePathTicket: afterEnds((ticket, cap) => store.issuePathTicket(ticket, cap)),
      updateToken: (given) => {
        if (given.patch.active !== false) return afterEnds(() => store.updateToken(given))();
        // What else was asked for may not fit any more by then.
        const { from: _seen, ...switchingOff } = given;
        return end(
          `token ${given.id} off`,
          coversToken(given),
          () => store.updateToken(given),
          () => store.updateToken({ ...switchingOff, patch: { active: false } }),
        );
      },
      deleteToken: (given) => end(`token ${given.id}`, coversToken(given), () => store.deleteToken(given)),
      deleteUser: (given) =>
        end(
          `account ${given.userId}`,
          (each) => each.userId === given.userId,
          () => store.deleteUser(given),
        ),
    },
    settle,
  };
}

/** Nobody ends what is another's, not even for a while. */
function coversToken(ending: { readonly id: TokenId; readonly owner: UserId | null }): (held: Held) => boolean {
  return ({ tokenId, userId }) => tokenId === ending.id && (ending.owner === null || userId === ending.owner);
}
