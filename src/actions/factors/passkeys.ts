/**
 * Passkeys of one's own account: several, named, each for the host it was made on (3-rules, Second factors). Of somebody
 * else's there is nothing to see here, not even that it exists.
 */
import { refuse, type Refusal } from '../../errors.ts';
import type { PasskeyRow } from '../../store/rows.ts';
import { rpIdOf } from '../../verify/passkeys/passkey.ts';
import type { PasskeyChallenges } from '../../verify/passkeys/passkey-challenge.ts';
import { registrationOptions, verifyRegistration } from '../../verify/passkeys/passkey-registration.ts';
import { challengeNamedBy } from '../../verify/passkeys/passkey-wire.ts';
import { done, type Outcome, type PersonCall, type SignedInCall, whence } from '../call.ts';
import { changeOf, type FactorParts, passwordTooShort, shownPasskey, superseded } from './factors.ts';

export interface PasskeyParts extends FactorParts {
  readonly passkeyChallenges: PasskeyChallenges;
}

/** More than anybody has devices; each is asked for at every sign-in. */
const mostPasskeys = 20;

export async function listPasskeys(parts: PasskeyParts, call: PersonCall): Promise<Outcome> {
  const { passkeys } = await parts.store.factorsOf(call.principal.user.row.id);
  return done({ passkeys: passkeys.map(shownPasskey) });
}

/** PublicKeyCredentialCreationOptionsJSON, for the session that asks and nobody else. */
export async function passkeyOptions(parts: PasskeyParts, call: SignedInCall): Promise<Outcome> {
  const party = rpIdOf(call.arrival.origin);
  if (party.kind === 'address') return needsName();
  const { user, session } = call.principal;
  const { passkeys } = await parts.store.factorsOf(user.row.id);
  if (passkeys.length >= mostPasskeys) return tooMany();
  const challenge = parts.passkeyChallenges.make({ purpose: 'enrol', context: session.id });
  return done(registrationOptions({ challenge, rpId: party.rpId, user: user.row, passkeys }));
}

export async function addPasskey(
  parts: PasskeyParts,
  call: SignedInCall<{ readonly name: string; readonly registration: unknown }>,
): Promise<Outcome> {
  const party = rpIdOf(call.arrival.origin);
  if (party.kind === 'address') return needsName();
  const { user, session } = call.principal;
  const { name, registration: response } = call.body;
  const named = challengeNamedBy(response);
  if (named.kind === 'none') return notGenuine('malformed');
  const { challenge } = named;
  const spent = await parts.passkeyChallenges.spend(challenge, { purpose: 'enrol', context: session.id });
  if (spent.kind === 'invalid')
    return refuse('conflict', { detail: 'That took too long, or was answered before. Begin again.' });
  const proof = await verifyRegistration({ response, challenge, origin: call.arrival.origin, rpId: party.rpId });
  if (proof.kind === 'rejected') return notGenuine(proof.cause);
  const passkey: PasskeyRow = {
    ...proof.passkey,
    userId: user.row.id,
    name,
    createdAt: parts.clock.now(),
    usedAt: null,
    flaggedAt: null,
  };
  const added = await parts.store.addPasskey({
    ...changeOf(parts, call, {
      event: 'passkey-added',
      target: passkey.id,
      notice: 'factor-added',
      detail: noticed(name),
    }),
    passkey,
    cap: mostPasskeys,
  });
  switch (added.kind) {
    case 'superseded':
      return superseded();
    case 'exists':
      return refuse('conflict', { detail: 'This passkey is registered already.' });
    case 'too-many':
      return tooMany();
    case 'added':
      return done({ passkey: shownPasskey(passkey) }, { status: 201 });
  }
}

export async function renamePasskey(
  parts: PasskeyParts,
  call: SignedInCall<{ readonly name: string }>,
): Promise<Outcome> {
  const { id: userId } = call.principal.user.row;
  const id = call.params['id'] ?? '';
  const renamed = await parts.store.renamePasskey({
    id,
    userId,
    name: call.body.name,
    audit: parts.recorder.event({
      event: 'passkey-renamed',
      actor: userId,
      ...whence(call),
      way: 'session',
      target: id,
    }),
  });
  return renamed.kind === 'unknown' ? refuse('not_found') : done({});
}

export async function removePasskey(parts: PasskeyParts, call: SignedInCall): Promise<Outcome> {
  const id = call.params['id'] ?? '';
  const { passkeys } = await parts.store.factorsOf(call.principal.user.row.id);
  const name = passkeys.find((each) => each.id === id)?.name;
  if (name === undefined) return refuse('not_found');
  const removed = await parts.store.removePasskey({
    ...changeOf(parts, call, { event: 'passkey-removed', target: id, notice: 'factor-removed', detail: noticed(name) }),
    id,
  });
  switch (removed.kind) {
    case 'unknown':
      return refuse('not_found');
    case 'superseded':
      return superseded();
    case 'password-too-short':
      return passwordTooShort();
    case 'removed':
      return done({});
  }
}

function noticed(name: string): string {
  return `passkey: ${name}`;
}

function needsName(): Refusal {
  return refuse('conflict', {
    detail: 'Passkeys need a host name. Open this page by its name instead of its address.',
  });
}

function tooMany(): Refusal {
  return refuse('conflict', { detail: `An account has at most ${mostPasskeys} passkeys. Remove one first.` });
}

function notGenuine(cause: string): Refusal {
  return refuse('invalid_request', { detail: 'That is no passkey made for this account on this page.', cause });
}
