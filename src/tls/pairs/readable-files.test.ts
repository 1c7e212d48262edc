import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { detectPairs } from './detect.ts';
import { keyModeProblems, readPairFile } from './readable-files.ts';

interface Machine {
  readonly root: string;
  readonly le: string;
  readonly pve: string;
  readonly folders: readonly string[];
}

function machine(context: TestContext): Machine {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'sallyport-readable-')));
  context.after(() => rmSync(root, { recursive: true, force: true }));
  const [le, pve] = [join(root, 'letsencrypt'), join(root, 'pve')];
  for (const folder of [join(le, 'live/x'), join(le, 'archive/x'), join(root, 'secret'), join(root, 'pve-real')])
    mkdirSync(folder, { recursive: true });
  symlinkSync('pve-real', pve);
  writeFileSync(join(le, 'archive/x/privkey1.pem'), 'key');
  writeFileSync(join(le, 'archive/x/fullchain1.pem'), 'chain');
  symlinkSync('../../archive/x/privkey1.pem', join(le, 'live/x/privkey.pem'));
  symlinkSync('../../archive/x/fullchain1.pem', join(le, 'live/x/fullchain.pem'));
  writeFileSync(join(root, 'secret/there'), 'secret');
  return { root, le, pve, folders: [le, pve] };
}

async function ask({ folders }: Machine, path: string): Promise<string> {
  const found = await readPairFile(path, 'key', { kind: 'readable-folders', folders });
  return found.kind === 'read' ? `read ${found.text}` : found.problems.map(({ code }) => code).join();
}

test('files of the readable folders, by links too that stay in them', async (context) => {
  const place = machine(context);
  writeFileSync(join(place.root, 'pve-real/pve.key'), 'pve');
  symlinkSync(join(place.pve, 'pve.key'), join(place.le, 'by-name'));
  symlinkSync('../pve-real/pve.key', join(place.le, 'by-place'));
  assert.equal(await ask(place, join(place.le, 'live/x/privkey.pem')), 'read key');
  for (const path of [join(place.pve, 'pve.key'), join(place.le, 'by-name'), join(place.le, 'by-place')])
    assert.equal(await ask(place, path), 'read pve', path);
  assert.equal(await ask(place, join(place.le, 'nothing')), 'missing');
  assert.equal(await ask(place, join(place.le, 'archive/x/privkey1.pem/below')), 'missing');
});

test('outside is one answer, there or not, by itself or by a link', async (context) => {
  const place = machine(context);
  const { root, le } = place;
  symlinkSync('../secret/there', join(le, 'to-there'));
  symlinkSync('../secret/not-there', join(le, 'to-nothing'));
  symlinkSync(join(root, 'secret'), join(le, 'folder'));
  symlinkSync('folder/there', join(le, 'twice'));
  symlinkSync(join(root, 'letsencrypt-more'), join(le, 'alike'));
  for (const path of [
    join(root, 'secret/there'),
    join(root, 'secret/not-there'),
    `${le}/../secret/there`,
    `${le}/live/../../secret/there`,
    join(le, 'to-there'),
    join(le, 'to-nothing'),
    join(le, 'folder/there'),
    join(le, 'folder/not-there'),
    join(le, 'twice'),
    join(le, 'alike'),
    `${le}-more/x`,
    le,
    'letsencrypt/live/x/privkey.pem',
    `${le}/live/x/privkey.pem\0`,
    `${le}/live/x/privkey.pem\n`,
    '',
  ])
    assert.equal(await ask(place, path), 'not-readable-here', JSON.stringify(path));
});

