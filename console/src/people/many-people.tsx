/** Several accounts at once: switched off or on, removed. One's own is not among them. */
import { useState } from 'preact/hooks';
import type { Someone } from '../api/people.ts';
import { ManyDialog, type Question } from '../many/many-dialog.tsx';
import { PickBar } from '../many/pick-bar.tsx';
import type { Selection } from '../many/selection.ts';
import { peopleMessages } from '../words/people-messages.ts';

const words = peopleMessages.peopleMany;

type Action = 'disable' | 'enable' | 'delete';

interface Props {
  readonly people: readonly Someone[];
  readonly self: string;
  readonly selection: Selection;
  readonly onDone: (said: string) => void;
}

const deeds = [
  { action: 'enable', name: words.on, look: 'secondary' },
  { action: 'disable', name: words.off, look: 'danger' },
  { action: 'delete', name: words.remove, look: 'danger' },
] as const;

export function ManyPeople({ people, self, selection, onDone }: Props) {
  const [asked, setAsked] = useState<Action | undefined>();
  const others = people.filter(({ username }) => username !== self);
  const picked = others.filter(({ id }) => selection.ids.has(id));
  return (
    <>
      <PickBar selection={selection} all={others.map(({ id }) => id)} deeds={deeds} onPress={setAsked} />
      {asked !== undefined && (
        <ManyDialog
          path="/api/auth/users/bulk"
          question={questionOf(asked, picked.length)}
          items={picked.map(({ id, username }) => ({ id, name: username }))}
          onCancel={() => setAsked(undefined)}
          onOver={(count) => {
            setAsked(undefined);
            onDone(count === 0 ? '' : doneOf(asked, count));
          }}
        />
      )}
    </>
  );
}

function questionOf(action: Action, count: number): Question {
  switch (action) {
    case 'disable':
      return {
        action,
        heading: words.offQuestion(count),
        lead: peopleMessages.personEnd.offLead,
        certain: words.offCertain(count),
        look: 'danger certain',
      };
    case 'enable':
      return {
        action,
        heading: words.onQuestion(count),
        lead: peopleMessages.personEnd.onLead,
        certain: words.onCertain(count),
        look: 'primary',
      };
    case 'delete':
      return {
        action,
        heading: words.removeQuestion(count),
        lead: words.removeLead,
        certain: words.removeCertain(count),
        look: 'danger certain',
      };
  }
}

function doneOf(action: Action, count: number): string {
  const said = { disable: words.offDone(count), enable: words.onDone(count), delete: words.removeDone(count) };
  return said[action];
}
