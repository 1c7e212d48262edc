/** Switching authentication off and on again (PM4). Accounts stay; off means everybody reaches the application. */
import { refuse } from '../errors.ts';
import { adminPrivilege, hasPrivilege } from '../principal/principal.ts';
import type { Prover } from '../prove.ts';
import { codeRefused } from '../prove/second-factor.ts';
import type { Recorder } from '../record/recorder.ts';
import { cookieName } from '../request/cookie.ts';
import type { Store } from '../store/store.ts';
import type { Memory } from '../verify/known/contract.ts';
import { type AdminCall, byOf, type Call, circumstancesOf, done, noteDenial, type Outcome, whence } from './call.ts';

export interface SwitchParts {
  readonly store: Store;
  readonly memory: Memory;
  readonly prover: Prover;
  readonly recorder: Recorder;
  readonly cookieStem: string;
  readonly openness: 'closed' | 'may-be-open';
}

export async function disableAuthentication(parts: SwitchParts, call: AdminCall): Promise<Outcome> {
  if (parts.openness === 'closed') {
    return refuse('forbidden', {
      detail:
        'Sign-in cannot be switched off while a listener is reachable from the network. Start with --allow-open to allow that.',
    });
  }
  const audit = parts.recorder.event({ event: 'authentication-disabled', ...byOf(call) });
  const switched = await parts.store.switchAuthentication({ to: 'off', audit });
  return switched.kind === 'switched'
    ? done({ auth_enabled: false })
    : refuse('conflict', { detail: 'Sign-in is not switched on.' });
}

export async function enableAuthentication(
  parts: SwitchParts,
  call: Call<{ readonly username: string; readonly password: string; readonly totp_code?: string | undefined }>,
): Promise<Outcome> {
  if ((await parts.memory.state()) !== 'off') return refuse('conflict', { detail: 'Sign-in is not switched off.' });
  const circumstances = circumstancesOf(call, cookieName(parts.cookieStem, call.arrival.scheme, 'device'));
  const proven = await parts.prover.signIn(
    { ...call.body, code: call.body.totp_code, way: 'enable', kind: 'enable' },
    circumstances,
  );
  if (proven.kind === 'refused') return proven;
  if (proven.kind === 'half') return { ...codeRefused(), detail: 'The code of the second factor is wanted, too.' };
  if (!hasPrivilege(proven.user, adminPrivilege)) {
    await noteDenial(parts, call, proven.user.id);
    return refuse('forbidden', { detail: 'This needs an administrator.' });
  }
  const audit = parts.recorder.event({
    event: 'authentication-enabled',
    actor: proven.user.id,
    ...whence(call),
    way: 'password',
  });
  const switched = await parts.store.switchAuthentication({ to: 'configured', audit });
  return switched.kind === 'switched'
    ? done({ auth_enabled: true })
    : refuse('conflict', { detail: 'Sign-in is not switched off.' });
}
