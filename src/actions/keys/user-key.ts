/** The key derived for an account (MB3), told to its owner: the same each time, until something ends it. */
import type { Recorder } from '../../record/recorder.ts';
import type { ServiceKeys } from '../../verify/basic/service-key.ts';
import { userKeyOf } from '../../verify/basic/user-key.ts';
import { byOf, done, type Outcome, type PersonCall } from '../call.ts';
import type { Store } from '../../store/store.ts';

export interface UserKeyParts {
  readonly store: Store;
  readonly recorder: Recorder;
  readonly serviceKeys: ServiceKeys;
}

export async function tellUserKey(parts: UserKeyParts, call: PersonCall): Promise<Outcome> {
  const { row } = call.principal.user;
  const { bytes } = await parts.serviceKeys.current();
  // Written before it is told.
  await parts.store.appendAudit(parts.recorder.event({ event: 'user-key-told', ...byOf(call), target: row.id }));
  return done({ user_key: userKeyOf(bytes, row), username: row.username }, { secrets: ['user_key'] });
}
