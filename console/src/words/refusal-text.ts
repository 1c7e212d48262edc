/** From what the API refused to the sentence a person reads. */
import type { Refusal } from '../api/answers.ts';
import { waitTime } from './formats.ts';
import { messages } from './messages.ts';

/** The catalogue first; the server's own sentence for what this version of the pages does not know. */
export function refusalText(refusal: Refusal): string {
  const trouble = messages.trouble;
  switch (refusal.kind) {
    case 'refused':
      return known(trouble.codes, refusal.code) ?? (refusal.detail || trouble.unknown);
    case 'limited':
      return trouble.limited(waitTime(refusal.seconds));
    case 'offline':
      return navigator.onLine ? trouble.unreachable : trouble.offline;
    case 'busy':
      return trouble.busy;
    case 'unreadable':
      return trouble.unreadable;
    case 'cookies-blocked':
      return trouble.cookiesBlocked;
    case 'session-ended':
      return trouble.sessionEnded;
  }
}

/** `table[key]` for keys that come from outside: only the table's own, never an inherited one. */
export function known(table: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
