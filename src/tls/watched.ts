/** What is watched, and what of it counts as another certificate. */
import { stat } from 'node:fs/promises';
import type { CertificateInfo, PairProblem } from '../crypto/certificates/pair.ts';
import type { Millis } from '../types.ts';
import type { PairFiles, Serving } from './contract.ts';

/** Whether clients of any listener would meet another certificate, or none: of each what was served, and what is now. */
export function anyDiffers(before: readonly Serving[], now: readonly Serving[]): boolean {
  return before.some((each, place) => differ(each, now[place] ?? each));
}

function differ(one: Serving, other: Serving): boolean {
  if (one.kind === 'plain' || other.kind === 'plain') return one.kind !== other.kind;
  const [a, b] = [one.proven.pair, other.proven.pair];
  return a.certPem !== b.certPem || a.keyPem !== b.keyPem;
}

/**
 * What the file system says of both; other text means that they are to be read again. One after the other and never in the
 * way of others: a file system that does not answer (a network's, Proxmox VE's own) is waited for by nobody else.
 */
export async function seenAs({ certPath, keyPath }: PairFiles): Promise<string> {
  const told: string[] = [];
  for (const path of [certPath, keyPath]) {
    try {
      const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
      told.push(`${path} ${ino} ${size} ${mtimeNs} ${ctimeNs}`);
    } catch (fault) {
      told.push(`${path} ${(fault as NodeJS.ErrnoException).code}`);
    }
  }
  return told.join('\n');
}

/** Clients refuse it then, too early as too late. */
export function outOfTime({ notBefore, notAfter }: CertificateInfo, now: Millis): PairProblem | undefined {
  if (now >= notAfter) return { code: 'expired', text: `The certificate expired on ${dayOf(notAfter)}.` };
  if (now < notBefore)
    return { code: 'not-yet-valid', text: `The certificate is not valid before ${dayOf(notBefore)}.` };
  return undefined;
}

function dayOf(at: Millis): string {
  return new Date(at).toISOString().slice(0, 10);
}
