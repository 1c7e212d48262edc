/** One person: what is known of them, a link for them, where they are signed in; what ends things comes last. */
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { type LinkOutcome, type PersonOutcome, type Someone, person as loadPerson } from '../api/people.ts';
import { isRefusal } from '../api/answers.ts';
import { SessionsSection } from '../inside/sessions-section.tsx';
import { Unread } from '../inside/unread.tsx';
import { Heading } from '../parts/heading.tsx';
import { Moment } from '../parts/moment.tsx';
import { accountMessages } from '../words/account-messages.ts';
import { peopleMessages } from '../words/people-messages.ts';
import { DetailsSection } from './details-section.tsx';
import { EndSections } from './end-sections.tsx';
import { LinkSection } from './link-section.tsx';
import { factorOf, roleOf, State } from './people-table.tsx';
import { toList } from './view.ts';

const words = peopleMessages.person;

interface Props {
  readonly id: string;
  readonly self: string;
  readonly moved: boolean;
  /** Made a moment ago, when this person was added. */
  readonly link: LinkOutcome | undefined;
  /** It may have been the administrator's own account. */
  readonly onChanged: () => void;
  readonly onRemoved: (username: string) => void;
}

export function PersonView({ id, self, moved, link, onChanged, onRemoved }: Props) {
  const [found, setFound] = useState<PersonOutcome | { readonly kind: 'waiting' }>({ kind: 'waiting' });
  const [asOf, setAsOf] = useState(0);
  const load = async (): Promise<void> => setFound(await loadPerson(id));
  useEffect(() => void load(), []);

  if (found.kind !== 'person') {
    const gone = found.kind === 'refused' && found.status === 404;
    return (
      <>
        <header class="person">
          <Back />
          <Heading text={peopleMessages.people.heading} focus={moved} />
        </header>
        {gone && <p class="empty">{words.gone}</p>}
        {found.kind === 'waiting' && <p class="quiet">{accountMessages.account.loading}</p>}
        {isRefusal(found) && !gone && <Unread refusal={found} onAgain={() => void load()} />}
      </>
    );
  }
  const { person } = found;
  const changed = (next: Someone): void => {
    setFound({ kind: 'person', person: next });
    // Switching off ends sessions; nothing else here does.
    if (next.active !== person.active) setAsOf((count) => count + 1);
    if (person.username === self) onChanged();
  };
  return (
    <>
      <Who person={person} />
      <LinkSection person={person} made={link} />
      <DetailsSection person={person} onChanged={changed} />
      <SessionsSection whose={{ kind: 'of', id: person.id, username: person.username }} asOf={asOf} />
      <EndSections person={person} onChanged={changed} onRemoved={() => onRemoved(person.username)} />
    </>
  );
}

function Back() {
  return (
    <nav class="links" aria-label={peopleMessages.people.all}>
      <a href={toList}>{peopleMessages.people.all}</a>
    </nav>
  );
}

function Who({ person }: { readonly person: Someone }) {
  const said = peopleMessages.people;
  return (
    <header class="person">
      <Back />
      <Heading text={person.username} focus />
      <dl class="facts">
        <Fact name={said.role}>{roleOf(person)}</Fact>
        <Fact name={said.state}>
          <State person={person} />
        </Fact>
        <Fact name={said.factor}>{factorOf(person)}</Fact>
        <Fact name={words.added}>
          <Moment at={person.createdAt} />
        </Fact>
      </dl>
    </header>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt class="quiet small">{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
