/**
 * Sallyport inside a Node program, as an embedding application has it: the same engine and store behind a plain
 * `node:http` server, with a clock that the test moves.
 */
import { createServer } from 'node:http';
import { rm } from 'node:fs/promises';
import type { OutsideRealm } from '../../src/realm/contract.ts';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  type Clock,
  createSallyport,
  forwarding,
  type Log,
  loadSettings,
  type Millis,
  type NodeListeners,
  nodeListeners,
  openSqliteStore,
  type Pages,
  type Places,
  type Sallyport,
  type SessionKind,
  type Store,
  systemRandom,
} from '../../src/index.ts';
import type { Certificates } from '../../src/tls/contract.ts';
import type { Origin, Secret } from '../../src/types.ts';
import { temporaryFolder } from './server.ts';

export interface Embedded {
  readonly console: string;
  /** Its data folder. */
  readonly data: string;
  readonly sallyport: Sallyport;
  /** The store as it was handed over, beneath what the house puts around it. */
  readonly engine: Store;
  readonly setupCode: Secret;
  /** Moves both clocks forward, or the wall clock back: the monotonic one never goes back. */
  readonly pass: (ms: number) => void;
  readonly now: () => Millis;
  readonly lines: string[];
  readonly close: () => Promise<void>;
}

/** No pages: an embedding application brings its own, or reads ours with `readPages`. */
const noPages: Pages = {
  shell: (status) => ({ kind: 'written', status, headers: ['content-type', 'text/html'], body: '' }),
  asset: () => ({ kind: 'none' }),
};

export async function embed(
  options: {
    argv?: readonly string[];
    sessionKinds?: readonly SessionKind[];
    realms?: readonly OutsideRealm[];
    /** Names of the console before its address; the first is its public one. */
    names?: readonly string[];
    /** A folder that outlives it; without it a new one, which goes with it. */
    data?: string;
    /** A node over a database that it shares, in place of SQLite. */
    node?: Store;
    /** Between the house and its store. */
    around?: (store: Store) => Store;
    /** Who keeps certificates; nobody, unless it is said. */
    certificates?: Certificates;
  } = {},
): Promise<Embedded> {
  const data = options.data ?? (await temporaryFolder());
  const loaded = loadSettings({
    argv: ['--data', data, '--password-memory', '19MiB', ...(options.argv ?? [])],
    env: {},
    readFile: () => ({ kind: 'missing' }),
  });
  if (loaded.kind === 'refused') throw new Error(loaded.problems.map((each) => each.message).join());
  const store = options.node ?? (await openEngine(data));
  let skew = 0;
  let ahead = 0;
  const lines: string[] = [];
  const note = (fields: object, message: string): void => void lines.push(JSON.stringify({ ...fields, message }));
  const log: Log = { info: note, warn: note, error: note };

  let listeners: NodeListeners | undefined;
  const server = createServer({
    shouldUpgradeCallback: (message) => listeners?.shouldUpgradeCallback(message) ?? false,
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const console = `http://127.0.0.1:${(server.address() as AddressInfo).port}` as Origin;
  const [first = console, ...others] = (options.names ?? []).map(
    (name) => console.replace('127.0.0.1', name) as Origin,
  );
  const places: Places = { console: [first, ...others, console], application: [], protectedHosts: [] };
  const clock: Clock = {
    now: () => (Date.now() + skew) as Millis,
    monotonic: () => performance.now() + ahead,
  };
  const creation = await createSallyport({
    settings: loaded.settings,
    store: options.around?.(store) ?? store,
    belonging: options.node === undefined ? { kind: 'own' } : { kind: 'shared', known: '' },
    places,
    pages: noPages,
    version: '0.0.0',
    log,
    sessionKinds: options.sessionKinds ?? [],
    realms: options.realms ?? [],
    ...(options.certificates === undefined ? {} : { certificates: options.certificates }),
    clock,
    wait: () => Promise.resolve(),
  });
  if (creation.kind === 'refused') throw new Error(creation.why);
  const { sallyport } = creation;
  const forward = forwarding({ settings: loaded.settings, places, clock, random: systemRandom, log });
  listeners = nodeListeners({
    door: 'console',
    peers: 'network',
    handle: sallyport.handle,
    forward,
    failed: () => ({ kind: 'written', status: 500, headers: [], body: null }),
  });
  server.on('request', listeners.request);
  server.on('upgrade', listeners.upgrade);
  const made = await sallyport.newSetupCode('own');
  return {
    console,
    data,
    sallyport,
    engine: store,
    setupCode: made.kind === 'made' ? made.code : ('' as Secret),
    now: () => (Date.now() + skew) as Millis,
    pass: (ms) => {
      skew += ms;
      ahead += Math.max(0, ms);
    },
    lines,
    close: async () => {
      forward.stop();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      forward.close();
      await sallyport.close();
      await store.close();
      if (options.data === undefined) await rm(data, { recursive: true, force: true });
    },
  };
}

async function openEngine(data: string): Promise<Store> {
  const opened = await openSqliteStore({ path: join(data, 'sallyport.db'), ownerPath: join(data, 'owner.lock') });
  if (opened.kind !== 'opened') throw new Error(opened.detail);
  return opened.store;
}
