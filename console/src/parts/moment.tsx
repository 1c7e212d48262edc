import { useEffect, useState } from 'preact/hooks';
import { exactTime, relativeTime } from '../words/formats.ts';

/** A time in relation to now; the exact one on hover and for screen readers. Goes on being true while the page is open. */
export function Moment({ at }: { readonly at: number }) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 30_000);
    return () => clearInterval(timer);
  }, []);
  const exact = exactTime(at);
  return (
    <time dateTime={new Date(at).toISOString()} title={exact}>
      {relativeTime(at, now)}
      <span class="unseen"> ({exact})</span>
    </time>
  );
}
