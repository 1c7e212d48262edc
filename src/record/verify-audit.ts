/**
 * Whether an audit log is what was written: walks its lines in order and names the first that is not. Pure: the lines
 * may come from the store, from a running server or from an exported file.
 *
 * A chain by itself shows a change by whoever does not compute it anew. Who does is caught by the checkpoints, which he
 * cannot sign without the root key; who has that, too, by the checkpoints that are in the journal.
 */
import type { PublicKey } from '../crypto/sign.ts';
import { linkHash } from '../store/audit-chain.ts';
import { type AuditCheckpoint, auditKeptMs, type AuditRow } from '../store/rows.ts';
import type { Millis } from '../types.ts';
import type { AuditLine, HeadLine } from './audit-lines.ts';
import { checkCheckpoint } from './checkpoint.ts';

export interface Broken {
  readonly kind: 'broken';
  /** Whose line it is; empty where that cannot be told. */
  readonly chain: string;
  /** Number of the first line that is wrong. */
  readonly number: number;
  /** One sentence part: what is wrong with it. */
  readonly why: string;
}

export interface Whole {
  readonly kind: 'whole';
  readonly chain: string;
  readonly events: number;
  /** Numbers of the first and the last event; 0 without any. */
  readonly first: number;
  readonly last: number;
  readonly checkpoints: number;
  /** Events after the last checkpoint: chained, and not signed yet. */
  readonly unsigned: number;
  /** Checkpoints from elsewhere that could be compared. */
  readonly compared: number;
}

export interface AuditCheck {
  /** The next line, in order. */
  take(line: Exclude<AuditLine, HeadLine>): Broken | { readonly kind: 'fits' };
  /** After the last line. */
  end(): Broken | Whole;
}

const fits = { kind: 'fits' } as const;
/** What a clock may have been off when the front was cut. */
const slackMs = 86_400_000;

/** A log of one chain or several, each of which begins with its head. */
export interface LogCheck {
  take(line: AuditLine): Broken | { readonly kind: 'fits' };
  end(): Broken | { readonly kind: 'whole'; readonly chains: readonly Whole[] };
}

/** `given`: checkpoints from the journal, which the log has to agree with. */
export function logCheck(given: readonly AuditCheckpoint[], now: Millis): LogCheck {
  const chains: Whole[] = [];
  const seen = new Set<string>();
  let check: AuditCheck | undefined;

  const close = (): Broken | typeof fits => {
    const ended = check?.end();
    if (ended?.kind === 'broken') return ended;
    if (ended !== undefined) chains.push(ended);
    check = undefined;
    return fits;
  };

  return {
    take: (line) => {
      if (line.kind !== 'head')
        return check?.take(line) ?? broken('', 1, 'the log does not begin with the head of a chain');
      const closed = close();
      if (closed.kind === 'broken') return closed;
      if (seen.has(line.chain)) return broken(line.chain, 1, 'the chain begins twice');
      seen.add(line.chain);
      check = auditCheck(
        line,
        given.filter(({ chain }) => chain === line.chain),
        now,
      );
      return fits;
    },
    end: () => {
      if (seen.size === 0) return broken('', 1, 'there is no log');
      const closed = close();
      if (closed.kind === 'broken') return closed;
      const gone = given.find(({ chain }) => !seen.has(chain));
      return gone === undefined
        ? { kind: 'whole', chains }
        : broken(gone.chain, gone.number, 'the checkpoint that was given for it is of a chain that is not there');
    },
  };
}

