/** A refusal as a notice; a wait counts down before the eyes and is spoken once, and so is the end of being offline. */
import { useEffect, useState } from 'preact/hooks';
import type { Refusal } from '../api/answers.ts';
import { waitTime } from '../words/formats.ts';
import { messages } from '../words/messages.ts';
import { known, refusalText } from '../words/refusal-text.ts';
import { announce } from './announce.ts';
import { Notice } from './notice.tsx';
import { useWhenBack } from './when-back.ts';

interface Props {
  readonly refusal: Refusal;
  /** What a refusal's code means on this form, where that is more than it means everywhere. */
  readonly here?: Readonly<Record<string, string>>;
  /** What goes on by itself once the server can be reached again; without it the person does. */
  readonly onBack?: (() => void) | undefined;
}

export function RefusalNotice({ refusal, here = {}, onBack }: Props) {
  if (refusal.kind === 'limited') return <Wait refusal={refusal} />;
  if (refusal.kind === 'offline') return <Away refusal={refusal} onBack={onBack} />;
  const ours = refusal.kind === 'refused' ? known(here, refusal.code) : undefined;
  const request = ours === undefined ? toLookUp(refusal) : '';
  return (
    <Notice tone={refusal.kind === 'busy' ? 'warn' : 'danger'}>
      <p>{ours ?? refusalText(refusal)}</p>
      {request !== '' && <p class="small">{messages.trouble.request(request)}</p>}
    </Notice>
  );
}

/** The request's name in the log, where the sentence cannot say what to do. */
function toLookUp(refusal: Refusal): string {
  if (refusal.kind !== 'refused') return '';
  const clear = refusal.code !== 'internal' && known(messages.trouble.codes, refusal.code) !== undefined;
  return clear ? '' : refusal.requestId;
}

function Away({ refusal, onBack }: Props) {
  const words = messages.trouble;
  const [back, setBack] = useState(false);
  useEffect(() => setBack(false), [refusal]);
  useWhenBack(!back, () => {
    setBack(true);
    if (onBack !== undefined) return onBack();
    announce(words.reachable);
  });
  if (back && onBack === undefined) {
    return (
      <Notice tone="good">
        <p>{words.reachable}</p>
      </Notice>
    );
  }
  const waiting = navigator.onLine ? words.unreachableWaiting : words.offlineWaiting;
  return (
    <Notice tone="warn" spoken>
      <p>{onBack === undefined ? refusalText(refusal) : waiting}</p>
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
