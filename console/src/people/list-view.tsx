import { useEffect, useRef, useState } from 'preact/hooks';
import { type Refusal, isRefusal } from '../api/answers.ts';
import { type PeopleOutcome, people as listPeople } from '../api/people.ts';
import { More } from '../inside/more.tsx';
import { Unread } from '../inside/unread.tsx';
import { PickButton } from '../many/pick-bar.tsx';
import { useSelection } from '../many/selection.ts';
import { Field } from '../parts/field.tsx';
import { Form } from '../parts/form.tsx';
import { Heading } from '../parts/heading.tsx';
import { Notice } from '../parts/notice.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { peopleMessages } from '../words/people-messages.ts';
import { ExportButton } from './export-button.tsx';
import { ManyPeople } from './many-people.tsx';
import { PeopleTable } from './people-table.tsx';
import { toAdd, toImport } from './view.ts';

const words = peopleMessages.people;

interface Props {
  readonly self: string;
  readonly moved: boolean;
  /** What was done a moment ago. */
  readonly said: string;
  readonly onSaid: (said: string) => void;
}

/** Long enough to type the next letter. */
const pauseMs = 200;

export function ListView({ self, moved, said, onSaid }: Props) {
  const [list, setList] = useState<PeopleOutcome | { readonly kind: 'waiting' }>({ kind: 'waiting' });
  const [query, setQuery] = useState('');
  const [unsaved, setUnsaved] = useState<Refusal | undefined>();
  const selection = useSelection();
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
  const doneToMany = async (what: string): Promise<void> => {
    selection.end();
    onSaid(what);
    await load();
    // What had the focus is gone.
    requestAnimationFrame(() => document.querySelector('h1')?.focus());
  };

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
        <div class="beside">
          <Form name="search" sending={false} answer={undefined} onSend={() => void load()}>
            <Field
              name="q"
              label={words.search}
              help={words.searchHelp}
              autocomplete="off"
              onInput={(typed) => setQuery(typed.trim())}
            />
          </Form>
          <div class="tools">
            {list.kind === 'people' && list.people.length > 1 && <PickButton selection={selection} />}
            <a class="button plain" href={toImport}>
              {words.importCsv}
            </a>
            <ExportButton onRefused={setUnsaved} />
          </div>
        </div>
        {unsaved !== undefined && <RefusalNotice refusal={unsaved} />}
        {isRefusal(list) && <Unread refusal={list} onAgain={() => void load()} />}
        {list.kind === 'waiting' && <PeopleTable people="waiting" self={self} selection={selection} />}
        {list.kind === 'people' && list.people.length === 0 && <p class="empty">{words.nobody}</p>}
        {list.kind === 'people' && list.people.length > 0 && (
          <PeopleTable people={list.people} self={self} selection={selection} />
        )}
        {list.kind === 'people' && list.next !== '' && <More onMore={() => more(list)} />}
        {list.kind === 'people' && selection.mode === 'picking' && (
          <ManyPeople people={list.people} self={self} selection={selection} onDone={(what) => void doneToMany(what)} />
        )}
      </section>
    </>
  );
}