/** One chain. `given`: checkpoints of it from the journal. */
export function auditCheck(head: HeadLine, given: readonly AuditCheckpoint[], now: Millis): AuditCheck {
  const { keys, chain } = head;
  let number = 0;
  let hash = '';
  let first = 0;
  let events = 0;
  let checkpoints = 0;
  let signed = 0;
  let compared = 0;
  const open = given.toSorted((a, b) => a.number - b.number);

  /** Those given that speak of the line that was just taken. */
  const compare = (): Broken | typeof fits => {
    while (open[0] !== undefined && open[0].number <= number) {
      const [one] = open.splice(0, 1);
      if (one === undefined) break;
      const judged = judge(one, keys, chain, `the checkpoint that was given for line ${one.number}`);
      if (judged.kind === 'broken') return judged;
      if (one.number < number) {
        if (one.at <= now - auditKeptMs + slackMs) continue;
        return broken(chain, one.number, 'it was cut away before its time: a checkpoint that was given tells of it');
      }
      if (one.hash !== hash)
        return broken(
          chain,
          number,
          'it, or a line before it, is not what was signed in the checkpoint that was given',
        );
      compared += 1;
    }
    return fits;
  };

  const takeEvent = (row: AuditRow): Broken | typeof fits => {
    const expected = number + 1;
    if (row.number > expected)
      return broken(
        chain,
        expected,
        first === 0 && checkpoints === 0
          ? `the log begins at line ${row.number} without a checkpoint: what was before it was removed`
          : `it was removed: line ${row.number} is the next one`,
      );
    if (row.number < expected) return broken(chain, row.number, 'it stands there twice, or out of order');
    if (row.number > head.number)
      return broken(chain, row.number, `it was inserted: the chain ends at line ${head.number}`);
    if (linkHash(chain, hash, row) !== row.hash)
      return broken(
        chain,
        row.number,
        'its hash does not fit: it was changed, inserted or moved, or the one before it was',
      );
    number = row.number;
    hash = row.hash;
    if (first === 0) first = number;
    events += 1;
    return compare();
  };

  const takeCheckpoint = (checkpoint: AuditCheckpoint): Broken | typeof fits => {
    const judged = judge(checkpoint, keys, chain, `the checkpoint of line ${checkpoint.number}`);
    if (judged.kind === 'broken') return judged;
    if (number === 0 && checkpoint.number > 0) {
      if (checkpoint.at > now - auditKeptMs + slackMs)
        return broken(chain, 1, `lines 1 to ${checkpoint.number} were removed before their time`);
      ({ number, hash } = checkpoint);
    }
    if (checkpoint.number > number)
      return broken(chain, number + 1, `it was removed: the checkpoint of line ${checkpoint.number} tells of it`);
    if (checkpoint.number < number || checkpoint.hash !== hash)
      return broken(
        chain,
        checkpoint.number,
        signed === 0
          ? 'it, or a line before it, is not what was signed'
          : `it, or a line after ${signed}, is not what was signed`,
      );
    checkpoints += 1;
    signed = number;
    return compare();
  };

  return {
    take: (line) => (line.kind === 'event' ? takeEvent(line.row) : takeCheckpoint(line.checkpoint)),
    end: () => {
      const beyond = Math.max(head.number, head.lastCheckpoint);
      if (number < beyond) return broken(chain, number + 1, `it was removed: the log went on to line ${beyond}`);
      if (hash !== head.hash) return broken(chain, number, 'its hash is not the one the chain ends with');
      if (head.lastRow > head.number)
        return broken(chain, head.number + 1, `it was inserted: the chain ends at line ${head.number}`);
      if (head.strays > 0) return broken(chain, number + 1, `${head.strays} lines without a number were inserted`);
      const [missing] = open;
      if (missing !== undefined) {
        const judged = judge(missing, keys, chain, `the checkpoint that was given for line ${missing.number}`);
        return judged.kind === 'broken'
          ? judged
          : broken(chain, number + 1, `it was removed: the checkpoint that was given tells of line ${missing.number}`);
      }
      return { kind: 'whole', chain, events, first, last: number, checkpoints, unsigned: number - signed, compared };
    },
  };
}

function judge(
  checkpoint: AuditCheckpoint,
  keys: readonly PublicKey[],
  chain: string,
  name: string,
): Broken | typeof fits {
  const { number, keyId } = checkpoint;
  switch (checkCheckpoint(checkpoint, keys).kind) {
    case 'unknown-key':
      return broken(chain, number, `${name} is signed by key "${keyId}", which is not in the key ring`);
    case 'wrong':
      return broken(chain, number, `the signature of ${name} is wrong`);
    case 'right':
      return checkpoint.chain === chain ? fits : broken(chain, number, `${name} is of another chain`);
  }
}

function broken(chain: string, number: number, why: string): Broken {
  return { kind: 'broken', chain, number, why };
}
