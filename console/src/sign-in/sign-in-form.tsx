import { useRef, useState } from 'preact/hooks';
import { isRefusal } from '../api/answers.ts';
import { passkeySupport } from '../api/passkeys.ts';
import { type SecondStep, type SignInOutcome, signIn } from '../api/sign-in.ts';
import { Button } from '../parts/button.tsx';
import { Field } from '../parts/field.tsx';
import { Form, type Typed } from '../parts/form.tsx';
import { Gate } from '../parts/gate.tsx';
import { Notice } from '../parts/notice.tsx';
import { PasskeyFirst } from '../parts/passkey-first.tsx';
import { PasswordField } from '../parts/password-field.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { places } from '../places.ts';
import { messages } from '../words/messages.ts';
import { usePasskeySignIn } from './passkey-sign-in.ts';

/** Why the person is here, when it was not their own idea. */
export type Remark = 'none' | 'signed-out' | 'expired' | 'switched-on' | 'code-over';

type State =
  | { readonly kind: 'ready' }
  | { readonly kind: 'sending' }
  | { readonly kind: 'incomplete'; readonly username: boolean; readonly password: boolean }
  | Exclude<SignInOutcome, { kind: 'code-wanted' }>;

interface Props {
  /** The application's host, or empty. */
  readonly host: string;
  readonly remark: Remark;
  readonly username: string;
  readonly onSignedIn: () => void;
  readonly onCodeWanted: (step: SecondStep, username: string) => void;
  /** The installation is not what the page takes it for. */
  readonly onStale: () => void;
}

export function SignInForm({ host, remark, username, onSignedIn, onCodeWanted, onStale }: Props) {
  const words = messages.signIn;
  const [state, setState] = useState<State>({ kind: 'ready' });
  // Whoever goes on typing while there is no connection sends it when it is ready.
  const edited = useRef(false);

  const send = async (typed: Typed): Promise<void> => {
    const name = typed('username').trim();
    const password = typed('password');
    if (name === '' || password === '') {
      setState({ kind: 'incomplete', username: name === '', password: password === '' });
      return;
    }
    setState({ kind: 'sending' });
    edited.current = false;
    const outcome = await signIn(name, password);
    if (outcome.kind === 'refused' && outcome.code === 'not_configured') onStale();
    if (outcome.kind === 'code-wanted') return onCodeWanted(outcome, name);
    setState(outcome);
    if (outcome.kind === 'signed-in') onSignedIn();
    // Most often it is the password that has a slip in it: ready to be typed anew, the name left as it is.
    if (outcome.kind === 'refused') selectPassword();
  };

  const again = (): void => {
    if (edited.current) return setState({ kind: 'ready' });
    document.querySelector<HTMLFormElement>('form[name="sign-in"]')?.requestSubmit();
  };

  const incomplete = state.kind === 'incomplete' ? state : undefined;
  // Signed in stays "sending": the next document is on its way, and the page must not look ready again.
  const sending = state.kind === 'sending' || state.kind === 'signed-in';
  return (
    <Gate heading={words.heading} lead={host === '' ? undefined : words.toOpen(host)} focus={false}>
      {state.kind === 'ready' && remark !== 'none' && <Reminder remark={remark} />}
      {passkeySupport === 'there' && <PasskeyOffer onSignedIn={onSignedIn} />}
      <Form
        name="sign-in"
        sending={sending}
        answer={state}
        onSend={(typed) => void send(typed)}
        onEdit={() => {
          edited.current = true;
        }}
        focus
      >
        {isRefusal(state) && (
          <RefusalNotice refusal={state} here={{ invalid_credentials: words.wrong }} onBack={again} />
        )}
        <Field
          name="username"
          label={words.username}
          // The last word lets the browser offer passkeys here, too.
          autocomplete="username webauthn"
          value={username}
          errors={incomplete?.username === true ? [words.usernameMissing] : []}
        />
        <PasswordField
          name="password"
          label={words.password}
          autocomplete="current-password"
          errors={incomplete?.password === true ? [words.passwordMissing] : []}
        />
        <div class="actions">
          <Button type="submit" look="primary" wide sending={sending ? words.sending : undefined}>
            {words.submit}
          </Button>
        </div>
      </Form>
      <nav class="links">
        <a href={places.forgot + location.search}>{words.forgotten}</a>
      </nav>
    </Gate>
  );
}

function PasskeyOffer({ onSignedIn }: { readonly onSignedIn: () => void }) {
  const words = messages.passkey;
  const [state, press] = usePasskeySignIn('by-field', onSignedIn);
  return <PasskeyFirst label={words.use} state={state} none={words.none} wrong={words.wrong} onPress={press} />;
}

function selectPassword(): void {
  const field = document.querySelector<HTMLInputElement>('input[name="password"]');
  field?.focus();
  field?.select();
}

const reminders = {
  'signed-out': { tone: 'good', text: messages.signIn.signedOut },
  expired: { tone: 'info', text: messages.signIn.expired },
  'switched-on': { tone: 'good', text: messages.off.done },
  'code-over': { tone: 'warn', text: messages.code.over },
} as const satisfies Record<Exclude<Remark, 'none'>, object>;

function Reminder({ remark }: { readonly remark: Exclude<Remark, 'none'> }) {
  const { tone, text } = reminders[remark];
  return (
    <Notice tone={tone}>
      <p>{text}</p>
    </Notice>
  );
}
