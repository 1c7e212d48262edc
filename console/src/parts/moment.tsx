import { useEffect, useState } from 'preact/hooks';
import { exactTime, relativeTime } from '../words/formats.ts';
import { messages } from '../words/messages.ts';

/** A time in relation to now; the exact one on hover and for screen readers. Goes on being true while the page is open. */
interface Props {
  readonly at: number;
  /** Instead of the relative time, where it is said otherwise. */
  readonly said?: string;
}

export function Moment({ at, said }: Props) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 30_000);
    return () => clearInterval(timer);
  }, []);
  const exact = exactTime(at);
  const relative = said ?? relativeTime(at, now);
  return (
    <time dateTime={new Date(at).toISOString()} title={exact}>
      <span aria-hidden>{relative}</span>
      <span class="unseen">{messages.time.spoken(relative, exact)}</span>
    </time>
  );
}
