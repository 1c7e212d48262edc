/** /auth/account: who is signed in, where, what was tried in their name, their password. */
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { type Status, isAdmin } from '../api/answers.ts';
import { Button } from '../parts/button.tsx';
import { Gate } from '../parts/gate.tsx';
import { Heading } from '../parts/heading.tsx';
import { useStatus } from '../parts/loaded-status.ts';
import { Moment } from '../parts/moment.tsx';
import { Notice } from '../parts/notice.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { places, signInAgain } from '../places.ts';
import { messages } from '../words/messages.ts';
import { AccountFrame } from './account-frame.tsx';
import { AttemptsSection } from './attempts-section.tsx';
import { Door } from './door.tsx';
import { PasswordSection } from './password-section.tsx';
import { SessionsSection } from './sessions-section.tsx';
import { SwitchSection } from './switch-section.tsx';

export function AccountPage() {
  const words = messages.account;
  const [status, reload] = useStatus();
  // Raised by what changes the devices elsewhere on the page.
  const [devicesAsOf, setDevicesAsOf] = useState(0);
  const renewed = (): void => {
    setDevicesAsOf((count) => count + 1);
    void reload();
  };

  const configured = status.kind === 'status' && status.configured;
  const stranger = configured && status.person.kind === 'stranger';
  useEffect(() => {
    if (stranger) location.replace(signInAgain('not-yet'));
  }, [stranger]);

  if (status.kind === 'waiting' || stranger) return null;
  if (status.kind !== 'status') {
    return (
      <Gate heading={words.heading}>
        <RefusalNotice refusal={status} onBack={() => void reload()} />
        <Button look="primary" onPress={() => void reload()}>
          {words.again}
        </Button>
      </Gate>
    );
  }
  if (!configured) {
    return (
      <Gate heading={words.heading} lead={words.notFound}>
        <a class="button primary" href={places.setup}>
          {messages.unset.link}
        </a>
      </Gate>
    );
  }
  return (
    <AccountFrame status={status}>
      <Person status={status} />
      <SessionsSection asOf={devicesAsOf} />
      <AttemptsSection />
      <PasswordSection status={status} onChanged={renewed} />
      {isAdmin(status) && <SwitchSection status={status} onSwitched={reload} />}
      {status.person.kind === 'signed-in' && (
        <Door username={status.person.username} hasFactor={status.hasFactor} onResumed={renewed} />
      )}
    </AccountFrame>
  );
}

function Person({ status }: { readonly status: Status }) {
  const words = messages.account;
  if (status.person.kind !== 'signed-in') return null;
  const { username, admin, expiresAt } = status.person;
  return (
    <header class="person">
      <Heading text={words.heading} focus={false} />
      <dl class="facts">
        <Fact name={words.name}>{username}</Fact>
        {admin && <Fact name={words.role}>{words.admin}</Fact>}
        {expiresAt > 0 && (
          <Fact name={words.ends}>
            <Moment at={expiresAt} />
          </Fact>
        )}
      </dl>
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
