/**
 * The audit log: rows that are links of a chain, and its signed checkpoints. The head is a row of its own, read and
 * written by statement in the operation's transaction: whatever takes the operation back takes the head back, too.
 */
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { Millis } from '../../types.ts';
import { linkHash } from '../audit-chain.ts';
import { type AuditCheckpoint, type AuditEvent, type AuditHead, auditKeptMs, type AuditRow } from '../rows.ts';
import type { Store } from '../store.ts';

type Row = Record<string, SQLOutputValue>;
type Argument<K extends keyof Store> = Parameters<Store[K]>[0];
type Outcome<K extends keyof Store> = Awaited<ReturnType<Store[K]>>;

/** Rows that one sweep takes away, if a checkpoint lies that near; rows that one reading looks at. */
const cutPerCall = 1000;
const scannedPerCall = 20_000;

const rowColumns = `
  (SELECT chain FROM audit_head) AS chain, number, number AS place, at, event, actor, actor_name AS actorName, address, peer, way, target, result, count, hash`;
const checkpointColumns = 'number, chain, hash, at, key_id AS keyId, signature';

export interface AuditWrites {
  readonly append: (event: AuditEvent) => void;
  putCheckpoint(checkpoint: AuditCheckpoint): Outcome<'putCheckpoint'>;
  /** Takes what is older than 400 days, up to a checkpoint, which stays: from it the rest still verifies. */
  cut(at: Millis): { readonly kind: 'more' | 'done' };
}

