/** The audit log of a store, as lines in order: what is verified and exported, whoever asks. */
import { setImmediate } from 'node:timers/promises';
import type { PublicKey } from '../crypto/sign.ts';
import type { AuditFilter, AuditRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import type { MaybePromise } from '../types.ts';
import type { AuditLine, HeadLine } from './audit-lines.ts';

/** Where lines come from: a store, or a running server that has it. */
export interface AuditSource {
  /** Of every chain. */
  heads(): Promise<readonly HeadLine[]>;
  /** Lines of a chain in order, those after number `after` and up to `upTo`, a bounded part: `last` is where it ends. */
  page(
    chain: string,
    after: number,
    upTo: number,
  ): Promise<{ readonly lines: readonly AuditLine[]; readonly last: number }>;
  /** Newest first over all chains, those below place `before`; `next` null at the end. */
  newest(
    filter: AuditFilter,
    before: number | null,
    limit: number,
  ): Promise<{ readonly events: readonly AuditRow[]; readonly next: number | null }>;
}

/** Lines of one page: what is held in memory at once. */
const pageRows = 1000;

export function auditLog(
  store: Pick<Store, 'auditHeads' | 'auditPage' | 'auditEvents'>,
  /** As they are now: what was signed by then is signed by one of them. */
  currentKeys: () => MaybePromise<readonly PublicKey[]>,
): AuditSource {
  return {
    heads: async () => {
      const heads = await store.auditHeads();
      const keys = await currentKeys();
      return heads.map((head) => ({ kind: 'head', ...head, keys }));
    },
    page: async (chain, after, upTo) => {
      const { events, checkpoints } = await store.auditPage({ chain, after, upTo, limit: pageRows });
      const lines: AuditLine[] = [];
      let at = 0;
      const takeUpTo = (number: number): void => {
        for (let next = checkpoints[at]; next !== undefined && next.number < number; next = checkpoints[at]) {
          lines.push({ kind: 'checkpoint', checkpoint: next });
          at += 1;
        }
      };
      for (const row of events) {
        takeUpTo(row.number);
        lines.push({ kind: 'event', row });
      }
      takeUpTo(Number.POSITIVE_INFINITY);
      return { lines, last: events.length === pageRows ? (events.at(-1)?.number ?? upTo) : upTo };
    },
    newest: (filter, before, limit) => matching(store, filter, before, limit),
  };
}

/** The whole log, chain after chain: each from its first line, its head first, page by page. */
export async function* allLines(source: AuditSource): AsyncGenerator<AuditLine, void, undefined> {
  for (const head of await source.heads()) {
    yield head;
    // As far as it went when it was asked for: what is written meanwhile belongs to the next reading.
    const end = head.number;
    for (let after = 0; after < end;) {
      const { lines, last } = await source.page(head.chain, after, end);
      yield* lines;
      after = last;
    }
  }
}

/** The store looks at a bounded part at a time; whoever wants `limit` of them asks again. */
async function matching(
  store: Pick<Store, 'auditEvents'>,
  filter: AuditFilter,
  before: number | null,
  limit: number,
): Promise<{ readonly events: readonly AuditRow[]; readonly next: number | null }> {
  const events: AuditRow[] = [];
  let next = before;
  for (;;) {
    const part = await store.auditEvents({ filter, before: next, limit: limit - events.length });
    events.push(...part.events);
    ({ next } = part);
    if (next === null || events.length >= limit) return { events, next };
    // The store answers at once: without this nobody else would get a turn until the end.
    await setImmediate();
  }
}
