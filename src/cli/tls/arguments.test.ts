import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { readTlsArguments } from './arguments.ts';
import { tlsCommand } from './host-command.ts';

const read = (...argv: readonly string[]): unknown => {
  const reading = readTlsArguments(argv);
  return reading.kind === 'wrong' ? reading.why : reading.command;
};

test('each action, as it is meant', () => {
  for (const action of ['status', 'self-signed']) assert.deepEqual(read(action), { action });
  for (const source of ['proxmox', 'letsencrypt'])
    assert.deepEqual(read('use', source), { action: 'use', choice: { source } });
  const choice = { source: 'custom', certPath: '/etc/ssl/a.pem', keyPath: '/etc/ssl/a.key' };
  assert.deepEqual(read('use', '/etc/ssl/a.pem', '/etc/ssl/a.key'), { action: 'use', choice });
  // Two words are files, whatever they are called.
  assert.deepEqual(read('use', 'proxmox', 'a.key'), {
    action: 'use',
    choice: { source: 'custom', certPath: resolve('proxmox'), keyPath: resolve('a.key') },
  });
});

test('what is wrong is said in one line', () => {
  assert.match(String(read()), /^say what to do: sallyport tls status, use, self-signed\.$/);
  assert.match(String(read('disable')), /^say what to do:/);
  assert.match(String(read('use')), /^expected: sallyport tls use /);
  assert.match(String(read('use', 'a', 'b', 'c')), /^expected: sallyport tls use /);
  assert.match(String(read('use', 'cert.pem')), /^"cert\.pem" is neither "proxmox" nor "letsencrypt"; .+CERT KEY/);
  assert.equal(read('status', 'now'), 'expected: sallyport tls status');
  assert.equal(read('self-signed', 'now'), 'expected: sallyport tls self-signed');
});

test('settings and --json come along', () => {
  assert.deepEqual(readTlsArguments(['use', '--data', '/a', 'proxmox', '--json']), {
    kind: 'read',
    command: { action: 'use', choice: { source: 'proxmox' } },
    json: true,
    settings: ['--data', '/a'],
  });
});

test('whatever is read is taken by the server; of anything else it is told that it is none', () => {
  for (const argv of [['status'], ['self-signed'], ['use', 'proxmox'], ['use', 'letsencrypt'], ['use', 'a', 'b']]) {
    const reading = readTlsArguments(argv);
    assert.ok(reading.kind === 'read');
    assert.deepEqual(tlsCommand.parse(reading.command), reading.command);
  }
  for (const value of [
    { action: 'disable' },
    { action: 'use' },
    { action: 'use', choice: { source: 'none' } },
    { action: 'use', choice: { source: 'custom' } },
    { action: 'use', choice: { source: 'custom', certPath: 'a', keyPath: '/b' } },
    { action: 'use', choice: { source: 'custom', certPath: '/a', keyPath: '/b\n' } },
  ])
    assert.equal(tlsCommand.safeParse(value).success, false, JSON.stringify(value));
});
