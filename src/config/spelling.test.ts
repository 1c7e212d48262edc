import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  fileTables,
  flagOf,
  secretFileOf,
  shown,
  suggestion,
  targetOfFlag,
  targetOfKey,
  targetOfVariable,
  variableOf,
} from './spelling.ts';

test('one name, three spellings', () => {
  assert.equal(flagOf('session.account.idle'), '--session-account-idle');
  assert.equal(variableOf('session.account.idle'), 'SALLYPORT_SESSION_ACCOUNT_IDLE');
  assert.equal(flagOf('app-listen'), '--app-listen');
  assert.equal(variableOf('app-listen'), 'SALLYPORT_APP_LISTEN');
  assert.equal(variableOf(secretFileOf('setup-code')), 'SALLYPORT_SETUP_CODE_FILE');
});

test('only secrets may be given as a file, and only outside may the file be named', () => {
  assert.deepEqual(targetOfKey.get('setup-code-file'), { kind: 'setting', name: 'setup-code', form: 'secret-file' });
  assert.equal(targetOfFlag.get('--listen-file'), undefined);
  assert.deepEqual(
    [targetOfFlag.get('--config')?.kind, targetOfVariable.get('SALLYPORT_CONFIG')?.kind, targetOfKey.get('config')],
    ['config', 'config', undefined],
  );
});

test('tables of the file', () => {
  assert.deepEqual([...fileTables].sort(), [
    'device',
    'ldap',
    'password',
    'proxy',
    'session',
    'session.account',
    'session.admin',
  ]);
});

suite('suggestions', () => {
  const rows: readonly (readonly [word: string, meant: string])[] = [
    ['--lisen', '--listen'],
    ['--session.account.idle', '--session-account-idle'],
    ['--SESSION_ADMIN_CAP', '--session-admin-cap'],
    ['--public-uri', '--public-url'],
    ['--no-shared-origin', '--shared-origin'],
  ];
  for (const [word, meant] of rows) {
    test(`${word} → ${meant}`, () => assert.equal(suggestion(word, targetOfFlag.keys()), ` Did you mean ${meant}?`));
  }
  for (const word of ['--x', '--something-else-entirely', '--', 'x'.repeat(1_000_000)]) {
    test(`${word.slice(0, 30)} → nothing`, () => assert.equal(suggestion(word, targetOfFlag.keys()), ''));
  }
});

test('words of operators are cut and made harmless', () => {
  assert.equal(shown('a\u001B[31m\u202Eb\n'), 'a?[31m?b?');
  assert.equal(shown('x'.repeat(81)), `${'x'.repeat(80)}…`);
});
