/** What the command says, by what it was answered. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  fakeCertificates,
  fingerprintOf,
  goodPair,
  mismatch,
  oldProxmoxPair,
  proxmoxPair,
} from '../../../test/support/fake-certificates.ts';
import { hostTls, type TlsCommand } from '../../actions/tls/host.ts';
import { auditEvent } from '../../record/recorder.ts';
import type { Millis, Origin } from '../../types.ts';
import { told } from './told.ts';

const now = Date.UTC(2026, 0, 1) as Millis;
const day = 86_400_000;

function stage(server: 'running' | 'stopped', days = 90) {
  const certificates = fakeCertificates((now + days * day) as Millis);
  const ask = hostTls({
    certificates,
    server,
    store: { appendAudit: () => Promise.resolve() },
    recorder: { event: (occurrence) => auditEvent(occurrence, now) },
    clock: { now: () => now, monotonic: () => 0 },
    consoleOrigin: () => 'https://nas.home' as Origin,
  });
  const say = async (command: TlsCommand): Promise<readonly string[]> => {
    const outcome = await ask(command);
    assert.ok(outcome.kind === 'done', JSON.stringify(outcome));
    return told(command, outcome.fields);
  };
  return { certificates, ask, say };
}

const custom = { source: 'custom', certPath: goodPair.certPath, keyPath: goodPair.keyPath } as const;

test('without TLS: what was found, and where it was looked for', async () => {
  const { say, certificates } = stage('running');
  assert.deepEqual(await say({ action: 'status' }), [
    'served     plain HTTP',
    'alarm      none',
    'read from  /etc/pve/local, /etc/ssl/wiki',
    `detected   proxmox: ${proxmoxPair.certPath} with ${proxmoxPair.keyPath}`,
    `           proxmox: ${oldProxmoxPair.certPath} with ${oldProxmoxPair.keyPath}`,
  ]);
  certificates.put({ tls: 'off', found: [] });
  const [served, , , detected] = await say({ action: 'status' });
  assert.deepEqual([served, detected], ['served     plain HTTP: TLS is off', 'detected   none']);
});

test('another one: what is served from now on, or when the server starts', async () => {
  const { say } = stage('running');
  const certificate = [
    'served       HTTPS, with files that were chosen',
    `certificate  ${goodPair.certPath}`,
    `key          ${goodPair.keyPath}`,
    'subject      CN=custom.home',
    'issuer       CN=Home CA',
    'names        wiki.home, 192.0.2.7',
    `fingerprint  ${fingerprintOf(goodPair)}`,
    'expires      2026-04-01T00:00:00.000Z, in 90 days',
    'chain        not trusted by this system',
  ];
  assert.deepEqual(await say({ action: 'use', choice: custom }), [
    'from now on HTTPS is served, on https://nas.home',
    ...certificate,
    'warning: This system does not trust who signed it.',
  ]);
  assert.deepEqual((await say({ action: 'status' })).slice(0, 11), [
    ...certificate,
    'warning      This system does not trust who signed it.',
    'alarm        none',
  ]);
  assert.deepEqual(await say({ action: 'self-signed' }), ['from now on plain HTTP is served, on https://nas.home']);
  const stopped = stage('stopped');
  const [first, second] = await stopped.say({ action: 'use', choice: { source: 'proxmox' } });
  assert.equal(first, 'when the server starts HTTPS is served, on https://nas.home');
  assert.equal(second, 'served       HTTPS, with the certificate of Proxmox, when the server starts');
});

test('an alarm, and an end that is near or over', async () => {
  const { say, certificates } = stage('running');
  certificates.put({ alarm: { since: now, files: goodPair, problems: [mismatch] } });
  const lines = await say({ action: 'status' });
  assert.deepEqual(lines.slice(1, 3), [
    `alarm      since 2026-01-01T00:00:00.000Z: ${goodPair.certPath} is not served`,
    `           ${mismatch.text}`,
  ]);
  for (const [days, text] of [
    [1, 'in 1 day'],
    [0, 'in 0 days'],
    [-1, 'which is over'],
  ] as const) {
    const said = await stage('running', days).say({ action: 'use', choice: custom });
    assert.match(said.find((line) => line.startsWith('expires')) ?? '', new RegExp(`, ${text}$`));
  }
});

test('what cannot be done is no fault of the command line', async () => {
  const { ask, certificates } = stage('running');
  for (const choice of [{ source: 'letsencrypt' } as const, { ...custom, keyPath: '/other' }]) {
    const outcome = await ask({ action: 'use', choice });
    assert.ok(outcome.kind === 'refused');
    assert.equal(outcome.code, 'conflict');
    assert.ok((outcome.detail ?? '').length > 20 && !(outcome.detail ?? '').includes('\n'));
  }
  certificates.put({ tls: 'off' });
  const outcome = await ask({ action: 'self-signed' });
  assert.ok(outcome.kind === 'refused' && outcome.code === 'conflict');
});
