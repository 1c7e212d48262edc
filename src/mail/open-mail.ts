/** The mail room as the settings ask for it: none, or a server with what it needs to prove itself. */
import type { Settings } from '../config/schema.ts';
import { outwardTls } from '../crypto/certificates/outward.ts';
import type { Random } from '../crypto/random.ts';
import type { Log, Recorder } from '../record/recorder.ts';
import type { Store } from '../store/store.ts';
import type { Clock, Origin } from '../types.ts';
import { type Mailer, smtpMailer } from './mailer.ts';
import { mailNotices } from './notices.ts';
import { outbox as makeOutbox, type Outbox } from './outbox.ts';

export interface MailParts {
  readonly settings: Settings;
  readonly store: Store;
  readonly recorder: Recorder;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: Random;
  readonly wait: (ms: number) => Promise<void>;
  /** Where links lead: the configured place, and nothing that a request says. */
  readonly consoleOrigin: () => Origin;
}

export type MailOpening =
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'open'; readonly outbox: Outbox; readonly stop: () => Promise<void> };

export function openMail(parts: MailParts): MailOpening {
  const { store, recorder, clock, log, random, wait, consoleOrigin } = parts;
  const made = mailerOf(parts.settings, log);
  if (made.kind === 'refused') return made;
  const outbox = makeOutbox({ mailer: made.mailer, store, recorder, log, random, wait });
  const onFault = (fault: unknown): void => log.error({ err: fault }, 'notices could not be mailed');
  const notices = mailNotices({ store, outbox, clock, consoleOrigin, onFault });
  return {
    kind: 'open',
    outbox,
    stop: async () => {
      await Promise.all([notices.stop(), outbox.stop()]);
    },
  };
}

function mailerOf(
  { smtp, mailFrom, smtpCaFile }: Settings,
  log: Log,
): { readonly kind: 'refused'; readonly why: string } | { readonly kind: 'made'; readonly mailer: Mailer | null } {
  if (smtp === null || mailFrom === null) return { kind: 'made', mailer: null };
  if (smtp.tls === 'off') return { kind: 'made', mailer: smtpMailer({ place: smtp, from: mailFrom, tls: null }) };
  const read = outwardTls('smtp', { ca: smtpCaFile, cert: null, key: null }, (what) => log.warn({}, what));
  if (read.kind === 'refused') return read;
  return { kind: 'made', mailer: smtpMailer({ place: smtp, from: mailFrom, tls: read.tls }) };
}
