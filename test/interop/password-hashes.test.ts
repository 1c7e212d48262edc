/**
 * Hashes as other systems make them, made here by their own programs (MB6): each matches its password and no other, and
 * with one bit changed it matches nothing. And one of them in the store of a server: its owner signs in.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { rm } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { compareHash } from '../../src/crypto/foreign/compare-hash.ts';
import type { ForeignHash } from '../../src/crypto/foreign/foreign-hash.ts';
import { readForeignHash } from '../../src/crypto/foreign/read-hash.ts';
import { openKeyring } from '../../src/crypto/keyring.ts';
import { systemRandom } from '../../src/crypto/random.ts';
import { readRootKey } from '../../src/crypto/key-files/root-key.ts';
import type { UserRow } from '../../src/store/rows.ts';
import type { Username } from '../../src/types.ts';
import { passwordPlace, storedHash } from '../../src/verify/password.ts';
import { send } from '../support/client.ts';
import { need, withoutPackages } from '../support/debian.ts';
import { embed } from '../support/library.ts';
import { admin, wrongPassword } from '../support/people.ts';
import { temporaryFolder } from '../support/server.ts';
import { pause } from '../support/waiting.ts';

const run = promisify(execFile);

/** Ordinary, beyond ASCII, of just the sizes of the digests, long. */
const passwords: readonly string[] = [
  'violet anchor morning 42',
  'Zürich über alles 東京 🌈',
  'x'.repeat(32),
  'y'.repeat(64),
  'z'.repeat(128),
  'correct horse '.repeat(18).trim(),
];

async function expectExactly(text: string, password: string): Promise<void> {
  const reading = readForeignHash(text);
  assert.ok(reading.kind === 'hash', `${text}: ${JSON.stringify(reading)}`);
  const { hash } = reading;
  assert.equal((await compareHash(hash, password)).kind, 'match', `${text} of ${password}`);
  for (const wrong of [`x${password}`, `q${password.slice(1)}`, password.toUpperCase()])
    assert.equal((await compareHash(hash, wrong)).kind, 'mismatch', `${text} of ${wrong}`);
  assert.equal((await compareHash(changed(hash), password)).kind, 'mismatch', text);
}

function changed(hash: ForeignHash): ForeignHash {
  if (typeof hash.tag === 'string')
    return { ...hash, tag: `${hash.tag.startsWith('a') ? 'b' : 'a'}${hash.tag.slice(1)}` } as ForeignHash;
  const tag = Uint8Array.from(hash.tag);
  tag[0] = (tag[0] ?? 0) ^ 1;
  return { ...hash, tag } as ForeignHash;
}

