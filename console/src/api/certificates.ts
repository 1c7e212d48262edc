/** The calls about the certificate that this server shows: what it is, what else there is, and changing it. */
import {
  type Fields,
  type GivenUp,
  type Refusal,
  readFields,
  readList,
  readNumber,
  readText,
  readTexts,
  readTime,
} from './answers.ts';
import { sendThroughDoor } from './door.ts';
import type { Answer } from './transport.ts';

/** What is wrong with a pair, or worth a word. */
export interface PairNote {
  readonly code: string;
  /** The server's own sentence. */
  readonly message: string;
}

export interface Certificate {
  readonly subject: string;
  readonly issuer: string;
  readonly serial: string;
  readonly fingerprint: string;
  readonly key: string;
  readonly signedBy: 'itself' | 'another';
  readonly notAfter: number;
  readonly daysLeft: number;
  readonly names: readonly string[];
  /** By what the system of the server trusts. */
  readonly chain: 'trusted' | 'untrusted' | 'unknown';
  readonly warnings: readonly PairNote[];
}

export interface PairFiles {
  readonly source: string;
  readonly certPath: string;
  readonly keyPath: string;
}

export type Serving =
  | { readonly kind: 'plain' }
  | { readonly kind: 'tls'; readonly files: PairFiles; readonly certificate: Certificate };

export interface Alarm {
  readonly since: number;
  readonly certPath: string;
  readonly problems: readonly PairNote[];
}

export interface Standing {
  readonly kind: 'standing';
  /** `off`: by setting; a proxy in front holds the certificate. */
  readonly tls: 'off' | 'possible';
  readonly serving: Serving;
  readonly alarm: Alarm | undefined;
  readonly found: readonly PairFiles[];
  /** Where files are read from at all. */
  readonly folders: readonly string[];
}

export type StandingOutcome = Standing | Refusal | GivenUp;

export type Judged =
  | { readonly kind: 'usable'; readonly certificate: Certificate }
  | { readonly kind: 'unusable'; readonly problems: readonly PairNote[] };

export type JudgedOutcome = Judged | Refusal | GivenUp;

/** What is to be served: by where it comes from, or by its files. */
export type Choice =
  | { readonly source: 'proxmox' | 'letsencrypt' }
  | { readonly source: 'custom'; readonly cert_path: string; readonly key_path: string };

export interface Switched {
  readonly kind: 'switched';
  /** Where this console is from now on. */
  readonly origin: string;
  readonly serving: Serving;
}

export type SwitchOutcome = Switched | Extract<Judged, { kind: 'unusable' }> | Refusal | GivenUp;

export async function certificateStanding(): Promise<StandingOutcome> {
  const answer = await sendThroughDoor('GET', '/api/ssl/status');
  if (answer.kind !== 'answered') return answer;
  const { fields } = answer;
  const tls = fields['tls'];
  // Whoever is not signed in is no less answered, with less.
  if (tls !== 'off' && tls !== 'possible') return { kind: 'session-ended' };
  const alarm = readFields(fields['alarm']);
  return {
    kind: 'standing',
    tls,
    serving: readServing(fields),
    alarm:
      Object.keys(alarm).length === 0
        ? undefined
        : { since: readTime(alarm, 'since'), certPath: readText(alarm, 'cert_path'), problems: readProblems(alarm) },
    found: readList(fields, 'detected').map((each) => readFiles(readFields(each))),
    folders: readTexts(fields, 'readable_folders'),
  };
}

/** Changes nothing. */
export async function judgePair(certPath: string, keyPath: string): Promise<JudgedOutcome> {
  const answer = await sendThroughDoor('POST', '/api/ssl/validate', { cert_path: certPath, key_path: keyPath });
  if (answer.kind !== 'answered') return answer;
  const { fields } = answer;
  if (fields['success'] === true) return { kind: 'usable', certificate: readCertificate(fields) };
  return { kind: 'unusable', problems: problemsOr(readProblems(fields), readText(fields, 'message')) };
}

export async function servePair(choice: Choice): Promise<SwitchOutcome> {
  return switched(await sendThroughDoor('POST', '/api/ssl/configure', choice));
}

export async function dropPair(): Promise<SwitchOutcome> {
  return switched(await sendThroughDoor('POST', '/api/ssl/disable', {}));
}

function switched(answer: Answer | GivenUp): SwitchOutcome {
  if (answer.kind === 'refused' && answer.reasons.length > 0)
    return { kind: 'unusable', problems: answer.reasons.map(({ code, detail }) => ({ code, message: detail })) };
  if (answer.kind !== 'answered') return answer;
  const url = URL.parse(readText(answer.fields, 'new_url'));
  return { kind: 'switched', origin: url?.origin ?? location.origin, serving: readServing(answer.fields) };
}

function readServing(fields: Fields): Serving {
  if (fields['ssl_enabled'] !== true) return { kind: 'plain' };
  return { kind: 'tls', files: readFiles(fields), certificate: readCertificate(fields) };
}

function readFiles(fields: Fields): PairFiles {
  return {
    source: readText(fields, 'source'),
    certPath: readText(fields, 'cert_path'),
    keyPath: readText(fields, 'key_path'),
  };
}

function readCertificate(fields: Fields): Certificate {
  const info = readFields(fields['cert_info']);
  const chain = fields['chain_ok'];
  return {
    subject: readText(info, 'subject'),
    issuer: readText(info, 'issuer'),
    serial: readText(info, 'serial'),
    fingerprint: readText(info, 'fingerprint'),
    key: readText(info, 'key'),
    signedBy: info['is_self_signed'] === true ? 'itself' : 'another',
    notAfter: readTime(fields, 'not_after') || readTime(info, 'expires'),
    daysLeft: readNumber(fields, 'days_left'),
    names: readTexts(fields, 'names'),
    chain: chain === true ? 'trusted' : chain === false ? 'untrusted' : 'unknown',
    warnings: readNotes(fields, 'warnings'),
  };
}

function readNotes(fields: Fields, name: string): readonly PairNote[] {
  return readList(fields, name).map((each) => {
    const note = readFields(each);
    return { code: readText(note, 'code'), message: readText(note, 'message') };
  });
}

const readProblems = (fields: Fields): readonly PairNote[] => readNotes(fields, 'problems');

function problemsOr(problems: readonly PairNote[], message: string): readonly PairNote[] {
  return problems.length > 0 ? problems : [{ code: '', message }];
}
