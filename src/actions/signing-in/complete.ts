/** The end of every sign-in: whoever it is was proven, with all that the account asks for. */
import { refuse, type Refusal } from '../../errors.ts';
import { hasPrivilege } from '../../principal/principal.ts';
import type { Recorder } from '../../record/recorder.ts';
import type { DeviceRow, SessionRow, Transport, UserRow } from '../../store/rows.ts';
import type { Store } from '../../store/store.ts';
import type { SessionKind } from '../../types.ts';
import { networkUse } from '../../verify/acquaintance.ts';
import { type Call, clientAddress, done, noteDenial, type Outcome, whence } from '../call.ts';
import { handOverToken, type Issuing, issueSession, rememberDevice, timeText } from '../issue-session.ts';

export interface CompletionParts extends Issuing {
  readonly store: Store;
  readonly recorder: Recorder;
}

export interface Completion {
  readonly user: UserRow;
  /** The known device that showed itself; null without one. */
  readonly device: DeviceRow | null;
  readonly kind: SessionKind;
  readonly transport: Transport;
  readonly way: 'password' | 'passkey';
  /** The answer when the credentials changed between the proof and now: what was right is so no longer. */
  readonly superseded: Refusal;
  /** Go out with every answer: what was good for one attempt is expired. */
  readonly cookies: readonly string[];
}

/** Devices of one user that are remembered (3-rules, Guessing). */
const deviceCap = 10;

export async function completeSignIn(
  parts: CompletionParts,
  call: Pick<Call, 'arrival' | 'incoming'>,
  completion: Completion,
): Promise<Outcome> {
  const { user, kind, transport, way, cookies } = completion;
  const { scheme } = call.arrival;
  if (kind.privilege !== null && !hasPrivilege(user, kind.privilege)) {
    await noteDenial(parts, call, user.id);
    return refuse('forbidden', { detail: 'This needs an administrator.', cookies });
  }
  const { token, opening } = issueSession(parts, call, user, kind, transport);
  const remembered = transport === 'cookie' ? rememberDevice(parts, user, completion.device, scheme) : null;
  const opened = await parts.store.openSession({
    opening,
    device: remembered?.device ?? null,
    deviceCap,
    network: networkUse(clientAddress(call), parts.clock),
    attempt: parts.recorder.attempt(opening.session, way),
    audit: parts.recorder.event({
      event: 'signed-in',
      actor: user.id,
      ...whence(call),
      way,
      target: opening.session.id,
    }),
    newDevice: newDeviceNotice(opening.session, remembered),
  });
  if (opened.kind === 'superseded') return { ...completion.superseded, cookies };
  parts.recorder.passed({ kind: kind.name, way });
  const handed = handOverToken(parts, token, opening.session, kind.sameSite, scheme);
  return done(
    { ...handed.fields, expires_at: timeText(opening.session.expiresAt) },
    { cookies: [...handed.cookies, ...(remembered?.cookies ?? []), ...cookies] },
  );
}

/** The store tells of it only where the device is new and others are known. */
function newDeviceNotice({ userId, createdAt, address, userAgent }: SessionRow, remembered: object | null) {
  if (remembered === null) return null;
  return { userId, kind: 'new-device', at: createdAt, address, detail: userAgent } as const;
}
