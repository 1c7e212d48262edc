/** What commands about signed tickets say, for people. */
import type { TicketCommand } from '../../actions/access/host.ts';
import { type Fields, text } from '../host/table.ts';

/** `standing` of a ticket whose signature is right, and what there is to say of it. */
const standings: Readonly<Record<string, string>> = {
  alive: 'it is good',
  expired: 'its time is over',
  'from-the-future': 'it is of a time that has not come yet',
  revoked: 'it was signed out',
  superseded: 'its account was disabled, or has changed its password or factors, or signed out everywhere since',
  unknown: 'its account is gone',
  'unknown-key': 'it was signed by no key of this installation',
  'wrong-signature': 'its signature is wrong: it was changed, or made by somebody else',
};

export function told(_command: TicketCommand, fields: Fields): readonly string[] {
  const believed = text(fields['signature']) === 'right' ? '' : ' (so it says)';
  const account = text(fields['username']);
  return [
    `${text(fields['name'])}${account === '' ? '' : `, the account ${account}`}${believed}`,
    `issued ${text(fields['issued_at'])}, ends ${text(fields['expires_at'])}, signed in ${text(fields['first_sign_in_at'])}`,
    `key ${text(fields['key'])}`,
    standings[text(fields['standing'])] ?? text(fields['standing']),
  ];
}
