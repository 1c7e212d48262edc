/**
 * Entry: `npm run bench -- p1|p2|p3|p5|p6|p7|p8|p9|p10|p11|p12|b1|b2|l2|c1|all [--save] [--rounds N] [--seconds S]`. Says what was
 * measured and whether the goals are reached; a missed goal is a result, not a failure, so the exit code is 1 only when the run
 * itself is not valid.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { findCores, type Cores } from './measure/cores.ts';
import { environment } from './measure/environment.ts';
import { l2, L2_ROUNDS } from './l2-enumeration.ts';
import { b1, B1_ROUNDS } from './b1-basic.ts';
import { missingParts } from './measure/parts.ts';
import type { Rounds } from './measure/compare.ts';
import { p1, P1_ROUNDS } from './p1-guard.ts';
import { p2, P2_ROUNDS } from './p2-verify.ts';
import { p3, P3_ROUNDS } from './p3-tokens.ts';
import { p5, P5_ROUNDS } from './p5-logins.ts';
import { p6, P6_ROUNDS } from './p6-storm.ts';
import { p7, P7_ROUNDS } from './p7-start.ts';
import { b2, B2_ROUNDS } from './b2-import.ts';
import { c1, C1_ROUNDS } from './c1-capacity.ts';
import { p8, P8_ROUNDS } from './p8-growth.ts';
import { p9, P9_ROUNDS } from './p9-revocation.ts';
import { p10, P10_ROUNDS } from './p10-writes.ts';
import { p11, P11_ROUNDS } from './p11-page.ts';
import { p12, P12_ROUNDS } from './p12-proxy.ts';

const USAGE =
  'npm run bench -- p1|p2|p3|p5|p6|p7|p8|p9|p10|p11|p12|b1|b2|l2|c1|all [--save] [--rounds N] [--seconds S]';
const BENCHES = new Map<string, { rounds: Rounds; measure: (cores: Cores, rounds: Rounds) => Promise<string> }>([
  ['p1', { rounds: P1_ROUNDS, measure: p1 }],
  ['p2', { rounds: P2_ROUNDS, measure: p2 }],
  ['p3', { rounds: P3_ROUNDS, measure: p3 }],
  ['p5', { rounds: P5_ROUNDS, measure: p5 }],
  ['p6', { rounds: P6_ROUNDS, measure: p6 }],
  ['p7', { rounds: P7_ROUNDS, measure: p7 }],
  ['p8', { rounds: P8_ROUNDS, measure: p8 }],
  ['p9', { rounds: P9_ROUNDS, measure: p9 }],
  ['p10', { rounds: P10_ROUNDS, measure: p10 }],
  ['p11', { rounds: P11_ROUNDS, measure: p11 }],
  ['p12', { rounds: P12_ROUNDS, measure: p12 }],
  ['b1', { rounds: B1_ROUNDS, measure: b1 }],
  ['b2', { rounds: B2_ROUNDS, measure: b2 }],
  ['c1', { rounds: C1_ROUNDS, measure: c1 }],
  ['l2', { rounds: L2_ROUNDS, measure: l2 }],
]);

process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { save: { type: 'boolean' }, rounds: { type: 'string' }, seconds: { type: 'string' } },
});
const [which = ''] = positionals;
const chosen = [...BENCHES].filter(([name]) => which === name || which === 'all');
const problem = chosen.length === 0 ? USAGE : missingParts();
if (problem !== null) {
  console.error(problem);
  process.exit(1);
}

const cores = findCores();
const started = new Date();
const head = environment(cores, started);
console.log(head);
for (const [name, bench] of chosen) {
  const text = await bench.measure(cores, {
    warmUp: bench.rounds.warmUp,
    rounds: Number(values.rounds ?? bench.rounds.rounds),
    seconds: Number(values.seconds ?? bench.rounds.seconds),
  });
  console.log(`\n${text}`);
  if (values.save === true) save(name, `${head}\n\n${text}\n`);
}

function save(name: string, text: string): void {
  const folder = new URL('./results/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  const minute = started.toISOString().slice(0, 16).replace(':', '');
  writeFileSync(new URL(`${minute}Z-${name}.txt`, folder), text);
}
