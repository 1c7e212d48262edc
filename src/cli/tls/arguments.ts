/** `sallyport tls …` read. */
import { resolve } from 'node:path';
import type { TlsCommand } from '../../actions/tls/host.ts';
import { type ActionLine, readAction, type Reading, wrong } from '../host/arguments.ts';

const actions: Readonly<Record<TlsCommand['action'], ActionLine<never>>> = {
  status: { flags: [], after: '' },
  use: { flags: [], after: 'proxmox|letsencrypt|CERT [KEY]' },
  'self-signed': { flags: [], after: '' },
};

export function readTlsArguments(argv: readonly string[]): Reading<TlsCommand> {
  const read = readAction(argv, { name: 'tls', flags: {}, actions, aliases: new Map() });
  if (read.kind === 'wrong') return read;
  const { action, names, json, settings } = read;
  if (action !== 'use') return { kind: 'read', command: { action }, json, settings };
  const [first = '', second] = names;
  if (second === undefined)
    return first === 'proxmox' || first === 'letsencrypt'
      ? { kind: 'read', command: { action, choice: { source: first } }, json, settings }
      : wrong(
          `"${first.slice(0, 40)}" is neither "proxmox" nor "letsencrypt"; for files of yours: sallyport tls use CERT KEY.`,
        );
  // The server may stand in another folder than whoever types this.
  const [certPath, keyPath] = [resolve(first), resolve(second)];
  return { kind: 'read', command: { action, choice: { source: 'custom', certPath, keyPath } }, json, settings };
}
