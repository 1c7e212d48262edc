/** A command about keys on its way through the control socket. */
import * as z from 'zod';

export const keyCommand = z.discriminatedUnion('action', [
  z.object({ action: z.literal('list') }),
  z.object({ action: z.literal('rotate'), purpose: z.literal('service') }),
]);
