/** Too few descriptors (F-08), faults that nobody foresaw (F-05): refused, logged, and on it goes. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createSallyport, loadSettings, openSqliteStore, type Log, type Store } from '../../src/index.ts';
import type { Origin } from '../../src/types.ts';
import { send } from '../support/client.ts';
import { admin, setUp, signInBearer } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { rawConnection } from '../support/raw-connection.ts';
import { startServer, temporaryFolder } from '../support/server.ts';

const bearer = (token: string): { authorization: string } => ({ authorization: `Bearer ${token}` });
describe('F-08: 64 descriptors', () => {
  it('are enough to refuse the crowd, to log, and to go on at once when it has gone', { timeout: 60_000 }, async () => {
    const server = await startServer({ through: ['prlimit', '--nofile=64'] });
    try {
      const token = String((await setUp(server)).json['token']);
      const crowd = Array.from({ length: 300 }, () => rawConnection(Number(new URL(server.console).port)));
      await pause(500);
      assert.equal(server.process.exitCode, null);
      for (const each of crowd) each.socket.destroy();
      await pause(200);
      assert.equal((await send(`${server.console}/api/auth/verify`, { headers: bearer(token) })).status, 200);
      await signInBearer(server);
      assert.equal((await send(`${server.console}/readyz`)).status, 200);
      assert.equal(await server.end(), 0);
    } finally {
      await server.remove();
    }
  });
});

describe('F-05: faults that nobody foresaw', () => {
  it('in the store: 500 without a word of the cause, logged once, and the next request works', async () => {
    const data = await temporaryFolder();
    const loaded = loadSettings({ argv: ['--data', data], env: {}, readFile: () => ({ kind: 'missing' }) });
    assert.ok(loaded.kind === 'settings');
    const opened = await openSqliteStore({ path: join(data, 'sallyport.db'), ownerPath: join(data, 'owner.lock') });
    assert.ok(opened.kind === 'opened');
    let broken = false;
    const store: Store = {
      ...opened.store,
      userByName: (name) =>
        broken ? Promise.reject(new TypeError('the secret cause')) : opened.store.userByName(name),
    };
    const lines: string[] = [];
    const note = (fields: object, message: string): void => void lines.push(`${message} ${Object.keys(fields).join()}`);
    const log: Log = { info: () => undefined, warn: note, error: note };
    const console = 'http://127.0.0.1:1' as Origin;
    const creation = await createSallyport({
      settings: loaded.settings,
      store,
      places: { console: [console], application: [], protectedHosts: [] },
      pages: {
        shell: (status) => ({ kind: 'written', status, headers: [], body: '' }),
        asset: () => ({ kind: 'none' }),
      },
      version: '0',
      log,
    });
    assert.ok(creation.kind === 'created');
    const { sallyport } = creation;
    const made = await sallyport.newSetupCode();
    assert.ok(made.kind === 'made');
    const post = async (path: string, body: object): Promise<{ status: number; text: string }> => {
      const bytes = Buffer.from(JSON.stringify(body));
      const answer = await sallyport.handle({
        door: 'console',
        method: 'POST',
        target: path,
        headers: { host: '127.0.0.1:1', 'content-type': 'application/json', 'content-length': String(bytes.length) },
        rawHeaders: ['Host', '127.0.0.1:1', 'Content-Type', 'application/json', 'Content-Length', String(bytes.length)],
        peer: '127.0.0.1',
        body: (async function* () {
          yield bytes;
        })(),
      });
      assert.ok(answer.kind === 'written');
      return { status: answer.status, text: String(answer.body) };
    };
    assert.equal((await post('/api/auth/setup', { setup_code: made.code, ...admin })).status, 201);
    broken = true;
    const failed = await post('/api/auth/login', admin);
    assert.equal(failed.status, 500);
    assert.match(failed.text, /"error_code":"internal"/);
    assert.doesNotMatch(failed.text, /secret cause|TypeError|userByName/);
    assert.equal(lines.filter((line) => line.startsWith('request failed')).length, 1);
    broken = false;
    assert.equal((await post('/api/auth/login', admin)).status, 200);
    await sallyport.close();
    await opened.store.close();
    await rm(data, { recursive: true, force: true });
  });

  it('a request that cannot be read is told so, and the process lives', async (context) => {
    const server = await startServer();
    context.after(() => server.remove());
    await setUp(server);
    assertProblem(
      await send(`${server.console}/api/auth/login`, {
        body: '\u0000',
        headers: { 'content-type': 'application/json' },
      }),
      400,
      'invalid_request',
    );
    assert.equal((await send(`${server.console}/healthz`)).status, 200);
  });
});

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
