/** For administrators, at the end of the page: sign-in off for everybody, and on again. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { type Done, switchOff, switchOn } from '../api/api.ts';
import { type Status, isRefusal } from '../api/answers.ts';
import { announce } from '../parts/announce.ts';
import { Button } from '../parts/button.tsx';
import { Form, type Typed } from '../parts/form.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { messages } from '../words/messages.ts';
import type { OnRefusal } from './on-refusal.ts';
import { ProofFields, readProof } from './proof-fields.tsx';
import { focusHeading, Section } from './section.tsx';

const words = messages.switchOff;

interface Props {
  readonly status: Status;
  readonly onRefusal: OnRefusal;
  readonly onSwitched: () => Promise<void>;
}

export function SwitchSection(props: Props) {
  const { enabled } = props.status;
  const [asking, setAsking] = useState(false);
  const offer = useRef<HTMLDivElement>(null);
  const cancel = (): void => {
    setAsking(false);
    requestAnimationFrame(() => offer.current?.querySelector('button')?.focus());
  };
  const switched = async (): Promise<void> => {
    setAsking(false);
    await props.onSwitched();
    announce(enabled ? messages.off.heading : words.onDone);
    focusHeading('switch');
  };
  return (
    <Section id="switch" heading={enabled ? words.heading : words.onHeading} lead={enabled ? words.lead : words.onLead}>
      {asking || !enabled ? (
        <Question {...props} onSwitched={switched} onCancel={cancel} />
      ) : (
        <div class="actions" ref={offer}>
          <Button look="danger" onPress={() => setAsking(true)}>
            {words.offer}
          </Button>
        </div>
      )}
    </Section>
  );
}

type State =
  | { readonly kind: 'ready' }
  | { readonly kind: 'sending' }
  | { readonly kind: 'wrong'; readonly error: string }
  | Done;

function Question({ status, onRefusal, onSwitched, onCancel }: Props & { readonly onCancel: () => void }) {
  const [state, setState] = useState<State>({ kind: 'ready' });
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const { enabled, hasFactor, person } = status;
  const username = person.kind === 'signed-in' ? person.username : '';

  const send = async (typed: Typed): Promise<void> => {
    const proof = readProof(typed);
    if (proof.password === '') return setState({ kind: 'wrong', error: messages.signIn.passwordMissing });
    setState({ kind: 'sending' });
    const outcome = enabled ? await switchOff(proof) : await switchOn(username, proof);
    // Somebody else was quicker: it is as it was to be.
    if (outcome.kind === 'done' || (outcome.kind === 'refused' && outcome.status === 409)) return onSwitched();
    onRefusal(outcome);
    const refused = outcome.kind === 'refused' ? outcome.code : '';
    const wrong = refused === 'reauthentication_failed' || refused === 'invalid_credentials';
    setState(wrong ? { kind: 'wrong', error: words.wrong } : outcome);
  };

  const sending = enabled ? words.sending : messages.off.sending;
  const form = (
    <Form name="switch" sending={state.kind === 'sending'} answer={state} onSend={(typed) => void send(typed)}>
      {isRefusal(state) && <RefusalNotice refusal={state} />}
      <ProofFields
        label={words.password}
        hasFactor={hasFactor}
        username={username}
        errors={state.kind === 'wrong' ? [state.error] : []}
      />
      <div class="actions">
        <Button
          type="submit"
          look={enabled ? 'danger certain' : 'secondary'}
          sending={state.kind === 'sending' ? sending : undefined}
        >
          {enabled ? words.confirm : messages.off.submit}
        </Button>
        {enabled && <Button onPress={onCancel}>{words.cancel}</Button>}
      </div>
    </Form>
  );
  if (!enabled) return form;
  return (
    <div class="confirm">
      <div>
        <h3 ref={heading} tabIndex={-1}>
          {words.confirmHeading}
        </h3>
        <p>{words.effect}</p>
      </div>
      {form}
    </div>
  );
}