test('only files, of a megabyte at most, and nothing that waits', async (context) => {
  const place = machine(context);
  const { le } = place;
  execFileSync('mkfifo', [join(le, 'pipe')]);
  writeFileSync(join(le, 'huge'), '');
  truncateSync(join(le, 'huge'), 1024 * 1024 + 1);
  writeFileSync(join(le, 'fits'), 'x'.repeat(1024 * 1024));
  symlinkSync('circle', join(le, 'circle'));
  for (const name of ['pipe', 'huge', 'live', 'circle']) {
    assert.equal(await ask(place, join(le, name)), 'unreadable', name);
    const named = await readPairFile(join(le, name), 'key', { kind: 'named-by-operator' });
    assert.equal(named.kind === 'unusable' && named.problems[0].code, 'unreadable', name);
  }
  assert.match(await ask(place, join(le, 'fits')), /^read x/);
});

test('who waits at the other end of a pipe is not let go', async (context) => {
  const place = machine(context);
  const pipe = join(place.le, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const writer = spawn('/bin/sh', ['-c', 'echo ready; echo x > "$0"', pipe], { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(writer, 'exit');
  await once(writer.stdout, 'data');
  for (let asked = 0; asked < 20; asked += 1) assert.equal(await ask(place, pipe), 'unreadable');
  assert.equal(await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 100, 'waits'))]), 'waits');
  writer.kill();
  await ended;
});

test('what the settings name is read wherever it is', async (context) => {
  const { root, le } = machine(context);
  symlinkSync('../secret/there', join(le, 'to-there'));
  for (const path of [join(root, 'secret/there'), join(le, 'to-there')])
    assert.equal((await readPairFile(path, 'certificate', { kind: 'named-by-operator' })).kind, 'read');
  const missing = await readPairFile(join(root, 'nothing'), 'certificate', { kind: 'named-by-operator' });
  assert.deepEqual(missing, {
    kind: 'unusable',
    problems: [{ code: 'missing', text: 'The certificate file is not there.' }],
  });
});

test('a key that others may read or change, or that others own', () => {
  for (const mode of [0o600, 0o400, 0o640, 0o100640]) {
    assert.deepEqual(keyModeProblems({ mode, uid: 1000 }, 1000), []);
    assert.deepEqual(keyModeProblems({ mode, uid: 0 }, 1000), []);
    assert.equal(keyModeProblems({ mode, uid: 1001 }, 1000)[0]?.code, 'key-mode');
  }
  for (const mode of [0o644, 0o602, 0o660, 0o620, 0o100644, 0o777])
    assert.equal(keyModeProblems({ mode, uid: 1000 }, 1000)[0]?.code, 'key-mode', mode.toString(8));
});

test('pairs are found: what was uploaded to Proxmox VE first, then the newest', async (context) => {
  const { root, le, pve, folders } = machine(context);
  for (const name of ['pve-ssl.pem', 'pve-ssl.key', 'pveproxy-ssl.pem', 'pveproxy-ssl.key'])
    writeFileSync(join(root, 'pve-real', name), '');
  mkdirSync(join(le, 'acme'));
  for (const name of ['fullchain.pem', 'privkey.pem']) writeFileSync(join(le, 'acme', name), '');
  utimesSync(join(le, 'archive/x/fullchain1.pem'), 1000, 1000);
  const names = (await detectPairs(folders)).map(({ source, certPath }) => `${source} ${certPath}`);
  assert.deepEqual(names, [
    `proxmox ${pve}/pveproxy-ssl.pem`,
    `proxmox ${pve}/pve-ssl.pem`,
    `letsencrypt ${le}/acme/fullchain.pem`,
    `letsencrypt ${le}/live/x/fullchain.pem`,
  ]);
});

test('no pair: one file alone, a link that leads out, a folder that is not there', async (context) => {
  const { root, le, folders } = machine(context);
  rmSync(join(le, 'live/x/privkey.pem'));
  writeFileSync(join(root, 'pve-real/pve-ssl.pem'), '');
  mkdirSync(join(root, 'secret/live/y'), { recursive: true });
  for (const name of ['fullchain.pem', 'privkey.pem']) writeFileSync(join(root, 'secret/live/y', name), '');
  symlinkSync('../secret/live/y', join(le, 'live/y'));
  symlinkSync('../secret/live', join(root, 'pve-real/live'));
  assert.deepEqual(await detectPairs([...folders, join(root, 'nothing')]), []);
});
