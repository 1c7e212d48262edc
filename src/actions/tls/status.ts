/**
 * What is served, for anybody only whether it is TLS; paths, names and what is wrong for admins (PM12). Nobody is refused
 * for what they may not know.
 */
import { judgeDuty } from '../../policy/duty.ts';
import { judgeNeed } from '../../policy/need.ts';
import { personBehind } from '../../principal/principal.ts';
import type { CertificateSource, Certificates, CertificateStanding } from '../../tls/contract.ts';
import type { Clock } from '../../types.ts';
import { type Call, done, type Outcome } from '../call.ts';
import { timeText } from '../issue-session.ts';
import type { StatusParts } from '../status.ts';
import { notes, servingFields } from './shown.ts';

export interface TlsStatusParts extends StatusParts {
  readonly certificates: Pick<Certificates, 'standing' | 'figures'>;
  readonly clock: Pick<Clock, 'now'>;
}

export async function tlsStatus(parts: TlsStatusParts, call: Call): Promise<Outcome> {
  const { certificates } = parts;
  // Strangers make nobody look at files.
  if (whatIsTold(parts, call) === 'whether') return done({ ssl_enabled: certificates.figures().notAfter !== null });
  return done(standingFields(parts, await certificates.standing()));
}

/** As a row for admins asks, duties included. */
function whatIsTold({ dutyOf }: StatusParts, { principal, arrival }: Call): 'all' | 'whether' {
  const need = judgeNeed({ kind: 'admin', scope: 'sallyport:tls' }, principal, arrival.locality());
  if (need.kind === 'refused') return 'whether';
  const person = personBehind(principal);
  return judgeDuty('whole', person === undefined ? 'none' : dutyOf(person.user.row)).kind === 'allowed'
    ? 'all'
    : 'whether';
}

export function standingFields(
  { clock }: Pick<TlsStatusParts, 'clock'>,
  { tls, serving, alarm, detected, folders }: CertificateStanding,
): Readonly<Record<string, unknown>> {
  // The one to prefer comes first.
  const best = (source: CertificateSource) => detected.find((files) => files.source === source);
  const proxmox = best('proxmox');
  return {
    ...servingFields(serving, clock.now()),
    tls,
    proxmox_available: proxmox !== undefined,
    proxmox_cert: proxmox?.certPath ?? null,
    proxmox_key: proxmox?.keyPath ?? null,
    letsencrypt_available: best('letsencrypt') !== undefined,
    detected: detected.map(({ source, certPath, keyPath }) => ({ source, cert_path: certPath, key_path: keyPath })),
    readable_folders: folders,
    alarm:
      alarm === null
        ? null
        : { since: timeText(alarm.since), cert_path: alarm.files.certPath, problems: notes(alarm.problems) },
  };
}
