import type { Refusal } from '../api/answers.ts';
import { Button } from '../parts/button.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { messages } from '../words/messages.ts';

interface Props {
  readonly refusal: Refusal;
  readonly onAgain: () => void;
}

/** In the place of a list that could not be had. It comes by itself when there was no more to it than the connection. */
export function Unread({ refusal, onAgain }: Props) {
  return (
    <>
      <RefusalNotice refusal={refusal} onBack={onAgain} />
      <div class="actions">
        <Button onPress={onAgain}>{messages.trouble.again}</Button>
      </div>
    </>
  );
}
