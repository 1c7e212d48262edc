/** How long a certificate still has, told 30, 14 and 3 days before its end, each once (3-rules, TLS). */
import type { CertificateInfo } from '../crypto/certificates/pair.ts';
import type { Log } from '../record/recorder.ts';
import type { Millis } from '../types.ts';

const dayMs = 86_400_000;
const steps = [3, 14, 30] as const;

/** Whole days until the end; less than none after it. */
export function daysLeft({ notAfter }: Pick<CertificateInfo, 'notAfter'>, now: Millis): number {
  return Math.floor((notAfter - now) / dayMs);
}

export interface Expectancy {
  judge(info: CertificateInfo, now: Millis): 'over' | 'soon' | 'young';
}

export function expectancy(log: Log): Expectancy {
  /** The last step that was told, and of which certificate. */
  let told: { readonly fingerprint: string; readonly step: number } | undefined;
  return {
    judge: (info, now) => {
      if (now >= info.notAfter) return 'over';
      const left = (info.notAfter - now) / dayMs;
      const step = steps.find((each) => left <= each);
      if (step === undefined) return 'young';
      const known = told?.fingerprint === info.fingerprint && told.step <= step;
      if (!known) {
        told = { fingerprint: info.fingerprint, step };
        log.warn(
          {
            fingerprint: info.fingerprint,
            notAfter: new Date(info.notAfter).toISOString(),
            daysLeft: daysLeft(info, now),
          },
          'the certificate expires soon',
        );
      }
      return 'soon';
    },
  };
}
