/** What operators and their tools ask: is it ready, how is it doing (2-http-api, 6). */
import { done, type Outcome } from './call.ts';
import type { HashQueue } from '../crypto/hash-queue.ts';
import { refuse } from '../errors.ts';
import type { LivingKeyring } from '../crypto/ring/living-keyring.ts';
import type { FailureLog } from '../record/failures/failure-log.ts';
import type { Metrics } from '../record/metrics.ts';
import type { SilentProxies } from '../record/silent-proxies.ts';
import type { Realms } from '../realm/realms.ts';
import type { SharedCells } from '../store/shared-cells.ts';
import type { Store } from '../store/store.ts';
import type { Certificates } from '../tls/contract.ts';
import type { Clock } from '../types.ts';
import { keyFigures } from './keys/ages.ts';
import type { Memory } from '../verify/known/contract.ts';

export interface OperationsParts {
  readonly store: Store;
  readonly memory: Memory;
  readonly metrics: Metrics;
  readonly hashing: Pick<HashQueue, 'depth' | 'totals'>;
  readonly silentProxies: SilentProxies;
  readonly failures: Pick<FailureLog, 'standing'>;
  /** Where nodes count wrong guesses together; null where each counts for itself. */
  readonly cells: Pick<SharedCells, 'standing'> | null;
  readonly realms: Pick<Realms, 'outside'>;
  readonly certificates: Pick<Certificates, 'figures'>;
  readonly keyring: Pick<LivingKeyring, 'standing' | 'rows'>;
  readonly clock: Clock;
}

/** Paths that a listener of their own takes over from the console's. */
export const operationsPaths: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics']);

/** An open installation says so wherever it is asked how it is (3-rules, Setup states). */
export async function ready(parts: OperationsParts): Promise<Outcome> {
  const { store, memory, silentProxies, failures, cells } = parts;
  const standing = await store.ready();
  if (standing.kind === 'unready') return refuse('unavailable', { cause: standing.reason });
  const state = await memory.state();
  return done({
    status: 'ready',
    sign_in: state === 'configured' ? 'required' : state === 'fresh' ? 'not-set-up' : state,
    ...(silentProxies.standing() === 'one-is-silent' ? { forwarded_header: 'missing' } : {}),
    // Sign-in goes on without it: a log must not shut anybody out.
    ...(failures.standing() === 'degraded' ? { auth_log: 'degraded' } : {}),
    // Limits hold all the same, at each node by itself.
    ...(cells === null ? {} : { shared_limits: cells.standing().kind === 'away' ? 'away' : 'working' }),
    // As they answered last: nobody is asked for this. Everybody else signs in all the same.
    ...(parts.realms.outside.length === 0
      ? {}
      : { realms: Object.fromEntries(parts.realms.outside.map((realm) => [realm.name, realm.standing()])) }),
    ...certificateStanding(parts),
    // This node goes on with the keys it has.
    ...(parts.keyring.standing().kind === 'unopened' ? { root_key: 'does-not-fit' } : {}),
  });
}

/** The first warning, in the log as well, comes so long before the end (3-rules, TLS). */
const soonMs = 30 * 86_400_000;

/** Whoever signs in is served all the same, so nothing here makes it unready. Silent where no TLS is served. */
function certificateStanding({ certificates, clock }: OperationsParts): {
  readonly certificate?: 'working' | 'alarm' | 'expires-soon';
} {
  const { notAfter, alarm } = certificates.figures();
  if (alarm === 'raised') return { certificate: 'alarm' };
  if (notAfter === null) return {};
  const leftMs = notAfter - clock.now();
  if (leftMs <= 0) return { certificate: 'alarm' };
  return { certificate: leftMs <= soonMs ? 'expires-soon' : 'working' };
}

export async function showMetrics(parts: OperationsParts): Promise<Outcome> {
  const { store, memory, hashing, clock } = parts;
  const began = clock.monotonic();
  await store.ready();
  const latencyMs = clock.monotonic() - began;
  const state = await memory.state();
  const { readMsAgo, ...known } = memory.figures();
  const text = parts.metrics.render({
    liveSessions: await store.liveSessions(clock.now()),
    signIn: state === 'declined' || state === 'off' ? 'not-required' : 'required',
    hashing: { ...hashing.depth(), ...hashing.totals() },
    memory: known,
    changesReadMsAgo: readMsAgo,
    store: { ...store.figures(), latencyMs },
    certificate: parts.certificates.figures(),
    keys: keyFigures(parts.keyring.rows(), clock.now()),
  });
  return { kind: 'export', contentType: 'text/plain; version=0.0.4; charset=utf-8', text, headers: [] };
}
