/** Attacks on accounts (security.md 2.2 and 2.4) that need somebody disabled, demoted, or time to pass. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { AuditEvent, UserRow } from '../../src/store/rows.ts';
import type { SessionKind, UserId, Username } from '../../src/types.ts';
import { browser, type Got, send } from '../support/client.ts';
import { type Embedded, embed } from '../support/library.ts';
import { admin, signIn, signInBearer, wrongPassword, wrongPasswordNo } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';

const hour = 3_600_000;
const password = 'silver pylon noon 63 orchards';

const audit: AuditEvent = {
  at: 0 as AuditEvent['at'],
  event: 'test',
  actor: '',
  address: '',
  peer: '',
  way: 'host',
  target: '',
  result: 'ok',
  count: 1,
};
/** As the operator changes accounts; nobody has that privilege, so that the only admin may go, too. */
const byHost = { adminPrivilege: '', audit: [audit] };

/** A second account, made the only way there is today: at the store, with the hash of an account that set itself up. */
async function addUser(house: Embedded, name: string, like: UserRow, privileges: readonly string[]): Promise<UserRow> {
  const user: UserRow = {
    ...like,
    id: `u_${name}`.padEnd(24, '0') as UserId,
    username: name as Username,
    displayName: name,
    privileges,
  };
  assert.equal((await house.sallyport.store.createUser(user, audit)).kind, 'created');
  return user;
}

const kiosk: SessionKind = {
  name: 'kiosk',
  idleMs: hour,
  absoluteMs: 2 * hour,
  cap: 1,
  durable: true,
  sameSite: 'Strict',
  privilege: null,
};

