/** The failure log of a running server: its file, its copy for syslog, and the journal (3-rules, Logs, audit, metrics). */
import type { Settings } from '../../config/schema.ts';
import { type FailureLog, failureLog, type Sink } from '../../record/failures/failure-log.ts';
import { openFileSink } from '../../record/failures/file-sink.ts';
import { syslogSink } from '../../record/failures/syslog-sink.ts';
import type { Log } from '../../record/recorder.ts';
import { systemClock } from '../../setup.ts';
import { journalSink, type standardErrorIs } from './journal.ts';

export type FailuresOpening =
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'open'; readonly failures: FailureLog; readonly close: () => Promise<void> };

export function openFailures(parts: {
  readonly settings: Settings;
  readonly standardError: ReturnType<typeof standardErrorIs>;
  readonly log: Log;
}): FailuresOpening {
  const { settings, standardError, log } = parts;
  const tag = settings.authLogTag;
  const file = openFileSink({ path: settings.authLog, tag, log });
  if (file.kind === 'refused') return { kind: 'refused', why: `the failure log cannot be used: ${file.why}` };
  const sinks: readonly Sink[] = [
    file.sink,
    ...(settings.authSyslog === null ? [] : [syslogSink({ server: settings.authSyslog, tag, log })]),
    ...(standardError === 'journal' ? [journalSink] : []),
  ];
  // A log that was moved away is written anew under its name, as other daemons do it.
  process.on('SIGHUP', () => {
    for (const sink of sinks) sink.reopen();
  });
  return {
    kind: 'open',
    failures: failureLog(sinks, systemClock),
    close: async () => {
      await Promise.all(sinks.map((sink) => sink.close()));
    },
  };
}
