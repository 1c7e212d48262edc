/** A refusal as a notice; a wait counts down before the eyes and is spoken once. */
import { useEffect, useState } from 'preact/hooks';
import type { Refusal } from '../api/answers.ts';
import { waitTime } from '../words/formats.ts';
import { messages } from '../words/messages.ts';
import { known, refusalText } from '../words/refusal-text.ts';
import { announce } from './announce.ts';
import { Notice } from './notice.tsx';

interface Props {
  readonly refusal: Refusal;
  /** What a refusal's code means on this form, where that is more than it means everywhere. */
  readonly here?: Readonly<Record<string, string>>;
}

export function RefusalNotice({ refusal, here = {} }: Props) {
  if (refusal.kind === 'limited') return <Wait refusal={refusal} />;
  return (
    <Notice tone={refusal.kind === 'busy' ? 'warn' : 'danger'}>
      <p>{(refusal.kind === 'refused' ? known(here, refusal.code) : undefined) ?? refusalText(refusal)}</p>
    </Notice>
  );
}

function Wait({ refusal }: { readonly refusal: Extract<Refusal, { kind: 'limited' }> }) {
  const [left, setLeft] = useState(refusal.seconds);
  useEffect(() => {
    const words = messages.trouble;
    const end = performance.now() + refusal.seconds * 1000;
    setLeft(refusal.seconds);
    announce(words.limited(waitTime(refusal.seconds)));
    const timer = setInterval(() => {
      const seconds = Math.max(0, Math.ceil((end - performance.now()) / 1000));
      setLeft(seconds);
      if (seconds > 0) return;
      clearInterval(timer);
      announce(words.limitOver);
    }, 1000);
    return () => clearInterval(timer);
  }, [refusal]);
  if (left === 0) {
    return (
      <Notice tone="info">
        <p>{messages.trouble.limitOver}</p>
      </Notice>
    );
  }
  return (
    <Notice tone="warn">
      <p>{messages.trouble.limited(waitTime(left))}</p>
    </Notice>
  );
}
