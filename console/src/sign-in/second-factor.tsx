/**
 * A second factor, whichever the account has: a code from the authenticator, a recovery code in the same field, or a
 * passkey. On the sign-in page, and over a page whose session ended.
 */
import { useRef, useState } from 'preact/hooks';
import { type Refusal, isRefusal } from '../api/answers.ts';
import { passkeySupport, withCeremonies } from '../api/passkeys.ts';
import { type SecondFactor, type SecondStep, type SignInOutcome, proveFactor } from '../api/sign-in.ts';
import { Button } from '../parts/button.tsx';
import { Field } from '../parts/field.tsx';
import { Form, type Typed } from '../parts/form.tsx';
import { Notice } from '../parts/notice.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { messages } from '../words/messages.ts';

/** Two kinds of code, two keyboards: either field takes both, when it is pasted. */
export type Source = 'passkey' | 'app' | 'recovery' | 'none';

/** What this account has and this browser can use, the easiest first. */
export function sourcesOf(step: SecondStep): readonly Source[] {
  const has = (method: string): boolean => step.methods.includes(method);
  return [
    ...(has('passkey') && passkeySupport === 'there' ? (['passkey'] as const) : []),
    ...(has('totp') ? (['app'] as const) : []),
    ...(has('recovery') ? (['recovery'] as const) : []),
  ];
}

interface Props {
  readonly step: SecondStep;
  readonly source: Source;
  readonly onSource: (source: Source) => void;
  readonly onSignedIn: () => void;
  readonly onOver: () => void;
  readonly onBack: () => void;
}

type State =
  | { readonly kind: 'ready' }
  | { readonly kind: 'sending' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'no-passkey' }
  | { readonly kind: 'signed-in' }
  | Refusal;

/** So many wrong answers end a challenge. */
const mostWrong = 5;

export function SecondFactorForm({ step, source, onSource, onSignedIn, onOver, onBack }: Props) {
  const words = messages.code;
  const [state, setState] = useState<State>({ kind: 'ready' });
  const wrongAnswers = useRef(0);

  const prove = async (factor: SecondFactor): Promise<void> => {
    setState({ kind: 'sending' });
    const outcome = await proveFactor(step.challenge, factor);
    if (isWrong(outcome)) wrongAnswers.current += 1;
    if (isOver(outcome, step, wrongAnswers.current) || outcome.kind === 'code-wanted') return onOver();
    setState(outcome);
    if (outcome.kind === 'signed-in') onSignedIn();
  };
  const send = async (typed: Typed): Promise<void> => {
    if (source === 'passkey') return usePasskey();
    const code = typed('totp_token').trim();
    return code === '' ? setState({ kind: 'missing' }) : prove({ kind: 'code', code });
  };
  const usePasskey = async (): Promise<void> => {
    setState({ kind: 'sending' });
    const outcome = await withCeremonies((ceremonies) => ceremonies.provePasskey(step.passkeyOptions));
    if (outcome.kind !== 'made') return setState({ kind: 'no-passkey' });
    return prove({ kind: 'passkey', assertion: outcome.response });
  };
  const change = (next: Source): void => {
    setState({ kind: 'ready' });
    onSource(next);
  };

  const sending = state.kind === 'sending' || state.kind === 'signed-in';
  const wrong = isWrong(state);
  return (
    <Form key={source} name="code" sending={sending} answer={state} onSend={(typed) => void send(typed)} focus>
      {isRefusal(state) && (!wrong || source === 'passkey') && (
        <RefusalNotice refusal={state} here={{ invalid_credentials: words.passkeyWrong }} />
      )}
      {state.kind === 'no-passkey' && (
        <Notice tone="warn" spoken>
          <p>{words.passkeyNone}</p>
        </Notice>
      )}
      {source === 'none' && (
        <Notice tone="warn">
          <p>{words.noneHere}</p>
        </Notice>
      )}
      {(source === 'app' || source === 'recovery') && (
        <CodeField source={source} errors={errorsOf(state.kind, wrong, source)} />
      )}
      {source !== 'none' && (
        <div class="actions">
          <Button type="submit" look="primary" wide sending={sending ? words.sending : undefined}>
            {source === 'passkey' ? words.usePasskey : words.submit}
          </Button>
        </div>
      )}
      <div class="others">
        {sourcesOf(step)
          .filter((other) => other !== source)
          .map((other) => (
            <Button key={other} look="plain" onPress={() => change(other)}>
              {waysTo[other]}
            </Button>
          ))}
        <Button look="plain" onPress={onBack}>
          {words.back}
        </Button>
      </div>
    </Form>
  );
}

const waysTo: Readonly<Record<Source, string>> = {
  passkey: messages.code.usePasskey,
  app: messages.code.useApp,
  recovery: messages.code.useRecovery,
  none: '',
};

function CodeField({ source, errors }: { readonly source: 'app' | 'recovery'; readonly errors: readonly string[] }) {
  const words = messages.code;
  const fromApp = source === 'app';
  return (
    <Field
      name="totp_token"
      label={fromApp ? words.label : words.recoveryLabel}
      help={fromApp ? words.help : words.recoveryHelp}
      autocomplete="one-time-code"
      code
      keyboard={fromApp ? 'numeric' : 'text'}
      errors={errors}
      onInput={sendWhenWhole}
    />
  );
}

function isWrong(outcome: State | SignInOutcome): boolean {
  return outcome.kind === 'refused' && outcome.code === 'invalid_credentials';
}

/** A challenge that is over is refused like a wrong answer: what the server does not say, its rules do. */
function isOver(outcome: SignInOutcome, step: SecondStep, wrongAnswers: number): boolean {
  if (outcome.kind === 'session-ended') return true;
  return isWrong(outcome) && (wrongAnswers >= mostWrong || (step.expiresAt > 0 && Date.now() >= step.expiresAt));
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
