/**
 * The second factor of a sign-in for a signed ticket (PX4; 2-http-api, 8): a right password is answered with a partial ticket,
 * which is good for one answer and for nothing else. The same challenge as any other sign-in's, found by the whole text.
 */
import { digest } from '../../crypto/digest.ts';
import { newSecret } from '../../crypto/random.ts';
import { refuse } from '../../errors.ts';
import type { HalfProven } from '../../prove.ts';
import type { Answer, Pending } from '../../prove/second-factor.ts';
import { readFactorCode } from '../../request/factor-code.ts';
import { secretOfPartialTicket, writePartialTicket } from '../../request/tokens/partial-ticket.ts';
import type { Circumstances, Origin } from '../../types.ts';
import { rpIdOf } from '../../verify/passkeys/passkey.ts';
import { type Call, done, type Outcome } from '../call.ts';
import { openPending } from '../signing-in/second-step.ts';
import {
  giveTicket,
  inCookie,
  type Named,
  notAuthenticated,
  type TicketBody,
  type TicketParts,
  told,
} from './giving.ts';

/** No kind of session has such a name: what asks for one and what asks for a ticket never answer for each other. */
const kind = ':ticket';

export async function askForFactor(
  parts: TicketParts,
  call: Call<TicketBody>,
  half: HalfProven,
  named: Named,
): Promise<Outcome> {
  const { user } = half;
  const { origin } = call.arrival;
  const [{ methods, passkeys }, { recoveryCodes }] = await Promise.all([
    parts.prover.secondFactors.methods(user, origin),
    parts.store.factorsOf(user.id),
  ]);
  const secret = newSecret(parts.random);
  const options = methods.includes('passkey')
    ? parts.prover.passkeyOptions(origin, { kind: 'pending', challenge: secret, passkeys })
    : null;
  const wanted = {
    totp: methods.includes('totp'),
    recovery: Array.from({ length: recoveryCodes }, (_, at) => at),
    ...(options?.kind === 'options' ? { webauthn: { publicKey: options.options } } : {}),
  };
  const text = writePartialTicket(parts.ticketPrefix, { wanted, at: parts.clock.now(), secret });
  const row = { digest: digest(text), kind, transport: 'bearer', binding: null } as const;
  const opened = await openPending(parts, call, half, row);
  if (opened.kind === 'superseded') return notAuthenticated;
  const data = { username: named.userId, ticket: text, CSRFPreventionToken: 'invalid', NeedTFA: 1 };
  return done(call.body.form === 'cookie' ? inCookie(data) : { data });
}

export async function answerPartial(
  parts: TicketParts,
  call: Call<TicketBody>,
  shown: { readonly named: Named; readonly password: string; readonly challenge: string },
  circumstances: Circumstances,
): Promise<Outcome> {
  const { named, challenge: text } = shown;
  const standing = parts.unknownSecrets.standing(circumstances.address);
  if (standing.kind === 'limited')
    return refuse('rate_limited', { retryAfterSeconds: standing.retryAfterSeconds, cause: 'unknown-secrets' });
  const found = await parts.store.challenge(digest(text), parts.clock.now());
  if (found.kind === 'unknown' || found.challenge.kind !== kind || found.user.username !== named.username) {
    parts.unknownSecrets.charge(circumstances.address);
    return parts.prover.shownInVain({ userId: null, cause: 'unknown-challenge', is: 'garbage' }, circumstances);
  }
  const { user, challenge: row } = found;
  const pending = { text: secretOfPartialTicket(text), digest: row.digest };
  const answer = answerIn(shown.password, pending, call.arrival.origin);
  const factor = await parts.prover.secondFactors.prove({ user, answer, way: 'code', kind: 'ticket' }, circumstances);
  return factor.kind === 'refused' ? told(factor) : giveTicket(parts, call, user, named.userId);
}

/**
 * `totp:`, `recovery:` and `webauthn:`, each for what it is; anything else is a wrong answer, and so is a passkey under an
 * address, where none was asked for.
 */
function answerIn(shown: string, pending: Pending, origin: Origin): Answer {
  const [, method, text = ''] = /^([a-z0-9]+):(.*)$/s.exec(shown) ?? [];
  if (method === 'webauthn' && rpIdOf(origin).kind === 'name')
    return { kind: 'passkey', response: jsonIn(text), pending };
  return { kind: 'code', text: readFactorCode(text).kind === method ? text : '', pending };
}

/** What cannot be read is no assertion either. */
function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
