/**
 * The console has another address: this one is shown until the person is there. Whether the new one answers cannot be
 * asked from here, since pages of another origin are closed to it; the server said so only after a handshake of its own.
 */
import { useEffect } from 'preact/hooks';
import type { Switched } from '../api/certificates.ts';
import { announce } from '../parts/announce.ts';
import { Heading } from '../parts/heading.tsx';
import { Notice } from '../parts/notice.tsx';
import { places } from '../places.ts';
import { ToCopy } from '../tokens/to-copy.tsx';
import { certificateMessages } from '../words/certificate-messages.ts';

const words = certificateMessages.moved;

/** Long enough to read where it goes. */
const readingMs = 4000;

export function MovedView({ switched: { origin, serving } }: { readonly switched: Switched }) {
  const to = `${origin}${places.certificates}${location.hash}`;
  // What the browser will warn about is compared first, so the person goes by themselves.
  const distrusted = serving.kind === 'tls' && serving.certificate.chain !== 'trusted';
  useEffect(() => {
    announce(words.lead(origin));
    if (distrusted) return undefined;
    const timer = setTimeout(() => location.assign(to), readingMs);
    return () => clearTimeout(timer);
  }, []);
  return (
    <section class="section" aria-label={words.heading}>
      <Heading text={words.heading} focus />
      <p>{words.lead(origin)}</p>
      {distrusted ? (
        <>
          <Notice tone="warn">
            <p>{words.warns}</p>
          </Notice>
          <ToCopy name={certificateMessages.using.copy} text={serving.certificate.fingerprint} />
        </>
      ) : (
        <p class="quiet">{words.soon}</p>
      )}
      <div class="actions">
        <a class="button primary" href={to}>
          {words.go(origin)}
        </a>
      </div>
    </section>
  );
}
