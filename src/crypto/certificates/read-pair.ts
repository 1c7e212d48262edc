/**
 * A certificate and its key out of the text of two files, held against each other (2-http-api, 7; 3-rules, TLS). Every
 * problem is named at once. What is handed on is written anew: no text of the files besides the pair itself is in it.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { Millis } from '../../types.ts';
import { type Chain, orderChain, signerOf } from './chain.ts';
import { nameLine, namesOf } from './names.ts';
import type { CertificateInfo, CertificatePair, PairProblem, PairProblemCode, PairWarning } from './pair.ts';
import { type PemBlock, readPem } from './pem.ts';
import { keyName, weaknesses } from './strength.ts';

export type PairReading =
  | { readonly kind: 'unusable'; readonly problems: readonly [PairProblem, ...PairProblem[]] }
  | { readonly kind: 'pair'; readonly pair: CertificatePair; readonly warnings: readonly PairWarning[] };

const mostCertificates = 20;
const day = 24 * 60 * 60 * 1000;
/** First of the warnings (3-rules, TLS). */
const soon = 30 * day;

/** `dates`: whether one that is over, or not yet good, is refused. */
export function readPair(
  certText: string,
  keyText: string,
  at: Millis,
  dates: 'judged' | 'told' = 'judged',
): PairReading {
  const certificates = readCertificates(certText);
  const key = readKey(keyText);
  const problems: PairProblem[] = [];
  if (certificates.kind === 'refused') problems.push(certificates.problem);
  if (key.kind === 'refused') problems.push(key.problem);
  if (certificates.kind === 'refused') return unusable(problems);

  const chain = orderChain(certificates.all, key.kind === 'read' ? key.key : undefined, at);
  const [leaf] = chain.certificates;
  if (chain.leaf === 'mismatch') problems.push(problem('mismatch', "The key is not the certificate's."));
  problems.push(
    ...weaknesses(leaf).map((text) => problem('weak', text)),
    ...(dates === 'judged' ? datesOf(leaf, at) : []),
  );
  if (key.kind === 'refused' || problems.length > 0) return unusable(problems);
  return {
    kind: 'pair',
    pair: {
      certPem: chain.certificates.map(String).join(''),
      keyPem: String(key.key.export({ type: 'pkcs8', format: 'pem' })),
      info: infoOf(leaf),
    },
    warnings: warningsOf(chain, at),
  };
}

/** What there is to say of a certificate without its key, as when it is shown. */
function infoOf(leaf: X509Certificate): CertificateInfo {
  return {
    subject: nameLine(leaf.subject),
    issuer: nameLine(leaf.issuer),
    serial: leaf.serialNumber,
    fingerprint: leaf.fingerprint256,
    notBefore: leaf.validFromDate.getTime() as Millis,
    notAfter: leaf.validToDate.getTime() as Millis,
    names: namesOf(leaf),
    signedBy: signerOf(leaf),
    key: keyName(leaf.publicKey),
  };
}

type Certificates =
  | { readonly kind: 'refused'; readonly problem: PairProblem }
  | { readonly kind: 'read'; readonly all: readonly [X509Certificate, ...X509Certificate[]] };

function readCertificates(text: string): Certificates {
  const refused = (why: string): Certificates => ({ kind: 'refused', problem: problem('no-certificate', why) });
  const pem = readPem(text);
  if (pem.kind !== 'blocks') return refused(`The certificate file ${whatElse(pem)}`);
  const blocks = pem.blocks.filter(({ label }) => /^(?:X509 |TRUSTED )?CERTIFICATE$/.test(label));
  if (pem.end === 'cut') return refused('The certificate file is cut short: a block in it has no end.');
  if (blocks.length === 0) {
    if (pem.blocks.some(isPrivateKey)) return refused('The certificate file holds a private key and no certificate.');
    if (pem.blocks.some(({ label }) => label.endsWith('CERTIFICATE REQUEST')))
      return refused('The certificate file holds a request for a certificate, and not the certificate.');
    return refused('The certificate file holds no certificate.');
  }
  if (blocks.length > mostCertificates)
    return refused(`The certificate file holds more than ${mostCertificates} certificates.`);
  const all = blocks.flatMap(({ pem }) => parseCertificate(pem));
  const [first, ...others] = all;
  return first === undefined || all.length < blocks.length
    ? refused('The certificate file is damaged: a certificate in it cannot be read.')
    : { kind: 'read', all: [first, ...others] };
}

