/**
 * Guessing through the front door (security.md 2.2, 2.12; 3-rules, Guessing): however many networks, names, connections and
 * restarts somebody has, the guesses that are looked at stay within the documented numbers, and the owner gets in.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { browser, type Got, send, sendRaw } from '../support/client.ts';
import { need, withoutPackages } from '../support/debian.ts';
import { type Embedded, embed } from '../support/library.ts';
import { admin, setUp, signIn, signInBearer, wrongPassword, wrongPasswordNo } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { type RunningServer, runCommand, startServer } from '../support/server.ts';

const run = promisify(execFile);
const minute = 60_000;
const trusting = ['--trusted-proxies', '127.0.0.1'];

/** A sign-in through the trusted proxy, for whoever it says. */
function login(
  server: Pick<RunningServer, 'console'>,
  from: string,
  password: string,
  more: { username?: string; cookie?: string } = {},
): Promise<Got> {
  return send(`${server.console}/api/auth/login`, {
    headers: { 'x-forwarded-for': from, ...(more.cookie === undefined ? {} : { cookie: more.cookie }) },
    body: { username: more.username ?? admin.username, password },
  });
}

/** Of all nodes together, where there are several. */
async function figure(
  server: Pick<RunningServer, 'console'> & Partial<Pick<RunningServer, 'nodes'>>,
  name: string,
): Promise<number> {
  const { nodes = [] } = server;
  const figures = await Promise.all(
    (nodes.length === 0 ? [server] : nodes).map(async (node) => {
      const got = await send(`${node.console}/metrics`);
      assert.equal(got.status, 200, got.text);
      return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(got.text)?.[1]);
    }),
  );
  return figures.reduce((sum, each) => sum + each, 0);
}

const hashes = (server: Pick<RunningServer, 'console'> & Partial<Pick<RunningServer, 'nodes'>>): Promise<number> =>
  figure(server, 'sallyport_hashes_total');

function statuses(all: readonly Got[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const got of all) counts[got.status] = (counts[got.status] ?? 0) + 1;
  return counts;
}

/** As many at once as the hashing queue takes from strangers. */
async function inTurns<T>(each: readonly T[], ask: (value: T, at: number) => Promise<Got>): Promise<Got[]> {
  const all: Got[] = [];
  for (let begin = 0; begin < each.length; begin += 40)
    all.push(...(await Promise.all(each.slice(begin, begin + 40).map((value, at) => ask(value, begin + at)))));
  return all;
}

const lane = (prefix: number, count: number): readonly string[] =>
  Array.from({ length: count }, (_, at) => `${prefix}.${at % 250}.${Math.floor(at / 250)}.1`);

