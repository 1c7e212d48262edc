/** Notices when the server can be reached again: told by the browser, or found out by asking now and then. */
import { useEffect, useRef } from 'preact/hooks';
import { status } from '../api/api.ts';

const everyMs = 3000;

/** Calls `onBack` once, as long as `away` holds. */
export function useWhenBack(away: boolean, onBack: () => void): void {
  const called = useRef(onBack);
  called.current = onBack;
  useEffect(() => {
    if (!away) return undefined;
    let over = false;
    const ask = async (): Promise<void> => {
      if (over || !navigator.onLine || (await status()).kind !== 'status' || over) return;
      over = true;
      called.current();
    };
    const timer = setInterval(() => void ask(), everyMs);
    const online = (): void => void ask();
    addEventListener('online', online);
    return () => {
      over = true;
      clearInterval(timer);
      removeEventListener('online', online);
    };
  }, [away]);
}
