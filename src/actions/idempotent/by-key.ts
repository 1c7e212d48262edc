/**
 * Actions of our routes under an Idempotency-Key (2-http-api, 5). Kept is an outcome and not its wire form, so that a replay is
 * an answer of its own, with its own request id.
 */
import { type ErrorCode, problems, refuse } from '../../errors.ts';
import { header } from '../../request/incoming.ts';
import type { AdminCall, Outcome } from '../call.ts';
import type { Idempotent, ToKeep } from './idempotent.ts';

/** What confirms a person is another one each time, or should be: a code works once. */
const confirming: ReadonlySet<string> = new Set(['password', 'totp_code', 'totp_token', 'passkey']);

/** Statuses of refusals that say how things stood when it was asked for; all others leave the key free. */
const decided: ReadonlySet<number> = new Set([409, 422]);

const replayed = { headers: ['idempotency-replayed', 'true'] } as const;

type KeptOutcome =
  | { readonly status: 200 | 201; readonly fields: Readonly<Record<string, unknown>> }
  | { readonly code: ErrorCode; readonly detail?: string; readonly fields?: Readonly<Record<string, unknown>> };

/**
 * `body` as it came, before the schema; `shown`: the credential. `reach`: over whose things the action goes by what its asker is
 * now; whoever is that no more asks for another thing. Without a key the action is carried out as ever.
 */
export async function actByKey(
  idempotent: Idempotent,
  call: Pick<AdminCall, 'incoming' | 'principal'>,
  { body, shown, reach }: { readonly body: unknown; readonly shown: string; readonly reach: 'own' | 'everybody' },
  action: () => Promise<Outcome> | Outcome,
): Promise<Outcome> {
  const { incoming, principal } = call;
  const key = header(incoming.headers, 'idempotency-key');
  if (key === undefined) return action();
  const outcome = await idempotent({
    owner: principal,
    credential: shown,
    key,
    asked: { method: incoming.method, path: incoming.target, body: `${reach} ${withoutProof(body)}` },
    effect: action,
    keep: toKeep,
  });
  switch (outcome.kind) {
    case 'malformed-key':
      return refuse('invalid_request', { detail: outcome.why });
    case 'in-progress':
      return refuse('idempotency_in_progress', { retryAfterSeconds: 1 });
    case 'mismatch':
      return refuse('idempotency_mismatch');
    case 'unknown':
      return refuse('idempotency_unknown');
    case 'replayed':
      return again(outcome.value as KeptOutcome);
    case 'done':
      return outcome.answer;
  }
}

function withoutProof(body: unknown): string {
  const fields = typeof body === 'object' && body !== null && !Array.isArray(body);
  return JSON.stringify(
    fields ? Object.fromEntries(Object.entries(body).filter(([name]) => !confirming.has(name))) : (body ?? null),
  );
}

/** What sets cookies is never kept: a session is its browser's. */
function toKeep(outcome: Outcome): ToKeep | null {
  if (outcome.kind === 'done' && outcome.cookies === undefined) {
    const { status, fields, secrets = [] } = outcome;
    return { value: { status, fields } satisfies KeptOutcome, secrets };
  }
  if (outcome.kind !== 'refused' || outcome.cookies !== undefined || !decided.has(problems[outcome.code].status))
    return null;
  const { code, detail, fields } = outcome;
  return { value: { code, ...(detail && { detail }), ...(fields && { fields }) } satisfies KeptOutcome };
}

function again(kept: KeptOutcome): Outcome {
  if ('status' in kept) return { kind: 'done', ...kept, ...replayed };
  const { code, ...said } = kept;
  return refuse(code, { ...said, ...replayed });
}
