/** Certificates that nobody has to make: a keeper with a few pairs by path, and a listener that is only said to serve them. */
import type { PairProblem } from '../../src/crypto/certificates/pair.ts';
import type {
  CertificateAlarm,
  Certificates,
  CertificateSource,
  PairFiles,
  ProvenPair,
  Serving,
} from '../../src/tls/contract.ts';
import type { Millis } from '../../src/types.ts';

export const goodPair: PairFiles = {
  source: 'custom',
  certPath: '/etc/ssl/wiki/cert.pem',
  keyPath: '/etc/ssl/wiki/key.pem',
};
export const proxmoxPair: PairFiles = {
  source: 'proxmox',
  certPath: '/etc/pve/local/pveproxy-ssl.pem',
  keyPath: '/etc/pve/local/pveproxy-ssl.key',
};
export const oldProxmoxPair: PairFiles = {
  source: 'proxmox',
  certPath: '/etc/pve/local/pve-ssl.pem',
  keyPath: '/etc/pve/local/pve-ssl.key',
};

export const mismatch: PairProblem = { code: 'mismatch', text: 'The key is not that of the certificate.' };
const hidden: PairProblem = { code: 'not-readable-here', text: 'These files cannot be read here.' };

export function provenPair(files: PairFiles, notAfter: Millis): ProvenPair {
  return {
    kind: 'proven',
    files,
    pair: {
      certPem: 'certificate',
      keyPem: 'bytes of a key',
      info: {
        subject: `CN=${files.source}.home`,
        issuer: 'CN=Home CA',
        serial: '0A1B',
        fingerprint: fingerprintOf(files),
        notBefore: 0 as Millis,
        notAfter,
        names: ['wiki.home', '192.0.2.7'],
        signedBy: 'another',
        key: 'EC P-256',
      },
    },
    chain: 'untrusted',
    warnings: [{ code: 'untrusted', text: 'This system does not trust who signed it.' }],
  };
}

export const fingerprintOf = ({ source }: PairFiles): string => `AB:CD:${source}`;

export interface FakeCertificates extends Certificates {
  /** What is served, and what is wrong, from now on. */
  put(state: {
    serving?: Serving;
    alarm?: CertificateAlarm | null;
    tls?: 'off' | 'possible';
    found?: PairFiles[];
  }): void;
  /** How it was asked to choose. */
  readonly choices: readonly string[];
}

export function fakeCertificates(notAfter: Millis): FakeCertificates {
  let serving: Serving = { kind: 'plain' };
  let alarm: CertificateAlarm | null = null;
  let tls: 'off' | 'possible' = 'possible';
  let found: PairFiles[] = [proxmoxPair, oldProxmoxPair];
  const choices: string[] = [];
  const served = (files: PairFiles): { readonly kind: 'served'; readonly serving: Serving } => {
    serving = { kind: 'tls', proven: provenPair(files, notAfter) };
    return { kind: 'served', serving };
  };
  const judge: Certificates['judge'] = (certPath, keyPath) => {
    if (certPath !== goodPair.certPath) return Promise.resolve({ kind: 'unusable', problems: [hidden] });
    return Promise.resolve(
      keyPath === goodPair.keyPath ? provenPair(goodPair, notAfter) : { kind: 'unusable', problems: [mismatch] },
    );
  };
  return {
    choices,
    put: (state) => {
      serving = state.serving ?? serving;
      alarm = state.alarm === undefined ? alarm : state.alarm;
      tls = state.tls ?? tls;
      found = state.found ?? found;
    },
    serving: () => serving,
    standing: () =>
      Promise.resolve({ tls, serving, alarm, detected: found, folders: ['/etc/pve/local', '/etc/ssl/wiki'] }),
    judge,
    choose: async (choice) => {
      choices.push(choice.source);
      if (tls === 'off') return { kind: 'off' };
      if (choice.source === 'none') {
        serving = { kind: 'plain' };
        return { kind: 'served', serving };
      }
      if (choice.source === 'custom') {
        const judged = await judge(choice.certPath, choice.keyPath);
        return judged.kind === 'unusable' ? judged : served(judged.files);
      }
      const files = found.find(({ source }: { source: CertificateSource }) => source === choice.source);
      return files === undefined ? { kind: 'not-found', source: choice.source } : served(files);
    },
    look: () => Promise.resolve(),
    onChange: () => () => undefined,
    untold: [],
    figures: () => ({
      notAfter: serving.kind === 'tls' ? serving.proven.pair.info.notAfter : null,
      fingerprint: serving.kind === 'tls' ? serving.proven.pair.info.fingerprint : '',
      alarm: alarm === null ? 'none' : 'raised',
    }),
  };
}
