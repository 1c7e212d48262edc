/**
 * The audit log: each node appends to a chain of its own, whose head is a row that it locks until the commit. Listing goes
 * over all chains in the order their rows were written.
 */
import { linkHash } from '../audit-chain.ts';
import {
  type AuditCheckpoint,
  type AuditEvent,
  type AuditHead,
  auditKeptMs,
  type AuditRow,
  type UserRow,
} from '../rows.ts';
import type { Store } from '../store.ts';
import type { Millis } from '../../types.ts';
import type { Database, Row, Transaction } from './server/database.ts';
import type { Work } from './work.ts';

type Argument<K extends keyof Store> = Parameters<Store[K]>[0];
type Outcome<K extends keyof Store> = Awaited<ReturnType<Store[K]>>;

/** Rows that one sweep takes away, if a checkpoint lies that near; rows that one reading looks at. */
const cutPerCall = 1000;
const scannedPerCall = 20_000;

const rowColumns = `
  place, chain, number, at, event, actor, actor_name AS "actorName", address, peer, way, target, result, count, hash`;
const checkpointColumns = 'number, chain, hash, at, key_id AS "keyId", signature';
const headColumns = `
  each.chain, coalesce(h.number, 0) AS number, coalesce(h.hash, '') AS hash,
  coalesce((SELECT max(a.number) FROM audit AS a WHERE a.chain = each.chain), 0) AS "lastRow",
  coalesce((SELECT max(c.number) FROM audit_checkpoints AS c WHERE c.chain = each.chain), 0) AS "lastCheckpoint",
  (SELECT count(*) FROM audit AS a WHERE a.chain = each.chain AND (a.number IS NULL OR a.number < 1)) AS strays`;

/** A chain of that name, unless there is one. */
export async function beginChain(transaction: Transaction, chain: string): Promise<void> {
  await transaction.run(
    "INSERT INTO audit_heads (chain, number, hash) VALUES ($1, 0, '') ON CONFLICT (chain) DO NOTHING",
    [chain],
  );
}

export async function appendAudit(
  transaction: Transaction,
  chain: string,
  events: readonly AuditEvent[],
  leaving: readonly UserRow[],
): Promise<void> {
  // Before the lock, which the next writer waits for.
  const actors = [...new Set(events.map(({ actor }) => actor).filter((actor) => actor !== ''))];
  const there =
    actors.length === 0 ? [] : await transaction.rows('SELECT id, username FROM users WHERE id = ANY ($1)', [actors]);
  const names = [...there, ...leaving];
  const [head] = await transaction.rows('SELECT number, hash FROM audit_heads WHERE chain = $1 FOR UPDATE', [chain]);
  if (head === undefined) throw new Error('the row of the audit chain is gone');
  let { number, hash } = head as { number: number; hash: string };
  const links = events.map((event) => {
    const actorName = (names.find(({ id }) => id === event.actor)?.username ?? '') as string;
    number += 1;
    hash = linkHash(chain, hash, { ...event, number, actorName });
    return { ...event, number, actorName, hash };
  });
  // All of them by one statement: whoever writes next waits as long for two hundred as for one.
  await transaction.run(
    `WITH links AS (INSERT INTO audit
        (chain, number, at, event, actor, actor_name, address, peer, way, target, result, count, hash)
      SELECT $1, each.* FROM unnest($4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
        $11::text[], $12::text[], $13::text[], $14::bigint[], $15::text[])
        AS each (number, at, event, actor, actor_name, address, peer, way, target, result, count, hash)
      ORDER BY each.number)
    UPDATE audit_heads SET number = $2, hash = $3 WHERE chain = $1`,
    [
      chain,
      number,
      hash,
      links.map((link) => link.number),
      links.map(({ at }) => at),
      links.map(({ event }) => event),
      links.map(({ actor }) => actor),
      links.map(({ actorName }) => actorName),
      links.map(({ address }) => address),
      links.map(({ peer }) => peer),
      links.map(({ way }) => way),
      links.map(({ target }) => target),
      links.map(({ result }) => result),
      links.map(({ count }) => count),
      links.map((link) => link.hash),
    ],
  );
}

export async function putCheckpoint(work: Work, checkpoint: AuditCheckpoint): Promise<Outcome<'putCheckpoint'>> {
  const { number, chain, hash, at, keyId, signature } = checkpoint;
  const same = await work.rows(
    `SELECT 1 FROM audit AS a JOIN audit_heads AS h ON h.chain = a.chain WHERE a.chain = $1 AND a.number = $2 AND a.hash = $3`,
    [chain, number, hash],
  );
  if (same.length === 0) return { kind: 'not-of-this-chain' };
  await work.run(
    `INSERT INTO audit_checkpoints (number, chain, hash, at, key_id, signature) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (chain, number) DO NOTHING`,
    [number, chain, hash, at, keyId, signature],
  );
  return { kind: 'put' };
}

