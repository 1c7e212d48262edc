import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { messageReader } from './messages.ts';

const message = (size: number): Buffer => {
  const length =
    size < 128
      ? Buffer.from([size])
      : size < 256
        ? Buffer.from([0x81, size])
        : Buffer.from([0x82, size >> 8, size & 255]);
  return Buffer.concat([Buffer.from([0x30]), length, Buffer.alloc(size, size & 255)]);
};

test('messages come out whole and in order, however they come in', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.nat(40), fc.integer({ min: 120, max: 300 }), fc.nat(9000)), { minLength: 1, maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 8 }),
      (sizes, cuts) => {
        const sent = sizes.map((size) => message(size));
        const bytes = Buffer.concat(sent);
        const read = messageReader(10_000);
        const got: Buffer[] = [];
        for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
          const cut = cuts[turn % cuts.length] ?? 1;
          const some = read(bytes.subarray(at, at + cut));
          assert.ok(some.kind === 'messages');
          got.push(...some.all);
          at += cut;
        }
        assert.deepEqual(got, sent);
      },
    ),
  );
});

test('what is no message, has no end, or is too large, is told at its header', () => {
  for (const bytes of ['48545450', '3080', '3085010000000000', '308400ffffff', '3084ffffffff', '00'])
    assert.deepEqual(messageReader(10_000)(Buffer.from(bytes, 'hex')), { kind: 'unreadable' }, bytes);
  assert.equal(messageReader(10)(message(8)).kind, 'messages');
  assert.equal(messageReader(10)(message(9)).kind, 'unreadable');
});

test('half of a message is nothing', () => {
  const read = messageReader(10_000);
  for (const bytes of [Buffer.from([0x30]), Buffer.from([0x82]), Buffer.from([1]), Buffer.from([0, 7])])
    assert.deepEqual(read(bytes), { kind: 'messages', all: [] });
});
