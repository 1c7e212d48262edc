/**
 * Wires the parts: one store, one clock, one source of randomness, handed to whoever needs them. The only place that
 * reads the real clock.
 */
import { availableParallelism } from 'node:os';
import { unlock } from './actions/blocks.ts';
import type { Outcome } from './actions/call.ts';
import type { Settings } from './config/schema.ts';
import { builtInArgon2id, nativeArgon2id } from './crypto/argon2.ts';
import { newSetupCode } from './crypto/code.ts';
import { watchEventLoop } from './crypto/event-loop.ts';
import { hashQueue } from './crypto/hash-queue.ts';
import { passwordHasher } from './crypto/password-hash.ts';
import { newName, systemRandom, type Random } from './crypto/random.ts';
import { guard as makeGuard, type Guard } from './guard.ts';
import { type House, openHouse } from './http/house.ts';
import type { Pages } from './http/pages.ts';
import { openInstallation } from './open-installation.ts';
import { sessionKindsOf } from './principal/session-kinds.ts';
import { prover } from './prove.ts';
import { type FailureLog, failureLog } from './record/failures/failure-log.ts';
import { metrics as makeMetrics } from './record/metrics.ts';
import { auditLog, type AuditSource } from './record/audit-log.ts';
import { checkpoints } from './record/checkpoint.ts';
import { type Log, recorder } from './record/recorder.ts';
import type { Places } from './request/arrival.ts';
import { type Store, StoreFault } from './store/store.ts';
import { hold } from './throttle/hold.ts';
import { limiter as makeLimiter } from './throttle/limiter.ts';
import { reauthenticationFailures } from './throttle/limits.ts';
import { repeats } from './throttle/repeats.ts';
import { unknownSecrets } from './throttle/unknown-secrets.ts';
import type { Clock, Millis, Secret, SessionKind } from './types.ts';
import { acquaintances } from './verify/acquaintance.ts';
import { endingStore } from './verify/ending.ts';
import { type Memory, memory as makeMemory } from './verify/memory.ts';
import { passwordVerifier } from './verify/password.ts';
import { sessionVerifier } from './verify/session.ts';
import { setupCodeDigest } from './verify/setup-code.ts';

export const systemClock: Clock = { now: () => Date.now() as Millis, monotonic: () => performance.now() };

export interface SallyportOptions {
  readonly settings: Settings;
  readonly store: Store;
  readonly places: Places;
  readonly pages: Pages;
  readonly version: string;
  readonly log: Log;
  /** Where wrong guesses are told for fail2ban; without it they are in the attempts and the audit log alone. */
  readonly failures?: FailureLog;
  /** Further kinds of session for the embedding application's own routes. */
  readonly sessionKinds?: readonly SessionKind[];
  readonly clock?: Clock;
  readonly random?: Random;
  readonly wait?: (ms: number) => Promise<void>;
}

export interface SetupCode {
  readonly code: Secret;
  readonly expiresAt: Millis;
}

export interface Sallyport extends House {
  readonly memory: Memory;
  readonly guard: Guard;
  readonly store: Store;
  readonly places: Places;
  /** The audit log, for whoever verifies or exports it. */
  readonly audit: AuditSource;
  /** A checkpoint of what was written to it so far. */
  readonly signAudit: () => Promise<void>;
  /** A new setup code while setting up is possible; the old one is dead. */
  newSetupCode(): Promise<{ readonly kind: 'already-configured' } | ({ readonly kind: 'made' } & SetupCode)>;
  /** Lifts what keeps a user out, by the word of whoever runs commands on the host. */
  unlock(username: string): Promise<Outcome>;
  /** Writes what memory holds; the store stays open. */
  close(): Promise<void>;
}

export type Creation =
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'created'; readonly sallyport: Sallyport };

const setupCodeMs = 24 * 3_600_000;
const sweepEveryMs = 60_000;
const hashPlaces = 64;

