/** The code that whoever sets up has to know: made by the host while there is nothing to sign in to (3-rules, Setup states). */
import type { Settings } from '../../config/schema.ts';
import { newSetupCode } from '../../crypto/code.ts';
import type { Random } from '../../crypto/random.ts';
import type { Recorder } from '../../record/recorder.ts';
import type { Store } from '../../store/store.ts';
import type { Clock, Millis, Secret } from '../../types.ts';
import { setupCodeDigest } from '../../verify/setup-code.ts';
import { byHost } from '../call.ts';

export interface SetupCode {
  readonly code: Secret;
  readonly expiresAt: Millis;
}

export type SetupCodeMaking = { readonly kind: 'already-configured' } | ({ readonly kind: 'made' } & SetupCode);

const lifetimeMs = 24 * 3_600_000;

/** The old ones are dead: all, or those of this node's earlier starts. */
export async function makeSetupCode(
  parts: {
    readonly settings: Pick<Settings, 'setupCode'>;
    readonly store: Pick<Store, 'putSetupCode'>;
    readonly recorder: Pick<Recorder, 'event'>;
    readonly clock: Clock;
    readonly random: Random;
  },
  replacing: 'all' | 'own',
): Promise<SetupCodeMaking> {
  const { settings, store, recorder, clock, random } = parts;
  const code = settings.setupCode ?? newSetupCode(random);
  const expiresAt = (clock.now() + lifetimeMs) as Millis;
  const audit = recorder.event({ event: 'setup-code-made', ...byHost });
  const put = await store.putSetupCode({ digest: setupCodeDigest(code), expiresAt, replacing, audit });
  return put.kind === 'put' ? { kind: 'made', code, expiresAt } : put;
}
