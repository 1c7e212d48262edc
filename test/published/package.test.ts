/**
 * The published form: packed, installed into an empty folder and run by plain `node`, from anywhere. The package holds what
 * it needs and nothing else.
 */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { hashThread } from '../../src/crypto/foreign/hash-thread.ts';
import { readForeignHash } from '../../src/crypto/foreign/read-hash.ts';
import { authenticator } from '../support/authenticator.ts';
import { send } from '../support/client.ts';
import { withoutPackages } from '../support/debian.ts';
import { startEcho } from '../support/echo.ts';
import { admin, setUp, signIn, signInBearer } from '../support/people.ts';
import { sharedPostgres } from '../support/postgres.ts';
import { assertProblem } from '../support/problem.ts';
import { startServer, temporaryFolder } from '../support/server.ts';
import { startValkey } from '../support/valkey.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const manyMiB = 64 * 1024 * 1024;

describe('the published package', () => {
  let folder: string;
  let installed: string;
  let entry: string;
  let packed: readonly string[];
  before(
    async () => {
      folder = await temporaryFolder();
      // Built in a copy: tests that run beside this one use the pages of the repository.
      const copy = join(folder, 'copy');
      await mkdir(join(copy, 'dist'), { recursive: true });
      for (const name of [
        'src',
        'tools',
        'deploy',
        'package.json',
        'tsconfig.json',
        'tsconfig.build.json',
        'README.md',
        'LICENSE',
      ])
        await cp(join(root, name), join(copy, name), { recursive: true });
      await cp(join(root, 'dist/console'), join(copy, 'dist/console'), { recursive: true });
      await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
      await run(process.execPath, ['tools/build-server.ts'], { cwd: copy });
      await run(join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.build.json'], { cwd: copy });
      await rm(join(copy, 'node_modules'));
      const { stdout } = await npm(copy, ['pack', '--ignore-scripts', '--json', '--pack-destination', folder]);
      const [about] = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[];
      packed = (about?.files ?? []).map(({ path }) => path);
      installed = join(folder, 'installed');
      await mkdir(installed);
      await writeFile(join(installed, 'package.json'), '{"private":true,"type":"module"}');
      await npm(installed, ['install', '--no-audit', '--no-fund', join(folder, about?.filename ?? '')]);
      entry = join(installed, 'node_modules/.bin/sallyport');
    },
    { timeout: 180_000 },
  );
  after(() => rm(folder, { recursive: true, force: true }));

  /** With this very Node, whatever the system's is. */
  const npm = (cwd: string, args: readonly string[]) =>
    run('npm', args, {
      cwd,
      maxBuffer: manyMiB,
      env: { ...process.env, PATH: [join(process.execPath, '..'), process.env['PATH'] ?? ''].join(delimiter) },
    });

  it('holds the server, its pages, its lists and the types, and no test, source or data', () => {
    for (const name of [
      'dist/server/sallyport.js',
      'dist/server/sallyport.part.js',
      'dist/server/LICENSES.txt',
      'dist/server/index.js',
      'dist/server/writer.js',
      'dist/server/hash-worker.js',
      'dist/server/common-passwords.bin',
      'dist/server/migrations/sqlite/0001-first.sql',
      'dist/server/migrations/postgres/0001-first.sql',
      'dist/console/index.html',
      'dist/types/index.d.ts',
      'deploy/fail2ban/filter.d/sallyport.conf',
      'deploy/fail2ban/jail.d/sallyport.conf',
      'package.json',
      'README.md',
      'LICENSE',
    ])
      assert.ok(packed.includes(name), `${name} is not in the package`);
    assert.deepEqual(
      packed.filter((name) => /\.test\.|\.map$|(?<!\.d)\.ts$|\.(db|key|log)$|node_modules|sallyport-data/.test(name)),
      [],
    );
  });

  it('says nothing of the machine it was built on', async () => {
    for (const name of packed.filter((each) => /\.(js|html|css|json|ts)$/.test(each))) {
      const text = await readFile(join(installed, 'node_modules/sallyport', name), 'utf8');
      for (const place of [folder, root.replace(/\/$/, '')]) assert.ok(!text.includes(place), `${name} names ${place}`);
    }
  });

  it('runs: first run, sign-in, the application behind it, refusals, the end; and once more on the same data', async (context) => {
    const echo = await startEcho();
    context.after(() => echo.close());
    // Through the link that npm makes, and in a folder that has nothing to do with it.
    const first = await startServer({ entry, cwd: folder, upstream: echo.url });
    context.after(() => first.remove());
    await setUp(first);
    const person = await signIn(first);
    assert.equal((await person.send('/api/auth/sessions')).status, 200);
    // What is loaded late is there, too.
    const named = await signIn({ console: first.url });
    const pending = await named.page('/api/auth/totp/setup', { body: {} });
    assert.match(String(pending.json['qr_code']), /^data:image\/svg\+xml;base64,/, pending.text);
    const options = await named.page('/api/auth/passkeys/options', { body: {} });
    const added = await named.page('/api/auth/passkeys', { body: authenticator().create(options.json, first.url) });
    assert.equal(added.status, 201, added.text);
    const { id } = added.json['passkey'] as { readonly id: string };
    assert.equal((await named.page(`/api/auth/passkeys/${id}`, { method: 'DELETE', body: {} })).status, 200);
    const page = await send(`${first.url}/auth/sign-in`, { headers: { accept: 'text/html' } });
    assert.equal(page.status, 200);
    const [, script = ''] = /src="(\/auth\/assets\/[^"]+\.js)"/.exec(page.text) ?? [];
    const asset = await send(`${first.url}${script}`, { headers: { 'accept-encoding': 'br' } });
    assert.deepEqual([asset.status, asset.headers['content-encoding']], [200, 'br']);
    assertProblem(await send(`${first.application}/x`), 401, 'unauthorized');
    const weak = await send(`${first.console}/api/auth/login`, {
      body: { ...admin, password: 'wrong wrong wrong 12' },
    });
    assertProblem(weak, 401, 'invalid_credentials');
    assert.equal((await send(`${first.console}/api/auth/openapi.json`)).status, 200);
    assert.equal(await first.end(), 0);

    const second = await startServer({ entry, cwd: folder, data: first.data, upstream: echo.url });
    context.after(() => second.end());
    assert.equal(second.setupCode, '');
    assert.equal((await person.send('/api/auth/sessions').catch(() => ({ status: 0 }))).status, 0, 'the first is gone');
    await signIn(second);
  });

  it(
    'runs over PostgreSQL with Valkey beside it: what speaks to them is in it',
    { skip: withoutPackages },
    async (context) => {
      const database = await (await sharedPostgres()).createDatabase();
      const valkey = await startValkey();
      context.after(() => valkey.remove());
      const server = await startServer({
        entry,
        cwd: folder,
        env: { SALLYPORT_DATABASE: database.url, SALLYPORT_VALKEY: valkey.url },
      });
      context.after(() => server.remove());
      await setUp(server);
      const token = await signInBearer(server, { kind: 'admin' });
      const headers = { authorization: `Bearer ${token}` };
      assert.equal((await send(`${server.console}/api/auth/sessions`, { headers })).status, 200);
      assert.equal((await send(`${server.console}/readyz`)).json['shared_limits'], 'working');
      assert.equal(await server.end(), 0);
    },
  );

  it('refuses common passwords: the list is in it', async (context) => {
    const server = await startServer({ entry, cwd: folder });
    context.after(() => server.remove());
    const got = await send(`${server.console}/api/auth/setup`, {
      body: { setup_code: server.setupCode, username: 'root1', password: 'passwordpassword' },
    });
    assertProblem(got, 422, 'password_refused');
  });

  it('checks imported hashes in a thread of its own, with all that it takes', async (context) => {
    const program = join(installed, 'node_modules/sallyport/dist/server/hash-worker.js');
    const thread = hashThread({ program: pathToFileURL(program) });
    context.after(() => thread.stop());
    for (const [password, text] of [
      ['U*U', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
      ['Hello world!', '$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5'],
      ['passwd', 'pbkdf2:sha256:1$salt$55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc'],
      ['password', '$argon2i$m=65536,t=2,p=1$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ'],
    ] as const) {
      const reading = readForeignHash(text);
      assert.ok(reading.kind === 'hash', text);
      assert.deepEqual(await thread.ask({ hash: reading.hash, password }), { kind: 'match' }, text);
      assert.deepEqual(await thread.ask({ hash: reading.hash, password: `${password}x` }), { kind: 'mismatch' }, text);
    }
    for (const bundle of ['sallyport.part.js', 'index.js'])
      assert.match(
        await readFile(join(installed, 'node_modules/sallyport/dist/server', bundle), 'utf8'),
        /new URL\(["'`]\.\/hash-worker\.js["'`]/,
      );
  });

  it('is a library, too, with types', async () => {
    await writeFile(
      join(installed, 'try.ts'),
      `import { createSallyport, loadSettings, type Sallyport } from 'sallyport';
const settings = loadSettings({ argv: [], env: {}, readFile: () => ({ kind: 'missing' }) });
if (settings.kind === 'refused') throw new Error('refused');
const make: (options: Parameters<typeof createSallyport>[0]) => Promise<unknown> = createSallyport;
type Guard = Sallyport['guard'];
const admit = (guard: Guard): Guard['admit'] => guard.admit;
process.stdout.write(\`\${typeof make} \${typeof admit} \${settings.settings.session.account.idleMs}\`);
`,
    );
    const { stdout } = await run(process.execPath, ['try.ts'], { cwd: installed });
    assert.equal(stdout, 'function function 86400000');
    const check = [
      '--noEmit',
      '--strict',
      '--module',
      'nodenext',
      '--target',
      'esnext',
      '--types',
      'node',
      '--skipLibCheck',
    ];
    const types = ['--typeRoots', join(root, 'node_modules/@types')];
    await run(join(root, 'node_modules/.bin/tsc'), [...check, ...types, 'try.ts'], { cwd: installed });
    await writeFile(
      join(installed, 'wrong.ts'),
      `import { createSallyport } from 'sallyport';\nvoid createSallyport(1);\n`,
    );
    await assert.rejects(
      run(join(root, 'node_modules/.bin/tsc'), [...check, ...types, 'wrong.ts'], { cwd: installed }),
      (fault: { stdout?: string }) => /not assignable/.test(fault.stdout ?? ''),
    );
  });

  it('has one clear line for an older Node', async (context) => {
    const older = await nodeOf(/^v(1\d|2[0-3])\./);
    if (older === undefined) return context.skip('there is no older Node on this machine');
    const fault = await run(older, [entry, 'serve']).then(
      () => undefined,
      (thrown: { code: number; stderr: string }) => thrown,
    );
    assert.equal(fault?.code, 70);
    assert.match(fault.stderr, /^sallyport: this needs Node 24\.12 or newer; this is [\d.]+\.\n$/);
  });

  it('with a part missing ends with a line that names it', async () => {
    const pages = join(installed, 'node_modules/sallyport/dist/console');
    await rename(pages, `${pages}-away`);
    const child = spawn(process.execPath, [entry, 'serve', '--data', join(folder, 'never')], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (part: Buffer) => (said += part.toString()));
    const code = await new Promise((resolve) => child.once('exit', resolve));
    await rename(`${pages}-away`, pages);
    assert.equal(code, 70);
    assert.match(said, /the pages are not built \(.*dist\/console\)/);
  });

  it('leaves nothing behind in the folder it was started from', async () => {
    assert.deepEqual(
      (await readdir(folder)).filter((name) => !/^(copy|installed|never|sallyport-.*\.tgz)$/.test(name)),
      [],
    );
  });
});

async function nodeOf(version: RegExp): Promise<string | undefined> {
  for (const place of (process.env['PATH'] ?? '').split(delimiter)) {
    const candidate = join(place, 'node');
    if (!existsSync(candidate)) continue;
    const { stdout } = await run(candidate, ['--version']);
    if (version.test(stdout)) return candidate;
  }
  return undefined;
}
