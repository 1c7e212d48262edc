/**
 * Clocks that jump (F-26, F-27): forward, everything ends that should; backward, nothing that has ended comes back, nothing
 * that worked once works again, and nobody is locked out for longer than the rules say.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { browser, type Got, send } from '../support/client.ts';
import { embed, type Embedded } from '../support/library.ts';
import { admin, signIn, signInBearer } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

async function house(story: (house: Embedded) => Promise<void>): Promise<void> {
  const embedded = await embed();
  try {
    await story(embedded);
  } finally {
    await embedded.close();
  }
}

const setUp = async ({ console, setupCode }: Embedded): Promise<void> => {
  const got = await send(`${console}/api/auth/setup`, { body: { setup_code: setupCode, ...admin } });
  assert.equal(got.status, 201, got.text);
};
const verify = (console: string, token: string): Promise<Got> =>
  send(`${console}/api/auth/verify`, { headers: { authorization: `Bearer ${token}` } });

describe('F-26: the clock jumps forward', () => {
  for (const [name, ms, lives] of [
    ['by two hours', 2 * hour, true],
    ['by 400 days', 400 * day, false],
  ] as const) {
    it(`${name}: sessions ${lives ? 'go on' : 'end'}, and people can sign in`, async () => {
      await house(async (embedded) => {
        await setUp(embedded);
        const token = await signInBearer(embedded);
        const person = await signIn(embedded);
        embedded.pass(ms);
        assert.equal((await verify(embedded.console, token)).status, lives ? 200 : 401);
        assert.equal((await person.send('/api/auth/sessions')).status, lives ? 200 : 401);
        assert.equal((await verify(embedded.console, await signInBearer(embedded))).status, 200);
        assert.deepEqual(
          embedded.lines.filter((line) => line.includes('failed')),
          [],
        );
      });
    });
  }

  it('limits on guessing end when their time has passed, and not before', async () => {
    await house(async (embedded) => {
      await setUp(embedded);
      const guess = (): Promise<Got> =>
        send(`${embedded.console}/api/auth/login`, { body: { ...admin, password: 'wrong wrong wrong 12' } });
      let limited: Got | undefined;
      for (let round = 0; round < 40 && limited === undefined; round += 1) {
        const got = await guess();
        if (got.status === 429) limited = got;
      }
      assert.ok(limited !== undefined, 'nobody was limited');
      embedded.pass(1000);
      assert.equal((await guess()).status, 429);
      embedded.pass(5 * minute);
      assert.equal((await guess()).status, 401);
      embedded.pass(400 * day);
      assert.equal((await guess()).status, 401);
    });
  });

  it('a setup code is dead after a day', async () => {
    await house(async (embedded) => {
      embedded.pass(25 * hour);
      assertProblem(
        await send(`${embedded.console}/api/auth/setup`, { body: { setup_code: embedded.setupCode, ...admin } }),
        403,
        'setup_code_invalid',
      );
    });
  });
});

describe('F-27: the clock jumps back', () => {
  it('what has been seen to end stays ended, and what lives goes on', async () => {
    await house(async (embedded) => {
      await setUp(embedded);
      const old = await signInBearer(embedded);
      embedded.pass(25 * hour);
      assert.equal((await verify(embedded.console, old)).status, 401, 'idle');
      const young = await signInBearer(embedded);
      const out = await signInBearer(embedded);
      await send(`${embedded.console}/api/auth/logout`, {
        method: 'POST',
        headers: { authorization: `Bearer ${out}` },
      });
      embedded.pass(-2 * hour);
      assert.equal((await verify(embedded.console, out)).status, 401, 'signed out');
      assert.equal((await verify(embedded.console, young)).status, 200);
      assert.equal((await verify(embedded.console, await signInBearer(embedded))).status, 200);
    });
  });

  it('a login token is spent, whatever the time', async () => {
    await house(async (embedded) => {
      await setUp(embedded);
      const person = browser(embedded.console);
      const prepared = await person.page('/api/auth/login/prepare', { method: 'POST' });
      const cookie = [...person.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const body = { ...admin, login_token: prepared.json['login_token'] };
      const headers = { cookie, origin: embedded.console, 'sec-fetch-site': 'same-origin' };
      assert.equal((await send(`${embedded.console}/api/auth/login`, { body, headers })).status, 200);
      for (const ms of [-10_000, -2 * hour, 4 * hour]) {
        embedded.pass(ms);
        assertProblem(await send(`${embedded.console}/api/auth/login`, { body, headers }), 403, 'login_token_invalid');
      }
    });
  });

  it('attempts are listed in the order in which they happened, as far as anybody can tell', async () => {
    await house(async (embedded) => {
      await setUp(embedded);
      await signInBearer(embedded);
      embedded.pass(-2 * hour);
      const token = await signInBearer(embedded);
      const got = await send(`${embedded.console}/api/auth/login-attempts`, {
        headers: { authorization: `Bearer ${token}` },
      });
      assert.equal(got.status, 200, got.text);
      const attempts = got.json['attempts'] as { first_at: string; last_at: string; count: number }[];
      assert.ok(attempts.reduce((sum, { count }) => sum + count, 0) >= 2);
      for (const { first_at, last_at } of attempts) assert.ok(first_at <= last_at, 'no attempt ends before it began');
    });
  });
});
