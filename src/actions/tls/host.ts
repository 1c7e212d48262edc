/** The certificate by the word of whoever runs commands on the host (2-http-api, 9). */
import { refuse } from '../../errors.ts';
import type { Choice } from '../../tls/contract.ts';
import { byHost, done, type Outcome } from '../call.ts';
import { changeCertificate, type TlsParts } from './configure.ts';
import { protocolOf, servingFields } from './shown.ts';
import { standingFields } from './status.ts';

export type TlsCommand =
  | { readonly action: 'status' }
  | { readonly action: 'use'; readonly choice: Exclude<Choice, { readonly source: 'none' }> }
  | { readonly action: 'self-signed' };

export interface HostTlsParts extends TlsParts {
  /** `stopped`: what is said to be served is so from its next start on. */
  readonly server: 'running' | 'stopped';
}

export type HostTls = (command: TlsCommand) => Promise<Outcome>;

export function hostTls(parts: HostTlsParts): HostTls {
  const { certificates, clock, consoleOrigin } = parts;
  const running = { server_running: parts.server === 'running' };
  return async (command) => {
    if (command.action === 'status')
      return done({ ...running, ...standingFields(parts, await certificates.standing()), url: consoleOrigin() });
    const choice: Choice = command.action === 'use' ? command.choice : { source: 'none' };
    const changed = await changeCertificate(parts, choice, byHost);
    // The command was understood: what is wrong lies with the files.
    if (changed.kind === 'refused')
      return changed.code === 'invalid_request'
        ? refuse('conflict', changed.detail === undefined ? {} : { detail: changed.detail })
        : changed;
    const { serving } = changed;
    return done({
      ...running,
      new_protocol: protocolOf(serving),
      new_url: consoleOrigin(),
      ...servingFields(serving, clock.now()),
    });
  };
}
