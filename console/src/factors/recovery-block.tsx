import { useState } from 'preact/hooks';
import { type Refusal, isRefusal } from '../api/answers.ts';
import { renewRecoveryCodes } from '../api/factors.ts';
import { Button } from '../parts/button.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { factorMessages } from '../words/factor-messages.ts';
import type { BlockProps } from './factors-section.tsx';

const words = factorMessages.codes;

type State = { readonly kind: 'shut' } | { readonly kind: 'asking' } | { readonly kind: 'sending' } | Refusal;

export function RecoveryBlock({ factors, onChange }: BlockProps) {
  const [state, setState] = useState<State>({ kind: 'shut' });
  const left = factors.recoveryCodes;
  const renew = async (): Promise<void> => {
    setState({ kind: 'sending' });
    const outcome = await renewRecoveryCodes();
    if (outcome.kind === 'given-up') return setState({ kind: 'asking' });
    if (outcome.kind !== 'codes') return setState(outcome);
    setState({ kind: 'shut' });
    onChange({ said: words.renewed, codes: { lead: words.newLead, codes: outcome.codes } });
  };
  return (
    <div class="factor">
      <header>
        <h3>{words.heading}</h3>
        <p class="quiet">{words.lead}</p>
      </header>
      {left === 0 ? <p class="mark-warn">{words.none}</p> : <p>{words.left(left)}</p>}
      <div class="actions">
        <Button onPress={() => setState({ kind: 'asking' })}>{words.renew}</Button>
      </div>
      {state.kind !== 'shut' && (
        <Dialog heading={words.renewHeading} lead={words.renewLead} onCancel={() => setState({ kind: 'shut' })}>
          {isRefusal(state) && <RefusalNotice refusal={state} />}
          <div class="actions">
            <Button
              look="primary"
              sending={state.kind === 'sending' ? words.renewing : undefined}
              onPress={() => void renew()}
            >
              {words.renewSubmit}
            </Button>
            <Button onPress={() => setState({ kind: 'shut' })}>{factorMessages.factors.cancel}</Button>
          </div>
        </Dialog>
      )}
    </div>
  );
}
