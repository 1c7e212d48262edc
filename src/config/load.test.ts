import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { loadSettings, readSettingsFile } from './load.ts';
import { type Given, inData, load, secretText, told, toml } from './load-fixture.ts';
import { type SettingName, settingNames } from './schema.ts';
import { flagOf, variableOf } from './spelling.ts';

suite('sources', () => {
  const layers = {
    argv: ['--cookie-name', 'flag'],
    env: { SALLYPORT_COOKIE_NAME: 'environment', SALLYPORT_LOG_LEVEL: 'warn' },
    files: { [inData]: 'cookie-name = "file"\nlog-level = "error"\n[password]\npasses = 3' },
  };

  test('flags over environment over file over defaults, and the origin of each', () => {
    const loaded = load(layers);
    assert.ok(loaded.kind === 'settings');
    assert.deepEqual(
      [loaded.settings.cookieName, loaded.settings.logLevel, loaded.settings.password.passes],
      ['flag', 'warn', 3],
    );
    assert.deepEqual(loaded.origins['cookie-name'], { kind: 'flag', spelling: '--cookie-name' });
    assert.deepEqual(loaded.origins['log-level'], { kind: 'environment', spelling: 'SALLYPORT_LOG_LEVEL' });
    assert.deepEqual(loaded.origins['password.passes'], { kind: 'file', spelling: 'password.passes', path: inData });
    assert.deepEqual(loaded.origins.listen, { kind: 'default' });
  });

  test('a secret given as a file and as a value in different sources follows the order of sources', () => {
    const loaded = load({
      argv: ['--setup-code-file', '/run/code'],
      env: { SALLYPORT_SETUP_CODE: 'another-secret-text' },
      files: { '/run/code': secretText },
    });
    assert.ok(loaded.kind === 'settings');
    assert.equal(loaded.settings.setupCode, secretText);
    assert.deepEqual(loaded.warnings, []);
  });

  test('unknown variables warn and say so', () => {
    const loaded = load({ env: { SALLYPORT_LISTN: 'x', SALLYPORT___PROTO__: 'x', LISTEN: 'x', PATH: '/bin' } });
    assert.equal(loaded.kind, 'settings');
    assert.match(
      told(loaded)[0] ?? '',
      /^SALLYPORT_LISTN @ environment: .*only warns.* Did you mean SALLYPORT_LISTEN\?/,
    );
    assert.equal(told(loaded).length, 2);
  });

  test('names of prototypes are unknown settings and nothing else', () => {
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
    for (const name of names) {
      assert.match(told(load({ argv: [`--${name}`, 'x'] })).join('\n'), /^--\w+ @ flag: unknown flag\.$/);
      for (const text of [
        `${name} = "x"`,
        `${name}.data = "x"`,
        `[${name}]\ndata = "x"`,
        `[session.${name}]\nidle = "1h"`,
      ]) {
        const loaded = load(toml(text));
        assert.equal(loaded.kind, 'refused', text);
        assert.match(told(loaded).join('\n'), /^[\w.]+ @ .*: unknown setting\.$/);
      }
    }
    assert.equal(Object.hasOwn(Object.prototype, 'data'), false);
  });

  test('every problem of every source is listed at once, rules included', () => {
    const loaded = load({
      argv: ['--tls-cert', '/a.pem', '--typo', '1', 'stray'],
      env: { SALLYPORT_STALE_GRACE: '5', SALLYPORT_SHARED_ORIGIN: 'true' },
      files: { [inData]: 'nope = 1\n[session.account]\nidle = "31d"\nabsolute = "1d"' },
    });
    const settings = loaded.kind === 'refused' ? loaded.problems.map(({ setting }) => setting) : [];
    assert.deepEqual(settings, [
      '--typo',
      'argument 5',
      'nope',
      'SALLYPORT_STALE_GRACE',
      'session.account.idle',
      '--tls-cert',
      'SALLYPORT_SHARED_ORIGIN',
    ]);
  });

  test('what a user wrote is told without characters that a terminal acts on', () => {
    const loaded = load({ ...toml('"a\\u001b[31m" = 1'), argv: ['--cookie-name', '\u001B[2J', '--\u202Eopen'] });
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    assert.doesNotMatch(told(loaded).join(''), /[\0-\x1f\u202e]/);
    assert.equal(told(loaded).length, 3);
  });
});

suite('secrets are never told', () => {
  const rows: readonly Given[] = [
    { argv: ['--setup-code', `${secretText}\u0000`] },
    { argv: ['--setup-code', 'x', secretText] },
    { argv: ['--setup-cod', secretText] },
    { argv: [`--setup-cod=${secretText}`] },
    { argv: ['--setup-code', secretText, '--setup-code', secretText] },
    { env: { SALLYPORT_SETUP_CODE: `${secretText}\n${secretText}` } },
    { env: { SALLYPORT_SETUP_CODE: secretText, SALLYPORT_SETUP_CODE_FILE: '/run/missing' } },
    { env: { SALLYPORT_SETUP_CODE_FILE: '/run/code' }, files: { '/run/code': `${secretText}\n\n` } },
    { env: { SALLYPORT_UPSTREAM: `http://user:${secretText}@app.home` } },
    toml(`setup-code = ["${secretText}"]`),
    toml(`setup-code = "${secretText}`),
    toml(`setup-code = ${secretText}`),
    toml(`[setup-code]\nvalue = "${secretText}"`),
    toml(`setup_cod = "${secretText}"`),
  ];
  for (const [index, given] of rows.entries()) {
    test(`row ${index + 1}`, () => {
      const loaded = load(given);
      assert.equal(loaded.kind, 'refused');
      assert.doesNotMatch(told(loaded).join('\n'), /correct-horse/);
    });
  }

  test('one on the command line is accepted with a warning', () => {
    const loaded = load({ argv: ['--setup-code', secretText] });
    assert.equal(loaded.kind, 'settings');
    assert.match(told(loaded).join('\n'), /^--setup-code @ flag: other users/);
    assert.doesNotMatch(told(loaded).join('\n'), /correct-horse/);
  });
});

test('no input makes it throw', () => {
  const word = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(...settingNames.map(flagOf)),
    fc.constantFrom('true', '5m', '[', '/', '1'),
  );
  const variables = fc.dictionary(fc.constantFrom(...settingNames.map(variableOf), 'SALLYPORT_CONFIG'), fc.string());
  const file = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom<SettingName>(...settingNames).chain((name) => fc.json().map((value) => `${name} = ${value}`)),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), variables, file, (argv, env, text) => {
      const loaded = loadSettings({ argv, env, readFile: () => ({ kind: 'text', text }) });
      return loaded.kind === 'settings' || loaded.problems.length > 0;
    }),
    { numRuns: 300 },
  );
});

test('the reader for real files tells missing from unreadable', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-config-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'sallyport.toml'), 'cookie-name = "a"');
  assert.deepEqual(readSettingsFile(join(folder, 'sallyport.toml')), { kind: 'text', text: 'cookie-name = "a"' });
  assert.deepEqual(readSettingsFile(join(folder, 'other.toml')), { kind: 'missing' });
  assert.deepEqual(readSettingsFile(folder), { kind: 'unreadable', reason: 'EISDIR' });
});