/** What a program says on its output, with the password on its input or among its arguments. */
async function say(program: string, args: readonly string[], input = ''): Promise<string> {
  const running = run(program, args, { env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C.UTF-8' } });
  // Who has the password among the arguments does not wait for the input, and may be gone before it ends.
  running.child.stdin?.on('error', () => undefined).end(input);
  return (await running).stdout.trim();
}

describe('password hashes of other systems', { skip: withoutPackages }, () => {
  for (const method of ['sha256crypt', 'sha512crypt', 'bcrypt', 'bcrypt-a'])
    it(`mkpasswd: ${method}`, async () => {
      const mkpasswd = await need('mkpasswd', 'whois');
      for (const password of passwords) {
        // What stands beyond 72 bytes is nobody's with bcrypt.
        const text = await say(
          mkpasswd,
          ['--stdin', '-m', method, '-R', method.startsWith('b') ? '5' : '1234'],
          password,
        );
        await expectExactly(text, password);
      }
    });

  it('mkpasswd: yescrypt is refused by its name', async () => {
    const text = await say(await need('mkpasswd', 'whois'), ['--stdin', '-m', 'yescrypt'], 'violet');
    assert.deepEqual(readForeignHash(text), { kind: 'unknown', why: 'yescrypt is not supported' });
  });

  it('openssl passwd -5 and -6', async () => {
    const openssl = await need('openssl', 'openssl');
    for (const password of passwords)
      for (const kind of ['-5', '-6'])
        await expectExactly(await say(openssl, ['passwd', kind, '-stdin'], password), password);
  });

  it('htpasswd -B', async () => {
    const htpasswd = await need('htpasswd', 'apache2-utils');
    for (const password of passwords) {
      const line = await say(htpasswd, ['-nbBC', '5', 'ada', password]);
      await expectExactly(line.slice('ada:'.length), password);
    }
  });

  it('argon2, all kinds, both versions', async () => {
    const argon2 = await need('argon2', 'argon2');
    // Its command line takes 127 bytes.
    for (const password of passwords.filter((each) => Buffer.byteLength(each) < 128))
      for (const kind of ['-i', '-d', '-id'])
        for (const version of ['10', '13']) {
          const args = ['saltsaltsalt', kind, '-v', version, '-m', '12', '-t', '3', '-p', '2', '-e'];
          const text = await say(argon2, args, password);
          await expectExactly(kind === '-id' ? `{ARGON2ID}${text}` : text, password);
        }
  });

  it("doveadm pw, with the scheme's name before each", async () => {
    const doveadm = await need('doveadm', 'dovecot-core');
    for (const scheme of ['SHA512-CRYPT', 'SHA256-CRYPT', 'BLF-CRYPT', 'ARGON2I', 'CRYPT']) {
      // Its Argon2 takes seconds: one password is enough.
      for (const password of scheme === 'ARGON2I' ? passwords.slice(1, 2) : passwords) {
        const rounds = ['-r', scheme.startsWith('SHA') ? '1234' : '5'];
        const text = await say(doveadm, ['pw', '-s', scheme, '-p', password, ...rounds]);
        assert.ok(text.startsWith(`{${scheme}}`), text);
        await expectExactly(text, password);
      }
    }
  });

  it('doveadm pw: Argon2id as it makes it by itself', async () => {
    const text = await say(await need('doveadm', 'dovecot-core'), ['pw', '-s', 'ARGON2ID', '-p', 'violet anchor']);
    await expectExactly(text, 'violet anchor');
  });

  /** Debian's own Python finds Debian's packages. */
  const python = async (code: string, password: string): Promise<readonly string[]> =>
    (await say('/usr/bin/python3', ['-W', 'ignore', '-c', code], password)).split('\n');

  it('Python: hashlib, as ProxMenux writes it', async () => {
    await need('/usr/bin/python3', 'python3');
    const code = `
import base64, hashlib, os, sys
password, salt = sys.stdin.buffer.read(), os.urandom(16)
derived = hashlib.pbkdf2_hmac('sha256', password, salt, 600000, dklen=32)
print('pbkdf2_sha256$600000$' + base64.b64encode(salt).decode() + '$' + base64.b64encode(derived).decode())`;
    for (const password of passwords.slice(0, 2))
      for (const text of await python(code, password)) await expectExactly(text, password);
  });

  it('Werkzeug', async () => {
    await need('/usr/lib/python3/dist-packages/werkzeug/security.py', 'python3-werkzeug');
    const code = `
import hashlib, os, sys
from werkzeug.security import generate_password_hash as make
password = sys.stdin.read()
print(make(password))
for method in ['pbkdf2:sha1:1000', 'pbkdf2:sha256:5000', 'pbkdf2:sha512:5000']: print(make(password, method))
made = hashlib.scrypt(password.encode(), salt=b'a1B2c3D4e5F6g7H8', n=1024, r=8, p=1, dklen=64).hex()
print('scrypt:1024:8:1$a1B2c3D4e5F6g7H8$' + made)`;
    for (const password of passwords)
      for (const text of await python(code, password)) await expectExactly(text, password);
  });

  it('Django', async () => {
    await need('/usr/lib/python3/dist-packages/django/__init__.py', 'python3-django');
    const code = `
import sys
from django.conf import settings
settings.configure()
from django.contrib.auth.hashers import PBKDF2PasswordHasher as P, PBKDF2SHA1PasswordHasher as S
password = sys.stdin.read()
for hasher in [P(), S()]: print(hasher.encode(password, hasher.salt(), 5000))
print(P().encode(password, P().salt()))`;
    for (const password of passwords)
      for (const text of await python(code, password)) await expectExactly(text, password);
  });

  it('passlib', async () => {
    await need('/usr/lib/python3/dist-packages/passlib/__init__.py', 'python3-passlib');
    const code = `
import sys
from passlib.hash import scrypt, sha256_crypt, sha512_crypt, django_pbkdf2_sha256
password = sys.stdin.read()
print(scrypt.using(rounds=10).hash(password))
for scheme in [sha256_crypt, sha512_crypt]: print(scheme.using(rounds=1000, salt='').hash(password)); print(scheme.using(rounds=5000).hash(password))
print(django_pbkdf2_sha256.using(rounds=1000).hash(password))`;
    for (const password of passwords)
      for (const text of await python(code, password)) await expectExactly(text, password);
  });
});

describe('a server whose store has an imported hash', () => {
  it('lets its owner in, nobody else, and keeps a hash of its own from then on', async (context) => {
    const folder = await temporaryFolder();
    context.after(() => rm(folder, { recursive: true, force: true }));
    const rootKeyFile = join(folder, 'root.key');
    const server = await embed({ argv: ['--root-key-file', rootKeyFile] });
    context.after(() => server.close());
    const first = await send(`${server.console}/api/auth/setup`, { body: { setup_code: server.setupCode, ...admin } });
    assert.equal(first.status, 201, first.text);

    const root = readRootKey(rootKeyFile);
    assert.ok(root.kind === 'read', JSON.stringify(root.kind));
    const ring = openKeyring(await server.engine.keys(), root.root, systemRandom);
    assert.ok(ring.kind === 'opened');
    const stored = async (): Promise<{ readonly user: UserRow; readonly hash: string }> => {
      const found = await server.engine.userByName('root1' as Username);
      assert.ok(found.kind === 'found');
      return { user: found.user, hash: storedHash(ring.keyring, found.user) };
    };
    const { user } = await stored();
    const openssl = await need('openssl', 'openssl');
    const imported = readForeignHash(
      `{SHA512-CRYPT}${await say(openssl, ['passwd', '-6', '-stdin'], 'an older password')}`,
    );
    assert.ok(imported.kind === 'hash');
    await server.engine.rehashPassword({
      userId: user.id,
      generation: user.credentialGeneration,
      sealedPassword: ring.keyring.seal(passwordPlace(user.id), imported.canonical),
    });

    const signIn = (password: string) =>
      send(`${server.console}/api/auth/login`, { body: { username: admin.username, password } });
    for (const wrong of [admin.password, wrongPassword]) assert.equal((await signIn(wrong)).status, 401);
    assert.equal((await stored()).hash, imported.canonical);

    assert.equal((await signIn('an older password')).status, 200);
    for (let tries = 0; tries < 100 && (await stored()).hash === imported.canonical; tries += 1) await pause(20);
    assert.match((await stored()).hash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    assert.equal((await stored()).user.credentialGeneration, user.credentialGeneration);
    assert.equal((await signIn('an older password')).status, 200);
    assert.equal((await signIn('an older passwore')).status, 401);
    assert.ok(!server.lines.some((line) => line.includes('older') || line.includes('$6$')));
  });
});
