/** API tokens by the dozen (TT9): each row as it would be alone, or all of them together. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { asAdmin, bearer, passwordOf, settle } from '../support/invited.ts';
import { send } from '../support/client.ts';
import { setUp, signInBearer } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { eventsOf, resultsOf, standings, tokensBulk } from '../support/rows.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { type AskAs, askAs, issue, tokensPath } from '../support/tokens.ts';

describe('API tokens by the dozen', () => {
  let server: RunningServer;
  let root: AskAs;
  let alice: AskAs;
  let admin: ReturnType<typeof asAdmin>;
  before(async () => {
    server = await startServer();
    const token = String((await setUp(server)).json['token']);
    admin = asAdmin(server.console, token);
    root = askAs(server.console, token);
    alice = askAs(server.console, (await settle(server.console, admin, 'alice')).token);
  });
  after(() => server.remove());

  const bulk = (ask: AskAs, items: readonly unknown[], more: object = {}) =>
    ask('POST', tokensBulk, { items, ...more });
  const works = async (secret: string): Promise<number> =>
    (await send(`${server.console}/api/auth/status`, { headers: bearer(secret) })).status;

  it('each is made, switched and revoked by itself; a secret is told once', async () => {
    const got = await bulk(alice, [
      { token_name: 'one', scope: 'read_only' },
      { token_name: 'two', scopes: ['read:projects'], expires_in_days: 2, rate_limit: { per_minute: 5 } },
      { token_name: 'three', scopes: ['no such scope'] },
      { token_name: 'four', scopes: ['sallyport:audit'] },
      { token_name: 'five', ip_allowlist: ['nowhere'] },
      { token_name: 'six', never: true, expires_in_days: 5 },
    ]);
    assert.equal(got.status, 200, got.text);
    const wrong = '400 invalid_request';
    assert.deepEqual(standings(got), ['201', '201', wrong, '403 forbidden', wrong, wrong]);
    const results = resultsOf(got);
    const [one, two] = results;
    for (const made of [one, two]) assert.match(made?.token ?? '', /^spt_/);
    for (const refused of results.slice(2)) assert.equal(refused.token, undefined);
    const list = await alice('GET', tokensPath);
    assert.equal((list.json['tokens'] as unknown[]).length, 2);
    assert.ok(!list.text.includes(one?.token ?? ''));
    const asked = await send(`${server.console}/api/auth/status`, { headers: bearer(one?.token ?? '') });
    assert.deepEqual([asked.status, asked.json['username']], [200, 'alice']);

    const switched = await bulk(alice, [
      { id: one?.id, action: 'disable' },
      { id: two?.id, action: 'revoke' },
      { id: two?.id, action: 'enable' },
      { id: 't_AAAAAAAAAAAAAAAAAAAAAA', action: 'revoke' },
    ]);
    assert.deepEqual(standings(switched), ['200', '200', '404 not_found', '404 not_found']);
    for (const made of [one, two])
      assert.equal(
        (await alice('DELETE', '/api/auth/sessions/none', undefined, { headers: bearer(made?.token ?? '') })).status,
        401,
      );
    assert.deepEqual(
      standings(
        await bulk(alice, [
          { id: one?.id, action: 'disable' },
          { id: one?.id, action: 'enable' },
        ]),
      ),
      ['200', '200'],
    );
    assert.equal(await works(one?.token ?? ''), 200);
    const [revoked] = await eventsOf(admin, 'token-revoked');
    assert.deepEqual([revoked?.['target'], revoked?.['actor_name']], [two?.id, 'alice']);
  });

  it('an admin narrows and revokes everybody’s, and widens nobody’s; what somebody may not do is written down', async () => {
    const [one, two] = [await issue(alice), await issue(alice)];
    const got = await bulk(root, [
      { id: one.id, action: 'disable' },
      { id: one.id, action: 'enable' },
      { id: two.id, action: 'revoke' },
    ]);
    assert.deepEqual(standings(got), ['200', '403 forbidden', '200']);
    const [denial] = await eventsOf(admin, 'authorisation-refused');
    assert.deepEqual([denial?.['target'], denial?.['actor_name']], [tokensBulk, 'root1']);
    const mine = await issue(root);
    assert.deepEqual(
      standings(
        await bulk(alice, [
          { id: mine.id, action: 'revoke' },
          { id: mine.id, action: 'disable' },
          { id: one.id, action: 'enable' },
        ]),
      ),
      ['404 not_found', '404 not_found', '200'],
    );
  });

  it('all or none: no secret of what was not made, and nothing written down', async () => {
    const kept = await issue(alice);
    const before = (await eventsOf(admin, 'token-created')).length;
    for (const wrong of [
      { id: 't_AAAAAAAAAAAAAAAAAAAAAA', action: 'revoke' },
      { token_name: 'x', scopes: ['admin:credentials'] },
    ]) {
      const got = await bulk(alice, [{ token_name: 'new' }, { id: kept.id, action: 'revoke' }, wrong], {
        atomic: true,
      });
      assertProblem(got, 409, 'conflict');
      assert.deepEqual(standings(got).slice(0, 2), ['424 not_applied', '424 not_applied']);
      assert.doesNotMatch(got.text, /spt_/);
    }
    assert.equal(await works(kept.secret), 200);
    assert.equal((await eventsOf(admin, 'token-created')).length, before);
    const got = await bulk(alice, [{ token_name: 'new' }, { id: kept.id, action: 'revoke' }], { atomic: true });
    assert.equal(got.status, 200, got.text);
    assert.deepEqual(standings(got), ['201', '200']);
    assert.equal(await works(resultsOf(got)[0]?.token ?? ''), 200);
  });

  it('under an Idempotency-Key it is done once; secrets are told again to whoever made them, and to nobody else', async () => {
    const items = [{ token_name: 'kept' }, { id: 't_AAAAAAAAAAAAAAAAAAAAAA', action: 'revoke' }];
    const again = { headers: { 'idempotency-key': 'tokens-1' } };
    const first = await alice('POST', tokensBulk, { items }, again);
    const second = await alice('POST', tokensBulk, { items }, again);
    assert.equal(second.headers['idempotency-replayed'], 'true');
    assert.deepEqual(second.json, first.json);
    const mismatch = await alice('POST', tokensBulk, { items: items.slice(1) }, again);
    assertProblem(mismatch, 422, 'idempotency_mismatch');
    const other = askAs(
      server.console,
      await signInBearer(server, { username: 'alice', password: passwordOf('alice') }),
    );
    const without = await other('POST', tokensBulk, { items }, again);
    assert.deepEqual(standings(without), ['201', '404 not_found']);
    assert.equal(resultsOf(without)[0]?.token, undefined);
    const made = (await alice('GET', tokensPath)).json['tokens'] as { name: string }[];
    assert.equal(made.filter(({ name }) => name === 'kept').length, 1);
  });

  it('the cap holds inside one request, and what has no form is refused whole', async () => {
    const { token } = await settle(server.console, admin, 'many');
    const ask = askAs(server.console, token);
    const names = (count: number) => Array.from({ length: count }, (_, at) => ({ token_name: `t${at}` }));
    assertProblem(await bulk(ask, names(101)), 400, 'invalid_request');
    const first = await bulk(ask, names(100));
    assert.equal(first.json['applied'], 100, first.text);
    assert.equal((await bulk(ask, names(100))).json['applied'], 100);
    const third = await bulk(ask, names(52));
    assert.deepEqual([third.json['applied'], standings(third).slice(-2)], [50, ['409 conflict', '409 conflict']]);
    const second = await bulk(ask, names(2));
    assert.deepEqual(standings(second), ['409 conflict', '409 conflict']);
    const [full] = resultsOf(first);
    assert.deepEqual(standings(await bulk(ask, [{ id: full?.id, action: 'revoke' }, ...names(2)])), [
      '200',
      '201',
      '409 conflict',
    ]);
    for (const item of [
      {},
      { scope: 'read_only' },
      { token_name: 'x', action: 'revoke' },
      { id: 'x', token_name: 'y' },
      { id: 'x', action: 'delete' },
      { token_name: '' },
      { token_name: 'x', scope: 'all' },
    ])
      assertProblem(await bulk(alice, [{ token_name: 'fine' }, item]), 400, 'invalid_request');
    assert.doesNotMatch((await alice('GET', tokensPath)).text, /"fine"/);
  });
});
