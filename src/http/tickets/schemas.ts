/** Bodies of the ticket routes, as clients of Proxmox products send them: in forms everything is text (2-http-api, 8). */
import * as z from 'zod';
import { port } from '../schemas.ts';

const text = z.string();
/** Not longer than any that is given out, or than what a browser says of a passkey. */
const secret = text.max(16_384);
const yes = [true, 1, '1', 'true', 'yes', 'on'] as const;
const no = [false, 0, '0', 'false', 'no', 'off'] as const;
const choice = z.literal([...yes, ...no]);
const portNumber = z.union([
  port,
  text
    .regex(/^[0-9]{1,5}$/)
    .transform(Number)
    .pipe(port),
]);
/** PostgreSQL has no text with NUL, and no ticket is for one. */
const asked = text.refine((words) => !words.includes('\0'), { message: 'It holds NUL.' });
const path = asked.max(2048);
const privileges = asked.min(1).max(1024);

/** Separated as in any list of theirs. */
function listed(words: string): readonly string[] {
  return words.split(/[\s,;]+/).filter((each) => each !== '');
}

export const ticketBody = z
  .object({
    username: text.optional(),
    realm: text.optional(),
    password: secret.optional(),
    otp: text.max(1024).optional(),
    'tfa-challenge': secret.optional(),
    'http-only': choice.optional(),
    path: path.optional(),
    privs: privileges.optional(),
    port: portNumber.optional(),
  })
  .refine((body) => body.password !== undefined || body['tfa-challenge'] === undefined, {
    message: 'It is the answer to the challenge.',
    path: ['password'],
  })
  .refine((body) => body.otp === undefined || body['tfa-challenge'] === undefined, {
    message: 'The code goes with the password, or it answers a challenge.',
    path: ['otp'],
  })
  .refine((body) => (body.path === undefined) === (body.privs === undefined), {
    message: 'Give both, or none.',
    path: ['privs'],
  })
  .refine((body) => body.port === undefined || body.path !== undefined, {
    message: 'It goes with a path.',
    path: ['port'],
  })
  .refine((body) => body.path === undefined || (body.password !== undefined && body['tfa-challenge'] === undefined), {
    message: 'A ticket for a path is shown as the password, alone.',
    path: ['path'],
  })
  .transform(({ path: about, privs, port: at, 'tfa-challenge': challenge, 'http-only': cookie, ...body }) => ({
    ...body,
    challenge,
    form: yes.some((each) => each === cookie) ? ('cookie' as const) : ('body' as const),
    question:
      about === undefined || privs === undefined
        ? undefined
        : { path: about, privileges: listed(privs), port: at ?? null },
  }));

export const consoleTicketBody = z
  .object({ authid: text, vncticket: secret, path, privs: privileges, port: portNumber.optional() })
  .transform(({ authid, vncticket, path: about, privs, port: at }) => ({
    authid,
    vncticket,
    question: { path: about, privileges: listed(privs), port: at ?? null },
  }));
