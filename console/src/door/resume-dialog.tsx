/** The session is over: signing in again, over the page as it stands. */
import { useState } from 'preact/hooks';
import { type Refusal, isRefusal } from '../api/answers.ts';
import { passkeySupport } from '../api/passkeys.ts';
import { type SecondStep, signIn, status } from '../api/sign-in.ts';
import { Button } from '../parts/button.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Form, type Typed } from '../parts/form.tsx';
import { PasskeyFirst } from '../parts/passkey-first.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { usePasskeySignIn } from '../sign-in/passkey-sign-in.ts';
import { type Source, SecondFactorForm, sourcesOf } from '../sign-in/second-factor.tsx';
import { accountMessages } from '../words/account-messages.ts';
import { messages } from '../words/messages.ts';
import { ProofFields } from './proof-fields.tsx';

interface Props {
  readonly username: string;
  readonly onResumed: () => void;
  readonly onLeave: () => void;
}

type Step =
  | { readonly kind: 'password'; readonly over: boolean }
  | { readonly kind: 'code'; readonly second: SecondStep };

const words = accountMessages.resume;

export function ResumeDialog({ username, onResumed, onLeave }: Props) {
  const [step, setStep] = useState<Step>({ kind: 'password', over: false });
  return (
    <Dialog heading={words.heading} lead={words.lead(username)} onCancel={onLeave}>
      {step.kind === 'password' ? (
        <Password
          username={username}
          over={step.over}
          onResumed={onResumed}
          onSecond={(second) => setStep({ kind: 'code', second })}
          onLeave={onLeave}
        />
      ) : (
        <Second
          step={step.second}
          onResumed={onResumed}
          onOver={() => setStep({ kind: 'password', over: true })}
          onBack={() => setStep({ kind: 'password', over: false })}
        />
      )}
    </Dialog>
  );
}

type State =
  | { readonly kind: 'ready' }
  | { readonly kind: 'sending' }
  | { readonly kind: 'wrong'; readonly error: string }
  | Refusal;

interface PasswordProps extends Props {
  /** A second step was begun, and took too long. */
  readonly over: boolean;
  readonly onSecond: (step: SecondStep) => void;
}

function Password({ username, over, onResumed, onSecond, onLeave }: PasswordProps) {
  const [state, setState] = useState<State>(over ? { kind: 'wrong', error: messages.code.over } : { kind: 'ready' });
  const [passkey, pressPasskey] = usePasskeySignIn('by-button', () => void resumeIfSame(username, onResumed));

  const send = async (typed: Typed): Promise<void> => {
    const password = typed('current_password');
    if (password === '') return setState({ kind: 'wrong', error: messages.signIn.passwordMissing });
    setState({ kind: 'sending' });
    const outcome = await signIn(username, password);
    if (outcome.kind === 'signed-in') return onResumed();
    if (outcome.kind === 'code-wanted') return onSecond(outcome);
    const wrong = outcome.kind === 'refused' && outcome.code === 'invalid_credentials';
    setState(wrong ? { kind: 'wrong', error: words.wrong } : outcome);
  };
  return (
    <>
      {passkeySupport === 'there' && (
        <PasskeyFirst
          label={messages.passkey.use}
          state={passkey}
          none={messages.passkey.none}
          wrong={messages.passkey.wrong}
          onPress={pressPasskey}
        />
      )}
      <Form name="resume" sending={state.kind === 'sending'} answer={state} onSend={(typed) => void send(typed)} focus>
        {isRefusal(state) && <RefusalNotice refusal={state} />}
        <ProofFields
          label={accountMessages.confirm.password}
          code="none"
          username={username}
          errors={state.kind === 'wrong' ? [state.error] : []}
        />
        <div class="actions">
          <Button type="submit" look="primary" sending={state.kind === 'sending' ? messages.signIn.sending : undefined}>
            {messages.signIn.submit}
          </Button>
          <Button onPress={onLeave}>{words.elsewhere}</Button>
        </div>
      </Form>
    </>
  );
}

/** A passkey says who somebody is: if that is another account, this page is not theirs. */
async function resumeIfSame(username: string, onResumed: () => void): Promise<void> {
  const now = await status();
  if (now.kind === 'status' && now.person.kind === 'signed-in' && now.person.username !== username) location.reload();
  else onResumed();
}

interface SecondProps {
  readonly step: SecondStep;
  readonly onResumed: () => void;
  readonly onOver: () => void;
  readonly onBack: () => void;
}

function Second({ step, onResumed, onOver, onBack }: SecondProps) {
  const [source, setSource] = useState<Source>(sourcesOf(step)[0] ?? 'none');
  return (
    <SecondFactorForm
      step={step}
      source={source}
      onSource={setSource}
      onSignedIn={onResumed}
      onOver={onOver}
      onBack={onBack}
    />
  );
}
