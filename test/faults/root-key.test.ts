/**
 * The root key is replaced, and it is cut short (3-rules, Keys): killed between any two steps the next start finds the old state
 * whole, or finishes; nothing that was sealed is lost, and nobody is taken for a first run.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { login } from '../support/invited.ts';
import { admin, setUp } from '../support/people.ts';
import { type RunningServer, runCommand, startServer } from '../support/server.ts';

const source = (path: string): string => JSON.stringify(pathToFileURL(join(process.cwd(), 'src', path)).href);

/** The command itself, over a store that ends its process there. */
const program = `
  import { replaceRootKey } from ${source('actions/keys/root.ts')};
  import { loadSettings } from ${source('config/load.ts')};
  import { systemRandom } from ${source('crypto/random.ts')};
  import { openStoppedStore } from ${source('cli/stopped-store.ts')};
  import { auditEvent } from ${source('record/recorder.ts')};
  const [data, at] = process.argv.slice(1);
  const loaded = loadSettings({ argv: ['--data', data], env: {}, readFile: () => ({ kind: 'missing' }) });
  const opened = await openStoppedStore(loaded.settings);
  const dies = () => process.kill(process.pid, 'SIGKILL');
  const { store } = opened;
  const through = {
    installation: () => store.installation(),
    replaceRoot: async (given) => {
      if (at === 'before the store') dies();
      const outcome = await store.replaceRoot(given);
      if (at === 'behind the store') dies();
      return outcome;
    },
  };
  const refresh = opened.keyring.refresh;
  let reads = 0;
  const keyring = { ...opened.keyring, refresh: async () => {
    reads += 1;
    if (at === 'behind the file' && reads === 2) dies();
    await refresh();
  } };
  await replaceRootKey({
    store: through, keyring, random: systemRandom, rootKeyFile: loaded.settings.rootKeyFile,
    recorder: { event: (occurrence) => auditEvent(occurrence, Date.now()) },
  });
`;

async function cutShort(data: string, at: string): Promise<void> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program, data, at], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
  assert.equal(signal, 'SIGKILL', at);
}

describe('the root key replaced and cut short', () => {
  let server: RunningServer;
  let file: string;
  let strangers = 0;
  before(async () => {
    server = await startServer();
    await setUp(server);
    file = join(server.data, 'root.key');
    assert.equal(await server.end(), 0);
  });
  after(() => server.remove());

  const works = async (): Promise<void> => {
    server = await startServer({ data: server.data, standing: 'set-up' });
    assert.equal((await login(server.console, admin.username, admin.password)).status, 200);
    strangers += 1;
    const from = `127.77.${strangers}.1`;
    assert.equal((await login(server.console, admin.username, `wrong ${strangers}`, { from })).status, 401);
    assert.equal(await server.end(), 0);
    assert.equal((await runCommand(['audit', 'verify', '--data', server.data])).code, 0);
    assert.equal((await stat(file)).mode & 0o7777, 0o600);
  };

  it('before anything is in the store: the old one stays, and the next attempt goes through', async () => {
    const held = await readFile(file, 'utf8');
    await cutShort(server.data, 'before the store');
    assert.equal((await stat(`${file}.pending`)).mode & 0o7777, 0o600);
    await works();
    assert.equal(await readFile(file, 'utf8'), held);
    assert.equal((await runCommand(['key', 'rotate', 'root', '--data', server.data])).code, 0);
    assert.notEqual(await readFile(file, 'utf8'), held);
    await assert.rejects(stat(`${file}.pending`));
    await works();
  });

  for (const [name, at] of [
    ['behind the store, before the file', 'behind the store'],
    ['behind the file', 'behind the file'],
  ] as const)
    it(`${name}: the next start has the new one in its place`, async () => {
      const held = await readFile(file, 'utf8');
      await cutShort(server.data, at);
      await works();
      assert.notEqual(await readFile(file, 'utf8'), held);
      await assert.rejects(stat(`${file}.pending`));
    });

  it('a command finishes it as well as a start', async () => {
    const held = await readFile(file, 'utf8');
    await cutShort(server.data, 'behind the store');
    assert.equal(await readFile(file, 'utf8'), held);
    const listed = await runCommand(['key', 'list', '--data', server.data]);
    assert.equal(listed.code, 0, listed.err);
    assert.notEqual(await readFile(file, 'utf8'), held);
    await works();
  });

  it('the old file put back refuses the start, and a pending one of nobody does not help it', async () => {
    const held = await readFile(file, 'utf8');
    assert.equal((await runCommand(['key', 'rotate', 'root', '--data', server.data])).code, 0);
    const next = await readFile(file, 'utf8');
    await writeFile(file, held);
    await writeFile(`${file}.pending`, `${Buffer.alloc(32, 7).toString('base64url')}\n`, { mode: 0o600 });
    const ended = await runCommand(['serve', '--data', server.data, '--listen', '127.0.0.1:0']);
    assert.equal(ended.code, 70, ended.err);
    assert.match(ended.err, /does not belong to this database/);
    assert.equal(await readFile(file, 'utf8'), held, 'nothing was moved');
    const listed = await runCommand(['key', 'list', '--data', server.data]);
    assert.equal(listed.code, 70, listed.err);
    await writeFile(file, next);
    await rm(`${file}.pending`);
    await works();
  });
});
