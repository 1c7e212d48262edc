/**
 * Wires the parts: one store, one clock, one source of randomness, handed to whoever needs them. The only place that
 * reads the real clock.
 */
import { keyUpkeep, ringTold } from './actions/keys/upkeep.ts';
import { makeSetupCode, type SetupCodeMaking } from './actions/signing-in/make-setup-code.ts';
import type { Settings } from './config/schema.ts';
import { openHashing } from './crypto/hashing.ts';
import { newName, systemRandom, type Random } from './crypto/random.ts';
import { checkServiceKeyFile, unusableServiceKeyFile } from './crypto/key-files/service-key-file.ts';
import type { Guard } from './guard.ts';
import { openGuard } from './guard/open-guard.ts';
import { type House, openHouse } from './http/house.ts';
import type { Pages } from './http/pages.ts';
import { openMail } from './mail/open-mail.ts';
import { type Belonging, openInstallation } from './open-installation.ts';
import { sessionKindsOf } from './principal/session-kinds.ts';
import { openProver } from './prove/open-prover.ts';
import { openAdoption } from './prove/realms/open-adoption.ts';
import type { OutsideRealm } from './realm/contract.ts';
import { openServiceKeys } from './prove/open-service-keys.ts';
import { type FailureLog, failureLog } from './record/failures/failure-log.ts';
import { metrics as makeMetrics } from './record/metrics.ts';
import { auditLog, type AuditSource } from './record/audit-log.ts';
import { checkpoints } from './record/checkpoint.ts';
import { type Log, recorder } from './record/recorder.ts';
import { type GivenPlaces, type Places, placesNow } from './request/arrival.ts';
import type { Change, LimitRow } from './store/rows.ts';
import { oneAtATime } from './store/one-at-a-time.ts';
import type { SharedCells } from './store/shared-cells.ts';
import { type Store, StoreFault } from './store/store.ts';
import { limiter as makeLimiter } from './throttle/limiter.ts';
import { unknownSecrets } from './throttle/unknown-secrets.ts';
import type { Certificates } from './tls/contract.ts';
import { certificatesTold } from './tls/told.ts';
import { withoutCertificates } from './tls/without.ts';
import type { Clock, Millis, Origin, SessionKind } from './types.ts';
import { endingStore } from './verify/ending.ts';
import type { Memory } from './verify/known/contract.ts';
import { memory as makeMemory } from './verify/memory.ts';
import { sessionVerifier } from './verify/session.ts';

export const systemClock: Clock = { now: () => Date.now() as Millis, monotonic: () => performance.now() };

export interface SallyportOptions {
  readonly settings: Settings;
  readonly store: Store;
  /** Whose the store is; its own unless told otherwise. */
  readonly belonging?: Belonging;
  /** Where several nodes count wrong guesses together; without it each counts for itself. */
  readonly cells?: SharedCells;
  /** Others, for the limits of API tokens, which fill them themselves. */
  readonly tokenCells?: SharedCells;
  /** Or how they are at the moment, where they change: then another object each time they did. */
  readonly places: GivenPlaces;
  /** Of the listeners, where they are ours. */
  readonly certificates?: Certificates;
  readonly pages: Pages;
  readonly version: string;
  readonly log: Log;
  /** Where wrong guesses are told for fail2ban; without it they are in the attempts and the audit log alone. */
  readonly failures?: FailureLog;
  /** Further kinds of session for the embedding application's own routes. */
  readonly sessionKinds?: readonly SessionKind[];
  /** Who else knows people, beside the directory of the settings: theirs are `name@realm`. */
  readonly realms?: readonly OutsideRealm[];
  readonly clock?: Clock;
  readonly random?: Random;
  readonly wait?: (ms: number) => Promise<void>;
}

