/** What came of a check: what would be served, or everything that is wrong. */
import type { Judged } from '../api/certificates.ts';
import { Notice } from '../parts/notice.tsx';
import { certificateMessages } from '../words/certificate-messages.ts';
import { CertificateFacts, CertificateNotices } from './certificate-facts.tsx';
import { Problems } from './problems.tsx';

const words = certificateMessages.judged;

interface Props {
  readonly certPath: string;
  readonly judged: Judged;
}

export function Judgement({ certPath, judged }: Props) {
  if (judged.kind === 'unusable') {
    return (
      <Notice tone="danger">
        <p>{words.unusable(certPath)}</p>
        <Problems problems={judged.problems} />
      </Notice>
    );
  }
  return (
    <div class="judged">
      <Notice tone="good" spoken>
        <p>{words.usable(certPath)}</p>
      </Notice>
      <CertificateNotices certificate={judged.certificate} />
      <CertificateFacts certificate={judged.certificate} />
    </div>
  );
}
