/**
 * O-05: each thing that happens is exactly one record that says who, what, when, from where and how it ended. O-09: the
 * client and the peer are both there where they differ. Driven through HTTP, read through HTTP.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { after, before, describe, it } from 'node:test';
import { eventFields } from '../../src/record/audit-lines.ts';
import { auditEvents } from '../../src/record/recorder.ts';
import type { UserId, Username } from '../../src/types.ts';
import {
  type Account,
  addPasskey,
  anotherSession,
  asking,
  firstAccount,
  originOf,
  passkeyOptions,
} from '../support/accounts.ts';
import { authenticator, type PasskeyOptions, type Twist } from '../support/authenticator.ts';
import { type Browser, type Got, send } from '../support/client.ts';
import { startEcho } from '../support/echo.ts';
import { embed, type Embedded } from '../support/library.ts';
import {
  admin,
  enterApplication,
  setUp,
  signIn,
  signInBearer,
  wrongPassword,
  wrongPasswordNo,
} from '../support/people.ts';
import { enrol, type Phone } from '../support/phone.ts';
import { entry, type RunningServer, startServer } from '../support/server.ts';
import { type MailServer, startMailServer } from '../support/smtp.ts';
import { pause } from '../support/waiting.ts';

type Event = Readonly<Record<string, string | number>>;

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

async function eventsOf(console: string, token: string, query = ''): Promise<readonly Event[]> {
  const got = await send(`${console}/api/auth/audit?limit=1000${query}`, { headers: bearer(token) });
  assert.equal(got.status, 200, got.text);
  return (got.json['events'] as Event[]).toReversed();
}

const seen = new Set<string>();

/** What came in between, each with the fields that are to be looked at. */
function assertNew(before: readonly Event[], now: readonly Event[], expected: readonly Event[]): void {
  const fresh = now.slice(before.length);
  assert.deepEqual(
    fresh.map((event, at) => Object.fromEntries(Object.keys(expected[at] ?? event).map((name) => [name, event[name]]))),
    expected,
  );
  for (const event of fresh) {
    seen.add(String(event['event']));
    assert.match(String(event['at']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.match(String(event['hash']), /^[\w-]{43}$/);
  }
}

describe('O-05: events of the server', () => {
  let server: RunningServer;
  let echo: Awaited<ReturnType<typeof startEcho>>;
  let token: string;
  before(async () => {
    echo = await startEcho();
    server = await startServer({ upstream: echo.url });
  });
  after(async () => {
    await server.remove();
    await echo.close();
  });

  /** Runs it, and holds what is new against what is expected. */
  const happens = async (run: () => Promise<unknown>, expected: readonly Event[]): Promise<void> => {
    const before = await eventsOf(server.console, token);
    await run();
    assertNew(before, await eventsOf(server.console, token), expected);
  };
  const stranger = { actor: '', actor_name: '', address: '127.0.0.1', peer: '' };
  const root = { actor_name: 'root1', address: '127.0.0.1', peer: '' };

  it('the first run: keys, start, setup code, a wrong code, the first admin', async () => {
    const wrong = await send(`${server.console}/api/auth/setup`, {
      body: { ...admin, setup_code: 'AAAA-AAAA-AAAA-AAAA' },
    });
    assert.equal(wrong.status, 403, wrong.text);
    await setUp(server);
    token = await signInBearer(server);
    const host = { actor: '', actor_name: '', address: '', peer: '', way: 'host', result: 'ok' };
    assertNew([], await eventsOf(server.console, token), [
      { number: 1, event: 'keys-made', ...host },
      { number: 2, event: 'server-started', ...host },
      { number: 3, event: 'setup-code-made', ...host },
      { number: 4, event: 'setup-code-refused', ...stranger, way: 'setup-code', result: 'wrong-code' },
      { number: 5, event: 'setup', ...root, way: 'setup-code', result: 'ok' },
      { number: 6, event: 'signed-in', ...root, way: 'password', result: 'ok', count: 1 },
    ]);
  });

  it('a refused sign-in: of a known name and of an unknown one; the name itself is nowhere', async () => {
    const login = (username: string): Promise<Got> =>
      send(`${server.console}/api/auth/login`, { body: { username, password: wrongPassword } });
    const [{ actor }] = (await eventsOf(server.console, token, '&event=signed-in')) as [Event];
    await happens(
      () => login(admin.username),
      [{ event: 'sign-in-refused', ...stranger, way: 'password', target: actor ?? '', result: 'wrong-password' }],
    );
    await happens(
      () => login('my secret typed here'),
      [{ event: 'sign-in-refused', ...stranger, way: 'password', target: '' }],
    );
    assert.doesNotMatch(JSON.stringify(await eventsOf(server.console, token)), /my secret|wrong-pw/);
  });

  it('re-authentication, right and wrong; the fifth wrong one ends the session', async () => {
    const other = await signInBearer(server);
    const prove = (password: string, by: string): Promise<Got> =>
      send(`${server.console}/api/auth/reauthenticate`, { headers: bearer(by), body: { password } });
    const wrong = { event: 'reauthentication-refused', ...root, way: 'password', result: 'wrong-password' };
    const failures = async (): Promise<void> => {
      for (let count = 0; count < 5; count += 1) await prove(`${wrongPassword}${count}`, other);
    };
    await happens(failures, [
      ...Array.from({ length: 5 }, () => wrong),
      { event: 'session-ended', ...root, way: 'password', result: 'too-many-wrong-passwords' },
    ]);
    const renewing = async (): Promise<void> => {
      token = String((await prove(admin.password, token)).json['token']);
    };
    await happens(renewing, [{ event: 'reauthenticated', ...root, way: 'password', result: 'ok' }]);
  });

  it('limits are lifted by an admin, and from the host', async () => {
    const lift = (): Promise<Got> =>
      send(`${server.console}/api/auth/blocks`, {
        method: 'DELETE',
        headers: bearer(token),
        body: { address: '203.0.113.7' },
      });
    await happens(lift, [{ event: 'blocks-lifted', ...root, way: 'session', target: '203.0.113.7', result: 'ok' }]);
    const host = { actor: '', actor_name: '', address: '', peer: '', way: 'host', result: 'ok' };
    const unlock = (): Promise<unknown> =>
      promisify(execFile)(process.execPath, [entry, 'user', 'unlock', admin.username, '--data', server.data]);
    await happens(unlock, [{ event: 'blocks-lifted', ...host }]);
  });

  it('names and passwords over Basic, derived keys, and the service key, which is nobody', async () => {
    const basic = (name: string, secret: string) => ({
      authorization: `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}`,
    });
    const ask = async (method: string, path: string, headers: Record<string, string>, body?: object): Promise<Got> => {
      const got = await send(`${server.console}/api/auth${path}`, { method, headers, body });
      assert.ok(got.status < 300, got.text);
      return got;
    };
    const { username, password } = admin;
    const withPassword = basic(username, password);
    let key = '';
    const telling = async (): Promise<void> => {
      key = String((await ask('POST', '/user-key', withPassword, {})).json['user_key']);
      await ask('GET', '/sessions', withPassword);
    };
    await happens(telling, [
      { event: 'basic-accepted', ...root, way: 'basic', result: 'ok' },
      { event: 'user-key-told', ...root, way: 'basic', result: 'ok' },
    ]);
    const byKey = { event: 'basic-accepted', ...root, way: 'user-key', result: 'ok' };
    await happens(() => ask('GET', '/sessions', basic(username, key)), [byKey]);
    const service = basic(await readFile(`${server.data}/api.key`, 'utf8'), '');
    await happens(
      () => ask('POST', '/users', service, { username: 'by-a-tool' }),
      [{ event: 'user-created', ...stranger, way: 'service-key', result: 'ok' }],
    );
    const rotate = (): Promise<unknown> =>
      promisify(execFile)(process.execPath, [entry, 'key', 'rotate', 'service', '--data', server.data]);
    await happens(rotate, [{ event: 'service-key-replaced', actor: '', address: '', way: 'host', result: 'ok' }]);
  });

  it('a sign-out is told apart from a session that another one ended', async () => {
    let person: Browser | undefined;
    await happens(async () => {
      person = await signIn(server);
      assert.equal((await person.page('/api/auth/logout', { body: {} })).status, 200);
    }, [
      { event: 'signed-in', ...root },
      { event: 'signed-out', ...root, way: 'session', result: 'ok' },
    ]);
    const other = await signInBearer(server);
    const list = await send(`${server.console}/api/auth/sessions`, { headers: bearer(other) });
    const { id } = (list.json['sessions'] as { id: string; current: boolean }[]).find((each) => each.current) ?? {
      id: '',
    };
    await happens(
      () => send(`${server.console}/api/auth/sessions/${id}`, { method: 'DELETE', headers: bearer(token) }),
      [{ event: 'session-ended', ...root, way: 'session', target: id, result: 'ok' }],
    );
    const [{ actor }] = (await eventsOf(server.console, token, '&event=signed-in')) as [Event];
    await happens(
      () => send(`${server.console}/api/auth/sessions`, { method: 'DELETE', headers: bearer(token) }),
      [{ event: 'sessions-ended', ...root, way: 'session', target: actor ?? '' }],
    );
  });

  it('a session at the application, and the sign-out there', async () => {
    let application: Browser | undefined;
    await happens(async () => {
      ({ application } = await enterApplication(server));
    }, [
      { event: 'signed-in', ...root },
      { event: 'handed-over', ...root, way: 'session', result: 'ok' },
    ]);
    await happens(
      () => application?.page('/.sallyport/sign-out', { method: 'POST' }) ?? assert.fail(),
      [{ event: 'signed-out', ...root, way: 'session', result: 'ok' }],
    );
  });

  it('a changed password; sign-in switched off and on', async () => {
    const [{ actor }] = (await eventsOf(server.console, token, '&event=signed-in')) as [Event];
    const changed = 'a quite different lantern 77 tonight';
    await happens(async () => {
      const got = await send(`${server.console}/api/auth/change-password`, {
        headers: bearer(token),
        body: { old_password: admin.password, new_password: changed },
      });
      assert.equal(got.status, 200, got.text);
      token = String(got.json['token']);
    }, [{ event: 'password-changed', ...root, way: 'password', target: actor ?? '', result: 'ok' }]);
    await happens(
      () => send(`${server.console}/api/auth/disable`, { headers: bearer(token), body: { password: changed } }),
      [{ event: 'authentication-disabled', ...root, way: 'session' }],
    );
    await happens(
      () => send(`${server.console}/api/auth/enable`, { body: { username: admin.username, password: changed } }),
      [{ event: 'authentication-enabled', ...root, way: 'password' }],
    );
    assert.doesNotMatch(JSON.stringify(await eventsOf(server.console, token)), /lantern/);
  });

  it('a stop, and the start after it', async () => {
    const before = await eventsOf(server.console, token);
    assert.equal(await server.end(), 0);
    server = await startServer({ data: server.data, standing: 'set-up', upstream: echo.url });
    const now = await eventsOf(server.console, token);
    const boots = now.filter((event) => event['event'] === 'server-started').map((event) => event['target']);
    assert.equal(new Set(boots).size, 2);
    assertNew(before, now, [
      { event: 'server-stopped', way: 'host', target: boots[0] ?? '' },
      { event: 'server-started', way: 'host', target: boots[1] ?? '' },
    ]);
  });
});

describe('O-05: second factors', () => {
  let house: Embedded;
  let root: Account;
  let phone: Phone;
  let codes: string[];
  before(async () => {
    house = await embed({ names: ['localhost'], argv: ['--trusted-proxies', '127.0.0.1'] });
    root = await firstAccount(house);
  });
  after(() => house.close());

  const ask = (method: string, path: string, body?: object): Promise<Got> =>
    asking(house, root.token)(method, `/api/auth/${path}`, body);
  const password = { username: admin.username, password: admin.password };
  const login = async (body: object, from = '127.0.0.1'): Promise<Got> =>
    asking(house)('POST', '/api/auth/login', { ...password, ...body }, { headers: { 'x-forwarded-for': from } });
  /** Read from the log itself: whoever has to change their password first sees nothing of it. */
  const all = async (): Promise<readonly Event[]> => {
    const { events } = await house.sallyport.audit.newest(
      { event: null, user: null, since: null, until: null },
      null,
      1000,
    );
    return events.map((row) => eventFields(row)).toReversed();
  };
  const happens = async (run: () => Promise<unknown>, expected: readonly Event[]): Promise<void> => {
    const before = await all();
    await run();
    assertNew(before, await all(), expected);
  };
  const own = { actor_name: 'root1', address: '127.0.0.1', peer: '', result: 'ok' };
  const mine = { ...own, way: 'session' };
  const answered = (got: Got, status = 200): void => assert.equal(got.status, status, got.text);

  it('codes switched on, used, wrong and spent', async () => {
    const watch = { now: house.now, wait: house.pass };
    await happens(async () => {
      const enrolled = await enrol(house.console, root.token, watch);
      phone = enrolled.phone;
      codes = [...enrolled.recoveryCodes];
    }, [{ event: 'totp-enabled', ...mine, target: root.user.id }]);
    // A first step by itself is nothing that happened.
    await happens(() => login({}), []);
    const code = await phone.next();
    await happens(
      async () => answered(await login({ totp_token: code })),
      [{ event: 'signed-in', ...own, way: 'password' }],
    );
    const wrong = { event: 'code-refused', actor: '', address: '127.0.0.1', way: 'password', target: root.user.id };
    await happens(() => login({ totp_token: code }), [{ ...wrong, result: 'code-used-before' }]);
    await happens(() => login({ totp_token: phone.wrong() }), [{ ...wrong, result: 'wrong-code' }]);
    await happens(() => login({ totp_token: 'x' }), [{ ...wrong, result: 'code-unreadable' }]);
    await happens(
      async () => answered(await login({ totp_token: codes.pop() })),
      [
        { event: 'recovery-code-used', ...own, way: 'password', target: root.user.id },
        { event: 'signed-in', ...own, way: 'password' },
      ],
    );
    await happens(
      async () => ask('POST', 'reauthenticate', { ...password, totp_code: phone.wrong() }),
      [{ event: 'reauthentication-refused', ...own, way: 'password', result: 'wrong-code' }],
    );
    house.pass(3_600_000);
  });

  it('new recovery codes; a passkey added, renamed, used, copied, refused and removed', async () => {
    const renewed = async (): Promise<void> => {
      const body = { ...password, totp_code: await phone.next() };
      codes = [...((await ask('POST', 'recovery-codes', body)).json['backup_codes'] as string[])];
    };
    await happens(renewed, [{ event: 'recovery-codes-renewed', ...mine, target: root.user.id }]);
    root = { ...root, token: await anotherSession(house, root.user) };
    const key = authenticator();
    await happens(() => addPasskey(house, root.token, key), [{ event: 'passkey-added', ...mine }]);
    const id = key.credentials[0]?.id ?? '';
    await happens(
      async () => answered(await ask('PATCH', `passkeys/${id}`, { name: 'Other' })),
      [{ event: 'passkey-renamed', ...mine, target: id }],
    );
    const origin = originOf(house, 'localhost');
    const signIn = async (twist: Twist = {}): Promise<Got> =>
      asking(house)('POST', '/api/auth/login/passkey', key.get(await passkeyOptions(house), origin, twist));
    await happens(
      async () => answered(await signIn({ counter: 10 })),
      [{ event: 'signed-in', ...own, way: 'passkey' }],
    );
    await happens(
      async () => answered(await signIn({ counter: 9 })),
      [
        { event: 'passkey-copied', ...own, way: 'passkey', target: root.user.id },
        { event: 'signed-in', ...own, way: 'passkey' },
      ],
    );
    await happens(
      async () => answered(await signIn({ userVerified: false }), 401),
      [{ event: 'sign-in-refused', actor: '', way: 'passkey', result: 'not-genuine' }],
    );
    const pending = await login({});
    const passkey = key.get(pending.json['passkey_options'] as PasskeyOptions, origin, { rpId: 'evil.test' });
    await happens(
      () => asking(house)('POST', '/api/auth/login/verify', { challenge: pending.json['challenge'], passkey }),
      [{ event: 'code-refused', actor: '', way: 'passkey', target: root.user.id, result: 'not-genuine' }],
    );
    await happens(
      async () => answered(await ask('DELETE', `passkeys/${id}`, {})),
      [{ event: 'passkey-removed', ...mine, target: id }],
    );
  });

  it('a password that others know: ten codes of strangers, five of which pause them; and codes switched off', async () => {
    const wrong = { event: 'code-refused', actor: '', way: 'password', target: root.user.id };
    const guess = (from: string): Promise<Got> => login({ totp_token: phone.wrong() }, from);
    const five = async (from: string): Promise<void> => {
      for (let count = 0; count < 5; count += 1) await guess(from);
    };
    await happens(
      () => five('203.0.113.1'),
      Array.from({ length: 5 }, () => ({ ...wrong, result: 'wrong-code' })),
    );
    house.pass(300_000);
    await happens(() => guess('203.0.113.1'), [{ ...wrong, result: 'totp-paused' }]);
    await happens(
      () => five('203.0.113.2'),
      [
        ...Array.from({ length: 4 }, () => ({ ...wrong, address: '203.0.113.2', result: 'wrong-code' })),
        {
          event: 'password-known',
          actor: '',
          address: '203.0.113.2',
          way: 'password',
          target: root.user.id,
          result: 'ok',
        },
        { ...wrong, result: 'wrong-code' },
      ],
    );
    const changed = async (): Promise<void> => {
      const body = { old_password: admin.password, new_password: 'copper heron dusk 17 ladders' };
      const got = await ask('POST', 'change-password', { ...body, totp_code: await phone.next() });
      answered(got);
      root = { ...root, token: String(got.json['token']) };
    };
    await happens(changed, [{ event: 'password-changed', ...own, way: 'password', target: root.user.id }]);
    const off = async (): Promise<Got> =>
      ask('POST', 'totp/disable', { password: 'copper heron dusk 17 ladders', totp_code: await phone.next() });
    await happens(async () => answered(await off()), [{ event: 'totp-disabled', ...mine, target: root.user.id }]);
    const text = JSON.stringify(await all());
    for (const secret of [phone.secret, ...codes, 'heron']) assert.ok(!text.includes(secret));
  });
});

describe('O-05: declining', () => {
  it('is one record, however often it is asked for', async () => {
    const server = await startServer();
    try {
      const decline = (): Promise<Got> =>
        send(`${server.console}/api/auth/decline`, { body: { setup_code: server.setupCode } });
      assert.equal((await decline()).status, 200);
      assert.equal((await decline()).status, 200);
      await setUp(server);
      const events = await eventsOf(server.console, await signInBearer(server), '&event=declined');
      assertNew([], events, [{ event: 'declined', actor: '', address: '127.0.0.1', way: 'setup-code', result: 'ok' }]);
    } finally {
      await server.remove();
    }
  });
});

describe('O-05: people', () => {
  let mail: MailServer;
  let house: Embedded;
  let token: string;
  before(async () => {
    mail = await startMailServer();
    house = await embed({ argv: ['--smtp', `smtp://127.0.0.1:${mail.port}`, '--mail-from', 'sallyport@nas.home'] });
    const got = await send(`${house.console}/api/auth/setup`, { body: { ...admin, setup_code: house.setupCode } });
    token = String(got.json['token']);
  });
  after(async () => {
    await house.close();
    await mail.close();
  });

  const happens = async (run: () => Promise<unknown>, expected: readonly Event[]): Promise<void> => {
    const before = await eventsOf(house.console, token);
    await run();
    let now = await eventsOf(house.console, token);
    // A mail is told once its server has taken it, behind the answer.
    for (let tries = 0; tries < 100 && now.length - before.length < expected.length; tries += 1) {
      await pause(20);
      now = await eventsOf(house.console, token);
    }
    assertNew(before, now, expected);
  };
  const ask = (method: string, path: string, body: object = {}): Promise<Got> =>
    send(`${house.console}/api/auth/${path}`, { method, headers: bearer(token), body });
  const root = { actor_name: 'root1', address: '127.0.0.1', peer: '', way: 'session', result: 'ok' };
  const host = { actor: '', actor_name: '', address: '', peer: '', way: 'host' };
  const stranger = { actor: '', actor_name: '', address: '127.0.0.1', peer: '' };
  let id = '';

  it('an account made, changed, disabled and enabled; what changes nothing is nothing that happened', async () => {
    const made = async (): Promise<void> => {
      const got = await ask('POST', 'users', { username: 'alice', email: 'alice@example.org' });
      id = (got.json['user'] as { id: string }).id;
    };
    await happens(made, [{ event: 'user-created', ...root }]);
    const change = (body: object) => () => ask('PATCH', `users/${id}`, body);
    await happens(change({ display_name: 'A.', groups: ['x'] }), [{ event: 'user-updated', ...root, target: id }]);
    await happens(change({ privileges: ['editor'] }), [{ event: 'privileges-changed', ...root, target: id }]);
    await happens(change({ active: false }), [{ event: 'user-disabled', ...root, target: id }]);
    await happens(change({ active: true, email: 'alice@example.org' }), [
      { event: 'user-enabled', ...root, target: id },
    ]);
    await happens(change({ active: true, privileges: ['editor'], display_name: 'A.' }), []);
    await happens(change({ active: false, privileges: [], email: 'alice@nas.home' }), [
      { event: 'user-updated', ...root, target: id },
      { event: 'privileges-changed', ...root, target: id },
      { event: 'user-disabled', ...root, target: id },
    ]);
    await change({ active: true })();
    await happens(() => ask('POST', 'users', { username: 'alice' }), []);
    await happens(() => ask('PATCH', `users/${id}`, { email: 'none' }), []);
  });

  it('a link made, mailed, shown wrongly, used; one by somebody who forgot; a mail that nobody took', async () => {
    let link = '';
    const made = async (): Promise<void> => {
      link = String((await ask('POST', `users/${id}/link`, { purpose: 'invite' })).json['link']);
    };
    await happens(made, [
      { event: 'link-made', ...root, target: id, result: 'invite' },
      { event: 'mail-sent', ...host, target: id, result: 'ok' },
    ]);
    const body = { link: link.split('#link=')[1], password: 'alice walks under 12 green lanterns' };
    const wrong = { ...body, link: 'my secret typed here' };
    await happens(
      () => send(`${house.console}/api/auth/link`, { body: wrong }),
      [{ event: 'link-refused', ...stranger, way: 'link', target: '', result: 'no-link' }],
    );
    await happens(
      () => send(`${house.console}/api/auth/link`, { body }),
      [
        {
          event: 'password-set-by-link',
          actor: id,
          actor_name: 'alice',
          address: '127.0.0.1',
          way: 'link',
          target: id,
          result: 'ok',
        },
        // The notice of it.
        { event: 'mail-sent', ...host, target: id },
      ],
    );
    mail.instead.set('RCPT', '550 nobody');
    await happens(
      () => send(`${house.console}/api/auth/forgot-password`, { body: { username: 'alice' } }),
      [
        { event: 'link-made', ...stranger, way: 'none', target: id, result: 'reset' },
        { event: 'mail-failed', ...host, target: id, result: 'eenvelope-550-rcpt' },
      ],
    );
    mail.instead.delete('RCPT');
    assert.doesNotMatch(JSON.stringify(await eventsOf(house.console, token)), /my secret|lanterns|#link|@example|@nas/);
  });

  it('factors reset and a hold lifted from the host; an account deleted keeps its name in what it did', async () => {
    await happens(
      () => house.sallyport.users({ action: 'reset-factors', username: 'alice' }),
      [
        { event: 'factors-reset', ...host, target: id, result: 'ok' },
        { event: 'mail-sent', ...host, target: id },
      ],
    );
    const at = house.now();
    const about = { actor: '', address: '', target: id, result: 'ok' } as const;
    await house.engine.countCodeFailure({
      userId: id as UserId,
      challenge: null,
      challengeLimit: 5,
      from: 'stranger',
      knownAfter: 10,
      notice: { userId: id as UserId, kind: 'password-known', at, address: '', detail: '' },
      audit: { ...about, event: 'password-known', peer: '', way: 'password', at, count: 1 },
    });
    await happens(
      () => house.sallyport.users({ action: 'unlock', username: 'alice' }),
      [
        { event: 'totp-unlocked', ...host, target: id, result: 'ok' },
        { event: 'blocks-lifted', ...host, target: id, result: 'ok' },
      ],
    );
    await happens(() => ask('DELETE', `users/${id}`), [{ event: 'user-deleted', ...root, target: id }]);
    await happens(() => ask('DELETE', `users/${id}`), []);
    const before = await eventsOf(house.console, token);
    assert.ok(before.some((event) => event['actor'] === id && event['actor_name'] === 'alice'));
  });
});

describe('O-05: API tokens', () => {
  it('made, changed, given a new secret, shown after its time by many, revoked; its secret is in none of it', async () => {
    const house = await embed();
    try {
      const session = String(
        (await send(`${house.console}/api/auth/setup`, { body: { ...admin, setup_code: house.setupCode } })).json[
          'token'
        ],
      );
      const ask = async (method: string, path: string, body: object): Promise<Got> => {
        const got = await send(`${house.console}/api/auth/api-tokens${path}`, {
          method,
          body,
          headers: bearer(session),
        });
        assert.ok(got.status < 300, got.text);
        return got;
      };
      const { id, token } = (await ask('POST', '', { token_name: 'short', expires_in_days: 1 })).json;
      await ask('PATCH', `/${String(id)}`, { token_name: 'shorter' });
      const second = String((await ask('POST', `/${String(id)}/rotate`, {})).json['token']);
      house.pass(13 * 3_600_000);
      assert.equal((await send(`${house.console}/api/auth/verify`, { headers: bearer(session) })).status, 200);
      house.pass(12 * 3_600_000);
      const late = Array.from({ length: 9 }, () =>
        send(`${house.console}/api/auth/verify`, { headers: bearer(second) }),
      );
      for (const got of await Promise.all(late)) assert.equal(got.status, 401);
      await ask('DELETE', `/${String(id)}`, {});
      const all = await eventsOf(house.console, session);
      const by = { actor_name: 'root1', address: '127.0.0.1', way: 'session', target: String(id), count: 1 };
      const ofTokens = all.filter((event) => String(event['event']).startsWith('token-'));
      assertNew([], ofTokens, [
        { event: 'token-created', ...by, result: 'ok' },
        { event: 'token-changed', ...by, result: 'name' },
        { event: 'token-rotated', ...by, result: 'ok' },
        { event: 'token-expired', actor: '', address: '', way: 'none', target: String(id), result: 'ok', count: 1 },
        { event: 'token-revoked', ...by, result: 'ok' },
      ]);
      for (const secret of [String(token), second]) assert.ok(!JSON.stringify(all).includes(secret));
    } finally {
      await house.close();
    }
  });
});

describe('O-05: what repeats', () => {
  let house: Embedded;
  let token: string;
  before(async () => {
    house = await embed();
    const got = await send(`${house.console}/api/auth/setup`, { body: { ...admin, setup_code: house.setupCode } });
    assert.equal(got.status, 201, got.text);
    token = String(got.json['token']);
  });
  after(() => house.close());

  it('a known device is forgotten after too many wrong passwords', async () => {
    const person = await signIn({ console: house.console });
    const cookie = `sallyport-device=${person.cookies.get('sallyport-device')}`;
    for (let at = 0; at < 50; at += 1) {
      const got = await send(`${house.console}/api/auth/login`, {
        headers: { cookie },
        body: { username: admin.username, password: wrongPasswordNo(at) },
      });
      assert.equal(got.status, 401, got.text);
      if (at % 10 === 9) house.pass(3_600_000);
    }
    const all = await eventsOf(house.console, token, '&event=device-forgotten');
    assertNew([], all, [{ event: 'device-forgotten', actor: '', way: 'password', result: 'too-many-wrong-passwords' }]);
  });

  it('refused authorisation: once per session and minute, and once more in the next', async () => {
    const found = await house.engine.userByName('root1' as Username);
    assert.ok(found.kind === 'found');
    const person = await signInBearer({ console: house.console });
    const set = (privileges: readonly string[]) =>
      house.engine.updateUser({
        userId: found.user.id,
        patch: { privileges },
        // Nobody has that one: the only admin may go, too.
        adminPrivilege: '',
        audit: [
          {
            at: house.now(),
            event: 'privileges-changed',
            actor: '',
            address: '',
            peer: '',
            way: 'host',
            target: found.user.id,
            result: 'ok',
            count: 1,
          },
        ],
      });
    await set([]);
    const ask = (): Promise<Got> => send(`${house.console}/api/auth/audit`, { headers: bearer(person) });
    for (let count = 0; count < 5; count += 1) assert.equal((await ask()).status, 403);
    // Another session of the same user is another one.
    assert.equal((await send(`${house.console}/api/auth/audit`, { headers: bearer(token) })).status, 403);
    house.pass(61_000);
    assert.equal((await ask()).status, 403);
    assert.equal((await ask()).status, 403);
    await set(['admin']);
    const events = await eventsOf(house.console, token, '&event=authorisation-refused');
    const expected = {
      event: 'authorisation-refused',
      actor: found.user.id,
      actor_name: 'root1',
      way: 'session',
      target: '/api/auth/audit',
      result: 'forbidden',
      count: 1,
    };
    assertNew([], events, [expected, expected, expected]);
  });

  it('refused authorisation by way of a reverse proxy: the host is told, and no path', async () => {
    const person = await signInBearer({ console: house.console });
    const ask = (privilege: string): Promise<Got> =>
      send(`${house.console}/api/auth/verify?privilege=${privilege}`, {
        headers: { ...bearer(person), 'x-original-url': 'https://wiki.test/secret?x=1', 'x-original-method': 'GET' },
      });
    const before = await eventsOf(house.console, token, '&event=authorisation-refused');
    assert.equal((await ask('admin')).status, 200);
    assert.equal((await ask('root')).status, 403);
    assert.equal((await ask('root')).status, 403);
    assertNew(before, await eventsOf(house.console, token, '&event=authorisation-refused'), [
      {
        event: 'authorisation-refused',
        actor_name: 'root1',
        address: '127.0.0.1',
        way: 'session',
        result: 'forbidden',
      },
    ]);
    assert.doesNotMatch(JSON.stringify(await eventsOf(house.console, token)), /secret/);
  });

  it('the same wrong secret again and again: told once, then counted, one record per network and minute', async () => {
    const ask = (): Promise<Got> =>
      send(`${house.console}/api/auth/login`, {
        from: '127.83.0.1',
        body: { username: 'nobody', password: wrongPassword },
      });
    for (let count = 0; count < 20; count += 1) assert.equal((await ask()).status, 401);
    house.pass(60_000);
    let events: readonly Event[] = [];
    for (let tries = 0; tries < 100 && events.length === 0; tries += 1) {
      await pause(100);
      events = await eventsOf(house.console, token, '&event=attempts-repeated');
    }
    assert.deepEqual([...new Set(events.map((event) => event['address']))], ['127.83.0.1/32']);
    assert.equal(
      events.reduce((all, event) => all + Number(event['count']), 0),
      19,
    );
    for (const event of events) seen.add(String(event['event']));
    const refused = await eventsOf(house.console, token, '&event=sign-in-refused');
    assert.equal(refused.filter((event) => event['address'] === '127.83.0.1').length, 1);
  });

  it('attempts refused by a limit: one record per network and minute, with their count', async () => {
    const login = (from: string, name: number): Promise<Got> =>
      send(`${house.console}/api/auth/login`, { from, body: { username: `nobody${name}`, password: wrongPassword } });
    const limited = { first: 0, second: 0 };
    for (let count = 0; count < 25; count += 1) {
      if ((await login('127.81.0.1', count)).status === 429) limited.first += 1;
      if ((await login('127.82.0.1', count)).status === 429) limited.second += 1;
    }
    assert.ok(limited.first > 1 && limited.second > 1, JSON.stringify(limited));
    house.pass(60_000);
    // Written by what runs every second, once the minute is over.
    let events: readonly Event[] = [];
    for (let tries = 0; tries < 100 && events.length < 2; tries += 1) {
      await pause(100);
      events = await eventsOf(house.console, token, '&event=attempts-limited');
    }
    const of = (network: string): readonly Event[] => events.filter((event) => event['address'] === network);
    const sum = (network: string): number => of(network).reduce((all, event) => all + Number(event['count']), 0);
    assert.equal(sum('127.81.0.1/32'), limited.first);
    assert.equal(sum('127.82.0.1/32'), limited.second);
    // The attempts may lie on both sides of a full minute of the wall clock.
    for (const network of ['127.81.0.1/32', '127.82.0.1/32']) {
      assert.ok(of(network).length <= 2, JSON.stringify(events));
      const minutes = of(network).map((event) => String(event['at']).slice(0, 16));
      assert.equal(new Set(minutes).size, minutes.length);
    }
    for (const event of events) seen.add(String(event['event']));
  });
});

describe('O-09: through a listed proxy', () => {
  it('the client is the address, the proxy the peer; from anybody else the header counts for nothing', async () => {
    const server = await startServer({ args: ['--trusted-proxies', '127.0.0.9'] });
    try {
      await setUp(server);
      const headers = { 'x-forwarded-for': '203.0.113.7' };
      const body = { ...admin };
      const through = await send(`${server.console}/api/auth/login`, { headers, body, from: '127.0.0.9' });
      assert.equal(through.status, 200, through.text);
      const forged = await send(`${server.console}/api/auth/login`, { headers, body, from: '127.0.0.8' });
      assert.equal(forged.status, 200, forged.text);
      const refused = { ...body, password: wrongPassword };
      await send(`${server.console}/api/auth/login`, { headers, body: refused, from: '127.0.0.9' });
      const token = String(through.json['token']);
      const events = await eventsOf(server.console, token, '&user=Root1');
      assert.deepEqual(
        events.slice(1).map((event) => [event['event'], event['address'], event['peer']]),
        [
          ['signed-in', '203.0.113.7', '127.0.0.9'],
          ['signed-in', '127.0.0.8', ''],
          ['sign-in-refused', '203.0.113.7', '127.0.0.9'],
        ],
      );
      // A question of the proxy about somebody who may not: the host is told, the path is the application's.
      const original = { 'x-original-url': 'https://wiki.test/secret?x=1', 'x-original-method': 'GET' };
      const asked = await send(`${server.console}/api/auth/verify?privilege=none`, {
        headers: { ...headers, ...original, ...bearer(token) },
        from: '127.0.0.9',
      });
      assert.equal(asked.status, 403, asked.text);
      const [denied] = await eventsOf(server.console, token, '&event=authorisation-refused');
      assert.deepEqual([denied?.['target'], denied?.['peer']], ['https://wiki.test', '127.0.0.9']);
    } finally {
      await server.remove();
    }
  });
});

it('O-05: every event of the vocabulary was driven', () => {
  const elsewhere = /^(certificate|key|root-key|ticket)-|^keys-resealed$/;
  assert.deepEqual(
    Object.keys(auditEvents).filter((name) => !seen.has(name) && !elsewhere.test(name)),
    [],
  );
});
