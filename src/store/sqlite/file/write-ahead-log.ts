/**
 * What SQLite does not tell: it reads a write-ahead log up to the first frame whose checksum is wrong and takes that for
 * the end. After a crash that is right, since the group that was being written was never acknowledged. After damage it
 * would quietly take back what was acknowledged, revocations among it. The two can be told apart: with `synchronous=FULL`
 * a group is begun after the one before is on disk, so that a crash leaves one unfinished group at most.
 *
 * Format: https://sqlite.org/fileformat2.html#the_write_ahead_log
 */
import { closeSync, openSync, readSync } from 'node:fs';

export type LogStanding = { readonly kind: 'damaged' } | { readonly kind: 'sound' };

const headerBytes = 32;
const frameHeaderBytes = 24;
const magic = 0x377f0682;

/** Reads the log beside a database that nobody has open. */
export function readLogStanding(path: string): LogStanding {
  const file = openSync(path, 'r');
  try {
    return standingOf(file);
  } finally {
    closeSync(file);
  }
}

function standingOf(file: number): LogStanding {
  const header = Buffer.alloc(headerBytes);
  // Shorter than a header: nothing was ever written after it.
  if (readSync(file, header, 0, headerBytes, 0) < headerBytes) return { kind: 'sound' };
  // Zeros: room that was made and never filled before the power went.
  if (header.every((byte) => byte === 0)) return { kind: 'sound' };
  const order = header.readUInt32BE(0) === magic ? 'little' : 'big';
  const pageBytes = header.readUInt32BE(8);
  const start = sum(header.subarray(0, 24), order, [0, 0]);
  const known = header.readUInt32BE(0) >>> 1 === magic >>> 1;
  if (!known || !holds(header, 24, start) || pageBytes < 512 || pageBytes > 65_536) return { kind: 'damaged' };

  let running = start;
  let broken = false;
  let groupsFrom = 0;
  const frame = Buffer.alloc(frameHeaderBytes + pageBytes);
  for (let at = headerBytes; readSync(file, frame, 0, frame.length, at) === frame.length; at += frame.length) {
    // Other salts: left over from before the log was last begun anew.
    const current =
      frame.readUInt32BE(8) === header.readUInt32BE(16) && frame.readUInt32BE(12) === header.readUInt32BE(20);
    if (!broken) {
      running = sum(frame.subarray(frameHeaderBytes), order, sum(frame.subarray(0, 8), order, running));
      broken = !current || !holds(frame, 16, running);
    }
    // The last frame of a group carries the size of the database.
    if (broken && current && frame.readUInt32BE(4) !== 0) groupsFrom += 1;
  }
  return { kind: groupsFrom > 1 ? 'damaged' : 'sound' };
}

type Sum = readonly [number, number];

function sum(bytes: Buffer, order: 'little' | 'big', from: Sum): Sum {
  let [one, two] = from;
  for (let at = 0; at < bytes.length; at += 8) {
    one = (one + (order === 'little' ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at)) + two) >>> 0;
    two = (two + (order === 'little' ? bytes.readUInt32LE(at + 4) : bytes.readUInt32BE(at + 4)) + one) >>> 0;
  }
  return [one, two];
}

function holds(bytes: Buffer, at: number, [one, two]: Sum): boolean {
  return bytes.readUInt32BE(at) === one && bytes.readUInt32BE(at + 4) === two;
}
