/** The frame around the account page: who is here at the top, the parts of the page at the left or as tabs. */
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { signOut } from '../api/api.ts';
import { type Refusal, type Status, isAdmin, isRefusal } from '../api/answers.ts';
import { Button } from '../parts/button.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { places } from '../places.ts';
import { messages } from '../words/messages.ts';

interface Props {
  readonly status: Status;
  readonly children: ComponentChildren;
}

type State = { readonly kind: 'ready' } | { readonly kind: 'sending' } | Refusal;

export function AccountFrame({ status, children }: Props) {
  const words = messages.account;
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
        {status.person.kind === 'signed-in' && <span class="who">{status.person.username}</span>}
        <Button onPress={() => void leave()} sending={state.kind === 'sending' ? words.signingOut : undefined}>
          {words.signOut}
        </Button>
      </header>
      <Parts admin={isAdmin(status)} enabled={status.enabled} />
      <main class="sections">
        {isRefusal(state) && <RefusalNotice refusal={state} />}
        {children}
      </main>
    </div>
  );
}

const parts = [
  { id: 'devices', name: messages.sessions.nav },
  { id: 'attempts', name: messages.attempts.nav },
  { id: 'password', name: messages.changePassword.nav },
] as const;

function Parts({ admin, enabled }: { readonly admin: boolean; readonly enabled: boolean }) {
  const words = messages.switchOff;
  const shown = admin ? [...parts, { id: 'switch', name: enabled ? words.nav : words.onNav }] : parts;
  const current = useTopmost(shown.map((part) => part.id).join(' '));
  return (
    <nav class="nav" aria-label={messages.account.parts}>
      <ul>
        {shown.map((part) => (
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
