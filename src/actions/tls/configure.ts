/**
 * Which certificate is served, by the word of an admin (2-http-api, 7; PM12). Nothing is done to listeners here: whoever
 * keeps the certificates proves a pair on a real handshake before it is served, and new connections get it from then on.
 */
import { refuse, type Refusal } from '../../errors.ts';
import type { Recorder } from '../../record/recorder.ts';
import type { Store } from '../../store/store.ts';
import type { CertificateSource, Certificates, Choice, Serving } from '../../tls/contract.ts';
import { type Scheme, schemeOf } from '../../request/origin.ts';
import type { Clock, Origin, SessionKind } from '../../types.ts';
import { type AdminCall, byOf, type By, done, type Outcome } from '../call.ts';
import { handOverToken } from '../issue-session.ts';
import { certificateFields, notes, protocolOf, servingFields } from './shown.ts';

export interface TlsParts {
  readonly certificates: Certificates;
  readonly store: Pick<Store, 'appendAudit'>;
  readonly recorder: Pick<Recorder, 'event'>;
  readonly clock: Clock;
  readonly consoleOrigin: () => Origin;
}

/** And what it takes for a browser's session to go along. */
export type PageParts = TlsParts & {
  readonly cookieStem: string;
  readonly kinds: ReadonlyMap<string, SessionKind>;
};

export interface PairBody {
  readonly cert_path: string;
  readonly key_path: string;
}

export interface ConfigureBody {
  readonly source: 'proxmox' | 'letsencrypt' | 'custom';
  readonly cert_path?: string | undefined;
  readonly key_path?: string | undefined;
}

/** Looked at alone: 200 whatever is found, and `success` says which. */
export async function validatePair(
  { certificates, clock }: Pick<TlsParts, 'certificates' | 'clock'>,
  { body }: AdminCall<PairBody>,
): Promise<Outcome> {
  const judged = await certificates.judge(body.cert_path, body.key_path);
  if (judged.kind === 'unusable')
    return done({ success: false, message: unusable(judged.problems), problems: notes(judged.problems), warnings: [] });
  return done({
    message: 'These files are a pair that can be served.',
    problems: [],
    ...certificateFields(judged, clock.now()),
  });
}

export async function configureTls(parts: PageParts, call: AdminCall<ConfigureBody>): Promise<Outcome> {
  const { source, cert_path: certPath, key_path: keyPath } = call.body;
  // Paths beside another source are of no use, and do no harm.
  if (source !== 'custom') return answer(parts, { source }, call);
  if (certPath === undefined || keyPath === undefined)
    return refuse('invalid_request', { detail: 'A "custom" pair needs "cert_path" and "key_path".' });
  return answer(parts, { source, certPath, keyPath }, call);
}

export function disableTls(parts: PageParts, call: AdminCall): Promise<Outcome> {
  return answer(parts, { source: 'none' }, call);
}

async function answer(parts: PageParts, choice: Choice, call: AdminCall): Promise<Outcome> {
  const before = schemeOf(parts.consoleOrigin());
  const changed = await changeCertificate(parts, choice, byOf(call));
  if (changed.kind === 'refused') return changed;
  const { serving } = changed;
  const fields = {
    message: sentenceOn(serving),
    restarting: false,
    new_protocol: protocolOf(serving),
    new_url: parts.consoleOrigin(),
    ...servingFields(serving, parts.clock.now()),
  };
  return done(fields, { cookies: takenAlong(parts, call, before) });
}

/** The cookie of a session has another name under another scheme: whoever switched goes on there as who they are. */
function takenAlong(
  { cookieStem, kinds, consoleOrigin }: PageParts,
  { principal, token, arrival }: AdminCall,
  before: Scheme,
): readonly string[] {
  const scheme = schemeOf(consoleOrigin());
  if (principal.kind !== 'user' || token === '' || scheme === before || arrival.scheme !== before) return [];
  const { session } = principal;
  const sameSite = kinds.get(session.kind)?.sameSite ?? 'Strict';
  return handOverToken({ cookieStem }, token, session, sameSite, scheme).cookies;
}

/**
 * Written to the audit log after it was done and before it is told: nobody hears of a change that is not there. Where it
 * cannot be written the answer says so, and what was chosen is served all the same: asking again does no harm.
 */
export async function changeCertificate(
  { certificates, store, recorder }: TlsParts,
  choice: Choice,
  by: By,
): Promise<Refusal | { readonly kind: 'changed'; readonly serving: Serving }> {
  const before = choice.source === 'none' ? (await certificates.standing()).serving : undefined;
  const chosen = await certificates.choose(choice);
  switch (chosen.kind) {
    case 'off':
      return refuse('conflict', {
        detail:
          'Sallyport serves no TLS here: the setting "tls" is off, or its connections come through another program.',
      });
    case 'not-found': {
      const text = `No certificate of ${sourceNames[chosen.source]} was found in the folders that are read.`;
      return refuse('invalid_request', { detail: text, fields: { problems: notes([{ code: 'missing', text }]) } });
    }
    case 'unusable':
      return refuse('invalid_request', {
        detail: unusable(chosen.problems),
        fields: { problems: notes(chosen.problems) },
      });
    case 'served': {
      const { serving } = chosen;
      const audit =
        before === undefined
          ? recorder.event({ event: 'certificate-chosen', ...by, target: fingerprintOf(serving) })
          : recorder.event({ event: 'certificate-dropped', ...by, target: chosenOf(before) });
      await store.appendAudit(audit);
      return { kind: 'changed', serving };
    }
  }
}

const sourceNames: Readonly<Record<CertificateSource, string>> = {
  proxmox: 'Proxmox',
  letsencrypt: "Let's Encrypt",
  custom: 'the chosen files',
  settings: 'the settings',
  'self-made': 'its own making',
};

function sentenceOn(serving: Serving): string {
  if (serving.kind === 'plain') return 'Plain HTTP is served from now on.';
  const { source } = serving.proven.files;
  const which = source === 'self-made' ? 'a self-made certificate' : `the certificate of ${sourceNames[source]}`;
  return `HTTPS is served from now on, with ${which}; connections that are open go on as they are.`;
}

function unusable(problems: readonly { readonly text: string }[]): string {
  return `These files cannot be served: ${problems.map(({ text }) => text).join(' ')}`;
}

function fingerprintOf(serving: Serving): string {
  return serving.kind === 'tls' ? serving.proven.pair.info.fingerprint : '';
}

/** Of what somebody had chosen; what the settings name, and our own, nobody drops. */
function chosenOf(serving: Serving): string {
  if (serving.kind === 'plain') return '';
  const { source } = serving.proven.files;
  return source === 'settings' || source === 'self-made' ? '' : fingerprintOf(serving);
}
