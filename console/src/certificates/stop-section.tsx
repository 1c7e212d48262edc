/** Dropping what was chosen: last on the page, named by its effect, asked back. */
import { useState } from 'preact/hooks';
import { type Refusal, isRefusal } from '../api/answers.ts';
import { type PairFiles, type PairNote, type Serving, dropPair } from '../api/certificates.ts';
import { Section } from '../inside/section.tsx';
import { Button } from '../parts/button.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Notice } from '../parts/notice.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { certificateMessages } from '../words/certificate-messages.ts';
import type { OnSwitched } from './judging.ts';
import { Problems } from './problems.tsx';

const words = certificateMessages.stopping;

interface Props {
  readonly found: readonly PairFiles[];
  readonly onSwitched: OnSwitched;
}

type State =
  | { readonly kind: 'shut' }
  | { readonly kind: 'asking' }
  | { readonly kind: 'sending' }
  | { readonly kind: 'unusable'; readonly problems: readonly PairNote[] }
  | Refusal;

export function StopSection({ found, onSwitched }: Props) {
  const [state, setState] = useState<State>({ kind: 'shut' });
  const send = async (): Promise<void> => {
    setState({ kind: 'sending' });
    const outcome = await dropPair();
    if (outcome.kind === 'given-up') return setState({ kind: 'asking' });
    if (outcome.kind !== 'switched') return setState(outcome);
    setState({ kind: 'shut' });
    onSwitched(outcome);
  };
  const said = comesAfter(found) === 'self-made' ? selfMade : unclear;
  return (
    <Section id="stop" heading={said.heading} lead={said.lead}>
      <div class="actions">
        <Button look="danger" onPress={() => setState({ kind: 'asking' })}>
          {said.submit}
        </Button>
      </div>
      {state.kind !== 'shut' && (
        <Dialog heading={said.question} lead={said.lead} onCancel={() => setState({ kind: 'shut' })}>
          {state.kind === 'unusable' && (
            <Notice tone="danger">
              <Problems problems={state.problems} />
            </Notice>
          )}
          {isRefusal(state) && <RefusalNotice refusal={state} here={{ conflict: certificateMessages.using.off }} />}
          <div class="actions">
            <Button
              look="danger certain"
              sending={state.kind === 'sending' ? words.sending : undefined}
              onPress={() => void send()}
            >
              {said.submit}
            </Button>
            <Button onPress={() => setState({ kind: 'shut' })}>{certificateMessages.using.cancel}</Button>
          </div>
        </Dialog>
      )}
    </Section>
  );
}

const selfMade = {
  heading: words.selfMadeHeading,
  lead: words.selfMadeLead,
  submit: words.selfMade,
  question: words.selfMadeQuestion,
};

const unclear = { heading: words.heading, lead: words.lead, submit: words.submit, question: words.question };

/** Whether there is a choice that can be dropped. */
export function isChosen(serving: Serving): boolean {
  return serving.kind === 'tls' && !['settings', 'self-made', 'none', ''].includes(serving.files.source);
}

/** On the machine itself it is plain HTTP; with a pair in the settings it is that one. */
function comesAfter(found: readonly PairFiles[]): 'self-made' | 'unclear' {
  const machine = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(location.hostname);
  return machine || found.some(({ source }) => source === 'settings') ? 'unclear' : 'self-made';
}
