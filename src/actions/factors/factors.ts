/**
 * Second factors of one's own account: what there is, and what every change of them has in common (2-http-api, 4). A
 * change ends all other sessions of the account before it is answered; the one that asked stays (3-rules, What ends what).
 */
import type { Keyring } from '../../crypto/keyring.ts';
import type { Random } from '../../crypto/random.ts';
import { refuse, type Refusal } from '../../errors.ts';
import { totpLock } from '../../principal/factors.ts';
import type { EventName, Recorder } from '../../record/recorder.ts';
import type { NoticeDraft, PasskeyRow } from '../../store/rows.ts';
import type { FactorChange, Store } from '../../store/store.ts';
import type { Clock, Origin } from '../../types.ts';
import { clientAddress, done, type Outcome, type PersonCall, type SignedInCall, whence } from '../call.ts';
import { timeText } from '../issue-session.ts';

export interface FactorParts {
  readonly store: Store;
  readonly recorder: Recorder;
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly random: Random;
  readonly consoleOrigin: () => Origin;
}

export async function listFactors(parts: FactorParts, call: PersonCall): Promise<Outcome> {
  const factors = await parts.store.factorsOf(call.principal.user.row.id);
  const { totpAddedAt } = factors;
  return done({
    totp: {
      enabled: totpAddedAt !== null,
      added_at: totpAddedAt === null ? null : timeText(totpAddedAt),
      locked: totpAddedAt !== null && totpLock(factors) === 'locked',
    },
    passkeys: factors.passkeys.map(shownPasskey),
    recovery_codes: factors.recoveryCodes,
  });
}

export function shownPasskey(passkey: PasskeyRow): Readonly<Record<string, unknown>> {
  return {
    id: passkey.id,
    name: passkey.name,
    rp_id: passkey.rpId,
    created_at: timeText(passkey.createdAt),
    last_used_at: passkey.usedAt === null ? null : timeText(passkey.usedAt),
    backed_up: passkey.backedUp,
    synced: passkey.deviceType === 'multiDevice',
    flagged: passkey.flaggedAt !== null,
  };
}

/** What is written down and told of a change. */
export interface ChangeTold {
  readonly event: EventName;
  /** The account itself unless told otherwise. */
  readonly target?: string;
  readonly notice: NoticeDraft['kind'];
  readonly detail: string;
}

export function changeOf(parts: FactorParts, call: SignedInCall, told: ChangeTold): FactorChange {
  const { user, session } = call.principal;
  const { id, credentialGeneration } = user.row;
  return {
    userId: id,
    fromGeneration: credentialGeneration,
    keep: session.id,
    audit: parts.recorder.event({
      event: told.event,
      actor: id,
      ...whence(call),
      way: 'session',
      target: told.target ?? id,
    }),
    notice: {
      userId: id,
      kind: told.notice,
      at: parts.clock.now(),
      address: clientAddress(call),
      detail: told.detail,
    },
  };
}

/** Somebody was faster: what this was confirmed for is not the account any more. */
export function superseded(): Refusal {
  return refuse('conflict', { detail: 'The password or a second factor was changed elsewhere meanwhile. Look again.' });
}

/** It is long enough beside a second factor, and not alone. */
export function passwordTooShort(): Refusal {
  return refuse('conflict', {
    detail:
      'Without a second factor the password needs at least 15 characters. Change it first, then remove the last factor.',
  });
}
