/** The status every page begins with: waited for a moment before the first paint, then taken whenever it comes. */
import { useEffect, useState } from 'preact/hooks';
import { type StatusOutcome, status } from '../api/sign-in.ts';

export type Beginning = { readonly kind: 'waiting' } | StatusOutcome;

const patienceMs = 150;

const asked = status();
let first: Beginning = { kind: 'waiting' };

/** A page that appears a moment later is better than one that appears and changes; a slow server must not hide it. */
export const firstAnswer: Promise<void> = Promise.race([asked, waited()]).then((answer) => {
  first = answer;
});

export function useStatus(): readonly [Beginning, () => Promise<void>] {
  const [known, setKnown] = useState<Beginning>(first);
  useEffect(() => {
    if (known.kind === 'waiting') void asked.then(setKnown);
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
