/**
 * Accounts by the word of whoever runs commands on the host: as an admin has them, and what no admin may: taking second
 * factors away, and lifting what strangers have done to an account. Whoever gets that far owns the data folder already.
 */
import { refuse } from '../../errors.ts';
import type { UserRow } from '../../store/rows.ts';
import { type BlockParts, unlock } from '../blocks.ts';
import { rowResult, summaryOf } from '../bulk/results.ts';
import { byHost as by, done, type Outcome } from '../call.ts';
import {
  changeAccount,
  createAccount,
  deleteAccount,
  type NewAccountBody,
  type PersonBody,
  shownUser,
  userNamed,
} from './accounts.ts';
import type { AccountRow } from './files/columns.ts';
import { carryOut, type FileParts } from './files/make-accounts.ts';
import { readRow } from './files/read-accounts.ts';
import { handOutLink, type LinkParts } from './links.ts';
import { usersPage, type UsersQuery } from './users.ts';

export type HostParts = LinkParts & BlockParts & FileParts;

export type HostCommand =
  | ({ readonly action: 'list' } & UsersQuery)
  | ({ readonly action: 'add' } & Omit<NewAccountBody, 'active'>)
  /** Rows of a file, a part of it: what became of each is told with its number among them. */
  | { readonly action: 'import'; readonly accounts: readonly AccountRow[]; readonly dry_run: boolean }
  | {
      readonly action:
        | 'show'
        /** For whoever has a password already, that is a reset (2-http-api, 9). */
        | 'invite'
        | 'reset'
        | 'enable'
        | 'disable'
        | 'delete'
        | 'reset-factors'
        | 'unlock';
      readonly username: string;
    }
  | {
      readonly action: 'grant' | 'revoke';
      readonly username: string;
      readonly privileges: readonly string[];
    };

export type HostUsers = (command: HostCommand) => Promise<Outcome>;

export function hostUsers(parts: HostParts): HostUsers {
  const change = async (user: UserRow, wanted: (user: UserRow) => PersonBody): Promise<Outcome> => {
    const changed = await changeAccount(parts, user, wanted, by);
    return changed.kind === 'refused' ? changed : done({ user: shownUser(changed.user) });
  };

  return async (command) => {
    if (command.action === 'list') return usersPage(parts, command);
    if (command.action === 'add') {
      const created = await createAccount(parts, command, by);
      return created.kind === 'refused' ? created : done({ user: shownUser(created.user) }, { status: 201 });
    }
    if (command.action === 'import') {
      const outcomes = await carryOut(
        parts,
        command.accounts.map((row) => readRow(parts.realms, row)),
        command.dry_run ? 'try' : 'make',
        by,
      );
      return done({ ...summaryOf(outcomes.map((outcome, at) => rowResult(at + 1, outcome, null))) });
    }
    const found = await userNamed(parts, command.username);
    if (found.kind === 'refused') return found;
    const { user } = found;
    switch (command.action) {
      case 'show':
        return done({ user: shownUser(user) });
      case 'invite':
        return handOutLink(parts, user, user.sealedPassword === '' ? 'invite' : 'reset', by);
      case 'reset':
        return handOutLink(parts, user, 'reset', by);
      case 'enable':
        return change(user, () => ({ active: true }));
      case 'disable':
        return change(user, () => ({ active: false }));
      case 'delete': {
        const deleted = await deleteAccount(parts, user, by);
        return deleted.kind === 'refused' ? deleted : done({});
      }
      case 'grant':
        return change(user, ({ privileges }) => ({ privileges: [...privileges, ...command.privileges] }));
      case 'revoke':
        return change(user, ({ privileges }) => ({
          privileges: privileges.filter((each) => !command.privileges.includes(each)),
        }));
      case 'reset-factors':
        return resetFactors(parts, user);
      case 'unlock':
        return unlockAccount(parts, user);
    }
  };
}

async function resetFactors(parts: HostParts, user: UserRow): Promise<Outcome> {
  const reset = await parts.store.resetFactors({
    userId: user.id,
    audit: parts.recorder.event({ event: 'factors-reset', ...by, target: user.id }),
    notice: { userId: user.id, kind: 'factors-reset', at: parts.clock.now(), address: '', detail: '' },
  });
  return reset.kind === 'reset' ? done({}) : refuse('not_found', { detail: 'There is no such user.' });
}

/** What wrong passwords and codes of others have come to. */
async function unlockAccount(parts: HostParts, user: UserRow): Promise<Outcome> {
  const { strangersFailures, knownNetworkFailures } = await parts.store.factorsOf(user.id);
  const held = strangersFailures + knownNetworkFailures > 0;
  if (held) {
    const audit = parts.recorder.event({ event: 'totp-unlocked', ...by, target: user.id });
    await parts.store.unlockTotp(user.id, audit);
  }
  const lifted = await unlock(parts, user.username);
  return lifted.kind === 'done' && held ? done({ lifted: Number(lifted.fields['lifted']) + 1 }) : lifted;
}
