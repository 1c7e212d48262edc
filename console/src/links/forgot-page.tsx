/** /auth/forgot: asks for a link by mail. What it says is the same whether there is such an account or not. */
import { useState } from 'preact/hooks';
import { isRefusal } from '../api/answers.ts';
import { forgotPassword } from '../api/links.ts';
import type { Done } from '../api/sign-in.ts';
import { Button } from '../parts/button.tsx';
import { Field } from '../parts/field.tsx';
import { Form, type Typed } from '../parts/form.tsx';
import { Gate } from '../parts/gate.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { places } from '../places.ts';
import { linkMessages } from '../words/link-messages.ts';
import { messages } from '../words/messages.ts';

const words = linkMessages.forgot;

type State =
  | { readonly kind: 'ready' }
  | { readonly kind: 'sending' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'sent'; readonly username: string }
  | Exclude<Done, { kind: 'done' }>;

export function ForgotPage() {
  const [state, setState] = useState<State>({ kind: 'ready' });
  const send = async (typed: Typed): Promise<void> => {
    const username = typed('username').trim();
    if (username === '') return setState({ kind: 'missing' });
    setState({ kind: 'sending' });
    const outcome = await forgotPassword(username);
    setState(outcome.kind === 'done' ? { kind: 'sent', username } : outcome);
  };
  if (state.kind === 'sent') {
    return (
      <Gate heading={words.sentHeading} lead={words.sent(state.username)}>
        <p class="quiet">{words.nothing}</p>
        <Back />
      </Gate>
    );
  }
  return (
    <Gate heading={words.heading} lead={words.lead} focus={false}>
      <Form name="forgot" sending={state.kind === 'sending'} answer={state} onSend={(typed) => void send(typed)} focus>
        {isRefusal(state) && <RefusalNotice refusal={state} />}
        <Field
          name="username"
          label={messages.signIn.username}
          autocomplete="username"
          errors={state.kind === 'missing' ? [messages.signIn.usernameMissing] : []}
        />
        <div class="actions">
          <Button type="submit" look="primary" wide sending={state.kind === 'sending' ? words.sending : undefined}>
            {words.submit}
          </Button>
        </div>
      </Form>
      <p class="quiet small">{words.nothing}</p>
      <Back />
    </Gate>
  );
}

/** With the application that is waiting, if one is. */
function Back() {
  return (
    <nav class="links">
      <a href={places.signIn + location.search}>{words.back}</a>
    </nav>
  );
}
