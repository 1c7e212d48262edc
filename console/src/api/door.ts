/**
 * Requests that may need a proof first. The page keeps the door: it asks the person, in place, and the request that was
 * held goes again. Without a keeper the refusal is the answer.
 */
import { type GivenUp, type Refusal, readRefusal } from './answers.ts';
import { type PasswordProof, passwordFields } from './sign-in.ts';
import { type Answer, type FileAnswer, type Method, fetchCsv, send, sendCsv } from './transport.ts';

export type Proof =
  | ({ readonly kind: 'password' } & PasswordProof)
  | { readonly kind: 'passkey'; readonly assertion: object };

/** `confirm`: is it still you? `resume`: the session is over, sign in again. */
export type Question =
  | {
      readonly kind: 'confirm';
      /** What would do: `password` with `totp` or `recovery` where there is one, or `passkey`. */
      readonly methods: readonly string[];
      /** `each-time`: it serves this one request, and the next one asks again. */
      readonly serves: 'a-while' | 'each-time';
      /** Wrong proofs come back as refusals, and can be given again. */
      readonly prove: (proof: Proof) => Promise<Answer>;
    }
  | { readonly kind: 'resume' };

export type Reply =
  | { readonly kind: 'proven'; readonly proof: Proof; readonly answer: Answer }
  /** The session is another one, or over: it is seen when the request goes again. */
  | { readonly kind: 'resumed' }
  | GivenUp;

type Keeper = (question: Question) => Promise<Reply>;

let keeper: Keeper | undefined;
const asked = new Map<string, Promise<Reply>>();
let queue: Promise<unknown> = Promise.resolve();
/** Where an application shares this origin no window stays open: there the proof travels with each request itself. */
let proofServes: 'a-while' | 'each-time' = 'a-while';

/** From now on `ask` is asked; the answer ends that. */
export function keepDoor(ask: Keeper): () => void {
  keeper = ask;
  return () => {
    if (keeper === ask) keeper = undefined;
  };
}

/** `asks`: what takes its proof along with the request has only the session's end to be asked about. */
export function sendThroughDoor(
  method: Method,
  path: string,
  body?: object,
  asks: 'all' | 'resume' = 'all',
): Promise<Answer | GivenUp> {
  const again = (): Promise<Answer> => send(method, path, body);
  const withProof = (given: Proof): Promise<Answer> => send(method, path, { ...body, ...proofFields(given) });
  return throughDoor(again, asks === 'all' ? { kind: 'asked', withProof } : { kind: 'brought-along' });
}

/** A file has no room for a proof: where none stays good for a while, it cannot go this way. */
export function sendCsvThroughDoor(path: string, csv: string): Promise<Answer | GivenUp> {
  return throughDoor(() => sendCsv(path, csv), { kind: 'no-room' });
}

/** Reading needs no proof, only a session. */
export async function fetchCsvThroughDoor(path: string): Promise<FileAnswer | GivenUp> {
  const answer = await fetchCsv(path);
  if (answer.kind !== 'session-ended' || keeper === undefined) return answer;
  const reply = await askOnce('resume', { kind: 'resume' }, keeper);
  return reply.kind === 'given-up' ? reply : fetchCsv(path);
}

/** How a request comes to its proof. */
type Proving =
  | { readonly kind: 'asked'; readonly withProof: (proof: Proof) => Promise<Answer> }
  | { readonly kind: 'brought-along' }
  | { readonly kind: 'no-room' };
async function throughDoor(again: () => Promise<Answer>, proving: Proving): Promise<Answer | GivenUp> {
  let answer = await again();
  const ask = keeper;
  if (ask === undefined) return answer;
  // Resume, confirm, and once more with the request itself: then there is nothing left to ask.
  for (let questions = 0; questions < 3; questions += 1) {
    if (answer.kind === 'session-ended') {
      const reply = await askOnce('resume', { kind: 'resume' }, ask);
      if (reply.kind === 'given-up') return reply;
      answer = await again();
    } else if (proving.kind === 'brought-along' || !isConfirmation(answer)) {
      return answer;
    } else if (proofServes === 'each-time') {
      if (proving.kind === 'no-room') return answer;
      const prove = async (given: Proof): Promise<Answer> => halfProven(await proving.withProof(given));
      const reply = await inTurn({ kind: 'confirm', methods: answer.methods, serves: 'each-time', prove }, ask);
      if (reply.kind === 'given-up') return reply;
      if (reply.kind === 'proven') return reply.answer;
      answer = await again();
    } else {
      const question = { kind: 'confirm', methods: answer.methods, serves: 'a-while', prove: reauthenticate } as const;
      const reply = await askOnce('confirm', question, ask);
      if (reply.kind === 'given-up') return reply;
      answer = await again();
      if (reply.kind !== 'proven' || !isConfirmation(answer)) continue;
      proofServes = 'each-time';
      // What was proven with a code or a passkey is spent; a password alone can be said again.
      if (proving.kind === 'asked' && reply.proof.kind === 'password' && reply.proof.code === '')
        answer = await proving.withProof(reply.proof);
    }
  }
  return answer;
}

/** For a token a code that is missing beside the password is no refusal to a program; here it is one. */
function halfProven(answer: Answer): Answer {
  if (answer.kind !== 'answered' || answer.fields['requires_totp'] !== true) return answer;
  return readRefusal(403, { ...answer.fields, error_code: 'reauthentication_failed' });
}

/** Proves that it is still the same person; the session gets a new token. */
function reauthenticate(proof: Proof): Promise<Answer> {
  return send('POST', '/api/auth/reauthenticate', proofFields(proof));
}

function proofFields(proof: Proof): object {
  return proof.kind === 'password' ? passwordFields(proof) : { passkey: proof.assertion };
}

/** Several requests can meet the closed door at once; the person is asked once for all of them. */
function askOnce(name: string, question: Question, ask: Keeper): Promise<Reply> {
  const open = asked.get(name);
  if (open !== undefined) return open;
  const reply = inTurn(question, ask).finally(() => asked.delete(name));
  asked.set(name, reply);
  return reply;
}

function inTurn(question: Question, ask: Keeper): Promise<Reply> {
  const reply = queue.then(() => ask(question));
  queue = reply.catch(() => undefined);
  return reply;
}

function isConfirmation(answer: Answer): answer is Extract<Refusal, { kind: 'refused' }> {
  return answer.kind === 'refused' && answer.code === 'reauthentication_required';
}
