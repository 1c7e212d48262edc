/**
 * Standard error as systemd's journal reads it: each line begins with its priority (sd-daemon(3)). Only where standard error
 * is the journal; anywhere else the lines are as they were.
 */
import { fstatSync, writeSync } from 'node:fs';
import type { Sink } from '../../record/failures/failure-log.ts';

/** systemd names device and inode of the journal's socket; something else may have been put in its place since. */
export function standardErrorIs(journalStream: string | undefined): 'journal' | 'another' {
  if (journalStream === undefined) return 'another';
  try {
    const { dev, ino } = fstatSync(2);
    return journalStream === `${dev}:${ino}` ? 'journal' : 'another';
  } catch {
    return 'another';
  }
}

/** By pino's levels. */
const priorities: Readonly<Record<number, number>> = { 10: 7, 20: 7, 30: 6, 40: 4, 50: 3, 60: 2 };

/** What pino writes to: it says the level of each line beforehand. */
export function journalDestination(): { lastLevel: number; write(line: string): void } {
  const destination = {
    [Symbol.for('pino.metadata')]: true,
    lastLevel: 30,
    write: (line: string): void => void writeSync(2, `<${priorities[destination.lastLevel] ?? 6}>${line}`),
  };
  return destination;
}

export const journalSink: Sink = {
  write: (_at, text) => void writeSync(2, `<4>${text}\n`),
  standing: () => 'working',
  reopen: () => undefined,
  close: () => Promise.resolve(),
};
