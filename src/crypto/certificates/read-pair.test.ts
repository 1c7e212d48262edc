import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { before, test } from 'node:test';
import type { Millis } from '../../types.ts';
import { systemRandom } from '../random.ts';
import { namesCover } from './names.ts';
import { readPair } from './read-pair.ts';
import { makeSelfMade, type SelfMade } from './self-made.ts';

const at = Date.parse('2026-05-01T12:00:00Z') as Millis;
const day = 86_400_000;
let one: SelfMade;
let other: SelfMade;

before(async () => {
  one = await makeSelfMade(['one.home', '*.apps.home', '10.0.0.1'], at, systemRandom);
  other = await makeSelfMade(['other.home'], at, systemRandom);
});

/** Codes of what is wrong, or of what is told; `good` without either. */
function findings(cert: string, key: string, when: number = at): string {
  const reading = readPair(cert, key, when as Millis);
  const notes = reading.kind === 'pair' ? reading.warnings : reading.problems;
  const codes = notes.map(({ code }) => code).join(' ');
  return reading.kind === 'unusable' ? `refused: ${codes}` : codes || 'good';
}

test('a pair is good, however its files are written', () => {
  const told = `Issued for you\n  by somebody\n${one.certPem}and that was it\n`;
  const parameters = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n';
  for (const [cert, key] of [
    [one.certPem, one.keyPem],
    [told, `Bag Attributes\n${one.keyPem}`],
    [one.certPem.replaceAll('\n', '\r\n'), one.keyPem.replaceAll('\n', '\r\n')],
    [`\uFEFF${one.certPem}`, parameters + one.keyPem],
    [one.certPem + one.keyPem, one.certPem + one.keyPem],
    [one.certPem + one.certPem, one.keyPem.trim()],
  ] as const)
    assert.equal(findings(cert, key), 'good');
});

test('what is served holds nothing else of the files', () => {
  const reading = readPair(`secret words\n${one.certPem}${one.keyPem}`, `secret words\n${one.keyPem}`, at);
  assert.ok(reading.kind === 'pair');
  assert.equal(reading.pair.certPem, one.certPem);
  assert.equal(reading.pair.keyPem, one.keyPem);
});

test('files of another kind are told as what they are', () => {
  const damaged = one.certPem.replace(/\n.{20}/, '\n');
  const publicKey = String(createPublicKey(one.keyPem).export({ type: 'spki', format: 'pem' }));
  for (const [cert, key, code, text] of [
    [one.keyPem, one.keyPem, 'no-certificate', /holds a private key and no certificate/],
    [one.certPem, one.certPem, 'no-key', /holds a certificate and no private key/],
    [one.certPem, publicKey, 'no-key', /public key/],
    [one.certPem.slice(0, -30), one.keyPem, 'no-certificate', /cut short/],
    [one.certPem, one.keyPem.slice(0, 80), 'no-key', /cut short/],
    [damaged, one.keyPem, 'no-certificate', /damaged/],
    [one.certPem, one.keyPem.replace(/\n.{20}/, '\n'), 'no-key', /damaged/],
    ['', one.keyPem, 'no-certificate', /is empty/],
    ['hello', one.keyPem, 'no-certificate', /no BEGIN line/],
    ['0\u0003\uFFFD\0', one.keyPem, 'no-certificate', /DER/],
    [one.certPem, one.keyPem + other.keyPem, 'no-key', /more than one/],
    [one.certPem.repeat(21), one.keyPem, 'no-certificate', /more than 20/],
    [' '.repeat(1024 * 1024) + one.certPem, one.keyPem, 'no-certificate', /1 MiB/],
  ] as const) {
    const reading = readPair(cert, key, at);
    assert.ok(reading.kind === 'unusable', text.source);
    assert.equal(reading.problems[0].code, code, text.source);
    assert.match(reading.problems[0].text, text);
    assert.equal(reading.problems.length, 1);
  }
});

test('every problem at once', () => {
  assert.equal(findings(one.certPem, other.keyPem), 'refused: mismatch');
  assert.equal(findings(one.certPem, other.keyPem, at + 400 * day), 'refused: mismatch expired');
  assert.equal(findings(one.certPem, 'hello', at - 2 * day), 'refused: no-key not-yet-valid');
  assert.equal(findings('hello', 'hello'), 'refused: no-certificate no-key');
});

test('days: told for thirty, refused from the end on', () => {
  assert.equal(findings(one.certPem, one.keyPem, at + 334 * day), 'good');
  assert.equal(findings(one.certPem, one.keyPem, at + 335 * day), 'expires-soon');
  assert.equal(findings(one.certPem, one.keyPem, at + 365 * day - 1), 'expires-soon');
  assert.equal(findings(one.certPem, one.keyPem, at + 365 * day), 'refused: expired');
  assert.equal(findings(one.certPem, one.keyPem, at - 3_600_001), 'refused: not-yet-valid');
});

test('a certificate that has nothing to do with the other is left out, and that is told', () => {
  const reading = readPair(other.certPem + one.certPem, one.keyPem, at);
  assert.ok(reading.kind === 'pair');
  assert.deepEqual(reading.pair.info.names, ['one.home', '*.apps.home', '10.0.0.1']);
  assert.equal(reading.pair.certPem, one.certPem);
  assert.deepEqual(
    reading.warnings.map(({ code }) => code),
    ['chain-order'],
  );
});

test('names cover as browsers have it', () => {
  for (const host of ['one.home', 'ONE.home.', 'x.apps.home', '10.0.0.1'])
    assert.equal(namesCover(one, host).kind, 'covered', host);
  for (const host of [
    'apps.home',
    'y.x.apps.home',
    '10.0.0.2',
    'two.home',
    '*.apps.home',
    '',
    'one.home\0',
    '[::1]',
    'fe80::1%1',
  ])
    assert.equal(namesCover(one, host).kind, 'not-covered', host);
});
