/** For administrators: a certificate that ends soon, or a renewed one that cannot be used. */
import { useEffect, useState } from 'preact/hooks';
import { type Standing, certificateStanding } from '../api/certificates.ts';
import { Notice } from '../parts/notice.tsx';
import { places } from '../places.ts';
import { accountMessages } from '../words/account-messages.ts';

const words = accountMessages.certificateNotice;

/** Until then nobody has to hurry. */
const noticeDays = 14;

interface Props {
  /** There is something to be said, there is not, or it cannot be had. */
  readonly onKnown: () => void;
}

export function CertificateNotice({ onKnown }: Props) {
  const [said, setSaid] = useState('');
  // Not worth a word when it cannot be had: the page for certificates says what is wrong.
  const load = async (): Promise<void> => {
    const outcome = await certificateStanding();
    if (outcome.kind === 'standing') setSaid(sentence(outcome));
    onKnown();
  };
  useEffect(() => void load(), []);
  if (said === '') return null;
  return (
    <Notice tone="warn">
      <p>{said}</p>
      <nav class="links" aria-label={words.look}>
        <a href={places.certificates}>{words.look}</a>
      </nav>
    </Notice>
  );
}

function sentence({ alarm, serving }: Standing): string {
  if (alarm !== undefined) return words.alarm;
  // Of its own making, the next one comes by itself.
  if (serving.kind === 'plain' || serving.files.source === 'self-made') return '';
  const { daysLeft } = serving.certificate;
  if (daysLeft < 0) return words.ended;
  if (daysLeft === 0) return words.today;
  return daysLeft <= noticeDays ? words.left(daysLeft) : '';
}
