/** Some rows of a file, as they were read: made into accounts, or only looked at. */
import type { Keyring } from '../../../crypto/keyring.ts';
import type { Refusal } from '../../../errors.ts';
import { passwordPlace } from '../../../verify/password.ts';
import type { RowOutcome } from '../../bulk/in-order.ts';
import { unmade } from '../../bulk/unmade.ts';
import type { By } from '../../call.ts';
import { type AccountParts, plannedCreation } from '../accounts.ts';
import type { ReadableRow } from './read-accounts.ts';

/** `try`: nothing is written. */
export type Doing = 'make' | 'try';

export type FileParts = AccountParts & { readonly keyring: Keyring };

/** In one transaction, each by itself. */
export function carryOut(
  parts: FileParts,
  rows: readonly (Refusal | ReadableRow)[],
  doing: Doing,
  by: By,
): Promise<readonly RowOutcome[]> {
  return doing === 'try' ? tried(parts, rows) : made(parts, rows, by);
}

async function made(
  parts: FileParts,
  rows: readonly (Refusal | ReadableRow)[],
  by: By,
): Promise<readonly RowOutcome[]> {
  const plans = rows.map((row) => (row.kind === 'refused' ? row : creation(parts, row, by)));
  const writes = plans.filter((plan) => 'write' in plan);
  const outcomes = writes.length === 0 ? [] : await parts.store.writeTogether(writes, 'each');
  let at = 0;
  return plans.map((plan): RowOutcome => {
    if (!('write' in plan)) return plan;
    return outcomes[at++]?.kind === 'created'
      ? { kind: 'done', status: 201, fields: { id: plan.given.user.id } }
      : unmade('name-taken', 'account');
  });
}

function creation(parts: FileParts, { account, hash }: ReadableRow, by: By) {
  return plannedCreation(parts, account, by, (id) => (hash === '' ? '' : parts.keyring.seal(passwordPlace(id), hash)));
}

/** Of a name that is not taken now; somebody may take it before the file comes again. */
function tried({ store }: FileParts, rows: readonly (Refusal | ReadableRow)[]): Promise<readonly RowOutcome[]> {
  return Promise.all(
    rows.map(async (row): Promise<RowOutcome> => {
      if (row.kind === 'refused') return row;
      const found = await store.userByName(row.account.user.username);
      return found.kind === 'found' ? unmade('name-taken', 'account') : { kind: 'done', status: 201, fields: {} };
    }),
  );
}
