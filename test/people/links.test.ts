/** Links that set a password, once (BY14): used, used again, too late, in parallel, by the wrong hands. L-29, L-31. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type Admin, asAdmin, bearer, login, passwordOf, redeem, secretOf, settle } from '../support/invited.ts';
import { browser, type Got, send } from '../support/client.ts';
import { freePort } from '../support/free-port.ts';
import { embed, type Embedded } from '../support/library.ts';
import { admin as rootOf, signIn, signInBearer } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { type RunningServer, startServer } from '../support/server.ts';

const hour = 3_600_000;
const minute = 60_000;
const fresh = 'a fresh 77 thistle under snow';

describe('links', () => {
  let house: Embedded;
  let admin: Admin;
  let names = 0;
  before(async () => {
    house = await embed();
    const got = await send(`${house.console}/api/auth/setup`, { body: { ...rootOf, setup_code: house.setupCode } });
    assert.equal(got.status, 201, got.text);
  });
  after(() => house.close());
  // Time passes in between: a session and its confirmation are made anew.
  beforeEach(async () => {
    admin = asAdmin(house.console, await signInBearer({ console: house.console }));
  });

  const nextName = (): string => `user-${(names += 1)}`;
  const invited = async (): Promise<{ username: string; id: string; link: string }> => {
    const username = nextName();
    const id = await admin.create({ username });
    return { username, id, link: String((await admin.link(id, 'invite')).json['link']) };
  };
  const resetOf = async (id: string): Promise<string> => String((await admin.link(id, 'reset')).json['link']);
  const look = (link: unknown, from = '127.0.0.1'): Promise<Got> =>
    send(`${house.console}/api/auth/link/look`, { body: { link: secretOf(link) }, from });
  /** Each from a network of its own, so that wrong ones are not refused for their number. */
  let networks = 0;
  const elsewhere = (): string => `127.90.${(networks += 1) % 250}.${Math.floor(networks / 250) + 1}`;
  const assertDead = async (link: unknown): Promise<void> => {
    assertProblem(await look(link, elsewhere()), 403, 'link_invalid');
    const got = await redeem(house.console, link, fresh, { from: elsewhere() });
    assertProblem(got, 403, 'link_invalid');
  };
  const alive = async (token: string): Promise<number> =>
    (await send(`${house.console}/api/auth/sessions`, { headers: bearer(token) })).status;

  it('an invitation says what it is good for, as often as it is asked, and works once', async () => {
    const { username, link } = await invited();
    assert.match(link, new RegExp(`^${house.console}/auth/link#link=[\\w-]{43}$`));
    for (let count = 0; count < 3; count += 1) {
      const got = await look(link);
      assert.equal(got.status, 200, got.text);
      const { expires_at: until, ...said } = got.json;
      assert.deepEqual(said, {
        success: true,
        purpose: 'invite',
        username,
        display_name: username,
        second_factor: false,
      });
      const left = Date.parse(String(until)) - house.now();
      assert.ok(left > 71.9 * hour && left <= 72 * hour);
    }
    const got = await redeem(house.console, link, passwordOf(username));
    assert.equal(got.status, 201, got.text);
    assert.match(String(got.json['token']), /^sps_/);
    assert.equal(got.json['token_type'], 'Bearer');
    assert.deepEqual(got.cookies, []);
    assert.equal(new Set(got.json['backup_codes'] as string[]).size, 10);
    await assertDead(link);
    assert.equal((await login(house.console, username, passwordOf(username))).status, 200);
  });

  it('a reset ends everything the account had open, and gives no new recovery codes', async () => {
    const username = nextName();
    const { id, token } = await settle(house.console, admin, username);
    const other = await signIn({ console: house.console }, { username, password: passwordOf(username) });
    const link = await resetOf(id);
    const left = Date.parse(String((await look(link)).json['expires_at'])) - house.now();
    assert.ok(left > 0.9 * hour && left <= hour);
    assert.equal(await alive(token), 200);
    const got = await redeem(house.console, link, fresh);
    assert.equal(got.status, 201, got.text);
    assert.equal(got.json['backup_codes'], undefined);
    assert.equal(await alive(token), 401);
    assert.equal((await other.page('/api/auth/sessions')).status, 401);
    assert.equal(await alive(String(got.json['token'])), 200);
    assert.deepEqual(await house.engine.devicesOf(id as never, house.now()), []);
    assertProblem(await login(house.console, username, passwordOf(username)), 401, 'invalid_credentials');
    assert.equal((await login(house.console, username, fresh)).status, 200);
    await assertDead(link);
  });

  it('the password that was there is none to be set again, and leaves the link as it is', async () => {
    const username = nextName();
    const { id, token } = await settle(house.console, admin, username);
    const link = await resetOf(id);
    const same = await redeem(house.console, link, passwordOf(username));
    assertProblem(same, 422, 'password_refused');
    assert.deepEqual(same.json['reasons'], ['same_as_old']);
    assert.equal(await alive(token), 200);
    assert.equal((await redeem(house.console, link, fresh)).status, 201);
  });

  it('with cookies it is a sign-in like any other: a login token, a device, a CSRF token', async () => {
    const { username, link } = await invited();
    const person = browser(house.console);
    const body = { link: secretOf(link), password: passwordOf(username) };
    assertProblem(
      await person.page('/api/auth/link', { body: { ...body, login_token: 'none' } }),
      403,
      'login_token_invalid',
    );
    const prepared = await person.page('/api/auth/login/prepare', { method: 'POST' });
    const got = await person.page('/api/auth/link', { body: { ...body, login_token: prepared.json['login_token'] } });
    assert.equal(got.status, 201, got.text);
    assert.equal(got.json['token'], undefined);
    assert.ok(person.cookies.has('sallyport-account') && person.cookies.has('sallyport-device'));
    assert.ok(!person.cookies.has('sallyport-login'));
    assert.equal((await person.page('/api/auth/status')).json['username'], username);
  });

  it('a page of somebody else cannot have one redeemed', async () => {
    const { link } = await invited();
    for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.test' }, { origin: 'null' }])
      assertProblem(await redeem(house.console, link, fresh, { headers }), 403, 'csrf_failed');
    assert.equal((await look(link)).status, 200);
  });

  it('a password that will not do is told, and the link is as it was', async () => {
    const { username, link } = await invited();
    for (const password of ['short', 'sallyport sallyport', `${username} ${username} 1`, 'passwordpassword']) {
      const got = await redeem(house.console, link, password);
      assertProblem(got, 422, 'password_refused');
      assert.ok((got.json['reasons'] as unknown[]).length > 0);
    }
    assertProblem(await redeem(house.console, link, ''), 400, 'invalid_request');
    assertProblem(await redeem(house.console, link, 'x'.repeat(1100)), 413, 'payload_too_large');
    assert.equal((await redeem(house.console, link, passwordOf(username))).status, 201);
  });

  it('of twenty at once one wins, and there is one session', async () => {
    const { username, id, link } = await invited();
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        redeem(house.console, link, `${passwordOf(username)} ${at}`, { from: elsewhere() }),
      ),
    );
    const won = all.flatMap((got, at) => (got.status === 201 ? [at] : []));
    assert.equal(won.length, 1, JSON.stringify(all.map((got) => got.status)));
    for (const got of all) assert.ok([201, 403, 429, 503].includes(got.status), got.text);
    assert.equal((await house.engine.sessionsOf(id as never, house.now())).length, 1);
    assert.equal((await login(house.console, username, `${passwordOf(username)} ${won[0]}`)).status, 200);
    const events = await admin.ask('/api/auth/audit?event=password-set-by-link&limit=1000');
    assert.equal((events.json['events'] as { target: string }[]).filter(({ target }) => target === id).length, 1);
  });

  it('too late: 72 hours and an hour', async () => {
    const [first, second] = [await invited(), await invited()];
    house.pass(72 * hour - minute);
    assert.equal((await look(first.link)).status, 200);
    assert.equal((await redeem(house.console, first.link, passwordOf(first.username))).status, 201);
    house.pass(2 * minute);
    await assertDead(second.link);
    admin = asAdmin(house.console, await signInBearer({ console: house.console }));
    const [third, fourth] = [await resetOf(first.id), await settle(house.console, admin, nextName())];
    const another = await resetOf(fourth.id);
    house.pass(hour - minute);
    assert.equal((await redeem(house.console, third, fresh)).status, 201);
    house.pass(2 * minute);
    await assertDead(another);
  });

  it('a clock that is set back revives none', async () => {
    const { link } = await invited();
    house.pass(73 * hour);
    await assertDead(link);
    await house.sallyport.store.sweep(house.now());
    house.pass(-73 * hour);
    await assertDead(link);
  });

  it('a new one makes the one before void; the other purpose is a conflict', async () => {
    const { id, username, link } = await invited();
    const second = String((await admin.link(id, 'invite')).json['link']);
    assert.notEqual(second, link);
    await assertDead(link);
    const wrong = await admin.ask(`/api/auth/users/${id}/link`, { body: { purpose: 'reset' } });
    assertProblem(wrong, 409, 'conflict');
    assert.equal((await look(second)).status, 200);
    assert.equal((await redeem(house.console, second, passwordOf(username))).status, 201);
    const late = await admin.ask(`/api/auth/users/${id}/link`, { body: { purpose: 'invite' } });
    assertProblem(late, 409, 'conflict');
    for (const purpose of ['', 'INVITE', 'login', null, 7, ['reset'], undefined])
      assertProblem(await admin.ask(`/api/auth/users/${id}/link`, { body: { purpose } }), 400, 'invalid_request');
  });

  it('dies with the password it was made under, with the account, and when it is disabled', async () => {
    const changed = nextName();
    const { id, token } = await settle(house.console, admin, changed);
    const first = await resetOf(id);
    const change = await send(`${house.console}/api/auth/change-password`, {
      headers: bearer(token),
      body: { old_password: passwordOf(changed), new_password: fresh },
    });
    assert.equal(change.status, 200, change.text);
    await assertDead(first);

    const disabled = await invited();
    assert.equal((await admin.patch(disabled.id, { active: false })).status, 200);
    await assertDead(disabled.link);
    const refused = await admin.ask(`/api/auth/users/${disabled.id}/link`, { body: { purpose: 'invite' } });
    assertProblem(refused, 409, 'conflict');
    assert.equal((await admin.patch(disabled.id, { active: true })).status, 200);
    await assertDead(disabled.link);

    const removed = await invited();
    assert.equal((await admin.remove(removed.id)).status, 200);
    await assertDead(removed.link);
  });

  it('does not die with what is no credential: fields, privileges', async () => {
    const { id, username, link } = await invited();
    assert.equal(
      (await admin.patch(id, { email: 'x@example.org', privileges: ['editor'], groups: ['a'] })).status,
      200,
    );
    assert.equal((await redeem(house.console, link, passwordOf(username))).status, 201);
  });

  it('whoever is signed in as another becomes the owner of the link, and nobody else is touched', async () => {
    const bob = nextName();
    await settle(house.console, admin, bob);
    const person = await signIn({ console: house.console }, { username: bob, password: passwordOf(bob) });
    const before = person.cookies.get('sallyport-account');
    const { username, link } = await invited();
    const prepared = await person.page('/api/auth/login/prepare', { method: 'POST' });
    const got = await person.page('/api/auth/link', {
      body: { link: secretOf(link), password: passwordOf(username), login_token: prepared.json['login_token'] },
    });
    assert.equal(got.status, 201, got.text);
    assert.notEqual(person.cookies.get('sallyport-account'), before);
    assert.equal((await person.page('/api/auth/status')).json['username'], username);
    assert.equal((await login(house.console, bob, passwordOf(bob))).status, 200);
    // A session of somebody in a header decides nothing here.
    const next = await invited();
    const bearerOfBob = bearer(
      await signInBearer({ console: house.console }, { username: bob, password: passwordOf(bob) }),
    );
    const second = await redeem(house.console, next.link, passwordOf(next.username), { headers: bearerOfBob });
    const status = await send(`${house.console}/api/auth/status`, { headers: bearer(String(second.json['token'])) });
    assert.equal(status.json['username'], next.username);
  });

  it('opens nothing else: no session, no account, no other purpose (L-31)', async () => {
    const { link, id } = await invited();
    const secret = secretOf(link);
    for (const headers of [
      bearer(secret),
      { cookie: `sallyport-account=${secret}` },
      { cookie: `sallyport-device=${secret}` },
      { 'x-api-key': secret },
    ])
      assert.equal((await send(`${house.console}/api/auth/sessions`, { headers })).status, 401);
    assert.equal(
      (await send(`${house.console}/api/auth/setup`, { body: { setup_code: secret, username: 'x', password: fresh } }))
        .status,
      403,
    );
    assert.equal((await send(`${house.console}/api/auth/users/${id}?link=${secret}`)).status, 401);
    const query = await send(`${house.console}/api/auth/link?link=${secret}`, { body: { password: fresh } });
    assertProblem(query, 400, 'invalid_request');
    assert.equal((await look(link)).status, 200);
  });

  it('only its digest is stored, and nothing tells the secret: no log line, no event', async () => {
    const { link } = await invited();
    const secret = secretOf(link);
    await look(link);
    const audit = await admin.ask('/api/auth/audit?limit=1000');
    assert.ok(!audit.text.includes(secret) && !house.lines.join('\n').includes(secret));
    assert.deepEqual((await house.engine.link(secret as never, house.now())).kind, 'invalid');
  });

  it('what is no link is refused like a dead one, whatever it is', async () => {
    const { link } = await invited();
    const secret = secretOf(link);
    const shapes = new Set<string>();
    for (const text of [
      '',
      ' ',
      'x',
      secret.slice(0, -1),
      `${secret}A`,
      secret.toLowerCase(),
      ` ${secret}`,
      link,
      '%00',
      "' OR 1=1 --",
      '\u0000',
      'ä'.repeat(64),
    ]) {
      const got = await send(`${house.console}/api/auth/link/look`, { body: { link: text }, from: elsewhere() });
      assertProblem(got, 403, 'link_invalid');
      shapes.add(JSON.stringify({ ...got.json, request_id: '' }));
    }
    assert.equal(shapes.size, 1);
    for (const body of [{}, { link: 7 }, { link: null }, { link: [secret] }, { link: 'x'.repeat(257) }]) {
      assertProblem(await send(`${house.console}/api/auth/link/look`, { body }), 400, 'invalid_request');
      assertProblem(
        await send(`${house.console}/api/auth/link`, { body: { ...body, password: fresh } }),
        400,
        'invalid_request',
      );
    }
  });

  it('wrong ones are charged to the network they come from: the eleventh in a minute is 429, and a right one works on', async () => {
    const from = '127.91.0.1';
    const { link, username } = await invited();
    for (let count = 0; count < 10; count += 1)
      assertProblem(await look(`http://x/#link=wrong-${count}`, from), 403, 'link_invalid');
    const wrong = 'http://x/#link=wrong';
    assertProblem(await look(wrong, from), 429, 'rate_limited');
    assertProblem(await redeem(house.console, wrong, fresh, { from }), 429, 'rate_limited');
    const withToken = (secret: string): Promise<Got> =>
      send(`${house.console}/api/auth/link`, { from, body: { link: secret, password: fresh, login_token: 'x' } });
    assertProblem(await withToken('wrong'), 429, 'rate_limited');
    // Nobody guesses one: whoever has it pays for nothing that others did there.
    assert.equal((await look(link, from)).status, 200);
    assertProblem(await withToken(secretOf(link)), 403, 'login_token_invalid');
    const blocks = (await admin.ask('/api/auth/blocks')).json['blocks'] as { network: string }[];
    assert.ok(blocks.some(({ network }) => network === '127.91.0.1/32'));
    assert.equal((await redeem(house.console, link, passwordOf(username), { from })).status, 201);
    assertProblem(await look(link, from), 429, 'rate_limited');
    const attempts = (await admin.ask('/api/auth/login-attempts?all=1&limit=1000')).json['attempts'] as {
      way: string;
      result: string;
    }[];
    assert.ok(attempts.some(({ way, result }) => way === 'link' && result === 'no-link'));
    assert.ok(attempts.some(({ way, result }) => way === 'link' && result === 'ok'));
  });

  it('right ones, and passwords that will not do, cost nothing', async () => {
    const from = '127.92.0.1';
    const { link, username } = await invited();
    for (let count = 0; count < 30; count += 1) {
      assert.equal((await look(link, from)).status, 200);
      if (count % 10 === 0)
        assertProblem(await redeem(house.console, link, 'short', { from }), 422, 'password_refused');
    }
    assert.equal((await redeem(house.console, link, passwordOf(username), { from })).status, 201);
  });

  it('whoever is let in by one is told so on the account page', async () => {
    const { username, link } = await invited();
    const got = await redeem(house.console, link, passwordOf(username));
    const notices = await send(`${house.console}/api/auth/notices`, { headers: bearer(String(got.json['token'])) });
    assert.deepEqual(
      (notices.json['notices'] as { kind: string; address: string }[]).map(({ kind, address }) => [kind, address]),
      [['password-reset', '127.0.0.1']],
    );
  });
});

