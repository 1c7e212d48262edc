/** For administrators, at the end of the page: sign-in off for everybody, and on again. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { switchOff } from '../api/account.ts';
import { type SignedIn, isRefusal } from '../api/answers.ts';
import { type Done, type DoneAtLast, switchOn } from '../api/sign-in.ts';
import { announce } from '../parts/announce.ts';
import { Button } from '../parts/button.tsx';
import { Form, type Typed } from '../parts/form.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { accountMessages } from '../words/account-messages.ts';
import { messages } from '../words/messages.ts';
import { codeOf, ProofFields, readProof } from '../door/proof-fields.tsx';
import { focusHeading, Section } from '../inside/section.tsx';

const words = accountMessages.switchOff;

interface Props {
  readonly person: SignedIn;
  readonly enabled: boolean;
  readonly onSwitched: () => Promise<void>;
}

export function SwitchSection({ person, enabled, onSwitched }: Props) {
  const switched = async (): Promise<void> => {
    await onSwitched();
    announce(enabled ? accountMessages.account.offDone : words.onDone);
    focusHeading('switch');
  };
  return (
    <Section id="switch" heading={enabled ? words.heading : words.onHeading} lead={enabled ? words.lead : words.onLead}>
      {enabled ? <SwitchOff onSwitched={switched} /> : <SwitchOn person={person} onSwitched={switched} />}
    </Section>
  );
}

/** Somebody else was quicker: it is as it was to be. */
function isSwitched(outcome: DoneAtLast): boolean {
  return outcome.kind === 'done' || (outcome.kind === 'refused' && outcome.status === 409);
}

interface SwitchOffProps {
  readonly onSwitched: () => Promise<void>;
}

function SwitchOff({ onSwitched }: SwitchOffProps) {
  const [asking, setAsking] = useState(false);
  const offer = useRef<HTMLDivElement>(null);
  const cancel = (): void => {
    setAsking(false);
    requestAnimationFrame(() => offer.current?.querySelector('button')?.focus());
  };
  if (asking) return <Question onSwitched={onSwitched} onCancel={cancel} />;
  return (
    <div class="actions" ref={offer}>
      <Button look="danger" onPress={() => setAsking(true)}>
        {words.offer}
      </Button>
    </div>
  );
}

function Question({ onSwitched, onCancel }: SwitchOffProps & { readonly onCancel: () => void }) {
  const [state, setState] = useState<DoneAtLast | { readonly kind: 'ready' } | { readonly kind: 'sending' }>({
    kind: 'ready',
  });
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);

  const send = async (): Promise<void> => {
    setState({ kind: 'sending' });
    const outcome = await switchOff();
    if (isSwitched(outcome)) return onSwitched();
    setState(outcome);
  };
  return (
    <div class="confirm">
      <div>
        <h3 ref={heading} tabIndex={-1}>
          {words.confirmHeading}
        </h3>
        <p>{words.effect}</p>
      </div>
      {isRefusal(state) && <RefusalNotice refusal={state} />}
      <div class="actions">
        <Button
          look="danger certain"
          sending={state.kind === 'sending' ? words.sending : undefined}
          onPress={() => void send()}
        >
          {words.confirm}
        </Button>
        <Button onPress={onCancel}>{words.cancel}</Button>
      </div>
    </div>
  );
}

type State =
  | { readonly kind: 'ready' }
  | { readonly kind: 'sending' }
  | { readonly kind: 'wrong'; readonly error: string }
  | Done;

function SwitchOn({ person, onSwitched }: Omit<Props, 'enabled'>) {
  const [state, setState] = useState<State>({ kind: 'ready' });

  const send = async (typed: Typed): Promise<void> => {
    const proof = readProof(typed);
    if (proof.password === '') return setState({ kind: 'wrong', error: messages.signIn.passwordMissing });
    setState({ kind: 'sending' });
    const outcome = await switchOn(person.username, proof);
    if (isSwitched(outcome)) return onSwitched();
    const wrong = outcome.kind === 'refused' && outcome.code === 'invalid_credentials';
    setState(wrong ? { kind: 'wrong', error: accountMessages.confirm.wrong } : outcome);
  };
  return (
    <Form name="switch" sending={state.kind === 'sending'} answer={state} onSend={(typed) => void send(typed)}>
      {isRefusal(state) && <RefusalNotice refusal={state} />}
      <ProofFields
        label={accountMessages.confirm.password}
        code={codeOf(person)}
        username={person.username}
        errors={state.kind === 'wrong' ? [state.error] : []}
      />
      <div class="actions">
        <Button type="submit" sending={state.kind === 'sending' ? messages.off.sending : undefined}>
          {messages.off.submit}
        </Button>
      </div>
    </Form>
  );
}
