/** /auth/people: who can sign in here. A list, somebody new, and one person, each a view with an address of its own. */
import { useState } from 'preact/hooks';
import type { SignedIn } from '../api/answers.ts';
import type { LinkOutcome } from '../api/people.ts';
import { Door } from '../door/door.tsx';
import { Frame } from '../inside/frame.tsx';
import { Inside } from '../inside/inside.tsx';
import { Gate } from '../parts/gate.tsx';
import { places } from '../places.ts';
import { accountMessages } from '../words/account-messages.ts';
import { peopleMessages } from '../words/people-messages.ts';
import { AddView } from './add-view.tsx';
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
  if (person.must !== 'nothing' || !person.admin) return <NotHere person={person} />;

  const go = (hash: string): void => {
    location.hash = hash;
  };
  return (
    <Frame person={person} page="people" parts={[]}>
      {view.kind === 'list' && <ListView self={person.username} moved={moved} said={said} />}
      {view.kind === 'add' && (
        <AddView
          onAdded={(id, link) => {
            setInvitation({ id, link });
            go(toPerson(id));
          }}
        />
      )}
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

function NotHere({ person }: Pick<Props, 'person'>) {
  const words = peopleMessages.people;
  const must = accountMessages.must;
  const why = { nothing: words.onlyAdmins, enrol: must.enrol, 'change-password': must.password }[person.must];
  return (
    <Gate heading={words.heading} lead={why}>
      <a class="button primary" href={places.account}>
        {words.account}
      </a>
    </Gate>
  );
}
