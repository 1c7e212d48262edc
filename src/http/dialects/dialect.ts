/**
 * How answers look on the wire: ours, or as clients of Proxmox products expect them below `/api2/json/` and `/api2/extjs/`
 * (2-http-api, 2 and 8). The path alone says which, so that it is the same whether one of our routes answers there, nothing
 * does, or somebody is stopped on the way to an application. Pure.
 */
import type { Outcome } from '../../actions/call.ts';
import type { ErrorCode, Refusal } from '../../errors.ts';
import { json, problem, type ProblemContext, problemOf, setCookies, text, type Written } from '../answer.ts';

export interface RefusalContext extends ProblemContext {
  /** The action itself refused: some clients read that in the body alone. */
  readonly by?: 'action';
}

export interface Dialect {
  /** `more`: header names and values in turn. */
  readonly done: (status: number, fields: Readonly<Record<string, unknown>>, more: readonly string[]) => Written;
  readonly refused: (refusal: Refusal, context: RefusalContext) => Written;
}

export type Dialects = (path: string) => Dialect;

const own: Dialect = { done: json, refused: problem };

export function dialectsOf(ticketPrefix: string): Dialects {
  const plain = proxmoxJson(ticketPrefix);
  const extjs = proxmoxExtJs(ticketPrefix);
  return (path) => {
    if (!path.startsWith('/api2/')) return own;
    if (path.startsWith('/api2/json/')) return plain;
    return path.startsWith('/api2/extjs/') ? extjs : own;
  };
}

/** The status itself is the answer, and clients parse whatever body there is. */
function proxmoxJson(ticketPrefix: string): Dialect {
  return {
    done: (status, fields, more) => typed(json(status, fields, more)),
    refused: (refusal, context) => {
      const { status, headers, fields } = problemOf(refusal, context);
      const errors = refusal.errors === undefined ? {} : { errors: refusal.errors };
      const reason = reasonOf(refusal.code, ticketPrefix);
      return {
        ...proxmox(status, headers, { data: null, ...fields, ...errors }),
        ...(reason === undefined ? {} : { reason }),
      };
    },
  };
}

/** What an action refuses comes with 200, and the body says what it would have been. */
function proxmoxExtJs(ticketPrefix: string): Dialect {
  const plain = proxmoxJson(ticketPrefix);
  return {
    done: (status, fields, more) => typed(json(status, { ...fields, status }, more)),
    refused: (refusal, context) => {
      if (context.by !== 'action') return plain.refused(refusal, context);
      const { headers, fields } = problemOf(refusal, context);
      return proxmox(200, headers, { data: null, ...fields, errors: refusal.errors ?? {} });
    },
  };
}

function proxmox(status: number, headers: readonly string[], fields: object): Written {
  return { kind: 'written', status, headers: [...jsonType, ...headers], body: JSON.stringify(fields) };
}

/** To the letter: some clients take no other. */
const jsonType = ['content-type', 'application/json;charset=UTF-8'];

function typed(answer: Written): Written {
  const [, , ...others] = answer.headers;
  return { ...answer, headers: [...jsonType, ...others] };
}

/** Clients tell by these words whether signing in again helps. */
function reasonOf(code: ErrorCode, ticketPrefix: string): string | undefined {
  if (code === 'invalid_credentials' || code === 'second_factor_required') return 'authentication failure';
  if (code === 'unauthorized') return 'No ticket';
  const dead = code === 'session_expired' || code === 'invalid_token';
  return dead ? `permission denied - invalid ${ticketPrefix} ticket` : undefined;
}

export function render(
  dialect: Dialect,
  outcome: Outcome,
  { requestId, deadCookies }: { readonly requestId: string; readonly deadCookies: readonly string[] },
): Written {
  switch (outcome.kind) {
    case 'refused': {
      const cookies = [...deadCookies, ...(outcome.cookies ?? [])];
      const answer = dialect.refused({ ...outcome, cookies }, { requestId, by: 'action' });
      // The rest of a body that was too large may go on for ever: it is not read.
      return outcome.code === 'payload_too_large' || outcome.connection === 'close'
        ? { ...answer, close: true }
        : answer;
    }
    case 'done':
      return dialect.done(outcome.status, outcome.fields, [
        ...setCookies([...deadCookies, ...(outcome.cookies ?? [])]),
        ...(outcome.headers ?? []),
      ]);
    case 'export':
      return text(outcome.contentType, outcome.text, [...setCookies(deadCookies), ...outcome.headers]);
    case 'document': {
      const answer = json(200, {});
      return { ...answer, body: JSON.stringify(outcome.value) };
    }
  }
}
