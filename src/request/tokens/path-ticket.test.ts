import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { systemRandom } from '../../crypto/random.ts';
import { newPathTicket, parseTicketPath, shownTicket, withoutTickets } from './path-ticket.ts';

const one = newPathTicket(systemRandom);
const other = newPathTicket(systemRandom);

test('each ticket is another, and of 256 bits', () => {
  assert.notEqual(one, other);
  assert.match(one, /^spp_[A-Za-z0-9_-]{43}$/);
});

for (const [target, wanted] of [
  ['/a', { kind: 'none' }],
  ['/a?b=c', { kind: 'none' }],
  ['/ticket', { kind: 'none' }],
  ['/a?tickets=x', { kind: 'none' }],
  ['/a?x=ticket', { kind: 'none' }],
  [`/a#?ticket=${one}`, { kind: 'ticket', ticket: one, path: '/a#' }],
  [`/a?ticket=${one}`, { kind: 'ticket', ticket: one, path: '/a' }],
  [`/a?b=c&ticket=${one}&d`, { kind: 'ticket', ticket: one, path: '/a' }],
  [`/A%2fb?ticket=${one}`, { kind: 'ticket', ticket: one, path: '/A%2fb' }],
  ['/a?ticket=', { kind: 'foreign' }],
  ['/a?ticket=x', { kind: 'foreign' }],
  [`/a?ticket=${one}x`, { kind: 'foreign' }],
  [`/a?ticket=${one.slice(0, -1)}`, { kind: 'foreign' }],
  [`/a?ticket=${one}&ticket=${one}`, { kind: 'repeated' }],
  [`/a?ticket=${one}&ticket=${other}`, { kind: 'repeated' }],
  [`/a?ticket=x&ticket=${one}`, { kind: 'repeated' }],
] as const)
  test(`shownTicket(): ${target.replaceAll(/spp_[\w-]+/g, 'T')} shows ${wanted.kind}`, () =>
    assert.deepEqual(shownTicket(target), wanted));

test('withoutTickets(): ours go, in any spelling of the pair; all else stays byte by byte', () => {
  for (const [target, kept] of [
    [`/a?ticket=${one}`, '/a'],
    [`/a?b=%7e+c&ticket=${one}&d`, '/a?b=%7e+c&d'],
    [`/a?ticket=x&ticket=${one}`, '/a?ticket=x'],
    [`/a?%74icket=${one}&b`, '/a?b'],
    [`/a?x=${one}`, `/a?x=${one}`],
    [`/${one}?b`, `/${one}?b`],
    ['/a?ticket=x', '/a?ticket=x'],
    ['/a?', '/a?'],
  ] as const)
    assert.equal(withoutTickets(target), kept, target);
});

test('withoutTickets(): no ticket of ours is left for anybody to read', () => {
  const pair = fc.oneof(
    fc.constantFrom(`ticket=${one}`, `%74icket=${other}`, 'ticket=mine', 'b', 'c=d%20e', '', '=', `x=${one}`),
    fc.string({ unit: fc.constantFrom('a', 'b', 't', '=', '%', '+') }),
  );
  fc.assert(
    fc.property(fc.array(pair, { maxLength: 6 }), (pairs) => {
      const target = `/a?${pairs.join('&')}`;
      const left = withoutTickets(target);
      assert.equal(shownTicket(left).kind === 'ticket' || shownTicket(left).kind === 'repeated', false);
      const ours = pairs.some((each) => /^(t|%74)icket=spp_/.test(each));
      if (!ours) assert.equal(left, target);
    }),
  );
});

for (const path of ['/', '/a', '/a/', '/a.b/..c/d', '/%C3%A9', '/a%2Fb', '/~x', '/a;b=c', `/${'x'.repeat(2047)}`])
  test(`parseTicketPath() takes ${path.slice(0, 30)} as it is`, () =>
    assert.deepEqual(parseTicketPath(path), { kind: 'path', path }));

for (const path of [
  '',
  'a',
  '//a',
  '/a?b',
  '/a#b',
  '/a b',
  '/é',
  '/a\\b',
  '/.',
  '/..',
  '/a/../b',
  '/a/./b',
  '/%2e%2E/a',
  '/a/.%2e',
  '/a\n',
  'http://x/a',
  `/${'x'.repeat(2048)}`,
])
  test(`parseTicketPath() takes no ${JSON.stringify(path.slice(0, 30))}`, () =>
    assert.equal(parseTicketPath(path).kind, 'malformed'));
