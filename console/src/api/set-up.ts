/** The calls of the set-up page. */
import { type Refusal, readTexts } from './answers.ts';
import { type Done, done, withLoginToken } from './sign-in.ts';
import { send } from './transport.ts';

export type SetUpOutcome = { readonly kind: 'set-up'; readonly recoveryCodes: readonly string[] } | Refusal;

export async function setUp(setupCode: string, username: string, password: string): Promise<SetUpOutcome> {
  const answer = await withLoginToken((loginToken) =>
    send('POST', '/api/auth/setup', { setup_code: setupCode, username, password, login_token: loginToken }),
  );
  return answer.kind === 'answered'
    ? { kind: 'set-up', recoveryCodes: readTexts(answer.fields, 'backup_codes') }
    : answer;
}

export async function decline(setupCode: string): Promise<Done> {
  return done(await send('POST', '/api/auth/decline', { setup_code: setupCode }));
}
