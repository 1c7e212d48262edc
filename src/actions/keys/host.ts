/** Keys of the installation by the word of whoever runs commands on the host: never their bytes (2-http-api, 9). */
import { type Keyring, newestKey } from '../../crypto/keyring.ts';
import type { Keeping } from '../../crypto/key-files/service-key-file.ts';
import { refuse } from '../../errors.ts';
import type { Recorder } from '../../record/recorder.ts';
import type { Store } from '../../store/store.ts';
import type { Clock, Millis } from '../../types.ts';
import { byHost, done, type Outcome } from '../call.ts';

export type KeyCommand =
  | { readonly action: 'list' }
  /** Only the service key can be replaced. */
  | { readonly action: 'rotate'; readonly purpose: 'service' };

export interface KeyParts {
  readonly store: Pick<Store, 'keys' | 'replaceKey'>;
  readonly keyring: Pick<Keyring, 'newServiceKey'>;
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

export type HostKeys = (command: KeyCommand) => Promise<Outcome>;

/** Somebody else may be at it as well; not that often. */
const mostTries = 20;

export function hostKeys(parts: KeyParts): HostKeys {
  return (command) => (command.action === 'list' ? list(parts) : replaceServiceKey(parts));
}

async function list({ store }: KeyParts): Promise<Outcome> {
  const rows = await store.keys();
  const sorted = rows.toSorted((a, b) => a.purpose.localeCompare(b.purpose) || b.createdAt - a.createdAt);
  return done({
    keys: sorted.map(({ id, purpose, createdAt }) => ({
      id,
      purpose,
      made_at: moment(createdAt),
      in_use: newestKey(rows, purpose)?.id === id,
    })),
  });
}

/** The old one is dead when this is done, here at once; and whoever reads the file finds the new one. */
async function replaceServiceKey(parts: KeyParts): Promise<Outcome> {
  const { store, keyring, recorder, clock, serviceKeyFile } = parts;
  for (let tried = 0; tried < mostTries; tried += 1) {
    const from = newestKey(await store.keys(), 'service')?.id ?? null;
    const key = keyring.newServiceKey(clock.now());
    const audit = recorder.event({ event: 'service-key-replaced', ...byHost, target: key.id });
    const replaced = await store.replaceKey({ key, from, audit });
    if (replaced.kind === 'changed-meanwhile') continue;
    const kept = await serviceKeyFile.keep();
    return done({
      id: key.id,
      made_at: moment(key.createdAt),
      file: serviceKeyFile.path,
      file_problem: kept.kind === 'kept' ? null : kept.why,
    });
  }
  return refuse('conflict', { detail: 'Others replaced the service key at the same moment, again and again.' });
}

function moment(at: Millis): string {
  return new Date(at).toISOString();
}
