/**
 * Signed tickets that nobody signed, of another time, in other places than they are read from (security.md 2.6; seeds-b.md 3.4):
 * each is refused, counted with secrets that do not exist and with nothing else, and the one it was made from stays good.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Got, send, type Sent } from '../support/client.ts';
import { asAdmin, bearer, login, passwordOf, settle } from '../support/invited.ts';
import { type Embedded, embed } from '../support/library.ts';
import { admin, setUp, wrongPasswordNo } from '../support/people.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { askForTicket, assertRefused, dataOf, held, inForm, ticketOf, ticketPath } from '../support/signed-tickets.ts';
import { hashesOf } from '../support/basic.ts';

type House = { readonly console: string };
type Show = (ticket: string) => Readonly<Record<string, string>>;

const minute = 60_000;
const hour = 60 * minute;

/** Wherever one is read from. */
const ways: Readonly<Record<string, Show>> = {
  'in the cookie': (ticket) => ({ cookie: `__Host-SPAuthCookie=${ticket}` }),
  'in the cookie, percent-encoded': (ticket) => ({ cookie: `__Host-SPAuthCookie=${encodeURIComponent(ticket)}` }),
  'in the plain cookie': (ticket) => ({ cookie: `SPAuthCookie=${ticket}` }),
  'in the header': (ticket) => ({ authorization: `SPAuthCookie=${ticket}` }),
  'in the header, percent-encoded': (ticket) => ({ authorization: `SPAuthCookie=${encodeURIComponent(ticket)}` }),
};
const inHeader: Show = (ticket) => ({ authorization: `SPAuthCookie=${ticket}` });
const inCookie: Show = (ticket) => ({ cookie: `__Host-SPAuthCookie=${ticket}` });

/** Whoever has an account is told that; nobody else. */
function version(house: House, headers: Readonly<Record<string, string>>, more: Sent = {}): Promise<Got> {
  return send(`${house.console}/api2/json/version`, { ...more, headers });
}

async function assertGood(house: House, ticket: string): Promise<void> {
  for (const [way, show] of Object.entries(ways)) {
    const got = await version(house, show(ticket));
    assert.equal(got.status, 200, `${way}: ${got.text}`);
  }
}

async function assertDead(house: House, ticket: string, more: Sent = {}, what = ticket): Promise<void> {
  for (const [way, show] of Object.entries(ways)) {
    const got = await version(house, show(ticket), more);
    assert.equal(got.status, 401, `${way}: ${what}: ${got.text}`);
    const code = way.includes('cookie') ? 'session_expired' : 'invalid_token';
    assert.equal(got.json['error_code'], code, `${way}: ${what}`);
    assert.equal(got.headers['cache-control'], 'no-store');
  }
}

