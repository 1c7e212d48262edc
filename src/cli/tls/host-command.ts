/** A command about the certificate on its way through the control socket. */
import * as z from 'zod';
import { validatePairBody } from '../../http/schemas.ts';

const { cert_path: certPath, key_path: keyPath } = validatePairBody.shape;

export const tlsCommand = z.discriminatedUnion('action', [
  z.object({ action: z.enum(['status', 'self-signed']) }),
  z.object({
    action: z.literal('use'),
    choice: z.discriminatedUnion('source', [
      z.object({ source: z.enum(['proxmox', 'letsencrypt']) }),
      z.object({ source: z.literal('custom'), certPath, keyPath }),
    ]),
  }),
]);
