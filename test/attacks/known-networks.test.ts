/**
 * Where the owner is known and others are as well (3-rules, Second factors; Guessing): behind one address with whoever has
 * the password, and in a network where everything else is refused.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Factors } from '../../src/store/store.ts';
import type { Username } from '../../src/types.ts';
import { type Got, send } from '../support/client.ts';
import { admin, wrongPasswordNo } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { assertIn, assertWrongCode, bearer, stage, type Stage } from '../support/two-steps.ts';

describe('guessing codes with the right password, from networks the owner uses', () => {
  let at: Stage;
  before(async () => {
    at = await stage('--trusted-proxies', '127.0.0.1');
  });
  after(() => at.house.close());

  const homes = Array.from({ length: 24 }, (_, place) => `198.51.100.${place + 1}`);
  const first = (address: string, totp_token: string): Promise<Got> =>
    send(`${at.house.console}/api/auth/login`, {
      headers: { 'x-forwarded-for': address },
      body: { ...admin, totp_token },
    });
  const factors = async (): Promise<Factors> => {
    const { store } = at.house.sallyport;
    const found = await store.userByName('root1' as Username);
    assert.ok(found.kind === 'found' && found.user.passwordStanding === 'own');
    return store.factorsOf(found.user.id);
  };
  const locked = async (): Promise<unknown> => {
    const got = await send(`${at.house.console}/api/auth/factors`, { headers: bearer(at.token) });
    return (got.json['totp'] as { locked: boolean }).locked;
  };

  it('they are counted in a row, which a right one from such a network ends', async () => {
    const { phone } = at;
    for (const home of homes) assertIn(await first(home, await phone.next()));
    const [home = '', other = ''] = homes;
    for (const text of [phone.wrong(), 'unreadable', 'A'.repeat(25)]) assertWrongCode(await first(home, text));
    assert.equal((await factors()).knownNetworkFailures, 3);
    assertWrongCode(await first('203.0.113.1', phone.wrong()));
    assert.equal((await factors()).knownNetworkFailures, 3);
    assertIn(await first(other, await phone.next()));
    const { knownNetworkFailures, strangersFailures } = await factors();
    assert.deepEqual([knownNetworkFailures, strangersFailures], [0, 1]);
    at.house.pass(300_000);
  });

  it('a hundred are looked at, however many come at once; then codes by time are locked until something stronger', async () => {
    const { phone } = at;
    assert.equal(await locked(), false);
    for (let place = 0; place < homes.length; place += 8)
      await Promise.all(
        homes.slice(place, place + 8).flatMap((home) => Array.from({ length: 5 }, () => first(home, phone.wrong()))),
      );
    const { knownNetworkFailures, strangersFailures } = await factors();
    assert.deepEqual([knownNetworkFailures, strangersFailures], [100, 1]);
    assert.equal(await locked(), true);
    at.house.pass(300_000);
    const [home = ''] = homes;
    assertWrongCode(await first(home, await phone.next()));
    assertWrongCode(await first('203.0.113.2', await phone.next()));
    assertIn(await first(home, at.recoveryCodes.pop() ?? ''));
    assert.equal(await locked(), false);
    assertIn(await first(home, await phone.next()));
  });
});

describe('a recovery code with the right password, from a network that has failed all it may', () => {
  let at: Stage;
  before(async () => {
    at = await stage('--trusted-proxies', '127.0.0.1');
  });
  after(() => at.house.close());

  const first = (address: string, body: object): Promise<Got> =>
    send(`${at.house.console}/api/auth/login`, {
      headers: { 'x-forwarded-for': address },
      body: { ...admin, ...body },
    });
  const fail = (address: string, no: number, more: object = {}): Promise<Got> =>
    first(address, { password: wrongPasswordNo(no), ...more });
  const limited = (got: Got): void => assertProblem(got, 429, 'rate_limited');

  for (const [which, address, other] of [
    ['/32', '198.51.100.1', '203.0'],
    ['/64', '2001:db8:5:6::1', '204.0'],
  ] as const) {
    it(`gets through to the check, and is not held up by any network or by what strangers failed: ${which}`, async () => {
      const start = which === '/32' ? 0 : 1000;
      for (let round = 0; round < 10; round += 1) {
        const all = await Promise.all(
          Array.from({ length: 5 }, (_, no) =>
            fail(address, start + no, { username: `ghost${start + 5 * round + no}` }),
          ),
        );
        for (const got of all) assertProblem(got, 401, 'invalid_credentials');
        at.house.pass(5 * 60_000);
      }
      // The day's fifty are spent there, and after these the name's hundred.
      limited(await fail(address, start + 100));
      for (let place = 0; place < 120; place += 30)
        await Promise.all(
          Array.from({ length: 30 }, (_, no) => fail(`${other}.${place + no}.1`, start + 200 + place + no)),
        );
      const [code = '', answered = ''] = at.recoveryCodes.splice(-2);
      limited(await first(address, {}));
      limited(await first(address, { totp_token: await at.phone.next() }));
      limited(await first(address, { totp_token: 'A'.repeat(25) }));
      limited(await first(`${other}.200.1`, {}));
      assertIn(await first(address, { totp_token: code }));
      assertIn(await first(`${other}.200.1`, { totp_token: answered }));
    });
  }
});
