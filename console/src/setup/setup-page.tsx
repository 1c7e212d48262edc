/** /auth/setup: the first account, or the decision to do without. */
import { useEffect, useState } from 'preact/hooks';
import { Gate } from '../parts/gate.tsx';
import { useStatus } from '../parts/loaded-status.ts';
import { Notice } from '../parts/notice.tsx';
import { RecoveryCodesPage } from '../parts/recovery-codes.tsx';
import { places } from '../places.ts';
import { setupMessages } from '../words/setup-messages.ts';
import { Decline, Declined } from './decline.tsx';
import { SetupForm } from './setup-form.tsx';
import { type SetupCode, codeFromAddress } from './setup-code.ts';

type Stage =
  | { readonly kind: 'form' }
  | { readonly kind: 'codes'; readonly username: string; readonly codes: readonly string[] }
  | { readonly kind: 'declined' }
  | { readonly kind: 'raced' };

const fromLink = codeFromAddress();

export function SetupPage() {
  const words = setupMessages.setup;
  const [status, reload] = useStatus();
  const [stage, setStage] = useState<Stage>({ kind: 'form' });
  const [code, setCode] = useState<SetupCode>(fromLink);

  // The link may be pasted over this very page: that changes the fragment and loads nothing.
  useEffect(() => {
    const take = (): void => {
      const taken = codeFromAddress();
      if (taken.kind !== 'from-link') return;
      setCode(taken);
      // A new link after "declined" is the change of mind that page speaks of; codes that are shown stay.
      if (stage.kind !== 'declined') return;
      void reload().then(() => setStage({ kind: 'form' }));
    };
    addEventListener('hashchange', take);
    return () => removeEventListener('hashchange', take);
  }, [stage]);

  if (stage.kind === 'codes') return <RecoveryCodesPage {...stage} onStored={() => location.assign(places.account)} />;
  if (stage.kind === 'declined') return <Declined />;
  if (stage.kind === 'raced') return <Configured raced />;
  if (status.kind === 'status' && status.configured) return <Configured raced={false} />;

  const declinedBefore = status.kind === 'status' && status.declined;
  return (
    <Gate heading={words.heading} lead={words.lead} focus={false}>
      {declinedBefore && (
        <Notice tone="warn">
          <p>{words.declinedBefore}</p>
        </Notice>
      )}
      <SetupForm
        code={code}
        onCode={setCode}
        onSetUp={(username, codes) => setStage({ kind: 'codes', username, codes })}
        onConfigured={() => setStage({ kind: 'raced' })}
      />
      {!declinedBefore && (
        <Decline
          code={code}
          onCode={setCode}
          onDeclined={() => setStage({ kind: 'declined' })}
          onConfigured={() => setStage({ kind: 'raced' })}
        />
      )}
    </Gate>
  );
}

function Configured({ raced }: { readonly raced: boolean }) {
  const words = setupMessages.configured;
  return (
    <Gate heading={words.heading} lead={words.detail}>
      {raced && (
        <Notice tone="danger">
          <p>{words.raced}</p>
        </Notice>
      )}
      <a class="button primary" href={places.signIn}>
        {words.link}
      </a>
    </Gate>
  );
}
