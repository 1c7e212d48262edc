/** What is known of a certificate; what there is to do about it comes first. */
import type { Certificate, PairFiles } from '../api/certificates.ts';
import { Known } from '../parts/known.tsx';
import { Moment } from '../parts/moment.tsx';
import { Notice } from '../parts/notice.tsx';
import { ToCopy } from '../tokens/to-copy.tsx';
import { exactTime } from '../words/formats.ts';
import { certificateMessages } from '../words/certificate-messages.ts';
import { known } from '../words/refusal-text.ts';
import { dueOf, dueTone } from './due.ts';

const words = certificateMessages.facts;

interface Props {
  readonly certificate: Certificate;
  /** Where it is served from, when it is. */
  readonly files?: PairFiles;
}

export function CertificateFacts({ certificate, files }: Props) {
  const said = certificateMessages.served;
  return (
    <div class="certificate">
      <dl class="known">
        {files !== undefined && <Known name={said.from}>{sourceName(files.source)}</Known>}
        {certificate.names.length > 0 && (
          <Known name={words.names}>
            <ul class="names">
              {certificate.names.map((name) => (
                <li key={name}>{name}</li>
              ))}
            </ul>
          </Known>
        )}
        <Known name={words.subject}>{certificate.subject}</Known>
        <Known name={words.issuer}>{certificate.signedBy === 'itself' ? words.itself : certificate.issuer}</Known>
        <Known name={words.until}>
          {certificate.notAfter > 0 && <Moment at={certificate.notAfter} said={exactTime(certificate.notAfter)} />}
          <DaysLeft certificate={certificate} />
        </Known>
        <Known name={words.chain}>
          <Trust certificate={certificate} />
        </Known>
        <Known name={words.key}>{certificate.key}</Known>
        <Known name={words.serial}>
          <code>{certificate.serial}</code>
        </Known>
        {files !== undefined && files.certPath !== '' && (
          <Known name={said.certFile}>
            <code>{files.certPath}</code>
          </Known>
        )}
        {files !== undefined && files.keyPath !== '' && (
          <Known name={said.keyFile}>
            <code>{files.keyPath}</code>
          </Known>
        )}
      </dl>
      {certificate.fingerprint !== '' && <ToCopy name={words.fingerprint} text={certificate.fingerprint} />}
    </div>
  );
}

/** What has to be said of it: when it ends, who does not trust it, what else was noticed. */
export function CertificateNotices({ certificate, files }: Props) {
  const selfMade = files?.source === 'self-made';
  const due = dueOf(certificate);
  return (
    <>
      {due !== 'not-soon' && (
        <Notice tone={selfMade && due !== 'ended' ? 'info' : dueTone[due]} spoken={false}>
          <p>{selfMade && due !== 'ended' ? certificateMessages.due.byItself : dueText(certificate)}</p>
        </Notice>
      )}
      {certificate.warnings
        .filter(({ code }) => !saidOtherwise.includes(code))
        .map(({ code, message }) => (
          <Notice tone="warn" key={message}>
            <p>{known(certificateMessages.pairWarnings, code) ?? message}</p>
          </Notice>
        ))}
      {certificate.chain === 'untrusted' && (
        <Notice tone={selfMade ? 'info' : 'warn'}>
          <p>{trustText(certificate, files)}</p>
        </Notice>
      )}
    </>
  );
}

/** By the days that are left, and by the chain. */
const saidOtherwise: readonly string[] = ['expires-soon', 'untrusted'];

export function sourceName(source: string): string {
  return known(certificateMessages.sources, source) ?? certificateMessages.otherSource;
}

function dueText({ daysLeft }: Certificate): string {
  const said = certificateMessages.due;
  switch (dueOf({ daysLeft })) {
    case 'ended':
      return said.ended;
    case 'today':
      return said.today;
    case 'now':
      return said.now(daysLeft);
    case 'shortly':
      return said.shortly(daysLeft);
    case 'soon':
    case 'not-soon':
      return said.soon(daysLeft);
  }
}

function trustText({ signedBy }: Certificate, files: PairFiles | undefined): string {
  const said = certificateMessages.trust;
  if (signedBy === 'another') return said.untrusted;
  return files === undefined || files.certPath === '' ? said.selfMadeBare : said.selfMade(files.certPath);
}

function DaysLeft({ certificate }: { readonly certificate: Certificate }) {
  const due = dueOf(certificate);
  const look = { good: '', info: ' off', warn: ' warn', danger: ' danger' }[dueTone[due]];
  const said = { ended: words.ended, today: words.today }[due as 'ended' | 'today'] ?? words.left(certificate.daysLeft);
  return <span class={`badge${look}`}>{said}</span>;
}

function Trust({ certificate: { chain } }: { readonly certificate: Certificate }) {
  if (chain === 'unknown') return <>{words.unknown}</>;
  return (
    <span class={chain === 'trusted' ? 'badge' : 'badge warn'}>
      {chain === 'trusted' ? words.trusted : words.untrusted}
    </span>
  );
}