describe('L-29: a link leads to the configured place, whatever the request says', () => {
  let server: RunningServer;
  let at: string;
  const publicUrl = 'https://sign-in.nas.home';
  before(async () => {
    const port = await freePort();
    at = `http://127.0.0.1:${port}`;
    server = await startServer({
      listen: `127.0.0.1:${port}`,
      args: ['--public-url', publicUrl, '--trusted-proxies', '127.0.0.9'],
    });
  });
  after(() => server.remove());

  it('from an unlisted peer and through a listed proxy, under any header that could name another', async () => {
    const own = { host: 'sign-in.nas.home' };
    const setup = await send(`${at}/api/auth/setup`, {
      headers: own,
      body: { ...rootOf, setup_code: server.setupCode },
    });
    assert.equal(setup.status, 201, setup.text);
    const token = String(setup.json['token']);
    const made = await send(`${at}/api/auth/users`, {
      headers: { ...own, ...bearer(token) },
      body: { username: 'alice' },
    });
    assert.equal(made.status, 201, made.text);
    const { id } = made.json['user'] as { id: string };
    const poisons: readonly Readonly<Record<string, string>>[] = [
      {},
      { host: 'evil.test' },
      { host: 'localhost:1' },
      { ...own, 'x-forwarded-host': 'evil.test' },
      { ...own, forwarded: 'host=evil.test;proto=http' },
      { ...own, 'x-forwarded-proto': 'javascript' },
      {
        ...own,
        'x-forwarded-proto': 'http',
        'x-forwarded-host': 'evil.test',
        'x-forwarded-port': '81',
        'x-forwarded-prefix': '/evil',
      },
      { ...own, 'x-original-url': 'https://evil.test/', 'x-rewrite-url': '/evil' },
      { ...own, origin: publicUrl, referer: 'https://evil.test/' },
    ];
    let links = 0;
    for (const from of ['127.0.0.8', '127.0.0.9']) {
      for (const headers of poisons) {
        const got = await send(`${at}/api/auth/users/${id}/link`, {
          from,
          headers: { ...headers, ...bearer(token) },
          body: { purpose: 'invite' },
        });
        assert.doesNotMatch(got.text, /evil|javascript/);
        if (got.status !== 201) {
          assert.ok([400, 421].includes(got.status), got.text);
          continue;
        }
        links += 1;
        assert.match(String(got.json['link']), /^https:\/\/sign-in\.nas\.home\/auth\/link#link=[\w-]{43}$/);
      }
    }
    assert.ok(links >= 8, String(links));
  });
});
