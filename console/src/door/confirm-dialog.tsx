/** Is it still you? The password and a code, or a passkey: what the account has. */
import { useState } from 'preact/hooks';
import { type Refusal, isRefusal } from '../api/answers.ts';
import type { Proof, Question, Reply } from '../api/door.ts';
import { ownPasskeyOptions } from '../api/factors.ts';
import { passkeySupport, withCeremonies } from '../api/passkeys.ts';
import { Button } from '../parts/button.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Form, type Typed } from '../parts/form.tsx';
import { Notice } from '../parts/notice.tsx';
import { PasskeyFirst } from '../parts/passkey-first.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { accountMessages } from '../words/account-messages.ts';
import { messages } from '../words/messages.ts';
import { ProofFields, readProof } from './proof-fields.tsx';

interface Props {
  readonly question: Extract<Question, { kind: 'confirm' }>;
  readonly username: string;
  readonly onReply: (reply: Reply) => void;
  readonly onOver: () => void;
}

type State =
  | { readonly kind: 'ready' }
  | { readonly kind: 'sending' }
  | { readonly kind: 'wrong'; readonly error: string }
  | Refusal;

type PasskeyState = { readonly kind: 'ready' | 'waiting' | 'none' } | Refusal;

const words = accountMessages.confirm;

export function ConfirmDialog({ question, username, onReply, onOver }: Props) {
  const [state, setState] = useState<State>({ kind: 'ready' });
  const [passkey, setPasskey] = useState<PasskeyState>({ kind: 'ready' });
  const { byPassword, byPasskey, code } = waysOf(question.methods);

  const prove = async (proof: Proof): Promise<Refusal | { readonly kind: 'over' }> => {
    const answer = await question.prove(proof);
    if (answer.kind === 'session-ended') onOver();
    else if (isAskedAgain(answer)) return answer;
    else onReply({ kind: 'proven', proof, answer });
    return { kind: 'over' };
  };
  const send = async (typed: Typed): Promise<void> => {
    const proof = readProof(typed);
    if (proof.password === '') return setState({ kind: 'wrong', error: messages.signIn.passwordMissing });
    setPasskey({ kind: 'ready' });
    setState({ kind: 'sending' });
    const outcome = await prove({ kind: 'password', ...proof });
    if (outcome.kind === 'over') return;
    const error = code === 'none' ? words.wrong : words.wrongEither;
    setState(outcome.kind === 'refused' && outcome.status === 403 ? { kind: 'wrong', error } : outcome);
  };
  const usePasskey = async (): Promise<void> => {
    setState({ kind: 'ready' });
    setPasskey({ kind: 'waiting' });
    const asked = await ownPasskeyOptions();
    if (asked.kind === 'session-ended') return onOver();
    if (asked.kind !== 'options') return setPasskey(asked.kind === 'given-up' ? { kind: 'ready' } : asked);
    const made = await withCeremonies((ceremonies) => ceremonies.provePasskey(asked.options));
    if (made.kind !== 'made') return setPasskey({ kind: 'none' });
    const outcome = await prove({ kind: 'passkey', assertion: made.response });
    if (outcome.kind !== 'over') setPasskey(outcome);
  };

  const giveUp = (): void => onReply({ kind: 'given-up' });
  return (
    <Dialog heading={words.heading} lead={leadOf(question, byPassword)} onCancel={giveUp}>
      {byPasskey && (
        <PasskeyFirst
          label={messages.code.usePasskey}
          state={passkey}
          none={messages.code.passkeyNone}
          wrong={messages.code.passkeyWrong}
          otherwise={byPassword}
          onPress={() => void usePasskey()}
        />
      )}
      {!byPasskey && !byPassword && (
        <Notice tone="warn">
          <p>{messages.code.noneHere}</p>
        </Notice>
      )}
      <Form
        name="confirm"
        sending={state.kind === 'sending'}
        answer={state}
        onSend={(typed) => void send(typed)}
        focus={byPassword}
      >
        {isRefusal(state) && <RefusalNotice refusal={state} />}
        {byPassword && (
          <ProofFields
            label={words.password}
            code={code}
            username={username}
            errors={state.kind === 'wrong' ? [state.error] : []}
          />
        )}
        <div class="actions">
          {byPassword && (
            <Button type="submit" look="primary" sending={state.kind === 'sending' ? words.sending : undefined}>
              {words.submit}
            </Button>
          )}
          <Button onPress={giveUp}>{words.cancel}</Button>
        </div>
      </Form>
    </Dialog>
  );
}

function leadOf(question: Props['question'], byPassword: boolean): string {
  if (question.serves === 'each-time') return words.leadEachTime;
  return byPassword ? words.lead : words.leadPasskey;
}

/** With a second factor a password alone proves nothing: without any code left it need not be asked for. */
function waysOf(methods: readonly string[]) {
  const has = (method: string): boolean => methods.includes(method);
  const code = has('totp') ? 'either' : has('recovery') ? 'recovery' : 'none';
  return {
    code,
    byPassword: code !== 'none' || !has('passkey'),
    byPasskey: has('passkey') && passkeySupport === 'there',
  } as const;
}

/** What a better proof could still change; all else is an answer to the request itself. */
function isAskedAgain(answer: Awaited<ReturnType<Props['question']['prove']>>): answer is Refusal {
  if (answer.kind === 'answered') return false;
  if (answer.kind !== 'refused') return true;
  return ['reauthentication_failed', 'reauthentication_required', 'invalid_credentials'].includes(answer.code);
}
