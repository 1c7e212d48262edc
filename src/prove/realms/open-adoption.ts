/** The realms with all that hangs on them: accounts that are made of their people, and the look at who is still there. */
import type { Settings } from '../../config/schema.ts';
import type { Random } from '../../crypto/random.ts';
import type { OutsideRealm } from '../../realm/contract.ts';
import { openRealms } from '../../realm/open-realms.ts';
import type { Realms } from '../../realm/realms.ts';
import type { Log, Recorder } from '../../record/recorder.ts';
import { oneAtATime } from '../../store/one-at-a-time.ts';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../types.ts';
import { type Adoption, adoption as makeAdoption } from './adopt.ts';
import { syncRealm } from './sync.ts';

export interface RealmsParts {
  readonly settings: Settings;
  /** Of an embedding application. */
  readonly given: readonly OutsideRealm[];
  readonly store: Store;
  readonly recorder: Recorder;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export interface OpenedRealms {
  readonly kind: 'open';
  readonly realms: Realms;
  readonly adoption: Adoption;
  /** A change that is under way ends first. */
  readonly stop: () => Promise<void>;
}

const longestStopMs = 1000;

export async function openAdoption(
  parts: RealmsParts,
): Promise<{ readonly kind: 'refused'; readonly why: string } | OpenedRealms> {
  const { settings, store, log } = parts;
  const onTrouble = (what: string): void => log.warn({}, what);
  const made = await openRealms({ settings, given: parts.given, onTrouble });
  if (made.kind === 'refused') return made;
  const { realms } = made;
  const adoption = makeAdoption({ ...parts, onTrouble });
  if (realms.outside.length === 0) return { kind: 'open', realms, adoption, stop: () => Promise.resolve() };
  let standing = 'going' as 'going' | 'stopped';
  const look = oneAtATime(async () => {
    for (const realm of realms.outside) {
      if (standing === 'stopped') return;
      try {
        await syncRealm({ store, adoption, standing: () => standing, onTrouble }, realm);
      } catch (fault) {
        log.error({ err: fault }, `it could not be looked at who is still in realm "${realm.name}"`);
      }
    }
  });
  let last = look();
  const looking = setInterval(() => {
    last = look();
  }, settings.ldap.syncEveryMs);
  looking.unref();
  return {
    kind: 'open',
    realms,
    adoption,
    stop: async () => {
      clearInterval(looking);
      standing = 'stopped';
      // One that waits for a directory changes nothing any more, and is not waited for.
      const enough = Promise.withResolvers<void>();
      const timer = setTimeout(enough.resolve, longestStopMs);
      await Promise.race([last, enough.promise]);
      clearTimeout(timer);
    },
  };
}
