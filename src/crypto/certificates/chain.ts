/** Certificates of one file in the order in which TLS sends them (RFC 8446 4.4.2), whatever the order of the file. Pure. */
import type { KeyObject, X509Certificate } from 'node:crypto';
import type { Millis } from '../../types.ts';

export interface Chain {
  /** The server's own, then whoever vouches for it. */
  readonly certificates: readonly [X509Certificate, ...X509Certificate[]];
  /** Whether the first one's key is the private key. */
  readonly leaf: 'fits' | 'mismatch';
  /** `mixed`: the file had another order, or holds others besides, which are left out. */
  readonly order: 'kept' | 'mixed';
  /** `missing`: the first one is another's work, and that one is not in the file. */
  readonly issuer: 'there' | 'missing';
}

/** Without a key the first certificate is taken for the server's. */
export function orderChain(
  given: readonly [X509Certificate, ...X509Certificate[]],
  key: KeyObject | undefined,
  at: Millis,
): Chain {
  const distinct = given.filter(
    (each, place) => given.findIndex((other) => other.fingerprint256 === each.fingerprint256) === place,
  );
  const fitting = key === undefined ? [] : distinct.filter((each) => fits(each, key));
  // A file that was renewed by adding to it has two for the same key: the one that is good today is meant.
  const leaf = bestOf(fitting, at) ?? given[0];
  const certificates: [X509Certificate, ...X509Certificate[]] = [leaf];
  for (let last = leaf; signerOf(last) === 'another';) {
    const next = bestOf(
      distinct.filter((each) => !certificates.includes(each) && issued(each, last)),
      at,
    );
    if (next === undefined) break;
    certificates.push(next);
    last = next;
  }
  const inOrder = certificates.length === distinct.length && certificates.every((each, at) => each === distinct[at]);
  return {
    certificates,
    leaf: key === undefined || fitting.length > 0 ? 'fits' : 'mismatch',
    order: inOrder ? 'kept' : 'mixed',
    issuer: certificates.length > 1 || signerOf(leaf) === 'itself' ? 'there' : 'missing',
  };
}

function bestOf(some: readonly X509Certificate[], at: Millis): X509Certificate | undefined {
  return some.find((each) => each.validFromDate.getTime() <= at && at < each.validToDate.getTime()) ?? some[0];
}

function fits(certificate: X509Certificate, key: KeyObject): boolean {
  try {
    return certificate.checkPrivateKey(key);
  } catch {
    // Keys of a kind that is not known here.
    return false;
  }
}

/**
 * By name and signature. What an issuer may be used for is not asked: that is judged by whoever trusts, and a certificate
 * that vouches for itself alone must not say that it may sign others.
 */
function issued(by: X509Certificate, certificate: X509Certificate): boolean {
  if (by.subject !== certificate.issuer) return false;
  try {
    return certificate.verify(by.publicKey);
  } catch {
    return false;
  }
}

export function signerOf(certificate: X509Certificate): 'itself' | 'another' {
  return issued(certificate, certificate) ? 'itself' : 'another';
}
