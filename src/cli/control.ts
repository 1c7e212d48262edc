/**
 * The control socket (3-rules, Addresses, hosts, local): commands on the host speak to the running server through it.
 * Whoever may open the file owns the data folder already.
 */
import type { NodeAdapter } from '../adapters/node.ts';
import { newName, systemRandom } from '../crypto/random.ts';
import { readAuditQuery } from '../actions/audit.ts';
import type { Outcome } from '../actions/call.ts';
import { refuse, type Refusal } from '../errors.ts';
import { readBody } from '../http/body.ts';
import { json, problem, text, type Written } from '../http/answer.ts';
import { type AuditLine, lineText } from '../record/audit-lines.ts';
import { type Incoming, pathOf, queryOf } from '../request/incoming.ts';
import { StoreFault } from '../store/store.ts';
import type { SetupCode } from '../actions/signing-in/make-setup-code.ts';
import type { Sallyport } from '../setup.ts';
import { type HostPath, served } from './host/served.ts';

export const controlSocket = 'control.sock';
/** Where a part of the audit log ends: the next one begins after that number. */
export const lastHeader = 'x-audit-last';

const methods = {
  '/setup-code': 'POST',
  '/user': 'POST',
  '/token': 'POST',
  '/key': 'POST',
  '/ticket': 'POST',
  '/tls': 'POST',
  '/audit/head': 'POST',
  '/audit/lines': 'GET',
  '/audit/events': 'GET',
} as const satisfies Readonly<Record<HostPath, 'POST'>> & Readonly<Record<string, 'GET' | 'POST'>>;

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
      const method = methods[path as keyof typeof methods];
      if (method === undefined) return problem(refuse('not_found'), { requestId });
      if (incoming.method !== method)
        return problem(refuse('method_not_allowed'), { requestId, more: ['allow', method] });
      if (isOfHost(path)) {
        const outcome = await outcomeOf(parts.sallyport, path, incoming);
        return outcome.kind === 'done'
          ? json(outcome.status, outcome.fields)
          : problem(outcome.kind === 'refused' ? outcome : refuse('internal'), { requestId });
      }
      if (path !== '/setup-code') {
        const answer = await auditAnswer(parts.sallyport, path, queryOf(incoming.target));
        return answer.kind === 'refused' ? problem(answer, { requestId }) : answer;
      }
      const made = await parts.sallyport.newSetupCode('all');
      if (made.kind === 'already-configured') return problem(refuse('already_configured'), { requestId });
      return json(200, { setup_link: parts.onSetupCode(made), expires_at: new Date(made.expiresAt).toISOString() });
    },
    forward: { pass: ({ response }) => void response.destroy(), join: ({ response }) => void response.destroy() },
    failed: parts.failed,
  };
}

function isOfHost(path: string): path is HostPath {
  return Object.hasOwn(served, path);
}

async function outcomeOf(sallyport: Sallyport, path: HostPath, incoming: Incoming): Promise<Outcome> {
  const body = await readBody(incoming);
  if (body.kind === 'refused') return body;
  try {
    return await served[path](sallyport, body.value);
  } catch (fault) {
    if (fault instanceof StoreFault) return refuse('unavailable', { cause: fault.message });
    throw fault;
  }
}

/** The audit log in parts, so that neither end holds more than one of them. */
async function auditAnswer(
  { audit, signAudit }: Sallyport,
  path: string,
  query: URLSearchParams,
): Promise<Refusal | Written> {
  const lines = (given: readonly AuditLine[], headers: readonly string[] = []): Written =>
    text('application/x-ndjson', given.map((line) => `${lineText(line)}\n`).join(''), headers);
  try {
    if (path === '/audit/head') {
      // What is verified or exported now is signed as far as it goes.
      await signAudit().catch((fault: unknown) => {
        // Nothing can be written: what is there can be read all the same.
        if (!(fault instanceof StoreFault)) throw fault;
      });
      return lines(await audit.heads());
    }
    if (path === '/audit/lines') {
      const [chain, after, upTo] = [query.get('chain') ?? '', query.get('after') ?? '', query.get('up_to') ?? ''];
      if (![after, upTo].every((each) => /^\d{1,15}$/.test(each)))
        return refuse('invalid_request', { detail: '"after" and "up_to" are numbers of events.' });
      const page = await audit.page(chain, Number(after), Number(upTo));
      return lines(page.lines, [lastHeader, String(page.last)]);
    }
    const asked = readAuditQuery(query);
    if (asked.kind === 'refused') return asked;
    const { events } = await audit.newest(asked.filter, asked.before, asked.limit ?? 100);
    return lines(events.map((row) => ({ kind: 'event', row })));
  } catch (fault) {
    if (fault instanceof StoreFault) return refuse('unavailable', { cause: fault.message });
    throw fault;
  }
}
