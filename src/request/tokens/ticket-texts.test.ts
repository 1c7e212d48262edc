/** Tickets, headers and names in the form of Proxmox clients: whatever comes, it is read in one way, and what is written is read as it was. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Millis, UserId } from '../../types.ts';
import { secretOfPartialTicket, writePartialTicket } from './partial-ticket.ts';
import { plainTicket, readProxmoxHeader } from './proxmox-header.ts';
import {
  holdsTicket,
  meantAsTicket,
  readTicket,
  type SignedTicket,
  writeTicket,
  writeTicketInfo,
} from './signed-ticket.ts';
import { readUserId, realmNames } from './user-id.ts';

const prefixes = fc.constantFrom('SP', 'PVE', 'PBS', 'PDM');
const bytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((each) => Buffer.from(each).toString('base64url'));
const letters = fc.oneof(
  fc.constantFrom('%', '!', '@', '~', "'", '(', '*', '+', '=', 'é', '京', '\u{20000}', '%41', '%2f'),
  fc.string({ minLength: 1, maxLength: 3, unit: 'grapheme' }),
);
const names = fc
  .array(letters, { minLength: 1, maxLength: 20 })
  .map((parts) => parts.join(''))
  .filter((name) => name.isWellFormed());

const tickets: fc.Arbitrary<SignedTicket> = fc.record(
  {
    name: names,
    issuedAt: fc.nat({ max: 0xffff_ffff }).map((seconds) => (seconds * 1000) as Millis),
    keyId: bytes(12),
    serial: bytes(16),
    userId: bytes(16).map((id) => `u_${id}` as UserId),
    firstSignIn: fc.nat({ max: 2 ** 48 - 1 }).map((at) => at as Millis),
    generation: fc.nat({ max: 0xffff_ffff }),
    nonce: bytes(4),
    signature: bytes(64),
  },
  { noNullPrototype: true },
);

/** Near what is right, and nowhere near. */
const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc
    .array(
      fc.constantFrom(
        'SP',
        ':',
        '::',
        '%',
        '%40',
        '@',
        '!',
        'local',
        '=',
        ' ',
        'A',
        '6B0A9BDC',
        'APIToken',
        'AuthCookie',
        '\u0000',
        '\ud800',
      ),
      { maxLength: 30 },
    )
    .map((parts) => parts.join('')),
  fc.tuple(tickets, fc.nat(), fc.string({ maxLength: 3 })).map(([ticket, at, put]) => {
    const text: string = writeTicket('SP', ticket);
    const place = at % (text.length + 1);
    return text.slice(0, place) + put + text.slice(place + (at % 3));
  }),
);

test('what is written is read as it was', () => {
  fc.assert(
    fc.property(prefixes, tickets, (prefix, ticket) => {
      const text = writeTicket(prefix, ticket);
      assert.deepEqual(readTicket(text, prefix), { kind: 'ticket', ticket });
      for (const other of ['SP', 'PVE', 'PBS', 'PDM'])
        if (other !== prefix) assert.equal(readTicket(text, other).kind, 'foreign');
      assert.equal(readTicket(writeTicketInfo(prefix, ticket), prefix).kind, 'malformed');
      assert.equal(meantAsTicket(text, prefix), 'ticket');
      assert.equal(holdsTicket(`x ${text} y`, prefix), 'ticket');
      assert.match(text, /^[\x21-\x7e]+$/);
      assert.doesNotMatch(text, /[;,"\\]/);
      assert.equal(plainTicket(text), text);
      assert.equal(plainTicket(encodeURIComponent(text)), text);
    }),
  );
});

test('whatever comes, there is one spelling of what is read, and nothing throws', () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const form = readTicket(text, 'SP');
      if (form.kind === 'ticket') assert.equal(writeTicket('SP', form.ticket), text);
      meantAsTicket(text, 'SP');
      secretOfPartialTicket(text);
      plainTicket(text);
      holdsTicket(text, 'SP');
    }),
    { numRuns: 2000 },
  );
});

test('one more character, one less, another one: it is no ticket, or another one', () => {
  fc.assert(
    fc.property(
      tickets,
      fc.nat(),
      fc.constantFrom('', 'A', 'a', '0', '=', '%', ':', ' ', '\n', '\u0000'),
      (ticket, at, put) => {
        const text: string = writeTicket('SP', ticket);
        const place = at % text.length;
        const changed = text.slice(0, place) + put + text.slice(place + 1);
        if (changed === text) return;
        const form = readTicket(changed, 'SP');
        if (form.kind === 'ticket') assert.notDeepEqual(form.ticket, ticket);
      },
    ),
    { numRuns: 1000 },
  );
});

test('a partial ticket is none, holds its secret, and is found in whatever it stands', () => {
  fc.assert(
    fc.property(prefixes, bytes(32), fc.nat({ max: 0xffff_ffff }), (prefix, secret, seconds) => {
      const wanted = { totp: true, recovery: [0, 1], webauthn: { publicKey: { challenge: secret } } };
      const text = writePartialTicket(prefix, { wanted, at: (seconds * 1000) as Millis, secret: secret as never });
      assert.equal(meantAsTicket(text, prefix), 'ticket');
      assert.equal(readTicket(text, prefix).kind, 'malformed');
      assert.equal(secretOfPartialTicket(text), secret);
      assert.equal(holdsTicket(`Bearer ${text}`, prefix), 'ticket');
    }),
  );
});

