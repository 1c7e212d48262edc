/**
 * O-05: each thing that happens is exactly one record that says who, what, when, from where and how it ended. O-09: the
 * client and the peer are both there where they differ. Driven through HTTP, read through HTTP.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { after, before, describe, it } from 'node:test';
import { auditEvents } from '../../src/record/recorder.ts';
import type { Username } from '../../src/types.ts';
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
import { entry, type RunningServer, startServer } from '../support/server.ts';
import { pause } from '../support/waiting.ts';

type Event = Readonly<Record<string, string | number>>;

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

async function eventsOf(console: string, token: string, query = ''): Promise<readonly Event[]> {
  const got = await send(`${console}/api/auth/audit?limit=1000${query}`, { headers: bearer(token) });
  assert.equal(got.status, 200, got.text);
  return (got.json['events'] as Event[]).toReversed();
}

/** Events that no route makes yet: the store has the operations, nothing calls them. */
const unreachable: ReadonlySet<string> = new Set([
  'user-created',
  'user-enabled',
  'user-disabled',
  'privileges-changed',
]);
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
      house.engine.setPrivileges({
        userId: found.user.id,
        privileges,
        audit: {
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

it('O-05: every event of the vocabulary was driven, but those that nothing makes yet', () => {
  assert.deepEqual(
    Object.keys(auditEvents).filter((name) => !seen.has(name)),
    Object.keys(auditEvents).filter((name) => unreachable.has(name)),
  );
});
