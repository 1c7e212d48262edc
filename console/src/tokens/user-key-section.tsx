/** The key derived for the own account: asked for, shown as long as it is looked at, with an example of its use. */
import { useState } from 'preact/hooks';
import { isRefusal } from '../api/answers.ts';
import { type UserKeyOutcome, ownUserKey } from '../api/tokens.ts';
import { focusHeading, Section } from '../inside/section.tsx';
import { Button } from '../parts/button.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { tokenMessages } from '../words/token-messages.ts';
import { basicCommand } from './snippets.ts';
import { ToCopy } from './to-copy.tsx';

const words = tokenMessages.userKey;

type State = UserKeyOutcome | { readonly kind: 'ready' } | { readonly kind: 'sending' };

export function UserKeySection() {
  const [state, setState] = useState<State>({ kind: 'ready' });
  const show = async (): Promise<void> => {
    setState({ kind: 'sending' });
    const outcome = await ownUserKey();
    setState(outcome);
    if (outcome.kind === 'user-key') focusHeading('user-key');
  };
  const hide = (): void => {
    setState({ kind: 'ready' });
    focusHeading('user-key');
  };
  return (
    <Section id="user-key" heading={words.heading} lead={words.lead}>
      {isRefusal(state) && <RefusalNotice refusal={state} />}
      {state.kind === 'user-key' && <Shown username={state.username} userKey={state.key} />}
      <div class="actions">
        {state.kind === 'user-key' ? (
          <Button onPress={hide}>{words.hide}</Button>
        ) : (
          <Button onPress={() => void show()} sending={state.kind === 'sending' ? words.asking : undefined}>
            {words.show}
          </Button>
        )}
      </div>
    </Section>
  );
}

/** What programs can look at first: it needs no more than being somebody. */
const exampleAddress = `${location.origin}/api/auth/sessions`;

function Shown({ username, userKey }: { readonly username: string; readonly userKey: string }) {
  return (
    <div class="user-key">
      <ToCopy name={words.username} text={username} />
      <ToCopy name={words.key} text={userKey} />
      <p>{words.ends}</p>
      <ToCopy
        name={tokenMessages.secret.shell}
        text={basicCommand({ username, secret: userKey, address: exampleAddress })}
      />
    </div>
  );
}
