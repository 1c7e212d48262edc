/**
 * Wrong secrets that come again: a phone with an old password tries it every minute, and guesses nothing. The same wrong
 * secret for the same name from one network is charged once and not hashed again (3-rules, Guessing).
 */
import { keyedDigest } from '../crypto/digest.ts';
import type { Random } from '../crypto/random.ts';
import type { Clock, Digest, Password } from '../types.ts';
import { repeatsKept } from './limits.ts';

export interface WrongSecret {
  /** Whose: a user id with what makes an old refusal void (its generation, whether it is active), or a pseudonym. */
  readonly subject: { readonly kind: 'user' | 'unknown'; readonly id: string; readonly standing: string };
  readonly network: string;
  readonly secret: Password;
}

export type Recalled = { readonly kind: 'repeated'; readonly cause: string } | { readonly kind: 'new' };

export interface Repeats {
  /** Whether just that was refused before, and why. */
  recall(tried: WrongSecret): Recalled;
  /** It is refused now. `repeated`: somebody in flight beside it was faster. */
  note(tried: WrongSecret, cause: string): Recalled;
}

interface Seen {
  readonly fingerprint: Digest;
  readonly cause: string;
  readonly at: number;
}

/** The key lives as long as the process: fingerprints are in no file, and worth nothing to who finds them. */
export function repeats({ clock, random }: { readonly clock: Clock; readonly random: Random }): Repeats {
  const key = random.bytes(32);
  const seen = { user: new Map<string, readonly Seen[]>(), unknown: new Map<string, readonly Seen[]>() };

  const fingerprintOf = ({ subject, network, secret }: WrongSecret): Digest =>
    keyedDigest(key, 'wrong', subject.kind, subject.id, subject.standing, network, secret);

  const recent = ({ subject }: WrongSecret): readonly Seen[] => {
    const now = clock.monotonic();
    return (seen[subject.kind].get(subject.id) ?? []).filter(({ at }) => now - at < repeatsKept.ms);
  };

  const recall: Repeats['recall'] = (tried) => {
    const fingerprint = fingerprintOf(tried);
    const before = recent(tried).find((each) => each.fingerprint === fingerprint);
    return before === undefined ? { kind: 'new' } : { kind: 'repeated', cause: before.cause };
  };

  return {
    recall,
    note: (tried, cause) => {
      const before = recall(tried);
      if (before.kind === 'repeated') return before;
      const { kind, id } = tried.subject;
      const table = seen[kind];
      const kept = [...recent(tried), { fingerprint: fingerprintOf(tried), cause, at: clock.monotonic() }];
      table.delete(id);
      table.set(id, kept.slice(-repeatsKept.perName));
      const [oldest] = table.keys();
      if (kind === 'unknown' && table.size > repeatsKept.unknownNames && oldest !== undefined) table.delete(oldest);
      return before;
    },
  };
}
