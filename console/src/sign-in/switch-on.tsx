/** Sign-in is switched off: says what that means, and lets an administrator end it. */
import { useState } from 'preact/hooks';
import { isRefusal } from '../api/answers.ts';
import { type Done, switchOn } from '../api/sign-in.ts';
import { Button } from '../parts/button.tsx';
import { Field } from '../parts/field.tsx';
import { Form, type Typed } from '../parts/form.tsx';
import { Gate } from '../parts/gate.tsx';
import { Notice } from '../parts/notice.tsx';
import { PasswordField } from '../parts/password-field.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { messages } from '../words/messages.ts';

type State =
  | { readonly kind: 'ready' }
  | { readonly kind: 'sending' }
  | { readonly kind: 'incomplete'; readonly username: boolean; readonly password: boolean }
  | Done;

export function SwitchOn({ onDone }: { readonly onDone: (username: string) => void }) {
  const words = messages.off;
  const [state, setState] = useState<State>({ kind: 'ready' });
  const [codeWanted, setCodeWanted] = useState(false);

  const send = async (typed: Typed): Promise<void> => {
    const username = typed('username').trim();
    const password = typed('password');
    if (username === '' || password === '') {
      setState({ kind: 'incomplete', username: username === '', password: password === '' });
      return;
    }
    setState({ kind: 'sending' });
    const outcome = await switchOn(username, { password, code: typed('totp_code').trim() });
    if (outcome.kind === 'refused' && outcome.codeWanted) setCodeWanted(true);
    // "Already on" is what was wanted.
    if (outcome.kind === 'done' || (outcome.kind === 'refused' && outcome.status === 409)) return onDone(username);
    setState(outcome);
  };

  const incomplete = state.kind === 'incomplete' ? state : undefined;
  const sending = state.kind === 'sending' ? words.sending : undefined;
  return (
    <Gate heading={words.heading}>
      <Notice tone="warn">
        <p>{words.detail}</p>
      </Notice>
      <p>{words.how}</p>
      <Form name="switch-on" sending={sending !== undefined} answer={state} onSend={(typed) => void send(typed)}>
        {isRefusal(state) && (
          <RefusalNotice refusal={state} here={{ invalid_credentials: words.wrong, forbidden: words.wrong }} />
        )}
        <Field
          name="username"
          label={words.username}
          autocomplete="username"
          errors={incomplete?.username === true ? [messages.signIn.usernameMissing] : []}
        />
        <PasswordField
          name="password"
          label={messages.password.label}
          autocomplete="current-password"
          errors={incomplete?.password === true ? [messages.signIn.passwordMissing] : []}
        />
        {codeWanted && (
          <Field
            name="totp_code"
            label={messages.code.label}
            help={messages.code.either}
            autocomplete="one-time-code"
            code
          />
        )}
        <div class="actions">
          <Button type="submit" look="primary" wide sending={sending}>
            {words.submit}
          </Button>
        </div>
      </Form>
    </Gate>
  );
}
