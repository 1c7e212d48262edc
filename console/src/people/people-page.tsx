/** /auth/people: who can sign in here. A list, somebody new, and one person, each a view with an address of its own. */
import { useState } from 'preact/hooks';
import type { SignedIn } from '../api/answers.ts';
import type { LinkOutcome } from '../api/people.ts';
import { Door } from '../door/door.tsx';
import { Frame } from '../inside/frame.tsx';
import { Inside } from '../inside/inside.tsx';
import { NotHere } from '../inside/not-here.tsx';
import { peopleMessages } from '../words/people-messages.ts';
import { AddView } from './add-view.tsx';
import { ImportView } from './import/import-view.tsx';
import { ListView } from './list-view.tsx';
import { PersonView } from './person-view.tsx';
import { toList, toPerson, useView } from './view.ts';

export function PeoplePage() {
  return <Inside>{(_status, person, reload) => <People person={person} reload={reload} />}</Inside>;
}

interface Props {
  readonly person: SignedIn;
  readonly reload: () => Promise<void>;
}

function People({ person, reload }: Props) {
  const { view, moved } = useView();
  // The link of somebody who was just added: made once, shown once.
  const [invitation, setInvitation] = useState<{ readonly id: string; readonly link: LinkOutcome } | undefined>();
  const [said, setSaid] = useState('');
  if (person.must !== 'nothing' || !person.admin) {
    const words = peopleMessages.people;
    return <NotHere heading={words.heading} must={person.must} why={words.onlyAdmins} />;
  }

  const go = (hash: string): void => {
    location.hash = hash;
  };
  return (
    <Frame person={person} page="people" parts={[]}>
      {view.kind === 'list' && <ListView self={person.username} moved={moved} said={said} onSaid={setSaid} />}
      {view.kind === 'add' && (
        <AddView
          onAdded={(id, link) => {
            setInvitation({ id, link });
            go(toPerson(id));
          }}
        />
      )}
      {view.kind === 'import' && <ImportView />}
      {view.kind === 'person' && (
        <PersonView
          key={view.id}
          id={view.id}
          self={person.username}
          moved={moved}
          link={invitation?.id === view.id ? invitation.link : undefined}
          onChanged={() => void reload()}
          onRemoved={(username) => {
            setSaid(peopleMessages.people.removed(username));
            go(toList);
          }}
        />
      )}
      <Door username={person.username} onResumed={() => void reload()} />
    </Frame>
  );
}
