import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import type { Millis } from '../../types.ts';
import { systemRandom } from '../random.ts';
import { namesCover } from './names.ts';
import { readPair } from './read-pair.ts';
import { makeSelfMade } from './self-made.ts';

const at = Date.parse('2026-05-01T12:00:00Z') as Millis;
const hour = 3_600_000;
const names = ['grafana.home', 'localhost', '127.0.0.1', '::1', 'fd00::12'] as const;

test('good for a year, from an hour ago, for its names and addresses and no others', async () => {
  const made = await makeSelfMade(names, at, systemRandom);
  const reading = readPair(made.certPem, made.keyPem, at);
  assert.equal(reading.kind, 'pair');
  if (reading.kind !== 'pair') return;
  const { pair, warnings } = reading;
  assert.deepEqual(warnings, []);
  assert.equal(pair.info.key, 'EC P-256');
  assert.equal(pair.info.signedBy, 'itself');
  assert.deepEqual(pair.info.names, names);
  assert.equal(pair.info.notBefore, at - hour);
  assert.equal(pair.info.notAfter, at + 365 * 24 * hour);
  for (const name of names) assert.equal(namesCover(pair, name).kind, 'covered', name);
  for (const name of ['home', 'x.grafana.home', '127.0.0.2', '::2'])
    assert.equal(namesCover(pair, name).kind, 'not-covered', name);
  assert.equal(readPair(made.certPem, made.keyPem, (at - 2 * hour) as Millis).kind, 'unusable', 'before');
  assert.equal(readPair(made.certPem, made.keyPem, (at + 366 * 24 * hour) as Millis).kind, 'unusable', 'after');
});

test('no authority: trusting it trusts nothing else; and no two are alike', async () => {
  const one = new X509Certificate((await makeSelfMade(names, at, systemRandom)).certPem);
  const other = new X509Certificate((await makeSelfMade(names, at, systemRandom)).certPem);
  assert.equal(one.ca, false);
  assert.deepEqual(one.keyUsage, ['1.3.6.1.5.5.7.3.1']);
  assert.notEqual(one.serialNumber, other.serialNumber);
  assert.equal(one.verify(one.publicKey), true);
  assert.equal(one.verify(other.publicKey), false);
});

test('a first name that no common name can hold is left to the others', async () => {
  const long = `${'a'.repeat(60)}.${'b'.repeat(60)}.home`;
  const made = await makeSelfMade([long], at, systemRandom);
  const reading = readPair(made.certPem, made.keyPem, at);
  assert.equal(reading.kind === 'pair' && reading.pair.info.subject, 'CN=sallyport, O=Sallyport');
  assert.equal(namesCover(made, long).kind, 'covered');
  assert.equal(namesCover(made, 'sallyport').kind, 'not-covered');
});
