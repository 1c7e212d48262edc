/**
 * Wires the parts: one store, one clock, one source of randomness, handed to whoever needs them. The only place that
 * reads the real clock.
 */
import { availableParallelism } from 'node:os';
import type { Settings } from './config/schema.ts';
import { reachOfListeners } from './config/reach.ts';
import type { SetUpParts } from './actions/set-up.ts';
import type { HandOverParts } from './actions/hand-over.ts';
import { done, type Outcome } from './actions/call.ts';
import { builtInArgon2id, nativeArgon2id } from './crypto/argon2.ts';
import { newSetupCode } from './crypto/code.ts';
import { watchEventLoop } from './crypto/event-loop.ts';
import { hashQueue } from './crypto/hash-queue.ts';
import { passwordHasher } from './crypto/password-hash.ts';
import { newName, systemRandom, type Random } from './crypto/random.ts';
import { refuse } from './errors.ts';
import { guard as makeGuard, type Guard } from './guard.ts';
import { apiWing } from './http/api.ts';
import { applicationWing, type ApplicationParts, handOverWing } from './http/application.ts';
import { consoleWing } from './http/console.ts';
import { handler, type Handler } from './http/handler.ts';
import { openApiDocument } from './http/openapi.ts';
import { onSharedOrigin } from './http/our-paths.ts';
import type { Pages } from './http/pages.ts';
import { routes } from './http/routes.ts';
import type { Route } from './http/route.ts';
import { verifyWing } from './http/verify.ts';
import { openInstallation } from './open-installation.ts';
import { shippedCommonPasswords } from './policy/common-passwords.ts';
import { sessionKindsOf } from './principal/session-kinds.ts';
import { prover } from './prove.ts';
import { type Log, recorder } from './record/recorder.ts';
import { proxyList } from './request/address.ts';
import { type ArrivalRules, arrive, type Arriving, knownHosts } from './request/arrival.ts';
import { cookieName } from './request/cookie.ts';
import type { CookieSlot } from './request/credential.ts';
import type { Incoming } from './request/incoming.ts';
import { hostOf, type Scheme, schemeOf } from './request/origin.ts';
import type { Store } from './store/store.ts';
import { hold } from './throttle/hold.ts';
import { reauthenticationFailures } from './throttle/limits.ts';
import { networkLimiter } from './throttle/network-limiter.ts';
import type { Clock, Millis, Origin, Secret, SessionKind } from './types.ts';
import { loginTokens } from './verify/login-token.ts';
import { type Memory, memory as makeMemory } from './verify/memory.ts';
import { passwordVerifier } from './verify/password.ts';
import { sessionVerifier } from './verify/session.ts';
import { setupCodeDigest } from './verify/setup-code.ts';

export const systemClock: Clock = { now: () => Date.now() as Millis, monotonic: () => performance.now() };

/** Where people and proxies reach the doors. */
export interface Places {
  /** The console as browsers reach it, first; then its other names (loopback spellings). */
  readonly console: readonly [Origin, ...Origin[]];
  /** The application behind the built-in proxy; empty without one. */
  readonly application: readonly Origin[];
  /** Hosts behind a reverse proxy whose people sign in here. */
  readonly protectedHosts: readonly Origin[];
}

