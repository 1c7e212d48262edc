import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plainTicket, readProxmoxHeader } from './proxmox-header.ts';

const token = (userId: string, name: string, secret: string) => ({ kind: 'token', userId, name, secret });

for (const [line, wanted] of [
  ['PVEAPIToken=root@pam!backup=abc', token('root@pam', 'backup', 'abc')],
  ['PVEAPIToken=root@pam!backup:abc', token('root@pam', 'backup', 'abc')],
  ['PVEAPIToken root@pam!backup:abc', token('root@pam', 'backup', 'abc')],
  ['  PVEAPIToken=root@pam!backup=abc ', token('root@pam', 'backup', 'abc')],
  ['PVEAPIToken=root@pam!my%20backup=a%2Bc', token('root@pam', 'my backup', 'a+c')],
  ['PVEAPIToken=root%40pam!b=abc', token('root@pam', 'b', 'abc')],
  ['PVEAPIToken=root!b=abc', token('root', 'b', 'abc')],
  ['PVEAPIToken=root@pam!a!b=c=d', token('root@pam', 'a!b=c', 'd')],
  ['PVEAPIToken=', { kind: 'malformed' }],
  ['PVEAPIToken=abc', { kind: 'malformed' }],
  ['PVEAPIToken=root@pam=abc', { kind: 'malformed' }],
  ['PVEAPIToken=root@pam!backup=', { kind: 'malformed' }],
  ['PVEAPIToken=root@pam!=abc', { kind: 'malformed' }],
  ['PVEAPIToken=!backup=abc', { kind: 'malformed' }],
  ['PVEAPIToken=root@pam!%zz=abc', { kind: 'malformed' }],
  ['PVEAuthCookie=PVE:x:1::y', { kind: 'ticket', ticket: 'PVE:x:1::y' }],
  ['PVEAuthCookie=PVE%3Ax%3A1%3A%3Ay', { kind: 'ticket', ticket: 'PVE:x:1::y' }],
  ['PVEAPITokens=root@pam!b=c', { kind: 'other' }],
  ['PVEAPIToken', { kind: 'other' }],
  ['PVEAuthCookie PVE:x', { kind: 'other' }],
  ['PBSAPIToken=root@pam!b=c', { kind: 'other' }],
  ['pveapitoken=root@pam!b=c', { kind: 'other' }],
  ['Bearer PVEAPIToken=root@pam!b=c', { kind: 'other' }],
  ['', { kind: 'other' }],
] as const)
  test(`readProxmoxHeader(): ${JSON.stringify(line)} is ${wanted.kind}`, () =>
    assert.deepEqual(readProxmoxHeader(line, 'PVE'), wanted));

test('plainTicket(): as it is, or percent-encoded as a whole; what cannot be decoded is none', () => {
  assert.equal(plainTicket('PVE:a%41:1::x'), 'PVE:a%41:1::x');
  assert.equal(plainTicket('PVE%3Aa%2541%3A1%3A%3Ax'), 'PVE:a%41:1::x');
  assert.equal(plainTicket('%zz'), '');
});
