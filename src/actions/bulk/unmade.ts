/** Why a write about an account or a token was not made, as it is told: the same whether it came alone or among others. */
import { refuse, type Refusal } from '../../errors.ts';
import type { WriteOutcome } from '../../store/store.ts';
import { tokenLimits } from '../../throttle/limits.ts';

/** Outcomes of writes that were made, and of those that were undone because of others. */
type Made = 'created' | 'updated' | 'deleted';
export type Unmade = Exclude<WriteOutcome['kind'], Made | 'undone'>;

/** Whoever changes the same at the same moment is waited for so often. */
export const mostReadAgain = 5;

export type About = 'account' | 'token';

export function unmade(kind: Unmade, about: About): Refusal {
  switch (kind) {
    case 'unknown':
      return about === 'account' ? noSuchUser() : noSuchToken();
    case 'name-taken':
      return refuse('conflict', { detail: 'That user name is taken.' });
    case 'last-admin':
      return refuse('conflict', { detail: 'This is the last active administrator: make another one first.' });
    case 'superseded':
      return refuse('conflict', { detail: 'The account has changed meanwhile. Look at it again.' });
    case 'too-many':
      return refuse('conflict', {
        detail: `An account has at most ${tokenLimits.perUser} API tokens. Revoke one that is not needed.`,
      });
    case 'changed-meanwhile':
      return refuse('conflict', {
        detail:
          about === 'account'
            ? 'The account is changed by others at this moment. Try again.'
            : 'The token was changed meanwhile. Look at it again.',
      });
  }
}

export function noSuchUser(): Refusal {
  return refuse('not_found', { detail: 'There is no such user.' });
}

export function noSuchToken(): Refusal {
  return refuse('not_found', { detail: 'There is no such token.' });
}
