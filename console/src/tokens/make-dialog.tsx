/** A new token: what it is called, what it may do, how long, from where. */
import { useState } from 'preact/hooks';
import { type Refusal, isRefusal } from '../api/answers.ts';
import { type MadeSecret, type NewToken, makeToken } from '../api/tokens.ts';
import { Button } from '../parts/button.tsx';
import { Choice } from '../parts/choice.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Form, type Typed } from '../parts/form.tsx';
import { Notice } from '../parts/notice.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { Select } from '../parts/select.tsx';
import { tokenMessages } from '../words/token-messages.ts';
import {
  AddressesField,
  type Beside,
  besideField,
  isEmpty,
  LimitFields,
  listOf,
  NameField,
  readFields,
  ScopesField,
  usualLimits,
  wrongWith,
} from './token-fields.tsx';

const words = tokenMessages.make;

interface Props {
  readonly admin: boolean;
  readonly onMade: (made: MadeSecret) => void;
  readonly onCancel: () => void;
}

type May = 'read-only' | 'everything' | 'chosen';
type Valid = '30' | '90' | '365' | 'forever';

type State =
  | { readonly kind: 'ready' }
  | { readonly kind: 'sending' }
  | { readonly kind: 'wrong'; readonly beside: Beside }
  | Refusal;

export function MakeDialog({ admin, onMade, onCancel }: Props) {
  const [state, setState] = useState<State>({ kind: 'ready' });
  const [may, setMay] = useState<May>('read-only');
  const [valid, setValid] = useState<Valid>('365');

  const send = async (typed: Typed): Promise<void> => {
    const scopes = may === 'chosen' ? scopesError(listOf(typed('scopes'))) : '';
    const wrong: Beside = { ...wrongWith(typed), ...(scopes === '' ? {} : { scopes }) };
    if (!isEmpty(wrong)) return setState({ kind: 'wrong', beside: wrong });
    setState({ kind: 'sending' });
    const outcome = await makeToken({ ...readFields(typed), ...mayField(may, typed), ...validField(valid) });
    if (outcome.kind === 'made') return onMade(outcome);
    if (outcome.kind === 'given-up') return setState({ kind: 'ready' });
    const beside = outcome.kind === 'refused' ? besideOf(outcome, may) : {};
    setState(isEmpty(beside) ? outcome : { kind: 'wrong', beside });
  };

  const beside: Beside = state.kind === 'wrong' ? state.beside : {};
  const limited = beside.perMinute !== undefined || beside.perHour !== undefined;
  return (
    <Dialog heading={words.heading} lead={words.lead} broad onCancel={onCancel}>
      <Form
        name="make-token"
        sending={state.kind === 'sending'}
        answer={state}
        onSend={(typed) => void send(typed)}
        focus
      >
        <NameField beside={beside} />
        <Choice name="may" label={words.may} value={may} options={mayOptions(admin)} onPick={setMay} />
        {may === 'chosen' && <ScopesField beside={beside} admin={admin} />}
        <Select name="valid" label={words.valid} value={valid} options={validOptions} onPick={setValid} />
        {valid === 'forever' && (
          <Notice tone="warn" spoken>
            <p>{words.foreverWarning}</p>
          </Notice>
        )}
        <AddressesField beside={beside} />
        <details class="more" {...(limited ? { open: true } : {})}>
          <summary>{words.limits}</summary>
          <div class="form">
            <p class="quiet small">{words.limitsLead}</p>
            <LimitFields beside={beside} {...usualLimits} />
          </div>
        </details>
        {isRefusal(state) && <RefusalNotice refusal={state} here={{ conflict: words.tooMany }} />}
        <div class="actions">
          <Button type="submit" look="primary" sending={state.kind === 'sending' ? words.sending : undefined}>
            {words.submit}
          </Button>
          <Button onPress={onCancel}>{words.cancel}</Button>
        </div>
      </Form>
    </Dialog>
  );
}

function mayOptions(admin: boolean) {
  return [
    { value: 'read-only', name: words.readOnly, help: words.readOnlyHelp },
    ...(admin ? [{ value: 'everything', name: words.everything, help: words.everythingHelp } as const] : []),
    { value: 'chosen', name: words.chosen, help: words.chosenHelp },
  ] as const;
}

const validOptions = [
  { value: '30', name: words.days(30) },
  { value: '90', name: words.days(90) },
  { value: '365', name: words.days(365) },
  { value: 'forever', name: words.forever },
] as const;

function mayField(may: May, typed: Typed): Pick<NewToken, 'scope' | 'scopes'> {
  if (may === 'chosen') return { scopes: listOf(typed('scopes')) };
  return { scope: may === 'everything' ? 'full_admin' : 'read_only' };
}

function validField(valid: Valid): Pick<NewToken, 'expires_in_days' | 'never'> {
  return valid === 'forever' ? { never: true } : { expires_in_days: Number(valid) };
}

/** Their form only, as the server has it; whether they may be had it judges alone. */
function scopesError(scopes: readonly string[]): string {
  if (scopes.length === 0) return words.scopesMissing;
  const form = /^(?:\*|[a-z][a-z0-9_.-]*(?::[a-z0-9_.-]+)*(?::\*)?)$/;
  return scopes.every((scope) => form.test(scope)) ? '' : words.scopesRefused;
}

function besideOf(refusal: Extract<Refusal, { kind: 'refused' }>, may: May): Beside {
  return refusal.code === 'forbidden' && may === 'chosen' ? { scopes: words.scopesForbidden } : besideField(refusal);
}