export interface SallyportOptions {
  readonly settings: Settings;
  readonly store: Store;
  readonly places: Places;
  readonly pages: Pages;
  readonly version: string;
  readonly log: Log;
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

export interface Sallyport {
  readonly handle: Handler;
  /** Where a request of a door was sent; for adapters that pass it on. */
  readonly arrive: (incoming: Incoming) => Arriving;
  readonly memory: Memory;
  readonly guard: Guard;
  readonly store: Store;
  readonly routes: readonly Route[];
  readonly places: Places;
  /** A new setup code while setting up is possible; the old one is dead. */
  newSetupCode(): Promise<{ readonly kind: 'already-configured' } | ({ readonly kind: 'made' } & SetupCode)>;
  /** Writes what memory holds; the store stays open. */
  close(): Promise<void>;
}

export type Creation = { readonly kind: 'refused'; readonly why: string } | { readonly kind: 'created'; readonly sallyport: Sallyport };

const setupCodeMs = 24 * 3_600_000;
const sweepEveryMs = 60_000;
const hashPlaces = 64;

export async function createSallyport(options: SallyportOptions): Promise<Creation> {
  const { settings, store, places, log } = options;
  const clock = options.clock ?? systemClock;
  const random = options.random ?? systemRandom;
  const wait = options.wait ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms)));
  const kindsMade = sessionKindsOf(settings, options.sessionKinds ?? []);
  if (kindsMade.kind === 'refused') return kindsMade;
  const { kinds } = kindsMade;

  const bootId = newName(random);
  const opened = await openInstallation({ store, rootKeyFile: settings.rootKeyFile, bootId, clock, random });
  if (opened.kind === 'refused') return opened;
  const { keyring } = opened;

  const onFault = (fault: unknown): void => log.error({ err: fault }, 'background work failed');
  const memory = makeMemory({ store, clock, staleGraceMs: settings.staleGraceMs, from: opened.seq, state: opened.installation.state });
  const stopListening = store.onChange((changes) => memory.apply(changes));
  const sessions = sessionVerifier({ memory, store, clock, bootId, onFault });
  const guard = makeGuard({ sessions, kinds });
  const record = recorder({ store, clock, log });

  const native = await nativeArgon2id();
  if (native.kind === 'missing') log.warn({ err: native.cause }, 'the native Argon2id does not load; using the slower one of Node');
  const eventLoop = watchEventLoop();
  const queue = hashQueue(
    { places: hashPlaces, memoryBytes: settings.hashMemoryBytes, bytesPerHash: settings.password.memoryBytes, cores: availableParallelism() },
    eventLoop.state,
  );
  const hasher = passwordHasher({
    argon2id: native.kind === 'loaded' ? native.argon2id : builtInArgon2id,
    queue,
    cost: { memoryKiB: Math.floor(settings.password.memoryBytes / 1024), passes: settings.password.passes },
    random,
  });
  const passwords = passwordVerifier({ hasher, keyring, random, store, onFault });
  const prove = prover({
    store, passwords, clock, recorder: record,
    limiter: networkLimiter(clock),
    hold: hold(clock, wait),
    onWrongReauthentication: async ({ user, session }, address) => {
      await store.countReauthenticationFailure({
        id: session.id,
        limit: reauthenticationFailures,
        audit: record.event({ event: 'session-ended', actor: user.row.id, address, way: 'password', target: session.id, result: 'too-many-wrong-passwords' }),
      });
    },
  });

  const [consoleOrigin] = places.console;
  const shared = settings.sharedOrigin;
  const protectedOrigins: ReadonlySet<Origin> = new Set([...places.application, ...places.protectedHosts, ...(shared ? places.console : [])]);
  const openness = settings.allowOpen || reachOfListeners(settings) === 'machine' ? 'may-be-open' : 'closed';
  const cookieStem = settings.cookieName;
  const consoleKinds = [...kinds.keys()].filter((name) => name !== 'app');
  const slotsNamed = memoised((scheme: Scheme) => consoleKinds.map((name) => slot(cookieStem, scheme, name)));
  const handOver: HandOverParts = {
    store, recorder: record, clock, random, cookieStem,
    consoleOrigin: () => consoleOrigin,
    protectedOrigins: () => protectedOrigins,
  };

  const hostNames = [...places.console, ...places.application, ...places.protectedHosts].map(hostOf);
  const issuing = { clock, random, bootId, cookieStem, deviceLifetimeMs: settings.device.lifetimeMs };
  const parts: SetUpParts & Parameters<typeof routes>[0] = {
    ...issuing, store, memory, prover: prove, recorder: record, hasher, keyring, hostNames, kinds, openness,
    tokens: loginTokens({ key: () => keyring.cookieKey(), random, clock, store }),
    accountKind: kindsMade.account,
    signInKinds: new Map([...kinds].filter(([name]) => name !== 'app')),
    commonPasswords: shippedCommonPasswords(),
    stepUpWindowMs: settings.stepUpWindowMs,
    kindNames: [...kinds.keys()],
    sharedOrigin: shared,
    consoleKinds,
    ready: () => ready(store),
    openapi: () => openApiDocument(table, options.version),
  };
  const table = routes(parts);

  const application: ApplicationParts = {
    guard, memory, handOver, clock, random, openness,
    consoleOrigin: () => consoleOrigin,
    origin: shared ? 'shared' : 'own',
    slotsFor: memoised((origin: Origin) => [slot(cookieStem, schemeOf(origin), 'app'), ...(shared ? slotsNamed(schemeOf(consoleOrigin)) : [])]),
  };
  const forwardSlots = memoised((key: string) => {
    const [scheme = 'http', kind = ''] = key.split(' ', 2);
    const all = [slot(cookieStem, scheme as Scheme, 'app'), ...slotsNamed(schemeOf(consoleOrigin))];
    return kind === '' ? all : all.filter((each) => each.sessionKind === kind);
  });
  const verify = verifyWing({
    guard, handOver, openness, memory, random,
    slotsFor: (origin, kind) => forwardSlots(`${origin === null ? schemeOf(consoleOrigin) : schemeOf(origin)} ${kind ?? ''}`),
    kindNames: [...kinds.keys()],
  });
  const api = apiWing({
    routes: table, guard, prover: prove, memory, clock, random,
    stepUp: { windowMs: settings.stepUpWindowMs, origin: shared ? 'shared' : 'own' },
    slots: slotsNamed,
    consoleOrigin: () => consoleOrigin,
  });
  const console = consoleWing({
    pages: options.pages, guard, memory, handOver, clock, random,
    slots: slotsNamed,
    consoleOrigin: () => consoleOrigin,
    frontPage: shared ? 'application' : 'console',
  });

  const rules: ArrivalRules = {
    hosts: {
      console: knownHosts([{ own: places.console, place: 'console' }, { own: places.protectedHosts, place: 'protected-host' }]),
      application: knownHosts([{ own: places.application, place: 'application' }]),
      control: knownHosts([{ own: places.console, place: 'console' }]),
    },
    proxies: proxyList(settings.trustedProxies),
    forwardedHeader: settings.forwardedHeader,
  };
  const handle = handler({
    arrivals: () => rules,
    random,
    log,
    wings: {
      console: shared ? [verify, onSharedOrigin(api, random), console, handOverWing(application), applicationWing(application)] : [verify, api, console],
      application: [handOverWing(application), applicationWing(application)],
      'protected-host': [handOverWing(application)],
    },
  });

  const polling = setInterval(() => void memory.refresh().catch(onFault), 1000);
  const sweeping = setInterval(() => void store.sweep(clock.now()).catch(onFault), sweepEveryMs);
  polling.unref();
  sweeping.unref();

  return {
    kind: 'created',
    sallyport: {
      handle, guard, memory, store, places, routes: table,
      arrive: (incoming) => arrive(incoming, rules, 'read'),
      newSetupCode: async () => {
        const code = settings.setupCode === null ? newSetupCode(random) : (settings.setupCode as Secret);
        const expiresAt = (clock.now() + setupCodeMs) as Millis;
        const put = await store.putSetupCode({ digest: setupCodeDigest(code), expiresAt });
        return put.kind === 'put' ? { kind: 'made', code, expiresAt } : put;
      },
      close: async () => {
        clearInterval(polling);
        clearInterval(sweeping);
        eventLoop.stop();
        stopListening();
        await sessions.flush();
      },
    },
  };
}

function slot(stem: string, scheme: Scheme, sessionKind: string): CookieSlot {
  return { sessionKind, cookie: cookieName(stem, scheme, sessionKind) };
}

/** Few keys, asked for on every request: made once each. */
function memoised<K, V>(make: (key: K) => V): (key: K) => V {
  const made = new Map<K, V>();
  return (key) => {
    const known = made.get(key);
    if (known !== undefined) return known;
    const value = make(key);
    // Keys come from configuration and from hosts a proxy names; beyond a bound they are made afresh.
    if (made.size < 1024) made.set(key, value);
    return value;
  };
}

async function ready(store: Store): Promise<Outcome> {
  const standing = await store.ready();
  return standing.kind === 'ready' ? done({ status: 'ready' }) : refuse('unavailable', { cause: standing.reason });
}
