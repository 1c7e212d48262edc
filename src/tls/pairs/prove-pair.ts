/**
 * A pair is proven by a handshake with it, in both versions, before anybody is served with it (2-http-api, 7; 3-rules,
 * TLS). What whoever asks will see is seen here first, and whether the system trusts it.
 */
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import {
  connect,
  createSecureContext,
  createServer,
  getCACertificates,
  type SecureContext,
  type SecureVersion,
  type Server,
} from 'node:tls';
import type { CertificatePair, PairProblem } from '../../crypto/certificates/pair.ts';
import { contextOptions } from '../../crypto/certificates/server-options.ts';

export type Proof =
  | { readonly kind: 'failed'; readonly problems: readonly [PairProblem, ...PairProblem[]] }
  | { readonly kind: 'proven'; readonly chain: 'trusted' | 'untrusted' };

const longestHandshake = 5000;
const versions: readonly SecureVersion[] = ['TLSv1.2', 'TLSv1.3'];

/** Names are another question: a certificate is trusted or not, whatever it is good for. */
export async function provePair(pair: CertificatePair): Promise<Proof> {
  let chain: 'trusted' | 'untrusted' = 'trusted';
  for (const version of versions) {
    const seen = await shakeHands(pair, version);
    if (seen.kind === 'failed') return failed(`The handshake with it fails in ${version} (${seen.why}).`);
    if (seen.fingerprint !== pair.info.fingerprint)
      return failed(`The handshake with it shows another certificate in ${version}.`);
    if (seen.chain === 'untrusted') chain = 'untrusted';
  }
  return { kind: 'proven', chain };
}

type Seen =
  | { readonly kind: 'failed'; readonly why: string }
  | { readonly kind: 'seen'; readonly fingerprint: string; readonly chain: 'trusted' | 'untrusted' };

async function shakeHands(pair: CertificatePair, version: SecureVersion): Promise<Seen> {
  const sockets = new Set<Socket>();
  const abort = AbortSignal.timeout(longestHandshake);
  let over = false;
  let server: Server | undefined;
  try {
    // As it will be served, in one version at a time.
    server = createServer({ ...contextOptions(pair), minVersion: version, maxVersion: version });
    server.on('connection', (socket: Socket) => {
      if (over) socket.destroy();
      sockets.add(socket);
      socket.on('error', () => {}).once('close', () => sockets.delete(socket));
    });
    server.on('secureConnection', (socket) => socket.on('error', () => {}));
    server.listen({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening', { signal: abort });
    return await see((server.address() as AddressInfo).port, abort);
  } catch (fault) {
    return { kind: 'failed', why: nameOf(fault) };
  } finally {
    over = true;
    for (const socket of sockets) socket.destroy();
    await closed(server);
  }
}

async function closed(server: Server | undefined): Promise<void> {
  if (server?.listening !== true) return;
  await new Promise((done) => server.close(done));
}

async function see(port: number, signal: AbortSignal): Promise<Seen> {
  const socket = connect({
    host: '127.0.0.1',
    port,
    secureContext: whatTheSystemTrusts(),
    rejectUnauthorized: false,
    checkServerIdentity: anyName,
  });
  try {
    await once(socket, 'secureConnect', { signal });
    const fingerprint = socket.getPeerX509Certificate()?.fingerprint256 ?? '';
    return { kind: 'seen', fingerprint, chain: socket.authorized ? 'trusted' : 'untrusted' };
  } finally {
    socket.on('error', () => {});
    socket.destroy();
  }
}

/** Which hosts it is good for is asked elsewhere. */
function anyName(): undefined {
  return undefined;
}

let trusting: SecureContext | undefined;

/** Hundreds of certificates: read once. */
function whatTheSystemTrusts(): SecureContext {
  trusting ??= createSecureContext({
    ca: [...new Set([...getCACertificates('default'), ...getCACertificates('system')])],
    minVersion: 'TLSv1.2',
  });
  return trusting;
}

/** A code of Node's or OpenSSL's: nothing of what was read. */
function nameOf(fault: unknown): string {
  const { code, name } = fault as NodeJS.ErrnoException;
  if (name === 'AbortError') return 'no answer in time';
  return typeof code === 'string' ? code : 'error';
}

function failed(text: string): Proof {
  return { kind: 'failed', problems: [{ code: 'handshake', text }] };
}
