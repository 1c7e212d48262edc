/**
 * Sallyport in process, as the contestant of B1 (`admitting.ts session|basic|user-key|service-key`): the guard at the gate of a
 * route of our own that takes each of them. What a request came with is found anew for each, as in life: an address is asked
 * for only by those who need it.
 */

import type { Gate, Incoming, Sallyport, Settings } from '../../src/index.ts';
import { proxyList } from '../../src/request/address.ts';
import { arrive, knownHosts } from '../../src/request/arrival.ts';
import { cookieName } from '../../src/request/cookie.ts';
import { contest, type Operation } from '../measure/contestant.ts';
import { temporaryFolder } from '../measure/temporary.ts';
import { oneByOne, open } from './in-process.ts';
import { startSallyport } from './server.ts';
import { isWay, type Way, type WayIn, wayIn } from './ways-in.ts';

const ROUTE = { method: 'GET', path: '/api/auth/api-tokens' };

async function admitting(via: Way): Promise<Operation> {
  const data = temporaryFolder();
  const server = await startSallyport({ core: null, data });
  const way = await wayIn(via, server, data);
  await server.stop();
  const { sallyport, settings, close } = await open(data);
  return { batch: admissions(sallyport, settings, way), close };
}

function admissions(
  { guard, routes, places }: Sallyport,
  settings: Settings,
  { via, headers }: WayIn,
): Operation['batch'] {
  const need = routes.find(({ method, path }) => method === ROUTE.method && path === ROUTE.path)?.need;
  if (need === undefined) throw new Error(`there is no ${ROUTE.path}`);
  const [origin] = places().console;
  const { host } = new URL(origin);
  const slots = ['account', 'admin'].map((kind) => ({
    sessionKind: kind,
    cookie: cookieName(settings.cookieName, 'http', kind),
  }));
  const known = knownHosts([{ own: places().console, place: 'console' }]);
  const request = incoming({ host, ...headers });
  const arriving = arrive(
    request,
    {
      hosts: { console: known, application: known, operations: known, control: known },
      proxies: proxyList([]),
      forwardedHeader: 'x-forwarded-for',
      peers: { console: 'any', application: 'any', operations: 'any', control: 'any' },
      overTls: { console: [], application: [], operations: [], control: [] },
    },
    'read',
  );
  if (arriving.kind !== 'arrived') throw new Error(`the request did not arrive: ${arriving.kind}`);
  const { client, locality } = arriving;
  const gate: Gate = {
    client,
    locality,
    basic: {
      client,
      locality,
      circumstances: () => {
        const { address } = client();
        return { address, peer: address, arrivedAt: performance.now(), device: '', origin };
      },
    },
    need,
    slots,
    own: [origin],
  };
  return oneByOne(
    () => guard.admit({ ...request, headers: { host, ...headers } }, gate),
    (admission) => {
      if (admission.kind !== 'admitted' || !('via' in admission.principal) || admission.principal.via !== via)
        throw new Error(`the guard did not admit by ${via}: ${JSON.stringify(admission)}`);
    },
  );
}

function incoming(headers: Readonly<Record<string, string>>): Incoming {
  return {
    door: 'console',
    method: ROUTE.method,
    target: ROUTE.path,
    headers,
    rawHeaders: Object.entries(headers).flat(),
    peer: '127.0.0.1',
    transport: 'plain',
    body: nothing,
  };
}

const nothing: AsyncIterable<Uint8Array> = { [Symbol.asyncIterator]: async function* () {} };

const [, , via = ''] = process.argv;
await contest(() => {
  if (!isWay(via)) throw new Error(`"${via}" is no way in`);
  return admitting(via);
});
