/** What ends things for somebody: last on the page, named by its effect, asked back. */
import { useState } from 'preact/hooks';
import { type Refusal, isRefusal } from '../api/answers.ts';
import { type Someone, changePerson, removePerson } from '../api/people.ts';
import { focusHeading, Section } from '../inside/section.tsx';
import { announce } from '../parts/announce.ts';
import { Button } from '../parts/button.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { peopleMessages } from '../words/people-messages.ts';

const words = peopleMessages.personEnd;

interface Props {
  readonly person: Someone;
  readonly onChanged: (person: Someone) => void;
  readonly onRemoved: () => void;
}

type State = { readonly kind: 'shut' } | { readonly kind: 'asking' } | { readonly kind: 'sending' } | Refusal;

export function EndSections({ person, onChanged, onRemoved }: Props) {
  return (
    <>
      {person.active ? (
        <SwitchOff person={person} onChanged={onChanged} />
      ) : (
        <SwitchOn person={person} onChanged={onChanged} />
      )}
      <Remove person={person} onRemoved={onRemoved} />
    </>
  );
}

function SwitchOff({ person, onChanged }: Omit<Props, 'onRemoved'>) {
  const [state, setState] = useState<State>({ kind: 'shut' });
  const send = async (): Promise<void> => {
    setState({ kind: 'sending' });
    const outcome = await changePerson(person.id, { active: false });
    if (outcome.kind === 'given-up') return setState({ kind: 'asking' });
    if (outcome.kind !== 'person') return setState(outcome);
    setState({ kind: 'shut' });
    onChanged(outcome.person);
    announce(words.offDone(person.username));
    focusHeading('active');
  };
  return (
    <Section id="active" heading={words.offHeading} lead={words.offLead}>
      <div class="actions">
        <Button look="danger" onPress={() => setState({ kind: 'asking' })}>
          {words.off(person.username)}
        </Button>
      </div>
      {state.kind !== 'shut' && (
        <Question
          heading={words.offQuestion(person.username)}
          lead={words.offLead}
          certain={words.off(person.username)}
          state={state}
          onSend={() => void send()}
          onCancel={() => setState({ kind: 'shut' })}
        />
      )}
    </Section>
  );
}

function SwitchOn({ person, onChanged }: Omit<Props, 'onRemoved'>) {
  const [state, setState] = useState<State>({ kind: 'shut' });
  const send = async (): Promise<void> => {
    setState({ kind: 'sending' });
    const outcome = await changePerson(person.id, { active: true });
    if (outcome.kind === 'given-up') return setState({ kind: 'shut' });
    if (outcome.kind !== 'person') return setState(outcome);
    onChanged(outcome.person);
    announce(words.onDone(person.username));
    focusHeading('active');
  };
  return (
    <Section id="active" heading={words.onHeading} lead={words.onLead}>
      {isRefusal(state) && <RefusalNotice refusal={state} />}
      <div class="actions">
        <Button onPress={() => void send()} sending={state.kind === 'sending' ? words.sending : undefined}>
          {words.on(person.username)}
        </Button>
      </div>
    </Section>
  );
}

function Remove({ person, onRemoved }: Omit<Props, 'onChanged'>) {
  const [state, setState] = useState<State>({ kind: 'shut' });
  const send = async (): Promise<void> => {
    setState({ kind: 'sending' });
    const outcome = await removePerson(person.id);
    if (outcome.kind === 'given-up') return setState({ kind: 'asking' });
    // Gone already is what was wanted.
    if (outcome.kind === 'done' || (outcome.kind === 'refused' && outcome.status === 404)) return onRemoved();
    setState(outcome);
  };
  return (
    <Section id="remove" heading={words.removeHeading} lead={words.removeLead}>
      <div class="actions">
        <Button look="danger" onPress={() => setState({ kind: 'asking' })}>
          {words.remove(person.username)}
        </Button>
      </div>
      {state.kind !== 'shut' && (
        <Question
          heading={words.removeQuestion(person.username)}
          lead={words.removeLead}
          certain={words.remove(person.username)}
          state={state}
          onSend={() => void send()}
          onCancel={() => setState({ kind: 'shut' })}
        />
      )}
    </Section>
  );
}

interface QuestionProps {
  readonly heading: string;
  readonly lead: string;
  readonly certain: string;
  readonly state: State;
  readonly onSend: () => void;
  readonly onCancel: () => void;
}

function Question({ heading, lead, certain, state, onSend, onCancel }: QuestionProps) {
  return (
    <Dialog heading={heading} lead={lead} onCancel={onCancel}>
      {isRefusal(state) && <RefusalNotice refusal={state} here={{ conflict: peopleMessages.person.lastAdmin }} />}
      <div class="actions">
        <Button look="danger certain" sending={state.kind === 'sending' ? words.sending : undefined} onPress={onSend}>
          {certain}
        </Button>
        <Button onPress={onCancel}>{words.keep}</Button>
      </div>
    </Dialog>
  );
}
