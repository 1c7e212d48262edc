/** Certificates as they are shown outside, over HTTP and to commands alike (2-http-api, 7). Never a byte of a key. */
import type { CertificateInfo, PairNote } from '../../crypto/certificates/pair.ts';
import type { ProvenPair, Serving } from '../../tls/contract.ts';
import { daysLeft } from '../../tls/expectancy.ts';
import type { Millis } from '../../types.ts';
import { timeText } from '../issue-session.ts';

type Shown = Readonly<Record<string, unknown>>;

/** What is served, and with which files. */
export function servingFields(serving: Serving, now: Millis): Shown {
  if (serving.kind === 'plain')
    return { ssl_enabled: false, source: 'none', cert_path: null, key_path: null, ...noCertificate };
  const { source, certPath, keyPath } = serving.proven.files;
  return {
    ssl_enabled: true,
    source,
    cert_path: certPath,
    key_path: keyPath,
    ...certificateFields(serving.proven, now),
  };
}

const noCertificate: Shown = {
  cert_info: null,
  not_after: null,
  days_left: null,
  names: [],
  chain_ok: null,
  warnings: [],
};

export function certificateFields({ pair: { info }, chain, warnings }: ProvenPair, now: Millis): Shown {
  return {
    cert_info: infoFields(info),
    not_after: timeText(info.notAfter),
    // Whole ones that are still to come; below zero once it is over.
    days_left: daysLeft(info, now),
    names: info.names,
    chain_ok: chain === 'trusted',
    warnings: notes(warnings),
  };
}

function infoFields({ subject, issuer, serial, fingerprint, notAfter, signedBy, key }: CertificateInfo): Shown {
  return {
    subject,
    expires: timeText(notAfter),
    issuer,
    is_self_signed: signedBy === 'itself',
    serial,
    fingerprint,
    key,
  };
}

export function notes(each: readonly PairNote<string>[]): readonly Shown[] {
  return each.map(({ code, text }) => ({ code, message: text }));
}

export function protocolOf(serving: Serving): 'http' | 'https' {
  return serving.kind === 'tls' ? 'https' : 'http';
}
