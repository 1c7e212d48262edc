/** Attacks with an Idempotency-Key by whoever may no longer do what was done under it (3-rules, Idempotency; security.md 2.7). */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Admin, asAdmin, login, passwordOf, settle } from '../support/invited.ts';
import { assertFirst, assertReplay, type Keyed, newKey, sendKeyed } from '../support/keyed.ts';
import { setUp } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { tokensBulk } from '../support/rows.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { makeToken, tokensPath } from '../support/tokens.ts';

describe('replays after a demotion', () => {
  let server: RunningServer;
  let house: Admin;
  before(async () => {
    server = await startServer();
    house = asAdmin(server.console, String((await setUp(server)).json['token']));
  });
  after(() => server.remove());

  it('whose tokens somebody could reach goes into what was asked: a former admin is told nothing of others’', async () => {
    const mallory = await settle(server.console, house, 'mallory', { privileges: ['admin'] });
    const bob = await settle(server.console, house, 'bob');
    const theirs = await makeToken(server, bob.token, { token_name: 'of bob' });
    const own = await makeToken(server, mallory.token, { token_name: 'own' });
    const keyed = (method: string, path: string, body: unknown): Keyed => ({
      held: mallory.token,
      method,
      path,
      body,
      key: newKey(),
    });
    const asked = [
      keyed('PATCH', `${tokensPath}/${theirs.id}`, { token_name: 'looked at' }),
      keyed('POST', tokensBulk, { items: [{ id: theirs.id, action: 'disable' }] }),
      keyed('DELETE', `${tokensPath}/${theirs.id}`, {}),
    ];
    for (const each of asked) {
      const first = await sendKeyed(server.console, each);
      assertFirst(first, 200);
      assertReplay(await sendKeyed(server.console, each), first);
    }
    const made = keyed('POST', tokensPath, { token_name: 'made' });
    const first = await sendKeyed(server.console, made);
    assertFirst(first, 201);

    assert.equal((await house.patch(mallory.id, { privileges: [] })).status, 200);
    for (const each of asked) assertProblem(await sendKeyed(server.console, each), 422, 'idempotency_mismatch');
    // What is nobody else's is told as before.
    assertReplay(await sendKeyed(server.console, made), first);
    const renamed = keyed('PATCH', `${tokensPath}/${own.id}`, { token_name: 'still own' });
    const done = await sendKeyed(server.console, renamed);
    assertFirst(done, 200);
    assertReplay(await sendKeyed(server.console, renamed), done);
    assert.equal((await login(server.console, 'mallory', passwordOf('mallory'))).status, 200);
  });
});
