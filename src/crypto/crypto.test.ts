import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Millis } from '../types.ts';
import { canonicalCode, newRecoveryCodes, newSetupCode, recoveryCodeDigest } from './code.ts';
import { compareDigests, csrfToken, digest, keyedDigest } from './digest.ts';
import { newCanary, newKey, openCanary, openKeyring, type RootKey } from './keyring.ts';
import { newSecret, systemRandom } from './random.ts';
import { open, seal } from './seal.ts';
import { newToken, readToken, sessionTokenPrefix } from './token.ts';

const root: RootKey = { bytes: systemRandom.bytes(32) };
const otherRoot: RootKey = { bytes: systemRandom.bytes(32) };
const now = 1_800_000_000_000 as Millis;

test('digest() is SHA-256 in base64url (FIPS 180-4, "abc")', () => {
  assert.equal(digest('abc'), 'ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0');
});

test('keyedDigest() tells lists apart that read the same when joined', () => {
  assert.notEqual(keyedDigest('k', 'p', 'ab', 'c'), keyedDigest('k', 'p', 'a', 'bc'));
  assert.notEqual(keyedDigest('k', 'p', 'a'), keyedDigest('k', 'q', 'a'));
  assert.notEqual(keyedDigest('k', 'p', '1:a'), keyedDigest('k', 'p', '1', 'a'));
});

test('compareDigests() finds equals equal and everything else different', () => {
  assert.equal(compareDigests('same', 'same').kind, 'equal');
  for (const other of ['Same', 'same ', '', 'samf']) assert.equal(compareDigests('same', other).kind, 'different');
});

test('csrfToken() belongs to one session token', () => assert.notEqual(csrfToken('a'), csrfToken('b')));

test('newToken() makes tokens that readToken() takes, each another one', () => {
  const made = Array.from({ length: 2000 }, () => newToken(sessionTokenPrefix, systemRandom));
  assert.equal(new Set(made).size, made.length);
  for (const token of made) {
    assert.match(token, /^sps_[0-9A-Za-z]{36}$/);
    assert.equal(readToken(token, sessionTokenPrefix).kind, 'token');
  }
});

test('readToken() finds any changed character', () => {
  const token = newToken(sessionTokenPrefix, systemRandom);
  for (let at = sessionTokenPrefix.length; at < token.length; at += 1) {
    const changed = `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`;
    assert.equal(readToken(changed, sessionTokenPrefix).kind, 'damaged', changed);
  }
  for (const text of [token.slice(0, -1), `${token}A`, `${token} `, 'sps_', `sps_${'!'.repeat(36)}`])
    assert.equal(readToken(text, sessionTokenPrefix).kind, 'damaged');
  assert.equal(readToken(`spt_${token.slice(4)}`, sessionTokenPrefix).kind, 'foreign');
});

test('codes: 80 bits for setting up, 125 for recovery, and any way of typing them is one code', () => {
  assert.match(newSetupCode(systemRandom), /^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$/);
  const codes = newRecoveryCodes(systemRandom);
  assert.equal(new Set(codes).size, 10);
  for (const each of codes) assert.match(each, /^([0-9A-HJKMNP-TV-Z]{5}-){4}[0-9A-HJKMNP-TV-Z]{5}$/);
  const [code = ''] = codes;
  for (const typed of [code.toLowerCase(), code.replaceAll('-', ' '), code.replaceAll('0', 'O').replaceAll('1', 'l')])
    assert.deepEqual(
      [canonicalCode(typed), recoveryCodeDigest(typed)],
      [canonicalCode(code), recoveryCodeDigest(code)],
    );
  assert.notEqual(recoveryCodeDigest(`${code}A`), recoveryCodeDigest(code));
});

test('seal(): what is sealed opens under its key and place, and nowhere else', () => {
  const key = { id: 'k', bytes: systemRandom.bytes(32) };
  fc.assert(
    fc.property(fc.uint8Array(), fc.string(), (plain, row) => {
      const sealed = seal(key, ['password', row], plain, systemRandom);
      const opened = open(key, ['password', row], sealed);
      assert.deepEqual(opened.kind === 'opened' && Uint8Array.from(opened.bytes), plain);
      assert.equal(open(key, ['password', `${row}x`], sealed).kind, 'damaged');
      assert.equal(open(key, ['totp', row], sealed).kind, 'damaged');
      assert.equal(open({ ...key, bytes: systemRandom.bytes(32) }, ['password', row], sealed).kind, 'damaged');
    }),
    { numRuns: 50 },
  );
});

test('open() finds every changed character of a sealed value', () => {
  const key = { id: 'k', bytes: systemRandom.bytes(32) };
  const sealed = seal(key, ['x'], Buffer.from('secret'), systemRandom);
  for (let at = 0; at < sealed.length - 1; at += 1) {
    const changed = `${sealed.slice(0, at)}${sealed[at] === 'A' ? 'B' : 'A'}${sealed.slice(at + 1)}`;
    assert.equal(open(key, ['x'], changed).kind, 'damaged', changed);
  }
  for (const text of ['', 'v1', 'v1.k..', 'v2.k.a.b', `${sealed}.x`])
    assert.equal(open(key, ['x'], text).kind, 'damaged');
});

test('openKeyring() opens its own rows and refuses those of another root key, swapped or missing', () => {
  const rows = (['seal', 'cookie', 'audit', 'ticket'] as const).map((purpose) =>
    newKey(purpose, root, now, systemRandom),
  );
  const ring = openKeyring(rows, root, systemRandom);
  assert.equal(ring.kind, 'opened');
  assert.equal(openKeyring(rows, otherRoot, systemRandom).kind, 'damaged');
  for (const gone of rows)
    assert.equal(
      openKeyring(
        rows.filter((row) => row !== gone),
        root,
        systemRandom,
      ).kind,
      'damaged',
    );
  const [first, second] = rows;
  assert.ok(first && second);
  assert.equal(
    openKeyring([{ ...first, sealed: second.sealed }, ...rows.slice(1)], root, systemRandom).kind,
    'damaged',
  );
});

test('a keyring opens what an older key sealed', () => {
  const old = (['seal', 'cookie', 'audit', 'ticket'] as const).map((purpose) =>
    newKey(purpose, root, now, systemRandom),
  );
  const before = openKeyring(old, root, systemRandom);
  assert.ok(before.kind === 'opened');
  const sealed = before.keyring.seal(['password', 'u'], 'text');
  const after = openKeyring([...old, newKey('seal', root, (now + 1) as Millis, systemRandom)], root, systemRandom);
  assert.ok(after.kind === 'opened');
  const opened = after.keyring.open(['password', 'u'], sealed);
  assert.equal(opened.kind === 'opened' && opened.bytes.toString(), 'text');
  assert.notEqual(after.keyring.seal(['x'], 'y').split('.')[1], sealed.split('.')[1]);
});

test('a canary opens for its own installation and root key only', () => {
  const canary = newCanary('i', root, systemRandom);
  assert.equal(openCanary('i', canary, root).kind, 'opened');
  assert.equal(openCanary('j', canary, root).kind, 'damaged');
  assert.equal(openCanary('i', canary, otherRoot).kind, 'damaged');
});

test('newSecret() has 256 bits', () => assert.match(newSecret(systemRandom), /^[A-Za-z0-9_-]{43}$/));
