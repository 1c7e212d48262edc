/**
 * Sends one mail to one address through the server that the settings name, by a client that is loaded with it: were it loaded
 * for the first mail, its time would tell that there was one. The server must prove who it is, or is on this machine; nothing is said to it before that (3-rules, TLS).
 */
import { type MailSender, readMailAddress, type SmtpPlace } from '../config/mail-place.ts';
import type { OutwardTls } from '../crypto/certificates/outward.ts';
import type { Letter } from './words.ts';

export type Sending =
  /** `again`: whether the same mail may be taken another time. `cause`: words for log and audit, without an address. */
  | { readonly kind: 'failed'; readonly cause: string; readonly again: 'may-work' | 'hopeless' }
  | { readonly kind: 'sent' };

export interface Mailer {
  /** Never throws. */
  send(letter: Letter, cancel: AbortSignal): Promise<Sending>;
}

export interface MailerParts {
  readonly place: SmtpPlace;
  readonly from: MailSender;
  /** Null where it is spoken to in the clear. */
  readonly tls: OutwardTls | null;
}

/** Longest wait for a connection, for each answer, and for a silent server. */
const connectMs = 10_000;
const silenceMs = 30_000;

export function smtpMailer({ place, from, tls }: MailerParts): Mailer {
  const open = async () => {
    const { createTransport } = await import('nodemailer');
    return createTransport({
      host: place.host,
      port: place.port,
      secure: place.tls === 'implicit',
      requireTLS: place.tls === 'starttls',
      ignoreTLS: place.tls === 'off',
      ...(place.username === '' ? {} : { auth: { user: place.username, pass: place.password } }),
      ...(tls === null ? {} : { tls }),
      connectionTimeout: connectMs,
      greetingTimeout: connectMs,
      dnsTimeout: connectMs,
      socketTimeout: silenceMs,
      maxResponseSize: 65_536,
      // Everything that is sent is a text of ours.
      disableFileAccess: true,
      disableUrlAccess: true,
    });
  };
  const transport = open();
  // It is told with each mail.
  transport.catch(() => undefined);

  return {
    send: async (letter, cancel) => {
      // Whatever the row holds: the client would make several recipients of a list.
      if (readMailAddress(letter.to).kind === 'refused')
        return { kind: 'failed', cause: 'no-address', again: 'hopeless' };
      try {
        await (
          await transport
        ).sendMail({
          envelope: { from: from.address, to: [letter.to] },
          from,
          to: { name: '', address: letter.to },
          subject: letter.subject,
          text: letter.text,
          headers: { 'auto-submitted': 'auto-generated' },
          xMailer: false,
          signal: cancel,
        });
        return { kind: 'sent' };
      } catch (fault) {
        return failureOf(fault as Fault);
      }
    },
  };
}

interface Fault {
  readonly message?: string;
  readonly code?: string;
  readonly responseCode?: number;
  /** What was asked of the server when it refused. */
  readonly command?: string;
  readonly permanent?: boolean;
}

/** The server's own words stay out: they repeat addresses, and whatever else it likes. */
function failureOf({ message = '', code, responseCode, command, permanent }: Fault): Sending {
  // What TLS itself says of a server that is not proven; a server's answer has a number.
  const unproven = /certificate|altnames|unable to (?:get|verify)/i.test(message) ? '-certificate' : '';
  const refused = responseCode === undefined ? unproven : `-${responseCode}`;
  const asked = /^[A-Z]{2,10}/.exec(command ?? '')?.[0] ?? '';
  return {
    kind: 'failed',
    cause: `${code ?? 'fault'}${refused}${responseCode !== undefined && asked !== '' ? `-${asked}` : ''}`.toLowerCase(),
    again: permanent === true ? 'hopeless' : 'may-work',
  };
}
