/**
 * What is known of certificates, and what may be done with them (2-http-api, 7; 3-rules, TLS). The one who keeps them is
 * `certificates.ts`; listeners, routes, commands and the log know this alone.
 */
import type { CertificatePair, PairProblem, PairWarning } from '../crypto/certificates/pair.ts';
import type { Millis } from '../types.ts';

/** `settings`: named by `tls-cert` and `tls-key`. `self-made`: ours, where a network is served and nothing else is given. */
export type CertificateSource = 'proxmox' | 'letsencrypt' | 'custom' | 'settings' | 'self-made';

/** Files that are a pair, by where they were found. */
export interface PairFiles {
  readonly source: CertificateSource;
  readonly certPath: string;
  readonly keyPath: string;
}

/** A pair whose every problem was looked for: read, held together and proven by a handshake. */
export interface ProvenPair {
  readonly kind: 'proven';
  readonly files: PairFiles;
  readonly pair: CertificatePair;
  /** Whether whoever trusts what this system trusts trusts it. */
  readonly chain: 'trusted' | 'untrusted';
  readonly warnings: readonly PairWarning[];
}

export type Judged =
  | { readonly kind: 'unusable'; readonly problems: readonly [PairProblem, ...PairProblem[]] }
  | ProvenPair;

/** What a listener speaks now. */
export type Serving = { readonly kind: 'plain' } | { readonly kind: 'tls'; readonly proven: ProvenPair };

/** A pair that should be served and is not: the one before it is. */
export interface CertificateAlarm {
  readonly since: Millis;
  readonly files: PairFiles;
  readonly problems: readonly [PairProblem, ...PairProblem[]];
}

export interface CertificateStanding {
  /** `off`: plain HTTP behind listed proxies, by the setting `tls`. */
  readonly tls: 'off' | 'possible';
  /** What the console's listener speaks, or the application's where only that one has TLS. */
  readonly serving: Serving;
  readonly alarm: CertificateAlarm | null;
  /** Pairs found in the readable folders, the one to prefer first. */
  readonly detected: readonly PairFiles[];
  /** Where files are read from at all; absolute. */
  readonly folders: readonly string[];
}

export type Choice =
  | { readonly source: 'proxmox' | 'letsencrypt' }
  | { readonly source: 'custom'; readonly certPath: string; readonly keyPath: string }
  /** Drops what was chosen: the settings' pair, else our own on a network, else plain HTTP on loopback. */
  | { readonly source: 'none' };

export type Chosen =
  /** `tls` is off by setting. */
  | { readonly kind: 'off' }
  | { readonly kind: 'not-found'; readonly source: 'proxmox' | 'letsencrypt' }
  | { readonly kind: 'unusable'; readonly problems: readonly [PairProblem, ...PairProblem[]] }
  /** Served from now on, for new connections; those that are open go on. */
  | { readonly kind: 'served'; readonly serving: Serving };

/** What happened to a certificate without anybody's asking. */
export interface CertificateEvent {
  readonly event: 'certificate-made' | 'certificate-replaced' | 'certificate-refused';
  /** Of the certificate that is served now. */
  readonly fingerprint: string;
  /** Code of the first problem; empty without one. */
  readonly result: string;
}

export interface Certificates {
  /** By who can get at a listener. */
  serving(reach: 'machine' | 'network'): Serving;
  standing(): Promise<CertificateStanding>;
  /** Reads, holds together, proves; changes nothing. Only files in the readable folders. */
  judge(certPath: string, keyPath: string): Promise<Judged>;
  /** One at a time; the pair before it is served until the new one is proven and written down. */
  choose(choice: Choice): Promise<Chosen>;
  /** Reads again what is watched, and serves it if it is another and good: every minute at the latest, and on SIGHUP. */
  look(): Promise<void>;
  /** Told when what is served is another. Returns how to stop listening. */
  onChange(listener: () => void): () => void;
  /** What nobody has written down yet, the oldest first; whoever did takes it out. */
  readonly untold: CertificateEvent[];
  /** For metrics and readiness; no file is read. */
  figures(): {
    readonly notAfter: Millis | null;
    /** Of the certificate that is served; empty without one. */
    readonly fingerprint: string;
    readonly alarm: 'none' | 'raised';
  };
}
