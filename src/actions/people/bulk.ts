/** Accounts by the dozen (2-http-api, 5): each made, changed, switched and deleted as it would be alone. */
import type { Plan, Wanted } from '../bulk/in-order.ts';
import { severalOutcome } from '../bulk/results.ts';
import { type AdminCall, type By, byOf, type Outcome } from '../call.ts';
import type { UserRow } from '../../store/rows.ts';
import {
  type AccountParts,
  type NewAccountBody,
  type PersonBody,
  plannedChange,
  plannedCreation,
  plannedDeletion,
  readNewAccount,
  userWithId,
} from './accounts.ts';

export type AccountItem =
  | { readonly id: string; readonly action: 'enable' | 'disable' | 'delete' }
  | ({ readonly id: string; readonly action?: undefined } & PersonBody)
  | ({ readonly id?: undefined } & NewAccountBody);

export interface AccountsBody {
  readonly items: readonly AccountItem[];
  readonly atomic: boolean;
}

export function changeUsers(parts: AccountParts, call: AdminCall<AccountsBody>): Promise<Outcome> {
  const by = byOf(call);
  const look = async (id: string) => {
    const found = await userWithId(parts, id);
    return found.kind === 'refused' ? found : ({ kind: 'seen', subject: found.user } as const);
  };
  const wanted = call.body.items.map((item) => wantedOf(parts, item, by));
  return severalOutcome({ store: parts.store, recorder: parts.recorder, about: 'account', look }, call, wanted);
}

function wantedOf(parts: AccountParts, item: AccountItem, by: By): Wanted<UserRow> {
  if (item.id === undefined) return { id: null, plan: () => creation(parts, item, by) };
  const { id } = item;
  const told = { status: 200, fields: { id } } as const;
  if (item.action === 'delete')
    return {
      id,
      plan: (user) => ({ kind: 'planned', write: plannedDeletion(parts, user, by), leaves: null, told }),
    };
  const body: PersonBody = item.action === undefined ? item : { active: item.action === 'enable' };
  return {
    id,
    plan: (user) => {
      const change = plannedChange(parts, user, body, by);
      if (change.kind === 'refused') return change;
      if (change.kind === 'as-it-is') return { kind: 'as-it-is', told };
      return { ...change, leaves: { ...user, ...change.write.given.patch }, told };
    },
  };
}

function creation(parts: AccountParts, body: NewAccountBody, by: By): Plan<UserRow> {
  const read = readNewAccount(parts.realms, body);
  if (read.kind === 'refused') return read;
  const write = plannedCreation(parts, read, by);
  return { kind: 'planned', write, leaves: null, told: { status: 201, fields: { id: write.given.user.id } } };
}
