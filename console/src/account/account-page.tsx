/** /auth/account: who is signed in, where, what was tried in their name, what they sign in with. */
import { type ComponentChildren, Fragment } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { SignedIn, Status } from '../api/answers.ts';
import { Door } from '../door/door.tsx';
import { FactorsSection } from '../factors/factors-section.tsx';
import { Frame, type Part } from '../inside/frame.tsx';
import { Inside } from '../inside/inside.tsx';
import { Section } from '../inside/section.tsx';
import { SessionsSection } from '../inside/sessions-section.tsx';
import { Heading } from '../parts/heading.tsx';
import { Moment } from '../parts/moment.tsx';
import { Notice } from '../parts/notice.tsx';
import { accountMessages } from '../words/account-messages.ts';
import { factorMessages } from '../words/factor-messages.ts';
import { AttemptsSection } from './attempts-section.tsx';
import { CertificateNotice } from './certificate-notice.tsx';
import { Notices } from './notices.tsx';
import { PasswordSection } from './password-section.tsx';
import { SwitchSection } from './switch-section.tsx';

export function AccountPage() {
  return <Inside>{(status, person, reload) => <Account key={person.must} {...{ status, person, reload }} />}</Inside>;
}

interface Props {
  readonly status: Status;
  readonly person: SignedIn;
  readonly reload: () => Promise<void>;
}

function Account({ status, person, reload }: Props) {
  // Raised by what changes the devices elsewhere on the page.
  const [asOf, setAsOf] = useState(0);
  const renewed = (): void => {
    setAsOf((count) => count + 1);
    void reload();
  };
  // What else administrators are told about.
  const administers = person.admin && person.must === 'nothing';
  const [shown, known] = useShown(administers ? 2 : 1);
  const part = (id: PartId): ComponentChildren => {
    switch (id) {
      case 'devices':
        return <SessionsSection whose={{ kind: 'own' }} asOf={asOf} />;
      case 'attempts':
        return <AttemptsSection />;
      case 'factors':
        return <FactorsSection person={person} onChanged={renewed} />;
      case 'password':
        return <PasswordSection person={person} onChanged={renewed} />;
      case 'switch':
        return <SwitchSection person={person} enabled={status.enabled} onSwitched={reload} />;
    }
  };
  const order = orderFor(person);
  return (
    <Frame person={person} page="account" parts={order.map((id) => ({ id, name: nameOf(id, status) }))} shown={shown}>
      <Person status={status} person={person} />
      {administers && <CertificateNotice onKnown={known} />}
      <Notices onKnown={known} />
      {order.map((id) =>
        isOpen(id, person) ? (
          <Fragment key={id}>{part(id)}</Fragment>
        ) : (
          <Closed key={id} id={id} name={nameOf(id, status)} person={person} />
        ),
      )}
      <Door username={person.username} onResumed={renewed} />
    </Frame>
  );
}

/** Longer than that nobody waits for what may have happened: then it pushes the rest down when it comes. */
const patienceMs = 150;

/**
 * Whether the page is to be seen: what stands at its top comes a moment later than the rest, and nothing is to move. Told
 * each time that one of the `awaited` is known.
 */
function useShown(awaited: number): readonly [boolean, () => void] {
  const [count, setCount] = useState(0);
  const shown = count >= awaited;
  useEffect(() => {
    const timer = setTimeout(() => setCount(awaited), patienceMs);
    return () => clearTimeout(timer);
  }, []);
  // The browser looked for the fragment when there was nothing to be found.
  useEffect(() => {
    if (shown) document.getElementById(location.hash.slice(1))?.scrollIntoView();
  }, [shown]);
  return [shown, () => setCount((before) => before + 1)];
}

type PartId = 'devices' | 'attempts' | 'factors' | 'password' | 'switch';

/** What has to be done comes first. */
function orderFor(person: SignedIn): readonly PartId[] {
  const usual: readonly PartId[] = [
    'devices',
    'attempts',
    'factors',
    'password',
    ...(person.admin ? (['switch'] as const) : []),
  ];
  if (person.must === 'nothing') return usual;
  const first = person.must === 'enrol' ? 'factors' : 'password';
  return [first, ...usual.filter((id) => id !== first)];
}

/** As the server holds it: whoever must do something reaches nothing but what that takes. */
function isOpen(id: PartId, person: SignedIn): boolean {
  if (person.must === 'nothing') return true;
  return id === 'password' || (id === 'factors' && person.must === 'enrol');
}

function nameOf(id: PartId, status: Status): Part['name'] {
  switch (id) {
    case 'devices':
      return accountMessages.sessions.nav;
    case 'attempts':
      return accountMessages.attempts.nav;
    case 'factors':
      return factorMessages.factors.nav;
    case 'password':
      return accountMessages.changePassword.nav;
    case 'switch':
      return status.enabled ? accountMessages.switchOff.nav : accountMessages.switchOff.onNav;
  }
}

interface ClosedProps {
  readonly id: PartId;
  readonly name: string;
  readonly person: SignedIn;
}

function Closed({ id, name, person }: ClosedProps) {
  const words = accountMessages.must;
  return <Section id={id} heading={name} lead={person.must === 'enrol' ? words.closedEnrol : words.closedPassword} />;
}

function Person({ status, person }: Pick<Props, 'status' | 'person'>) {
  const words = accountMessages.account;
  const must = accountMessages.must;
  return (
    <header class="person">
      <Heading text={words.heading} focus={false} />
      <dl class="facts">
        <Fact name={words.name}>{person.username}</Fact>
        {person.admin && <Fact name={words.role}>{words.admin}</Fact>}
        {person.expiresAt > 0 && (
          <Fact name={words.ends}>
            <Moment at={person.expiresAt} />
          </Fact>
        )}
      </dl>
      {person.must !== 'nothing' && (
        <Notice tone="warn">
          <p>{person.must === 'enrol' ? must.enrol : must.password}</p>
        </Notice>
      )}
      {!status.enabled && (
        <Notice tone="warn">
          <p>{words.offNotice}</p>
        </Notice>
      )}
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
