/**
 * Clocks that jump (security.md F-26, F-27): forward, everything ends that has to; back, nothing that has ended lives again
 * beyond its own end, limits count on by the monotonic clock, and the history keeps its order.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { cookieOf } from '../support/crash-load.ts';
import { type Got, send } from '../support/client.ts';
import { need, withoutPackages } from '../support/debian.ts';
import { type Embedded, embed } from '../support/library.ts';
import { admin, setUp, signInBearer, wrongPassword, wrongPasswordNo } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import type { Millis } from '../../src/types.ts';
import { startServer, temporaryFolder } from '../support/server.ts';
import { makeToken, onToken } from '../support/tokens.ts';

const run = promisify(execFile);
const hour = 3_600_000;
const day = 24 * hour;

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

async function withClock(test: (embedded: Embedded) => Promise<void>, argv: readonly string[] = []): Promise<void> {
  const embedded = await embed({ argv });
  try {
    await test(embedded);
  } finally {
    await embedded.close();
  }
}

const setUpEmbedded = async (embedded: Embedded): Promise<void> => {
  const got = await send(`${embedded.console}/api/auth/setup`, {
    body: { setup_code: embedded.setupCode, ...admin },
  });
  assert.equal(got.status, 201, got.text);
};
const authenticated = async (embedded: Pick<Embedded, 'console'>, token: string): Promise<unknown> =>
  (await send(`${embedded.console}/api/auth/status`, { headers: bearer(token) })).json['authenticated'];

interface LoginToken {
  readonly value: string;
  readonly nonce: string;
}
const prepare = async (embedded: Embedded): Promise<LoginToken> => {
  const got = await send(`${embedded.console}/api/auth/login/prepare`, {
    method: 'POST',
    headers: { origin: embedded.console, 'sec-fetch-site': 'same-origin' },
  });
  return { value: String(got.json['login_token']), nonce: cookieOf(got, 'sallyport-login') };
};
const signInWith = (embedded: Embedded, token: LoginToken): Promise<Got> =>
  send(`${embedded.console}/api/auth/login`, {
    headers: {
      origin: embedded.console,
      'sec-fetch-site': 'same-origin',
      cookie: `sallyport-login=${token.nonce}`,
    },
    body: { ...admin, login_token: token.value },
  });

describe('F-26: the clock jumps forward', () => {
  it('2 h: an account session lives, an admin session is idle and over', () =>
    withClock(async (embedded) => {
      await setUpEmbedded(embedded);
      const account = await signInBearer(embedded);
      const adminSession = await signInBearer(embedded, { kind: 'admin' });
      embedded.pass(2 * hour);
      assert.equal(await authenticated(embedded, account), true);
      assert.equal(await authenticated(embedded, adminSession), false);
    }));

  it('400 days: every session is over, no limit overflows, and signing in works as ever', () =>
    withClock(async (embedded) => {
      await setUpEmbedded(embedded);
      const token = await signInBearer(embedded);
      for (let count = 0; count < 5; count += 1)
        await send(`${embedded.console}/api/auth/login`, { body: { ...admin, password: wrongPasswordNo(count) } });
      assertProblem(await send(`${embedded.console}/api/auth/login`, { body: admin }), 429, 'rate_limited');
      embedded.pass(400 * day);
      assert.equal(await authenticated(embedded, token), false);
      const again = await signInBearer(embedded);
      assert.equal(await authenticated(embedded, again), true);
      const wrong = await send(`${embedded.console}/api/auth/login`, { body: { ...admin, password: wrongPassword } });
      assertProblem(wrong, 401, 'invalid_credentials');
      assert.ok(embedded.lines.every((line) => !line.includes('background work failed')));
    }));
});

describe('F-27: the clock jumps back', () => {
  it('a session that was seen to be over stays over; one that lives goes on, and not beyond its end', () =>
    withClock(async (embedded) => {
      await setUpEmbedded(embedded);
      const idle = await signInBearer(embedded);
      const living = await signInBearer(embedded);
      embedded.pass(23 * hour);
      assert.equal(await authenticated(embedded, living), true);
      embedded.pass(2 * hour);
      assert.equal(await authenticated(embedded, idle), false, 'idle for 25 h');
      // What is over is taken away in the background.
      while ((await embedded.sallyport.store.sweep(0 as Millis)).kind === 'more') continue;
      embedded.pass(-2 * hour);
      assert.equal(await authenticated(embedded, idle), false, 'idle for 23 h, by a clock that was set back');
      assert.equal(await authenticated(embedded, living), true);
      embedded.pass(31 * day);
      assert.equal(await authenticated(embedded, living), false);
      embedded.pass(-2 * hour);
      assert.equal(await authenticated(embedded, living), false);
    }));

  it('an old secret of a token that was seen to be over stays over, and the one it has lives', () =>
    withClock(async (embedded) => {
      await setUpEmbedded(embedded);
      const session = await signInBearer(embedded);
      const { id, token } = await makeToken(embedded, session);
      const rotated = await onToken(embedded, session, id, 'ROTATE', { overlap_seconds: 3600 });
      assert.equal(rotated.status, 200, rotated.text);
      assert.equal(await authenticated(embedded, token), true);
      embedded.pass(2 * hour);
      assert.equal(await authenticated(embedded, token), false);
      embedded.pass(-2 * hour);
      assert.equal(await authenticated(embedded, token), false);
      assert.equal(await authenticated(embedded, String(rotated.json['token'])), true);
    }));

  it('what lives for seconds or a day does not live longer by the jump, and what is used stays used', () =>
    withClock(async (embedded) => {
      const first = embedded.setupCode;
      embedded.pass(25 * hour);
      const late = await send(`${embedded.console}/api/auth/setup`, { body: { setup_code: first, ...admin } });
      assertProblem(late, 403, 'setup_code_invalid');
      const made = await embedded.sallyport.newSetupCode('all');
      assert.ok(made.kind === 'made');
      embedded.pass(-2 * hour);
      const got = await send(`${embedded.console}/api/auth/setup`, { body: { setup_code: made.code, ...admin } });
      assert.equal(got.status, 201, got.text);
      const twice = await send(`${embedded.console}/api/auth/setup`, { body: { setup_code: made.code, ...admin } });
      assertProblem(twice, 403, 'already_configured');

      const used = await prepare(embedded);
      assert.equal((await signInWith(embedded, used)).status, 200);
      const expired = await prepare(embedded);
      embedded.pass(31_000);
      assertProblem(await signInWith(embedded, expired), 403, 'login_token_invalid');
      embedded.pass(2 * hour);
      // Its mark may have been swept away by now.
      while ((await embedded.sallyport.store.sweep(embedded.now())).kind === 'more') continue;
      embedded.pass(-2 * hour - 31_000);
      assertProblem(await signInWith(embedded, used), 403, 'login_token_invalid');
    }));

  it('limits count on: a jump neither lifts a block nor makes it longer', () =>
    withClock(async (embedded) => {
      await setUpEmbedded(embedded);
      for (let count = 0; count < 5; count += 1)
        await send(`${embedded.console}/api/auth/login`, { body: { ...admin, password: wrongPasswordNo(count) } });
      embedded.pass(-2 * hour);
      const blocked = await send(`${embedded.console}/api/auth/login`, { body: admin });
      assertProblem(blocked, 429, 'rate_limited');
      assert.ok(Number(blocked.headers['retry-after']) <= 300, blocked.headers['retry-after']);
    }));

  it('attempts and audit keep the order in which they happened', () =>
    withClock(async (embedded) => {
      // Rows are counted by the day: all of this is to lie within one.
      embedded.pass((day + 12 * hour - (embedded.now() % day)) % day);
      await setUpEmbedded(embedded);
      const token = await signInBearer(embedded);
      embedded.pass(-2 * hour);
      await send(`${embedded.console}/api/auth/login`, { body: { ...admin, password: wrongPassword } });
      embedded.pass(3 * hour);
      await signInBearer(embedded);
      const got = await send(`${embedded.console}/api/auth/login-attempts`, { headers: bearer(token) });
      assert.equal(got.status, 200, got.text);
      const rows = got.json['attempts'] as { first_at: string; last_at: string; count: number; result: string }[];
      assert.equal(rows.length, 2);
      for (const row of rows) assert.ok(row.first_at <= row.last_at, JSON.stringify(row));
      assert.equal(rows.find((row) => row.result === 'ok')?.count, 2);
    }));
});

describe('the real server under another clock', { skip: withoutPackages }, () => {
  it('F-26, F-27: restarted 2 h, 400 days ahead and back again: it starts, and nothing lives longer than it should', async () => {
    const faketime = await need('faketime', 'faketime');
    // The library alone: the program itself would stay between us and the server, and take its signals.
    const { stdout } = await run(faketime, ['-f', '+0s', 'printenv', 'LD_PRELOAD']);
    const data = await temporaryFolder();
    const at = (offset: string) =>
      startServer({
        data,
        env: { LD_PRELOAD: stdout.trim(), FAKETIME: offset, FAKETIME_DONT_FAKE_MONOTONIC: '1' },
        ...(offset === '+0s' ? {} : { standing: 'set-up' as const }),
      });
    const first = await at('+0s');
    await setUp(first);
    const account = await signInBearer(first);
    const adminSession = await signInBearer(first, { kind: 'admin' });
    assert.equal(await authenticated(first, account), true);
    assert.equal(await authenticated(first, adminSession), true);
    assert.equal(await first.end(), 0);

    const later = await at('+2h');
    assert.equal(await authenticated(later, account), true);
    const ahead = await signInBearer(later);
    assert.equal(await later.end(), 0);

    const back = await at('+1s');
    assert.equal(await authenticated(back, account), true);
    assert.equal(await authenticated(back, ahead), true);
    assert.equal(await authenticated(back, adminSession), false, 'its boot is over');
    const wrong = await send(`${back.console}/api/auth/login`, { body: { ...admin, password: wrongPassword } });
    assertProblem(wrong, 401, 'invalid_credentials');
    assert.equal(await back.end(), 0);

    const far = await at('+400d');
    assert.equal(await authenticated(far, account), false);
    assert.equal(await authenticated(far, ahead), false);
    const now = await signInBearer(far);
    assert.equal(await authenticated(far, now), true);
    assert.equal(await far.end(), 0);
    const again = await at('+1s');
    assert.equal((await send(`${again.console}/readyz`)).status, 200);
    assert.equal((await send(`${again.console}/api/auth/login`, { body: admin })).status, 200);
    await again.remove();
  });
});
