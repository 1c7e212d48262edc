/** /auth/tokens: what programs get in with. A list, and one token, each a view with an address of its own. */
import '../look/tokens-page.css';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { SignedIn } from '../api/answers.ts';
import type { Token } from '../api/tokens.ts';
import { Door } from '../door/door.tsx';
import { Frame } from '../inside/frame.tsx';
import { Inside } from '../inside/inside.tsx';
import { NotHere } from '../inside/not-here.tsx';
import { tokenMessages } from '../words/token-messages.ts';
import { ListView } from './list-view.tsx';
import { TokenView } from './token-view.tsx';
import { useView } from './view.ts';

export function TokensPage() {
  return <Inside>{(_status, person, reload) => <Tokens person={person} reload={reload} />}</Inside>;
}

interface Props {
  readonly person: SignedIn;
  readonly reload: () => Promise<void>;
}

function Tokens({ person, reload }: Props) {
  const { view, moved } = useView();
  const [said, setSaid] = useState('');
  // What the list showed last: one of them is opened without asking for it again.
  const listed = useRef<readonly Token[]>([]);
  const words = tokenMessages.tokens;
  useEffect(() => {
    if (view.kind === 'token') setSaid('');
  }, [view.kind]);
  if (person.must !== 'nothing') return <NotHere heading={words.heading} must={person.must} />;

  return (
    <Frame person={person} page="tokens" parts={[]}>
      {view.kind === 'list' ? (
        <ListView
          key={view.whose}
          whose={person.admin ? view.whose : 'own'}
          admin={person.admin}
          moved={moved}
          said={said}
          onSaid={setSaid}
          onListed={(tokens) => {
            listed.current = tokens;
          }}
        />
      ) : (
        <TokenView
          key={view.id}
          id={view.id}
          known={listed.current.find((token) => token.id === view.id)}
          person={person}
          moved={moved}
          onRevoked={(name, to) => {
            setSaid(words.revoked(name));
            location.hash = to;
          }}
        />
      )}
      <Door username={person.username} onResumed={() => void reload()} />
    </Frame>
  );
}
