import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { readBasic } from './basic-header.ts';

const encode = (text: string | Uint8Array): string => Buffer.from(text).toString('base64');
const pair = (username: string, secret: string) => ({ kind: 'pair', username, secret });

test('the vectors of RFC 7617', () => {
  assert.deepEqual(readBasic('QWxhZGRpbjpvcGVuIHNlc2FtZQ=='), pair('Aladdin', 'open sesame'));
  assert.deepEqual(readBasic('dGVzdDoxMjPCow=='), pair('test', '123£'));
  assert.equal(readBasic('dGVzdDoxMjOj').kind, 'malformed', 'the same as ISO 8859-1');
});

test('the first colon parts the two, and either may be empty', () => {
  assert.deepEqual(readBasic(encode('a:b:c::')), pair('a', 'b:c::'));
  assert.deepEqual(readBasic(encode(':')), pair('', ''));
  assert.deepEqual(readBasic(encode('a:')), pair('a', ''));
  assert.deepEqual(readBasic(encode(':b')), pair('', 'b'));
  assert.equal(readBasic(encode('ab')).kind, 'malformed');
  // What is a colon to nobody but a reader of shapes.
  assert.equal(readBasic(encode('a：b')).kind, 'malformed');
});

test('nothing is trimmed, folded or dropped', () => {
  for (const secret of [' a ', '\u00a0', '\ufeff', 'Ｐ', 'e\u0301', '\u200d', '😀'])
    assert.deepEqual(readBasic(encode(`a:${secret}`)), pair('a', secret));
  assert.deepEqual(readBasic(encode('\ufeffa:b')), pair('\ufeffa', 'b'));
});

test('control characters are refused, wherever they stand', () => {
  for (const text of ['\0a:b', 'a\0:b', 'a:b\0', 'a:b\n', 'a\r:b', 'a:\tb', 'a:\x7f', 'a:\u0085', 'a\u009f:b'])
    assert.equal(readBasic(encode(text)).kind, 'malformed', JSON.stringify(text));
});

test('bytes that are no UTF-8 are refused: cut short, overlong, half of a pair, beyond the last', () => {
  for (const bytes of [
    [0xc3],
    [0xe2, 0x82],
    [0xc0, 0xba],
    [0xe0, 0x80, 0xba],
    [0xed, 0xa0, 0x80],
    [0xf5, 0x80, 0x80, 0x80],
    [0xff],
  ])
    for (const whole of [
      [0x61, 0x3a, ...bytes],
      [...bytes, 0x3a, 0x61],
      [0x61, ...bytes, 0x62],
    ])
      assert.equal(readBasic(encode(Uint8Array.from(whole))).kind, 'malformed', whole.join());
});

test('one alphabet and one spelling, but for the padding', () => {
  assert.deepEqual(readBasic(encode('a:bc').replace(/=+$/, '')), pair('a', 'bc'));
  const twisty = encode('a:~~~???');
  assert.ok(/[+/]/.test(twisty));
  for (const encoded of [
    twisty.replaceAll('+', '-').replaceAll('/', '_'),
    '',
    '=',
    '====',
    'YTpi====',
    'YT=pi',
    'YTpi!',
    'YTpi YTpi',
    'YT\tpi',
    'YT\npi',
    'YTpi\0',
    'YTpi,',
    '"YTpi"',
    'YTpiY',
    // Bits behind the last byte.
    'YTpiZB==',
    'ＹTpi',
  ])
    assert.equal(readBasic(encoded).kind, 'malformed', JSON.stringify(encoded));
});

test('the longest name and password fit, and nothing is read of what is longer', () => {
  const longest = `${'ü'.repeat(64)}:${'ü'.repeat(512)}`;
  assert.equal(readBasic(encode(longest)).kind, 'pair');
  assert.equal(readBasic('YTpi'.repeat(1025)).kind, 'malformed');
  assert.equal(readBasic('YTpi'.repeat(1024)).kind, 'pair');
});

test('any pair is read as it was written, and nothing else makes it that pair', () => {
  const text = fc
    .string({ unit: 'binary', maxLength: 60 })
    .filter((each) => !/\p{Cc}/u.test(each) && each.isWellFormed());
  fc.assert(
    fc.property(
      text.filter((each) => !each.includes(':')),
      text,
      (username, secret) => {
        assert.deepEqual(readBasic(encode(`${username}:${secret}`)), pair(username, secret));
      },
    ),
  );
});

test('any text at all is a pair or malformed, and a pair has that spelling', () => {
  const base64ish = fc.string({ unit: fc.constantFrom(...Array.from('ABYZabyz0189+/=-_ ')), maxLength: 24 });
  fc.assert(
    fc.property(fc.oneof(base64ish, fc.string({ unit: 'binary' })), (encoded) => {
      const form = readBasic(encoded);
      if (form.kind === 'malformed') return;
      assert.equal(encode(`${form.username}:${form.secret}`).replace(/=+$/, ''), encoded.replace(/=+$/, ''));
    }),
  );
});
