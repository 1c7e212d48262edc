import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readUserArguments } from './arguments.ts';

const read = (...argv: readonly string[]) => {
  const reading = readUserArguments(argv);
  return reading.kind === 'wrong' ? reading.why : reading;
};
/** Why it was wrong; empty when it was not. */
const whyNot = (...argv: readonly string[]): string => {
  const reading = readUserArguments(argv);
  return reading.kind === 'wrong' ? reading.why : '';
};
const alone = ['show', 'add', 'invite', 'reset', 'enable', 'disable', 'delete', 'reset-factors', 'unlock'];

test('each action is about one name, or says what it expected', () => {
  for (const action of alone) {
    const reading = read(action, 'alice');
    assert.ok(typeof reading === 'object' && reading.command.action === action);
    for (const rest of [[], ['alice', 'bob'], ['--json'], ['--data', 'alice']])
      assert.match(whyNot(action, ...rest), new RegExp(`^expected: sallyport user ${action} NAME$`));
  }
  for (const action of ['grant', 'revoke']) {
    const reading = read(action, 'alice', 'admin', 'editor');
    assert.deepEqual(typeof reading === 'object' && reading.command, {
      action,
      username: 'alice',
      privileges: ['admin', 'editor'],
    });
    for (const rest of [[], ['alice']]) assert.match(whyNot(action, ...rest), /NAME PRIVILEGE…$/);
  }
  assert.equal(whyNot('list', 'alice'), 'expected: sallyport user list');
  for (const action of ['', 'dance', 'constructor', '__proto__', 'LIST'])
    assert.match(whyNot(action, 'alice'), /^say what to do: sallyport user list, show, add,/);
  const removed = read('remove', 'alice');
  assert.ok(typeof removed === 'object' && removed.command.action === 'delete');
});

test('flags of its own with their values, settings with theirs, wherever they stand', () => {
  const line = 'add --data /a alice --email a@b --json --group=x --group y --privilege p --public-url https://c';
  const reading = read(...line.split(' '), '--display-name', 'A B');
  assert.deepEqual(reading, {
    kind: 'read',
    command: {
      action: 'add',
      username: 'alice',
      email: 'a@b',
      display_name: 'A B',
      groups: ['x', 'y'],
      privileges: ['p'],
    },
    json: true,
    settings: ['--data', '/a', '--public-url', 'https://c'],
  });
  const list = read('list', '--matching', 'x', '--limit=5', '--after', 'bob');
  assert.deepEqual(typeof list === 'object' && list.command, {
    action: 'list',
    matching: 'x',
    limit: '5',
    after: 'bob',
  });
});

test('a flag of another action is left to the settings, which do not know it; one without its value is told', () => {
  const reading = read('show', 'alice', '--email', 'a@b');
  assert.deepEqual(typeof reading === 'object' && reading.settings, ['--email', 'a@b']);
  assert.match(whyNot('add', 'alice', '--email'), /--email/);
  assert.match(whyNot('list', '--json=yes'), /--json/);
});

test('a file is named to import from, perhaps one to export to; - is standard input', () => {
  const asked = (...argv: readonly string[]) => {
    const reading = read(...argv);
    return typeof reading === 'string' ? reading : reading.command;
  };
  assert.deepEqual(asked('import', 'users.csv'), { action: 'import', file: 'users.csv', dry_run: false });
  assert.deepEqual(asked('import', '--dry-run', '-'), { action: 'import', file: '-', dry_run: true });
  assert.deepEqual(asked('export'), { action: 'export', file: null });
  assert.deepEqual(asked('export', 'x.csv', '--json'), { action: 'export', file: 'x.csv' });
  for (const rest of [[], ['a', 'b'], ['--dry-run']])
    assert.equal(whyNot('import', ...rest), 'expected: sallyport user import FILE');
  assert.equal(whyNot('export', 'a', 'b'), 'expected: sallyport user export [FILE]');
  assert.match(whyNot('import', 'a', '--dry-run=1'), /--dry-run/);
  const other = read('export', '--dry-run');
  assert.deepEqual(typeof other === 'object' && other.settings, ['--dry-run']);
});
