/** A passkey, offered before the form that does the same with more typing. */
import { type Refusal, isRefusal } from '../api/answers.ts';
import { messages } from '../words/messages.ts';
import { Button } from './button.tsx';
import { Notice } from './notice.tsx';
import { RefusalNotice } from './refusal-notice.tsx';

interface Props {
  readonly label: string;
  readonly state: { readonly kind: 'ready' | 'waiting' | 'none' | 'signed-in' } | Refusal;
  /** What is said when the browser came back without one. */
  readonly none: string;
  /** What is said when the server does not take it. */
  readonly wrong: string;
  /** Whether a form follows. */
  readonly otherwise?: boolean;
  readonly onPress: () => void;
}

export function PasskeyFirst({ label, state, none, wrong, otherwise = true, onPress }: Props) {
  const words = messages.passkey;
  const waiting = state.kind === 'waiting' || state.kind === 'signed-in';
  return (
    <div class="first-offer">
      <Button wide onPress={onPress} sending={waiting ? words.waiting : undefined}>
        {label}
      </Button>
      {isRefusal(state) && (
        <RefusalNotice refusal={state} here={{ invalid_credentials: wrong, reauthentication_failed: wrong }} />
      )}
      {state.kind === 'none' && (
        <Notice tone="info" spoken>
          <p>{none}</p>
        </Notice>
      )}
      {otherwise && <p class="or quiet small">{words.or}</p>}
    </div>
  );
}