describe('accounts under attack', () => {
  let house: Embedded;
  let root: UserRow;
  before(async () => {
    house = await embed({ sessionKinds: [kiosk] });
    const got = await send(`${house.console}/api/auth/setup`, {
      body: { ...admin, password, setup_code: house.setupCode },
    });
    assert.equal(got.status, 201, got.text);
    const found = await house.sallyport.store.userByName('root1' as Username);
    assert.ok(found.kind === 'found');
    root = found.user;
  });
  after(() => house.close());

  const as = (more: object = {}) => signInBearer({ console: house.console }, { password, ...more });
  const sessions = (token: string): Promise<Got> =>
    send(`${house.console}/api/auth/sessions`, { headers: { authorization: `Bearer ${token}` } });

  it('L-01, L-23: unknown, wrong, disabled and malformed names get the same bytes, but for time and request id', async () => {
    const refusedLogin = (username: string, typed: string, at: number) =>
      send(`${house.console}/api/auth/login`, { body: { username, password: typed }, from: `127.70.${at}.1` });
    const bodies = [
      await refusedLogin('Root1', wrongPassword, 0),
      await refusedLogin('ghost', wrongPassword, 1),
      await refusedLogin('a b', wrongPassword, 2),
    ];
    await house.sallyport.store.updateUser({ userId: root.id, patch: { active: false }, ...byHost });
    bodies.push(await refusedLogin('Root1', wrongPassword, 3), await refusedLogin('Root1', password, 4));
    await house.sallyport.store.updateUser({ userId: root.id, patch: { active: true }, ...byHost });
    const shape = (got: Got): string => {
      const { date: _date, ...headers } = got.headers;
      return JSON.stringify([got.status, headers, { ...got.json, request_id: '' }]);
    };
    for (const got of bodies) {
      assertProblem(got, 401, 'invalid_credentials');
      assert.equal(got.json['requires_totp'], false);
      assert.equal(shape(got), shape(bodies[0] as Got));
    }
  });

  it('L-26: strangers around somebody who signed in from there, or from a known device, do not lock him out', async () => {
    const at = (address: string) => ({ console: house.console, from: address });
    const owner = await signIn(at('127.150.0.1'), { password }, '127.150.0.1');
    // 90 failures a minute fill the /21 that the owner lives in.
    for (let one = 0; one < 18; one += 1) {
      await Promise.all(
        Array.from({ length: 5 }, (_, name) =>
          send(`${house.console}/api/auth/login`, {
            body: { username: `ghost-${one}-${name}`, password: wrongPassword },
            from: `127.150.${one % 8}.${64 * (one % 4) + 2 + one}`,
          }),
        ),
      );
    }
    const stranger = await send(`${house.console}/api/auth/login`, {
      body: { username: 'ghost', password },
      from: '127.150.7.200',
    });
    assertProblem(stranger, 429, 'rate_limited');
    assert.equal(
      (await send(`${house.console}/api/auth/login`, { body: { username: 'Root1', password }, from: '127.150.0.1' }))
        .status,
      200,
    );
    const device = `sallyport-device=${owner.cookies.get('sallyport-device')}`;
    assert.equal(
      (
        await send(`${house.console}/api/auth/login`, {
          headers: { cookie: device },
          body: { username: 'Root1', password },
          from: '127.150.7.200',
        })
      ).status,
      200,
    );
    assert.equal(
      (await owner.page('/api/auth/reauthenticate', { body: { password }, from: '127.150.7.200' })).status,
      200,
    );
    for (let wrong = 0; wrong < 10; wrong += 1) {
      assertProblem(
        await send(`${house.console}/api/auth/login`, {
          headers: { cookie: device },
          body: { username: 'Root1', password: wrongPasswordNo(wrong) },
          from: '127.160.0.1',
        }),
        401,
        'invalid_credentials',
      );
    }
    assertProblem(
      await send(`${house.console}/api/auth/login`, {
        headers: { cookie: device },
        body: { username: 'Root1', password },
        from: '127.160.0.1',
      }),
      429,
      'rate_limited',
    );
    const foreign = await send(`${house.console}/api/auth/login`, {
      headers: { cookie: 'sallyport-device=' + 'A'.repeat(43) },
      body: { username: 'Root1', password },
      from: '127.150.7.201',
    });
    assertProblem(foreign, 429, 'rate_limited');
  });

  it('L-10: every spelling of a name is one account', async () => {
    for (const username of ['root1', 'ROOT1', 'Root1', 'ｒｏｏｔ１'])
      assert.equal(
        (await send(`${house.console}/api/auth/login`, { body: { username, password } })).status,
        200,
        username,
      );
    for (const username of [' root1', 'root1 ', 'root1\u200b', 'root1\u0000']) {
      assertProblem(
        await send(`${house.console}/api/auth/login`, { body: { username, password }, from: '127.71.0.1' }),
        401,
        'invalid_credentials',
      );
    }
  });

  it('L-25: the whole password counts, and nothing but the documented normalisation is forgiven', async () => {
    const typed = 'café naïve 12 ångström ladders';
    const user = await signIn({ console: house.console }, { password });
    assert.equal(
      (await user.page('/api/auth/change-password', { body: { old_password: password, new_password: typed } })).status,
      200,
    );
    const trying = (text: string) =>
      send(`${house.console}/api/auth/login`, {
        body: { username: 'Root1', password: text },
        from: `127.72.${text.length}.1`,
      });
    assert.equal((await trying(typed.normalize('NFC'))).status, 200);
    assert.equal((await trying(typed.normalize('NFD'))).status, 200);
    assert.equal((await trying(typed.replaceAll(' ', '\u00a0'))).status, 200);
    for (const wrong of [
      `${typed} `,
      ` ${typed}`,
      typed.toUpperCase(),
      typed.slice(0, -1),
      typed.normalize('NFKD').replace(/[\u0300-\u036f]/g, ''),
    ])
      assertProblem(await trying(wrong), 401, 'invalid_credentials');
    assert.equal(
      (await user.page('/api/auth/change-password', { body: { old_password: typed, new_password: password } })).status,
      200,
    );
  });

  it('SE-14: disabling somebody ends what is in use before the next request', async () => {
    const bob = await addUser(house, 'bob', root, []);
    // The row is a copy of the admin's, whose hash is sealed to him alone: nobody can move a hash to another account.
    const moved = await send(`${house.console}/api/auth/login`, {
      body: { username: 'bob', password },
      from: '127.73.0.1',
    });
    assert.equal(moved.status, 500);
    assert.ok(house.lines.some((line) => line.includes('request failed')));
    await house.sallyport.store.updateUser({ userId: bob.id, patch: { active: false }, ...byHost });

    const tokens = await Promise.all([as(), as({ kind: 'admin' }), as({ kind: 'kiosk' })]);
    for (const token of tokens) assert.equal((await sessions(token)).status, 200);
    await house.sallyport.store.updateUser({ userId: root.id, patch: { active: false }, ...byHost });
    for (const token of tokens) assertProblem(await sessions(token), 401, 'invalid_token');
    assertProblem(
      await send(`${house.console}/api/auth/login`, { body: { username: 'Root1', password }, from: '127.73.0.2' }),
      401,
      'invalid_credentials',
    );
    await house.sallyport.store.updateUser({ userId: root.id, patch: { active: true }, ...byHost });
    for (const token of tokens) assertProblem(await sessions(token), 401, 'invalid_token');
    assert.equal(
      (await send(`${house.console}/api/auth/login`, { body: { username: 'Root1', password } })).status,
      200,
    );
  });

  it('SE-17: a demoted admin is none at the next request, and gets back only what is given back', async () => {
    const token = await as();
    const adminToken = await as({ kind: 'admin' });
    const verify = (which: string) =>
      send(`${house.console}/api/auth/verify?privilege=admin`, { headers: { authorization: `Bearer ${which}` } });
    assert.deepEqual([(await verify(token)).status, (await verify(adminToken)).status], [200, 200]);
    await house.sallyport.store.updateUser({ userId: root.id, patch: { privileges: [] }, ...byHost });
    assertProblem(await verify(token), 403, 'forbidden');
    assertProblem(await verify(adminToken), 403, 'forbidden');
    assertProblem(await sessions(adminToken), 403, 'forbidden');
    assert.equal((await sessions(token)).status, 200);
    assertProblem(
      await send(`${house.console}/api/auth/users/${root.id}/sessions`, {
        headers: { authorization: `Bearer ${token}` },
      }),
      403,
      'forbidden',
    );
    assertProblem(
      await send(`${house.console}/api/auth/login-attempts?all=1`, { headers: { authorization: `Bearer ${token}` } }),
      403,
      'forbidden',
    );
    assertProblem(
      await send(`${house.console}/api/auth/login`, { body: { username: 'Root1', password, kind: 'admin' } }),
      403,
      'forbidden',
    );
    await house.sallyport.store.updateUser({ userId: root.id, patch: { privileges: ['admin'] }, ...byHost });
    assert.deepEqual([(await verify(token)).status, (await verify(adminToken)).status], [200, 200]);
  });

  it('MX3: a session kind of the embedding application has its own cookie, cap and end', async () => {
    const page = await signIn({ console: house.console }, { password, kind: 'kiosk' });
    const first = page.cookies.get('sallyport-kiosk') ?? '';
    assert.match(first, /^[A-Za-z0-9_-]{43}$/);
    const alive = async (cookie: string) =>
      (await send(`${house.console}/api/auth/verify?kind=kiosk`, { headers: { cookie: `sallyport-kiosk=${cookie}` } }))
        .status;
    assert.equal(await alive(first), 200);
    const second =
      (await signIn({ console: house.console }, { password, kind: 'kiosk' })).cookies.get('sallyport-kiosk') ?? '';
    assert.deepEqual([await alive(first), await alive(second)], [401, 200]);
    assertProblem(
      await send(`${house.console}/api/auth/verify?kind=account`, { headers: { cookie: `sallyport-kiosk=${second}` } }),
      401,
      'unauthorized',
    );
  });

  it('F-26, F-27: time that jumps ahead ends sessions, and time that jumps back revives none', async () => {
    const token = await as();
    const other = await as();
    const page = browser(house.console);
    const prepared = await page.page('/api/auth/login/prepare', { method: 'POST' });
    house.pass(25 * hour);
    assertProblem(await sessions(token), 401, 'invalid_token');
    assertProblem(
      await page.page('/api/auth/login', { body: { ...admin, password, login_token: prepared.json['login_token'] } }),
      403,
      'login_token_invalid',
    );
    house.pass(-25 * hour);
    // One was seen to be over, so all that were over by then are: none comes back with the clock.
    assertProblem(await sessions(token), 401, 'invalid_token');
    assertProblem(await sessions(other), 401, 'invalid_token');
    assert.equal((await sessions(await as())).status, 200);
  });

  it('MX8: attempts are listed with counts, own and, for an admin, all', async () => {
    for (let at = 0; at < 3; at += 1)
      await send(`${house.console}/api/auth/login`, {
        body: { username: 'Root1', password: wrongPassword },
        from: '127.74.0.1',
      });
    await send(`${house.console}/api/auth/login`, {
      body: { username: 'nobody-at-all', password: wrongPassword },
      from: '127.74.0.2',
    });
    const token = await as();
    const list = async (query: string) => {
      const got = await send(`${house.console}/api/auth/login-attempts?${query}`, {
        headers: { authorization: `Bearer ${token}` },
      });
      assert.equal(got.status, 200, got.text);
      return got.json['attempts'] as { address: string; count: number; result: string; way: string; last_at: string }[];
    };
    const own = await list('limit=1000');
    assert.deepEqual(
      own.filter((each) => each.address === '127.74.0.1').map((each) => [each.count, each.result, each.way]),
      [[3, 'wrong-password', 'password']],
    );
    assert.equal(
      own.some((each) => each.address === '127.74.0.2'),
      false,
    );
    assert.equal(
      (await list('limit=1000&all=1')).some((each) => each.address === '127.74.0.2' && each.result === 'unknown-user'),
      true,
    );
    const last = own.at(-1);
    assert.ok(last);
    assert.deepEqual(await list(`before=${last.last_at}`), []);
    assert.doesNotMatch(JSON.stringify(await list('all=1')), /nobody-at-all/);
  });

  it('O-03: no password, token or cookie is in any log line', async () => {
    const page = await signIn({ console: house.console }, { password });
    const text = house.lines.join('\n');
    for (const secret of [password, wrongPassword, page.csrf, ...page.cookies.values(), house.setupCode])
      assert.equal(text.includes(secret), false);
  });

  it('parallel guesses fill the queue alike for names that exist and names that do not', async () => {
    const rush = async (username: string): Promise<Record<number, number>> => {
      const all = await Promise.all(
        Array.from({ length: 150 }, (_, at) =>
          send(`${house.console}/api/auth/login`, {
            body: { username, password: wrongPassword },
            from: `127.${100 + (at % 40)}.${at}.${username.length}`,
          }),
        ),
      );
      const counts: Record<number, number> = {};
      for (const got of all) counts[got.status] = (counts[got.status] ?? 0) + 1;
      return counts;
    };
    // The hundred that strangers have for one name, whether anybody has it or not.
    assert.deepEqual(await rush('ghosts'), { 401: 100, 429: 50 });
    assert.equal((await house.sallyport.users({ action: 'unlock', username: 'Root1' })).kind, 'done');
    assert.deepEqual(await rush('Root1'), { 401: 100, 429: 50 });
  });
});
