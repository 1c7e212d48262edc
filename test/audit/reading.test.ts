/** The audit log as admins and operators read it: over HTTP, with the command while the server runs and when it does not. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { readLine } from '../../src/record/audit-lines.ts';
import { browser, type Got, send } from '../support/client.ts';
import { footing } from '../support/footing.ts';
import { admin, setUp, signIn, signInBearer, wrongPassword } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { type RunningServer, runCommand, startServer, temporaryFolder } from '../support/server.ts';

type Event = Readonly<Record<string, string | number>>;

describe('reading the audit log', () => {
  let server: RunningServer;
  let token: string;
  const ask = (query = '', headers: Readonly<Record<string, string>> = {}): Promise<Got> =>
    send(`${server.console}/api/auth/audit${query}`, { headers: { authorization: `Bearer ${token}`, ...headers } });
  const events = async (query = ''): Promise<readonly Event[]> => {
    const got = await ask(query);
    assert.equal(got.status, 200, got.text);
    return got.json['events'] as Event[];
  };
  before(async () => {
    server = await startServer();
    await setUp(server);
    token = await signInBearer(server);
    await send(`${server.console}/api/auth/login`, { body: { ...admin, password: wrongPassword } });
    for (let count = 0; count < 6; count += 1) await signInBearer(server);
  });
  after(() => server.remove());

  it('newest first, with every field, in pages that neither miss nor repeat', async () => {
    const all = await events('?limit=1000');
    const chains = new Set(all.map(({ chain }) => chain));
    assert.equal(chains.size, footing() === 'nodes' ? 2 : 1);
    for (const chain of chains) {
      const numbers = all.filter((event) => event['chain'] === chain).map(({ number }) => number);
      assert.deepEqual(
        numbers,
        numbers.map((_, at) => numbers.length - at),
      );
    }
    const places = all.map(({ place }) => Number(place));
    assert.deepEqual(
      places,
      [...new Set(places)].sort((a, b) => b - a),
    );
    assert.deepEqual(Object.keys(all[0] ?? {}), [
      'number',
      'at',
      'event',
      'actor',
      'actor_name',
      'address',
      'peer',
      'way',
      'target',
      'result',
      'count',
      'hash',
      'chain',
      'place',
    ]);
    const paged: Event[] = [];
    let query = '?limit=3';
    for (;;) {
      const got = await ask(query);
      paged.push(...(got.json['events'] as Event[]));
      const next = got.json['next_before'];
      if (next === null) break;
      query = `?limit=3&before=${Number(next)}`;
    }
    assert.deepEqual(paged, all);
    assert.deepEqual(await events('?limit=1000&before=999999999999999'), all);
    assert.deepEqual(await events('?before=1'), []);
    assert.deepEqual((await events('?before=2')).length, 1);
  });

  it('filters by event, by user as actor or as target, and by time', async () => {
    const signedIn = await events('?event=signed-in');
    assert.ok(signedIn.length === 7 && signedIn.every((event) => event['event'] === 'signed-in'));
    const mine = await events('?user=ROOT1&limit=1000');
    assert.deepEqual([...new Set(mine.map((event) => String(event['event'])))].toSorted(), [
      'setup',
      'sign-in-refused',
      'signed-in',
    ]);
    assert.deepEqual(await events('?user=nobody'), []);
    const [{ at }] = signedIn as [Event];
    const time = encodeURIComponent(String(at));
    assert.ok((await events(`?since=${time}`)).every((event) => String(event['at']) >= String(at)));
    assert.ok((await events(`?since=${time}`)).length > 0);
    const before = await events(`?until=${time}&limit=1000`);
    assert.ok(before.length > 0 && before.every((event) => String(event['at']) < String(at)));
    assert.deepEqual(await events('?since=2099-01-01T00:00:00Z'), []);
    assert.deepEqual(await events('?event=signed-in&user=root1&limit=1'), signedIn.slice(0, 1));
  });

  it('values that cannot be are 400, each', async () => {
    const wrong = [
      'limit=0',
      'limit=1001',
      'limit=-1',
      'limit=x',
      'limit=',
      'limit=1e2',
      'before=0',
      'before=-5',
      'before=x',
      'before=9999999999999999',
      'event=none',
      'event=',
      'event=constructor',
      'user=',
      'user=a%20b',
      'user=a%00b',
      'since=yesterday',
      'since=2026-13-01T00:00:00Z',
      'until=1',
      'until=2026-11-21T22:00:00%2B01:00',
      'limit=1&limit=2',
      'event=setup&event=setup',
    ];
    for (const query of wrong) assertProblem(await ask(`?${query}`), 400, 'invalid_request');
    // What is no name of ours is not read.
    assert.equal((await ask('?other=1')).status, 200);
  });

  it('is for admins with a session, and for nobody else', async () => {
    const url = `${server.console}/api/auth/audit`;
    assertProblem(await send(url), 401, 'unauthorized');
    assertProblem(await send(url, { headers: { authorization: 'Bearer x' } }), 401, 'invalid_token');
    assertProblem(await send(url, { headers: { accept: 'text/csv' } }), 401, 'unauthorized');
    assertProblem(await send(url, { method: 'DELETE' }), 405, 'method_not_allowed');
    const person = await signIn(server);
    assert.equal((await person.page('/api/auth/audit')).status, 200);
    assert.equal((await browser(server.console).send('/api/auth/audit')).status, 401);
  });

  it('as NDJSON and CSV: everything that matches, for keeping', async () => {
    const all = await events('?limit=1000');
    const lines = await ask('', { accept: 'application/x-ndjson' });
    assert.match(lines.headers['content-type'] ?? '', /^application\/x-ndjson/);
    assert.equal(lines.headers['cache-control'], 'no-store');
    assert.match(lines.headers['content-disposition'] ?? '', /^attachment/);
    const texts = lines.text.trimEnd().split('\n');
    assert.equal(texts.length, all.length);
    for (const text of texts) assert.equal(readLine(text).kind, 'line', text);
    const csv = await ask('?event=signed-in', { accept: 'text/csv' });
    assert.match(csv.headers['content-type'] ?? '', /^text\/csv/);
    const [head, ...records] = csv.text.trimEnd().split('\r\n');
    assert.equal(head, Object.keys(all[0] ?? {}).join(','));
    assert.equal(records.length, (await events('?event=signed-in')).length);
    const part = await ask('?event=signed-in&limit=2', { accept: 'text/csv' });
    const [, next = ''] = /^<([^>]+)>; rel="next"$/.exec(part.headers['link'] ?? '') ?? [];
    assert.match(next, /^\/api\/auth\/audit\?event=signed-in&limit=2&before=\d+$/);
    assert.equal(
      (await ask('', { accept: 'text/html, */*' })).headers['content-type'],
      'application/json; charset=utf-8',
    );
  });

  it('the command reads the running server: list, verify, export', async () => {
    const listed = await runCommand([
      'audit',
      'list',
      '--event',
      'signed-in',
      '--limit',
      '2',
      '--json',
      '--data',
      server.data,
    ]);
    assert.equal(listed.code, 0, listed.err);
    assert.deepEqual((JSON.parse(listed.out) as { events: Event[] }).events, await events('?event=signed-in&limit=2'));
    const plain = await runCommand([
      'audit',
      'list',
      '--user',
      'Root1',
      '--since',
      '2026-01-01T00:00:00Z',
      '--data',
      server.data,
    ]);
    assert.equal(plain.code, 0, plain.err);
    assert.match(plain.out, /signed-in {2}ok {2}by root1 {2}from 127\.0\.0\.1/);
    const verified = await runCommand(['audit', 'verify', '--data', server.data]);
    assert.equal(verified.code, 0, verified.err);
    assert.match(
      verified.out,
      /^the audit log is whole: \d+ events \(1 to \d+\), \d+ checkpoints, 0 events not signed yet\n$/,
    );
    const exported = await runCommand(['audit', 'export', '--data', server.data]);
    assert.equal(exported.code, 0, exported.err);
    const kinds = exported.out
      .trimEnd()
      .split('\n')
      .map((text) => readLine(text));
    assert.ok(kinds.every((read) => read.kind === 'line'));
    const csv = await runCommand(['audit', 'export', '--format', 'csv', '--data', server.data]);
    assert.equal(csv.out.trimEnd().split('\n').length, (await events('?limit=1000')).length + 1);
  });

  it('more events than one part holds: the command asks part by part and misses none', async () => {
    const many = 2500;
    const { console } = server;
    for (let done = 0; done < many; done += 50) {
      const got = await Promise.all(
        Array.from({ length: 50 }, () => send(`${console}/api/auth/login`, { body: { ...admin } })),
      );
      assert.ok(got.every(({ status }) => status === 200));
    }
    const verified = await runCommand(['audit', 'verify', '--json', '--data', server.data]);
    assert.equal(verified.code, 0, verified.err);
    const { events: count, checkpoints } = JSON.parse(verified.out) as { events: number; checkpoints: number };
    assert.ok(count > many && checkpoints >= 4, verified.out);
    const exported = await runCommand(['audit', 'export', '--data', server.data]);
    assert.equal(exported.out.split('"line":"event"').length - 1, count);
    assert.equal(exported.out.split('"line":"checkpoint"').length - 1, checkpoints);
  });

  it('arguments that cannot be are one line and 64', async () => {
    const wrong = [
      ['audit'],
      ['audit', 'burn'],
      ['audit', 'list', '--limit', '0'],
      ['audit', 'list', '--event', 'none'],
      ['audit', 'list', '--since', 'yesterday'],
      ['audit', 'export', '--format', 'xml'],
      ['audit', 'export', '--limit', '3'],
      ['audit', 'export', '--json', '--format', 'csv'],
      ['audit', 'verify', '--checkpoint', 'v1.x'],
      ['audit', 'verify', '--checkpoint'],
      ['audit', 'verify', 'a.ndjson', 'b.ndjson'],
    ];
    for (const argv of wrong) {
      const ended = await runCommand([...argv, ...(argv.length > 1 ? ['--data', server.data] : [])]);
      assert.equal(ended.code, 64, `${argv.join(' ')}: ${ended.out}${ended.err}`);
      assert.match(ended.err, /^sallyport: [^\n]+\n$/, argv.join(' '));
    }
    const help = await runCommand(['audit', '--help']);
    assert.equal(help.code, 0);
    assert.match(help.out, /verify/);
  });

  it('with the server stopped it reads the folder; without one it says so, and makes none', async () => {
    assert.equal(await server.end(), 0);
    const stopped = await runCommand(['audit', 'list', '--limit', '1', '--data', server.data]);
    assert.equal(stopped.code, 0, stopped.err);
    assert.match(stopped.out, /server-stopped/);
    assert.equal((await runCommand(['audit', 'verify', '--data', server.data])).code, 0);
    const empty = await temporaryFolder();
    for (const name of ['list', 'verify', 'export']) {
      const ended = await runCommand(['audit', name, '--data', empty]);
      assert.equal(ended.code, 69, ended.err);
      assert.match(ended.err, /^sallyport: there is no database in [^\n]*\n$/);
    }
    await rm(empty, { recursive: true });
  });
});
