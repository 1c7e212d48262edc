import { useState } from 'preact/hooks';
import { type Refusal, isRefusal } from '../api/answers.ts';
import { type Someone, changePerson } from '../api/people.ts';
import { Section } from '../inside/section.tsx';
import { announce } from '../parts/announce.ts';
import { Button } from '../parts/button.tsx';
import { Form, type Typed } from '../parts/form.tsx';
import { Notice } from '../parts/notice.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { peopleMessages } from '../words/people-messages.ts';
import { DetailsFields, readDetails } from './details-fields.tsx';

const words = peopleMessages.person;

type State = { readonly kind: 'ready' } | { readonly kind: 'sending' } | { readonly kind: 'saved' } | Refusal;

interface Props {
  readonly person: Someone;
  readonly onChanged: (person: Someone) => void;
}

export function DetailsSection({ person, onChanged }: Props) {
  const [state, setState] = useState<State>({ kind: 'ready' });
  const send = async (typed: Typed): Promise<void> => {
    setState({ kind: 'sending' });
    const outcome = await changePerson(person.id, readDetails(typed));
    if (outcome.kind === 'given-up') return setState({ kind: 'ready' });
    if (outcome.kind !== 'person') return setState(outcome);
    setState({ kind: 'saved' });
    announce(words.saved);
    onChanged(outcome.person);
  };
  return (
    <Section id="details" heading={words.detailsHeading} lead={words.detailsLead}>
      <Form name="details" sending={state.kind === 'sending'} answer={state} onSend={(typed) => void send(typed)}>
        <DetailsFields person={person} />
        {isRefusal(state) && <RefusalNotice refusal={state} here={{ conflict: words.lastAdmin }} />}
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