/** Takes what is older than 400 days from each chain, up to a checkpoint, which stays: from it the rest still verifies. */
export async function cutAudit(work: Work, at: Millis): Promise<{ readonly kind: 'more' | 'done' }> {
  const oldest = at - auditKeptMs;
  const cuts = await work.rows(
    `SELECT first.chain, coalesce(
        (SELECT max(c.number) FROM audit_checkpoints AS c
          WHERE c.chain = first.chain AND c.at <= $1 AND c.number BETWEEN first.number AND first.number + $2 - 1),
        (SELECT min(c.number) FROM audit_checkpoints AS c
          WHERE c.chain = first.chain AND c.at <= $1 AND c.number > first.number + $2 - 1)) AS upto
    FROM (SELECT h.chain, (SELECT min(a.number) FROM audit AS a WHERE a.chain = h.chain) AS number
      FROM audit_heads AS h) AS first`,
    [oldest, cutPerCall],
  );
  const meant = cuts.filter(({ upto }) => upto !== null);
  for (const { chain, upto } of meant) {
    await work.run('DELETE FROM audit WHERE chain = $1 AND number <= $2', [chain, upto]);
    await work.run('DELETE FROM audit_checkpoints WHERE chain = $1 AND number < $2', [chain, upto]);
  }
  return { kind: meant.length > 0 ? 'more' : 'done' };
}

export interface AuditReads {
  readonly auditHead: () => Promise<Outcome<'auditHead'>>;
  readonly auditHeads: () => Promise<Outcome<'auditHeads'>>;
  readonly auditEvents: (query: Argument<'auditEvents'>) => Promise<Outcome<'auditEvents'>>;
  readonly auditPage: (query: Argument<'auditPage'>) => Promise<Outcome<'auditPage'>>;
}

export function auditReads(db: Database, chain: string): AuditReads {
  return {
    auditHead: async () => {
      const [head] = await db.rows(
        `SELECT ${headColumns} FROM audit_heads AS h JOIN LATERAL (SELECT h.chain) AS each ON true WHERE h.chain = $1`,
        [chain],
      );
      if (head === undefined) throw new Error('the row of the audit chain is gone');
      return headOf(head);
    },
    auditHeads: async () => {
      const heads = await db.rows(
        `SELECT ${headColumns} FROM (SELECT chain FROM audit_heads UNION SELECT chain FROM audit
          UNION SELECT chain FROM audit_checkpoints) AS each
        LEFT JOIN audit_heads AS h ON h.chain = each.chain ORDER BY each.chain COLLATE "C"`,
      );
      return heads.map(headOf);
    },
    auditEvents: async ({ filter, before, limit }) => {
      // A filter that nothing matches would look at every row there is: a bounded part at a time.
      const rows = await db.rows(
        `WITH part AS (SELECT ${rowColumns} FROM audit WHERE place < $1 ORDER BY place DESC LIMIT $2)
        SELECT part.*, (SELECT min(place) FROM part) AS reached, (SELECT min(place) FROM audit) AS first
        FROM (SELECT 1) AS one LEFT JOIN part ON ($3::text IS NULL OR event = $3)
          AND ($4::bigint IS NULL OR at >= $4) AND ($5::bigint IS NULL OR at < $5)
          AND ($6::text IS NULL OR "actorName" = $6 OR target = (SELECT id FROM users WHERE username = $6))
        ORDER BY place DESC LIMIT $7`,
        [
          before ?? Number.MAX_SAFE_INTEGER,
          scannedPerCall,
          filter.event,
          filter.since,
          filter.until,
          filter.user,
          limit,
        ],
      );
      const events = rows.filter(({ place }) => place !== null).map(rowOf);
      const [about] = rows;
      const last = events.at(-1);
      const reached = events.length === limit && last !== undefined ? last.place : (about?.['reached'] ?? null);
      return { events, next: reached !== null && Number(reached) > Number(about?.['first']) ? Number(reached) : null };
    },
    auditPage: async ({ chain: asked, after, upTo, limit }) => {
      const events = (
        await db.rows(
          `SELECT ${rowColumns} FROM audit WHERE chain = $1 AND number > $2 AND number <= $3 ORDER BY number LIMIT $4`,
          [asked, after, upTo, limit],
        )
      ).map(rowOf);
      const last = events.length === limit ? (events.at(-1)?.number ?? upTo) : upTo;
      const checkpoints = await db.rows(
        `SELECT ${checkpointColumns} FROM audit_checkpoints WHERE chain = $1 AND number > $2 AND number <= $3 ORDER BY number`,
        [asked, after, last],
      );
      return { events, checkpoints: checkpoints.map((row) => ({ ...row }) as unknown as AuditCheckpoint) };
    },
  };
}

function headOf({ chain, number, hash, lastRow, lastCheckpoint, strays }: Row): AuditHead {
  return { chain, number, hash, lastRow, lastCheckpoint, strays } as unknown as AuditHead;
}

function rowOf(row: Row): AuditRow {
  const { place, chain, number, at, event, actor, actorName, address, peer, way, target, result, count, hash } = row;
  return {
    place,
    chain,
    number,
    at,
    event,
    actor,
    actorName,
    address,
    peer,
    way,
    target,
    result,
    count,
    hash,
  } as unknown as AuditRow;
}