/** In parallel, so many at a time. */
async function each<T>(all: readonly T[], size: number, act: (one: T, at: number) => Promise<void>): Promise<void> {
  for (let at = 0; at < all.length; at += size)
    await Promise.all(all.slice(at, at + size).map((one, within) => act(one, at + within)));
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const blobOf = (ticket: string): Buffer => Buffer.from(ticket.split('::')[1] ?? '', 'base64');
const headOf = (ticket: string): string => ticket.split('::')[0] ?? '';
const unpadded = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replaceAll('=', '');
const withBlob = (ticket: string, blob: Uint8Array): string => `${headOf(ticket)}::${unpadded(blob)}`;
const [bodyLength, blobLength] = [59, 123];

/** RFC 8032 section 5.1: the order of the group that signatures count in. */
const groupOrder = 2n ** 252n + 27_742_317_777_372_353_535_851_937_790_883_648_493n;

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes.toReversed()).toString('hex')}`);
}

function inLittleEndian(number: bigint): Buffer {
  return Buffer.from(Buffer.from(number.toString(16).padStart(64, '0'), 'hex').toReversed());
}

/** Points of small order, in every encoding that somebody might take. */
const smallOrder = [
  '0100000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000080',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
];

describe('T-01, T-03: tickets that nobody signed', () => {
  let server: RunningServer;
  let other: RunningServer;
  let ticket: string;
  let foreign: string;
  before(async () => {
    server = await startServer();
    other = await startServer();
    await setUp(server);
    await setUp(other);
    ({ ticket } = await ticketOf(server));
    ({ ticket: foreign } = await ticketOf(other));
    assert.equal(blobOf(ticket).length, blobLength);
  });
  after(async () => {
    await server.remove();
    await other.remove();
  });

  /** Unknown secrets are counted for each address: here is another one for each few hundred. */
  let address = 0;
  const somewhere = (): string => `127.71.${Math.floor((address += 1) / 20)}.1`;

  it('T-01: any character changed, dropped, doubled or put in is another ticket', async () => {
    const changed = Array.from(ticket).flatMap((sign, at) => {
      const [before, behind] = [ticket.slice(0, at), ticket.slice(at + 1)];
      const next = alphabet.charAt((alphabet.indexOf(sign) + 1 + (at % 61)) % 64);
      const replaced = next === sign ? 'A' : next;
      return [
        before + replaced + behind,
        before + behind,
        `${before}${sign}${sign}${behind}`,
        `${before}:${sign}${behind}`,
      ];
    });
    await each(changed, 20, async (text) => {
      assert.notEqual(text, ticket);
      const from = somewhere();
      const [cookie, header] = await Promise.all([
        version(server, inCookie(text), { from }),
        version(server, inHeader(text), { from }),
      ]);
      assert.equal(cookie.status, 401, text);
      assert.equal(header.status, 401, text);
    });
    await assertGood(server, ticket);
  });

  it('T-01: any bit of what is signed or of the signature turned over is another ticket', async () => {
    const flipped = Array.from({ length: blobLength * 8 }, (_, bit) => {
      const blob = blobOf(ticket);
      blob.writeUInt8(blob.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      return withBlob(ticket, blob);
    });
    await each(flipped, 20, async (text, bit) => {
      const got = await version(server, inHeader(text), { from: somewhere() });
      assert.equal(got.status, 401, `bit ${bit}`);
    });
    await assertGood(server, ticket);
  });

  it('T-01: one ticket has one spelling', async () => {
    const [head, blob] = [headOf(ticket), ticket.split('::')[1] ?? ''];
    const [prefix, name = '', time = ''] = head.split(':');
    const last = alphabet.indexOf(blob.charAt(blob.length - 1));
    const spellings = [
      `${prefix}:${name}:${time.toLowerCase()}::${blob}`,
      `${prefix?.toLowerCase()}:${name}:${time}::${blob}`,
      `${prefix}:${name}:0${time}::${blob}`,
      `${prefix}:${name}:0x${time}::${blob}`,
      `${prefix}:${name.replace('@', '%40')}:${time}::${blob}`,
      `${prefix}:${name.replace('r', '%72')}:${time}::${blob}`,
      `${prefix}:${name.toUpperCase()}:${time}::${blob}`,
      `${prefix}:${name.replace('@local', '')}:${time}::${blob}`,
      `${prefix}:${name.replace('@local', '@sp')}:${time}::${blob}`,
      `${prefix}:${name.replace('@local', '@pve')}:${time}::${blob}`,
      `${prefix}:${name}@local:${time}::${blob}`,
      `${head}::${blob}=`,
      `${head}::${blob}==`,
      `${head}::${blob.replaceAll('+', '-').replaceAll('/', '_')}=`,
      // The bits behind the last byte.
      ...[1, 2, 3].map((more) => `${head}::${blob.slice(0, -1)}${alphabet.charAt((last & ~3) | ((last + more) & 3))}`),
      `${head}:${blob}`,
      `${head}:::${blob}`,
      `${head}::${blob}:`,
      `${head}::${blob}::${blob}`,
      `${head}::`,
      `${head}::ticketinfo`,
      head,
      blob,
      ticket.slice(1),
      `${ticket}A`,
      `A${ticket}`,
      `PVE${ticket.slice(2)}`,
      `SPX${ticket.slice(2)}`,
      encodeURIComponent(encodeURIComponent(ticket)),
      `"${ticket}"`,
      ticket.replaceAll(':', '%3A'),
      ticket.replace(':', '%3A'),
    ].filter((text) => text !== ticket);
    for (const text of spellings) {
      const from = somewhere();
      const wants = async (show: Show): Promise<void> => {
        const got = await version(server, show(text), { from });
        assert.equal(got.status, 401, `${JSON.stringify(show(text))}: ${got.text}`);
      };
      // Percent-encoded as a whole is how some clients write the cookie.
      const whole = text === ticket.replaceAll(':', '%3A');
      if (!whole) for (const show of [inCookie, inHeader]) await wants(show);
      await wants((one) => ({ cookie: `__Host-SPAuthCookie=${encodeURIComponent(one)}` }));
      await wants((one) => ({ authorization: `Bearer ${one}` }));
    }
    for (const at of [0, 5, ticket.indexOf('::'), ticket.length])
      for (const white of [' ', '\t', '\u00a0']) {
        const inside = `${ticket.slice(0, at)}${white}${ticket.slice(at)}`;
        if (at > 0 && at < ticket.length) {
          assert.equal((await version(server, inHeader(inside), { from: somewhere() })).status, 401);
          assert.equal((await version(server, inCookie(inside), { from: somewhere() })).status, 401);
        }
      }
    await assertGood(server, ticket);
  });

  it('T-01: one that is changed is no password either, is never hashed, and costs a name and a network nothing', async () => {
    const from = '127.72.0.1';
    const blob = blobOf(ticket);
    const changed = Array.from({ length: 60 }, (_, at) => {
      const copy = Buffer.from(blob);
      copy.writeUInt8(copy.readUInt8(1 + at) ^ 1, 1 + at);
      return withBlob(ticket, copy);
    });
    const before = await hashesOf(server);
    await each(changed, 30, async (password) => {
      const got = await askForTicket(server, { password }, { from });
      assertRefused(got, 401, 'invalid_credentials');
      assert.equal(got.cookies.length, 0);
    });
    assert.equal(await hashesOf(server), before);
    // Sixty guesses would have shut name and network.
    assert.equal((await login(server.console, 'root1', wrongPasswordNo(1), { from })).status, 401);
    assert.equal((await login(server.console, 'root1', admin.password, { from })).status, 200);
    const renewed = held(await askForTicket(server, { password: ticket }, { from }));
    assert.notEqual(renewed.ticket, ticket);
    await assertGood(server, renewed.ticket);
    assert.equal(await hashesOf(server), before + 2);
  });

  it('T-01: with whatever is written around it, as a password it is one that nobody has', async () => {
    const around = [`${ticket}\u0000`, `\u0000${ticket}`, ` ${ticket}`, `${ticket}\n`, `${ticket}=`];
    for (const [at, password] of around.entries()) {
      const got = await send(`${server.console}${ticketPath}`, {
        body: { username: 'root1', password },
        from: `127.73.${at}.1`,
      });
      // What no password may hold is told at once, as at the other ways in.
      assert.ok([400, 401].includes(got.status), got.text);
      assert.ok(!got.text.includes(ticket.slice(-40)), 'it is told back');
    }
    await assertGood(server, ticket);
  });

  it('T-03: another version, another key, no signature, any signature', async () => {
    const [own, theirs] = [blobOf(ticket), blobOf(foreign)];
    const [body, signature] = [own.subarray(0, bodyLength), own.subarray(bodyLength)];
    const withBody = (change: (bytes: Buffer) => void): string => {
      const bytes = Buffer.from(own);
      change(bytes);
      return withBlob(ticket, bytes);
    };
    const forged = [
      ...[0, 2, 255].map((number) => withBody((bytes) => void bytes.writeUInt8(number, 0))),
      // Of another installation: as it is, with our key's id, and their key's id and signature on ours.
      foreign,
      withBlob(foreign, Buffer.concat([theirs.subarray(0, 1), own.subarray(1, 13), theirs.subarray(13)])),
      withBlob(ticket, Buffer.concat([own.subarray(0, 1), theirs.subarray(1, 13), own.subarray(13)])),
      withBlob(ticket, Buffer.concat([body, theirs.subarray(bodyLength)])),
      withBlob(ticket, Buffer.concat([theirs.subarray(0, bodyLength), signature])),
      withBody((bytes) => void bytes.fill(0, 1, 13)),
      withBody((bytes) => void bytes.write('../../../etc', 1)),
      withBlob(ticket, body),
      withBlob(ticket, Buffer.concat([body, Buffer.alloc(64)])),
      withBlob(ticket, Buffer.concat([body, Buffer.alloc(64, 255)])),
      withBlob(ticket, Buffer.concat([body, signature, Buffer.alloc(1)])),
      withBlob(ticket, Buffer.concat([signature, body])),
      ...smallOrder.flatMap((point) =>
        [0n, 1n, groupOrder, groupOrder - 1n].map((scalar) =>
          withBlob(ticket, Buffer.concat([body, Buffer.from(point, 'hex'), inLittleEndian(scalar)])),
        ),
      ),
    ];
    const [r, s] = [signature.subarray(0, 32), littleEndian(signature.subarray(32))];
    assert.ok(s < groupOrder);
    // The same number in the group, and another text: two tickets for one signature.
    for (let times = 1n; s + times * groupOrder < 2n ** 256n; times += 1n)
      forged.push(withBlob(ticket, Buffer.concat([body, r, inLittleEndian(s + times * groupOrder)])));
    forged.push(withBlob(ticket, Buffer.concat([body, r, inLittleEndian(groupOrder - s)])));
    await each(forged, 10, async (text, at) => {
      const from = somewhere();
      for (const show of [inCookie, inHeader])
        assert.equal((await version(server, show(text), { from })).status, 401, `${at}: ${text}`);
    });
    await assertGood(server, ticket);
    await assertGood(other, foreign);
    await assertDead(server, foreign, { from: somewhere() });
  });

  it('T-03: words of other makers open nothing', async () => {
    const [name = '', time = ''] = headOf(ticket).split(':').slice(1);
    for (const text of [
      'none',
      '{"alg":"none"}',
      'eyJhbGciOiJub25lIiwiandrIjp7fX0.eyJzdWIiOiJyb290MSJ9.',
      `SP:${name}:${time}`,
      `SP:${name}:${time}::none`,
      `SP:${name}:${time}:${unpadded(Buffer.from(JSON.stringify({ jku: `${other.console}/api/auth/keys` })))}:x`,
      `SP:!tfa!%7B%7D:${time}::${unpadded(Buffer.alloc(32))}`,
    ])
      for (const show of [inCookie, inHeader])
        assert.equal((await version(server, show(text), { from: somewhere() })).status, 401, text);
  });

  it('many that nobody signed are limited where they come from, and a known one is not', async () => {
    const from = '127.74.0.1';
    const { ticket: known } = await ticketOf(server);
    await each(
      Array.from({ length: 40 }, (_, at) => at),
      1,
      async () => {
        for (const [, show] of Object.entries(ways))
          assert.equal((await version(server, show(known), { from })).status, 200);
      },
    );
    const statuses = new Set<number>();
    for (let round = 0; round < 30 && !statuses.has(429); round += 1)
      await each(
        Array.from({ length: 50 }, (_, at) => round * 50 + at),
        50,
        async (at) => {
          const blob = blobOf(ticket);
          blob.writeUInt32BE(at, 20);
          statuses.add((await version(server, inHeader(withBlob(ticket, blob)), { from })).status);
        },
      );
    assert.deepEqual(statuses, new Set([401, 429]));
    await Promise.all(
      Object.values(ways).map(async (show) => assert.equal((await version(server, show(known), { from })).status, 200)),
    );
    // Signing one out that cannot be looked at there is no success: it would go on living.
    const { ticket: unseen } = await ticketOf(server);
    const out = await send(`${server.console}${ticketPath}`, { method: 'DELETE', headers: inHeader(unseen), from });
    if (server.nodes.length === 0) assertRefused(out, 429, 'rate_limited');
    // Guesses are another matter.
    assert.equal((await login(server.console, 'root1', wrongPasswordNo(2), { from })).status, 401);
    assert.equal((await login(server.console, 'root1', admin.password, { from })).status, 200);
  });

  it('T-14: in a URL it is nothing, and the log does not have it', async () => {
    const { ticket: shown } = await ticketOf(server);
    const encoded = encodeURIComponent(shown);
    const paths = [
      `/api2/json/version?ticket=${encoded}`,
      `/api2/json/version?SPAuthCookie=${encoded}`,
      `/api2/json/version?PVEAuthCookie=${encoded}`,
      `/api2/json/version?__Host-SPAuthCookie=${encoded}`,
      `/api2/json/version?password=${encoded}&username=root1`,
      `/api2/json/version;ticket=${encoded}`,
      `/api2/json/version/${encoded}`,
      `/${encoded}/api2/json/version`,
      `/api/auth/verify?ticket=${encoded}`,
      `/api/auth/sessions?ticket=${encoded}`,
    ];
    for (const path of paths) {
      const got = await send(`${server.console}${path}`);
      assert.ok([400, 401, 404].includes(got.status), `${path}: ${got.status} ${got.text}`);
      assert.ok(!got.text.includes(shown.slice(-40)), path);
    }
    // A password in the query of the route itself is none.
    const query = `${ticketPath}?username=root1&password=${encodeURIComponent(admin.password)}`;
    const asked = await send(`${server.console}${query}`, { method: 'POST' });
    assert.equal(asked.status, 400, asked.text);
    await assertGood(server, shown);
    for (const secret of [shown.slice(-60), shown.slice(0, 60), encoded.slice(-60), admin.password])
      assert.ok(!server.log().includes(secret), 'the log has it');
  });
});

describe('T-02, T-11, T-12: times and sizes', () => {
  let house: Embedded;
  before(async () => {
    house = await embed({ argv: ['--trusted-proxies', '127.0.0.1'] });
    const got = await send(`${house.console}/api/auth/setup`, { body: { ...admin, setup_code: house.setupCode } });
    assert.equal(got.status, 201, got.text);
  });
  after(() => house.close());

  const issuedAt = (ticket: string): number => Number.parseInt(ticket.split(':')[2] ?? '', 16) * 1000;
  /** So far behind that moment, whatever time has passed by itself. */
  const goTo = (at: number): void => house.pass(at - house.now());
  const statusOf = async (ticket: string): Promise<number> => (await version(house, inHeader(ticket))).status;

  it('T-02: good until its last second, dead from its end on, and by no clock that is set back', async () => {
    const [{ ticket: seen }, { ticket: unseen }] = [await ticketOf(house), await ticketOf(house)];
    const end = issuedAt(seen) + 2 * hour;
    goTo(end - 1000);
    for (const ticket of [seen, unseen]) assert.equal(await statusOf(ticket), 200);
    assert.equal((await askForTicket(house, { password: seen })).status, 200);
    goTo(Math.max(end, issuedAt(unseen) + 2 * hour));
    await assertDead(house, seen);
    assertRefused(await askForTicket(house, { password: seen }), 401, 'invalid_credentials');
    house.pass(1000);
    assert.equal(await statusOf(seen), 401);
    for (const back of [hour, 3 * minute]) {
      house.pass(-back);
      await assertDead(house, seen, {}, `${back} ms back`);
      assertRefused(await askForTicket(house, { password: seen }), 401, 'invalid_credentials');
      house.pass(back);
    }
    // One that nobody showed after its end is not known to be over.
    house.pass(-hour);
    assert.equal(await statusOf(unseen), 200);
    house.pass(hour);
    // And what was taken for over is kept long enough, also when the house has swept.
    goTo(end + 23 * hour);
    await house.engine.sweep(house.now());
    house.pass(-24 * hour);
    assert.equal(await statusOf(seen), 401);
    house.pass(24 * hour);
  });

  it('T-02: one that was signed out stays so, whatever the clock says', async () => {
    const { ticket } = await ticketOf(house);
    const out = await send(`${house.console}${ticketPath}`, { method: 'DELETE', headers: inHeader(ticket) });
    assert.equal(out.status, 200, out.text);
    await assertDead(house, ticket);
    house.pass(25 * hour);
    await house.engine.sweep(house.now());
    house.pass(-25 * hour);
    await assertDead(house, ticket);
  });

  it('T-02, T-11: sixty seconds ahead are another node; more are nobody', async () => {
    const { ticket } = await ticketOf(house);
    const at = issuedAt(ticket);
    for (const [ahead, status] of [
      [5000, 200],
      [59_000, 200],
      [60_000, 200],
      [62_000, 401],
      [300_000, 401],
      [60_000, 200],
    ] as const) {
      goTo(at - ahead);
      assert.equal(await statusOf(ticket), status, `${ahead} ms ahead`);
    }
    goTo(at - 62_000);
    assertRefused(await askForTicket(house, { password: ticket }), 401, 'invalid_credentials');
    goTo(at + 1000);
    // It was too early, and that is nothing that ends it.
    assert.equal(await statusOf(ticket), 200);
  });

  it('refreshed again and again it ends a day after the password, for good', async () => {
    const first = await ticketOf(house);
    const began = issuedAt(first.ticket);
    let { ticket } = first;
    for (let round = 0; round < 12; round += 1) {
      house.pass(2 * hour - 10_000);
      ({ ticket } = held(await askForTicket(house, { password: ticket })));
      assert.equal(await statusOf(ticket), 200);
    }
    goTo(began + 24 * hour - 5000);
    const { ticket: last } = held(await askForTicket(house, { password: ticket }));
    for (const one of [ticket, last]) assert.equal(await statusOf(one), 200);
    goTo(began + 24 * hour + 2000);
    for (const one of [ticket, last]) {
      await assertDead(house, one);
      assertRefused(await askForTicket(house, { password: one }), 401, 'invalid_credentials');
    }
    // The password begins another day.
    assert.equal(await statusOf((await ticketOf(house)).ticket), 200);
  });

  it('T-09: everything signed out at a node whose clock is behind, or twice in one second, leaves none over', async () => {
    const session = await login(house.console, 'root1', admin.password);
    assert.equal(session.status, 200, session.text);
    const outEverywhere = async (): Promise<void> => {
      const got = await send(`${house.console}/api/auth/sessions`, {
        method: 'DELETE',
        headers: bearer(String(session.json['token'])),
      });
      assert.equal(got.status, 200, got.text);
    };
    const { ticket: ahead } = await ticketOf(house);
    house.pass(-50_000);
    await outEverywhere();
    house.pass(50_000);
    await assertDead(house, ahead);
    const all: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      const { ticket } = await ticketOf(house);
      assert.equal(await statusOf(ticket), 200);
      all.push(ticket);
      await outEverywhere();
    }
    for (const ticket of all) await assertDead(house, ticket);
    await assertGood(house, (await ticketOf(house)).ticket);
  });

  it('T-12: the longest name there can be fits into a cookie, in either spelling, and works', async () => {
    const signedIn = await login(house.console, 'root1', admin.password);
    const name = '\u{20000}'.repeat(64);
    const groups = Array.from({ length: 20 }, (_, at) => `group-${String(at).padStart(2, '0')}`);
    const root = asAdmin(house.console, String(signedIn.json['token']));
    await settle(house.console, root, name, { groups });
    const who = { username: name, password: passwordOf(name) };
    const got = await askForTicket(house, { ...who, 'http-only': '1' });
    const { 'ticket-info': info, CSRFPreventionToken: csrf } = dataOf(got);
    const [line = ''] = got.cookies;
    assert.ok(Buffer.byteLength(line) <= 4096, String(line.length));
    assert.match(line, /^__Host-SPAuthCookie=SP:[^;]+; Path=\/; HttpOnly; SameSite=Lax; Secure; Expires=/);
    const ticket = (line.split(';', 1)[0] ?? '').replace('__Host-SPAuthCookie=', '');
    assert.ok(encodeURIComponent(ticket).length + '__Host-SPAuthCookie='.length <= 4096);
    assert.equal(String(info), `${headOf(ticket)}::ticketinfo`);
    await assertGood(house, ticket);
    const again = await send(
      `${house.console}${ticketPath}`,
      inForm({ username: name }, { headers: { ...inCookie(ticket), csrfpreventiontoken: String(csrf) } }),
    );
    assert.equal(again.status, 200, again.text);
    // One more is no name.
    assert.equal((await askForTicket(house, { ...who, username: `${name}\u{20000}` })).status, 400);
    await assertDead(house, ticket.replace('%F0%A0%80%80', ''));
  });
});
