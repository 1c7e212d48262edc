/**
 * Forgotten passwords: how many may be told so from one network, and how many mails that makes to one account. Whoever is
 * over it is not told: the answer is the same for everybody. Each node counts for itself.
 */
import { isIPv4 } from 'node:net';
import { networkOf } from '../request/address.ts';
import type { Address, Clock, UserId } from '../types.ts';
import { forgottenPassword as limit, narrowNetwork } from './limits.ts';
import { ownBudget } from './own-budget.ts';

export interface Forgotten {
  /** Counts one more request from there. */
  request(address: Address): 'over' | 'within';
  /** Counts one more mail to that account. */
  mail(userId: UserId): 'over' | 'within';
}

export function forgotten(clock: Clock): Forgotten {
  const budgets = {
    v4: ownBudget(clock, 'forgotten-v4', limit.requests),
    v6: ownBudget(clock, 'forgotten-v6', limit.requests),
    users: ownBudget(clock, 'forgotten-mails', limit.mails),
  };
  return {
    request: (address) => budgets[isIPv4(address) ? 'v4' : 'v6'].spend(networkOf(address, narrowNetwork.bits)),
    mail: (userId) => budgets.users.spend(userId),
  };
}
