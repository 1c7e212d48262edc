/** A command about a signed ticket on its way through the control socket. */
import * as z from 'zod';

export const ticketCommand = z.object({ action: z.literal('show'), ticket: z.string().max(16_384) });
