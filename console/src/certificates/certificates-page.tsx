/** /auth/certificates: what this server shows for a certificate, what else it could, and changing that. */
import '../look/certificates.css';
import { useEffect, useState } from 'preact/hooks';
import { type SignedIn, isRefusal } from '../api/answers.ts';
import { type Standing, type StandingOutcome, type Switched, certificateStanding } from '../api/certificates.ts';
import { Door } from '../door/door.tsx';
import { Frame, type Part } from '../inside/frame.tsx';
import { Inside } from '../inside/inside.tsx';
import { NotHere } from '../inside/not-here.tsx';
import { focusHeading } from '../inside/section.tsx';
import { Unread } from '../inside/unread.tsx';
import { announce } from '../parts/announce.ts';
import { Button } from '../parts/button.tsx';
import { Heading } from '../parts/heading.tsx';
import { Notice } from '../parts/notice.tsx';
import { accountMessages } from '../words/account-messages.ts';
import { certificateMessages } from '../words/certificate-messages.ts';
import { AlarmNotice } from './alarm-notice.tsx';
import { FilesSection } from './files-section.tsx';
import { FoundSection } from './found-section.tsx';
import type { OnSwitched } from './judging.ts';
import { MovedView } from './moved-view.tsx';
import { ServedSection } from './served-section.tsx';
import { StopSection, isChosen } from './stop-section.tsx';

const words = certificateMessages.certificates;

export function CertificatesPage() {
  return <Inside>{(_status, person, reload) => <Certificates person={person} reload={reload} />}</Inside>;
}

interface Props {
  readonly person: SignedIn;
  readonly reload: () => Promise<void>;
}

/** What became of a change. */
type Change =
  | { readonly kind: 'none' }
  | { readonly kind: 'done'; readonly said: string }
  /** It is done, and the browser would have to be asked about the new certificate first. */
  | { readonly kind: 'unseen' }
  | { readonly kind: 'moved'; readonly switched: Switched };

function Certificates({ person, reload }: Props) {
  const [standing, setStanding] = useState<StandingOutcome | { readonly kind: 'waiting' }>({ kind: 'waiting' });
  const [change, setChange] = useState<Change>({ kind: 'none' });
  const open = person.must === 'nothing' && person.admin;
  const load = async (): Promise<void> => setStanding(await certificateStanding());
  useEffect(() => {
    if (open) void load();
  }, []);
  if (!open) return <NotHere heading={words.heading} must={person.must} why={words.onlyAdmins} />;

  const follow = async (switched: Switched): Promise<void> => {
    if (switched.origin !== location.origin) return setChange({ kind: 'moved', switched });
    setStanding((before) => (before.kind === 'standing' ? { ...before, serving: switched.serving } : before));
    const outcome = await certificateStanding();
    // A connection made anew meets the other certificate, and the browser refuses it without a word to us.
    if (outcome.kind !== 'standing') return setChange({ kind: 'unseen' });
    setStanding(outcome);
    const said = outcome.serving.kind === 'tls' ? words.switched : words.switchedPlain;
    setChange({ kind: 'done', said });
    announce(said);
    focusHeading('served');
  };

  if (change.kind === 'moved') {
    return (
      <Frame person={person} page="certificates" parts={[]}>
        <MovedView switched={change.switched} />
      </Frame>
    );
  }
  return (
    <Frame person={person} page="certificates" parts={standing.kind === 'standing' ? partsOf(standing) : []}>
      <header class="person">
        <Heading text={words.heading} focus={false} />
        <p class="quiet">{words.lead}</p>
        {standing.kind === 'standing' && standing.alarm !== undefined && <AlarmNotice alarm={standing.alarm} />}
        {change.kind === 'done' && (
          <Notice tone="good">
            <p>{change.said}</p>
          </Notice>
        )}
        {change.kind === 'unseen' && <Unseen />}
      </header>
      {standing.kind === 'waiting' && <p class="quiet">{accountMessages.account.loading}</p>}
      {isRefusal(standing) && <Unread refusal={standing} onAgain={() => void load()} />}
      {standing.kind === 'standing' && <Parts standing={standing} onSwitched={(switched) => void follow(switched)} />}
      <Door username={person.username} onResumed={() => void reload()} />
    </Frame>
  );
}

interface PartsProps {
  readonly standing: Standing;
  readonly onSwitched: OnSwitched;
}

function Parts({ standing, onSwitched }: PartsProps) {
  if (standing.tls === 'off') {
    return (
      <Notice tone="info">
        <p>{words.behindProxy}</p>
      </Notice>
    );
  }
  return (
    <>
      <ServedSection serving={standing.serving} />
      <FoundSection standing={standing} onSwitched={onSwitched} />
      <FilesSection folders={standing.folders} onSwitched={onSwitched} />
      {isChosen(standing.serving) && <StopSection found={standing.found} onSwitched={onSwitched} />}
    </>
  );
}

function partsOf({ tls, serving }: Standing): readonly Part[] {
  if (tls === 'off') return [];
  return [
    { id: 'served', name: certificateMessages.served.nav },
    { id: 'found', name: certificateMessages.found.nav },
    { id: 'files', name: certificateMessages.files.nav },
    ...(isChosen(serving) ? [{ id: 'stop', name: certificateMessages.stopping.nav }] : []),
  ];
}

function Unseen() {
  return (
    <Notice tone="warn" spoken>
      <p>{words.unseen}</p>
      <div class="actions">
        <Button onPress={() => location.reload()}>{words.loadAgain}</Button>
      </div>
    </Notice>
  );
}