for (const [line, wanted] of [
  ['SPAPIToken=alice@local!a=spt_x', { kind: 'token', userId: 'alice@local', name: 'a', secret: 'spt_x' }],
  ['SPAPIToken alice@local!a:spt_x', { kind: 'token', userId: 'alice@local', name: 'a', secret: 'spt_x' }],
  ['SPAPIToken=alice%40local!a%20b=spt%5Fx', { kind: 'token', userId: 'alice@local', name: 'a b', secret: 'spt_x' }],
  // What is in a name stays in it: the secret is what stands behind the last separator.
  ['SPAPIToken=alice@local!a=b:c=spt_x', { kind: 'token', userId: 'alice@local', name: 'a=b:c', secret: 'spt_x' }],
  ['SPAPIToken=alice@local!a!b=spt_x', { kind: 'token', userId: 'alice@local', name: 'a!b', secret: 'spt_x' }],
  ['SPAPIToken=al!ce@local!a=spt_x', { kind: 'token', userId: 'al', name: 'ce@local!a', secret: 'spt_x' }],
  ['SPAPIToken=alice@local!a=', { kind: 'malformed' }],
  ['SPAPIToken=alice@local!=spt_x', { kind: 'malformed' }],
  ['SPAPIToken=!a=spt_x', { kind: 'malformed' }],
  ['SPAPIToken=%!a=spt_x', { kind: 'malformed' }],
  ['SPAPIToken=', { kind: 'malformed' }],
  ['SPAPIToken', { kind: 'other' }],
  ['SPAPITokenX=a!b=c', { kind: 'other' }],
  ['spapitoken=a!b=c', { kind: 'other' }],
  ['PVEAPIToken=a!b=c', { kind: 'other' }],
  ['SPAuthCookie=SP:a', { kind: 'ticket', ticket: 'SP:a' }],
  ['SPAuthCookie=SP%3Aa', { kind: 'ticket', ticket: 'SP:a' }],
  ['SPAuthCookie=SP%253Aa', { kind: 'ticket', ticket: 'SP%3Aa' }],
  ['SPAuthCookie=%', { kind: 'ticket', ticket: '' }],
  ['SPAuthCookie SP:a', { kind: 'other' }],
  ['', { kind: 'other' }],
] as const)
  test(`Authorization: ${JSON.stringify(line)}`, () => assert.deepEqual(readProxmoxHeader(line, 'SP'), wanted));

test('no header throws, and what it is read as is not empty', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        hostile,
        hostile.map((text) => `SPAPIToken=${text}`),
        hostile.map((text) => `SPAuthCookie=${text}`),
      ),
      (line) => {
        const shown = readProxmoxHeader(line, 'SP');
        if (shown.kind === 'token')
          for (const part of [shown.userId, shown.name, shown.secret]) assert.notEqual(part, '');
      },
    ),
    { numRuns: 2000 },
  );
});

const realms = realmNames('PVE', []);

test('a name that is read names an account in one spelling, which is read as the same', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        hostile,
        fc
          .tuple(names, fc.constantFrom('', '@local', '@PVE', '@pam', '@local@pve', '@'))
          .map((parts) => parts.join('')),
      ),
      (text) => {
        const form = readUserId(text, realms);
        if (form.kind === 'malformed') return;
        assert.deepEqual(readUserId(form.userId, realms), form);
        assert.ok(!/[\s:/\p{C}]/u.test(form.userId), form.userId);
        assert.equal(form.realm, 'local');
      },
    ),
    { numRuns: 2000 },
  );
});

test('realms are split off at the last sign, under any name that they have, until none is left', () => {
  const of = (text: string): unknown => {
    const form = readUserId(text, realms);
    return form.kind === 'malformed' ? form.kind : [form.username, form.userId];
  };
  assert.deepEqual(of('Alice'), ['alice', 'alice@local']);
  assert.deepEqual(of('ALICE@Local'), ['alice', 'alice@local']);
  assert.deepEqual(of('alice@PVE'), ['alice', 'alice@pve']);
  assert.deepEqual(of('alice@pam'), ['alice@pam', 'alice@pam@local']);
  assert.deepEqual(of('alice@local@pve'), ['alice', 'alice@local']);
  assert.deepEqual(of('alice@pam@pve'), ['alice@pam', 'alice@pam@pve']);
  assert.deepEqual(of('alice\uff20local'), ['alice', 'alice@local']);
  assert.deepEqual(of('alice@\uff30VE'), ['alice', 'alice@pve']);
  for (const text of ['', '@', '@local', '@@local', 'a b@local', 'a:b', 'a/b@pve', 'x'.repeat(65)])
    if (text !== '@' && text !== '@@local') assert.equal(of(text), 'malformed', text);
});
