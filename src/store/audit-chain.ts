/**
 * A link of the audit chain: what is hashed for one row, the same for every engine and for whoever checks an export.
 * Every part has its length in bytes in front, so that no two rows are the same text; the label in front carries the
 * version. A column that is added later needs a new label.
 */
import { digest } from '../crypto/digest.ts';
import type { AuditRow } from './rows.ts';

const label = 'sallyport audit event v1';

export type UnlinkedRow = Omit<AuditRow, 'hash' | 'chain' | 'place'>;

/** What is hashed: label, chain, number, hash of the row before (empty for the first), then every field. */
export function encodeLink(chain: string, previous: string, row: UnlinkedRow): string {
  const parts = [
    label,
    chain,
    String(row.number),
    previous,
    String(row.at),
    row.event,
    row.actor,
    row.actorName,
    row.address,
    row.peer,
    row.way,
    row.target,
    row.result,
    String(row.count),
  ];
  return parts.map((part) => `${Buffer.byteLength(part)}:${part}`).join('');
}

/** SHA-256 of the link, base64url. */
export function linkHash(chain: string, previous: string, row: UnlinkedRow): string {
  return digest(encodeLink(chain, previous, row));
}
