import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTokenArguments } from './arguments.ts';

const read = (line: string, ...more: readonly string[]) => {
  const reading = readTokenArguments([...line.split(' '), ...more]);
  assert.ok(reading.kind === 'read', reading.kind === 'wrong' ? reading.why : '');
  return reading;
};
/** Why it was wrong; empty when it was not. */
const whyNot = (line: string, ...more: readonly string[]): string => {
  const reading = readTokenArguments([...line.split(' '), ...more]);
  return reading.kind === 'wrong' ? reading.why : '';
};

test('each action is about one token, or says what it expected; whatever takes one away is revoke', () => {
  for (const action of ['show', 'enable', 'disable', 'revoke']) {
    assert.deepEqual(read(`${action} t_1`).command, { action, id: 't_1' });
    for (const line of [action, `${action} t_1 t_2`, `${action} --json`])
      assert.equal(whyNot(line), `expected: sallyport token ${action} ID`);
  }
  for (const action of ['delete', 'remove'])
    assert.deepEqual(read(`${action} t_1`).command, { action: 'revoke', id: 't_1' });
  for (const action of ['', 'dance', 'constructor', '__proto__', 'CREATE'])
    assert.equal(
      whyNot(action, 't_1'),
      'say what to do: sallyport token list, show, create, enable, disable, rotate, revoke.',
    );
});

test('a new token: everything that is said of it, and nothing that is not', () => {
  const line =
    'create --user alice --scope read:a --never --scope=read_only --data /a --address 10.0.0.0/8 --address ::1 --json --per-minute 5 --per-hour=60';
  assert.deepEqual(read(line, 'Home  Assistant '), {
    kind: 'read',
    command: {
      action: 'create',
      username: 'alice',
      token_name: 'Home  Assistant',
      scopes: ['read:a', 'read_only'],
      ip_allowlist: ['10.0.0.0/8', '::1'],
      rate_limit: { per_minute: 5, per_hour: 60 },
      expires_in_days: undefined,
      never: true,
    },
    json: true,
    settings: ['--data', '/a'],
  });
  const { command } = read('create x --user alice --expires-in-days 30');
  assert.deepEqual(JSON.parse(JSON.stringify(command)), {
    action: 'create',
    username: 'alice',
    token_name: 'x',
    rate_limit: {},
    expires_in_days: 30,
  });
  // What follows `--never` is no value of it.
  assert.deepEqual(whyNot('create --never x --user alice'), '');
});

test('a new token that cannot be: one line says why', () => {
  assert.equal(whyNot('create x'), 'say whose it is to be: --user USERNAME.');
  assert.equal(whyNot('create --user alice'), 'expected: sallyport token create NAME');
  assert.equal(whyNot('create x y --user alice'), 'expected: sallyport token create NAME');
  assert.equal(
    whyNot('create x --user alice --never --expires-in-days 3'),
    '--never and --expires-in-days are two things.',
  );
  assert.match(whyNot('create x --user alice --never=yes'), /--never/);
  assert.match(whyNot('create x --user'), /--user/);
  for (const name of ['', ' ', 'a\nb', 'a\u202eb', 'x'.repeat(65)])
    assert.equal(whyNot('create --user alice', name), 'NAME has from 1 to 64 characters, all of which can be seen.');
  assert.match(whyNot('create x --user alice --scope', 'x'.repeat(1025)), /^--scope is /);
  assert.match(whyNot('create x --user alice --address', 'x'.repeat(1025)), /^--address is /);
});

test('numbers: from the least to the most, and nothing beside them', () => {
  const ranges = {
    'expires-in-days': ['create x --user alice', 1, 3650],
    'per-minute': ['create x --user alice', 1, 100_000],
    'per-hour': ['create x --user alice', 1, 1_000_000],
    'overlap-seconds': ['rotate t_1', 0, 86_400],
  } as const;
  for (const [flag, [line, least, most]] of Object.entries(ranges)) {
    for (const number of [least, most]) assert.equal(whyNot(line, `--${flag}`, String(number)), '');
    for (const text of [String(least - 1), String(most + 1), '1.5', '1e3', '0x10', '', ' 5', '٣', 'x', '9'.repeat(400)])
      assert.equal(whyNot(line, `--${flag}=${text}`), `--${flag} is a number from ${least} to ${most}.`);
  }
  assert.deepEqual(read('rotate t_1').command, { action: 'rotate', id: 't_1', overlap_seconds: 0 });
});

test('listing: everybody’s, or one user’s; a flag of another action is left to the settings, which do not know it', () => {
  assert.deepEqual(read('list').command, { action: 'list', username: null, before: null, limit: null });
  assert.deepEqual(read('list --user alice --before t_1 --limit 5').command, {
    action: 'list',
    username: 'alice',
    before: 't_1',
    limit: '5',
  });
  assert.equal(whyNot('list alice'), 'expected: sallyport token list');
  assert.deepEqual(read('show t_1 --user alice').settings, ['--user', 'alice']);
  assert.deepEqual(read('rotate t_1 --never').settings, ['--never']);
});
