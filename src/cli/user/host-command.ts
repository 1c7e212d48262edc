/** A command about accounts on its way through the control socket. What its fields may hold is judged where it is carried out. */
import * as z from 'zod';
import { rowsInTurn } from '../../actions/people/files/read-accounts.ts';

const username = z.string();
const words = z.array(z.string());

const accountRow = z.object({
  username,
  email: z.string(),
  display_name: z.string(),
  groups: words,
  privileges: words,
  active: z.boolean(),
  password_hash: z.string(),
});

export const userCommand = z.discriminatedUnion('action', [
  z.object({
    action: z.literal('list'),
    matching: z.string(),
    after: z.string().nullable(),
    limit: z.string().nullable(),
  }),
  z.object({
    action: z.literal('add'),
    username,
    email: z.string().optional(),
    display_name: z.string().optional(),
    groups: words.optional(),
    privileges: words.optional(),
  }),
  z.object({
    action: z.literal('import'),
    accounts: z.array(accountRow).max(rowsInTurn),
    dry_run: z.boolean(),
  }),
  z.object({
    action: z.enum(['show', 'invite', 'reset', 'enable', 'disable', 'delete', 'reset-factors', 'unlock']),
    username,
  }),
  z.object({ action: z.enum(['grant', 'revoke']), username, privileges: words }),
]);
