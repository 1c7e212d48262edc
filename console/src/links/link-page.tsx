/** /auth/link: what a link is for, and for whom; the password it sets; on to the account. */
import { useEffect, useState } from 'preact/hooks';
import { type Refusal, isRefusal } from '../api/answers.ts';
import { type Link, lookAtLink } from '../api/links.ts';
import type { SecondStep } from '../api/sign-in.ts';
import { Button } from '../parts/button.tsx';
import { Gate } from '../parts/gate.tsx';
import { useStatus } from '../parts/loaded-status.ts';
import { Moment } from '../parts/moment.tsx';
import { Notice } from '../parts/notice.tsx';
import { RecoveryCodesPage } from '../parts/recovery-codes.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { places } from '../places.ts';
import { CodeStep } from '../sign-in/code-step.tsx';
import { linkMessages } from '../words/link-messages.ts';
import { messages } from '../words/messages.ts';
import { LinkForm } from './link-form.tsx';

const words = linkMessages.link;

type Stage =
  | { readonly kind: 'looking' }
  /** No link in the address, or the rest of one. */
  | { readonly kind: 'none' }
  | Link
  | { readonly kind: 'codes'; readonly username: string; readonly codes: readonly string[] }
  | { readonly kind: 'second'; readonly step: SecondStep }
  | Refusal;

/** Taken out of the address bar and the history at once: it is worth a password. */
function linkFromAddress(): string {
  const link = new URLSearchParams(location.hash.slice(1)).get('link') ?? '';
  if (link !== '') history.replaceState(null, '', location.pathname + location.search);
  return link;
}

const first = linkFromAddress();
const toAccount = (): void => location.assign(places.account);

export function LinkPage() {
  const [link, setLink] = useState(first);
  const [stage, setStage] = useState<Stage>({ kind: 'looking' });
  const look = async (): Promise<void> => {
    if (link === '') return setStage({ kind: 'none' });
    setStage({ kind: 'looking' });
    setStage(await lookAtLink(link));
  };
  useEffect(() => void look(), [link]);
  // Another link may be pasted over this very page: that changes the fragment and loads nothing.
  useEffect(() => {
    const take = (): void => {
      const taken = linkFromAddress();
      if (taken !== '') setLink(taken);
    };
    addEventListener('hashchange', take);
    return () => removeEventListener('hashchange', take);
  }, []);

  if (isRefusal(stage)) return <Refused refusal={stage} onAgain={() => void look()} />;
  switch (stage.kind) {
    case 'looking':
      return <Gate heading={words.lookHeading} lead={words.look} />;
    case 'none':
      return <Void heading={words.noneHeading} lead={words.none} />;
    case 'link':
      return (
        <Choose
          found={stage}
          link={link}
          onCodes={(codes) => setStage({ kind: 'codes', username: stage.username, codes })}
          onSecond={(step) => setStage({ kind: 'second', step })}
          onInvalid={setStage}
        />
      );
    case 'codes':
      return <RecoveryCodesPage {...stage} onStored={toAccount} />;
    case 'second': {
      const again = (): void => location.assign(places.signIn);
      return <CodeStep step={stage.step} onSignedIn={toAccount} onOver={again} onBack={again} />;
    }
  }
}

function Refused({ refusal, onAgain }: { readonly refusal: Refusal; readonly onAgain: () => void }) {
  if (refusal.kind === 'refused' && refusal.code === 'link_invalid')
    return <Void heading={words.invalidHeading} lead={words.invalid} />;
  return (
    <Gate heading={words.lookHeading}>
      <RefusalNotice refusal={refusal} onBack={onAgain} />
      <Button look="primary" onPress={onAgain}>
        {messages.trouble.again}
      </Button>
    </Gate>
  );
}

function Void({ heading, lead }: { readonly heading: string; readonly lead: string }) {
  return (
    <Gate heading={heading} lead={lead}>
      <nav class="links">
        <a href={places.signIn}>{words.signIn}</a>
        <a href={places.forgot}>{words.forgot}</a>
      </nav>
    </Gate>
  );
}

interface ChooseProps {
  readonly found: Link;
  readonly link: string;
  readonly onCodes: (codes: readonly string[]) => void;
  readonly onSecond: (step: SecondStep) => void;
  readonly onInvalid: (refusal: Refusal) => void;
}

function Choose({ found, link, onCodes, onSecond, onInvalid }: ChooseProps) {
  const [status] = useStatus();
  const { purpose, username } = found;
  const here = status.kind === 'status' && status.person.kind === 'signed-in' ? status.person.username : '';
  const invited = purpose === 'invite';
  return (
    <Gate
      heading={invited ? words.inviteHeading : words.resetHeading}
      lead={invited ? words.inviteLead(username) : words.resetLead(username)}
      focus={false}
    >
      {here !== '' && here !== username && (
        <Notice tone="warn">
          <p>{words.other(here)}</p>
        </Notice>
      )}
      <LinkForm
        found={found}
        link={link}
        onRedeemed={(codes) => (codes.length === 0 ? toAccount() : onCodes(codes))}
        onSecond={onSecond}
        onInvalid={onInvalid}
      />
      {found.expiresAt > 0 && (
        <dl class="facts small">
          <div>
            <dt class="quiet">{words.ends}</dt>
            <dd>
              <Moment at={found.expiresAt} />
            </dd>
          </div>
        </dl>
      )}
    </Gate>
  );
}
