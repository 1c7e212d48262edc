/** Where whoever embeds the library has the listeners, the certificates are theirs as well. */
import type { Certificates } from './contract.ts';

const plain = { kind: 'plain' } as const;

export const withoutCertificates: Certificates = {
  serving: () => plain,
  standing: () => Promise.resolve({ tls: 'off', serving: plain, alarm: null, detected: [], folders: [] }),
  judge: () =>
    Promise.resolve({
      kind: 'unusable',
      problems: [{ code: 'not-readable-here', text: 'Certificates are not kept here.' }],
    }),
  choose: () => Promise.resolve({ kind: 'off' }),
  look: () => Promise.resolve(),
  onChange: () => () => undefined,
  untold: [],
  figures: () => ({ notAfter: null, fingerprint: '', alarm: 'none' }),
};
