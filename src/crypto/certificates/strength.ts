/** Keys and signatures that TLS clients take (3-rules, TLS; CA/Browser Forum baseline 6.1.5). Pure. */
import type { KeyObject, X509Certificate } from 'node:crypto';

/** What every browser takes; the others are named in no TLS 1.3 signature scheme. */
const curves: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };

const leastRsa = 2048;
/** Longer ones hold up everybody while one hand is shaken. */
const mostRsa = 8192;

/** `RSA 2048`, `EC P-256`, `Ed25519`. */
export function keyName(key: KeyObject): string {
  const { modulusLength = 0, namedCurve = '' } = key.asymmetricKeyDetails ?? {};
  const kind: string = key.asymmetricKeyType ?? 'unknown';
  switch (kind) {
    case 'rsa':
      return `RSA ${modulusLength}`;
    case 'rsa-pss':
      return `RSA-PSS ${modulusLength}`;
    case 'ec':
      return `EC ${curves[namedCurve] ?? (namedCurve === '' ? 'of a curve without a name' : namedCurve)}`;
    case 'ed25519':
      return 'Ed25519';
    case 'ed448':
      return 'Ed448';
    default:
      return kind.toUpperCase();
  }
}

/** A sentence for each thing that clients refuse. */
export function weaknesses(certificate: X509Certificate): readonly string[] {
  return [...weakKey(certificate.publicKey), ...weakSignature(certificate)];
}

function weakKey(key: KeyObject): readonly string[] {
  const { modulusLength = 0, namedCurve = '' } = key.asymmetricKeyDetails ?? {};
  const kind: string = key.asymmetricKeyType ?? 'unknown';
  switch (kind) {
    case 'rsa':
    case 'rsa-pss':
      if (modulusLength < leastRsa) return [`The key has ${modulusLength} bits, and RSA needs ${leastRsa} at least.`];
      return modulusLength > mostRsa ? [`The key has ${modulusLength} bits, and RSA may have ${mostRsa} at most.`] : [];
    case 'ec':
      return curves[namedCurve] === undefined ? ['The key is on a curve that TLS clients do not take.'] : [];
    case 'ed25519':
    case 'ed448':
      return [];
    default:
      return ['The key is of a kind that TLS clients do not take.'];
  }
}

function weakSignature({ signatureAlgorithm }: X509Certificate): readonly string[] {
  const [broken] = /md2|md4|md5|sha-?1(?!\d)/i.exec(signatureAlgorithm ?? '') ?? [];
  return broken === undefined
    ? []
    : [`The certificate is signed with ${broken.toUpperCase().replace(/^SHA-?1$/, 'SHA-1')}, which is broken.`];
}
