/**
 * One key ring on all nodes (3-rules, Keys): what one makes the other knows in time; of several one rotates; and a node whose
 * root key is of before goes on with what it has, says so, and takes the new one when it is there.
 */
import assert from 'node:assert/strict';
import { copyFile, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { send } from '../support/client.ts';
import { withoutPackages } from '../support/debian.ts';
import { bearer, login } from '../support/invited.ts';
import { admin, setUp } from '../support/people.ts';
import { sharedPostgres } from '../support/postgres.ts';
import { type RunningServer, runCommand } from '../support/server.ts';
import { pause } from '../support/waiting.ts';
import { type NodesStage, stageNodes } from './stage.ts';

describe('the key ring of two nodes', { skip: withoutPackages }, () => {
  let stage: NodesStage;
  let one: RunningServer;
  let two: RunningServer;
  let token: string;
  let own: string;
  before(async () => {
    stage = await stageNodes(await sharedPostgres());
    one = await stage.start();
    token = String((await setUp(one)).json['token']);
    // A file of its own, as an operator copies it.
    two = await stage.start();
    assert.equal(await two.end(), 0);
    own = join(two.data, 'own.key');
    await copyFile(stage.rootKey, own);
    two = await stage.start({ data: two.data, env: { SALLYPORT_ROOT_KEY_FILE: own } });
  });
  after(() => stage.close());

  const command = async (...words: readonly string[]): Promise<string> => {
    const ran = await runCommand(['key', ...words, '--data', one.data], stage.env);
    assert.equal(ran.code, 0, ran.err);
    return ran.out;
  };
  const published = async (node: RunningServer): Promise<readonly string[]> => {
    const got = await send(`${node.console}/api/auth/keys`);
    return (got.json['keys'] as { kid: string }[]).map(({ kid }) => kid).toSorted();
  };
  const until = async (reached: () => Promise<boolean>, what: string, ms = 5000): Promise<void> => {
    for (const began = performance.now(); !(await reached()); await pause(20))
      assert.ok(performance.now() - began < ms, what);
  };
  const same = async (): Promise<boolean> => String(await published(one)) === String(await published(two));
  const readiness = async (node: RunningServer): Promise<unknown> =>
    (await send(`${node.console}/readyz`)).json['root_key'];

  it('a key that one makes is published by the other; passwords sealed under it are checked by both at once', async () => {
    await command('rotate', 'ticket');
    await until(same, 'the other publishes it');
    assert.equal((await published(one)).length, 2);
    await command('rotate', 'all', '--now');
    const body = { current_password: admin.password, new_password: `${admin.password} anew` };
    const changed = await send(`${one.console}/api/auth/change-password`, { headers: bearer(token), body });
    assert.equal(changed.status, 200, changed.text);
    // Whatever the other has heard of by then.
    const got = await login(two.console, admin.username, body.new_password);
    assert.equal(got.status, 200, got.text);
    token = String(got.json['token']);
  });

  it('both rotate at the same moment: nothing is an error, and both know all', async () => {
    const ask = (node: RunningServer) =>
      send(`${node.console}/api/auth/keys/rotate`, { headers: bearer(token), body: { purpose: 'ticket', now: true } });
    const got = await Promise.all([ask(one), ask(two), ask(one), ask(two)]);
    assert.deepEqual(
      got.map(({ status }) => status),
      [200, 200, 200, 200],
      got.map(({ text }) => text).join(),
    );
    await until(same, 'both publish the same');
    const ids = got.flatMap(({ json }) => (json['keys'] as { id: string }[]).map(({ id }) => id));
    assert.equal(new Set(ids).size, 4);
    for (const id of ids) assert.ok((await published(two)).includes(id));
  });

  it('the root key replaced at one: the other goes on, says so once, and takes the new one when it is copied', async () => {
    await command('rotate', 'root');
    await until(async () => (await readiness(two)) === 'does-not-fit', 'the other says that its root key is of before');
    const ready = await send(`${two.console}/readyz`);
    assert.equal(ready.status, 200, 'it serves');
    assert.equal(await readiness(one), undefined);
    const held = await login(two.console, admin.username, `${admin.password} anew`);
    assert.equal(held.status, 200, held.text);
    const refused = await send(`${two.console}/api/auth/keys/rotate`, {
      headers: bearer(String(held.json['token'])),
      body: { purpose: 'ticket', now: true },
    });
    assert.deepEqual(
      [refused.status, refused.json['error_code']],
      [409, 'conflict'],
      'nothing is made under the old one',
    );
    await pause(2500);
    assert.equal(two.log().match(/the root key was replaced/g)?.length, 1, two.log());
    assert.doesNotMatch(two.log(), /background work failed/);
    // A key that is no key does not help, and neither does a wrong one.
    const old = await readFile(own, 'utf8');
    await writeFile(own, `${Buffer.alloc(32, 7).toString('base64url')}\n`);
    await pause(1500);
    assert.equal(await readiness(two), 'does-not-fit');
    await writeFile(own, old);
    await copyFile(stage.rootKey, `${own}.new`);
    await rename(`${own}.new`, own);
    await until(async () => (await readiness(two)) === undefined, 'it fits again');
    await command('rotate', 'ticket', '--now');
    await until(same, 'it follows again');
    assert.equal(await two.end(), 0);
    two = await stage.start({ data: two.data, env: { SALLYPORT_ROOT_KEY_FILE: own } });
    assert.equal((await login(two.console, admin.username, `${admin.password} anew`)).status, 200);
  });

  it('nodes that share the file take it by themselves', async () => {
    const three = await stage.start();
    await command('rotate', 'root');
    await command('rotate', 'ticket', '--now');
    await until(
      async () => String(await published(three)) === String(await published(one)),
      'the third follows under the new root key',
    );
    assert.equal(await readiness(three), undefined);
    assert.doesNotMatch(three.log(), /root key/);
    await copyFile(stage.rootKey, own);
  });
});
