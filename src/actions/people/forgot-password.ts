/**
 * A forgotten password (2-http-api, 5): the same answer at once, whoever is named and whatever comes of it. What there is to
 * do begins behind the answer, a while later, so that no time tells whether there is such an account, or one with an address.
 */
import { linkLetter } from '../../mail/words.ts';
import type { Forgotten } from '../../throttle/forgotten.ts';
import { type By, type Call, clientAddress, type Done, done, whence } from '../call.ts';
import { userNamed } from './accounts.ts';
import { type LinkParts, makeLink } from './links.ts';

export interface ForgotPasswordParts extends LinkParts {
  readonly forgotten: Forgotten;
}

export function forgotPassword(parts: ForgotPasswordParts, call: Call<{ readonly username: string }>): Done {
  const { outbox } = parts;
  const counted = parts.forgotten.request(clientAddress(call));
  const by: By = { actor: '', ...whence(call), way: 'none' };
  if (counted === 'within' && outbox.standing === 'set') outbox.later(() => mailReset(parts, call.body.username, by));
  return done({});
}

/** Whoever was invited and has not come yet is asked in again by an admin, and not by somebody who knows the name. */
async function mailReset(parts: ForgotPasswordParts, username: string, by: By): Promise<void> {
  const found = await userNamed(parts, username);
  if (found.kind === 'refused') return;
  const { user } = found;
  if (user.email === '' || !user.active || user.sealedPassword === '') return;
  if (parts.forgotten.mail(user.id) === 'over') return;
  const made = await makeLink(parts, user, 'forgotten', by);
  if (made.kind === 'refused') return;
  await parts.outbox.deliver(
    linkLetter({
      user,
      purpose: 'forgotten',
      link: made.url,
      expiresAt: made.expiresAt,
      consoleOrigin: parts.consoleOrigin(),
    }),
    user.id,
  );
}