export async function createSallyport(options: SallyportOptions): Promise<Creation> {
  const { settings, places, log } = options;
  const clock = options.clock ?? systemClock;
  const random = options.random ?? systemRandom;
  const wait = options.wait ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms)));
  const kindsMade = sessionKindsOf(settings, options.sessionKinds ?? []);
  if (kindsMade.kind === 'refused') return kindsMade;
  const { kinds } = kindsMade;

  const bootId = newName(random);
  const opened = await openInstallation({
    store: options.store,
    rootKeyFile: settings.rootKeyFile,
    bootId,
    clock,
    random,
  });
  if (opened.kind === 'refused') return opened;
  const { keyring } = opened;

  const onFault = (fault: unknown): void => log.error({ err: fault }, 'background work failed');
  const memory = makeMemory({
    store: options.store,
    clock,
    staleGraceMs: settings.staleGraceMs,
    from: opened.seq,
    state: opened.installation.state,
  });
  const ending = endingStore(options.store, memory);
  const { store } = ending;
  const stopListening = store.onChange((changes) => memory.apply(changes));
  const sweep = oneAtATime(async () => {
    const at = clock.now();
    try {
      while ((await store.sweep(at)).kind === 'more');
    } catch (fault) {
      onFault(fault);
    }
  });
  const unknown = unknownSecrets(clock);
  const sessions = sessionVerifier({
    memory,
    store,
    clock,
    bootId,
    unknown,
    over: sweep,
    onFault,
  });
  const guard = makeGuard({ sessions, kinds });
  const metrics = makeMetrics();
  const failures = options.failures ?? failureLog([], clock);
  const record = recorder({ store, clock, log, metrics, failures });
  const signing = checkpoints({ store, signer: keyring.auditSigner(), clock, log });
  const audit = auditLog(store, keyring.auditKeys());
  const host = { actor: '', address: '', way: 'host', target: bootId } as const;
  await store.appendAudit(record.event({ event: 'server-started', ...host }));
  await signing.make();

  const native = await nativeArgon2id();
  if (native.kind === 'missing')
    log.warn({ err: native.cause }, 'the native Argon2id does not load; using the slower one of Node');
  const eventLoop = watchEventLoop();
  const queue = hashQueue(
    {
      places: hashPlaces,
      memoryBytes: settings.hashMemoryBytes,
      bytesPerHash: settings.password.memoryBytes,
      cores: availableParallelism(),
    },
    eventLoop.state,
    clock,
  );
  const hasher = passwordHasher({
    argon2id: native.kind === 'loaded' ? native.argon2id : builtInArgon2id,
    queue,
    cost: { memoryKiB: Math.floor(settings.password.memoryBytes / 1024), passes: settings.password.passes },
    random,
  });
  const passwords = passwordVerifier({ hasher, keyring, random, store, onFault });
  const limiter = makeLimiter({ clock, remembered: await store.limits(clock.now()) });
  const prove = prover({
    store,
    passwords,
    clock,
    recorder: record,
    acquaintances: acquaintances({ store, clock }),
    limiter,
    repeats: repeats({ clock, random }),
    keyring,
    hold: hold(clock, wait),
    onWrongReauthentication: async ({ user, session }, { address, peer }) => {
      await store.countReauthenticationFailure({
        id: session.id,
        limit: reauthenticationFailures,
        audit: record.event({
          event: 'session-ended',
          actor: user.row.id,
          address,
          peer,
          way: 'password',
          target: session.id,
          result: 'too-many-wrong-passwords',
        }),
      });
    },
  });

  const house = openHouse({
    settings,
    places,
    pages: options.pages,
    version: options.version,
    store,
    memory,
    guard,
    prover: prove,
    limiter,
    recorder: record,
    hasher,
    keyring,
    kinds,
    accountKind: kindsMade.account,
    clock,
    random,
    log,
    bootId,
    unknownSecrets: unknown,
    metrics,
    hashing: queue,
    failures,
    audit,
  });

  const polling = setInterval(() => {
    void memory.refresh().catch(onFault);
    // Whoever asked for the end was told, and that was logged: not again every second.
    const waits = (fault: unknown): void => (fault instanceof StoreFault ? undefined : onFault(fault));
    void ending.settle().catch(waits);
    void record.settle('over').then(signing.keepUp).catch(waits);
  }, 1000);
  const sweeping = setInterval(() => void sweep(), sweepEveryMs);
  polling.unref();
  sweeping.unref();

  return {
    kind: 'created',
    sallyport: {
      ...house,
      audit,
      signAudit: signing.make,
      guard,
      memory,
      store,
      places,
      newSetupCode: async () => {
        const code = settings.setupCode === null ? newSetupCode(random) : settings.setupCode;
        const expiresAt = (clock.now() + setupCodeMs) as Millis;
        const audit = record.event({ event: 'setup-code-made', actor: '', address: '', way: 'host' });
        const put = await store.putSetupCode({ digest: setupCodeDigest(code), expiresAt, audit });
        return put.kind === 'put' ? { kind: 'made', code, expiresAt } : put;
      },
      unlock: (username) => unlock({ store, limiter, recorder: record, clock }, username),
      close: async () => {
        clearInterval(polling);
        clearInterval(sweeping);
        eventLoop.stop();
        stopListening();
        await ending.settle();
        await sessions.flush();
        // A disk that is full does not keep the server from stopping in order.
        try {
          await record.settle('all');
          await store.appendAudit(record.event({ event: 'server-stopped', ...host }));
          await signing.make();
        } catch (fault) {
          if (!(fault instanceof StoreFault)) throw fault;
          log.error({ err: fault }, 'the stop could not be written to the audit log');
        }
      },
    },
  };
}

/** Whoever asks while it is under way waits for a run that begins afterwards, with all others who asked meanwhile. */
function oneAtATime(run: () => Promise<void>): () => Promise<void> {
  let underWay: Promise<void> | null = null;
  let next: Promise<void> | null = null;
  const begin = (): Promise<void> => {
    next = null;
    underWay = run().finally(() => {
      underWay = null;
    });
    return underWay;
  };
  return () => (underWay === null ? begin() : (next ??= underWay.then(begin)));
}