export interface Sallyport extends House {
  /** Random, made with the installation; the same on all its nodes. */
  readonly installationId: string;
  /** Told of every change, whichever node made it. Returns how to stop listening. */
  onChanges(listener: (changes: readonly Change[]) => void): () => void;
  readonly memory: Memory;
  readonly guard: Guard;
  readonly store: Store;
  /** Where it is reached, as of now. */
  readonly places: () => Places;
  /** The audit log, for whoever verifies or exports it. */
  readonly audit: AuditSource;
  /** A checkpoint of what was written to it so far. */
  readonly signAudit: () => Promise<void>;
  /** A new setup code while setting up is possible; the old ones are dead: all, or those of this node's earlier starts. */
  newSetupCode(replacing: 'all' | 'own'): Promise<SetupCodeMaking>;
  /** Writes what memory holds; the store stays open. */
  close(): Promise<void>;
}

export type Creation =
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'created'; readonly sallyport: Sallyport };

const sweepEveryMs = 60_000;

export async function createSallyport(options: SallyportOptions): Promise<Creation> {
  const { settings, log, certificates = withoutCertificates, cells = null } = options;
  const places = placesNow(options.places);
  const clock = options.clock ?? systemClock;
  const random = options.random ?? systemRandom;
  const wait = options.wait ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms)));
  const kindsMade = sessionKindsOf(settings, options.sessionKinds ?? []);
  if (kindsMade.kind === 'refused') return kindsMade;
  const { kinds } = kindsMade;
  const file = checkServiceKeyFile(settings.serviceKeyFile);
  if (file.kind === 'unusable')
    return { kind: 'refused', why: unusableServiceKeyFile(settings.serviceKeyFile, file.why) };
  const opened = await openInstallation({
    store: options.store,
    belonging: options.belonging ?? { kind: 'own' },
    rootKeyFile: settings.rootKeyFile,
    bootId: newName(random),
    serviceKey: settings.serviceKeyRenew ? 'renewed' : 'kept',
    onRing: ringTold(settings.rootKeyFile, log),
    clock,
    random,
  });
  if (opened.kind === 'refused') return opened;
  const { keyring } = opened;
  const { id: installationId, bootId } = opened.installation;

  const onFault = (fault: unknown): void => log.error({ err: fault }, 'background work failed');
  const listeners = new Set<(changes: readonly Change[]) => void>();
  const memory = makeMemory({
    store: options.store,
    clock,
    staleGraceMs: settings.staleGraceMs,
    from: opened.seq,
    installation: opened.installation,
    onChanges: (changes) => listeners.forEach((listener) => listener(changes)),
  });
  const ending = endingStore(options.store, memory);
  const { store } = ending;
  const stopListening = store.onChange((changes) => memory.apply(changes));
  const stopHearing = store.onNews(() => void memory.refresh().catch(onFault));
  const sweep = oneAtATime(async () => {
    const at = clock.now();
    try {
      while ((await store.sweep(at)).kind === 'more');
    } catch (fault) {
      onFault(fault);
    }
  });
  const unknown = unknownSecrets(clock);
  const sessions = sessionVerifier({ memory, store, kinds, clock, unknown, over: sweep, onFault });
  const metrics = makeMetrics();
  const failures = options.failures ?? failureLog([], clock);
  const record = recorder({ store, clock, log, metrics, failures });
  const told = certificatesTold({ certificates, store, recorder: record });
  const consoleOrigin = (): Origin => places().console[0];
  const outward = { settings, store, recorder: record, clock, random, log };
  const mail = openMail({ ...outward, wait, consoleOrigin });
  if (mail.kind === 'refused') return mail;
  const service = await openServiceKeys({ path: settings.serviceKeyFile, memory, store, keyring, random, log });
  if (service.kind === 'refused') return service;
  const keys = keyUpkeep({ store, memory, keyring, keepFile: service.keep, recorder: record, clock, log });
  const realms = await openAdoption({ ...outward, given: options.realms ?? [] });
  if (realms.kind === 'refused') return realms;
  // Keys may be others, by another node's doing: tools of this machine are told as well.
  listeners.add((changes) => {
    if (changes.some(({ subject }) => subject.kind === 'installation')) void keys.keepUp().catch(onFault);
  });
  const signing = checkpoints({ store, signer: () => keyring.auditSigner(), clock, log });
  const audit = auditLog(store, () => keyring.refresh().then(() => keyring.auditKeys()));
  const host = { actor: '', address: '', way: 'host', target: bootId } as const;
  await store.appendAudit(record.event({ event: 'server-started', ...host }));
  await signing.make();

  const hashing = await openHashing({
    memoryBytes: settings.hashMemoryBytes,
    bytesPerHash: settings.password.memoryBytes,
    passes: settings.password.passes,
    clock,
    random,
    onSlower: (cause) => log.warn({ err: cause }, 'the native Argon2id does not load; using the slower one of Node'),
  });
  const remembered = (): Promise<readonly LimitRow[]> => store.limits(clock.now());
  const limiter = makeLimiter({
    clock,
    remembered: await remembered(),
    together: cells === null ? null : { cells, random, remembered },
  });
  listeners.add((changes) => {
    for (const { subject } of changes)
      if (subject.kind === 'limits') void limiter.forget(subject.lifted).catch(onFault);
  });
  const proving = openProver({
    store,
    memory,
    realms,
    hasher: hashing.hasher,
    serviceKeys: service.keys,
    serviceKeyFrom: settings.serviceKeyRemote ? 'anywhere' : 'local',
    limiter,
    unknownSecrets: unknown,
    recorder: record,
    keyring,
    cells,
    clock,
    random,
    wait,
    onFault,
  });
  const guarding = openGuard({
    settings,
    store,
    memory,
    sessions,
    kinds,
    unknown,
    recorder: record,
    tokenCells: options.tokenCells ?? null,
    basic: proving.basic,
    realms: proving.realms,
    keyring,
    clock,
    random,
  });

  const house = openHouse({
    ...outward,
    places,
    pages: options.pages,
    version: options.version,
    memory,
    ...guarding,
    ...proving,
    serviceKeys: service.keys,
    serviceKeyFile: { path: settings.serviceKeyFile, keep: service.keep },
    outbox: mail.outbox,
    limiter,
    hasher: hashing.hasher,
    keyring,
    kinds,
    accountKind: kindsMade.account,
    unknownSecrets: unknown,
    metrics,
    hashing: hashing.queue,
    cells,
    failures,
    audit,
    certificates,
  });

  const polling = setInterval(() => {
    // Nobody is told of changes that were lost; and a file that could not be written may be by now.
    void memory.refresh().then(keys.keepUp).catch(onFault);
    // Whoever asked for the end was told, and that was logged: not again every second.
    const waits = (fault: unknown): void => (fault instanceof StoreFault ? undefined : onFault(fault));
    void ending.settle().catch(waits);
    void guarding.tokenUses.keepUp().catch(waits);
    void told().catch(waits);
    void record.settle('over').then(signing.keepUp).catch(waits);
  }, 1000).unref();
  const sweeping = setInterval(() => void sweep(), sweepEveryMs).unref();

  return {
    kind: 'created',
    sallyport: {
      ...house,
      installationId,
      onChanges: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      audit,
      signAudit: signing.make,
      guard: guarding.guard,
      memory,
      store,
      places,
      newSetupCode: (replacing) => makeSetupCode({ settings, store, recorder: record, clock, random }, replacing),
      close: async () => {
        clearInterval(polling);
        clearInterval(sweeping);
        await Promise.all([mail.stop(), realms.stop()]);
        hashing.stop();
        stopListening();
        stopHearing();
        await ending.settle();
        await sessions.flush();
        // A disk that is full does not keep the server from stopping in order.
        try {
          await guarding.tokenUses.flush();
          await record.settle('all');
          await told();
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
