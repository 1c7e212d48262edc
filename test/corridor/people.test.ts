/** People as admins have them, on whatever the product stands on: also with another node for each request. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Got, send } from '../support/client.ts';
import { type Admin, asAdmin, bearer, login, passwordOf, redeem, secretOf, settle } from '../support/invited.ts';
import { setUp } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { type MailServer, startMailServer } from '../support/smtp.ts';
import { pause, settled } from '../support/waiting.ts';

type User = Readonly<Record<string, unknown>>;

describe('people', () => {
  let server: RunningServer;
  let mail: MailServer;
  let admin: Admin;
  before(async () => {
    mail = await startMailServer();
    server = await startServer({
      args: ['--smtp', `smtp://127.0.0.1:${mail.port}`, '--mail-from', 'sallyport@nas.home'],
    });
    admin = asAdmin(server.console, String((await setUp(server)).json['token']));
  });
  after(async () => {
    await server.remove();
    await mail.close();
  });

  const ask = (token: string, path: string): Promise<Got> =>
    send(`${server.console}/api/auth/${path}`, { headers: bearer(token) });

  it('an account lives: made, changed, invited, promoted, demoted, disabled, enabled, reset, deleted', async () => {
    const id = await admin.create({ username: 'Alice', email: 'alice@example.org', groups: ['staff'] });
    const changed = await admin.patch(id, { display_name: 'Alice Ä.', privileges: ['editor'] });
    const user = (await admin.ask(`/api/auth/users/${id}`)).json['user'] as User;
    assert.deepEqual(changed.json['user'], user);
    assert.deepEqual([user['username'], user['groups'], user['privileges']], ['alice', ['staff'], ['editor']]);
    assertProblem(await admin.ask('/api/auth/users', { body: { username: 'ALICE' } }), 409, 'conflict');

    const link = await admin.link(id, 'invite');
    assert.equal(link.json['mailed'], true);
    const looked = await send(`${server.console}/api/auth/link/look`, { body: { link: secretOf(link.json['link']) } });
    assert.deepEqual([looked.json['purpose'], looked.json['username']], ['invite', 'alice']);
    const redeemed = await redeem(server.console, link.json['link'], passwordOf('alice'));
    assert.equal(redeemed.status, 201, redeemed.text);
    const token = String(redeemed.json['token']);
    assertProblem(await redeem(server.console, link.json['link'], passwordOf('alice')), 403, 'link_invalid');

    assertProblem(await ask(token, 'users'), 403, 'forbidden');
    await admin.patch(id, { privileges: ['admin'] });
    assert.equal((await ask(token, 'users?q=ali')).status, 200);
    await admin.patch(id, { privileges: [] });
    assertProblem(await ask(token, 'users'), 403, 'forbidden');

    await admin.patch(id, { active: false });
    assertProblem(await ask(token, 'sessions'), 401, 'invalid_token');
    await admin.patch(id, { active: true });
    assert.equal((await login(server.console, 'alice', passwordOf('alice'))).status, 200);
    const reset = await redeem(server.console, (await admin.link(id, 'reset')).json['link'], passwordOf('alina'));
    assert.equal(reset.status, 201, reset.text);
    assert.equal((await admin.remove(id)).status, 200);
    assertProblem(await ask(String(reset.json['token']), 'sessions'), 401, 'invalid_token');
    assertProblem(await admin.ask(`/api/auth/users/${id}`), 404, 'not_found');
  });

  it('of twenty who use a link at once one wins', async () => {
    const id = await admin.create({ username: 'racer' });
    const { link } = (await admin.link(id, 'invite')).json;
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        redeem(server.console, link, `${passwordOf('racer')} ${at}`, { from: `127.89.${at}.1` }),
      ),
    );
    assert.equal(all.filter((got) => got.status === 201).length, 1, JSON.stringify(all.map((got) => got.status)));
    const sessions = await admin.ask(`/api/auth/users/${id}/sessions`);
    assert.equal((sessions.json['sessions'] as unknown[]).length, 1);
  });

  it('of admins who all leave at once, one stays', async () => {
    const ids: string[] = [];
    for (let at = 0; at < 4; at += 1) {
      const { id, token } = await settle(server.console, admin, `leaving-${at}`, { privileges: ['admin'] });
      ids.push(id);
      if (at === 3) admin = asAdmin(server.console, token);
    }
    const list = (await admin.ask('/api/auth/users')).json['users'] as User[];
    const root = list.find(({ username }) => username === 'root1');
    const everybody = [...ids, String(root?.['id'])];
    const results = await Promise.all(everybody.map((id) => admin.patch(id, { active: false })));
    const left = results.filter((got) => got.status !== 200);
    // Whoever asked may have been one of the first to go: then the rest is refused for that.
    for (const got of left) assert.ok([401, 403, 409].includes(got.status), got.text);
    assert.ok(left.length > 0);
    const standing = await Promise.all(
      ['root1', 'leaving-0', 'leaving-1', 'leaving-2', 'leaving-3'].map((name, at) =>
        login(server.console, name, name === 'root1' ? 'violet anchor morning 42 lanterns' : passwordOf(name), {
          from: `127.88.${at}.1`,
        }),
      ),
    );
    const stays = standing.find((got) => got.status === 200);
    assert.ok(stays !== undefined, 'nobody is left');
    admin = asAdmin(server.console, String(stays.json['token']));
    assert.equal((await admin.ask('/api/auth/users')).status, 200);
  });

  it('a notice is mailed once, whichever node does it, and goes when it was seen', async () => {
    const { token } = await settle(server.console, admin, 'dave', { email: 'dave@example.org' });
    const about = () => mail.mails.filter(({ headers }) => headers['subject']?.startsWith('Your password was set'));
    await settled(() => about().some(({ to }) => to.includes('dave@example.org')), 'no mail', 10_000);
    await pause(3000);
    assert.equal(about().filter(({ to }) => to.includes('dave@example.org')).length, 1);
    const { notices } = (await ask(token, 'notices')).json as { notices: { id: number; kind: string }[] };
    assert.deepEqual(
      notices.map(({ kind }) => kind),
      ['password-reset'],
    );
    const seen = { method: 'DELETE', headers: bearer(token), body: { up_to: notices[0]?.id } };
    assert.equal((await send(`${server.console}/api/auth/notices`, seen)).status, 200);
    assert.deepEqual((await ask(token, 'notices')).json['notices'], []);
  });

  it('a forgotten password is a mail, and a link that works', async () => {
    await settle(server.console, admin, 'erin', { email: 'erin@example.org' });
    const answers = [];
    for (const username of ['erin', 'ghost'])
      answers.push((await send(`${server.console}/api/auth/forgot-password`, { body: { username } })).text);
    assert.equal(new Set(answers).size, 1);
    const reset = () =>
      mail.mails.find(({ to, headers }) => to[0] === 'erin@example.org' && headers['subject']?.startsWith('A new'));
    await settled(() => reset() !== undefined, 'no mail');
    const link = /^http\S+$/m.exec((reset()?.text ?? '').replaceAll('\r', ''))?.[0];
    assert.equal((await redeem(server.console, link, passwordOf('erna'))).status, 201);
    assert.equal((await login(server.console, 'erin', passwordOf('erna'))).status, 200);
  });
});
