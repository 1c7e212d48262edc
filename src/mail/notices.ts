/**
 * Notices on their way to mail: one after the other, each by one node alone, beside everything else. Nobody waits for
 * another's: each is tried once here, and so many an hour to one account. Whoever has no address, or more than that, reads
 * them on the account page.
 */
import type { Store } from '../store/store.ts';
import { noticeMails } from '../throttle/limits.ts';
import { ownBudget } from '../throttle/own-budget.ts';
import type { Clock, Millis, Origin } from '../types.ts';
import type { Outbox } from './outbox.ts';
import { noticeLetter } from './words.ts';

/** Older ones are no news any more: a mail server that is set up late does not send all of them. */
const newsMs = 86_400_000;
const lookEveryMs = 2000;

export interface NoticeMails {
  /** Waits for the one that is being sent. */
  stop(): Promise<void>;
}

export function mailNotices(parts: {
  readonly store: Pick<Store, 'takeNoticeToMail'>;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly consoleOrigin: () => Origin;
  readonly onFault: (fault: unknown) => void;
}): NoticeMails {
  const { store, outbox, clock } = parts;
  if (outbox.standing === 'none') return { stop: () => Promise.resolve() };
  const mails = ownBudget(clock, 'notice-mails', noticeMails);
  const stopping = new AbortController();
  let running: Promise<void> | null = null;

  const mailAll = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const taken = await store.takeNoticeToMail((clock.now() - newsMs) as Millis);
      if (taken.kind === 'none') return;
      const { notice, user } = taken;
      if (user.email === '' || mails.spend(user.id) === 'over') continue;
      await outbox.deliver(noticeLetter(notice, user, parts.consoleOrigin()), user.id);
    }
  };

  const looking = setInterval(() => {
    running ??= mailAll()
      .catch(parts.onFault)
      .finally(() => {
        running = null;
      });
  }, lookEveryMs);
  looking.unref();

  return {
    stop: async () => {
      stopping.abort();
      clearInterval(looking);
      await running;
    },
  };
}
