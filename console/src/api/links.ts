/** The calls for links: what one is good for, using it, and asking for one. */
import { type Refusal, readText, readTexts, readTime } from './answers.ts';
import { type Done, type SecondStep, done, signedIn, withLoginToken } from './sign-in.ts';
import { send } from './transport.ts';

export interface Link {
  readonly kind: 'link';
  readonly purpose: 'invite' | 'reset';
  readonly username: string;
  /** A shorter password will do. */
  readonly hasFactor: boolean;
  readonly expiresAt: number;
}

export type RedeemOutcome =
  | { readonly kind: 'redeemed'; readonly recoveryCodes: readonly string[] }
  | SecondStep
  | Refusal;

/** Spends nothing. */
export async function lookAtLink(link: string): Promise<Link | Refusal> {
  const answer = await send('POST', '/api/auth/link/look', { link });
  if (answer.kind !== 'answered') return answer;
  return {
    kind: 'link',
    purpose: readText(answer.fields, 'purpose') === 'invite' ? 'invite' : 'reset',
    username: readText(answer.fields, 'username'),
    hasFactor: answer.fields['second_factor'] === true,
    expiresAt: readTime(answer.fields, 'expires_at'),
  };
}

export async function redeemLink(link: string, password: string): Promise<RedeemOutcome> {
  const answer = await withLoginToken((loginToken) =>
    send('POST', '/api/auth/link', { link, password, login_token: loginToken }),
  );
  const outcome = signedIn(answer);
  if (outcome.kind !== 'signed-in') return outcome;
  const recoveryCodes = answer.kind === 'answered' ? readTexts(answer.fields, 'backup_codes') : [];
  return { kind: 'redeemed', recoveryCodes };
}

/** The answer says nothing about whether there is such an account. */
export async function forgotPassword(username: string): Promise<Done> {
  return done(await send('POST', '/api/auth/forgot-password', { username }));
}
