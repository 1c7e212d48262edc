/**
 * The control socket (3-rules, Addresses, hosts, local): commands on the host speak to the running server through it.
 * Whoever may open the file owns the data folder already.
 */
import type { NodeAdapter } from '../adapters/node.ts';
import { newName, systemRandom } from '../crypto/random.ts';
import { refuse } from '../errors.ts';
import { json, problem } from '../http/answer.ts';
import { pathOf, queryOf } from '../request/incoming.ts';
import type { Sallyport, SetupCode } from '../setup.ts';

export const controlSocket = 'control.sock';

export function controlAdapter(parts: {
  readonly sallyport: Sallyport;
  readonly failed: NodeAdapter['failed'];
  /** Keeps the new code where the operator finds it, and gives the link to open. */
  readonly onSetupCode: (made: SetupCode) => string;
}): Omit<NodeAdapter, 'door' | 'peers'> {
  return {
    handle: async (incoming) => {
      const requestId = newName(systemRandom);
      const path = pathOf(incoming.target);
      if (path !== '/setup-code' && path !== '/unlock') return problem(refuse('not_found'), { requestId });
      if (incoming.method !== 'POST')
        return problem(refuse('method_not_allowed'), { requestId, more: ['allow', 'POST'] });
      if (path === '/unlock') {
        const outcome = await parts.sallyport.unlock(queryOf(incoming.target).get('username') ?? '');
        return outcome.kind === 'done'
          ? json(200, outcome.fields)
          : problem(outcome.kind === 'refused' ? outcome : refuse('internal'), { requestId });
      }
      const made = await parts.sallyport.newSetupCode();
      if (made.kind === 'already-configured') return problem(refuse('already_configured'), { requestId });
      return json(200, { setup_link: parts.onSetupCode(made), expires_at: new Date(made.expiresAt).toISOString() });
    },
    forward: { pass: ({ response }) => void response.destroy(), join: ({ response }) => void response.destroy() },
    failed: parts.failed,
  };
}
