/** What ends an API token and what does not (3-rules, What ends what), what there is of them before set-up, and how they begin. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newTokenDefaults } from '../../src/actions/tokens/values.ts';
import { digest } from '../../src/crypto/digest.ts';
import { newTokenId, systemRandom } from '../../src/crypto/random.ts';
import { newToken } from '../../src/crypto/token.ts';
import type { TokenRow } from '../../src/store/rows.ts';
import type { Scope, Username } from '../../src/types.ts';
import { send } from '../support/client.ts';
import { type Admin, asAdmin, bearer, login, passwordOf, redeem, settle } from '../support/invited.ts';
import { askAs, type AskAs, issue, tokensPath } from '../support/tokens.ts';
import { embed, type Embedded } from '../support/library.ts';
import { admin, setUp, signInBearer } from '../support/people.ts';
import { enrol } from '../support/phone.ts';
import { assertProblem } from '../support/problem.ts';
import { startServer } from '../support/server.ts';

const dayMs = 86_400_000;

async function open(...argv: readonly string[]): Promise<{ readonly house: Embedded; readonly session: string }> {
  const house = await embed({ argv });
  const made = await send(`${house.console}/api/auth/setup`, { body: { ...admin, setup_code: house.setupCode } });
  assert.equal(made.status, 201, made.text);
  return { house, session: String(made.json['token']) };
}

async function standing(house: { readonly console: string }, secret: string): Promise<'works' | 'dead'> {
  const got = await send(`${house.console}/api/auth/status`, { headers: bearer(secret) });
  return got.json['authenticated'] === true ? 'works' : 'dead';
}

describe('a token', () => {
  let house: Embedded;
  let session: string;
  let root: Admin;
  before(async () => {
    ({ house, session } = await open());
    root = asAdmin(house.console, session);
  });
  after(() => house.close());

  const ofSomebody = async (name: string, more: object = {}) => {
    const { id, token } = await settle(house.console, root, name, { ...more });
    return { id, token, ask: askAs(house.console, token) };
  };

  it('outlives its owner’s password, changed and reset, whose sessions end', async () => {
    const { id, token, ask } = await ofSomebody('changing');
    const { secret } = await issue(ask);
    const other = await login(house.console, 'changing', passwordOf('changing'));
    const changed = await ask('POST', '/api/auth/change-password', {
      old_password: passwordOf('changing'),
      new_password: passwordOf('another'),
    });
    assert.equal(changed.status, 200, changed.text);
    assert.deepEqual(
      [await standing(house, secret), await standing(house, token), await standing(house, String(other.json['token']))],
      ['works', 'dead', 'dead'],
    );
    const reset = await redeem(house.console, (await root.link(id, 'reset')).json['link'], passwordOf('third'));
    assert.equal(reset.status, 201, reset.text);
    assert.equal(await standing(house, secret), 'works');
    assert.equal(await standing(house, String(changed.json['token'])), 'dead');
  });

  it('outlives second factors that come and go', async () => {
    const { token, ask } = await ofSomebody('factored');
    const { secret } = await issue(ask);
    const { phone } = await enrol(house.console, token, { now: house.now, wait: house.pass });
    assert.equal(await standing(house, secret), 'works');
    const renewed = await ask('POST', '/api/auth/recovery-codes', {
      password: passwordOf('factored'),
      totp_code: await phone.next(),
    });
    assert.equal(renewed.status, 200, renewed.text);
    const disabled = await ask('POST', '/api/auth/totp/disable', {
      password: passwordOf('factored'),
      totp_code: await phone.next(),
    });
    assert.equal(disabled.status, 200, disabled.text);
    assert.equal(await standing(house, secret), 'works');
  });

  it('outlives the session that it was made in', async () => {
    const { token, ask } = await ofSomebody('leaving');
    const { secret } = await issue(ask);
    assert.equal((await ask('POST', '/api/auth/logout', {})).status, 200);
    assert.deepEqual([await standing(house, token), await standing(house, secret)], ['dead', 'works']);
  });

  it('is refused from when its owner is disabled, and works again when it is enabled', async () => {
    const { id, ask } = await ofSomebody('disabled', { privileges: ['admin'] });
    const { secret } = await issue(ask, { scopes: ['sallyport:users'] });
    const program = askAs(house.console, secret);
    assert.equal((await program('GET', '/api/auth/users')).status, 200);
    assert.equal((await root.patch(id, { active: false })).status, 200);
    assertProblem(await program('GET', '/api/auth/users'), 401, 'invalid_token');
    assert.equal((await root.patch(id, { active: true })).status, 200);
    assert.equal((await program('GET', '/api/auth/users')).status, 200);
  });

  it('goes with its owner', async () => {
    const { id, ask } = await ofSomebody('deleted');
    const made = await issue(ask);
    assert.equal((await root.remove(id)).status, 200);
    assertProblem(await askAs(house.console, made.secret)('GET', tokensPath), 401, 'invalid_token');
    const all = (await root.ask(`${tokensPath}?all=1`)).json['tokens'] as { id: string }[];
    assert.ok(all.every((each) => each.id !== made.id));
  });

  it('never does more than its owner may now, and as much again when that comes back', async () => {
    const { id, ask } = await ofSomebody('changeable', { privileges: ['admin'] });
    const { secret } = await issue(ask, { scopes: ['read:*', 'sallyport:admin', 'admin:credentials'] });
    const program = askAs(house.console, secret);
    const scopes = async () =>
      (await send(`${house.console}/api/auth/status`, { headers: bearer(secret) })).json['scopes'];
    assert.deepEqual(await scopes(), ['read:*', 'sallyport:admin', 'admin:credentials']);
    assert.equal((await program('GET', `${tokensPath}?all=1`)).status, 200);
    await root.patch(id, { privileges: [] });
    assert.deepEqual(await scopes(), ['read:*']);
    assertProblem(await program('GET', '/api/auth/users'), 403, 'forbidden');
    const refused = await program('GET', tokensPath);
    assertProblem(refused, 403, 'insufficient_scope');
    assert.deepEqual(refused.json['available_scopes'], ['read:*']);
    assertProblem(await program('POST', tokensPath, { password: passwordOf('changeable') }), 403, 'insufficient_scope');
    await root.patch(id, { privileges: ['admin'] });
    assert.equal((await program('GET', '/api/auth/users')).status, 200);
  });

  it('that came to nothing with its owner’s privilege is not given other scopes without a confirmation', async () => {
    const { id, ask } = await ofSomebody('demoted', { privileges: ['admin'] });
    const made = await issue(ask, { scopes: ['admin:all', 'read:a'] });
    await root.patch(id, { privileges: [] });
    house.pass(6 * 60_000);
    const path = `${tokensPath}/${made.id}`;
    assertProblem(await ask('PATCH', path, { scopes: ['write:a'] }), 403, 'reauthentication_required');
    assert.equal((await ask('PATCH', path, { scopes: ['read:a'] })).status, 200);
    house.pass(-6 * 60_000);
  });

  it('ends with its time, and stays over when the clock is set back', async () => {
    const { ask } = await ofSomebody('passing');
    const [short, long] = [await issue(ask, { expires_in_days: 1 }), await issue(ask, { expires_in_days: 2 })];
    house.pass(dayMs - 60_000);
    assert.equal(await standing(house, short.secret), 'works');
    house.pass(120_000);
    assert.deepEqual([await standing(house, short.secret), await standing(house, long.secret)], ['dead', 'works']);
    house.pass(-120_000);
    assert.deepEqual([await standing(house, short.secret), await standing(house, long.secret)], ['dead', 'works']);
    house.pass(60_000 - dayMs);
    const listed = (await ask('GET', tokensPath)).json['tokens'] as { id: string; active: boolean }[];
    assert.deepEqual(Object.fromEntries(listed.map(({ id, active }) => [id, active])), {
      [short.id]: false,
      [long.id]: true,
    });
  });

  it('is not made by somebody who has a duty first, and one that was made before works: duties are for people', async () => {
    const strict = await open('--require-factor', 'everybody');
    try {
      const refused = await askAs(strict.house.console, strict.session)('POST', tokensPath, {});
      assertProblem(refused, 403, 'forbidden');
      assert.equal(refused.json['must'], 'enrol');
      const secret = await tokenBefore(strict.house);
      const got = await askAs(strict.house.console, secret)('GET', '/api/auth/users');
      assert.equal(got.status, 200, got.text);
    } finally {
      await strict.house.close();
    }
  });
});

/** As if it had been made before the installation asked for more. */
async function tokenBefore(house: Embedded): Promise<string> {
  const found = await house.engine.userByName(admin.username.toLowerCase() as Username);
  assert.ok(found.kind === 'found');
  const secret = newToken('spt_', systemRandom);
  const createdAt = house.now();
  const token: TokenRow = {
    ...newTokenDefaults,
    id: newTokenId(systemRandom),
    userId: found.user.id,
    digest: digest(secret),
    previous: null,
    prefix: secret.slice(0, 10),
    scopes: ['sallyport:users' as Scope],
    createdAt,
    expiresAt: null,
    lastUsedAt: null,
    lastUsedAddress: '',
    useCount: 0,
  };
  const nowhere = { actor: '', address: '', peer: '', way: 'host', target: '' };
  const audit = { at: createdAt, event: 'test', ...nowhere, result: 'ok', count: 1 };
  const created = await house.sallyport.store.createToken({ token, cap: 10, fromGeneration: null, audit });
  assert.equal(created.kind, 'created');
  return secret;
}

