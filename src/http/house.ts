/**
 * The house as a request finds it: which wing answers at which place, built from the parts that `setup.ts` made.
 */
import type { HandOverParts } from '../actions/hand-over.ts';
import { type Idempotent, idempotentRequests } from '../actions/idempotent/idempotent.ts';
import { type HostTickets, hostTickets } from '../actions/access/host.ts';
import { type HostKeys, hostKeys } from '../actions/keys/host.ts';
import type { ServiceKeyPlace } from '../actions/keys/rotate.ts';
import { type HostUsers, hostUsers } from '../actions/people/host.ts';
import { type HostTls, hostTls } from '../actions/tls/host.ts';
import { type HostTokens, hostTokens } from '../actions/tokens/host.ts';
import { reachOfListeners } from '../config/reach.ts';
import type { Settings } from '../config/schema.ts';
import type { LivingKeyring } from '../crypto/ring/living-keyring.ts';
import type { PasswordHasher } from '../crypto/password-hash.ts';
import type { Random } from '../crypto/random.ts';
import type { Guard } from '../guard.ts';
import type { Outbox } from '../mail/outbox.ts';
import { shippedCommonPasswords } from '../policy/common-passwords.ts';
import { type Duty, dutyOf } from '../policy/duty.ts';
import type { Prover } from '../prove.ts';
import type { EnrolmentProver } from '../prove/enrolment.ts';
import type { Passwords } from '../prove/realms/passwords.ts';
import type { Realms } from '../realm/realms.ts';
import type { LinkProver } from '../prove/link.ts';
import type { AuditSource } from '../record/audit-log.ts';
import type { Metrics } from '../record/metrics.ts';
import type { Log, Recorder } from '../record/recorder.ts';
import { silentProxies as makeSilentProxies } from '../record/silent-proxies.ts';
import type { Places } from '../request/arrival.ts';
import { cookieName } from '../request/cookie.ts';
import type { CookieSlot, CredentialReader } from '../request/credential.ts';
import type { RealmNames } from '../request/tokens/user-id.ts';
import { type Scheme, schemeOf } from '../request/origin.ts';
import type { UserRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import { forgotten } from '../throttle/forgotten.ts';
import type { Limiter } from '../throttle/limiter.ts';
import type { UnknownSecrets } from '../throttle/unknown-secrets.ts';
import type { Certificates } from '../tls/contract.ts';
import type { Clock, Origin, SessionKind } from '../types.ts';
import { loginTokens } from '../verify/login-token.ts';
import type { ServiceKeys } from '../verify/basic/service-key.ts';
import type { Tickets } from '../verify/tickets/contract.ts';
import type { Memory } from '../verify/known/contract.ts';
import type { PasskeyChallenges } from '../verify/passkeys/passkey-challenge.ts';
import { type ApiParts, apiWing } from './api.ts';
import { applicationWing, type ApplicationParts, handOverWing } from './proxy/application.ts';
import { consoleWing } from './console.ts';
import { dialectsOf } from './dialects/dialect.ts';
import { doorsOf } from './doors/doors.ts';
import { memoised } from './doors/memoised.ts';
import { handler, type Handler } from './handler.ts';
import { openApiDocument } from './openapi.ts';
import { type OperationsParts, operationsPaths, ready, showMetrics } from '../actions/operations.ts';
import { onSharedOrigin } from './proxy/our-paths.ts';
import type { Pages } from './pages.ts';
import { type RouteParts, routes } from './routes.ts';
import type { Route } from './route.ts';
import { verifyWing } from './verify.ts';

export interface HouseParts {
  readonly settings: Settings;
  /** As they are now: another object when they are others. */
  readonly places: () => Places;
  readonly pages: Pages;
  readonly version: string;
  readonly store: Store;
  readonly memory: Memory;
  readonly guard: Guard;
  readonly credentials: CredentialReader;
  readonly tokenUses: RouteParts['tokenUses'];
  readonly tickets: Tickets;
  readonly realmNames: RealmNames;
  readonly realms: Realms;
  readonly passwords: Passwords;
  readonly prover: Prover;
  readonly enrolments: EnrolmentProver;
  readonly links: LinkProver;
  readonly outbox: Outbox;
  readonly passkeyChallenges: PasskeyChallenges;
  readonly serviceKeys: ServiceKeys;
  readonly serviceKeyFile: ServiceKeyPlace;
  readonly limiter: Limiter;
  readonly recorder: Recorder;
  readonly hasher: PasswordHasher;
  readonly keyring: LivingKeyring;
  readonly kinds: ReadonlyMap<string, SessionKind>;
  readonly accountKind: SessionKind;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly unknownSecrets: UnknownSecrets;
  readonly metrics: Metrics;
  readonly hashing: OperationsParts['hashing'];
  readonly failures: OperationsParts['failures'];
  readonly cells: OperationsParts['cells'];
  readonly audit: AuditSource;
  readonly certificates: Certificates;
}

export interface House {
  readonly handle: Handler;
  readonly routes: readonly Route[];
  /** Accounts, API tokens and keys, by the word of whoever runs commands on the host. */
  readonly users: HostUsers;
  readonly tokens: HostTokens;
  /** What a request with an Idempotency-Key does, at most once: for an embedding application's routes as for our own. */
  readonly idempotent: Idempotent;
  readonly keys: HostKeys;
  readonly signedTickets: HostTickets;
  readonly tls: HostTls;
}

export function openHouse(house: HouseParts): House {
  const { settings, store, memory, guard, recorder, keyring, kinds, clock, random, log } = house;
  const doors = doorsOf(house);
  const dialects = dialectsOf(settings.ticketPrefix);
  const consoleOrigin = (): Origin => doors().consoleOrigin;
  const shared = settings.sharedOrigin;
  const openness = settings.allowOpen || reachOfListeners(settings) === 'machine' ? 'may-be-open' : 'closed';
  const cookieStem = settings.cookieName;
  const consoleKinds = [...kinds.keys()].filter((name) => name !== 'app');
  const slotsNamed = memoised((scheme: Scheme) => consoleKinds.map((name) => slot(cookieStem, scheme, name)));
  const handOver: HandOverParts = {
    store,
    recorder,
    clock,
    random,
    cookieStem,
    consoleOrigin,
    protectedOrigins: () => doors().protectedOrigins,
    unknownSecrets: house.unknownSecrets,
  };
  const duty = (user: UserRow): Duty => dutyOf(user, settings.requireFactor);
  const silentProxies = makeSilentProxies({ clock, log, header: settings.forwardedHeader });
  const operations: OperationsParts = { ...house, silentProxies };

  const issuing = { clock, random, boot: memory.boot, cookieStem, deviceLifetimeMs: settings.device.lifetimeMs };
  const parts: RouteParts = {
    ...house,
    ...issuing,
    hostNames: () => doors().hostNames,
    openness,
    dutyOf: duty,
    forgotten: forgotten(clock),
    consoleOrigin,
    tokens: loginTokens({ keys: () => keyring.cookieKeys(), random, clock, store }),
    tokenPrefix: settings.tokenPrefix,
    ticketPrefix: settings.ticketPrefix,
    rootKeyFile: settings.rootKeyFile,
    signInKinds: new Map([...kinds].filter(([name]) => name !== 'app')),
    commonPasswords: shippedCommonPasswords(),
    stepUpWindowMs: settings.stepUpWindowMs,
    kindNames: [...kinds.keys()],
    sharedOrigin: shared,
    consoleKinds,
    ready: () => ready(operations),
    metrics: () => showMetrics(operations),
    openapi: () => openApiDocument(table, house.version),
  };
  const table = routes(parts);
  const ownOperations = house.places().operations !== undefined;

  // By both schemes as they are now: the console's is another once it speaks TLS, and its cookies have other names then.
  const applicationSlots = memoised((key: string) => {
    const [own, consoles] = key.split(' ', 2) as [Scheme, Scheme];
    return [slot(cookieStem, own, 'app'), ...(shared ? slotsNamed(consoles) : [])];
  });
  const application: ApplicationParts = {
    guard,
    memory,
    handOver,
    clock,
    random,
    openness,
    consoleOrigin,
    dialects,
    slotsFor: (origin) => applicationSlots(`${schemeOf(origin)} ${schemeOf(consoleOrigin())}`),
  };
  const forwardSlots = memoised((key: string) => {
    const [own, consoles, kind = ''] = key.split(' ', 3) as [Scheme, Scheme, string?];
    const all = [slot(cookieStem, own, 'app'), ...slotsNamed(consoles)];
    return kind === '' ? all : all.filter((each) => each.sessionKind === kind);
  });
  const verify = verifyWing({
    guard,
    recorder,
    handOver,
    openness,
    memory,
    random,
    slotsFor: (origin, kind) => {
      const consoles = schemeOf(consoleOrigin());
      return forwardSlots(`${origin === null ? consoles : schemeOf(origin)} ${consoles} ${kind ?? ''}`);
    },
    kindNames: [...kinds.keys()],
  });
  const idempotent = idempotentRequests(house);
  const apiParts: Omit<ApiParts, 'routes'> = {
    idempotent,
    guard,
    credentials: house.credentials,
    prover: house.prover,
    memory,
    recorder,
    clock,
    random,
    stepUp: { windowMs: settings.stepUpWindowMs, origin: shared ? 'shared' : 'own' },
    slots: slotsNamed,
    consoleOrigin,
    basicChallenge: `Basic realm="${settings.basicRealm}", charset="UTF-8"`,
    dialects,
  };
  const api = apiWing({
    ...apiParts,
    routes: ownOperations ? table.filter((route) => !operationsPaths.has(route.path)) : table,
  });
  const console = consoleWing({
    pages: house.pages,
    guard,
    memory,
    handOver,
    clock,
    random,
    slots: slotsNamed,
    consoleOrigin,
    frontPage: shared ? 'application' : 'console',
    dutyOf: duty,
  });

  const handle = handler({
    arrivals: () => doors().rules,
    silentProxies,
    dialects,
    random,
    log,
    wings: {
      console: shared
        ? [
            verify,
            onSharedOrigin(api, dialects, random),
            console,
            handOverWing(application),
            applicationWing(application),
          ]
        : [verify, api, console],
      application: [handOverWing(application), applicationWing(application)],
      'protected-host': [handOverWing(application)],
      operations: [apiWing({ ...apiParts, routes: table.filter((route) => operationsPaths.has(route.path)) })],
    },
  });

  return {
    handle,
    routes: table,
    users: hostUsers(parts),
    tokens: hostTokens(parts),
    signedTickets: hostTickets(parts),
    keys: hostKeys(parts),
    tls: hostTls({ ...parts, server: 'running' }),
    idempotent,
  };
}

function slot(stem: string, scheme: Scheme, sessionKind: string): CookieSlot {
  return { sessionKind, cookie: cookieName(stem, scheme, sessionKind) };
}
