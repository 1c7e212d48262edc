/** /auth/keys: the key ring, by what its keys are for, and replacing one. */
import '../look/keys.css';
import { useEffect, useState } from 'preact/hooks';
import { type SignedIn, isRefusal } from '../api/answers.ts';
import { type Ring, type RingOutcome, keyPurposes, keyRing } from '../api/keys.ts';
import { Door } from '../door/door.tsx';
import { Frame, type Part } from '../inside/frame.tsx';
import { Inside } from '../inside/inside.tsx';
import { NotHere } from '../inside/not-here.tsx';
import { Unread } from '../inside/unread.tsx';
import { Heading } from '../parts/heading.tsx';
import { Notice } from '../parts/notice.tsx';
import { accountMessages } from '../words/account-messages.ts';
import { keyMessages } from '../words/key-messages.ts';
import { known } from '../words/refusal-text.ts';
import { PurposeSection } from './purpose-section.tsx';
import { RootSection } from './root-section.tsx';
import { useFollowing } from './following.ts';

const words = keyMessages.keys;

export function KeysPage() {
  return <Inside>{(_status, person, reload) => <Keys person={person} reload={reload} />}</Inside>;
}

interface Props {
  readonly person: SignedIn;
  readonly reload: () => Promise<void>;
}

function Keys({ person, reload }: Props) {
  const [ring, setRing] = useState<RingOutcome | { readonly kind: 'waiting' }>({ kind: 'waiting' });
  const open = person.must === 'nothing' && person.admin;
  const load = async (): Promise<void> => setRing(await keyRing());
  useEffect(() => {
    if (open) void load();
  }, []);
  useFollowing(ring, setRing);
  if (!open) return <NotHere heading={words.heading} must={person.must} why={words.onlyAdmins} />;
  return (
    <Frame person={person} page="keys" parts={ring.kind === 'ring' ? parts : []}>
      <header class="person">
        <Heading text={words.heading} focus={false} />
        <p class="quiet">{words.lead}</p>
        {ring.kind === 'ring' && ring.rootKey === 'does-not-fit' && (
          <Notice tone="danger">
            <p>{words.unfit}</p>
          </Notice>
        )}
      </header>
      {ring.kind === 'waiting' && <p class="quiet">{accountMessages.account.loading}</p>}
      {isRefusal(ring) && <Unread refusal={ring} onAgain={() => void load()} />}
      {ring.kind === 'ring' && <Sections ring={ring} onReplaced={load} />}
      <Door username={person.username} onResumed={() => void reload()} />
    </Frame>
  );
}

function Sections({ ring, onReplaced }: { readonly ring: Ring; readonly onReplaced: () => Promise<void> }) {
  return (
    <>
      {keyPurposes.map((purpose) => (
        <PurposeSection key={purpose} purpose={purpose} ring={ring} onReplaced={onReplaced} />
      ))}
      <RootSection rootKey={ring.rootKey} />
    </>
  );
}

const parts: readonly Part[] = [
  ...keyPurposes.map((purpose) => ({ id: purpose, name: known(keyMessages.keyNames, purpose) ?? purpose })),
  { id: 'root', name: keyMessages.rootKey.heading },
];
