/** What changes by itself is looked at again: values that are sealed anew, a key that is about to be used, a root key. */
import { useEffect, useRef } from 'preact/hooks';
import { type Ring, type RingOutcome, keyRing } from '../api/keys.ts';
import { announce } from '../parts/announce.ts';
import { keyMessages } from '../words/key-messages.ts';

const soonestMs = 5_000;
/** Where nothing moves: asking counts what is in the database. */
const latestMs = 60_000;

type Shown = RingOutcome | { readonly kind: 'waiting' };

export function useFollowing(shown: Shown, onRead: (ring: Shown) => void): void {
  const wait = useRef({ seen: '', ms: soonestMs });
  useEffect(() => {
    if (shown.kind !== 'ring') return undefined;
    const seen = underWay(shown);
    if (seen === '') return undefined;
    const ms = seen === wait.current.seen ? Math.min(latestMs, wait.current.ms * 2) : soonestMs;
    wait.current = { seen, ms };
    let over = false;
    const look = async (): Promise<void> => {
      // Nobody sees it.
      if (document.hidden) return arm();
      const read = await keyRing();
      if (over) return;
      if (isResealing(shown) && read.kind === 'ring' && !isResealing(read)) announce(keyMessages.resealing.done);
      // What cannot be had leaves what is there, and is tried again.
      onRead(read.kind === 'ring' ? read : { ...shown });
    };
    const arm = (): void => {
      timer = setTimeout(() => void look(), Math.min(ms, untilUsed(shown)));
    };
    let timer: ReturnType<typeof setTimeout> | undefined;
    arm();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [shown]);
}

export function isResealing({ resealing }: Ring): boolean {
  return resealing !== undefined && resealing.done < resealing.total;
}

/** How far it is with whatever is; empty when all is as it will stay. */
function underWay(ring: Ring): string {
  const soon = ring.keys.filter(({ state }) => state === 'published').map(({ id }) => id);
  if (!isResealing(ring) && soon.length === 0 && ring.rootKey === 'fits') return '';
  return JSON.stringify([ring.resealing, soon, ring.rootKey]);
}

/** A moment later than the first that is published is used. */
function untilUsed({ keys }: Ring): number {
  const soon = keys.filter(({ state }) => state === 'published').map(({ usedFrom }) => usedFrom - Date.now());
  return Math.max(soonestMs, Math.min(latestMs, ...soon) + 1000);
}
