import type { Refusal } from '../api/answers.ts';
import { Notice } from '../parts/notice.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { factorMessages } from '../words/factor-messages.ts';

interface Props {
  readonly refusal: Refusal;
  /** It was about the last second factor. */
  readonly last: boolean;
  readonly onLeave: () => void;
}

/** Why a factor stays. A short password cannot stand alone: that is said with the way to a longer one. */
export function Refused({ refusal, last, onLeave }: Props) {
  const words = factorMessages.factors;
  if (refusal.kind !== 'refused' || refusal.status !== 409 || !last)
    return <RefusalNotice refusal={refusal} here={{ conflict: words.conflict }} />;
  return (
    <Notice tone="danger">
      <p>{words.lastShort}</p>
      <p>
        <a href="#password" onClick={onLeave}>
          {words.toPassword}
        </a>
      </p>
    </Notice>
  );
}
