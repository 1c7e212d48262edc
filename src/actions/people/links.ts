/**
 * Links that set a password, once: made for an invitation or a reset, mailed where that is possible, looked at by whoever
 * opens them. They lead to the configured place and nowhere else, whatever the request that made them said (L-29); the
 * secret stands behind the `#`, where no server and no log sees it, and only its digest is stored.
 */
import { localRealmName } from '../../config/ldap/place.ts';
import { newSecret } from '../../crypto/random.ts';
import { refuse, type Refusal } from '../../errors.ts';
import type { Outbox } from '../../mail/outbox.ts';
import { linkLetter } from '../../mail/words.ts';
import { linkDigest, type LinkProver } from '../../prove/link.ts';
import { secondFactorOf } from '../../principal/factors.ts';
import type { LinkRow, UserRow } from '../../store/rows.ts';
import type { Millis, Origin } from '../../types.ts';
import { type AdminCall, type By, byOf, type Call, circumstancesOf, done, type Outcome, urlOn } from '../call.ts';
import { timeText } from '../issue-session.ts';
import { type AccountParts, userWithId } from './accounts.ts';

export interface LinkParts extends AccountParts {
  readonly outbox: Outbox;
  readonly consoleOrigin: () => Origin;
}

type Purpose = LinkRow['purpose'];

/** As it is called outside: whoever opens a link sets a password, whoever asked for it. */
type ShownPurpose = Exclude<Purpose, 'forgotten'>;

function shownPurpose(purpose: Purpose): ShownPurpose {
  return purpose === 'forgotten' ? 'reset' : purpose;
}

/** How long each works. */
const lifetimeMs: Readonly<Record<Purpose, number>> = {
  invite: 72 * 3_600_000,
  reset: 3_600_000,
  forgotten: 3_600_000,
};

export interface MadeLink {
  readonly kind: 'made';
  readonly url: string;
  readonly expiresAt: Millis;
}

export async function makeLink(
  parts: Omit<LinkParts, 'outbox'>,
  user: UserRow,
  purpose: Purpose,
  by: By,
): Promise<Refusal | MadeLink> {
  if (user.realm !== localRealmName)
    return refuse('conflict', {
      detail: `The password of this account is kept by the realm "${user.realm}": it is set there.`,
    });
  if (!user.active) return refuse('conflict', { detail: 'This account is disabled: enable it first.' });
  const standing = user.sealedPassword === '' ? 'invite' : 'reset';
  if (shownPurpose(purpose) !== standing) {
    const detail =
      purpose === 'invite'
        ? 'This account has a password already: make a link that resets it.'
        : 'This account has no password yet: invite its owner.';
    return refuse('conflict', { detail });
  }
  const secret = newSecret(parts.random);
  const expiresAt = (parts.clock.now() + lifetimeMs[purpose]) as Millis;
  const put = await parts.store.putLink(
    {
      digest: linkDigest(secret),
      userId: user.id,
      purpose,
      credentialGeneration: user.credentialGeneration,
      expiresAt,
    },
    parts.recorder.event({ event: 'link-made', ...by, target: user.id, result: shownPurpose(purpose) }),
  );
  return put.kind === 'put'
    ? { kind: 'made', url: `${urlOn(parts.consoleOrigin(), '/auth/link')}#link=${secret}`, expiresAt }
    : refuse('conflict', { detail: 'The account was changed meanwhile. Try again.' });
}

/** Made and mailed, where there is a mail server and an address. The link is in the answer all the same. */
export async function handOutLink(parts: LinkParts, user: UserRow, purpose: ShownPurpose, by: By): Promise<Outcome> {
  const made = await makeLink(parts, user, purpose, by);
  if (made.kind === 'refused') return made;
  const letter = linkLetter({
    user,
    purpose,
    link: made.url,
    expiresAt: made.expiresAt,
    consoleOrigin: parts.consoleOrigin(),
  });
  const mailed = user.email === '' ? 'not-mailed' : await parts.outbox.send(letter, user.id);
  return done(
    { link: made.url, expires_at: timeText(made.expiresAt), purpose, mailed: mailed === 'mailed' },
    { status: 201, secrets: ['link'] },
  );
}

export async function linkForUser(
  parts: LinkParts,
  call: AdminCall<{ readonly purpose: ShownPurpose }>,
): Promise<Outcome> {
  const found = await userWithId(parts, call.params['id'] ?? '');
  return found.kind === 'refused' ? found : handOutLink(parts, found.user, call.body.purpose, byOf(call));
}

/** What a link is good for, before it is used; spends nothing. */
export async function lookAtLink(
  parts: { readonly links: LinkProver },
  call: Call<{ readonly link: string }>,
): Promise<Outcome> {
  const proven = await parts.links.link(call.body.link, circumstancesOf(call, ''));
  if (proven.kind === 'refused') return proven;
  const { link, user } = proven;
  return done({
    purpose: shownPurpose(link.purpose),
    username: user.username,
    display_name: user.displayName,
    expires_at: timeText(link.expiresAt),
    // How long the password has to be depends on it.
    second_factor: secondFactorOf(user) === 'present',
  });
}
