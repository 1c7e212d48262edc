import { useState } from 'preact/hooks';
import { type Refusal, isRefusal } from '../api/answers.ts';
import { Button } from '../parts/button.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { accountMessages } from '../words/account-messages.ts';

interface Props {
  /** Fetches the next page and shows it. */
  readonly onMore: () => Promise<Refusal | { readonly kind: 'shown' }>;
}

/** The rest of a list, a page at a time. */
export function More({ onMore }: Props) {
  const words = accountMessages.list;
  const [state, setState] = useState<Refusal | { readonly kind: 'shown' } | { readonly kind: 'sending' }>({
    kind: 'shown',
  });
  const more = async (): Promise<void> => {
    setState({ kind: 'sending' });
    setState(await onMore());
  };
  return (
    <>
      {isRefusal(state) && <RefusalNotice refusal={state} onBack={() => void more()} />}
      <div class="actions">
        <Button onPress={() => void more()} sending={state.kind === 'sending' ? words.moreSending : undefined}>
          {words.more}
        </Button>
      </div>
    </>
  );
}
