/**
 * Requests that may need a proof first. The account page keeps the door: it asks the person, in place, and the request
 * that was held goes again. Without a keeper the refusal is the answer.
 */
import type { GivenUp, Refusal } from './answers.ts';
import { type Answer, type Method, send } from './transport.ts';

/** `confirm`: is it still you? `resume`: the session is over, sign in again. */
export type Question = 'confirm' | 'resume';

export interface Proof {
  readonly password: string;
  /** The second factor's code; empty where the account has none. */
  readonly code: string;
}

export type Reply = { readonly kind: 'proven'; readonly proof: Proof } | GivenUp;

type Keeper = (question: Question) => Promise<Reply>;

let keeper: Keeper | undefined;
const asked = new Map<Question, Promise<Reply>>();

/** From now on `ask` is asked; the answer ends that. */
export function keepDoor(ask: Keeper): () => void {
  keeper = ask;
  return () => {
    if (keeper === ask) keeper = undefined;
  };
}

export async function sendThroughDoor(method: Method, path: string, body?: object): Promise<Answer | GivenUp> {
  const answer = await send(method, path, body);
  const question = questionOf(answer);
  if (question === 'none' || keeper === undefined) return answer;
  const reply = await askOnce(question, keeper);
  if (reply.kind === 'given-up') return reply;
  const again = await send(method, path, body);
  if (questionOf(again) !== 'confirm') return again;
  // Where an application shares this origin no window stays open: there the proof travels with the request itself.
  return send(method, path, { ...body, ...proofFields(reply.proof) });
}

export function proofFields(proof: Proof): { password: string; totp_code?: string } {
  return { password: proof.password, ...(proof.code === '' ? {} : { totp_code: proof.code }) };
}

/** Several requests can meet the closed door at once; the person is asked once for all of them. */
function askOnce(question: Question, ask: Keeper): Promise<Reply> {
  const open = asked.get(question);
  if (open !== undefined) return open;
  const reply = ask(question).finally(() => asked.delete(question));
  asked.set(question, reply);
  return reply;
}

function questionOf(answer: Answer | Refusal): Question | 'none' {
  if (answer.kind === 'session-ended') return 'resume';
  return answer.kind === 'refused' && answer.code === 'reauthentication_required' ? 'confirm' : 'none';
}
