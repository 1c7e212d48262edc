/** Commands of the host as the running server takes them: a path of the control socket each. */
import type * as z from 'zod';
import type { Outcome } from '../../actions/call.ts';
import { refuse } from '../../errors.ts';
import type { Sallyport } from '../../setup.ts';
import { keyCommand } from '../key/host-command.ts';
import { ticketCommand } from '../ticket/host-command.ts';
import { tlsCommand } from '../tls/host-command.ts';
import { tokenCommand } from '../token/host-command.ts';
import { userCommand } from '../user/host-command.ts';

type Served = (sallyport: Sallyport, value: unknown) => Promise<Outcome>;

export const served = {
  '/user': taken(userCommand, ({ users }) => users),
  '/token': taken(tokenCommand, ({ tokens }) => tokens),
  '/key': taken(keyCommand, ({ keys }) => keys),
  '/ticket': taken(ticketCommand, ({ signedTickets }) => signedTickets),
  '/tls': taken(tlsCommand, ({ tls }) => tls),
} as const satisfies Readonly<Record<string, Served>>;

export type HostPath = keyof typeof served;

/** What it holds has to be a command; whether it may be done is judged where it is. */
function taken<Asked>(
  form: z.ZodType<Asked>,
  doing: (sallyport: Sallyport) => (command: Asked) => Promise<Outcome>,
): Served {
  return async (sallyport, value) => {
    const read = form.safeParse(value);
    return read.success
      ? doing(sallyport)(read.data)
      : refuse('invalid_request', { detail: 'the server does not know that command.' });
  };
}
