import { useState } from 'preact/hooks';
import { isRefusal } from '../api/answers.ts';
import { type SetUpOutcome, setUp } from '../api/set-up.ts';
import { Button } from '../parts/button.tsx';
import { Field } from '../parts/field.tsx';
import { Form, type Typed } from '../parts/form.tsx';
import { NewPasswordField } from '../parts/new-password-field.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { secretMessages } from '../words/secret-messages.ts';
import { setupMessages } from '../words/setup-messages.ts';
import { messages } from '../words/messages.ts';
import { passwordReasons } from '../words/password-reasons.ts';
import { SetupCodeField } from './setup-code-field.tsx';
import type { SetupCode } from './setup-code.ts';

interface Errors {
  readonly code?: string;
  readonly username?: string;
  readonly password?: readonly string[];
}

type State =
  | { readonly kind: 'ready' }
  | { readonly kind: 'sending' }
  | { readonly kind: 'beside'; readonly errors: Errors }
  | Exclude<SetUpOutcome, { kind: 'set-up' }>;

interface Props {
  readonly code: SetupCode;
  readonly onCode: (code: SetupCode) => void;
  readonly onSetUp: (username: string, recoveryCodes: readonly string[]) => void;
  readonly onConfigured: () => void;
}

export function SetupForm({ code, onCode, onSetUp, onConfigured }: Props) {
  const words = setupMessages.setup;
  const [state, setState] = useState<State>({ kind: 'ready' });

  const send = async (typed: Typed): Promise<void> => {
    const setupCode = code.code.trim();
    const username = typed('username').trim();
    const password = typed('password');
    const errors = incomplete(setupCode, username, password);
    if (Object.keys(errors).length > 0) return setState({ kind: 'beside', errors });
    setState({ kind: 'sending' });
    const outcome = await setUp(setupCode, username, password);
    if (outcome.kind === 'set-up') return onSetUp(username, outcome.recoveryCodes);
    if (outcome.kind === 'refused' && outcome.code === 'already_configured') return onConfigured();
    if (outcome.kind === 'refused' && outcome.code === 'setup_code_invalid') onCode({ kind: 'typed', code: setupCode });
    setState(besideField(outcome));
  };

  const errors: Errors = state.kind === 'beside' ? state.errors : {};
  const sending = state.kind === 'sending' ? words.sending : undefined;
  return (
    <Form name="setup" sending={sending !== undefined} answer={state} onSend={(typed) => void send(typed)} focus>
      {isRefusal(state) && <RefusalNotice refusal={state} />}
      <SetupCodeField code={code} error={errors.code} onCode={onCode} />
      <Field
        name="username"
        label={words.username}
        help={words.usernameHelp}
        autocomplete="username"
        errors={errors.username === undefined ? [] : [errors.username]}
      />
      <NewPasswordField
        name="password"
        label={messages.password.label}
        help={secretMessages.newPassword.help}
        errors={errors.password}
      />
      <div class="actions">
        <Button type="submit" look="primary" wide sending={sending}>
          {words.submit}
        </Button>
      </div>
    </Form>
  );
}

function incomplete(setupCode: string, username: string, password: string): Errors {
  const words = setupMessages.setup;
  return {
    ...(setupCode === '' ? { code: words.codeMissing } : {}),
    ...(username === '' ? { username: words.usernameMissing } : {}),
    ...(/[\s:/]/.test(username) ? { username: words.usernameRefused } : {}),
    ...(password === '' ? { password: [secretMessages.newPassword.missing] } : {}),
  };
}

/** Refusals that belong to one field are shown there. */
function besideField(outcome: Exclude<SetUpOutcome, { kind: 'set-up' }>): State {
  if (outcome.kind !== 'refused') return outcome;
  switch (outcome.code) {
    case 'setup_code_invalid':
      return { kind: 'beside', errors: { code: setupMessages.setup.codeRefused } };
    case 'password_refused':
      return { kind: 'beside', errors: { password: passwordReasons(outcome, false) } };
    case 'payload_too_large':
      return { kind: 'beside', errors: { password: [secretMessages.newPassword.tooLong] } };
    default:
      return outcome;
  }
}
