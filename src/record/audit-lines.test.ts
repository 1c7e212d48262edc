import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { AuditRow } from '../store/rows.ts';
import type { Millis } from '../types.ts';
import { csvHead, csvLine, lineText, readLine } from './audit-lines.ts';

const row: AuditRow = {
  chain: 'chain-of-node-one',
  place: 7,
  number: 3,
  at: Date.UTC(2026, 10, 21, 22, 0, 0, 123) as Millis,
  event: 'signed-in',
  actor: 'u_1',
  actorName: 'ada',
  address: '203.0.113.7',
  peer: '127.0.0.1',
  way: 'password',
  target: 's_1',
  result: 'ok',
  count: 1,
  hash: 'h',
};

test('an event that was written is read back as it was', () => {
  fc.assert(
    fc.property(
      fc.record({
        chain: fc.string(),
        place: fc.nat(),
        number: fc.nat(),
        at: fc.integer({ min: 0, max: 4e12 }),
        event: fc.string(),
        actor: fc.string(),
        actorName: fc.string({ unit: 'grapheme' }),
        address: fc.string(),
        peer: fc.string(),
        way: fc.string(),
        target: fc.string(),
        result: fc.string(),
        count: fc.nat(),
        hash: fc.string(),
      }),
      (given) => {
        const line = { kind: 'event', row: { ...given } as AuditRow } as const;
        assert.ok(!lineText(line).includes('\n'));
        assert.deepEqual(readLine(lineText(line)), { kind: 'line', line });
      },
    ),
  );
});

test('a head and a checkpoint that were written are read back as they were', () => {
  const keys = [{ id: 'k', publicKey: 'x' }];
  const head = {
    kind: 'head',
    chain: 'c',
    number: 2,
    hash: 'h',
    lastRow: 2,
    lastCheckpoint: 1,
    strays: 0,
    keys,
  } as const;
  assert.deepEqual(readLine(lineText(head)), { kind: 'line', line: head });
  const signature = 's'.repeat(86);
  const checkpoint = { chain: 'a'.repeat(32), number: 2, hash: 'h'.repeat(43), at: 5 as Millis, keyId: 'k', signature };
  const line = { kind: 'checkpoint', checkpoint } as const;
  assert.deepEqual(readLine(lineText(line)), { kind: 'line', line });
});

test('a line that is none of ours is unreadable, and no fault', () => {
  const { hash, ...without } = JSON.parse(lineText({ kind: 'event', row })) as Record<string, unknown>;
  const wrong = [
    '',
    'x',
    'null',
    '[]',
    '{}',
    '{"line":"other"}',
    '{"line":"head","format":"sallyport-audit-1"}',
    '{"line":"head","format":"sallyport-audit-2","keys":[]}',
    '{"line":"checkpoint","checkpoint":"v1.x"}',
    '{"line":"checkpoint"}',
    JSON.stringify(without),
    JSON.stringify({ ...without, hash, at: 'yesterday' }),
    JSON.stringify({ ...without, hash, number: '3' }),
    JSON.stringify({ ...without, hash, count: 1.5 }),
  ];
  for (const text of wrong) assert.equal(readLine(text).kind, 'unreadable', text);
});

test('a record of CSV has a cell for each column', () => {
  assert.equal(csvLine(row).split(',').length, csvHead.split(',').length);
  assert.ok(csvLine(row).startsWith('3,2026-11-21T22:00:00.123Z,signed-in,u_1,ada,203.0.113.7,127.0.0.1,'));
});
