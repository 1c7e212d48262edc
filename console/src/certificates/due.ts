/** How long a certificate is still good, as something to do about it. */
import type { Certificate } from '../api/certificates.ts';

export type Due = 'not-soon' | 'soon' | 'shortly' | 'now' | 'today' | 'ended';

/** The days that the server warns at: 30, 14, 3. */
export function dueOf({ daysLeft }: Pick<Certificate, 'daysLeft'>): Due {
  if (daysLeft < 0) return 'ended';
  if (daysLeft < 1) return 'today';
  if (daysLeft <= 3) return 'now';
  if (daysLeft <= 14) return 'shortly';
  return daysLeft <= 30 ? 'soon' : 'not-soon';
}

export const dueTone = {
  'not-soon': 'good',
  soon: 'info',
  shortly: 'warn',
  now: 'danger',
  today: 'danger',
  ended: 'danger',
} as const;
