/**
 * The certificate of our own, for network addresses where nothing else is given (3-rules, TLS): made when there is none that
 * fits, kept in the data folder, so that whoever trusts it has to do so once a year.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { namesCover } from '../../crypto/certificates/names.ts';
import { makeSelfMade } from '../../crypto/certificates/self-made.ts';
import type { Random } from '../../crypto/random.ts';
import type { Millis } from '../../types.ts';
import { writeWhole } from '../chosen-file.ts';
import type { PairFiles, ProvenPair } from '../contract.ts';
import { judgePair } from './judge-pair.ts';

/** It gives way to a new one so long before its end. */
const aheadMs = 30 * 86_400_000;

export type SelfMade = { readonly kind: 'kept' | 'made'; readonly proven: ProvenPair };

function selfMadeFiles(folder: string): PairFiles {
  return { source: 'self-made', certPath: join(folder, 'self-made.crt'), keyPath: join(folder, 'self-made.key') };
}

/**
 * `names`: who this machine is. The one that is there stays while it is sound and has time; and where `names` are asked
 * after, while it is good for all of them.
 */
export async function selfMadePair(parts: {
  readonly folder: string;
  readonly names: readonly [string, ...string[]];
  readonly askedAfter: 'names-and-time' | 'time';
  readonly at: Millis;
  readonly random: Random;
}): Promise<SelfMade> {
  const { folder, names, askedAfter, at, random } = parts;
  const files = selfMadeFiles(folder);
  const judge = (): ReturnType<typeof judgePair> => judgePair({ files, where: { kind: 'named-by-operator' }, at });
  const there = await judge();
  if (there.kind === 'proven') {
    const fits = askedAfter === 'time' || names.every((name) => namesCover(there.pair, name).kind === 'covered');
    if (fits && there.pair.info.notAfter - at > aheadMs) return { kind: 'kept', proven: there };
  }
  const made = await makeSelfMade(names, at, random);
  // A crash between the two leaves a pair that does not fit, and the next start makes another.
  rmSync(files.keyPath, { force: true });
  writeWhole(files.keyPath, made.keyPem);
  writeWhole(files.certPath, made.certPem);
  const proven = await judge();
  if (proven.kind === 'unusable') throw new Error(`The certificate just made is none: ${proven.problems[0].text}`);
  return { kind: 'made', proven };
}