describe('where there are no accounts, or sign-in is off', () => {
  const empty = { success: true, tokens: [] };
  const nothingHere = async (ask: AskAs): Promise<void> => {
    for (const [method, path] of [
      ['POST', tokensPath],
      ['POST', '/api/auth/generate-api-token'],
      ['PATCH', `${tokensPath}/t_x`],
      ['DELETE', `${tokensPath}/t_x`],
      ['POST', `${tokensPath}/t_x/rotate`],
      ['POST', '/api/auth/tickets'],
    ] as const)
      assertProblem(await ask(method, path, {}), 503, 'not_configured');
  };
  const stranger =
    (house: Embedded): AskAs =>
    (method, path, body) =>
      send(`${house.console}${path}`, { method, ...(body === undefined ? {} : { body }) });

  it('fresh, and declined: an empty list, and nothing to change, whatever is shown', async () => {
    const house = await embed();
    try {
      const shown = askAs(house.console, newToken('spt_', systemRandom));
      for (const turn of ['fresh', 'declined'] as const) {
        if (turn === 'declined') {
          const body = { setup_code: house.setupCode };
          assert.equal((await send(`${house.console}/api/auth/decline`, { body })).status, 200);
        }
        for (const ask of [stranger(house), shown]) {
          const got = await ask('GET', tokensPath);
          assert.deepEqual([got.status, got.json], [200, empty]);
          await nothingHere(ask);
        }
      }
    } finally {
      await house.close();
    }
  });

  it('off: the same for strangers, and the rows of the table for whoever shows something', async () => {
    const { house, session } = await open();
    try {
      const person = askAs(house.console, session);
      const { secret, id } = await issue(person, { scopes: ['sallyport:tokens'] });
      assert.equal((await person('POST', '/api/auth/disable', { password: admin.password })).status, 200);
      const got = await stranger(house)('GET', tokensPath);
      assert.deepEqual([got.status, got.json], [200, empty]);
      for (const [method, path] of [
        ['POST', tokensPath],
        ['PATCH', `${tokensPath}/${id}`],
        ['DELETE', `${tokensPath}/${id}`],
        ['POST', `${tokensPath}/${id}/rotate`],
      ] as const)
        assertProblem(await stranger(house)(method, path, {}), 503, 'not_configured');
      const program = askAs(house.console, secret);
      assert.equal(((await program('GET', tokensPath)).json['tokens'] as unknown[]).length, 1);
      assertProblem(await program('POST', tokensPath, {}), 403, 'insufficient_scope');
      const unknown = askAs(house.console, newToken('spt_', systemRandom));
      assertProblem(await unknown('GET', tokensPath), 401, 'invalid_token');
      // A token made before is still there when sign-in is on again.
      assert.equal((await send(`${house.console}/api/auth/enable`, { body: admin })).status, 200);
      assert.equal(await standing(house, secret), 'works');
    } finally {
      await house.close();
    }
  });
});

