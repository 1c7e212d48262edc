/** A pair out of its two files: read, their modes looked at, held against each other; every problem at once (2-http-api, 7). */
import type { PairProblem } from '../../crypto/certificates/pair.ts';
import { type PairReading, readPair } from '../../crypto/certificates/read-pair.ts';
import type { Millis } from '../../types.ts';
import type { PairFiles } from '../contract.ts';
import { keyModeProblems, readPairFile, type Where } from './readable-files.ts';

export interface PairRequest {
  readonly files: PairFiles;
  readonly where: Where;
  readonly at: Millis;
  /** `told`: one that is over, or not yet good, is served all the same: a restart is no reason to serve nothing. */
  readonly dates?: 'judged' | 'told';
}

export async function loadPair({ files, where, at, dates = 'judged' }: PairRequest): Promise<PairReading> {
  const [cert, key] = await Promise.all([
    readPairFile(files.certPath, 'certificate', where),
    readPairFile(files.keyPath, 'key', where),
  ]);
  const problems: PairProblem[] = [];
  if (cert.kind === 'unusable') problems.push(...cert.problems);
  if (key.kind === 'unusable') problems.push(...key.problems);
  else problems.push(...keyModeProblems(key.owner, process.geteuid?.()));
  if (cert.kind === 'read' && key.kind === 'read') {
    const reading = readPair(cert.text, key.text, at, dates);
    if (reading.kind === 'unusable') problems.push(...reading.problems);
    else if (problems.length === 0) return reading;
  }
  const [first, ...others] = problems;
  if (first === undefined) throw new Error('A pair that is refused without a reason');
  return { kind: 'unusable', problems: [first, ...others] };
}
