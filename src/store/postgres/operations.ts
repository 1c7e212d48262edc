/** Everything that writes, by its name in the contract: each is one transaction (`open.ts`). */
import type { VolatileSessions } from '../volatile-sessions.ts';
import { challengeWrites } from './accounts/challenges.ts';
import { factorWrites } from './accounts/factors.ts';
import { linkWrites } from './accounts/links.ts';
import { userWrites } from './accounts/users.ts';
import { putCheckpoint } from './audit.ts';
import { guessingWrites } from './guessing.ts';
import { installationWrites } from './installation.ts';
import { keyWrites } from './keys.ts';
import { oneUseWrites } from './one-use.ts';
import { countAttempt } from './records.ts';
import { sessionParts } from './session-parts.ts';
import { sessionWrites } from './sessions.ts';
import { pathTicketWrites } from './tokens/path-tickets.ts';
import { signedTicketWrites } from './tokens/signed-tickets.ts';
import { tokenWrites } from './tokens/tokens.ts';
import { upkeepWrites } from './upkeep.ts';
import type { Work } from './work.ts';
import { idempotentWrites } from './writes/idempotent.ts';
import { togetherWrites } from './writes/together.ts';

export function writeOperations(volatile: VolatileSessions) {
  const session = sessionParts(volatile);
  const users = userWrites(session);
  return {
    ...installationWrites(session),
    ...keyWrites,
    ...users,
    ...challengeWrites,
    ...factorWrites(session),
    ...linkWrites(session),
    ...sessionWrites(session, volatile),
    ...tokenWrites,
    ...togetherWrites({ ...users, ...tokenWrites }),
    ...idempotentWrites,
    ...pathTicketWrites,
    ...signedTicketWrites,
    ...oneUseWrites(session, volatile),
    ...guessingWrites,
    ...upkeepWrites(session),
    recordAttempt: countAttempt,
    appendAudit: async (work: Work, event: Parameters<Work['audit']>[0]): Promise<void> => work.audit(event),
    putCheckpoint,
  };
}