describe('over a restart', () => {
  it('tokens and their uses are kept; so is what was revoked', async () => {
    const server = await startServer();
    const person = askAs(server.console, String((await setUp(server)).json['token']));
    const [kept, gone, idle] = [await issue(person), await issue(person), await issue(person)];
    for (let use = 0; use < 3; use += 1) assert.equal(await standing(server, kept.secret), 'works');
    assert.equal((await person('DELETE', `${tokensPath}/${gone.id}`)).status, 200);
    assert.equal((await person('PATCH', `${tokensPath}/${idle.id}`, { active: false })).status, 200);
    await server.end();
    const again = await startServer({ data: server.data, standing: 'set-up' });
    try {
      assert.deepEqual([await standing(again, gone.secret), await standing(again, idle.secret)], ['dead', 'dead']);
      const listed = await askAs(again.console, await signInBearer(again))('GET', tokensPath);
      const one = (listed.json['tokens'] as Record<string, unknown>[]).find(({ id }) => id === kept.id);
      assert.deepEqual([one?.['use_count'], one?.['last_used_address']], [3, '127.0.0.1']);
      assert.equal(await standing(again, kept.secret), 'works');
    } finally {
      await again.remove();
    }
  });
});

describe('how they begin', () => {
  it('is what the installation says: others are foreign, also with a right checksum', async () => {
    const { house, session } = await open('--token-prefix', 'acme_');
    try {
      const got = await askAs(house.console, session)('POST', tokensPath, {});
      const secret = String(got.json['token']);
      assert.match(secret, /^acme_[0-9A-Za-z]{36}$/);
      assert.equal(got.json['token_prefix'], secret.slice(0, 11));
      assert.equal(await standing(house, secret), 'works');
      assert.equal(await standing(house, `spt_${secret.slice(5)}`), 'dead');
      for (const prefix of ['spt_', 'acme_', 'acm', ''])
        assertProblem(
          await askAs(house.console, newToken(prefix, systemRandom))('GET', '/api/auth/users'),
          401,
          'invalid_token',
        );
      // A session's token is a session's, whatever the setting says.
      assert.match(session, /^sps_/);
      assert.equal(await standing(house, session), 'works');
    } finally {
      await house.close();
    }
  });
});
