/**
 * Another root key (3-rules, Keys), by the word of whoever runs commands on the host. In this order: the new one is on disk
 * beside the old one; everything that the old one sealed is sealed under it, in one step; it takes the old one's place. Cut
 * short anywhere, the next start finds the old state whole, or finishes (`crypto/key-files/root-key.ts`).
 */
import { makePendingRootKey, putInPlace } from '../../crypto/key-files/root-key.ts';
import type { Random } from '../../crypto/random.ts';
import type { LivingKeyring } from '../../crypto/ring/living-keyring.ts';
import { refuse } from '../../errors.ts';
import type { Recorder } from '../../record/recorder.ts';
import type { Store } from '../../store/store.ts';
import { byHost, done, type Outcome } from '../call.ts';

export interface RootKeyParts {
  readonly store: Pick<Store, 'installation' | 'replaceRoot'>;
  readonly keyring: Pick<LivingKeyring, 'refresh' | 'standing' | 'judge' | 'under'>;
  readonly recorder: Pick<Recorder, 'event'>;
  readonly random: Random;
  readonly rootKeyFile: string;
}

const mostTries = 20;

export async function replaceRootKey(parts: RootKeyParts): Promise<Outcome> {
  const { store, keyring, recorder, random, rootKeyFile } = parts;
  for (let tried = 0; tried < mostTries; tried += 1) {
    await keyring.refresh();
    const standing = keyring.standing();
    if (standing.kind === 'unopened') return refuse('conflict', { detail: `Nothing was changed: ${standing.why}.` });
    const found = await store.installation();
    if (found.kind === 'empty') return refuse('conflict', { detail: 'The database is empty.' });
    // One that an attempt before this one left is as good as new: nothing is sealed under it.
    const root = await makePendingRootKey(rootKeyFile, random);
    if (keyring.judge(root).kind === 'in-use') {
      // Another node, or a command that was cut short, has come so far.
      putInPlace(rootKeyFile, root);
      continue;
    }
    const { id, canary: from } = found.installation;
    const audit = recorder.event({ event: 'root-key-replaced', ...byHost });
    const replaced = await store.replaceRoot({ from, ...keyring.under(root, id), audit });
    if (replaced.kind === 'replaced') {
      putInPlace(rootKeyFile, root);
      await keyring.refresh();
      return done({ file: rootKeyFile });
    }
    const now = await store.installation();
    // Not again: whoever replaced it is about to put theirs in its place.
    if (now.kind === 'empty' || now.installation.canary !== from)
      return refuse('conflict', { detail: 'Another root key was put in its place at the same moment.' });
  }
  return refuse('conflict', { detail: 'Others changed the key ring at the same moment, again and again.' });
}