describe('guesses from many networks', () => {
  let server: RunningServer;
  before(async () => {
    server = await startServer({ args: trusting });
    await setUp(server);
  });
  after(() => server.remove());

  it('PM6: the sixth wrong sign-in within five minutes is 429, also with the right password; elsewhere it is not', async () => {
    for (let at = 0; at < 5; at += 1)
      assertProblem(await login(server, '198.51.100.1', wrongPasswordNo(at)), 401, 'invalid_credentials');
    for (const password of [wrongPasswordNo(6), admin.password]) {
      const got = await login(server, '198.51.100.1', password);
      assertProblem(got, 429, 'rate_limited');
      const wait = Number(got.headers['retry-after']);
      assert.ok(wait > 290 && wait <= 300, String(wait));
      assert.equal(got.json['retry_after'], wait);
    }
    assert.equal((await login(server, '198.51.100.2', admin.password)).status, 200);
  });

  it('L-06: two hundred at once from one address: five are looked at', async () => {
    const before = await hashes(server);
    const all = await Promise.all(
      Array.from({ length: 200 }, (_, at) => login(server, '198.51.100.70', wrongPasswordNo(at))),
    );
    assert.deepEqual(statuses(all), { 401: 5, 429: 195 });
    assert.equal((await hashes(server)) - before, 5);
  });

  it('L-05, L-08: many names and many addresses of one /64 are one source', async () => {
    const before = await hashes(server);
    const all = await Promise.all(
      Array.from({ length: 300 }, (_, at) =>
        login(server, `2001:db8:5::${(at + 1).toString(16)}`, wrongPassword, { username: `name-${at}` }),
      ),
    );
    assert.deepEqual(statuses(all), { 401: 5, 429: 295 });
    assert.equal((await hashes(server)) - before, 5);
    assertProblem(await login(server, '2001:db8:6::1', wrongPassword, { username: 'x' }), 401, 'invalid_credentials');
  });

  it('L-04, L-26: three hundred networks guess one account: a hundred are looked at, and its owner gets in throughout', async () => {
    const owner = await signIn({ console: server.url });
    const device = `sallyport-device=${owner.cookies.get('sallyport-device')}`;
    const before = await hashes(server);
    let looked = 0;
    for (const networks of [0, 1, 2, 3, 4, 5]) {
      const all = await Promise.all(
        lane(60 + networks, 50).map((from, at) => login(server, from, wrongPasswordNo(1000 * networks + at))),
      );
      looked += all.filter((got) => got.status === 401).length;
      // His browser, from a network nobody knows; and his own network, without the browser.
      assert.equal((await login(server, `90.0.0.${networks}`, admin.password, { cookie: device })).status, 200);
      assert.equal((await login(server, '198.51.100.2', admin.password)).status, 200);
    }
    // Those of the tests before count as well.
    assert.ok(looked > 80 && looked <= 100, String(looked));
    assert.equal((await hashes(server)) - before, looked + 12);
    assertProblem(await login(server, '91.0.0.1', admin.password), 429, 'rate_limited');
    // A name that nobody has is counted alike.
    const ghosts = await inTurns(lane(70, 150), (from, at) =>
      login(server, from, wrongPasswordNo(at), { username: 'ghost' }),
    );
    assert.deepEqual(statuses(ghosts), { 401: 100, 429: 50 });
  });

  it('a 429 for an account and one for nobody are the same bytes, but for time and request id', async () => {
    const [known, unknown] = await Promise.all([
      login(server, '92.0.0.1', wrongPassword),
      login(server, '92.0.0.2', wrongPassword, { username: 'ghost' }),
    ]);
    const shape = (got: Got): string => {
      const { date: _date, 'retry-after': _wait, ...headers } = got.headers;
      return JSON.stringify([got.status, headers, { ...got.json, request_id: '', retry_after: 0 }]);
    };
    assert.equal(known.status, 429);
    assert.equal(shape(known), shape(unknown));
  });

  it('L-14: other spellings of the way in are no way in', async () => {
    const { port } = new URL(server.console);
    for (const path of [
      '//api/auth/login',
      '/api/auth/login/',
      '/API/AUTH/LOGIN',
      '/api/auth/%6cogin',
      '/api/auth/./login',
      '/api/auth/x/../login',
      '/api/auth/login;x',
    ]) {
      const body = JSON.stringify({ username: admin.username, password: wrongPassword });
      const text = await sendRaw(
        Number(port),
        `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
      );
      assert.match(text, /^HTTP\/1\.1 404 /, path);
    }
    // A query changes nothing: it is the same way, and the same counters.
    const got = await send(`${server.console}/api/auth/login?x=1`, {
      headers: { 'x-forwarded-for': '198.51.100.70' },
      body: { username: admin.username, password: wrongPasswordNo(9) },
    });
    assertProblem(got, 429, 'rate_limited');
  });

  it('L-12: a flood of names and networks does not wash anybody’s counters out', async () => {
    await Promise.all(lane(75, 400).map((from, at) => login(server, from, wrongPassword, { username: `flood-${at}` })));
    assertProblem(await login(server, '198.51.100.1', admin.password), 429, 'rate_limited');
    assertProblem(await login(server, '93.0.0.1', admin.password), 429, 'rate_limited');
  });

  it('blocks: an admin sees who is limited and lifts it; nobody else may', async () => {
    const token = await signInBearer(server);
    const headers = { authorization: `Bearer ${token}` };
    const list = async () =>
      (await send(`${server.console}/api/auth/blocks`, { headers })).json['blocks'] as {
        kind: string;
        network: string | null;
        username: string | null;
        until: string;
        retry_after: number;
      }[];
    const blocks = await list();
    assert.ok(blocks.some((each) => each.kind === 'network' && each.network === '198.51.100.70/32'));
    assert.ok(blocks.some((each) => each.kind === 'network' && each.network === '2001:db8:5::/64'));
    assert.deepEqual(
      blocks.filter((each) => each.kind === 'username').map((each) => each.username),
      ['root1'],
    );
    assert.ok(blocks.every((each) => each.retry_after > 0 && Date.parse(each.until) > Date.now()));
    assert.doesNotMatch(JSON.stringify(blocks), /ghost|flood/);

    for (const unfit of [
      { address: 'nowhere' },
      { network: '198.51.100.70' },
      { username: 'a', address: '192.0.2.1' },
      { username: 7 },
    ])
      assertProblem(
        await send(`${server.console}/api/auth/blocks`, { method: 'DELETE', headers, body: unfit }),
        400,
        'invalid_request',
      );
    assertProblem(
      await send(`${server.console}/api/auth/blocks`, { method: 'DELETE', headers, body: { username: 'ghost' } }),
      404,
      'not_found',
    );
    for (const method of ['GET', 'DELETE'] as const)
      assertProblem(await send(`${server.console}/api/auth/blocks`, { method }), 401, 'unauthorized');
    assert.equal((await list()).length, blocks.length);

    const lift = async (body?: object): Promise<void> => {
      const got = await send(`${server.console}/api/auth/blocks`, {
        method: 'DELETE',
        headers,
        ...(body === undefined ? {} : { body }),
      });
      assert.equal(got.status, 200, got.text);
    };
    await lift({ network: '2001:db8:5::/64' });
    await lift({ address: '198.51.100.70' });
    assertProblem(await login(server, '198.51.100.70', wrongPassword, { username: 'x' }), 401, 'invalid_credentials');
    await lift({ username: 'ROOT1' });
    assert.equal((await login(server, '93.0.0.2', admin.password)).status, 200);
    assertProblem(await login(server, '198.51.100.1', admin.password), 429, 'rate_limited');
    await lift();
    assert.deepEqual(await list(), []);
    assert.equal((await login(server, '198.51.100.1', admin.password)).status, 200);
  });
});

describe('the same wrong secret, and secrets that do not exist', () => {
  let house: Embedded;
  before(async () => {
    house = await embed();
    const got = await send(`${house.console}/api/auth/setup`, { body: { ...admin, setup_code: house.setupCode } });
    assert.equal(got.status, 201, got.text);
  });
  after(() => house.close());

  const metric = async (name: string): Promise<number> => figure(house, name);

  it('a phone with an old password, every minute for a day, bans nobody and is hashed once', async () => {
    const before = await metric('sallyport_hashes_total');
    for (let at = 0; at < 1440; at += 1) {
      const got = await send(`${house.console}/api/auth/login`, {
        from: '127.9.0.1',
        body: { username: admin.username, password: wrongPassword },
      });
      assertProblem(got, 401, 'invalid_credentials');
      house.pass(minute - 1);
    }
    assert.equal((await metric('sallyport_hashes_total')) - before, 1);
    const headers = { authorization: `Bearer ${await signInBearer(house)}` };
    const attempts = await send(`${house.console}/api/auth/login-attempts`, { headers });
    const told = (attempts.json['attempts'] as { address: string; count: number }[]).filter(
      (each) => each.address === '127.9.0.1',
    );
    assert.equal(
      told.reduce((sum, each) => sum + each.count, 0),
      1440,
    );
    // Whoever shares its network signs in.
    assert.equal(
      (await send(`${house.console}/api/auth/login`, { from: '127.9.0.1', body: { ...admin } })).status,
      200,
    );
  });

  it('in parallel it is charged once as well; another secret each time is not', async () => {
    const rush = (from: string, password: (at: number) => string): Promise<Got[]> =>
      Promise.all(
        Array.from({ length: 30 }, (_, at) =>
          send(`${house.console}/api/auth/login`, { from, body: { username: 'nobody', password: password(at) } }),
        ),
      );
    assert.deepEqual(statuses(await rush('127.9.1.1', () => wrongPassword)), { 401: 30 });
    assert.deepEqual(statuses(await rush('127.9.2.1', wrongPasswordNo)), { 401: 5, 429: 25 });
  });

  it('a password that was wrong is right once it is set', async () => {
    const next = 'copper heron dusk 17 ladders';
    const from = '127.9.3.1';
    const typed = () =>
      send(`${house.console}/api/auth/login`, { from, body: { username: admin.username, password: next } });
    assertProblem(await typed(), 401, 'invalid_credentials');
    const change = async (old_password: string, new_password: string): Promise<void> => {
      const token = String(
        (await send(`${house.console}/api/auth/login`, { body: { ...admin, password: old_password } })).json['token'],
      );
      const got = await send(`${house.console}/api/auth/change-password`, {
        headers: { authorization: `Bearer ${token}` },
        body: { old_password, new_password },
      });
      assert.equal(got.status, 200, got.text);
    };
    await change(admin.password, next);
    assert.equal((await typed()).status, 200);
    await change(next, admin.password);
    assertProblem(await typed(), 401, 'invalid_credentials');
  });

  it('sessions that do not exist: six hundred a minute from one network, and those that do are never refused for it', async () => {
    const token = await signInBearer(house, {});
    const status = (authorization: string, from: string): Promise<Got> =>
      send(`${house.console}/api/auth/sessions`, { headers: { authorization }, from });
    assert.equal((await status(`Bearer ${token}`, '127.0.0.1')).status, 200);
    const cookie = (at: number) => ({ cookie: `sallyport-account=${String(at).padStart(43, 'A')}` });
    const all: Got[] = [];
    for (let batch = 0; batch < 13; batch += 1)
      all.push(
        ...(await Promise.all(
          Array.from({ length: 50 }, (_, at) =>
            send(`${house.console}/api/auth/sessions`, { headers: cookie(batch * 50 + at), from: '127.9.4.1' }),
          ),
        )),
      );
    const counts = statuses(all);
    assert.ok((counts[401] ?? 0) >= 600 && (counts[429] ?? 0) > 0, JSON.stringify(counts));
    // In flight together they may pass the bound by what is in flight.
    assert.ok((counts[401] ?? 0) <= 650);
    assert.equal((await status(`Bearer ${token}`, '127.9.4.1')).status, 200);
    assertProblem(
      await send(`${house.console}/api/auth/sessions`, { headers: cookie(9999), from: '127.9.5.1' }),
      401,
      'session_expired',
    );
    house.pass(minute);
    assertProblem(
      await send(`${house.console}/api/auth/sessions`, { headers: cookie(9999), from: '127.9.4.1' }),
      401,
      'session_expired',
    );
  });

  it('fifty wrong ones in all from a known device, and it is known no more', async () => {
    const person = await signIn({ console: house.console });
    const device = `sallyport-device=${person.cookies.get('sallyport-device')}`;
    const typed = (password: string): Promise<Got> =>
      send(`${house.console}/api/auth/login`, {
        headers: { cookie: device },
        from: '127.9.6.1',
        body: { username: admin.username, password },
      });
    const known = async (): Promise<readonly { current: boolean; id: string }[]> =>
      (await person.page('/api/auth/sessions')).json['devices'] as { current: boolean; id: string }[];
    assert.equal((await known()).filter((each) => each.current).length, 1);
    assert.doesNotMatch(JSON.stringify(await known()), new RegExp(String(person.cookies.get('sallyport-device'))));
    const before = (await known()).length;
    for (let at = 0; at < 50; at += 1) {
      assertProblem(await typed(wrongPasswordNo(7000 + at)), 401, 'invalid_credentials');
      if (at % 10 === 9) house.pass(60 * minute);
    }
    assert.deepEqual([(await known()).length, (await known()).filter((each) => each.current).length], [before - 1, 0]);
    // A stranger now: five in five minutes, and no more.
    for (let at = 0; at < 5; at += 1)
      assertProblem(await typed(wrongPasswordNo(8000 + at)), 401, 'invalid_credentials');
    assertProblem(await typed(admin.password), 429, 'rate_limited');
  });
});

describe('counters and restarts', () => {
  it('a restart forgives nothing, whether it ended well or not; unlock works with the server running or not', async () => {
    let server = await startServer({ args: trusting });
    await setUp(server);
    const { data } = server;
    try {
      for (let at = 0; at < 5; at += 1) await login(server, '198.51.100.1', wrongPasswordNo(at));
      await inTurns(lane(61, 120), (from, at) => login(server, from, wrongPasswordNo(at)));
      assertProblem(await login(server, '94.0.0.1', admin.password), 429, 'rate_limited');
      for (const ending of ['end', 'kill'] as const) {
        if (ending === 'end') assert.equal(await server.end(), 0);
        else await server.kill();
        server = await startServer({ data, args: trusting, standing: 'set-up' });
        assertProblem(await login(server, '198.51.100.1', admin.password), 429, 'rate_limited');
        assertProblem(await login(server, `94.0.0.${ending.length}`, admin.password), 429, 'rate_limited');
      }
      const unlock = (...more: readonly string[]) => runCommand(['user', 'unlock', ...more, '--data', data]);
      assert.deepEqual(await unlock('nobody-here'), { code: 69, out: '', err: 'sallyport: There is no such user.\n' });
      assert.match((await unlock('Root1')).out, /Root1 is unlocked/);
      assert.equal((await login(server, '94.0.1.1', admin.password)).status, 200);
      await inTurns(lane(62, 120), (from, at) => login(server, from, wrongPasswordNo(500 + at)));
      assertProblem(await login(server, '94.0.2.1', admin.password), 429, 'rate_limited');
      assert.equal(await server.end(), 0);
      assert.equal((await unlock('nobody-here')).code, 69);
      assert.deepEqual(JSON.parse((await unlock('Root1', '--json')).out).success, true);
      server = await startServer({ data, args: trusting, standing: 'set-up' });
      assert.equal((await login(server, '94.0.3.1', admin.password)).status, 200);
      assert.equal((await runCommand(['user', 'unlock'])).code, 64);
      assert.equal((await runCommand(['user', 'unlock', 'Root1', '--data', `${data}-none`])).code, 69);
    } finally {
      await server.remove();
    }
  });
});

describe('hydra', { skip: withoutPackages }, () => {
  it('S-06: finds the password it is given among the first, and nothing once it is limited', async () => {
    const hydra = await need('hydra', 'hydra');
    const server = await startServer({ args: trusting });
    try {
      // Hydra writes what it types as a form would: without spaces it is JSON as well.
      const who = { ...admin, password: admin.password.replaceAll(' ', '-') };
      await setUp(server, who);
      const attack = async (name: string, passwords: readonly string[]): Promise<string> => {
        const list = join(server.data, name);
        await writeFile(list, `${passwords.join('\n')}\n`);
        const { port } = new URL(server.console);
        const form = `/api/auth/login:{"username"\\:"^USER^","password"\\:"^PASS^"}:H=Content-Type\\: application/json:H=X-Forwarded-For\\: ${name}:g=:S="success"\\:true`;
        const { stdout } = await run(
          hydra,
          ['-l', 'root1', '-P', list, '-s', port, '-t', '16', '-f', '-I', '127.0.0.1', 'http-post-form', form],
          { cwd: server.data, timeout: 120_000 },
        );
        return stdout;
      };
      // It can find it: else what follows would show nothing.
      assert.match(await attack('203.0.113.1', [wrongPasswordNo(1), who.password]), /1 valid password found/);
      const guesses = Array.from({ length: 300 }, (_, at) => wrongPasswordNo(at));
      /** It takes several 401 at once for a server that is none of its kind, and gives up: then it comes from elsewhere. */
      const persist = async (from: readonly string[]): Promise<string> => {
        const [address = '', ...others] = from;
        const before = await hashes(server);
        const said = await attack(address, [...guesses, who.password]).catch((fault: unknown) => {
          const { stderr } = fault as { readonly stderr?: string };
          if (others.length === 0 || !/1 target did not resolve/.test(stderr ?? '')) throw fault;
          return undefined;
        });
        assert.ok((await hashes(server)) - before <= 5);
        return said ?? persist(others);
      };
      assert.match(await persist(['203.0.113.77', '203.0.113.177', '198.51.100.77']), /0 valid password found/);
      // The owner, meanwhile.
      const person = browser(server.url);
      assert.equal((await person.send('/auth/sign-in')).status, 200);
      assert.equal((await login(server, '203.0.113.1', who.password)).status, 200);
    } finally {
      await server.remove();
    }
  });
});
