import { useState } from 'preact/hooks';
import { type DoneAtLast, changePassword } from '../api/api.ts';
import { type Status, isRefusal } from '../api/answers.ts';
import { Button } from '../parts/button.tsx';
import { announce } from '../parts/announce.ts';
import { Form, type Typed } from '../parts/form.tsx';
import { Notice } from '../parts/notice.tsx';
import { NewPasswordField } from '../parts/new-password-field.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { messages } from '../words/messages.ts';
import { passwordReasons } from '../words/refusal-text.ts';
import { ProofFields, readProof } from './proof-fields.tsx';
import { Section } from './section.tsx';

interface Errors {
  readonly old?: string;
  readonly fresh?: readonly string[];
}

type State =
  | { readonly kind: 'ready' }
  | { readonly kind: 'sending' }
  | { readonly kind: 'beside'; readonly errors: Errors }
  | Exclude<DoneAtLast, { kind: 'given-up' }>;

interface Props {
  readonly status: Status;
  readonly onChanged: () => void;
}

export function PasswordSection({ status, onChanged }: Props) {
  const words = messages.changePassword;
  const [state, setState] = useState<State>({ kind: 'ready' });
  const [changes, setChanges] = useState(0);

  const send = async (typed: Typed): Promise<void> => {
    const fresh = typed('new_password');
    const old = readProof(typed);
    const errors: Errors = {
      ...(old.password === '' ? { old: words.oldMissing } : {}),
      ...(fresh === '' ? { fresh: [messages.password.missing] } : {}),
    };
    if (Object.keys(errors).length > 0) return setState({ kind: 'beside', errors });
    setState({ kind: 'sending' });
    const outcome = await changePassword(old, fresh);
    setState(besideField(outcome));
    if (outcome.kind !== 'done') return;
    announce(words.done);
    // A new form: nothing of either password stays in the page.
    setChanges(changes + 1);
    onChanged();
  };

  const errors: Errors = state.kind === 'beside' ? state.errors : {};
  const username = status.person.kind === 'signed-in' ? status.person.username : '';
  return (
    <Section id="password" heading={words.heading} lead={words.lead}>
      <Form
        key={changes}
        name="change-password"
        sending={state.kind === 'sending'}
        answer={state}
        onSend={(typed) => void send(typed)}
      >
        {state.kind === 'done' && (
          <Notice tone="good">
            <p>{words.done}</p>
          </Notice>
        )}
        {isRefusal(state) && <RefusalNotice refusal={state} />}
        <ProofFields
          label={words.old}
          hasFactor={status.hasFactor}
          username={username}
          errors={errors.old === undefined ? [] : [errors.old]}
        />
        <NewPasswordField
          name="new_password"
          label={messages.password.newLabel}
          help={status.hasFactor ? messages.password.helpWithFactor : messages.password.help}
          errors={errors.fresh}
        />
        <div class="actions">
          <Button type="submit" look="primary" sending={state.kind === 'sending' ? words.sending : undefined}>
            {words.submit}
          </Button>
        </div>
      </Form>
    </Section>
  );
}

function besideField(outcome: DoneAtLast): State {
  if (outcome.kind === 'given-up') return { kind: 'ready' };
  if (outcome.kind !== 'refused') return outcome;
  switch (outcome.code) {
    case 'reauthentication_failed':
      return { kind: 'beside', errors: { old: messages.changePassword.oldWrong } };
    case 'password_refused':
      return { kind: 'beside', errors: { fresh: passwordReasons(outcome) } };
    case 'payload_too_large':
      return { kind: 'beside', errors: { fresh: [messages.password.tooLong] } };
    default:
      return outcome;
  }
}
