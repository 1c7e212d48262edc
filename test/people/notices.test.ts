/** Notices: what somebody is told about the own account, on its page and by mail, until they have seen it. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Admin, asAdmin, bearer, passwordOf, settle } from '../support/invited.ts';
import { type Got, send } from '../support/client.ts';
import { embed, type Embedded } from '../support/library.ts';
import { admin as rootOf, signIn } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { type MailServer, startMailServer } from '../support/smtp.ts';
import { settled } from '../support/waiting.ts';

type Notice = Readonly<Record<'id' | 'kind' | 'at' | 'address' | 'detail', unknown>>;

describe('notices', () => {
  let mail: MailServer;
  let house: Embedded;
  let admin: Admin;
  before(async () => {
    mail = await startMailServer();
    house = await embed({ argv: ['--smtp', `smtp://127.0.0.1:${mail.port}`, '--mail-from', 'sallyport@nas.home'] });
    const got = await send(`${house.console}/api/auth/setup`, { body: { ...rootOf, setup_code: house.setupCode } });
    admin = asAdmin(house.console, String(got.json['token']));
  });
  after(async () => {
    await house.close();
    await mail.close();
  });

  const ask = (token: string): Promise<Got> => send(`${house.console}/api/auth/notices`, { headers: bearer(token) });
  const of = async (token: string): Promise<readonly Notice[]> => {
    const got = await ask(token);
    assert.equal(got.status, 200, got.text);
    return got.json['notices'] as Notice[];
  };
  const dismiss = (token: string, body: unknown): Promise<Got> =>
    send(`${house.console}/api/auth/notices`, { method: 'DELETE', headers: bearer(token), body });

  it('appear, newest first, to their owner alone, and go when they were seen', async () => {
    const alice = await settle(house.console, admin, 'alice');
    const bob = await settle(house.console, admin, 'bob');
    const change = await send(`${house.console}/api/auth/change-password`, {
      headers: bearer(alice.token),
      body: { old_password: passwordOf('alice'), new_password: 'another 31 thistle under snow' },
    });
    const token = String(change.json['token']);
    const seen = await of(token);
    assert.deepEqual(
      seen.map(({ kind, address, detail }) => [kind, address, detail]),
      [
        ['password-changed', '127.0.0.1', ''],
        ['password-reset', '127.0.0.1', ''],
      ],
    );
    for (const { id, at } of seen) {
      assert.ok(Number.isInteger(id));
      assert.match(String(at), /^\d{4}-\d\d-\d\dT.*Z$/);
    }
    const [newer, older] = seen as [Notice, Notice];
    assert.ok(Number(newer.id) > Number(older.id));
    // Somebody else's are neither seen nor dismissed.
    assert.equal((await dismiss(bob.token, { up_to: newer.id })).status, 200);
    assert.deepEqual((await of(bob.token)).length, 0);
    assert.equal((await of(token)).length, 2);
    assert.equal((await dismiss(token, { up_to: older.id })).status, 200);
    assert.deepEqual(await of(token), [newer]);
    // What came meanwhile stays: only those that were shown are dismissed.
    assert.equal((await dismiss(token, { up_to: 0 })).status, 200);
    assert.equal((await of(token)).length, 1);
    assert.equal((await dismiss(token, { up_to: Number.MAX_SAFE_INTEGER })).status, 200);
    assert.deepEqual(await of(token), []);
  });

  it('what is no number of one is 400; strangers 401; without CSRF token 403', async () => {
    const { token } = await settle(house.console, admin, 'carol');
    for (const up_to of [-1, 1.5, '1', null, [], {}, undefined, 1e300])
      assertProblem(await dismiss(token, { up_to }), 400, 'invalid_request');
    assertProblem(await send(`${house.console}/api/auth/notices`), 401, 'unauthorized');
    const person = await signIn({ console: house.console }, { username: 'carol', password: passwordOf('carol') });
    assertProblem(await person.send('/api/auth/notices', { method: 'DELETE', body: { up_to: 1 } }), 403, 'csrf_failed');
    assert.equal((await person.page('/api/auth/notices', { method: 'DELETE', body: { up_to: 1 } })).status, 200);
  });

  it('are mailed once, to those who have an address, also after they were seen', async () => {
    const before = mail.mails.length;
    const dave = await settle(house.console, admin, 'dave', { email: 'dave@example.org' });
    const mine = () => mail.mails.slice(before).filter(({ to }) => to.includes('dave@example.org'));
    const subjects = () => mine().map(({ headers }) => headers['subject'] ?? '');
    await settled(() => subjects().some((each) => each.startsWith('Your password was set')), 'no mail', 10_000);
    const letter = mine().find(({ headers }) => headers['subject']?.startsWith('Your password was set'));
    assert.match(letter?.text ?? '', /From: 127\.0\.0\.1/);
    assert.match(letter?.text ?? '', new RegExp(`${house.console}/auth/account`));
    assert.equal((await of(dave.token)).length, 1);
    await settled(() => false, '', 2500).catch(() => undefined);
    assert.equal(subjects().filter((each) => each.startsWith('Your password was set')).length, 1);
    // Nobody else's, who has no address.
    assert.deepEqual([...new Set(mail.mails.flatMap(({ to }) => to))], ['dave@example.org']);
  });

  it('a browser that is new where others are known', async () => {
    const { token } = await settle(house.console, admin, 'erin');
    const who = { username: 'erin', password: passwordOf('erin') };
    const first = await signIn({ console: house.console }, who);
    assert.deepEqual(
      (await of(token)).map(({ kind }) => kind),
      ['password-reset'],
    );
    await signIn({ console: house.console }, who);
    assert.deepEqual(
      (await of(token)).map(({ kind }) => kind),
      ['new-device', 'password-reset'],
    );
    assert.equal((await first.page('/api/auth/notices')).status, 200);
  });
});
