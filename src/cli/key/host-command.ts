/** A command about keys on its way through the control socket. */
import * as z from 'zod';
import { rotatedPurposes } from '../../actions/keys/ages.ts';

export const keyCommand = z.discriminatedUnion('action', [
  z.object({ action: z.literal('list') }),
  z.object({
    action: z.literal('rotate'),
    purpose: z.enum([...rotatedPurposes, 'service', 'all', 'root']),
    when: z.enum(['published', 'now', 'compromised']),
  }),
]);
