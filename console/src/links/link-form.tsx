import { useState } from 'preact/hooks';
import { type Refusal, isRefusal } from '../api/answers.ts';
import { type Link, redeemLink } from '../api/links.ts';
import type { SecondStep } from '../api/sign-in.ts';
import { Button } from '../parts/button.tsx';
import { Form, type Typed } from '../parts/form.tsx';
import { NewPasswordField } from '../parts/new-password-field.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { linkMessages } from '../words/link-messages.ts';
import { passwordReasons } from '../words/password-reasons.ts';
import { secretMessages } from '../words/secret-messages.ts';

const words = linkMessages.link;
const said = secretMessages.newPassword;

type State =
  | { readonly kind: 'ready' }
  | { readonly kind: 'sending' }
  | { readonly kind: 'wrong'; readonly errors: readonly string[] }
  | Refusal;

interface Props {
  readonly found: Link;
  readonly link: string;
  readonly onRedeemed: (recoveryCodes: readonly string[]) => void;
  readonly onSecond: (step: SecondStep) => void;
  readonly onInvalid: (refusal: Refusal) => void;
}

export function LinkForm({ found, link, onRedeemed, onSecond, onInvalid }: Props) {
  const [state, setState] = useState<State>({ kind: 'ready' });
  const { hasFactor } = found;
  const send = async (typed: Typed): Promise<void> => {
    const password = typed('password');
    if (password === '') return setState({ kind: 'wrong', errors: [said.missing] });
    setState({ kind: 'sending' });
    const outcome = await redeemLink(link, password);
    if (outcome.kind === 'redeemed') return onRedeemed(outcome.recoveryCodes);
    if (outcome.kind === 'code-wanted') return onSecond(outcome);
    if (outcome.kind === 'refused' && outcome.code === 'link_invalid') return onInvalid(outcome);
    if (outcome.kind === 'refused' && outcome.code === 'password_refused')
      return setState({ kind: 'wrong', errors: passwordReasons(outcome, hasFactor) });
    if (outcome.kind === 'refused' && outcome.code === 'payload_too_large')
      return setState({ kind: 'wrong', errors: [said.tooLong] });
    setState(outcome);
  };
  return (
    <Form name="link" sending={state.kind === 'sending'} answer={state} onSend={(typed) => void send(typed)} focus>
      {isRefusal(state) && <RefusalNotice refusal={state} />}
      {/* For password managers, which want to know whose password this is. */}
      <input type="text" name="username" autocomplete="username" value={found.username} readOnly hidden />
      <NewPasswordField
        name="password"
        label={said.label}
        help={hasFactor ? said.helpWithFactor : said.help}
        errors={state.kind === 'wrong' ? state.errors : []}
      />
      <div class="actions">
        <Button type="submit" look="primary" wide sending={state.kind === 'sending' ? words.sending : undefined}>
          {words.submit}
        </Button>
      </div>
    </Form>
  );
}
