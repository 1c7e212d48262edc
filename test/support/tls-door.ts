/** A listener of the server by itself, with a pair that may change, small answers behind it, and clients that speak TLS to it. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { type Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { CertificateInfo } from '../../src/crypto/certificates/pair.ts';
import { systemRandom } from '../../src/crypto/random.ts';
import { admitted } from '../../src/guard/admission.ts';
import { json } from '../../src/http/answer.ts';
import { dialectsOf } from '../../src/http/dialects/dialect.ts';
import { handler, type Wing } from '../../src/http/handler.ts';
import { proxy } from '../../src/http/proxy/proxy.ts';
import { proxyList } from '../../src/request/address.ts';
import { knownHosts } from '../../src/request/arrival.ts';
import { openServer, type OpenServer } from '../../src/server.ts';
import type { Serving } from '../../src/tls/contract.ts';
import type { Millis, Origin } from '../../src/types.ts';
import { makeAuthority } from './certificates.ts';

export interface Pair {
  readonly serving: Serving;
  readonly serial: string;
}

export interface Pairs {
  readonly ca: string;
  readonly one: Pair;
  readonly two: Pair;
  readonly remove: () => Promise<void>;
}

export async function makePairs(): Promise<Pairs> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-tls-'));
  const authority = await makeAuthority(folder, 'authority');
  const pair = (name: string): Pair => {
    const files = authority.issue(name, 'IP:127.0.0.1');
    const certPem = readFileSync(files.cert, 'utf8');
    const { serialNumber: serial, subject, issuer } = new X509Certificate(certPem);
    const info: CertificateInfo = {
      subject,
      issuer,
      serial,
      fingerprint: '',
      notBefore: 0 as Millis,
      notAfter: 0 as Millis,
      names: ['127.0.0.1'],
      signedBy: 'another',
      key: 'EC P-256',
    };
    const proven = {
      kind: 'proven',
      files: { source: 'custom', certPath: files.cert, keyPath: files.key },
      pair: { certPem, keyPem: readFileSync(files.key, 'utf8'), info },
      chain: 'untrusted',
      warnings: [],
    } as const;
    return { serial, serving: { kind: 'tls', proven } };
  };
  return {
    ca: readFileSync(authority.ca, 'utf8'),
    one: pair('one'),
    two: pair('two'),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

export const plain: Serving = { kind: 'plain' };

export interface TlsDoor {
  readonly port: number;
  readonly host: string;
  readonly server: OpenServer;
  /** Lines of the log above `info`. */
  readonly told: readonly string[];
  /** Requests that got as far as the house. */
  readonly seen: readonly string[];
  serve(serving: Serving): void;
  /** Lets all of `/slow` be answered. */
  release(): void;
  close(): Promise<void>;
}

export interface DoorOptions {
  readonly serving: Serving;
  readonly upstream?: string;
  readonly handshakeMs?: number;
  readonly mostConnections?: number;
}

/** `/slow` is answered when it is let, `/app/…` by the application; anything else with what came. */
export async function openTlsDoor(options: DoorOptions): Promise<TlsDoor> {
  let { serving } = options;
  const told: string[] = [];
  const tell = (fields: object, message: string): void => void told.push(`${message} ${JSON.stringify(fields)}`);
  const log = { info: () => undefined, warn: tell, error: tell };
  const opening = await openServer({
    door: 'console',
    listener: { kind: 'tcp', host: '127.0.0.1', port: 0 },
    serving: () => serving,
    mostConnections: options.mostConnections ?? 2000,
    log,
    ...(options.handshakeMs === undefined ? {} : { handshakeMs: options.handshakeMs }),
  });
  if (opening.kind === 'refused' || opening.server.at.kind !== 'tcp') throw new Error(JSON.stringify(opening));
  const { server } = opening;
  const { port } = opening.server.at;
  const host = `127.0.0.1:${port}`;
  const held = Promise.withResolvers<void>();
  const application = proxy({
    upstream: (options.upstream ?? 'http://127.0.0.1:9') as Origin,
    cookieStem: 'sallyport',
    tokenPrefix: 'sp',
    ticketPrefix: 'SP',
    limits: { connectTimeoutMs: 5000, answerTimeoutMs: 5000, idleTimeoutMs: 5000, bodyLimitBytes: null },
    monotonic: () => performance.now(),
    log,
  });
  const seen: string[] = [];
  const wing: Wing = (incoming, arrival, path) => {
    seen.push(path);
    if (path.startsWith('/app/')) {
      const standing = () => admitted({ kind: 'everybody', state: 'off' });
      return { kind: 'forward', arrival, identity: [], headers: [], standing };
    }
    const { transport, method, target, peer } = incoming;
    const answer = json(200, {
      transport,
      method,
      target,
      peer,
      padding: target.slice(0, 12_000).repeat(target.length > 1000 ? 20 : 0),
    });
    return path === '/slow' ? held.promise.then(() => answer) : answer;
  };
  const hosts = knownHosts([{ own: [`https://${host}` as Origin], place: 'console' }]);
  const none = knownHosts([]);
  const handle = handler({
    arrivals: () => ({
      hosts: { console: hosts, application: none, control: none, operations: none },
      proxies: proxyList([{ address: '127.0.0.9', prefix: 32, family: 'ipv4' }]),
      forwardedHeader: 'x-forwarded-for',
      peers: {
        application: 'any',
        control: 'any',
        operations: 'any',
        console: serving.kind === 'tls' ? 'tls' : 'any',
      },
      overTls: { console: [], application: [], control: [], operations: [] },
    }),
    dialects: dialectsOf('SP'),
    silentProxies: { note: () => undefined, standing: () => 'all-speak' },
    random: systemRandom,
    log,
    wings: { console: [wing], application: [], 'protected-host': [], operations: [] },
  });
  const refuse = (): void => tell({}, 'refused on the way');
  server.serve({
    handle,
    forward: {
      pass: (passing) => application.pass({ ...passing, refuse }),
      join: (joining) => application.join({ ...joining, refuse }),
    },
    failed: () => ({ kind: 'written', status: 500, headers: [], body: null }),
  });
  return {
    port,
    host,
    server,
    told,
    seen,
    serve: (next) => {
      serving = next;
      server.secure();
    },
    release: () => held.resolve(),
    close: async () => {
      held.resolve();
      application.stop();
      await server.stop();
      application.close();
    },
  };
}

export interface SecureGot {
  readonly status: number;
  readonly serial: string;
  readonly json: Readonly<Record<string, unknown>>;
}

/** One request over HTTPS, on a connection of its own unless an agent is given. */
export function ask(door: TlsDoor, ca: string, path: string, agent?: Agent): Promise<SecureGot> {
  return new Promise((resolve, reject) => {
    const asking = request({ host: '127.0.0.1', port: door.port, path, ca, agent: agent ?? false }, (response) => {
      const { serialNumber } = (response.socket as TLSSocket).getPeerX509Certificate() ?? { serialNumber: '' };
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => (text += part));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          serial: serialNumber,
          json: JSON.parse(text) as SecureGot['json'],
        }),
      );
    });
    asking.on('error', reject);
    asking.end();
  });
}

/** A connection with its handshake done; rejects where it fails. */
export function secured(door: Pick<TlsDoor, 'port'>, options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: door.port, ...options }, () => resolve(socket));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed')));
    socket.on('error', () => undefined);
  });
}

/** All that comes until the other side closes. */
export function everything(socket: TLSSocket): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', (part: string) => (text += part));
    socket.on('close', () => resolve(text));
  });
}
