/**
 * Asks for a proof over the page, whatever the person was doing: the password once more, or a new sign-in because the
 * session is over. What was held goes on afterwards; what was typed stays.
 */
import { useEffect, useState } from 'preact/hooks';
import { proveCode, reauthenticate, signIn } from '../api/api.ts';
import { type Refusal, isRefusal } from '../api/answers.ts';
import { type Proof, type Question, type Reply, keepDoor } from '../api/door.ts';
import { Button } from '../parts/button.tsx';
import { announce } from '../parts/announce.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Form, type Typed } from '../parts/form.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { signInAgain } from '../places.ts';
import { messages } from '../words/messages.ts';
import { ProofFields, readProof } from './proof-fields.tsx';

interface DoorProps {
  readonly username: string;
  readonly hasFactor: boolean;
  /** The session is another one now. */
  readonly onResumed: () => void;
}

type Asked = { readonly kind: 'nothing' } | { readonly kind: Question; readonly reply: (reply: Reply) => void };

export function Door({ username, hasFactor, onResumed }: DoorProps) {
  const [asked, setAsked] = useState<Asked>({ kind: 'nothing' });
  useEffect(() => keepDoor((question) => new Promise((resolve) => setAsked({ kind: question, reply: resolve }))), []);
  if (asked.kind === 'nothing') return null;

  const answer = (reply: Reply): void => {
    setAsked({ kind: 'nothing' });
    asked.reply(reply);
  };
  const proven = (proof: Proof): void => {
    answer({ kind: 'proven', proof });
    if (asked.kind !== 'resume') return;
    announce(messages.resume.done);
    onResumed();
  };
  const giveUp = (): void => {
    // Without a session this page has nothing to show.
    if (asked.kind === 'resume') location.replace(signInAgain('ended'));
    answer({ kind: 'given-up' });
  };
  return (
    <Ask
      key={asked.kind}
      question={asked.kind}
      username={username}
      hasFactor={hasFactor}
      onProven={proven}
      onOver={() => setAsked({ ...asked, kind: 'resume' })}
      onGiveUp={giveUp}
    />
  );
}

interface AskProps {
  readonly question: Question;
  readonly username: string;
  readonly hasFactor: boolean;
  readonly onProven: (proof: Proof) => void;
  /** Confirming came too late: the session itself is over. */
  readonly onOver: () => void;
  readonly onGiveUp: () => void;
}

type State =
  | { readonly kind: 'ready' }
  | { readonly kind: 'sending' }
  | { readonly kind: 'wrong'; readonly error: string }
  | Refusal;

function Ask({ question, username, hasFactor, onProven, onOver, onGiveUp }: AskProps) {
  const confirming = question === 'confirm';
  const words = confirming ? messages.confirm : messages.resume;
  const [state, setState] = useState<State>({ kind: 'ready' });

  const send = async (typed: Typed): Promise<void> => {
    const proof = readProof(typed);
    if (proof.password === '') return setState({ kind: 'wrong', error: messages.signIn.passwordMissing });
    setState({ kind: 'sending' });
    const outcome = confirming ? await reauthenticate(proof) : await resume(username, proof);
    if (outcome.kind === 'done') return onProven(proof);
    if (confirming && outcome.kind === 'session-ended') return onOver();
    setState(isWrong(outcome) ? { kind: 'wrong', error: words.wrong } : outcome);
  };

  const sending = confirming ? messages.confirm.sending : messages.signIn.sending;
  return (
    <Dialog
      heading={words.heading}
      lead={confirming ? messages.confirm.lead : messages.resume.lead(username)}
      onCancel={onGiveUp}
    >
      <Form
        name={question}
        sending={state.kind === 'sending'}
        answer={state}
        onSend={(typed) => void send(typed)}
        focus
      >
        {isRefusal(state) && <RefusalNotice refusal={state} />}
        <ProofFields
          label={messages.confirm.password}
          hasFactor={hasFactor}
          username={username}
          errors={state.kind === 'wrong' ? [state.error] : []}
        />
        <div class="actions">
          <Button type="submit" look="primary" sending={state.kind === 'sending' ? sending : undefined}>
            {confirming ? messages.confirm.submit : messages.signIn.submit}
          </Button>
          <Button onPress={onGiveUp}>{confirming ? messages.confirm.cancel : messages.resume.elsewhere}</Button>
        </div>
      </Form>
    </Dialog>
  );
}

/** A sign-in in one go: the code, where one is wanted, was asked for together with the password. */
async function resume(username: string, proof: Proof): Promise<{ readonly kind: 'done' } | Refusal> {
  const first = await signIn(username, proof.password);
  const last = first.kind === 'code-wanted' ? await proveCode(first.challenge, proof.code) : first;
  if (last.kind === 'signed-in') return { kind: 'done' };
  return last.kind === 'code-wanted' ? { kind: 'unreadable' } : last;
}

function isWrong(outcome: Refusal): boolean {
  return (
    outcome.kind === 'refused' && (outcome.code === 'reauthentication_failed' || outcome.code === 'invalid_credentials')
  );
}
