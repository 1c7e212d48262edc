/**
 * A certificate of our own, where a network is served and nothing else is given (3-rules, TLS): ECDSA P-256, one year.
 *
 * It says that it is no authority. Whoever trusts it (a browser, `curl --cacert`, NODE_EXTRA_CA_CERTS) trusts this server
 * and nothing that could be signed with its key: taken for an authority it would vouch for every site there is.
 */
import { webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import type * as X509 from '@peculiar/x509';
import type { Millis } from '../../types.ts';
import type { Random } from '../random.ts';

const hour = 60 * 60 * 1000;
const year = 365 * 24 * hour;

export interface SelfMade {
  readonly certPem: string;
  readonly keyPem: string;
}

/** `names`: DNS names and addresses, canonical, the one to be called by first. */
export async function makeSelfMade(
  names: readonly [string, ...string[]],
  at: Millis,
  random: Random,
): Promise<SelfMade> {
  const x509 = await loadX509();
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(random),
    // A common name has 64 characters at most; which hosts it is good for is said below.
    name: [{ CN: [names[0].length <= 64 ? names[0] : 'sallyport'] }, { O: ['Sallyport'] }],
    // Clocks differ.
    notBefore: new Date(at - hour),
    notAfter: new Date(at + year),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value }) as const),
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  return { certPem: `${certificate.toString('pem').trim()}\n`, keyPem: pem('PRIVATE KEY', key) };
}

/** Loaded when the first certificate is made; it wants its metadata to be there before it. */
async function loadX509(): Promise<typeof X509> {
  await import('reflect-metadata');
  return import('@peculiar/x509');
}

/** 126 random bits, positive and never shortened (RFC 5280 4.1.2.2). */
function serial(random: Random): string {
  const [first = 0, ...others] = random.bytes(16);
  return Buffer.from([(first & 0x3f) | 0x40, ...others]).toString('hex');
}

function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').replaceAll(/.{64}(?=.)/g, '$&\n');
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}
