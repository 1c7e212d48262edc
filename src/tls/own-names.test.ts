import assert from 'node:assert/strict';
import type { NetworkInterfaceInfo } from 'node:os';
import { test } from 'node:test';
import { ownNames } from './own-names.ts';

const at = (address: string, internal = false): NetworkInterfaceInfo => ({
  address,
  internal,
  netmask: '',
  mac: '',
  cidr: null,
  ...(address.includes(':') ? { family: 'IPv6', scopeid: 0 } : { family: 'IPv4' }),
});

test("the machine's name, and the addresses of its interfaces", () => {
  assert.deepEqual(ownNames('NAS.Home.', { eth0: [at('192.168.1.2'), at('FD00:0::2'), at('192.168.1.2')] }), {
    names: ['nas.home', 'localhost'],
    addresses: ['127.0.0.1', '::1', '192.168.1.2', 'fd00::2'],
  });
});

test('nothing that is no DNS name, and no address that is good on one wire only', () => {
  const bad = {
    lo: [at('127.0.0.9', true)],
    eth0: [at('fe80::1'), at('febf::1'), at('169.254.3.4'), at('fd00::1%eth0')],
  };
  for (const hostname of ['my_nas', '10.0.0.1', '-nas', 'nas box', '', 'localhost', 'a'.repeat(64), 'nas.1'])
    assert.deepEqual(ownNames(hostname, bad), { names: ['localhost'], addresses: ['127.0.0.1', '::1'] }, hostname);
});
