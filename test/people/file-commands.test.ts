/** `sallyport user import` and `export`: with the server running and without. */
import assert from 'node:assert/strict';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { malformedUsernameText } from '../../src/request/username.ts';
import { login } from '../support/invited.ts';
import { commandsOf } from '../support/commands.ts';
import { setUp } from '../support/people.ts';
import { type RunningServer, runCommand, startServer, temporaryFolder } from '../support/server.ts';

const head = 'username,email,name,privileges,password_hash\n';
const passphrase = 'correct horse battery staple';

describe('sallyport user import, export', () => {
  let server: RunningServer;
  let folder: string;
  before(async () => {
    server = await startServer();
    await setUp(server);
    folder = await temporaryFolder();
  });
  after(async () => {
    await server.remove();
    await rm(folder, { recursive: true, force: true });
  });

  const { run, well, json, fails } = commandsOf('user', () => server.data);
  const file = async (name: string, text: string): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, text);
    return path;
  };

  const whole = async (whose: string): Promise<void> => {
    const good = await file(
      `${whose}.csv`,
      `${head}anna-${whose},anna@example.org,"Anna, A.",editor;viewer,\nben-${whose},,,,\n`,
    );
    assert.equal(await well('import', '--dry-run', good), '2 of 2 accounts can be made; nothing was written');
    await fails(69, /There is no such user/, 'show', `anna-${whose}`);
    assert.equal(await well('import', good), '2 of 2 accounts were made');
    const anna = (await json('show', `anna-${whose}`))['user'] as Record<string, unknown>;
    assert.deepEqual(
      [anna['email'], anna['display_name'], anna['privileges'], anna['has_password']],
      ['anna@example.org', 'Anna, A.', ['editor', 'viewer'], false],
    );

    const mixed = await file(
      `mixed-${whose}.csv`,
      `${head}anna-${whose},,,,\nx y,,,,\ncarla-${whose},,,,\nCARLA-${whose},,,,\ndirk-${whose},,,,plain text\n`,
    );
    const ran = await run('import', mixed);
    assert.deepEqual([ran.code, ran.err], [1, '']);
    assert.deepEqual(ran.out.trimEnd().split('\n'), [
      'row 1: conflict: That user name is taken.',
      `row 2: invalid_request: ${malformedUsernameText.character}`,
      'row 4: conflict: Row 3 has that user name, too.',
      'row 5: invalid_request: The password hash cannot be taken: empty, or with white space or characters beyond ASCII.',
      '1 of 5 accounts were made',
    ]);
    const told = await run('import', mixed, '--json');
    assert.equal(told.code, 1);
    const { success, applied, refused, results } = JSON.parse(told.out) as Record<string, unknown>;
    assert.deepEqual([success, applied, refused, (results as unknown[]).length], [true, 0, 5, 5]);

    const input = await runCommand(['user', 'import', '-', '--data', server.data], {}, `username\nemma-${whose}\n`);
    assert.deepEqual([input.code, input.out], [0, '1 of 1 accounts were made\n']);

    const lines = (await well('export')).split('\r\n');
    assert.equal(lines[0], 'username,email,name,privileges,groups,active');
    assert.ok(lines.includes(`anna-${whose},anna@example.org,"Anna, A.",editor;viewer,,true`));
    const out = join(folder, `out-${whose}.csv`);
    assert.match(await well('export', out), /^\d+ accounts are in /);
    assert.equal((await stat(out)).mode & 0o777, 0o600);
    const written = await readFile(out, 'utf8');
    assert.equal(written.trimEnd(), lines.join('\r\n').trimEnd());
    const again = await run('import', out, '--json');
    assert.equal((JSON.parse(again.out) as { applied: number }).applied, 0);
    const { users } = await json('export');
    assert.equal((users as unknown[]).length, lines.length - 1);

    await fails(
      64,
      /^sallyport: There is no column "shoe size"/,
      'import',
      await file('bad.csv', 'username,shoe size\na,b\n'),
    );
    await fails(64, /ends inside quotes/, 'import', await file('bad.csv', 'username\n"a\n'));
    await fails(
      64,
      /not UTF-8/,
      'import',
      await file('bad.csv', 'username\n').then(async (path) => (await writeFile(path, Buffer.from([0xff])), path)),
    );
    await fails(69, /cannot read .*ENOENT/, 'import', join(folder, 'nowhere.csv'));
    await fails(69, /cannot write .*ENOENT/, 'export', join(folder, 'nowhere', 'x.csv'));
    await fails(64, /^sallyport: expected: sallyport user import FILE$/m, 'import');
  };

  it('with the server running', () => whole('running'));

  it('thousands of rows in parts, with lines that tell how far it is; long rows, too', async () => {
    const many = Array.from({ length: 2500 }, (_, at) => `m-${at},,${'n'.repeat(at % 2 === 0 ? 1 : 120)},,\n`);
    const ran = await run('import', await file('many.csv', head + many.join('')));
    assert.deepEqual([ran.code, ran.out], [0, '2500 of 2500 accounts were made\n']);
    assert.deepEqual(ran.err.trimEnd().split('\n'), ['1000 of 2500 rows', '2000 of 2500 rows']);
    const words = Array.from({ length: 32 }, (_, at) => `${'g'.repeat(40)}-${at}`).join(';');
    const long = Array.from({ length: 150 }, (_, at) => `l-${at},${words},${words}\n`);
    assert.equal(
      await well('import', await file('long.csv', `username,groups,privileges\n${long.join('')}`)),
      '150 of 150 accounts were made',
    );
  });

  it('a password that somebody has already comes along as its hash, and is theirs from then on', async () => {
    const { bcrypt } = await hashes();
    assert.equal(
      await well('import', await file('hashes.csv', `${head}hilda,,,,${bcrypt}\n`)),
      '1 of 1 accounts were made',
    );
    const hilda = (await json('show', 'hilda'))['user'] as Record<string, unknown>;
    assert.equal(hilda['has_password'], true);
    assert.doesNotMatch(await well('export'), /\$2b\$/);
    assert.equal(
      (await login(server.console, 'hilda', 'something else entirely 42', { from: '127.31.0.1' })).status,
      401,
    );
    assert.equal((await login(server.console, 'hilda', passphrase, { from: '127.32.0.1' })).status, 200);
    assert.equal((await login(server.console, 'hilda', passphrase, { from: '127.33.0.1' })).status, 200);
    const costly = bcrypt.replace('$04$', '$31$');
    const ran = await run('import', await file('costly.csv', `${head}igor,,,,${costly}\n`));
    assert.equal(ran.code, 1);
    assert.match(ran.out, /^row 1: invalid_request: The password hash cannot be taken: needs 31 doublings/);
  });

  it('with the server stopped', async () => {
    assert.equal(await server.end(), 0);
    await whole('stopped');
    server = await startServer({ data: server.data, standing: 'set-up' });
    assert.equal(((await json('show', 'anna-stopped'))['user'] as Record<string, unknown>)['active'], true);
  });
});

async function hashes(): Promise<{ readonly bcrypt: string }> {
  const { hash } = await import('bcryptjs');
  return { bcrypt: await hash(passphrase, 4) };
}
