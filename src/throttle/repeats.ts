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

export interface Recalled {
  /** What it was refused for before; null when it is new. */
  readonly before: string | null;
  /** It is refused now. `repeated`: before, or by somebody in flight beside it who was faster. */
  note(cause: string): { readonly kind: 'repeated' | 'new' };
}

export interface Repeats {
  /** Whether just that was refused before. */
  recall(tried: WrongSecret): Recalled;
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

  return {
    recall: (tried) => {
      const fingerprint = fingerprintOf(tried);
      const known = (): Seen | undefined => recent(tried).find((each) => each.fingerprint === fingerprint);
      return {
        before: known()?.cause ?? null,
        note: (cause) => {
          if (known() !== undefined) return { kind: 'repeated' };
          const { kind, id } = tried.subject;
          const table = seen[kind];
          const kept = [...recent(tried), { fingerprint, cause, at: clock.monotonic() }];
          table.delete(id);
          table.set(id, kept.slice(-repeatsKept.perName));
          const [oldest] = table.keys();
          if (kind === 'unknown' && table.size > repeatsKept.unknownNames && oldest !== undefined) table.delete(oldest);
          return { kind: 'new' };
        },
      };
    },
  };
}