export function auditWrites(db: DatabaseSync): AuditWrites {
  const readHead = db.prepare('SELECT chain, number, hash FROM audit_head');
  const moveHead = db.prepare('UPDATE audit_head SET number = ?, hash = ?');
  const nameOf = db.prepare('SELECT username FROM users WHERE id = ?');
  const insert = db.prepare(`
    INSERT INTO audit (number, at, event, actor, actor_name, address, peer, way, target, result, count, hash)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const sameLink = db.prepare(
    'SELECT 1 FROM audit AS a JOIN audit_head AS h ON h.chain = ? WHERE a.number = ? AND a.hash = ?',
  );
  const insertCheckpoint = db.prepare(`
    INSERT INTO audit_checkpoints (number, chain, hash, at, key_id, signature) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (number) DO NOTHING`);
  const firstRow = db.prepare('SELECT min(number) AS number FROM audit');
  const nearCut = db.prepare(
    'SELECT number FROM audit_checkpoints WHERE at <= ? AND number BETWEEN ? AND ? ORDER BY number DESC LIMIT 1',
  );
  const farCut = db.prepare(
    'SELECT number FROM audit_checkpoints WHERE at <= ? AND number > ? ORDER BY number LIMIT 1',
  );
  const dropRows = db.prepare('DELETE FROM audit WHERE number <= ?');
  const dropCheckpoints = db.prepare('DELETE FROM audit_checkpoints WHERE number < ?');

  return {
    append: (event) => {
      const head = headOf(readHead.get());
      const { at, actor, address, peer, way, target, result, count } = event;
      const actorName = actor === '' ? '' : String(nameOf.get(actor)?.['username'] ?? '');
      const number = head.number + 1;
      const hash = linkHash(head.chain, head.hash, { ...event, number, actorName });
      insert.run(number, at, event.event, actor, actorName, address, peer, way, target, result, count, hash);
      moveHead.run(number, hash);
    },

    putCheckpoint: ({ number, chain, hash, at, keyId, signature }) => {
      if (sameLink.get(chain, number, hash) === undefined) return { kind: 'not-of-this-chain' };
      insertCheckpoint.run(number, chain, hash, at, keyId, signature);
      return { kind: 'put' };
    },

    cut: (at) => {
      const first = firstRow.get()?.['number'];
      if (typeof first !== 'number') return { kind: 'done' };
      const oldest = at - auditKeptMs;
      const upTo = first + cutPerCall - 1;
      const to = (nearCut.get(oldest, first, upTo) ?? farCut.get(oldest, upTo))?.['number'];
      if (to === undefined) return { kind: 'done' };
      dropRows.run(to);
      dropCheckpoints.run(to);
      return { kind: 'more' };
    },
  };
}

/** Once, when a database from before the chain is opened: what it holds becomes the chain's beginning, in its order. */
export function chainOldRows(db: DatabaseSync): void {
  const head = headOf(db.prepare('SELECT chain, number, hash FROM audit_head').get());
  if (head.number > 0) return;
  const unchained = db.prepare(
    `SELECT id, coalesce((SELECT username FROM users WHERE users.id = actor), '') AS name, ${rowColumns}
    FROM audit WHERE number IS NULL AND id > ? ORDER BY id LIMIT 1000`,
  );
  const link = db.prepare('UPDATE audit SET number = ?, actor_name = ?, hash = ? WHERE id = ?');
  let { number, hash } = head;
  let last = 0;
  db.exec('BEGIN IMMEDIATE');
  try {
    for (let rows = unchained.all(last); rows.length > 0; rows = unchained.all(last)) {
      for (const row of rows) {
        number += 1;
        const actorName = String(row['name']);
        hash = linkHash(head.chain, hash, { ...rowOf(row), number, actorName });
        last = Number(row['id']);
        link.run(number, actorName, hash, last);
      }
    }
    db.prepare('UPDATE audit_head SET number = ?, hash = ?').run(number, hash);
    db.exec('COMMIT');
  } catch (fault) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw fault;
  }
}

export interface AuditReads {
  auditHead(): Outcome<'auditHead'>;
  auditHeads(): Outcome<'auditHeads'>;
  auditEvents(query: Argument<'auditEvents'>): Outcome<'auditEvents'>;
  auditPage(query: Argument<'auditPage'>): Outcome<'auditPage'>;
}

export function auditReads(db: DatabaseSync): AuditReads {
  const head = db.prepare(`
    SELECT chain, number, hash, coalesce((SELECT max(number) FROM audit), 0) AS lastRow,
      coalesce((SELECT max(number) FROM audit_checkpoints), 0) AS lastCheckpoint,
      (SELECT count(*) FROM audit WHERE number IS NULL OR number < 1) AS strays
    FROM audit_head`);
  const readHead = db.prepare('SELECT chain, number, hash FROM audit_head');
  const first = db.prepare('SELECT min(number) AS number FROM audit');
  const newest = db.prepare(`
    SELECT ${rowColumns} FROM audit WHERE number < :before AND number >= :from
      AND (:event IS NULL OR event = :event) AND (:since IS NULL OR at >= :since) AND (:until IS NULL OR at < :until)
      AND (:user IS NULL OR actor_name = :user OR target = (SELECT id FROM users WHERE username = :user))
    ORDER BY number DESC LIMIT :limit`);
  const inOrder = db.prepare(
    `SELECT ${rowColumns} FROM audit WHERE number > ? AND number <= ? ORDER BY number LIMIT ?`,
  );
  const checkpoints = db.prepare(
    `SELECT ${checkpointColumns} FROM audit_checkpoints WHERE number > ? AND number <= ? ORDER BY number`,
  );

  const ownHead = (): AuditHead => {
    const row = head.get();
    headOf(row);
    return { ...row } as unknown as AuditHead;
  };

  return {
    auditHead: ownHead,
    auditHeads: () => [ownHead()],
    auditEvents: ({ filter, before, limit }) => {
      // No further up than there is anything: what lies above would be looked at part by part, too.
      const end = Math.min(before ?? Number.MAX_SAFE_INTEGER, headOf(readHead.get()).number + 1);
      // A filter that nothing matches would look at every row there is: a bounded part at a time.
      const from = Math.max(1, end - scannedPerCall);
      const rows = newest.all({ ...filter, before: end, from, limit }).map(rowOf);
      const last = rows.at(-1);
      const reached = rows.length === limit && last !== undefined ? last.number : from;
      return { events: rows, next: reached > Number(first.get()?.['number'] ?? reached) ? reached : null };
    },
    auditPage: ({ chain, after, upTo, limit }) => {
      if (chain !== ownHead().chain) return { events: [], checkpoints: [] };
      const events = inOrder.all(after, upTo, limit).map(rowOf);
      const last = events.length === limit ? (events.at(-1)?.number ?? upTo) : upTo;
      return {
        events,
        checkpoints: checkpoints.all(after, last).map((row) => ({ ...row }) as unknown as AuditCheckpoint),
      };
    },
  };
}

function headOf(row: Row | undefined): Pick<AuditHead, 'chain' | 'number' | 'hash'> {
  if (row === undefined) throw new Error('the row of the audit chain is gone');
  return { chain: String(row['chain']), number: Number(row['number']), hash: String(row['hash']) };
}

function rowOf(row: Row): AuditRow {
  return {
    chain: row['chain'],
    number: row['number'],
    place: row['place'],
    at: row['at'],
    event: row['event'],
    actor: row['actor'],
    actorName: row['actorName'],
    address: row['address'],
    peer: row['peer'],
    way: row['way'],
    target: row['target'],
    result: row['result'],
    count: row['count'],
    hash: row['hash'],
  } as AuditRow;
}
