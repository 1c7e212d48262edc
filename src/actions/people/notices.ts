/** What somebody is told about their account, until they have seen it (3-rules, Second factors). */
import type { Store } from '../../store/store.ts';
import { done, type Outcome, type PersonCall } from '../call.ts';
import { timeText } from '../issue-session.ts';

export interface NoticeParts {
  readonly store: Store;
}

export async function listNotices(parts: NoticeParts, call: PersonCall): Promise<Outcome> {
  const rows = await parts.store.notices(call.principal.user.row.id);
  return done({
    notices: rows.map(({ id, kind, at, address, detail }) => ({ id, kind, at: timeText(at), address, detail })),
  });
}

export async function dismissNotices(
  parts: NoticeParts,
  call: PersonCall<{ readonly up_to: number }>,
): Promise<Outcome> {
  await parts.store.dismissNotices(call.principal.user.row.id, call.body.up_to);
  return done({});
}
