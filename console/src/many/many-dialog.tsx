/** Asks back before something is done to several, and tells what became of each where it was not done to all. */
import { useState } from 'preact/hooks';
import { isRefusal } from '../api/answers.ts';
import { changeMany, type ManyOutcome, type ManyPath, type RowResult } from '../api/many.ts';
import { announce } from '../parts/announce.ts';
import { Button } from '../parts/button.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { manyMessages } from '../words/many-messages.ts';
import { known } from '../words/refusal-text.ts';
import { ResultsTable, refusedText } from './results-table.tsx';

const words = manyMessages.many;

/** What is to be done, in the words of the page it is done on. */
export interface Question {
  readonly action: string;
  readonly heading: string;
  readonly lead: string;
  readonly certain: string;
  readonly look: 'primary' | 'danger certain';
}

interface Props {
  readonly path: ManyPath;
  readonly question: Question;
  readonly items: readonly { readonly id: string; readonly name: string }[];
  readonly onCancel: () => void;
  /** How many it was done to. */
  readonly onOver: (count: number) => void;
}

type State = ManyOutcome | { readonly kind: 'ready' } | { readonly kind: 'sending' };

export function ManyDialog({ path, question, items, onCancel, onOver }: Props) {
  const [state, setState] = useState<State>({ kind: 'ready' });
  const send = async (): Promise<void> => {
    setState({ kind: 'sending' });
    const ids = items.map(({ id }) => id);
    const outcome = await changeMany(path, question.action, ids);
    if (outcome.kind !== 'results') return setState(outcome);
    const refused = outcome.rows.filter((row) => row.kind === 'refused').length;
    if (refused === 0) return onOver(items.length);
    setState(outcome);
    announce(words.refused(refused));
  };
  if (state.kind === 'results') {
    const done = state.rows.filter((row) => row.kind === 'done').length;
    const said = (row: RowResult): string =>
      row.kind === 'done' ? words.done : refusedText(row, known(words.codes, row.code));
    return (
      <Dialog
        key="over"
        heading={words.refused(items.length - done)}
        lead={words.rest(done)}
        broad
        onCancel={() => onOver(done)}
      >
        <ResultsTable rows={state.rows} nameOf={(row) => items[row - 1]?.name ?? ''} said={said} />
        <div class="actions">
          <Button onPress={() => onOver(done)}>{words.close}</Button>
        </div>
      </Dialog>
    );
  }
  const unnamed = items.length - mostNamed;
  return (
    <Dialog key="question" heading={question.heading} lead={question.lead} onCancel={onCancel}>
      <ul class="picked">
        {items.slice(0, mostNamed).map(({ id, name }) => (
          <li key={id}>{name}</li>
        ))}
        {unnamed > 0 && <li class="quiet">{words.more(unnamed)}</li>}
      </ul>
      {isRefusal(state) && <RefusalNotice refusal={state} />}
      <div class="actions">
        <Button
          look={question.look}
          sending={state.kind === 'sending' ? words.sending : undefined}
          onPress={() => void send()}
        >
          {question.certain}
        </Button>
        <Button onPress={onCancel}>{words.cancel}</Button>
      </div>
    </Dialog>
  );
}

/** As many as are read at a glance. */
const mostNamed = 8;
