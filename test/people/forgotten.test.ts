/** A forgotten password (BY14): one answer for everybody, at once; a mail where there is somebody to mail to, and not too many. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type Admin, asAdmin, login, passwordOf, redeem, settle } from '../support/invited.ts';
import { type Got, send } from '../support/client.ts';
import { embed, type Embedded } from '../support/library.ts';
import { admin as rootOf, signInBearer } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { type MailServer, startMailServer } from '../support/smtp.ts';
import { pause, settled } from '../support/waiting.ts';

const fresh = 'a fresh 77 thistle under snow';
const hour = 3_600_000;

async function open(argv: readonly string[]): Promise<{ readonly house: Embedded; readonly admin: Admin }> {
  const house = await embed({ argv });
  const got = await send(`${house.console}/api/auth/setup`, { body: { ...rootOf, setup_code: house.setupCode } });
  assert.equal(got.status, 201, got.text);
  return { house, admin: asAdmin(house.console, String(got.json['token'])) };
}

/** What of an answer could tell one from another. */
const shape = (got: Got): string => {
  const { date: _date, ...headers } = got.headers;
  return JSON.stringify([got.status, headers, got.cookies, got.text]);
};

describe('a forgotten password', () => {
  let mail: MailServer;
  let house: Embedded;
  let admin: Admin;
  before(async () => {
    mail = await startMailServer();
    ({ house, admin } = await open(['--smtp', `smtp://127.0.0.1:${mail.port}`, '--mail-from', 'sallyport@nas.home']));
  });
  after(async () => {
    await house.close();
    await mail.close();
  });
  beforeEach(async () => {
    house.pass(hour);
    admin = asAdmin(house.console, await signInBearer({ console: house.console }));
  });

  let networks = 0;
  const elsewhere = (): string => `127.93.${(networks += 1) % 250}.1`;
  const forget = (
    username: unknown,
    from = elsewhere(),
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Got> => send(`${house.console}/api/auth/forgot-password`, { body: { username }, from, headers });
  /** Accounts made here are invited by mail, too. */
  const resets = () => mail.mails.filter(({ headers }) => headers['subject']?.startsWith('A new password'));
  const mailsTo = (address: string) => resets().filter(({ to }) => to.includes(address));
  /** Long enough for a mail that is not to come. */
  const quiet = (): Promise<void> => pause(300);
  const linkIn = (text: string): string => /^https?:\S+#link=\S+$/m.exec(text.replaceAll('\r', ''))?.[0] ?? '';

  it('whoever has an address gets a link; it works once, for an hour', async () => {
    await settle(house.console, admin, 'alice', { email: 'alice@example.org', display_name: 'Alice' });
    const got = await forget('Alice');
    assert.equal(got.status, 200);
    assert.deepEqual(got.json, { success: true });
    await settled(() => mailsTo('alice@example.org').length > 0, 'no mail');
    const [letter] = mailsTo('alice@example.org');
    assert.equal(letter?.from, 'sallyport@nas.home');
    assert.match(letter?.text ?? '', /Hello Alice,/);
    assert.match(letter?.text ?? '', /If it was not you, do nothing/);
    const link = linkIn(letter?.text ?? '');
    assert.ok(link.startsWith(`${house.console}/auth/link#link=`), link);
    // Asking alone has changed nothing.
    assert.equal((await login(house.console, 'alice', passwordOf('alice'))).status, 200);
    const redeemed = await redeem(house.console, link, fresh);
    assert.equal(redeemed.status, 201, redeemed.text);
    assertProblem(await redeem(house.console, link, fresh, { from: elsewhere() }), 403, 'link_invalid');
    assert.equal((await login(house.console, 'alice', fresh)).status, 200);
    assert.ok(!house.lines.join('\n').includes(link.split('#link=')[1] ?? 'none'));
  });

  it('leaves a link alone that was handed out; whichever is redeemed, the other is void', async () => {
    for (const first of ['handed out', 'mailed'] as const) {
      const username = first.replace(' ', '-');
      const address = `${username}@example.org`;
      const { id } = await settle(house.console, admin, username, { email: address });
      const handedOut = String((await admin.link(id, 'reset')).json['link']);
      const before = mailsTo(address).length;
      await forget(username);
      await settled(() => mailsTo(address).length > before, 'no mail');
      const mailed = linkIn(mailsTo(address).at(-1)?.text ?? '');
      const body = { link: mailed.split('#link=')[1] };
      const seen = await send(`${house.console}/api/auth/link/look`, { body, from: elsewhere() });
      assert.equal(seen.json['purpose'], 'reset');
      const [used, other] = first === 'mailed' ? [mailed, handedOut] : [handedOut, mailed];
      assert.equal((await redeem(house.console, used, fresh, { from: elsewhere() })).status, 201, first);
      assertProblem(await redeem(house.console, other, fresh, { from: elsewhere() }), 403, 'link_invalid');
    }
  });

  it('the same answer for everybody: known, unknown, without address, disabled, invited, malformed', async () => {
    await settle(house.console, admin, 'known', { email: 'known@example.org' });
    await settle(house.console, admin, 'silent');
    const { id } = await settle(house.console, admin, 'disabled', { email: 'disabled@example.org' });
    await admin.patch(id, { active: false });
    await admin.create({ username: 'invited', email: 'invited@example.org' });
    const before = resets().length;
    const answers: Got[] = [];
    for (const name of [
      'known',
      'ghost',
      'silent',
      'disabled',
      'invited',
      'a b',
      '',
      'x'.repeat(1000),
      '\u0000',
      'ghost\r\nBcc: x',
    ])
      answers.push(await forget(name));
    assert.deepEqual([...new Set(answers.map(shape))], [shape(answers[0] as Got)]);
    assert.equal(answers[0]?.status, 200);
    await settled(() => resets().length > before, 'no mail');
    await quiet();
    assert.deepEqual(
      resets()
        .slice(before)
        .map(({ to }) => to),
      [['known@example.org']],
    );
  });

  it('is answered at once: nothing waits for a look-up or a mail server that says nothing', async () => {
    await settle(house.console, admin, 'slow', { email: 'slow@example.org' });
    mail.instead.set('MAIL', 'silent');
    const began = performance.now();
    for (const name of ['slow', 'ghost']) assert.equal((await forget(name)).status, 200);
    assert.ok(performance.now() - began < 900);
    mail.instead.delete('MAIL');
  });

  it('at most three mails an hour to one account, and nobody is told', async () => {
    await settle(house.console, admin, 'busy', { email: 'busy@example.org' });
    const answers: Got[] = [];
    for (let count = 0; count < 6; count += 1) {
      answers.push(await forget('busy'));
      await pause(50);
    }
    assert.deepEqual([...new Set(answers.map(shape))], [shape(answers[0] as Got)]);
    await settled(() => mailsTo('busy@example.org').length >= 3, 'no mails');
    await quiet();
    assert.equal(mailsTo('busy@example.org').length, 3);
    house.pass(hour);
    await forget('busy');
    await settled(() => mailsTo('busy@example.org').length === 4, 'no mail an hour later');
  });

  it('at most ten requests an hour from one network, and nobody is told', async () => {
    for (let count = 0; count < 12; count += 1)
      await settle(house.console, admin, `crowd-${count}`, { email: `crowd-${count}@example.org` });
    const answers: Got[] = [];
    for (let count = 0; count < 12; count += 1) answers.push(await forget(`crowd-${count}`, '127.94.0.1'));
    assert.deepEqual([...new Set(answers.map(shape))], [shape(answers[0] as Got)]);
    const sent = () => resets().filter(({ to }) => to[0]?.startsWith('crowd-')).length;
    await settled(() => sent() >= 10, 'no mails');
    await quiet();
    assert.equal(sent(), 10);
    // Signing in from there is another matter.
    assert.equal((await login(house.console, 'crowd-11', passwordOf('crowd-11'), { from: '127.94.0.1' })).status, 200);
  });

  it('L-29: the link in the mail leads to the configured place, whatever the request says', async () => {
    await settle(house.console, admin, 'poison', { email: 'poison@example.org' });
    const poisons = [
      { 'x-forwarded-host': 'evil.test' },
      { forwarded: 'host=evil.test;proto=http', 'x-forwarded-proto': 'javascript' },
      { referer: 'https://evil.test/' },
    ];
    for (const headers of poisons) assert.equal((await forget('poison', elsewhere(), headers)).status, 200);
    await settled(() => mailsTo('poison@example.org').length === 3, 'no mails');
    for (const { raw, text } of mailsTo('poison@example.org')) {
      assert.doesNotMatch(raw, /evil|javascript/);
      assert.ok(linkIn(text).startsWith(`${house.console}/auth/link#link=`));
    }
    assertProblem(await forget('poison', elsewhere(), { host: 'evil.test' }), 421, 'misdirected_request');
  });

  it('a page of somebody else cannot ask; what is no name is told apart from nothing but its type', async () => {
    assertProblem(await forget('ghost', elsewhere(), { 'sec-fetch-site': 'cross-site' }), 403, 'csrf_failed');
    for (const name of [7, null, [], {}, undefined]) assertProblem(await forget(name), 400, 'invalid_request');
  });

  it('what it did is in the audit log, without a name that is nobody’s', async () => {
    const { id } = await settle(house.console, admin, 'noted', { email: 'noted@example.org' });
    await forget('noted', '127.95.0.1');
    await forget('my secret typed here', '127.95.0.1');
    await settled(() => mailsTo('noted@example.org').length === 1, 'no mail');
    await quiet();
    const events = (await admin.ask('/api/auth/audit?limit=50')).json['events'] as Readonly<Record<string, unknown>>[];
    // The invitation and the notice of it were mailed, too.
    const about = events
      .filter(({ target, event }) => target === id && event === 'link-made')
      .map(({ actor, address, way, result }) => [actor, address, way, result]);
    assert.deepEqual(about[0], ['', '127.95.0.1', 'none', 'reset']);
    const mailed = events.find(({ target, event }) => target === id && event === 'mail-sent');
    assert.deepEqual([mailed?.['actor'], mailed?.['way'], mailed?.['result']], ['', 'host', 'ok']);
    assert.doesNotMatch(JSON.stringify(events), /my secret/);
  });
});

describe('a forgotten password without a mail server', () => {
  it('is the same 200, and nothing is made', async () => {
    const { house, admin } = await open([]);
    try {
      const { id } = await settle(house.console, admin, 'alice', { email: 'alice@example.org' });
      const answers: Got[] = [];
      for (const username of ['alice', 'ghost'])
        answers.push(await send(`${house.console}/api/auth/forgot-password`, { body: { username } }));
      assert.equal(answers[0]?.status, 200);
      assert.equal(new Set(answers.map(shape)).size, 1);
      await pause(100);
      const events = (await admin.ask('/api/auth/audit?event=link-made')).json['events'] as {
        target: string;
        result: string;
      }[];
      assert.deepEqual(
        events.map(({ target, result }) => [target, result]),
        [[id, 'invite']],
      );
    } finally {
      await house.close();
    }
  });
});

describe('links by mail', () => {
  it('an admin is told whether it was mailed, and has the link all the same', async () => {
    const mail = await startMailServer();
    const { house, admin } = await open([
      '--smtp',
      `smtp://127.0.0.1:${mail.port}`,
      '--mail-from',
      'sallyport@nas.home',
    ]);
    // Notices are mailed beside them, in their own time.
    const letters = () => mail.mails.filter(({ text }) => text.includes('#link='));
    try {
      const alice = await admin.create({ username: 'alice', email: 'alice@example.org' });
      const sent = await admin.link(alice, 'invite');
      assert.equal(sent.json['mailed'], true);
      assert.ok(letters()[0]?.text.replaceAll('\r', '').split('\n').includes(String(sent.json['link'])));
      assert.match(letters()[0]?.headers['subject'] ?? '', /^Your account at 127\.0\.0\.1/);

      const silent = await admin.create({ username: 'silent' });
      assert.equal((await admin.link(silent, 'invite')).json['mailed'], false);

      mail.instead.set('RCPT', '550 nobody here');
      const refused = await admin.link(alice, 'invite');
      assert.equal(refused.json['mailed'], false);
      mail.instead.delete('RCPT');
      mail.instead.set('MAIL', '421 later');
      const later = await admin.link(alice, 'invite');
      assert.equal(later.json['mailed'], false);
      mail.instead.delete('MAIL');
      await settled(() => letters().length === 2, 'not tried again');
      assert.ok(letters()[1]?.text.includes(String(later.json['link'])));
      assert.equal((await redeem(house.console, later.json['link'], passwordOf('alice'))).status, 201);

      const reset = await admin.link(alice, 'reset');
      assert.match(letters()[2]?.text ?? '', /An administrator of .+ asks you to choose a new password/);
      assert.equal(reset.json['mailed'], true);
      const told = async (): Promise<readonly string[]> => {
        const got = await admin.ask('/api/auth/audit?limit=200');
        const events = got.json['events'] as { event: string; result: string }[];
        return events.filter(({ event }) => event.startsWith('mail-')).map(({ event, result }) => `${event} ${result}`);
      };
      // Written once the answer is out.
      const count = async (event: string): Promise<number> =>
        (await told()).filter((each) => each.startsWith(event)).length;
      for (let tries = 0; tries < 50 && (await count('mail-sent ok')) < 3; tries += 1) await pause(20);
      assert.ok((await count('mail-sent ok')) >= 3);
      assert.deepEqual(
        (await told()).filter((each) => each.startsWith('mail-failed')),
        ['mail-failed eenvelope-550-rcpt'],
      );
      assert.doesNotMatch(house.lines.join('\n'), /alice@example|#link=/);
    } finally {
      await house.close();
      await mail.close();
    }
  });
});
