/**
 * The walk for the code that proves a new TOTP secret. Whoever types it is signed in already, so it is charged to their
 * session: the fifth wrong one in a row ends it, as a wrong password would.
 */
import type { Keyring } from '../crypto/keyring.ts';
import type { StepMatch } from '../crypto/totp.ts';
import { refuse, type Refusal } from '../errors.ts';
import type { UserPrincipal } from '../principal/principal.ts';
import { readFactorCode } from '../request/factor-code.ts';
import type { EnrolmentRow } from '../store/rows.ts';
import type { Circumstances, Clock } from '../types.ts';
import { verifyTotp } from '../verify/totp.ts';
import { countReauthentication, noted, walker, type WalkParts } from './walk.ts';

export interface ProvenSecret {
  readonly kind: 'proven';
  readonly step: number;
}

export interface EnrolmentProver {
  prove(
    claim: { readonly principal: UserPrincipal; readonly enrolment: EnrolmentRow; readonly token: string },
    circumstances: Circumstances,
  ): Promise<Refusal | ProvenSecret>;
}

export interface EnrolmentProverParts extends WalkParts {
  readonly keyring: Keyring;
  readonly clock: Clock;
}

export function enrolmentProver(parts: EnrolmentProverParts): EnrolmentProver {
  const { recorder, clock } = parts;
  const walk = walker(parts);

  const matchOf = ({ userId, sealedTotp: sealed }: EnrolmentRow, token: string): StepMatch => {
    const typed = readFactorCode(token);
    return typed.kind === 'totp'
      ? verifyTotp(parts, { userId, sealed, code: typed.code, now: clock.now() })
      : { kind: 'none' };
  };

  return {
    prove: async ({ principal, enrolment, token }, circumstances) => {
      const { row } = principal.user;
      const { session } = principal;
      const refusal = refuse('reauthentication_failed', { detail: 'The code is not right.' });
      return walk<ProvenSecret>(
        {
          way: 'reauthentication',
          address: circumstances.address,
          standing: { kind: 'holder', holder: session.id },
          subject: { kind: 'user', userId: row.id },
        },
        circumstances,
        async () => {
          await parts.keyring.learn(enrolment.sealedTotp);
          const match = matchOf(enrolment, token);
          // A right one says nothing about who it is: they chose the secret themselves.
          return match.kind === 'matched'
            ? { kind: 'proven', proven: { kind: 'proven', step: match.step }, unit: 'given-back' }
            : { kind: 'failed', failure: { refusal, userId: row.id, cause: 'wrong-code', charge: 'charged' } };
        },
        async (failure) => {
          await recorder.refused({
            event: 'reauthentication-refused',
            kind: session.kind,
            guessed: { kind: 'account', username: row.username },
            actor: row.id,
            way: 'session',
            ...noted(failure, circumstances),
          });
          await countReauthentication(parts, principal, circumstances);
        },
      );
    },
  };
}
