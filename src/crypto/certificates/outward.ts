/**
 * TLS towards the servers beside us: database, Valkey, mail, directory (3-rules, TLS). Whoever answers must prove who he is, by TLS 1.2
 * or later, before anything is said to him. Authorities that a file names are the only ones then. Files that are renewed
 * are used by the next connection; while they are no good those before them are.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, type Stats, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';

/** Paths. */
export interface OutwardFiles {
  /** Null: the authorities that the system trusts. */
  readonly ca: string | null;
  /** Null: we show none. */
  readonly cert: string | null;
  readonly key: string | null;
}

/** As `tls.connect` takes it. Clients copy it for each connection, and so the context is asked for each time. */
export interface OutwardTls {
  readonly rejectUnauthorized: true;
  readonly secureContext: SecureContext;
}

export type OutwardReading =
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'ready'; readonly tls: OutwardTls };

type Service = 'database' | 'valkey' | 'smtp' | 'ldap';
type Built =
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'built'; readonly context: SecureContext };

/** What the operator wrote it as. */
function settingOf(service: Service, file: 'ca-file' | 'cert-file' | 'key-file'): string {
  return `${service}${service === 'ldap' ? '.' : '-'}${file}`;
}

/** `onTrouble`: one line, without a byte of any file. */
export function outwardTls(service: Service, files: OutwardFiles, onTrouble: (what: string) => void): OutwardReading {
  let seen = marksOf(files);
  const first = build(service, files);
  if (first.kind === 'refused') return first;
  if (files.key !== null && everybodyReads(files.key) === 'yes')
    onTrouble(`${settingOf(service, 'key-file')}: ${files.key} can be read by everybody on this machine`);
  let { context } = first;
  const look = (): void => {
    const marks = marksOf(files);
    if (marks === seen) return;
    seen = marks;
    const next = build(service, files);
    if (next.kind === 'built') ({ context } = next);
    else onTrouble(`${next.why}; what was there before is used on`);
  };
  return {
    kind: 'ready',
    tls: {
      rejectUnauthorized: true,
      get secureContext() {
        look();
        return context;
      },
    },
  };
}

/** The same for one host: what its name is, is told to it as well, for servers that have several. */
export function towards(host: string, tls: OutwardTls): OutwardTls & { readonly servername?: string } {
  if (isIP(host) !== 0) return tls;
  return {
    rejectUnauthorized: true,
    servername: host,
    get secureContext() {
      return tls.secureContext;
    },
  };
}

/** The same as long as the files are. */
function marksOf({ ca, cert, key }: OutwardFiles): string {
  return [ca, cert, key].map((path) => (path === null ? '' : markOf(path))).join(' ');
}

function markOf(path: string): string {
  const about = aboutFile(path);
  return about === undefined ? 'away' : `${about.dev}:${about.ino}:${about.size}:${about.mtimeMs}:${about.ctimeMs}`;
}

function aboutFile(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function everybodyReads(path: string): 'yes' | 'no' {
  return ((aboutFile(path)?.mode ?? 0) & 0o004) === 0 ? 'no' : 'yes';
}

class Unusable extends Error {}

/** Each file is held against what it should be: what TLS itself makes of a wrong one is told nowhere, or trusts others. */
function build(service: Service, { ca, cert, key }: OutwardFiles): Built {
  try {
    const authorities = ca === null ? systemAuthorities() : certificatesIn(settingOf(service, 'ca-file'), ca);
    const ours = cert === null || key === null ? {} : ourPair(service, cert, key);
    return {
      kind: 'built',
      context: createSecureContext({ ca: [...authorities], minVersion: 'TLSv1.2', ...ours }),
    };
  } catch (fault) {
    if (fault instanceof Unusable) return { kind: 'refused', why: fault.message };
    return { kind: 'refused', why: `${service}: its TLS files cannot be used together (${codeOf(fault)})` };
  }
}

function ourPair(service: Service, cert: string, key: string) {
  const [own] = certificatesIn(settingOf(service, 'cert-file'), cert);
  const keyPem = textIn(settingOf(service, 'key-file'), key);
  let fits: boolean;
  try {
    fits = own !== undefined && new X509Certificate(own).checkPrivateKey(createPrivateKey(keyPem));
  } catch {
    throw new Unusable(
      `${settingOf(service, 'key-file')}: ${key} holds no private key that can be read without a passphrase (PEM)`,
    );
  }
  if (!fits)
    throw new Unusable(`${settingOf(service, 'key-file')}: ${key} is not the key of the certificate in ${cert}`);
  return { cert: textIn(settingOf(service, 'cert-file'), cert), key: keyPem };
}

function textIn(setting: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (fault) {
    throw new Unusable(`${setting}: ${path} cannot be read (${codeOf(fault)})`);
  }
}

/** At least one, and each of them whole. */
function certificatesIn(setting: string, path: string): readonly string[] {
  const text = textIn(setting, path);
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw new Unusable(`${setting}: ${path} holds no certificate (PEM)`);
  try {
    return blocks.map((block) => new X509Certificate(block).toString());
  } catch {
    throw new Unusable(`${setting}: ${path} holds a certificate that is damaged`);
  }
}

/** Where the system has none, those that come with Node. */
function systemAuthorities(): readonly string[] {
  const system = getCACertificates('system');
  return [...new Set([...(system.length > 0 ? system : getCACertificates('bundled')), ...getCACertificates('extra')])];
}

function codeOf(fault: unknown): string {
  return fault instanceof Error && 'code' in fault ? String(fault.code) : 'error';
}
