/** The second step of a sign-in: a code from the authenticator, or a recovery code in the same field. */
import { useState } from 'preact/hooks';
import { type SignInOutcome, proveCode } from '../api/api.ts';
import { isRefusal } from '../api/answers.ts';
import { Button } from '../parts/button.tsx';
import { Field } from '../parts/field.tsx';
import { Form, type Typed } from '../parts/form.tsx';
import { Gate } from '../parts/gate.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { messages } from '../words/messages.ts';

interface Props {
  readonly challenge: string;
  readonly onSignedIn: () => void;
  /** The challenge is used up or too old; the password is asked again. */
  readonly onOver: () => void;
  readonly onBack: () => void;
}

/** Two kinds of code, two keyboards: either field takes both, when it is pasted. */
type Source = 'app' | 'recovery';

type State = { readonly kind: 'ready' } | { readonly kind: 'sending' } | { readonly kind: 'missing' } | SignInOutcome;

export function CodeStep({ challenge, onSignedIn, onOver, onBack }: Props) {
  const words = messages.code;
  const [state, setState] = useState<State>({ kind: 'ready' });
  const [source, setSource] = useState<Source>('app');
  const fromApp = source === 'app';

  const send = async (typed: Typed): Promise<void> => {
    const code = typed('totp_token').trim();
    if (code === '') return setState({ kind: 'missing' });
    setState({ kind: 'sending' });
    const outcome = await proveCode(challenge, code);
    if (outcome.kind === 'session-ended' || outcome.kind === 'code-wanted') return onOver();
    setState(outcome);
    if (outcome.kind === 'signed-in') onSignedIn();
  };

  const sending = state.kind === 'sending' || state.kind === 'signed-in';
  const wrong = state.kind === 'refused' && state.code === 'invalid_credentials';
  const change = (): void => {
    setSource(fromApp ? 'recovery' : 'app');
    setState({ kind: 'ready' });
  };
  return (
    <Gate heading={words.heading} lead={fromApp ? words.lead : words.recoveryLead} focus={false}>
      <Form key={source} name="code" sending={sending} answer={state} onSend={(typed) => void send(typed)} focus>
        {isRefusal(state) && !wrong && <RefusalNotice refusal={state} />}
        <Field
          name="totp_token"
          label={fromApp ? words.label : words.recoveryLabel}
          help={fromApp ? words.help : words.recoveryHelp}
          autocomplete="one-time-code"
          code
          keyboard={fromApp ? 'numeric' : 'text'}
          errors={errorsOf(state.kind, wrong, source)}
          onInput={sendWhenWhole}
        />
        <div class="actions">
          <Button type="submit" look="primary" wide sending={sending ? words.sending : undefined}>
            {words.submit}
          </Button>
        </div>
        <div class="others">
          <Button look="plain" onPress={change}>
            {fromApp ? words.useRecovery : words.useApp}
          </Button>
          <Button look="plain" onPress={onBack}>
            {words.back}
          </Button>
        </div>
      </Form>
    </Gate>
  );
}

function errorsOf(kind: State['kind'], wrong: boolean, source: Source): readonly string[] {
  const words = messages.code;
  if (wrong) return [source === 'app' ? words.wrong : words.recoveryWrong];
  return kind === 'missing' ? [words.missing] : [];
}

/** Six digits, or a whole recovery code of 25 characters: then there is nothing left to type. */
function sendWhenWhole(typed: string, input: HTMLInputElement): void {
  const whole = /^\d{6}$/.test(typed.replace(/\s/g, '')) || /^[0-9a-z]{25}$/i.test(typed.replace(/[-\s]/g, ''));
  if (whole) input.form?.requestSubmit();
}
