/** Everybody as a CSV file (2-http-api, 5), which can be imported again. */
import { setImmediate } from 'node:timers/promises';
import { csvType } from '../../../request/csv/accept.ts';
import type { Store } from '../../../store/store.ts';
import type { Username } from '../../../types.ts';
import type { Export } from '../../call.ts';
import { exportHead, exportRecord } from './columns.ts';

const inTurn = 500;

/** `matching` as in the list; empty: all of them. */
export async function exportUsers(
  { store }: { readonly store: Pick<Store, 'users'> },
  matching: string,
): Promise<Export> {
  const lines = [exportHead];
  for (let after: Username | null = null; ;) {
    const rows = await store.users({ after, limit: inTurn, matching });
    for (const user of rows) lines.push(exportRecord({ ...user, display_name: user.displayName }));
    after = rows.at(-1)?.username ?? null;
    if (rows.length < inTurn) break;
    await setImmediate();
  }
  return {
    kind: 'export',
    contentType: csvType,
    text: lines.map((line) => `${line}\r\n`).join(''),
    headers: ['content-disposition', 'attachment; filename="users.csv"'],
  };
}