/** None where it cannot be read; one whose key is of no known kind cannot be served either. */
function parseCertificate(pem: string): readonly X509Certificate[] {
  try {
    const certificate = new X509Certificate(pem);
    const span = certificate.validToDate.getTime() - certificate.validFromDate.getTime();
    return Number.isNaN(span) || certificate.publicKey.type !== 'public' ? [] : [certificate];
  } catch {
    return [];
  }
}

type Key =
  | { readonly kind: 'refused'; readonly problem: PairProblem }
  | { readonly kind: 'read'; readonly key: KeyObject };

function readKey(text: string): Key {
  const refused = (why: string, code: PairProblemCode = 'no-key'): Key => ({
    kind: 'refused',
    problem: problem(code, why),
  });
  const pem = readPem(text);
  if (pem.kind !== 'blocks') return refused(`The key file ${whatElse(pem)}`);
  if (pem.end === 'cut') return refused('The key file is cut short: a block in it has no end.');
  const [block, ...others] = pem.blocks.filter(isPrivateKey);
  if (block === undefined) {
    if (pem.blocks.some(({ label }) => label.endsWith('CERTIFICATE')))
      return refused('The key file holds a certificate and no private key.');
    if (pem.blocks.some(({ label }) => label.endsWith('PUBLIC KEY')))
      return refused('The key file holds a public key, and not the private one.');
    return refused('The key file holds no private key.');
  }
  if (others.length > 0) return refused('The key file holds more than one private key.');
  if (block.encrypted === 'yes')
    return refused('The key is protected by a passphrase: a key without one is needed.', 'key-encrypted');
  if (block.label === 'OPENSSH PRIVATE KEY') return refused('The key is one of OpenSSH: TLS has another form of keys.');
  try {
    return { kind: 'read', key: createPrivateKey(block.pem) };
  } catch {
    return refused('The key file is damaged: the key in it cannot be read.');
  }
}

function isPrivateKey({ label }: PemBlock): boolean {
  return label === 'PRIVATE KEY' || label.endsWith(' PRIVATE KEY');
}

function whatElse(reading: Exclude<ReturnType<typeof readPem>, { kind: 'blocks' }>): string {
  if (reading.kind === 'too-large') return 'is larger than 1 MiB.';
  switch (reading.form) {
    case 'empty':
      return 'is empty.';
    case 'binary':
      return 'is not PEM but something binary, as DER is.';
    case 'text':
      return 'is not PEM: it has no BEGIN line.';
  }
}

function datesOf(leaf: X509Certificate, at: Millis): readonly PairProblem[] {
  if (at >= leaf.validToDate.getTime())
    return [problem('expired', `The certificate expired on ${dayOf(leaf.validToDate)}.`)];
  if (at < leaf.validFromDate.getTime())
    return [problem('not-yet-valid', `The certificate is not valid before ${dayOf(leaf.validFromDate)}.`)];
  return [];
}

function dayOf(date: Date): string {
  return date.toISOString().replace(/T.*$/, '');
}

function warningsOf(chain: Chain, at: Millis): readonly PairWarning[] {
  const [leaf] = chain.certificates;
  const warnings: PairWarning[] = [];
  if (leaf.validToDate.getTime() - at <= soon)
    warnings.push({ code: 'expires-soon', text: `The certificate expires on ${dayOf(leaf.validToDate)}.` });
  if (chain.order === 'mixed')
    warnings.push({
      code: 'chain-order',
      text: 'The certificates of the file are not in order, or not of one chain: they are served in order, and others are left out.',
    });
  if (chain.issuer === 'missing')
    warnings.push({
      code: 'chain-incomplete',
      text: "The file does not hold the issuer's certificate: whoever does not know it does not trust this one.",
    });
  return warnings;
}

function problem(code: PairProblemCode, text: string): PairProblem {
  return { code, text };
}

function unusable(problems: readonly PairProblem[]): PairReading {
  const [first, ...others] = problems;
  if (first === undefined) throw new Error('A pair that is refused without a reason');
  return { kind: 'unusable', problems: [first, ...others] };
}
