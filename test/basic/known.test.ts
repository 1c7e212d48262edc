/**
 * What was proven over Basic is known for a while (3-rules, Passwords): it costs no hash and no writing, and spares neither the
 * limits nor anything that ends it.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { firstAccount } from '../support/accounts.ts';
import { asBasic, eventsOf, hashesOf, settleWith } from '../support/basic.ts';
import { type Got, send } from '../support/client.ts';
import { embed } from '../support/library.ts';
import { type Admin, asAdmin, bearer, passwordOf, settle } from '../support/invited.ts';
import { admin, setUp, wrongPasswordNo } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { askAs, basic } from '../support/tokens.ts';
import { forgive } from '../support/two-steps.ts';

const own = '/api/auth/sessions';
const status = ({ status: code }: Got): number => code;

describe('known for a while', () => {
  let server: RunningServer;
  let root: string;
  let house: Admin;
  before(async () => {
    server = await startServer({ args: ['--trusted-proxies', '127.0.0.1'] });
    root = String((await setUp(server)).json['token']);
    house = asAdmin(server.console, root);
  });
  after(() => server.remove());

  /** Through the proxy, for whoever it says. */
  const from =
    (address: string, name: string, secret: string) =>
    (path = own) =>
      asBasic(server.console, name, secret)(path, { headers: { 'x-forwarded-for': address } });
  /** Each node has proven it for itself. */
  const warmed = async (ask: () => Promise<Got>): Promise<void> => {
    for (let times = 0; times < 2 * Math.max(1, server.nodes.length); times += 1)
      assert.equal((await ask()).status, 200);
  };
  const written = async (): Promise<string> =>
    JSON.stringify([
      await eventsOf(server.console, root, ''),
      (await askAs(server.console, root)('GET', '/api/auth/login-attempts?all=1')).json,
    ]);

  it('a thousand requests after the first cost no hash, and nothing is written', async () => {
    await settle(server.console, house, 'alice');
    const ask = from('198.51.100.1', 'alice', passwordOf('alice'));
    await warmed(ask);
    const [hashes, log] = [await hashesOf(server), await written()];
    for (let round = 0; round < 50; round += 1)
      assert.deepEqual((await Promise.all(Array.from({ length: 20 }, () => ask()))).map(status), Array(20).fill(200));
    assert.deepEqual([await hashesOf(server), await written()], [hashes, log]);
  });

  it('thirty equal first requests at once are one hash', async () => {
    await settle(server.console, house, 'bob');
    const before = await hashesOf(server);
    const ask = from('198.51.100.2', 'bob', passwordOf('bob'));
    assert.deepEqual((await Promise.all(Array.from({ length: 30 }, () => ask()))).map(status), Array(30).fill(200));
    const ran = (await hashesOf(server)) - before;
    assert.ok(ran >= 1 && ran <= Math.max(1, server.nodes.length), `${ran} hashes`);
  });

  it('only success is kept: the same wrong one again is charged once, and never becomes right by itself', async () => {
    const ask = from('198.51.100.3', 'alice', wrongPasswordNo(1));
    for (let times = 0; times < 15; times += 1) assertProblem(await ask(), 401, 'invalid_credentials');
  });

  it('what is wrong today and becomes the password is right from then on', async () => {
    const carol = await settle(server.console, house, 'carol');
    const next = 'carol walks a new way home 77';
    const ask = from('198.51.100.4', 'carol', next);
    assertProblem(await ask(), 401, 'invalid_credentials');
    const body = { old_password: passwordOf('carol'), new_password: next };
    assert.equal((await askAs(server.console, carol.token)('POST', '/api/auth/change-password', body)).status, 200);
    assert.equal((await ask()).status, 200);
  });

  it('changed, disabled, demoted, deleted: the very next request is judged anew, on each node', async () => {
    for (const [name, act, wanted] of [
      ['dave', (id: string) => house.patch(id, { active: false }), 401],
      ['erin', (id: string) => house.patch(id, { privileges: [] }), 403],
      ['frank', (id: string) => house.remove(id), 401],
    ] as const) {
      const { id } = await settle(server.console, house, name, { privileges: ['admin'] });
      const ask = from('198.51.100.5', name, passwordOf(name));
      await warmed(() => ask('/api/auth/users'));
      assert.equal((await act(id)).status, 200);
      for (let times = 0; times < 4; times += 1) assert.equal((await ask('/api/auth/users')).status, wanted, name);
      await forgive(server, root);
    }
  });

  it('from a limited address a right guess is refused, though the same password was proven from there', async () => {
    await settle(server.console, house, 'gina');
    const address = '198.51.100.6';
    const active = from(address, 'gina', passwordOf('gina'));
    await warmed(active);
    // Wrong ones by either way in; the active client asks in between, and is let through while the limit is.
    const guesses: number[] = [];
    for (let at = 0; at < 4; at += 1) {
      guesses.push((await from(address, 'gina', wrongPasswordNo(100 + at))()).status);
      assert.equal((await active()).status, 200);
      const body = { username: 'gina', password: wrongPasswordNo(200 + at) };
      const headers = { 'x-forwarded-for': address };
      guesses.push((await send(`${server.console}/api/auth/login`, { body, headers })).status);
    }
    for (let at = 0; at < 6; at += 1) guesses.push((await from(address, 'gina', wrongPasswordNo(300 + at))()).status);
    assert.equal(guesses.filter((each) => each === 401).length, 10, guesses.join());
    const hashes = await hashesOf(server);
    for (let at = 0; at < 6; at += 1) {
      assertProblem(await active(), 429, 'rate_limited');
      assertProblem(await from(address, 'gina', wrongPasswordNo(400 + at))(), 429, 'rate_limited');
    }
    assert.equal(await hashesOf(server), hashes);
    // Whoever has it from elsewhere has it proven there, and what is known of this place helps nobody.
    assert.equal((await from('198.51.100.66', 'gina', passwordOf('gina'))()).status, 200);
    await forgive(server, root);
    assert.equal((await active()).status, 200);
  });

  it('a limit that the form alone has filled is asked before the first guess over Basic', async () => {
    await settle(server.console, house, 'henry');
    const address = '198.51.100.7';
    const active = from(address, 'henry', passwordOf('henry'));
    await warmed(active);
    const headers = { 'x-forwarded-for': address };
    // Five sign-ins is all that the form takes in five minutes; links fill the rest.
    for (let at = 0; at < 5; at += 1) {
      const body = { username: 'henry', password: wrongPasswordNo(500 + at) };
      assert.equal((await send(`${server.console}/api/auth/login`, { body, headers })).status, 401);
      const link = { link: String(at).repeat(43), password: wrongPasswordNo(600 + at) };
      assert.equal((await send(`${server.console}/api/auth/link`, { body: link, headers })).status, 403);
    }
    // Another node hears of it with the first guess that it is asked itself.
    for (let at = 0; server.nodes.length > 0 && at < 4; at += 1)
      assertProblem(await from(address, 'henry', wrongPasswordNo(700 + at))(), 429, 'rate_limited');
    assertProblem(await active(), 429, 'rate_limited');
    await forgive(server, root);
  });

  it('an active client is not refused for what others fail elsewhere', async () => {
    await settle(server.console, house, 'ivy');
    const active = from('198.51.100.8', 'ivy', passwordOf('ivy'));
    await warmed(active);
    const body = { username: 'ivy' };
    for (let at = 0; at < 120; at += 20)
      await Promise.all(
        Array.from({ length: 20 }, (_, each) =>
          send(`${server.console}/api/auth/login`, {
            headers: { 'x-forwarded-for': `10.${at + each}.1.1` },
            body: { ...body, password: wrongPasswordNo(1000 + at + each) },
          }),
        ),
      );
    const stranger = await from('10.250.1.1', 'ivy', passwordOf('ivy'))();
    assertProblem(stranger, 429, 'rate_limited');
    for (let times = 0; times < 10; times += 1) assert.equal((await active()).status, 200);
    await forgive(server, root);
  });

  it('a hundred names with one known among them: each has what is its own', async () => {
    const names = ['jack', 'kate', 'lena'];
    for (const name of names) await settleWith(server.console, house, name, `${name} shares this address with others`);
    const ask = (name: string, of: string) => from('198.51.100.9', name, `${of} shares this address with others`);
    for (const name of names) await warmed(ask(name, name));
    for (const name of names)
      for (const other of names) {
        const got = await ask(name, other)();
        assert.equal(got.status, name === other ? 200 : 401);
        if (name === other) assert.equal((await ask(name, name)('/api/auth/status')).json['username'], name);
      }
  });

  it('an hour later it is hashed again, by a clock that says so', async () => {
    const embedded = await embed({ names: ['localhost'] });
    try {
      const { token } = await firstAccount(embedded);
      const headers = { authorization: basic(`root1:${admin.password}`) };
      const ask = (): Promise<Got> => send(`${embedded.console}${own}`, { headers });
      const ran = async (): Promise<number> => {
        assert.equal((await ask()).status, 200);
        return hashesOf(embedded);
      };
      const first = await ran();
      assert.equal(await ran(), first);
      embedded.pass(3_599_000);
      assert.equal(await ran(), first);
      embedded.pass(2000);
      assert.equal(await ran(), first + 1);
      const accepted = await send(`${embedded.console}/api/auth/audit?event=basic-accepted`, {
        headers: bearer(token),
      });
      assert.equal((accepted.json['events'] as unknown[]).length, 2);
    } finally {
      await embedded.close();
    }
  });
});
