/** Values are sealed anew under the sealing key in use, in the background and a bounded part at a time (3-rules, Keys). */
import { keyInUse, type Keyring } from '../../crypto/keyring.ts';
import type { LivingKeyring } from '../../crypto/ring/living-keyring.ts';
import type { Log, Recorder } from '../../record/recorder.ts';
import type { SealedValue, Store } from '../../store/store.ts';
import type { Clock, UserId } from '../../types.ts';
import { passwordPlace } from '../../verify/password.ts';
import { totpPlace } from '../../verify/totp.ts';
import { byServer } from './by-server.ts';
import { startOf } from './ages.ts';

/** Accounts that are looked at in one go. */
const page = 250;
/** A key is used so long before anything is sealed anew under it: every node has heard of it by then. */
const settledMs = 60_000;
/** How long until it begins again from the first: something may have been written under the old key meanwhile. */
const againMs = 60_000;

export interface Resealing {
  /** One part, where there is something to do. Throws when the store cannot be written. */
  step(): Promise<void>;
}

export function resealing(parts: {
  readonly store: Pick<Store, 'sealedElsewhere' | 'reseal'>;
  readonly keyring: Pick<LivingKeyring, 'rows' | 'open' | 'seal'>;
  readonly recorder: Pick<Recorder, 'event'>;
  readonly clock: Clock;
  readonly log: Log;
}): Resealing {
  const { store, keyring, recorder, clock, log } = parts;
  let key = '';
  let after: UserId | '' = '';
  let notBefore = Number.NEGATIVE_INFINITY;
  const told = new Set<string>();

  const anew = (value: SealedValue): readonly (SealedValue & { readonly resealed: string })[] => {
    const resealed = resealedText(keyring, value);
    if (resealed.kind === 'resealed') return [{ ...value, resealed: resealed.text }];
    const name = `${value.userId} ${value.what}`;
    // It stays as it is, and so does the key it asks for.
    if (!told.has(name))
      log.error({ user: value.userId, what: value.what, why: resealed.why }, 'a sealed value does not open');
    told.add(name);
    return [];
  };

  return {
    step: async () => {
      const rows = keyring.rows();
      const used = keyInUse(rows, 'seal', clock.now());
      if (used === undefined || rows.filter(({ purpose }) => purpose === 'seal').length < 2) return;
      if (clock.now() < startOf(used) + settledMs) return;
      if (used.id !== key) [key, after, notBefore] = [used.id, '', Number.NEGATIVE_INFINITY];
      if (clock.monotonic() < notBefore) return;
      const { values, next } = await store.sealedElsewhere({ key, after, limit: page });
      const audit = recorder.event({ event: 'keys-resealed', ...byServer, target: key });
      const resealed = values.flatMap(anew);
      if (resealed.length > 0) await store.reseal({ values: resealed, audit });
      after = next ?? '';
      if (next === null) notBefore = clock.monotonic() + againMs;
    },
  };
}

function resealedText(
  keyring: Pick<Keyring, 'open' | 'seal'>,
  { userId, what, sealed }: SealedValue,
): { readonly kind: 'damaged'; readonly why: string } | { readonly kind: 'resealed'; readonly text: string } {
  const place = what === 'password' ? passwordPlace(userId) : totpPlace(userId);
  const opened = keyring.open(place, sealed);
  return opened.kind === 'damaged'
    ? opened
    : { kind: 'resealed', text: keyring.seal(place, opened.bytes.toString('utf8')) };
}
