/** What a certificate says about names: whose it is, and which hosts it is good for (RFC 5280 4.2.1.6, RFC 9525). */
import { X509Certificate } from 'node:crypto';
import { isIP, SocketAddress } from 'node:net';
import type { CertificatePair } from './pair.ts';

/** Longer ones are shortened; nobody reads them. */
const longestName = 500;

/** A distinguished name in one line. What would be invisible, or turn the text around, is shown as a replacement sign. */
export function nameLine(written: string | undefined): string {
  const line = (written ?? '').split('\n').join(', ');
  return line.replaceAll(/[\p{Cc}\p{Cf}]/gu, '\uFFFD').slice(0, longestName);
}

const entry = /\s*([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:,|$)/y;
const dnsName = /^(?:\*\.)?[a-z0-9_](?:[a-z0-9._-]{0,251}[a-z0-9_])?$/;

/** DNS names and addresses, canonical, each once; the common name only where there are no others. */
export function namesOf(certificate: X509Certificate): readonly string[] {
  const found = alternativesOf(certificate.subjectAltName ?? '');
  if (found.length > 0) return found;
  const common = (certificate.subject ?? '').split('\n').find((line) => line.startsWith('CN='));
  const name = canonical(common?.slice('CN='.length) ?? '');
  return name === undefined ? [] : [name];
}

function alternativesOf(text: string): readonly string[] {
  const found = new Set<string>();
  entry.lastIndex = 0;
  for (let each = entry.exec(text); each !== null && each[0] !== ''; each = entry.exec(text)) {
    const [, kind, value = ''] = each;
    // A value with signs that could be taken for the next entry stands in quotes: no host is called that.
    if ((kind !== 'DNS' && kind !== 'IP Address') || value.startsWith('"')) continue;
    const name = canonical(value);
    if (name !== undefined) found.add(name);
  }
  return [...found];
}

/** Lower case, without a dot at the end; addresses as RFC 5952 says; nothing where no host can be called that. */
function canonical(written: string): string | undefined {
  const name = written.trim().toLowerCase().replace(/\.$/, '');
  switch (isIP(name)) {
    case 4:
      return name;
    case 6: {
      if (name.includes('%')) return undefined;
      const { address } = new SocketAddress({ address: name, family: 'ipv6' });
      return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1] ?? address;
    }
    default:
      return dnsName.test(name) ? name : undefined;
  }
}

export type Coverage = { readonly kind: 'not-covered' } | { readonly kind: 'covered' };

/**
 * Whether browsers take this certificate for a host: a name, or an address with or without brackets. As they do, the
 * common name is not looked at, and `*` stands for one whole label.
 */
export function namesCover(pair: Pick<CertificatePair, 'certPem'>, host: string): Coverage {
  const name = canonical(host.replace(/^\[(.*)\]$/, '$1'));
  if (name === undefined || name.startsWith('*')) return { kind: 'not-covered' };
  const certificate = new X509Certificate(pair.certPem);
  const match =
    isIP(name) === 0
      ? certificate.checkHost(name, { subject: 'never', partialWildcards: false })
      : certificate.checkIP(name);
  return { kind: match === undefined ? 'not-covered' : 'covered' };
}
