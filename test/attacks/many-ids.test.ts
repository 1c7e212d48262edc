/** Attacks by the ids of requests about many things at once: nothing but a route's pattern keeps others out of a path. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Admin, asAdmin } from '../support/invited.ts';
import { setUp } from '../support/people.ts';
import { standings, tokensBulk, usersBulk } from '../support/rows.ts';
import { type RunningServer, startServer } from '../support/server.ts';

describe('ids in bodies', () => {
  let server: RunningServer;
  let admin: Admin;
  before(async () => {
    server = await startServer();
    admin = asAdmin(server.console, String((await setUp(server)).json['token']));
  });
  after(() => server.remove());

  it('an id that no path can hold is nobody’s, and no store is asked: PostgreSQL has no text with NUL', async () => {
    for (const id of ['u\0', '\0', '', 'ü', 'a b', '../x'])
      for (const [path, action] of [
        [usersBulk, 'disable'],
        [tokensBulk, 'revoke'],
      ] as const)
        for (const atomic of [false, true])
          assert.deepEqual(standings(await admin.ask(path, { body: { items: [{ id, action }], atomic } })), [
            '404 not_found',
          ]);
  });
});
