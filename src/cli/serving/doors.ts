/** The listeners of a running server, and where they are reached as of now: another certificate, or none, and another address of this machine change that. */
import { isDeepStrictEqual } from 'node:util';
import { reachOfListener } from '../../config/reach.ts';
import type { Listener } from '../../config/network-place.ts';
import type { Settings } from '../../config/schema.ts';
import type { Log } from '../../record/recorder.ts';
import type { Places } from '../../request/arrival.ts';
import { openServer, type OpenServer } from '../../server.ts';
import type { Certificates, Serving } from '../../tls/contract.ts';
import { machineNames, schemeAt } from './certificates.ts';
import { connectionsAllowed } from './descriptors.ts';
import { type Door, placesOf } from './places.ts';

export type DoorsOpening =
  | { readonly kind: 'refused'; readonly why: string }
  | {
      readonly kind: 'open';
      readonly serve: OpenServer['serve'];
      /** As they are now; another object when they are others. */
      readonly places: () => Places;
      /** Looks at what this machine is called. */
      readonly look: () => void;
    };

type DoorName = 'console' | 'application' | 'operations';

export async function openDoors(parts: {
  readonly settings: Settings;
  readonly certificates: Certificates;
  readonly log: Log;
  /** Whatever was opened is put here, for whoever has to close it. */
  readonly servers: OpenServer[];
}): Promise<DoorsOpening> {
  const { settings, certificates, log, servers } = parts;
  const mostConnections = connectionsAllowed(settings.maxConnections);
  const open = async (door: DoorName, listener: Listener): ReturnType<typeof openServer> => {
    const plain = { kind: 'plain' } as const;
    const serving = (): Serving =>
      door === 'operations' || listener.kind === 'unix' ? plain : certificates.serving(reachOfListener(listener));
    const opening = await openServer({ door, listener, serving, mostConnections, log });
    if (opening.kind === 'open') servers.push(opening.server);
    return opening;
  };
  const console = await open('console', settings.listen);
  if (console.kind === 'refused') return console;
  const behind = settings.upstream !== null && !settings.sharedOrigin;
  const application = behind ? await open('application', settings.appListen) : undefined;
  if (application?.kind === 'refused') return application;
  const operations = settings.opsListen === null ? undefined : await open('operations', settings.opsListen);
  if (operations?.kind === 'refused') return operations;

  const secure = ({ server: { at } }: { readonly server: OpenServer }): Door => ({
    at,
    scheme: schemeAt(certificates, at),
  });
  const current = (): Places =>
    placesOf(
      settings,
      {
        console: secure(console),
        ...(application === undefined ? {} : { application: secure(application) }),
        ...(operations === undefined ? {} : { operations: { at: operations.server.at, scheme: 'http' } }),
      },
      machineNames(),
    );
  let places = current();
  const look = (): void => {
    const next = current();
    if (!isDeepStrictEqual(next, places)) places = next;
  };
  certificates.onChange(() => {
    // Another object also where the names stay: what is taken at the doors may have changed.
    places = current();
    for (const server of servers) server.secure();
  });
  return {
    kind: 'open',
    serve: (adapter) => {
      for (const each of [console, application, operations]) each?.server.serve(adapter);
    },
    places: () => places,
    look,
  };
}
