/**
 * Every mail there is, in words. What stands in a header is ours alone; names, places and the like come into the text, one
 * line each, so that nobody's words can look like ours.
 */
import type { LinkRow, NoticeKind, NoticeRow, UserRow } from '../store/rows.ts';
import type { Millis, Origin } from '../types.ts';

export interface Letter {
  /** One address. */
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

export interface LinkWords {
  readonly user: Pick<UserRow, 'username' | 'displayName' | 'email'>;
  readonly purpose: LinkRow['purpose'];
  readonly link: string;
  readonly expiresAt: Millis;
  readonly consoleOrigin: Origin;
}

export function linkLetter(given: LinkWords): Letter {
  const host = hostOf(given.consoleOrigin);
  const username = oneLine(given.user.username);
  const once = `It works once, until ${timeOf(given.expiresAt)}.`;
  if (given.purpose === 'invite') {
    return letter(given.user, `Your account at ${host}`, [
      `An account named "${username}" was made for you at ${host}. Choose its password here:`,
      given.link,
      `${once} When that is over, ask whoever runs ${host} for another one.`,
    ]);
  }
  return letter(given.user, `A new password for ${host}`, [
    given.purpose === 'reset'
      ? `An administrator of ${host} asks you to choose a new password for your account "${username}". Do so here:`
      : `Somebody who wants to sign in to ${host} as "${username}" said that the password was forgotten. Choose a new one here:`,
    given.link,
    given.purpose === 'reset'
      ? `${once} Your second factor stays as it is.`
      : `${once} Your second factor stays as it is. If it was not you, do nothing: the password stays as it is, too.`,
  ]);
}

/** What happened, as a subject and as a sentence about the account. */
const notices: Readonly<Record<NoticeKind, readonly [subject: string, sentence: string]>> = {
  'factor-added': ['A second factor was added', 'A second factor was added.'],
  'factor-removed': ['A second factor was removed', 'A second factor was removed.'],
  'factors-reset': [
    'Your second factors were removed',
    'Whoever runs the server removed all second factors and recovery codes.',
  ],
  'recovery-codes-renewed': ['New recovery codes', 'New recovery codes were made. The old ones are void.'],
  'recovery-code-used': ['A recovery code was used', 'Somebody signed in with a recovery code.'],
  'new-device': ['A sign-in from a new browser', 'Somebody signed in with a browser that was not known before.'],
  'code-never-came': [
    'The right password, and no code',
    'Somebody gave the right password and then no code. Only somebody who knows the password gets that far.',
  ],
  'password-known': [
    'Somebody else knows your password',
    'Somebody gave the right password and wrong codes again and again. A new password has to be chosen at the next sign-in.',
  ],
  'password-changed': ['Your password was changed', 'The password was changed. All other sessions have ended.'],
  'password-reset': ['Your password was set', 'The password was set with a link. All sessions before have ended.'],
  'passkey-copied': [
    'One of your passkeys may have been copied',
    'A passkey was used whose counter went back, as that of a copy does.',
  ],
};

export function noticeLetter(notice: NoticeRow, user: UserRow, consoleOrigin: Origin): Letter {
  const host = hostOf(consoleOrigin);
  const [subject, sentence] = notices[notice.kind];
  const detail = oneLine(notice.detail);
  return letter(user, `${subject} (${host})`, [
    `This is about your account "${oneLine(user.username)}" at ${host}.`,
    sentence,
    [
      ...(detail === '' ? [] : [`What: ${detail}`]),
      `When: ${timeOf(notice.at)}`,
      `From: ${notice.address === '' ? 'the server itself' : notice.address}`,
    ].join('\n'),
    `If it was not you, change your password and look at your sessions: ${consoleOrigin}/auth/account`,
  ]);
}

function letter(user: Pick<UserRow, 'displayName' | 'email'>, subject: string, paragraphs: readonly string[]): Letter {
  return { to: user.email, subject, text: [`Hello ${oneLine(user.displayName)},`, ...paragraphs, ''].join('\n\n') };
}

function hostOf(origin: Origin): string {
  return new URL(origin).host;
}

/** `2026-11-21 22:00 UTC`. */
function timeOf(at: Millis): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

const longest = 120;

/** Somebody else's words: in one line, without signs that cannot be seen. */
function oneLine(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[\p{C}\p{Z}]+/gu, ' ')
    .trim()
    .slice(0, longest);
}
