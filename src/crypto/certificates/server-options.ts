/** What our listeners speak: TLS 1.2 and 1.3, with forward secrecy and authenticated ciphers alone (3-rules, TLS). */
import { constants } from 'node:crypto';
import type { CertificatePair } from './pair.ts';

const ciphers = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
].join(':');

/** Of at least 128 bits, and no finite fields: those cost us more than whoever asks. */
const groups = ['X25519MLKEM768', 'X25519', 'P-256', 'P-384', 'P-521'].join(':');

/** For `createSecureContext` and whatever takes its options. */
export interface ContextOptions {
  readonly cert: string;
  readonly key: string;
  readonly minVersion: 'TLSv1.2';
  readonly maxVersion: 'TLSv1.3';
  readonly ciphers: string;
  readonly ecdhCurve: string;
  readonly honorCipherOrder: true;
  readonly secureOptions: number;
}

export function contextOptions({ certPem, keyPem }: Pick<CertificatePair, 'certPem' | 'keyPem'>): ContextOptions {
  return {
    cert: certPem,
    key: keyPem,
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    ciphers,
    ecdhCurve: groups,
    honorCipherOrder: true,
    // One handshake per connection: a client that asks for another makes us work for nothing.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  };
}
