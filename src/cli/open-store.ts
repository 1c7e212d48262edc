/**
 * The store that the settings name: a file that this process alone owns, or a database, and Valkey, that several nodes
 * share. The clients of those are loaded only when they are needed.
 */
import { join } from 'node:path';
import type { Settings } from '../config/schema.ts';
import type { TransportSecurity } from '../config/service-place.ts';
import { outwardTls, type OutwardFiles, type OutwardTls } from '../crypto/certificates/outward.ts';
import { checkBeforeOpening, type Belonging } from '../open-installation.ts';
import type { Log } from '../record/recorder.ts';
import { noBus } from '../store/bus.ts';
import { takeOwnership } from '../store/sqlite/file/database-file.ts';
import { openSqliteStore } from '../store/sqlite/open.ts';
import type { SharedCells } from '../store/shared-cells.ts';
import type { Store } from '../store/store.ts';
import type { Valkey } from '../store/valkey/open.ts';
import { noVolatileSessions } from '../store/volatile-sessions.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { nodeMark } from './serving/node-mark.ts';

export interface OpenStore {
  readonly kind: 'open';
  /** Closing it closes all that belongs to it. */
  readonly store: Store;
  readonly belonging: Belonging;
  /** Where nodes count together. */
  readonly cells: SharedCells | undefined;
  /** The same, for what API tokens use. */
  readonly tokenCells: SharedCells | undefined;
  /** Notes that this node belongs to that installation from now on. */
  readonly belongsTo: (installationId: string) => void;
}

export type StoreOpening = { readonly kind: 'refused'; readonly code: ExitCode; readonly why: string } | OpenStore;

export interface StoreParts {
  readonly settings: Settings;
  readonly log: Log;
  /** Nothing can be written any more, until the process starts anew. */
  readonly onDown?: (reason: string) => void;
  /** A server in this folder is the only one; a command beside it may be one of many. */
  readonly as: 'server' | 'command';
}

export function databaseFileOf(settings: Settings): string {
  return join(settings.data, 'sallyport.db');
}

export async function openStore(parts: StoreParts): Promise<StoreOpening> {
  const { settings, onDown } = parts;
  if (settings.database !== null) return openShared(parts);
  const path = databaseFileOf(settings);
  const fit = checkBeforeOpening({ databaseFile: path, rootKeyFile: settings.rootKeyFile });
  if (fit.kind === 'refused') return { kind: 'refused', code: exitCodes.fault, why: fit.why };
  const ownerPath = join(settings.data, 'owner.lock');
  const opened = await openSqliteStore({ path, ownerPath, ...(onDown === undefined ? {} : { onDown }) });
  if (opened.kind === 'opened')
    return {
      kind: 'open',
      store: opened.store,
      belonging: { kind: 'own' },
      cells: undefined,
      tokenCells: undefined,
      belongsTo: () => undefined,
    };
  const code = opened.kind === 'locked' ? exitCodes.unavailable : exitCodes.fault;
  return { kind: 'refused', code, why: opened.detail };
}

async function openShared({ settings, log, as }: StoreParts): Promise<StoreOpening> {
  // A second server in this folder would take the first one's control socket, logs and audit chain.
  const ownership =
    as === 'server'
      ? takeOwnership(join(settings.data, 'owner.lock'))
      : { kind: 'owned' as const, release: () => undefined };
  if (ownership.kind !== 'owned') return { kind: 'refused', code: exitCodes.unavailable, why: ownership.detail };
  let valkey: Valkey | undefined;
  const refused = (code: ExitCode, why: string): StoreOpening => {
    valkey?.close();
    ownership.release();
    return { kind: 'refused', code, why };
  };
  try {
    const mark = nodeMark(settings.data);
    if (mark.kind === 'damaged') return refused(exitCodes.fault, mark.why);
    const { databaseName, openPostgresStore } = await import('../store/postgres/open.ts');
    const place = databasePlaceOf(settings, log);
    const named = await databaseName(place);
    if (named.kind !== 'named')
      return refused(named.kind === 'unreachable' ? exitCodes.unavailable : exitCodes.fault, named.detail);
    valkey = settings.valkey === null ? undefined : await openValkeyOf(settings, named.name, log);
    const opened = await openPostgresStore({
      place,
      node: mark.node,
      volatile: valkey?.volatile ?? noVolatileSessions,
      bus: valkey?.bus ?? noBus,
      onTrouble: (what) => log.warn({}, what),
    });
    if (opened.kind !== 'opened') return refused(exitCodes.unavailable, opened.detail);
    return {
      kind: 'open',
      store: {
        ...opened.store,
        close: async () => {
          await opened.store.close();
          valkey?.close();
          ownership.release();
        },
      },
      belonging: { kind: 'shared', known: mark.installation },
      cells: valkey?.cells,
      tokenCells: valkey?.tokenCells,
      belongsTo: mark.belongsTo,
    };
  } catch (fault) {
    return refused(exitCodes.unavailable, fault instanceof Error ? fault.message : String(fault));
  }
}

function databasePlaceOf(settings: Settings, log: Log) {
  const { database } = settings;
  if (database === null) throw new TypeError('Cannot connect to a database: none is set');
  return {
    ...database,
    tls: tlsOf(
      'database',
      database.tls,
      { ca: settings.databaseCaFile, cert: settings.databaseCertFile, key: settings.databaseKeyFile },
      log,
    ),
    connections: settings.databaseConnections,
    timeoutMs: settings.databaseTimeoutMs,
  };
}

/** Waited for as long as for any answer: then each goes on by itself until it comes. */
async function openValkeyOf(settings: Settings, name: string, log: Log): Promise<Valkey> {
  const { valkey, valkeyTimeoutMs: timeoutMs } = settings;
  if (valkey === null) throw new TypeError('Cannot connect to Valkey: none is set');
  const { openValkey } = await import('../store/valkey/open.ts');
  const files = { ca: settings.valkeyCaFile, cert: settings.valkeyCertFile, key: settings.valkeyKeyFile };
  const tls = tlsOf('valkey', valkey.tls, files, log);
  const stands = Promise.withResolvers<void>();
  const opened = openValkey({ ...valkey, tls, timeoutMs }, name, (standing) => {
    if (standing.kind === 'reachable') log.info({}, 'Valkey is there: wrong guesses are counted together');
    else log.warn({}, `Valkey is away (${standing.why}): this node counts wrong guesses for itself`);
    stands.resolve();
  });
  const late = setTimeout(stands.resolve, timeoutMs);
  await stands.promise;
  clearTimeout(late);
  return opened;
}

/** Throws when a file is no good: nothing is spoken to without what was asked for. */
function tlsOf(
  service: 'database' | 'valkey',
  security: TransportSecurity,
  files: OutwardFiles,
  log: Log,
): 'off' | OutwardTls {
  if (security === 'off') return 'off';
  const read = outwardTls(service, files, (what) => log.warn({}, what));
  if (read.kind === 'refused') throw new Error(read.why);
  return read.tls;
}
