/** The question before a pair is served: what changes, and what the browser will say to it. */
import { useState } from 'preact/hooks';
import { type Refusal, isRefusal } from '../api/answers.ts';
import { type Certificate, type PairNote, servePair } from '../api/certificates.ts';
import { Button } from '../parts/button.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Notice } from '../parts/notice.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { ToCopy } from '../tokens/to-copy.tsx';
import { certificateMessages } from '../words/certificate-messages.ts';
import { CertificateNotices } from './certificate-facts.tsx';
import type { Candidate, OnSwitched } from './judging.ts';
import { Problems } from './problems.tsx';

const words = certificateMessages.using;

interface Props {
  readonly candidate: Candidate;
  readonly certificate: Certificate;
  readonly onSwitched: OnSwitched;
  readonly onCancel: () => void;
}

type State =
  | { readonly kind: 'ready' }
  | { readonly kind: 'sending' }
  /** It was good when it was looked at. */
  | { readonly kind: 'unusable'; readonly problems: readonly PairNote[] }
  | Refusal;

export function UseDialog({ candidate, certificate, onSwitched, onCancel }: Props) {
  const [state, setState] = useState<State>({ kind: 'ready' });
  const send = async (): Promise<void> => {
    setState({ kind: 'sending' });
    const outcome = await servePair(candidate.choice);
    if (outcome.kind === 'switched') return onSwitched(outcome);
    setState(outcome.kind === 'given-up' ? { kind: 'ready' } : outcome);
  };
  const distrusted = certificate.chain !== 'trusted';
  return (
    <Dialog heading={words.heading} lead={words.lead} broad onCancel={onCancel}>
      <p>
        <code class="path">{candidate.certPath}</code>
      </p>
      {location.protocol === 'http:' && (
        <Notice tone="info">
          <p>{words.moves(`https://${location.host}`)}</p>
        </Notice>
      )}
      {/* Who does not trust it is said below, as what is to be done now. */}
      <CertificateNotices certificate={{ ...certificate, chain: 'unknown' }} />
      {distrusted && (
        <>
          <Notice tone="warn">
            <p>{words.warns}</p>
          </Notice>
          {certificate.fingerprint !== '' && <ToCopy name={words.copy} text={certificate.fingerprint} />}
        </>
      )}
      {state.kind === 'unusable' && (
        <Notice tone="danger">
          <Problems problems={state.problems} />
        </Notice>
      )}
      {isRefusal(state) && <RefusalNotice refusal={state} here={{ conflict: words.off }} />}
      <div class="actions">
        <Button
          look="primary"
          sending={state.kind === 'sending' ? words.sending : undefined}
          onPress={() => void send()}
        >
          {words.submit}
        </Button>
        <Button onPress={onCancel}>{words.cancel}</Button>
      </div>
    </Dialog>
  );
}
