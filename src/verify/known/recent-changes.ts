/** Change numbers of recent changes by subject, to judge look-ups that were under way while something changed. */
import type { Seq } from '../../types.ts';
import type { Held } from '../holders.ts';

/** Subjects remembered; beyond them every look-up that began before counts as changed. */
const mostRemembered = 4096;

/** In the place of a digest or id: whatever carries a boot. */
export const anyBoot = ' boot';

export interface RecentChanges {
  /** `upTo`: the highest number seen so far, own changes that are ahead of what was read included. */
  remember(subject: string, seq: Seq, upTo: Seq): void;
  /** Of one subject. */
  since(seq: Seq, subject: string): 'changed' | 'same';
  /** Of anything that an entry hangs on. */
  sinceOf(seq: Seq, held: Held): 'changed' | 'same';
  /** Whatever was looked up at that number or before counts as changed. */
  forgetUpTo(seq: Seq): void;
}

export function recentChanges(from: Seq): RecentChanges {
  const recent = new Map<string, Seq>();
  let forgottenUpTo = from;

  const since = (seq: Seq, subject: string): 'changed' | 'same' =>
    forgottenUpTo > seq || (recent.get(subject) ?? 0) > seq ? 'changed' : 'same';

  return {
    remember: (subject, seq, upTo) => {
      if (recent.size >= mostRemembered) {
        recent.clear();
        forgottenUpTo = Math.max(forgottenUpTo, seq, upTo) as Seq;
      }
      recent.set(subject, Math.max(seq, recent.get(subject) ?? 0) as Seq);
    },
    since,
    sinceOf: (seq, { digest, userId, bootId }) => {
      const subjects = bootId === '' ? [digest, userId] : [digest, userId, anyBoot];
      return subjects.some((subject) => since(seq, subject) === 'changed') ? 'changed' : 'same';
    },
    forgetUpTo: (seq) => {
      recent.clear();
      forgottenUpTo = seq;
    },
  };
}
