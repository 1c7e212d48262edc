/** The next key of a purpose, by command or because it is time: one way for both (3-rules, Keys). */
import type { KeyPurpose, KeyRow } from '../../crypto/keyring.ts';
import { newestKey } from '../../crypto/keyring.ts';
import type { Keeping } from '../../crypto/key-files/service-key-file.ts';
import type { LivingKeyring } from '../../crypto/ring/living-keyring.ts';
import { refuse, type Refusal } from '../../errors.ts';
import type { Recorder } from '../../record/recorder.ts';
import type { Store } from '../../store/store.ts';
import type { Clock, Millis } from '../../types.ts';
import { type By, done, type Outcome } from '../call.ts';
import { timeText } from '../issue-session.ts';
import { heardMs, mostOfPurpose, publishedMs, type RotatedPurpose, rotatedPurposes } from './ages.ts';

/** `compromised`: at once, and those before it are gone at once. */
export type When = 'published' | 'now' | 'compromised';

export interface Rotation {
  readonly purpose: RotatedPurpose | 'service' | 'all';
  readonly when: When;
}

export interface KeyParts {
  readonly store: Pick<Store, 'keys' | 'addKey' | 'replaceKey' | 'keyUses'>;
  readonly keyring: Pick<LivingKeyring, 'refresh' | 'standing' | 'rows' | 'newKey'>;
  readonly recorder: Pick<Recorder, 'event'>;
  readonly clock: Clock;
  readonly serviceKeyFile: ServiceKeyPlace;
}

/** Where tools of this machine find the service key. */
export interface ServiceKeyPlace {
  readonly path: string;
  /** It holds the key that is in the store, or it is told why not. */
  readonly keep: () => Promise<Keeping>;
}

/** Somebody else may be at it as well; not that often. */
const mostTries = 20;

export async function rotate(parts: KeyParts, { purpose, when }: Rotation, by: By): Promise<Outcome> {
  if (when === 'compromised' && purpose !== 'ticket')
    return refuse('invalid_request', {
      detail: 'Only ticket keys can be given up as compromised; for any other purpose rotate with "now".',
    });
  if (purpose === 'service') return replaceServiceKey(parts, by);
  const purposes = purpose === 'all' ? rotatedPurposes : [purpose];
  const keys: KeyRow[] = [];
  for (const each of purposes) {
    const next = await nextKey(parts, each, when, by);
    if (next.kind === 'refused') return next;
    keys.push(next.key);
  }
  const made = { keys: keys.map(madeFields) };
  if (purpose !== 'all') return done(made);
  const service = await replaceServiceKey(parts, by);
  if (service.kind !== 'done') return service;
  const { id, made_at: at, ...file } = service.fields;
  return done({ keys: [...made.keys, { id, purpose: 'service', made_at: at, used_from: at }], ...file });
}

/** One that is published already is the next one, unless it is to be used at once. */
export async function nextKey(
  {
    store,
    keyring,
    recorder,
    clock,
  }: Pick<KeyParts, 'keyring' | 'recorder' | 'clock'> & {
    readonly store: Pick<Store, 'addKey'>;
  },
  purpose: RotatedPurpose,
  when: When,
  by: By,
): Promise<Refusal | { readonly kind: 'next'; readonly key: KeyRow }> {
  for (let tried = 0; tried < mostTries; tried += 1) {
    await keyring.refresh();
    const standing = keyring.standing();
    if (standing.kind === 'unopened') return refuse('conflict', { detail: `No key can be made: ${standing.why}.` });
    const before = keyring.rows().filter((row) => row.purpose === purpose);
    const newest = newestKey(before, purpose);
    const now = clock.now();
    if (when === 'published' && newest !== undefined && newest.usedFrom > now) return { kind: 'next', key: newest };
    if (when !== 'compromised' && before.length >= mostOfPurpose)
      return refuse('conflict', {
        detail: `There are ${before.length} keys for "${purpose}" already. Wait until old ones have gone.`,
      });
    // Whatever the clock says: keys of a purpose have an order.
    const at = Math.max(now, (newest?.createdAt ?? 0) + 1) as Millis;
    const key = keyring.newKey(purpose, at, (at + delayOf(purpose, when)) as Millis);
    const gone = when === 'compromised' ? before : [];
    const added = await store.addKey({
      key,
      after: newest === undefined ? null : { id: newest.id, sealed: newest.sealed },
      others: when === 'compromised' ? 'go' : 'stay',
      audit: [
        recorder.event({ event: 'key-added', ...by, target: keyName(key) }),
        ...gone.map((row) =>
          recorder.event({ event: 'key-removed', ...by, target: keyName(row), result: 'compromised' }),
        ),
      ],
    });
    if (added.kind === 'changed-meanwhile') continue;
    await keyring.refresh();
    return { kind: 'next', key };
  }
  return refuse('conflict', { detail: 'Others changed the key ring at the same moment, again and again.' });
}

function delayOf(purpose: KeyPurpose, when: When): number {
  if (when === 'published') return publishedMs;
  return purpose === 'cookie' ? heardMs : 0;
}

/** As events name it. */
export function keyName({ purpose, id }: Pick<KeyRow, 'purpose' | 'id'>): string {
  return `${purpose}:${id}`;
}

function madeFields({ id, purpose, createdAt, usedFrom }: KeyRow): Readonly<Record<string, unknown>> {
  return { id, purpose, made_at: timeText(createdAt), used_from: timeText(usedFrom) };
}

/** The old one is dead when this is done, here at once; and whoever reads the file finds the new one. */
async function replaceServiceKey(parts: KeyParts, by: By): Promise<Outcome> {
  const { store, keyring, recorder, clock, serviceKeyFile } = parts;
  for (let tried = 0; tried < mostTries; tried += 1) {
    await keyring.refresh();
    const standing = keyring.standing();
    if (standing.kind === 'unopened') return refuse('conflict', { detail: `No key can be made: ${standing.why}.` });
    const before = newestKey(keyring.rows(), 'service');
    const now = clock.now();
    const key = keyring.newKey('service', now, now);
    const replaced = await store.replaceKey({
      key,
      from: before?.id ?? null,
      ...(before === undefined ? {} : { fromSealed: before.sealed }),
      audit: recorder.event({ event: 'service-key-replaced', ...by, target: key.id }),
    });
    if (replaced.kind === 'changed-meanwhile') continue;
    await keyring.refresh();
    const kept = await serviceKeyFile.keep();
    return done({
      id: key.id,
      made_at: timeText(key.createdAt),
      file: serviceKeyFile.path,
      file_problem: kept.kind === 'kept' ? null : kept.why,
    });
  }
  return refuse('conflict', { detail: 'Others replaced the service key at the same moment, again and again.' });
}
