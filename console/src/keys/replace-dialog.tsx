/** The question before a key is replaced: how, and what that ends. */
import { useState } from 'preact/hooks';
import { type Refusal, isRefusal } from '../api/answers.ts';
import { type KeyPurpose, type Replaced, type When, replaceKey } from '../api/keys.ts';
import { Button } from '../parts/button.tsx';
import { Choice } from '../parts/choice.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Form } from '../parts/form.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { keyMessages } from '../words/key-messages.ts';
import { known } from '../words/refusal-text.ts';

const words = keyMessages.replacing;

interface Props {
  readonly purpose: KeyPurpose;
  /** Whether the next one is there already. */
  readonly next: 'published' | 'none';
  readonly onReplaced: (when: When, replaced: Replaced) => void;
  readonly onCancel: () => void;
}

type State = { readonly kind: 'ready' } | { readonly kind: 'sending' } | Refusal;

export function ReplaceDialog({ purpose, next, onReplaced, onCancel }: Props) {
  const ways = waysOf(purpose, next);
  const [picked, setPicked] = useState<When>(ways[0]?.value ?? 'now');
  const [state, setState] = useState<State>({ kind: 'ready' });
  const send = async (): Promise<void> => {
    setState({ kind: 'sending' });
    const outcome = await replaceKey(purpose, picked);
    if (outcome.kind === 'replaced') return onReplaced(picked, outcome);
    setState(outcome.kind === 'given-up' ? { kind: 'ready' } : outcome);
  };
  const ending = purpose === 'service' || picked === 'stolen';
  return (
    <Dialog
      heading={known(keyMessages.keyQuestions, purpose) ?? ''}
      lead={known(keyMessages.keyEnds, purpose) ?? ''}
      broad
      onCancel={onCancel}
    >
      <Form name="replace-key" sending={state.kind === 'sending'} answer={state} onSend={() => void send()}>
        {isRefusal(state) && <RefusalNotice refusal={state} here={{ conflict: words.conflict }} />}
        {ways.length > 1 && <Choice name="when" label={words.how} value={picked} options={ways} onPick={setPicked} />}
        {ways.length === 1 && <p>{words.passedOver}</p>}
        <div class="actions">
          <Button
            type="submit"
            look={ending ? 'danger certain' : 'primary'}
            sending={state.kind === 'sending' ? words.sending : undefined}
          >
            {submitOf(purpose, picked)}
          </Button>
          <Button onPress={onCancel}>{words.cancel}</Button>
        </div>
      </Form>
    </Dialog>
  );
}

/** One that is published already is the next one, unless it is to be used at once. The service key is replaced in one way. */
function waysOf(purpose: KeyPurpose, next: Props['next']) {
  if (purpose === 'service') return [];
  const tickets = purpose === 'ticket';
  return [
    ...(next === 'none' ? [{ value: 'planned', name: words.planned, help: words.plannedHelp } as const] : []),
    { value: 'now', name: words.now, help: nowHelpOf(purpose) } as const,
    ...(tickets ? [{ value: 'stolen', name: words.stolen, help: words.stolenHelp } as const] : []),
  ];
}

function nowHelpOf(purpose: KeyPurpose): string {
  if (purpose === 'ticket') return words.nowTickets;
  return purpose === 'cookie' ? words.nowShortLived : words.nowHelp;
}

function submitOf(purpose: KeyPurpose, when: When): string {
  if (purpose === 'service') return known(keyMessages.keyReplace, purpose) ?? words.submit;
  return when === 'stolen' ? words.submitStolen : words.submit;
}
