/** `sallyport key …` (2-http-api, 9; security.md B-08): keys listed and the service key replaced, with the server running and without. */
import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import { send } from '../support/client.ts';
import { commandsOf } from '../support/commands.ts';
import { bearer } from '../support/invited.ts';
import { setUp, signInBearer } from '../support/people.ts';
import { type RunningServer, runCommand, startServer, temporaryFolder } from '../support/server.ts';
import { heldIn, serviceKeyFileOf, statusesOf, statusOfUserKey, userKeyAt } from '../support/service-key.ts';
import { pause } from '../support/waiting.ts';

interface Told {
  readonly id: string;
  readonly purpose: string;
  readonly made_at: string;
  readonly in_use: boolean;
  readonly state: string;
}

describe('sallyport key', () => {
  let server: RunningServer;
  let file: string;
  before(async () => {
    server = await startServer();
    await setUp(server);
    file = serviceKeyFileOf(server.data);
  });
  after(() => server.remove());

  const { run, well, json, fails } = commandsOf('key', () => server.data);
  const listed = async (): Promise<readonly Told[]> => (await json('list'))['keys'] as Told[];
  const serviceKeyId = async (): Promise<string> =>
    (await listed()).find(({ purpose }) => purpose === 'service')?.id ?? '';

  /** The same for both. Gives the keys that are dead. */
  const whole = async (): Promise<readonly string[]> => {
    const first = heldIn(file);
    const keys = await listed();
    assert.deepEqual(
      keys.map(({ purpose, in_use: inUse }) => [purpose, inUse]),
      [
        ['audit', true],
        ['cookie', true],
        ['seal', true],
        ['service', true],
        ['ticket', true],
      ],
    );
    for (const key of keys) {
      assert.deepEqual(
        Object.keys(key).join(' '),
        'id purpose made_at used_from age_seconds state in_use uses next_from kept_until',
      );
      assert.match(key.made_at, /^20\d\d-\d\d-\d\dT[\d:.]+Z$/);
    }
    const text = await well('list');
    assert.match(text, /^ID +PURPOSE +MADE +AGE +STATE/m);
    for (const { id, purpose, made_at: at } of keys)
      assert.match(text, new RegExp(`^${id} +${purpose} +${at.replaceAll('.', '\\.')} +\\d+ (min|h|d) +in use`, 'm'));

    const id = await serviceKeyId();
    const said = (await well('rotate', 'service')).split('\n');
    assert.equal(said.length, 2);
    assert.match(said[0] ?? '', /^the service key is another one now; the old one is dead, .+user keys/);
    assert.equal(said[1], `the new one is in ${file}`);
    const second = heldIn(file);
    const next = await serviceKeyId();
    assert.equal(new Set([first, second]).size, 2);
    assert.notEqual(next, id);

    const answer = await json('rotate', 'service');
    const third = heldIn(file);
    assert.deepEqual(Object.keys(answer).toSorted(), ['file', 'file_problem', 'id', 'made_at', 'success']);
    assert.deepEqual(
      [answer['success'], answer['file'], answer['file_problem'], answer['id']],
      [true, file, null, await serviceKeyId()],
    );
    assert.equal((await listed()).length, keys.length, 'there is one service key');
    for (const each of [text, said.join('\n'), JSON.stringify(answer), (await run('list', '--json')).out])
      for (const key of [first, second, third]) assert.ok(!each.includes(key), 'bytes of a key are told');
    return [first, second];
  };

  it('with the server running: the old one is dead when the command answers, and the file holds the new one', async () => {
    const first = heldIn(file);
    const userKey = await userKeyAt(server);
    assert.deepEqual(await statusesOf(server, first), [200]);
    assert.equal(await statusOfUserKey(server, userKey), 200);
    await well('rotate', 'service');
    // Nothing between: no time, and no other request.
    assert.deepEqual(await statusesOf(server, first, heldIn(file)), [401, 200]);
    assert.equal(await statusOfUserKey(server, userKey, '127.98.0.1'), 401);
    const again = await userKeyAt(server);
    assert.notEqual(again, userKey);
    assert.equal(await statusOfUserKey(server, again), 200);
    const dead = await whole();
    assert.deepEqual(await statusesOf(server, ...dead, heldIn(file)), [401, 401, 200]);
    assert.equal(await statusOfUserKey(server, again, '127.98.0.2'), 401);
  });

  it('everything is in the audit log as the host’s doing, with the new key’s id, and no key is', async () => {
    const { id } = await json('rotate', 'service');
    const got = await send(`${server.console}/api/auth/audit?limit=1000`, {
      headers: bearer(await signInBearer(server)),
    });
    const [newest, ...older] = (got.json['events'] as Readonly<Record<string, string>>[]).filter(
      ({ event }) => event === 'service-key-replaced',
    );
    assert.deepEqual(
      [newest?.['target'], newest?.['way'], newest?.['actor'], newest?.['address'], newest?.['result']],
      [id, 'host', '', '', 'ok'],
    );
    assert.ok(older.length > 0);
    assert.ok(!got.text.includes(heldIn(file)) && !server.log().includes(heldIn(file)));
  });

  it('many at once: each is told of a key of its own, and one is left, which the file holds', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => json('rotate', 'service')));
    const ids = answers.map(({ id }) => id);
    assert.equal(new Set(ids).size, 8);
    assert.ok(ids.includes(await serviceKeyId()));
    assert.deepEqual(await statusesOf(server, heldIn(file)), [200]);
  });

  it('a file that became unusable: the old key is dead all the same, and it is said; put right, it is written', async () => {
    const old = heldIn(file);
    await chmod(file, 0o644);
    const said = await well('rotate', 'service');
    assert.match(said, /^.+the old one is dead.+\n\S+api\.key does not hold it: its mode is 644\. .+$/);
    assert.equal(await readFile(file, 'utf8'), old);
    assert.deepEqual(await statusesOf(server, old), [401]);
    assert.match(String((await json('rotate', 'service'))['file_problem']), /mode is 644/);
    await pause(2500);
    assert.equal(server.log().match(/the file does not hold the service key/g)?.length, 1, 'said once');
    await chmod(file, 0o640);
    for (let tried = 0; tried < 100 && (await readFile(file, 'utf8')) === old; tried += 1) await pause(30);
    assert.deepEqual(await statusesOf(server, heldIn(file)), [200]);
    // Taken away, it comes back with the next one.
    await rm(file);
    await well('rotate', 'service');
    assert.deepEqual(await statusesOf(server, heldIn(file)), [200]);
  });

  it('mistakes are one clear line', async () => {
    const held = heldIn(file);
    await fails(64, /say what to do: sallyport key list, rotate\./);
    await fails(64, /expected: sallyport key rotate PURPOSE/, 'rotate');
    await fails(64, /expected: sallyport key list$/m, 'list', 'service');
    await fails(64, /there is no key for "x": name one of ticket, cookie, .+, root, all\./, 'rotate', 'x');
    for (const purpose of ['seal', 'root', 'all', 'service'])
      await fails(64, /--compromised is for ticket keys alone/, 'rotate', purpose, '--compromised');
    await fails(64, /no-such-flag/, 'rotate', 'service', '--no-such-flag', 'x');
    assert.equal(heldIn(file), held);
    const help = await run('--help');
    assert.equal(help.code, 0);
    for (const word of ['list', 'rotate', '--json', 'never shown', '--now', '--compromised', 'root'])
      assert.ok(help.out.includes(word), word);
    assert.match((await runCommand(['--help'])).out, /^ {2}key +\w+/m);
  });

  it('with the server stopped: the same, and the file is written as well; what was done holds when it starts again', async () => {
    const userKey = await userKeyAt(server);
    assert.equal(await server.end(), 0);
    const dead = await whole();
    const held = heldIn(file);
    server = await startServer({ data: server.data, standing: 'set-up' });
    assert.equal(heldIn(file), held);
    assert.deepEqual(await statusesOf(server, ...dead, held), [401, 401, 200]);
    assert.equal(await statusOfUserKey(server, userKey, '127.98.0.3'), 401);
    assert.equal((await runCommand(['audit', 'verify', '--data', server.data])).code, 0);
  });

  it('with the server stopped and no folder for the file: said; the next start writes it', async () => {
    assert.equal(await server.end(), 0);
    const elsewhere = await temporaryFolder();
    const away = join(elsewhere, 'run', 'api.key');
    try {
      await mkdir(join(elsewhere, 'run'), { mode: 0o750 });
      const args = ['--service-key-file', away];
      const first = await json('rotate', 'service', ...args);
      assert.deepEqual([first['file'], first['file_problem']], [away, null]);
      const held = heldIn(away);
      assert.notEqual(heldIn(file), held, 'the other place is nobody’s now');
      await rename(join(elsewhere, 'run'), join(elsewhere, 'gone'));
      assert.match(await well('rotate', 'service', ...args), /does not hold it: its folder \S+run is not there\. /);
      await rename(join(elsewhere, 'gone'), join(elsewhere, 'run'));
      assert.equal(heldIn(away), held);
      server = await startServer({ data: server.data, standing: 'set-up', args });
      assert.notEqual(heldIn(away), held);
      assert.deepEqual(await statusesOf(server, held, heldIn(away)), [401, 200]);
      // A command beside the server asks it, which knows its own place.
      assert.equal((await json('rotate', 'service'))['file'], away);
      assert.deepEqual(await statusesOf(server, heldIn(away)), [200]);
      assert.equal(await server.end(), 0);
    } finally {
      await rm(elsewhere, { recursive: true, force: true });
    }
    server = await startServer({ data: server.data, standing: 'set-up' });
  });

  it('an installation that has none yet, stopped: none is listed, and rotation makes the first', async () => {
    assert.equal(await server.end(), 0);
    const db = new DatabaseSync(join(server.data, 'sallyport.db'));
    db.exec("DELETE FROM keys WHERE purpose = 'service'");
    db.close();
    assert.equal(await serviceKeyId(), '');
    const before = heldIn(file);
    await well('rotate', 'service');
    server = await startServer({ data: server.data, standing: 'set-up' });
    assert.deepEqual(await statusesOf(server, before, heldIn(file)), [401, 200]);
  });

  /** The same for both. */
  const rotates = async (): Promise<void> => {
    const of = async (purpose: string): Promise<readonly string[]> =>
      (await listed()).flatMap((key) => (key.purpose === purpose ? [`${key.id} ${key.state}`] : []));
    await well('rotate', 'ticket', '--compromised');
    const [before = ''] = await of('ticket');
    const said = await well('rotate', 'ticket');
    const [, id = ''] = /^the next ticket key is (\S+), used from 20\S+Z on\.$/.exec(said) ?? [];
    assert.deepEqual(await of('ticket'), [`${id} published`, before]);
    assert.match(await well('list'), new RegExp(`^${id} +ticket .+ published, used from 20`, 'm'));
    const now = (await json('rotate', 'ticket', '--now'))['keys'] as readonly Told[];
    assert.deepEqual(
      (await of('ticket')).map((each) => each.split(' ')[1]),
      ['in-use', 'old', 'old'],
    );
    const gone = await well('rotate', 'ticket', '--compromised');
    assert.match(gone, /the keys before it are gone: every signed ticket has ended\.$/);
    assert.equal((await of('ticket')).length, 1);
    assert.ok(!(await of('ticket'))[0]?.includes(now[0]?.id ?? ''));
    const all = (await well('rotate', 'all')).split('\n');
    assert.equal(all.length, 6, all.join('\n'));
    const root = join(server.data, 'root.key');
    const held = await readFile(root, 'utf8');
    assert.match(await well('rotate', 'root'), new RegExp(`^the root key is another one now, in ${root}\\.`));
    const next = await readFile(root, 'utf8');
    assert.notEqual(next, held);
    assert.equal((await stat(root)).mode & 0o7777, 0o600);
    await assert.rejects(stat(`${root}.pending`), 'nothing is left beside it');
    assert.match(await well('list'), /^sealed anew: \d+ of \d+$|in use/m);
  };

  it('with the server running every purpose rotates, and the root key; and everybody stays signed in', async () => {
    const token = await signInBearer(server);
    await rotates();
    const got = await send(`${server.console}/api/auth/sessions`, { headers: bearer(token) });
    assert.equal(got.status, 200);
    assert.doesNotMatch(server.log(), /root key|background/);
  });

  it('with the server stopped every purpose rotates, and the root key', async () => {
    const token = await signInBearer(server);
    assert.equal(await server.end(), 0);
    await rotates();
    server = await startServer({ data: server.data, standing: 'set-up' });
    assert.match(await signInBearer(server), /^.{20,}$/);
    const got = await send(`${server.console}/api/auth/sessions`, { headers: bearer(token) });
    assert.equal(got.status, 200);
    assert.equal((await runCommand(['audit', 'verify', '--data', server.data])).code, 0);
  });

  it('no database, wrong settings', async () => {
    const empty = await temporaryFolder();
    try {
      for (const words of [['list'], ['rotate', 'service']]) {
        const none = await runCommand(['key', ...words, '--data', empty]);
        assert.equal(none.code, 69);
        assert.match(none.err, /^sallyport: there is no database in /);
      }
      await writeFile(join(empty, 'x'), '');
      const wrong = await runCommand(['key', 'list', '--data', empty, '--service-key-renew=perhaps']);
      assert.equal(wrong.code, 64);
      assert.match(wrong.err, /--service-key-renew/);
      await assert.rejects(stat(join(empty, 'api.key')));
    } finally {
      await rm(empty, { recursive: true, force: true });
    }
  });
});
