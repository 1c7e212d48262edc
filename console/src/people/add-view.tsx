import { useState } from 'preact/hooks';
import { type Refusal, isRefusal } from '../api/answers.ts';
import { type LinkOutcome, addPerson, makeLink } from '../api/people.ts';
import { Button } from '../parts/button.tsx';
import { Field } from '../parts/field.tsx';
import { Form, type Typed } from '../parts/form.tsx';
import { Heading } from '../parts/heading.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { peopleMessages } from '../words/people-messages.ts';
import { DetailsFields, readDetails } from './details-fields.tsx';
import { toList } from './view.ts';

const words = peopleMessages.person;

type State =
  | { readonly kind: 'ready' }
  | { readonly kind: 'sending' }
  | { readonly kind: 'wrong'; readonly error: string }
  | Refusal;

interface Props {
  readonly onAdded: (id: string, link: LinkOutcome) => void;
}

/** Somebody new, with the invitation in the same go. */
export function AddView({ onAdded }: Props) {
  const [state, setState] = useState<State>({ kind: 'ready' });
  const send = async (typed: Typed): Promise<void> => {
    const username = typed('new_username').trim();
    const error = nameError(username);
    if (error !== '') return setState({ kind: 'wrong', error });
    setState({ kind: 'sending' });
    const outcome = await addPerson(username, readDetails(typed));
    if (outcome.kind === 'given-up') return setState({ kind: 'ready' });
    if (outcome.kind === 'refused' && outcome.status === 409)
      return setState({ kind: 'wrong', error: words.usernameTaken });
    if (outcome.kind !== 'person') return setState(outcome);
    onAdded(outcome.person.id, await makeLink(outcome.person.id, 'invite'));
  };
  return (
    <>
      <header class="person">
        <nav class="links">
          <a href={toList}>{peopleMessages.people.all}</a>
        </nav>
        <Heading text={words.addHeading} focus={false} />
        <p class="quiet">{words.addLead}</p>
      </header>
      <section class="section" aria-label={words.addHeading}>
        <Form name="add" sending={state.kind === 'sending'} answer={state} onSend={(typed) => void send(typed)} focus>
          {isRefusal(state) && <RefusalNotice refusal={state} />}
          <Field
            name="new_username"
            label={words.username}
            help={words.usernameHelp}
            autocomplete="off"
            errors={state.kind === 'wrong' ? [state.error] : []}
          />
          <DetailsFields />
          <div class="actions">
            <Button type="submit" look="primary" sending={state.kind === 'sending' ? words.adding : undefined}>
              {words.addSubmit}
            </Button>
            <a class="button" href={toList}>
              {words.cancel}
            </a>
          </div>
        </Form>
      </section>
    </>
  );
}

function nameError(username: string): string {
  if (username === '') return words.usernameMissing;
  return /[\s:/]/.test(username) ? words.usernameRefused : '';
}
