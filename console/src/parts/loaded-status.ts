/** The status every page begins with: waited for a moment before the first paint, then taken whenever it comes. */
import { useEffect, useState } from 'preact/hooks';
import { type StatusOutcome, status } from '../api/api.ts';

export type Beginning = { readonly kind: 'waiting' } | StatusOutcome;

const patienceMs = 150;

const asked = status();
/** A page that appears a moment later is better than one that appears and changes; a slow server must not hide it. */
const first: Beginning = await Promise.race([asked, waited()]);

export function useStatus(): readonly [Beginning, () => Promise<void>] {
  const [known, setKnown] = useState<Beginning>(first);
  useEffect(() => {
    if (first.kind === 'waiting') void asked.then(setKnown);
  }, []);
  const reload = async (): Promise<void> => {
    const next = await status();
    // What is known stays on the page when it cannot be asked for: somebody may be typing there.
    setKnown((before) => (before.kind === 'status' && next.kind !== 'status' ? before : next));
  };
  return [known, reload];
}

function waited(): Promise<Beginning> {
  return new Promise((resolve) => setTimeout(() => resolve({ kind: 'waiting' }), patienceMs));
}
