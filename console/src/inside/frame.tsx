/** The frame around the pages inside: who is here at the top, the pages and the parts of this one at the left or as tabs. */
import '../look/account.css';
import '../look/tables.css';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { signOut } from '../api/account.ts';
import { type Refusal, type SignedIn, isRefusal } from '../api/answers.ts';
import { Button } from '../parts/button.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { places } from '../places.ts';
import { accountMessages } from '../words/account-messages.ts';
import { messages } from '../words/messages.ts';

interface Props {
  readonly person: SignedIn;
  readonly page: PageName;
  readonly parts: readonly Part[];
  /** Not yet: all of it is on its way. */
  readonly shown?: boolean;
  readonly children: ComponentChildren;
}

/** A part of the page, found by its id. */
export interface Part {
  readonly id: string;
  readonly name: string;
}

type State = { readonly kind: 'ready' } | { readonly kind: 'sending' } | Refusal;

export function Frame({ person, page, parts, shown = true, children }: Props) {
  const words = accountMessages.account;
  const [state, setState] = useState<State>({ kind: 'ready' });

  const leave = async (): Promise<void> => {
    setState({ kind: 'sending' });
    const outcome = await signOut();
    // A session that is over already is what was wanted.
    if (outcome.kind === 'done' || outcome.kind === 'session-ended') return location.replace(places.signedOut);
    setState(outcome);
  };

  return (
    <div class="frame">
      <header class="top">
        <span class="sign" aria-hidden />
        <span class="name">{messages.product}</span>
        <span class="who">{person.username}</span>
        <Button onPress={() => void leave()} sending={state.kind === 'sending' ? words.signingOut : undefined}>
          {words.signOut}
        </Button>
      </header>
      <div class="side">
        {person.must === 'nothing' && <Pages page={page} admin={person.admin} />}
        {parts.length > 0 && <Parts parts={parts} shown={shown} />}
      </div>
      <main class="sections" hidden={!shown}>
        {isRefusal(state) && <RefusalNotice refusal={state} />}
        {children}
      </main>
    </div>
  );
}

type PageName = 'account' | 'tokens' | 'people' | 'certificates' | 'keys';

const pages = [
  { page: 'account', href: places.account, name: accountMessages.account.heading, whose: 'anybody' },
  { page: 'tokens', href: places.tokens, name: accountMessages.account.tokens, whose: 'anybody' },
  { page: 'people', href: places.people, name: accountMessages.account.people, whose: 'admins' },
  { page: 'certificates', href: places.certificates, name: accountMessages.account.certificates, whose: 'admins' },
  { page: 'keys', href: places.keys, name: accountMessages.account.keys, whose: 'admins' },
] as const;

interface PagesProps {
  readonly page: PageName;
  readonly admin: boolean;
}

function Pages({ page, admin }: PagesProps) {
  const open = pages.filter(({ whose }) => admin || whose === 'anybody');
  // On a narrow screen there are more than it shows at once.
  const current = useRef<HTMLAnchorElement>(null);
  useEffect(() => current.current?.scrollIntoView({ block: 'nearest', inline: 'nearest' }), []);
  return (
    <nav class="nav" aria-label={accountMessages.account.pages}>
      <ul>
        {open.map((each) => (
          <li key={each.page}>
            <a href={each.href} {...(each.page === page ? { ref: current, 'aria-current': 'page' } : {})}>
              {each.name}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Parts({ parts, shown }: Pick<Props, 'parts' | 'shown'>) {
  const current = useTopmost(shown === true ? parts.map((part) => part.id).join(' ') : '');
  return (
    <nav class="nav parts" aria-label={accountMessages.account.parts}>
      <ul>
        {parts.map((part) => (
          <li key={part.id}>
            <a href={`#${part.id}`} aria-current={part.id === current ? 'true' : undefined}>
              {part.name}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

/** The id of the part that is being read: the last one whose beginning has passed the upper third of the window. */
function useTopmost(ids: string): string {
  const [current, setCurrent] = useState('');
  useEffect(() => {
    const look = (): void => {
      const atEnd = innerHeight + scrollY >= document.documentElement.scrollHeight - 2 && scrollY > 0;
      const names = ids.split(' ');
      const passed = names.filter((id) => {
        const top = document.getElementById(id)?.getBoundingClientRect().top;
        return top !== undefined && top < innerHeight / 3;
      });
      setCurrent((atEnd ? names.at(-1) : passed.at(-1)) ?? '');
    };
    look();
    addEventListener('scroll', look, { passive: true });
    return () => removeEventListener('scroll', look);
  }, [ids]);
  return current;
}
