/** What commands about the certificate say, for people. */
import type { TlsCommand } from '../../actions/tls/host.ts';
import { type Fields, rowsOf, table, text, textsOf } from '../host/table.ts';

export function told(command: TlsCommand, fields: Fields): readonly string[] {
  return command.action === 'status' ? standing(fields) : changed(fields);
}

function standing(fields: Fields): readonly string[] {
  const alarm = fields['alarm'] as Fields | null;
  const detected = rowsOf(fields['detected']);
  return [
    ...table([
      ['served', served(fields)],
      ...certificate(fields),
      ...rowsOf(fields['warnings']).map((each) => ['warning', text(each['message'])]),
      ['alarm', alarm === null ? 'none' : `since ${text(alarm['since'])}: ${text(alarm['cert_path'])} is not served`],
      ...rowsOf(alarm?.['problems']).map((each) => ['', text(each['message'])]),
      ['read from', textsOf(fields['readable_folders']) || 'no folder'],
      ['detected', detected.length === 0 ? 'none' : files(detected[0])],
      ...detected.slice(1).map((each) => ['', files(each)]),
    ]),
  ];
}

function changed(fields: Fields): readonly string[] {
  const from = fields['server_running'] === true ? 'from now on' : 'when the server starts';
  const lines = table([['served', served(fields)], ...certificate(fields)]);
  return [
    `${from} ${text(fields['new_protocol']) === 'https' ? 'HTTPS' : 'plain HTTP'} is served, on ${text(fields['new_url'])}`,
    ...(fields['ssl_enabled'] === true ? lines : []),
    ...rowsOf(fields['warnings']).map((each) => `warning: ${text(each['message'])}`),
  ];
}

function served(fields: Fields): string {
  const later = fields['server_running'] === true ? '' : ', when the server starts';
  if (fields['ssl_enabled'] === true) return `HTTPS, ${sources[text(fields['source'])] ?? ''}${later}`;
  return fields['tls'] === 'off' ? 'plain HTTP: TLS is off' : `plain HTTP${later}`;
}

const sources: Readonly<Record<string, string>> = {
  proxmox: 'with the certificate of Proxmox',
  letsencrypt: "with a certificate of Let's Encrypt",
  custom: 'with files that were chosen',
  settings: 'with the files of tls-cert and tls-key',
  'self-made': 'with a self-made certificate',
};

function certificate(fields: Fields): readonly (readonly string[])[] {
  const info = fields['cert_info'] as Fields | null;
  if (info === null) return [];
  return [
    ['certificate', text(fields['cert_path'])],
    ['key', text(fields['key_path'])],
    ['subject', text(info['subject'])],
    ['issuer', text(info['issuer'])],
    ['names', textsOf(fields['names'])],
    ['fingerprint', text(info['fingerprint'])],
    ['expires', `${text(info['expires'])}, ${daysText(Number(fields['days_left']))}`],
    ['chain', fields['chain_ok'] === true ? 'trusted by this system' : 'not trusted by this system'],
  ];
}

function files(pair: Fields = {}): string {
  return `${text(pair['source'])}: ${text(pair['cert_path'])} with ${text(pair['key_path'])}`;
}

function daysText(left: number): string {
  if (left < 0) return 'which is over';
  return left === 1 ? 'in 1 day' : `in ${left} days`;
}
