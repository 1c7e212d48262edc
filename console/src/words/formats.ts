/** Times and waits as words. In the catalogue's language; the clock's zone is the reader's own. */
import { messages } from './messages.ts';

const relative = new Intl.RelativeTimeFormat(messages.locale, { numeric: 'auto' });
const exact = new Intl.DateTimeFormat(messages.locale, {
  day: 'numeric',
  month: 'long',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
});

const steps = [
  { unit: 'day', seconds: 86_400 },
  { unit: 'hour', seconds: 3_600 },
  { unit: 'minute', seconds: 60 },
] as const;

export function relativeTime(at: number, now: number): string {
  const seconds = Math.round((at - now) / 1000);
  const step = steps.find((candidate) => Math.abs(seconds) >= candidate.seconds);
  return step === undefined ? messages.time.now : relative.format(Math.trunc(seconds / step.seconds), step.unit);
}

export function exactTime(at: number): string {
  return exact.format(at);
}

/** "in 42 seconds": rounded up, because a wait that turns out longer than promised is worse than a shorter one. */
export function waitTime(seconds: number): string {
  if (seconds < 90) return relative.format(Math.max(1, Math.ceil(seconds)), 'second');
  if (seconds < 5_400) return relative.format(Math.ceil(seconds / 60), 'minute');
  return relative.format(Math.ceil(seconds / 3_600), 'hour');
}
