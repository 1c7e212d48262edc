/** Accounts from a CSV file, and everybody as one (TT9). */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Admin, asAdmin } from '../support/invited.ts';
import { setUp } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { eventsOf, importCsv, importPath, resultsOf, standings } from '../support/rows.ts';
import { footing } from '../support/footing.ts';
import { type RunningServer, startServer } from '../support/server.ts';

type User = Readonly<Record<string, unknown>>;

const head = 'username,email,name,privileges\r\n';

describe('accounts from a file', () => {
  let server: RunningServer;
  let admin: Admin;
  before(async () => {
    server = await startServer();
    admin = asAdmin(server.console, String((await setUp(server)).json['token']));
  });
  after(() => server.remove());

  const users = async (matching: string): Promise<readonly User[]> =>
    (await admin.ask(`/api/auth/users?limit=500&q=${encodeURIComponent(matching)}`)).json['users'] as User[];
  const names = async (matching: string) => (await users(matching)).map(({ username }) => username);
  const exported = (query = '') => admin.ask(`/api/auth/users${query}`, { headers: { accept: 'text/csv' } });

  it('a row is an account, in any order of columns; each is told by its number', async () => {
    const text = '\ufeffEmail;x'.replace(';x', ', privileges,NAME,username,groups,active\r\n');
    const got = await importCsv(
      admin,
      [
        text,
        'alice@example.org,editor; viewer;,"Ä., ""Alice""",Alice,staff,true\r\n',
        '\n,,,bob,,FALSE\r\n',
        'no address,,,carl,,\n',
        ',,,dora,\n',
        ',,,ALICE,,\n',
        ',a b,,emil,,\n',
        ',,,root1,,\n',
        ',,,frida,,maybe\n',
        ',,,"gu\nido",,',
      ].join(''),
    );
    assert.equal(got.status, 200, got.text);
    const wrong = '400 invalid_request';
    const taken = '409 conflict';
    assert.deepEqual(standings(got), ['201', '201', wrong, wrong, taken, wrong, taken, wrong, wrong]);
    assert.equal(got.json['dry_run'], false);
    const results = resultsOf(got);
    assert.match(results[4]?.detail ?? '', /Row 1 has that user name/);
    const { user: alice } = (await admin.ask(`/api/auth/users/${results[0]?.id}`)).json as { user: User };
    assert.deepEqual(
      [alice['username'], alice['email'], alice['display_name'], alice['privileges'], alice['groups'], alice['active']],
      ['alice', 'alice@example.org', 'Ä., "Alice"', ['editor', 'viewer'], ['staff'], true],
    );
    assert.equal(alice['has_password'], false);
    const [bob] = await users('bob');
    assert.deepEqual([bob?.['active'], bob?.['display_name']], [false, 'bob']);
    const created = await eventsOf(admin, 'user-created');
    assert.deepEqual(
      created.slice(0, 2).map(({ target, actor_name: by }) => [target, by]),
      [
        [bob?.['id'], 'root1'],
        [alice['id'], 'root1'],
      ],
    );
  });

  it('dry run: the same answer, and nothing is made or written down', async () => {
    const before = (await eventsOf(admin, 'user-created')).length;
    const text = `${head}hans,,,\nROOT1,,,\nHANS,,,\nx y,,,\n`;
    const dry = await importCsv(admin, text, '?dry_run=1');
    assert.deepEqual([dry.status, dry.json['dry_run']], [200, true], dry.text);
    const expected = ['201', '409 conflict', '409 conflict', '400 invalid_request'];
    assert.deepEqual(standings(dry), expected);
    assert.deepEqual(await names('hans'), []);
    assert.equal((await eventsOf(admin, 'user-created')).length, before);
    for (const query of ['?dry_run=true', '?dry_run=', '?dry_run=1&dry_run=0', '?dry_run=yes'])
      assertProblem(await importCsv(admin, text, query), 400, 'invalid_request');
    assert.deepEqual(await names('hans'), []);
    assert.deepEqual(standings(await importCsv(admin, text, '?dry_run=0')), expected);
    assert.deepEqual(await names('hans'), ['hans']);
  });

  it('under an Idempotency-Key a file is imported once; another file is not told its answer', async () => {
    const again = { 'idempotency-key': 'file-1' };
    const text = `${head}paula,,,\nquirin,,,\n`;
    const first = await importCsv(admin, text, '', again);
    assert.deepEqual(standings(first), ['201', '201']);
    const second = await importCsv(admin, text, '', again);
    assert.equal(second.headers['idempotency-replayed'], 'true');
    assert.deepEqual(second.json, first.json);
    for (const [other, query] of [
      [`${head}paula,,,\nrosa,,,\n`, ''],
      [text.replace('username', 'username ').replace('email,name', 'name,email'), ''],
      [text, '?dry_run=1'],
    ] as const)
      assertProblem(await importCsv(admin, other, query, again), 422, 'idempotency_mismatch');
    assert.deepEqual(standings(await importCsv(admin, text)), ['409 conflict', '409 conflict']);
    assert.deepEqual(await names('rosa'), []);
  });

  it('what is no such file is refused whole, and nothing of it is made', async () => {
    const row = 'ina,,,\n';
    for (const text of [
      '',
      '\r\n',
      `name,email\n${row}`,
      `username,email,name,shoe size\n${row}`,
      `username,username,name,email\n${row}`,
      `username;email;name;privileges\n${row}`,
      `username,email,name,password_hash\n${row}`,
      `${head}${row}"jo,,,\n`,
      `${head}${row}"jo"e,,,\n`,
      `${head}${row}j"o,,,\n`,
      `${head}${row}jo\0,,,\n`,
      Buffer.concat([Buffer.from(head + row), Buffer.from([0x6a, 0xe4, 0x2c])]),
    ])
      assertProblem(await importCsv(admin, text), 400, 'invalid_request');
    const unknown = await importCsv(admin, `username,shoe size,hat\n${row}`);
    assert.match(String(unknown.json['detail']), /"shoe size", "hat"/);
    assert.match(
      String((await importCsv(admin, `username,password_hash\nx,y\n`)).json['detail']),
      /Nobody sets another/,
    );
    assert.deepEqual(await names('ina'), []);
    assert.deepEqual(standings(await importCsv(admin, head + row)), ['201']);
  });

  it('only CSV in UTF-8, plain', async () => {
    const text = `${head}karl,,,\n`;
    const typed = (type: string, more = {}) => importCsv(admin, text, '', { 'content-type': type, ...more });
    for (const type of [
      'application/json',
      'text/plain',
      'text/csv; charset=iso-8859-1',
      'text/csv; charset=utf-16',
      'text/csv; header=absent',
      'text/csv; delimiter=;',
      'application/vnd.ms-excel',
    ])
      assertProblem(await typed(type), 415, 'unsupported_media_type');
    for (const encoding of ['gzip', 'br', 'deflate', 'gzip, gzip', 'identity, gzip'])
      assertProblem(await typed('text/csv', { 'content-encoding': encoding }), 415, 'unsupported_media_type');
    assertProblem(await admin.ask(importPath, { body: { items: [] } }), 415, 'unsupported_media_type');
    assert.deepEqual(await names('karl'), []);
    assert.deepEqual(standings(await typed('Text/CSV ; header=present; charset="UTF-8"')), ['201']);
  });

  it('everybody is a file that can be imported again, with nothing in it that a spreadsheet runs', async () => {
    const list = [
      { username: '=lena', display_name: '=HYPERLINK("http://evil/","x")', groups: ['staff', 'wheel'] },
      { username: '+mona', display_name: "'-quoted", privileges: ['editor'] },
      { username: '@nils', display_name: '＝1+1', email: 'nils@example.org', active: false },
      { username: 'olga', display_name: 'O, "O"' },
    ];
    for (const body of list) await admin.create(body);
    const got = await exported();
    assert.equal(got.status, 200, got.text);
    assert.equal(got.headers['content-type'], 'text/csv; charset=utf-8; header=present');
    assert.match(got.headers['content-disposition'] ?? '', /^attachment; filename="users.csv"$/);
    const lines = got.text.split('\r\n');
    assert.equal(lines[0], 'username,email,name,privileges,groups,active');
    assert.ok(lines.includes(`"'=lena",,"'=HYPERLINK(""http://evil/"",""x"")",,staff;wheel,true`), got.text);
    assert.ok(lines.includes(`"'+mona",,"''-quoted",editor,,true`), got.text);
    assert.ok(lines.includes(`"'@nils",nils@example.org,"'＝1+1",,,false`), got.text);
    assert.ok(lines.includes('root1,,Root1,admin,,true'));
    for (const cell of got.text.split(/,|\r\n/)) assert.doesNotMatch(cell, /^"?[=+\-@\t\r＝＋－＠]/);

    assert.deepEqual(new Set(standings(await importCsv(admin, got.text))), new Set(['409 conflict']));
    const all = await users('');
    for (const { id, username } of all)
      if (username !== 'root1') assert.equal((await admin.remove(String(id))).status, 200);
    const again = await importCsv(admin, got.text);
    assert.equal(again.json['applied'], all.length - 1, again.text);
    assert.deepEqual((await exported()).text, got.text);
    assert.deepEqual((await exported('?q=olga')).text, `${lines[0]}\r\nolga,,"O, ""O""",,,true\r\n`);
    assertProblem(await exported('?q=%00'), 400, 'invalid_request');
    const json = await admin.ask('/api/auth/users', { headers: { accept: 'application/json, text/csv' } });
    assert.ok(Array.isArray(json.json['users']));
  });

  it('rows and bytes are bounded', async () => {
    const many = (rows: number): string => `username\n${Array.from({ length: rows }, (_, at) => `n-${at}\n`).join('')}`;
    assertProblem(await importCsv(admin, many(10_001)), 413, 'payload_too_large');
    assert.deepEqual(await names('n-'), []);
    const large = `${head}${`${'x'.repeat(8000)},,,\n`.repeat(1100)}`;
    assertProblem(await importCsv(admin, large), 413, 'payload_too_large');
    assertProblem(await importCsv(admin, large, '', { 'transfer-encoding': 'chunked' }), 413, 'payload_too_large');
    if (footing() !== 'sqlite') return;
    const dry = await importCsv(admin, many(10_000), '?dry_run=1');
    assert.deepEqual([dry.json['applied'], dry.json['refused']], [10_000, 0]);
    const got = await importCsv(admin, many(10_000));
    assert.deepEqual([got.json['applied'], got.json['refused']], [10_000, 0]);
    const file = (await exported()).text.split('\r\n');
    assert.equal(new Set(file.filter((line) => line.startsWith('n-'))).size, 10_000);
  });
});
