/** What every page inside begins with: somebody who is signed in, or what is shown instead. */
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import type { SignedIn, Status } from '../api/answers.ts';
import { Button } from '../parts/button.tsx';
import { Gate } from '../parts/gate.tsx';
import { useStatus } from '../parts/loaded-status.ts';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { places, signInAgain } from '../places.ts';
import { accountMessages } from '../words/account-messages.ts';
import { messages } from '../words/messages.ts';

interface Props {
  readonly children: (status: Status, person: SignedIn, reload: () => Promise<void>) => ComponentChildren;
}

export function Inside({ children }: Props) {
  const words = accountMessages.account;
  const [status, reload] = useStatus();
  const stranger = status.kind === 'status' && status.configured && status.person.kind === 'stranger';
  useEffect(() => {
    if (stranger) location.replace(signInAgain('not-yet'));
  }, [stranger]);

  if (status.kind === 'waiting' || stranger) return null;
  if (status.kind !== 'status') {
    return (
      <Gate heading={words.heading}>
        <RefusalNotice refusal={status} onBack={() => void reload()} />
        <Button look="primary" onPress={() => void reload()}>
          {messages.trouble.again}
        </Button>
      </Gate>
    );
  }
  if (!status.configured || status.person.kind === 'stranger') {
    return (
      <Gate heading={words.heading} lead={words.notFound}>
        <a class="button primary" href={places.setup}>
          {messages.unset.link}
        </a>
      </Gate>
    );
  }
  return <>{children(status, status.person, reload)}</>;
}
