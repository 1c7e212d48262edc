import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Millis, UserId } from '../../types.ts';
import {
  meantAsTicket,
  partsOf,
  readTicket,
  type SignedTicket,
  writeTicket,
  writeTicketInfo,
} from './signed-ticket.ts';

const id = (bytes: number, fill: number): string => Buffer.alloc(bytes, fill).toString('base64url');

const ticket: SignedTicket = {
  name: 'bob@local',
  issuedAt: 1_795_856_253_000 as Millis,
  keyId: id(12, 1),
  serial: id(16, 2),
  userId: `u_${id(16, 3)}` as UserId,
  firstSignIn: 1_795_856_253_123 as Millis,
  generation: 7,
  nonce: id(4, 5),
  signature: id(64, 4),
};
const text = writeTicket('SP', ticket);

test('a ticket reads back as it was written, under its own prefix alone', () => {
  assert.match(text, /^SP:bob@local:[0-9A-F]{8}::[A-Za-z0-9+/]{164}$/);
  assert.deepEqual(readTicket(text, 'SP'), { kind: 'ticket', ticket });
  for (const prefix of ['PVE', 'S', 'SPX', 'sp']) assert.equal(readTicket(text, prefix).kind, 'foreign');
});

test('any name makes one ticket, and comes back whole', () => {
  const sign = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 64 });
  const signs = fc.string({
    unit: fc.constantFrom('%', '4', '1', ':', '!', '@', '/', ' ', '+', '"', 'ä'),
    minLength: 1,
    maxLength: 20,
  });
  fc.assert(
    fc.property(fc.oneof(sign, signs), (name) => {
      const well = name.toWellFormed();
      const written = writeTicket('SP', { ...ticket, name: well });
      const read = readTicket(written, 'SP');
      assert.ok(read.kind === 'ticket', written);
      assert.equal(read.ticket.name, well);
      assert.equal(written.split(':').length, 5);
      assert.doesNotMatch(written, /^SP:!/);
    }),
  );
});

test('one ticket has one spelling', () => {
  const [head = '', blob = ''] = text.split('::');
  for (const other of [
    `${text} `,
    ` ${text}`,
    `${text}=`,
    text.replace('bob', '%62ob'),
    text.replace('bob', 'b%6fb'),
    writeTicket('SP', { ...ticket, name: 'ä' }).replace('%C3', '%c3'),
    text.replace('@', '%40'),
    text.replace('bob', 'b%zzb'),
    head.toLowerCase() + blob,
    `${head.slice(0, -8)}${head.slice(-8).toLowerCase()}::${blob}`,
    `${head}:${blob}`,
    `${head}:::${blob}`,
    `${head}::${blob.slice(0, -1)}`,
    `${head}::${blob.replaceAll('+', '-').replaceAll('/', '_')}x`,
    `${head}::B${blob.slice(1)}`,
    `SP::${head.slice(-8)}::${blob}`,
    `SP:${'b'.repeat(3000)}:${head.slice(-8)}::${blob}`,
    'SP:',
    '',
  ])
    assert.notEqual(readTicket(other, 'SP').kind, 'ticket', other);
});

test('bits behind the last byte are none', () => {
  const last = text.at(-1) ?? '';
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const others = Array.from(alphabet).filter((each) => each !== last);
  const read = others.map((each) => readTicket(`${text.slice(0, -1)}${each}`, 'SP'));
  const same = read.filter((each) => each.kind === 'ticket' && each.ticket.signature === ticket.signature);
  assert.deepEqual(same, []);
});

test('what is signed says all of it, and the info says none of what opens anything', () => {
  const parts = partsOf('SP', ticket);
  for (const change of [
    { name: 'eve@local' },
    { issuedAt: 1000 as Millis },
    { keyId: id(12, 9) },
    { serial: id(16, 9) },
    { userId: `u_${id(16, 9)}` as UserId },
    { firstSignIn: 1 as Millis },
    { generation: 8 },
  ])
    assert.notDeepEqual(partsOf('SP', { ...ticket, ...change }), parts);
  assert.notDeepEqual(partsOf('PVE', ticket), parts);
  const info = writeTicketInfo('SP', ticket);
  assert.match(info, /^SP:bob@local:[0-9A-F]{8}::ticketinfo$/);
  assert.equal(readTicket(info, 'SP').kind, 'malformed');
});

test('an id of another length is a fault of whoever writes', () => {
  assert.throws(() => writeTicket('SP', { ...ticket, serial: id(15, 2) }), /another length/);
});

test('what was meant as a ticket is nobody’s password', () => {
  for (const meant of [
    text,
    `${text}x`,
    ` ${text}`,
    text.slice(0, 40),
    'SP:!tfa!{}:6B0A977D::AAAA',
    writeTicketInfo('SP', ticket),
  ])
    assert.equal(meantAsTicket(meant, 'SP'), 'ticket', meant);
  for (const other of [
    'SP:',
    'SP: my favourite :: password',
    'SP:x:6B0A977::',
    'PVE:x:6B0A977D::',
    'violet anchor',
    '',
  ])
    assert.equal(meantAsTicket(other, 'SP'), 'other', other);
});
