/** Notices when the server can be reached again: told by the browser, or found out by asking now and then. */
import { useEffect, useRef } from 'preact/hooks';
import { status } from '../api/sign-in.ts';

const everyMs = 3000;

/** Calls `onBack` once, as long as `away` holds. */
export function useWhenBack(away: boolean, onBack: () => void): void {
  const called = useRef(onBack);
  called.current = onBack;
  useEffect(() => {
    if (!away) return undefined;
    let asking: 'not' | 'now' | 'over' = 'not';
    const isOver = (): boolean => asking === 'over';
    const ask = async (): Promise<void> => {
      if (asking !== 'not' || !navigator.onLine) return;
      asking = 'now';
      const { kind } = await status();
      if (isOver()) return;
      asking = kind === 'status' ? 'over' : 'not';
      if (isOver()) called.current();
    };
    const timer = setInterval(() => void ask(), everyMs);
    const online = (): void => void ask();
    addEventListener('online', online);
    return () => {
      asking = 'over';
      clearInterval(timer);
      removeEventListener('online', online);
    };
  }, [away]);
}
