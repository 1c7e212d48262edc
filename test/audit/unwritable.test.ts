/**
 * F-34: the audit log alone cannot be written, everything else can. What grants is refused, known sessions are answered,
 * what ends access holds at once and is recorded once, as soon as it can be. A server that cannot record its start has none.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { type Got, send } from '../support/client.ts';
import { assertChain, withCopy } from '../support/database.ts';
import { asAdmin, redeem, settle } from '../support/invited.ts';
import { admin, setUp, signInBearer, wrongPassword } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { type RunningServer, runCommand, startServer } from '../support/server.ts';
import { pause } from '../support/waiting.ts';

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

function change(data: string, sql: string): void {
  const db = new DatabaseSync(join(data, 'sallyport.db'), { timeout: 5000 });
  db.exec(sql);
  db.close();
}

const block =
  "CREATE TRIGGER blocked BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is blocked'); END";
const unblock = 'DROP TRIGGER blocked';

describe('F-34: the audit log cannot be written', () => {
  const login = (server: RunningServer, password: string = admin.password): Promise<Got> =>
    send(`${server.console}/api/auth/login`, { body: { ...admin, password } });
  const sessions = (server: RunningServer, token: string): Promise<Got> =>
    send(`${server.console}/api/auth/sessions`, { headers: bearer(token) });

  it('nothing is granted or changed; what ends, ends, and is recorded once', async () => {
    const server = await startServer();
    try {
      await setUp(server);
      const kept = await signInBearer(server);
      const ending = await signInBearer(server);
      change(server.data, block);
      const before = (await sessions(server, kept)).json['sessions'] as unknown[];
      assertProblem(await login(server), 503, 'unavailable');
      // A wrong one is told nothing more than a right one.
      assertProblem(await login(server, wrongPassword), 503, 'unavailable');
      const changing = await send(`${server.console}/api/auth/change-password`, {
        headers: bearer(kept),
        body: { old_password: admin.password, new_password: 'a quite different lantern 77 tonight' },
      });
      assertProblem(changing, 503, 'unavailable');
      const off = await send(`${server.console}/api/auth/disable`, {
        headers: bearer(kept),
        body: { password: admin.password },
      });
      assertProblem(off, 503, 'unavailable');
      const now = (await sessions(server, kept)).json['sessions'] as unknown[];
      assert.equal(now.length, before.length, 'a session that nobody recorded');
      // Reading and proving need no writing.
      const read = await send(`${server.console}/api/auth/audit`, { headers: bearer(kept) });
      assert.equal(read.status, 200, read.text);
      assert.equal((await runCommand(['audit', 'verify', '--data', server.data])).code, 0);

      const out = await send(`${server.console}/api/auth/logout`, { headers: bearer(ending), body: {} });
      assertProblem(out, 503, 'unavailable');
      assertProblem(await sessions(server, ending), 401, 'invalid_token');
      assert.equal((await sessions(server, kept)).status, 200);

      change(server.data, unblock);
      assert.equal((await login(server)).status, 200);
      let recorded: readonly unknown[] = [];
      for (let tries = 0; tries < 100 && recorded.length === 0; tries += 1) {
        await pause(100);
        const got = await send(`${server.console}/api/auth/audit?event=signed-out`, { headers: bearer(kept) });
        recorded = got.json['events'] as unknown[];
      }
      assert.equal(recorded.length, 1);
      assertProblem(await sessions(server, ending), 401, 'invalid_token');
      await withCopy(server.data, assertChain);
    } finally {
      await server.remove();
    }
  });

  it('no account, link or privilege is given; who is disabled or deleted is out at once, and that is recorded once', async () => {
    const server = await startServer();
    try {
      const root = asAdmin(server.console, String((await setUp(server)).json['token']));
      const [alice, bob] = [await settle(server.console, root, 'alice'), await settle(server.console, root, 'bob')];
      const link = (await root.link(alice.id, 'reset')).json['link'];
      change(server.data, block);
      for (const got of [
        await root.ask('/api/auth/users', { body: { username: 'carol' } }),
        await root.patch(alice.id, { privileges: ['admin'] }),
        await root.ask(`/api/auth/users/${alice.id}/link`, { body: { purpose: 'reset' } }),
        await redeem(server.console, link, 'another 31 thistle under snow'),
        await redeem(server.console, 'http://x/#link=wrong', 'another 31 thistle under snow'),
      ])
        assertProblem(got, 503, 'unavailable');
      assert.equal((await sessions(server, alice.token)).status, 200);
      assertProblem(await root.patch(alice.id, { active: false }), 503, 'unavailable');
      assertProblem(await root.remove(bob.id), 503, 'unavailable');
      for (const { token } of [alice, bob]) assertProblem(await sessions(server, token), 401, 'invalid_token');

      change(server.data, unblock);
      const told = async (event: string): Promise<number> =>
        ((await root.ask(`/api/auth/audit?event=${event}`)).json['events'] as unknown[]).length;
      for (let tries = 0; tries < 100 && (await told('user-deleted')) === 0; tries += 1) await pause(100);
      assert.deepEqual(
        [await told('user-disabled'), await told('user-deleted'), await told('user-created')],
        [1, 1, 2],
      );
      for (const { token } of [alice, bob]) assertProblem(await sessions(server, token), 401, 'invalid_token');
      assertProblem(await root.ask(`/api/auth/users/${bob.id}`), 404, 'not_found');
    } finally {
      await server.remove();
    }
  });

  it('a start that cannot be recorded is none; a stop that cannot be recorded is one all the same', async () => {
    const server = await startServer();
    await setUp(server);
    change(server.data, block);
    assert.equal(await server.end(), 0);
    assert.match(server.log(), /the stop could not be written to the audit log/);
    const refused = await runCommand(['serve', '--data', server.data, '--listen', '127.0.0.1:0']);
    assert.equal(refused.code, 70, refused.err);
    assert.equal(refused.out, '');
    assert.match(refused.err, /sallyport: [^\n]*the audit log is blocked/);
    change(server.data, unblock);
    const again = await startServer({ data: server.data, standing: 'set-up' });
    try {
      assert.equal((await login(again)).status, 200);
      assert.equal((await runCommand(['audit', 'verify', '--data', again.data])).code, 0);
    } finally {
      await again.remove();
    }
  });
});
