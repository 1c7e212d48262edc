import { useState } from 'preact/hooks';
import { changePassword } from '../api/account.ts';
import { type SignedIn, hasFactor, isRefusal } from '../api/answers.ts';
import { ownPasskeyOptions } from '../api/factors.ts';
import { passkeySupport, withCeremonies } from '../api/passkeys.ts';
import type { DoneAtLast } from '../api/sign-in.ts';
import { workingTokens } from '../api/tokens.ts';
import { Button } from '../parts/button.tsx';
import { announce } from '../parts/announce.ts';
import { Form, type Typed } from '../parts/form.tsx';
import { Notice } from '../parts/notice.tsx';
import { NewPasswordField } from '../parts/new-password-field.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { places } from '../places.ts';
import { accountMessages } from '../words/account-messages.ts';
import { messages } from '../words/messages.ts';
import { secretMessages } from '../words/secret-messages.ts';
import { passwordReasons } from '../words/password-reasons.ts';
import { codeOf, ProofFields, readProof } from '../door/proof-fields.tsx';
import { Section } from '../inside/section.tsx';

interface Errors {
  readonly old?: string;
  readonly code?: string;
  readonly fresh?: readonly string[];
}

type State =
  | { readonly kind: 'ready' }
  | { readonly kind: 'sending' }
  | { readonly kind: 'beside'; readonly errors: Errors }
  | Exclude<DoneAtLast, { kind: 'given-up' }>;

interface Props {
  readonly person: SignedIn;
  readonly onChanged: () => void;
}

export function PasswordSection({ person, onChanged }: Props) {
  const words = accountMessages.changePassword;
  const [state, setState] = useState<State>({ kind: 'ready' });
  const [changes, setChanges] = useState(0);
  const [tokens, setTokens] = useState(0);

  const send = async (typed: Typed): Promise<void> => {
    const fresh = typed('new_password');
    const old = readProof(typed);
    const errors: Errors = {
      ...(old.password === '' ? { old: words.oldMissing } : {}),
      ...(old.code === '' && hasFactor(person) && !usesPasskey(person) ? { code: messages.code.missing } : {}),
      ...(fresh === '' ? { fresh: [secretMessages.newPassword.missing] } : {}),
    };
    if (Object.keys(errors).length > 0) return setState({ kind: 'beside', errors });
    setState({ kind: 'sending' });
    const passkey = old.code === '' && usesPasskey(person) ? await provenPasskey() : undefined;
    if (passkey === 'none') return setState({ kind: 'beside', errors: { code: messages.code.passkeyNone } });
    const outcome = await changePassword(old, passkey, fresh);
    setState(besideField(outcome, hasFactor(person)));
    if (outcome.kind !== 'done') return;
    announce(words.done);
    // A new form: nothing of either password stays in the page.
    setChanges(changes + 1);
    onChanged();
    // They do not hang on the password. Whoever changed it because somebody knew it may want them gone.
    setTokens((await workingTokens()) ?? 0);
  };

  const errors: Errors = state.kind === 'beside' ? state.errors : {};
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
            {tokens > 0 && (
              <p>
                <a href={places.tokens}>{words.tokens(tokens)}</a>
              </p>
            )}
          </Notice>
        )}
        {isRefusal(state) && <RefusalNotice refusal={state} />}
        <ProofFields
          label={words.old}
          code={codeOf(person)}
          username={person.username}
          errors={errors.old === undefined ? [] : [errors.old]}
          codeErrors={errors.code === undefined ? [] : [errors.code]}
          codeHelp={codeHelp(person)}
        />
        <NewPasswordField
          name="new_password"
          label={secretMessages.newPassword.label}
          help={hasFactor(person) ? secretMessages.newPassword.helpWithFactor : secretMessages.newPassword.help}
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

/** An empty code field then means the passkey. */
function usesPasskey(person: SignedIn): boolean {
  return person.passkeys > 0 && passkeySupport === 'there';
}

function codeHelp(person: SignedIn): string | undefined {
  const words = accountMessages.changePassword;
  if (!usesPasskey(person)) return undefined;
  return person.hasTotp ? words.codeOrPasskey : words.recoveryOrPasskey;
}

async function provenPasskey(): Promise<object | 'none'> {
  const asked = await ownPasskeyOptions();
  if (asked.kind !== 'options') return 'none';
  const made = await withCeremonies((ceremonies) => ceremonies.provePasskey(asked.options));
  return made.kind === 'made' ? made.response : 'none';
}

function besideField(outcome: DoneAtLast, factor: boolean): State {
  const words = accountMessages.changePassword;
  if (outcome.kind === 'given-up') return { kind: 'ready' };
  if (outcome.kind !== 'refused') return outcome;
  switch (outcome.code) {
    case 'reauthentication_failed':
      return { kind: 'beside', errors: { old: factor ? words.oldWrongEither : words.oldWrong } };
    case 'password_refused':
      return { kind: 'beside', errors: { fresh: passwordReasons(outcome, factor) } };
    case 'payload_too_large':
      return { kind: 'beside', errors: { fresh: [secretMessages.newPassword.tooLong] } };
    default:
      return outcome;
  }
}
