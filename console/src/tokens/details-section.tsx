import { useState } from 'preact/hooks';
import { type Refusal, isRefusal } from '../api/answers.ts';
import { type Token, changeToken } from '../api/tokens.ts';
import { Section } from '../inside/section.tsx';
import { announce } from '../parts/announce.ts';
import { Button } from '../parts/button.tsx';
import { Form, type Typed } from '../parts/form.tsx';
import { Notice } from '../parts/notice.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { tokenMessages } from '../words/token-messages.ts';
import {
  AddressesField,
  type Beside,
  besideField,
  isEmpty,
  LimitFields,
  NameField,
  readFields,
  wrongWith,
} from './token-fields.tsx';

const words = tokenMessages.token;

type State =
  | { readonly kind: 'ready' }
  | { readonly kind: 'sending' }
  | { readonly kind: 'saved' }
  | { readonly kind: 'wrong'; readonly beside: Beside }
  | Refusal;

interface Props {
  readonly token: Token;
  readonly own: boolean;
  readonly onChanged: (token: Token) => void;
}

export function DetailsSection({ token, own, onChanged }: Props) {
  const [state, setState] = useState<State>({ kind: 'ready' });
  const send = async (typed: Typed): Promise<void> => {
    const wrong = wrongWith(typed);
    if (!isEmpty(wrong)) return setState({ kind: 'wrong', beside: wrong });
    setState({ kind: 'sending' });
    const outcome = await changeToken(token, readFields(typed));
    if (outcome.kind === 'given-up') return setState({ kind: 'ready' });
    if (outcome.kind !== 'token') {
      const beside = outcome.kind === 'refused' ? besideField(outcome) : {};
      return setState(isEmpty(beside) ? outcome : { kind: 'wrong', beside });
    }
    setState({ kind: 'saved' });
    announce(words.saved);
    onChanged(outcome.token);
  };
  const beside: Beside = state.kind === 'wrong' ? state.beside : {};
  return (
    <Section
      id="details"
      heading={words.detailsHeading}
      lead={own ? words.detailsLead : words.detailsLeadOf(token.owner)}
    >
      <Form name="details" sending={state.kind === 'sending'} answer={state} onSend={(typed) => void send(typed)}>
        <NameField beside={beside} name={token.name} />
        <AddressesField beside={beside} addresses={token.addresses} />
        <LimitFields beside={beside} perMinute={token.perMinute} perHour={token.perHour} />
        {isRefusal(state) && (
          <RefusalNotice refusal={state} here={{ conflict: words.changed, forbidden: words.ownersOnly }} />
        )}
        {state.kind === 'saved' && (
          <Notice tone="good">
            <p>{words.saved}</p>
          </Notice>
        )}
        <div class="actions">
          <Button type="submit" look="primary" sending={state.kind === 'sending' ? words.saving : undefined}>
            {words.save}
          </Button>
        </div>
      </Form>
    </Section>
  );
}
