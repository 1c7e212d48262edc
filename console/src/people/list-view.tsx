import { useEffect, useRef, useState } from 'preact/hooks';
import { type Refusal, isRefusal } from '../api/answers.ts';
import { type PeopleOutcome, people as listPeople } from '../api/people.ts';
import { More } from '../inside/more.tsx';
import { Unread } from '../inside/unread.tsx';
import { Field } from '../parts/field.tsx';
import { Form } from '../parts/form.tsx';
import { Heading } from '../parts/heading.tsx';
import { Notice } from '../parts/notice.tsx';
import { peopleMessages } from '../words/people-messages.ts';
import { PeopleTable } from './people-table.tsx';
import { toAdd } from './view.ts';

const words = peopleMessages.people;

interface Props {
  readonly self: string;
  readonly moved: boolean;
  /** What was done to somebody who is not there any more. */
  readonly said: string;
}

/** Long enough to type the next letter. */
const pauseMs = 200;

export function ListView({ self, moved, said }: Props) {
  const [list, setList] = useState<PeopleOutcome | { readonly kind: 'waiting' }>({ kind: 'waiting' });
  const [query, setQuery] = useState('');
  const turn = useRef(0);
  const load = async (): Promise<void> => {
    const mine = (turn.current += 1);
    const outcome = await listPeople(query, '');
    // An answer to fewer letters may come after one to more.
    if (mine === turn.current) setList(outcome);
  };
  const more = async (before: Extract<PeopleOutcome, { kind: 'people' }>): Promise<Refusal | { kind: 'shown' }> => {
    const outcome = await listPeople(query, before.next);
    if (outcome.kind === 'people') setList({ ...outcome, people: [...before.people, ...outcome.people] });
    return isRefusal(outcome) ? outcome : { kind: 'shown' };
  };
  useEffect(() => {
    const timer = setTimeout(() => void load(), query === '' ? 0 : pauseMs);
    return () => clearTimeout(timer);
  }, [query]);

  return (
    <>
      <header class="person">
        <div class="beside">
          <Heading text={words.heading} focus={moved} />
          <a class="button primary" href={toAdd}>
            {words.add}
          </a>
        </div>
        <p class="quiet">{words.lead}</p>
        {said !== '' && (
          <Notice tone="good" spoken>
            <p>{said}</p>
          </Notice>
        )}
      </header>
      <section class="section" aria-label={words.heading}>
        <Form name="search" sending={false} answer={undefined} onSend={() => void load()}>
          <Field
            name="q"
            label={words.search}
            help={words.searchHelp}
            autocomplete="off"
            onInput={(typed) => setQuery(typed.trim())}
          />
        </Form>
        {isRefusal(list) && <Unread refusal={list} onAgain={() => void load()} />}
        {list.kind === 'waiting' && <PeopleTable people="waiting" self={self} />}
        {list.kind === 'people' && list.people.length === 0 && <p class="empty">{words.nobody}</p>}
        {list.kind === 'people' && list.people.length > 0 && <PeopleTable people={list.people} self={self} />}
        {list.kind === 'people' && list.next !== '' && <More onMore={() => more(list)} />}
      </section>
    </>
  );
}
