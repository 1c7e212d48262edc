/** The key ring over HTTP (PX8, BY8): what is published, what admins see, and rotation that signs nobody out. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Got, send } from '../support/client.ts';
import { asAdmin, type Admin, bearer, login, passwordOf, settle } from '../support/invited.ts';
import { newKey } from '../support/keyed.ts';
import { admin, setUp, signIn } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { eventsOf } from '../support/rows.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { askForTicket, ticketOf } from '../support/signed-tickets.ts';
import { askAs, issue } from '../support/tokens.ts';

interface Shown {
  readonly id: string;
  readonly purpose: string;
  readonly state: string;
  readonly used_from: string;
  readonly made_at: string;
  readonly age_seconds: number;
  readonly uses: number | null;
  readonly kept_until: string | null;
}

const path = '/api/auth/keys';

describe('the key ring over HTTP', () => {
  let server: RunningServer;
  let token: string;
  let root: Admin;
  before(async () => {
    server = await startServer();
    // Before anybody has set anything up.
    const fresh = await send(`${server.console}${path}`);
    assert.equal(fresh.status, 200, fresh.text);
    assert.equal((fresh.json['keys'] as unknown[]).length, 1);
    token = String((await setUp(server)).json['token']);
    root = asAdmin(server.console, token);
  });
  after(() => server.remove());

  const published = async (): Promise<readonly Readonly<Record<string, string>>[]> => {
    const got = await send(`${server.console}${path}`);
    assert.equal(got.status, 200, got.text);
    assert.deepEqual(Object.keys(got.json), ['keys'], 'a set of keys, and nothing besides');
    return got.json['keys'] as Readonly<Record<string, string>>[];
  };
  const ring = async (): Promise<readonly Shown[]> => {
    const got = await root.ask(`${path}/ring`);
    assert.equal(got.status, 200, got.text);
    assert.equal(got.json['root_key'], 'fits');
    return got.json['keys'] as readonly Shown[];
  };
  const of = async (purpose: string): Promise<readonly Shown[]> =>
    (await ring()).filter((key) => key.purpose === purpose);
  const rotate = (body: object, headers = {}): Promise<Got> => root.ask(`${path}/rotate`, { body, headers });
  const well = async (body: object): Promise<readonly Shown[]> => {
    const got = await rotate(body);
    assert.equal(got.status, 200, got.text);
    return (got.json['keys'] ?? []) as readonly Shown[];
  };

  it('public keys are a plain JWKS for anybody: 32 bytes each, under the id of the key, and nothing that is secret', async () => {
    const [key, ...more] = await published();
    assert.ok(key !== undefined && more.length === 0);
    assert.deepEqual(Object.keys(key), ['kty', 'crv', 'alg', 'use', 'kid', 'x']);
    assert.deepEqual([key['kty'], key['crv'], key['alg'], key['use']], ['OKP', 'Ed25519', 'EdDSA', 'sig']);
    assert.equal(Buffer.from(key['x'] ?? '', 'base64url').length, 32);
    assert.equal((await of('ticket'))[0]?.id, key['kid']);
    const plain = await send(`${server.console}${path}`, { headers: bearer('spt_not-a-token') });
    assert.equal(plain.status, 200, 'whatever is shown: it is not looked at');
  });

  it('admins see the ring, and tokens with the scope for it; nobody else does', async () => {
    const keys = await ring();
    assert.deepEqual(
      keys.map(({ purpose, state }) => `${purpose} ${state}`),
      ['audit in-use', 'cookie in-use', 'seal in-use', 'service in-use', 'ticket in-use'],
    );
    for (const key of keys) {
      assert.match(key.made_at, /^20\d\d-/);
      assert.deepEqual([key.uses, key.kept_until], [null, null]);
      assert.ok(key.age_seconds >= 0 && key.age_seconds < 3600);
    }
    const ask = askAs(server.console, token);
    const [reads, other] = [
      await issue(ask, { scopes: ['sallyport:keys'] }),
      await issue(ask, { scopes: ['sallyport:tls', 'read:*'] }),
    ];
    assert.equal((await askAs(server.console, reads.secret)('GET', `${path}/ring`)).status, 200);
    assertProblem(await askAs(server.console, other.secret)('GET', `${path}/ring`), 403, 'insufficient_scope');
    assertProblem(await send(`${server.console}${path}/ring`), 401, 'unauthorized');
    const user = await settle(server.console, root, 'alice');
    for (const [method, at] of [
      ['GET', 'ring'],
      ['POST', 'rotate'],
    ] as const)
      assertProblem(
        await askAs(server.console, user.token)(
          method,
          `${path}/${at}`,
          method === 'POST' ? { purpose: 'ticket' } : undefined,
        ),
        403,
        'forbidden',
      );
    // It reads, and changes nothing.
    assertProblem(
      await askAs(server.console, reads.secret)('POST', `${path}/rotate`, { purpose: 'ticket' }),
      403,
      'insufficient_scope',
    );
  });

  it('the next key is published ten minutes before it is used; asked for again, it is the next one still', async () => {
    const [before] = await of('ticket');
    const [next] = await well({ purpose: 'ticket' });
    assert.ok(next !== undefined && before !== undefined);
    const aheadMs = Date.parse(next.used_from) - Date.now();
    assert.ok(aheadMs > 9 * 60_000 && aheadMs <= 10 * 60_000, next.used_from);
    assert.deepEqual(new Set((await published()).map((key) => key['kid'])), new Set([before.id, next.id]));
    assert.deepEqual(
      (await of('ticket')).map(({ id, state }) => [id, state]),
      [
        [next.id, 'published'],
        [before.id, 'in-use'],
      ],
    );
    assert.equal((await well({ purpose: 'ticket' }))[0]?.id, next.id);
    assert.equal((await published()).length, 2);
  });

  it('everything rotated at once: sessions, cookies, tokens, passwords and a sign-in under way stay good', async () => {
    const person = await signIn(server);
    const { secret } = await issue(askAs(server.console, token), { scope: 'read_only' });
    const prepared = await person.page('/api/auth/login/prepare', { method: 'POST' });
    const before = await ring();
    const made = await well({ purpose: 'all', now: true });
    assert.deepEqual(made.map(({ purpose }) => purpose).toSorted(), ['audit', 'cookie', 'seal', 'service', 'ticket']);
    const now = await ring();
    for (const { id, purpose } of before)
      assert.equal(
        now.some((key) => key.id === id),
        purpose !== 'service',
        `${purpose}: the old one stays, but for the service key, of which there is one`,
      );
    assert.equal((await person.page('/api/auth/sessions')).status, 200);
    for (const held of [token, secret]) {
      const status = await send(`${server.console}/api/auth/status`, { headers: bearer(held) });
      assert.equal(status.json['authenticated'], true);
    }
    const signedIn = await person.page('/api/auth/login', {
      body: { ...admin, login_token: prepared.json['login_token'] },
    });
    assert.equal(signedIn.status, 200, signedIn.text);
    assert.equal((await login(server.console, 'alice', passwordOf('alice'))).status, 200);
    // A new account's password is sealed under the new one, and works as well.
    await settle(server.console, root, 'bob');
    assert.equal((await login(server.console, 'bob', passwordOf('bob'))).status, 200);
    const seals = await of('seal');
    assert.deepEqual(
      seals.map(({ state }) => state),
      ['in-use', 'old'],
    );
    assert.ok(seals.every(({ uses }) => typeof uses === 'number' && uses > 0));
    const shown = await root.ask(`${path}/ring`);
    assert.deepEqual(shown.json['resealing'], {
      done: seals[0]?.uses,
      total: (seals[0]?.uses ?? 0) + (seals[1]?.uses ?? 0),
    });
  });

  it('compromised: the old public keys are gone at once, and so is every ticket; for tickets alone', async () => {
    assert.ok((await published()).length > 1);
    const { ticket } = await ticketOf(server);
    const shown = async (text: string): Promise<number> =>
      (await send(`${server.console}/api/auth/verify`, { headers: { authorization: `SPAuthCookie=${text}` } })).status;
    // Known by now, and its signature is not looked at again.
    assert.equal(await shown(ticket), 200);
    const [key] = await well({ purpose: 'ticket', compromised: true });
    assert.equal(await shown(ticket), 401);
    assert.equal(await shown((await ticketOf(server)).ticket), 200);
    assert.deepEqual(
      (await published()).map(({ kid }) => kid),
      [key?.id],
    );
    assertProblem(await rotate({ purpose: 'seal', compromised: true }), 400, 'invalid_request');
  });

  it('compromised: a ticket that was good a moment ago ends with its key, and is not refreshed under the new one', async () => {
    const { ticket } = await ticketOf(server);
    const use = () =>
      send(`${server.console}/api2/json/version`, { headers: { authorization: `SPAuthCookie=${ticket}` } });
    assert.equal((await use()).status, 200);
    await well({ purpose: 'ticket', now: true });
    assert.equal((await use()).status, 200, 'rotated, and not given up: it stays good');
    await well({ purpose: 'ticket', compromised: true });
    assert.equal((await use()).status, 401);
    assert.equal((await askForTicket(server, { password: ticket })).status, 401);
    await ticketOf(server);
  });

  it('a request under one Idempotency-Key makes one key, also across a rotation of what such keys are kept under', async () => {
    const key = newKey();
    const asked = { purpose: 'audit', now: true };
    const first = await rotate(asked, { 'idempotency-key': key });
    assert.equal(first.status, 200, first.text);
    await well({ purpose: 'cookie', now: true });
    const again = await rotate(asked, { 'idempotency-key': key });
    assert.deepEqual(again.json['keys'], first.json['keys']);
    assert.equal(again.headers['idempotency-replayed'], 'true');
  });

  it('what cannot be rotated is one clear sentence, and changes nothing', async () => {
    const before = await ring();
    for (const body of [{ purpose: 'root' }, { purpose: 'x' }, {}, { purpose: 'seal', now: 'yes' }]) {
      const got = await rotate(body);
      assertProblem(got, 400, 'invalid_request');
      if ('purpose' in body && body.purpose === 'root') assert.match(got.text, /sallyport key rotate root/);
    }
    assert.deepEqual(
      (await ring()).map(({ id }) => id),
      before.map(({ id }) => id),
    );
  });

  it('each is an event with purpose and id, and who it was', async () => {
    const added = await eventsOf(root, 'key-added');
    const ids = (await ring()).filter(({ purpose }) => purpose === 'ticket').map(({ id }) => `ticket:${id}`);
    for (const target of ids)
      assert.ok(
        added.some(
          (event) => event['target'] === target && event['actor_name'] === 'root1' && event['way'] === 'session',
        ),
        target,
      );
  });
});
