import type { Serving } from '../api/certificates.ts';
import { Section } from '../inside/section.tsx';
import { Notice } from '../parts/notice.tsx';
import { certificateMessages } from '../words/certificate-messages.ts';
import { CertificateFacts, CertificateNotices } from './certificate-facts.tsx';

const words = certificateMessages.served;

export function ServedSection({ serving }: { readonly serving: Serving }) {
  if (serving.kind === 'plain') {
    return (
      <Section id="served" heading={words.heading} lead={words.leadPlain}>
        <Notice tone="info">
          <p>{words.plain}</p>
        </Notice>
      </Section>
    );
  }
  return (
    <Section id="served" heading={words.heading} lead={words.leadTls}>
      <CertificateNotices certificate={serving.certificate} files={serving.files} />
      <CertificateFacts certificate={serving.certificate} files={serving.files} />
    </Section>
  );
}
