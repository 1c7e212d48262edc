/**
 * A certificate with its private key, as TLS needs them: read from PEM, held against each other, each problem named
 * (2-http-api, 7). Pure but for nothing: text in, findings out.
 */
import type { Millis } from '../../types.ts';

/** What people are shown of a certificate. */
export interface CertificateInfo {
  /** Distinguished names in one line: `CN=grafana.home, O=Home`. */
  readonly subject: string;
  readonly issuer: string;
  /** Hexadecimal, upper case, without colons. */
  readonly serial: string;
  /** SHA-256 of the certificate, `AB:CD:…`. */
  readonly fingerprint: string;
  readonly notBefore: Millis;
  readonly notAfter: Millis;
  /** DNS names and addresses it is good for, as written there; the common name only when there are no others. */
  readonly names: readonly string[];
  readonly signedBy: 'itself' | 'another';
  /** `RSA 2048`, `EC P-256`. */
  readonly key: string;
}

export interface CertificatePair {
  /** The server's own certificate first, then whoever vouches for it, in order, whatever the order of the file was. */
  readonly certPem: string;
  readonly keyPem: string;
  readonly info: CertificateInfo;
}

/** What is wrong with files that were meant to be a pair. */
export type PairProblemCode =
  /** Outside the readable folders, whether it is there or not. */
  | 'not-readable-here'
  | 'missing'
  | 'unreadable'
  /** Others of the machine may read or change the key. */
  | 'key-mode'
  | 'no-certificate'
  | 'no-key'
  | 'key-encrypted'
  | 'mismatch'
  | 'not-yet-valid'
  | 'expired'
  /** A key or signature that TLS clients refuse. */
  | 'weak'
  /** The handshake with it failed. */
  | 'handshake';

/** What is told and does not refuse. */
export type PairWarningCode = 'untrusted' | 'expires-soon' | 'names' | 'chain-order' | 'chain-incomplete';

export interface PairNote<Code extends string> {
  readonly code: Code;
  /** One sentence for people; holds no bytes of a file. */
  readonly text: string;
}

export type PairProblem = PairNote<PairProblemCode>;
export type PairWarning = PairNote<PairWarningCode>;
