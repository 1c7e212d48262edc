/** API tokens as their owners and administrators have them over HTTP: made, listed, changed, given a new secret, revoked. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { digest } from '../../src/crypto/digest.ts';
import { anotherAccount } from '../support/accounts.ts';
import { type Got, send } from '../support/client.ts';
import { bearer } from '../support/invited.ts';
import { askAs, type AskAs, issue, type IssuedToken, ticketFor, tokensPath } from '../support/tokens.ts';
import { embed, type Embedded } from '../support/library.ts';
import { admin, wrongPassword } from '../support/people.ts';
import { enrol } from '../support/phone.ts';
import { assertProblem } from '../support/problem.ts';

type Listed = Readonly<Record<string, unknown>>;

const dayMs = 86_400_000;
/** Beyond the window that a complete sign-in opens. */
const beyondWindowMs = 6 * 60_000;
const { password } = admin;

interface Stage {
  readonly house: Embedded;
  /** An administrator. */
  readonly root: AskAs;
  /** Nobody in particular. */
  readonly bob: AskAs;
  readonly rootToken: string;
  /** As if nobody had just signed in. */
  readonly later: () => void;
}

async function open(...argv: readonly string[]): Promise<Stage> {
  const house = await embed({ argv });
  const made = await send(`${house.console}/api/auth/setup`, { body: { ...admin, setup_code: house.setupCode } });
  const token = String(made.json['token']);
  const bob = await anotherAccount(house, 'bob');
  return {
    house,
    root: askAs(house.console, token),
    bob: askAs(house.console, bob.token),
    rootToken: token,
    later: () => house.pass(beyondWindowMs),
  };
}

const at = (id: string, more = ''): string => `${tokensPath}/${id}${more}`;

async function listOf(ask: AskAs, query = ''): Promise<readonly Listed[]> {
  const got = await ask('GET', `${tokensPath}${query}`);
  assert.equal(got.status, 200, got.text);
  return got.json['tokens'] as Listed[];
}

async function shown(ask: AskAs, { id }: IssuedToken, query = ''): Promise<Listed> {
  return (await listOf(ask, query)).find((each) => each['id'] === id) ?? assert.fail(`${id} is not listed`);
}

/** Whether a secret works, by the one route that never refuses. */
async function standing(house: Embedded, secret: string): Promise<'works' | 'dead'> {
  const got = await send(`${house.console}/api/auth/status`, { headers: bearer(secret) });
  return got.json['authenticated'] === true ? 'works' : 'dead';
}

const stepUpMissing = (got: Got, methods: readonly string[] = ['password']): void => {
  assertProblem(got, 403, 'reauthentication_required');
  assert.deepEqual(got.json['methods'], methods);
};

describe('made', () => {
  let stage: Stage;
  before(async () => {
    stage = await open();
  });
  after(() => stage.house.close());

  it('with nothing said: reads, for a year, and the secret is told once', async () => {
    const { house, root } = stage;
    const soonest = house.now();
    const got = await root('POST', tokensPath, {});
    assert.equal(got.status, 201, got.text);
    const { token, id, expires_at: expiresAt, ...rest } = got.json;
    assert.match(String(token), /^spt_[0-9A-Za-z]{36}$/);
    assert.match(String(id), /^t_[A-Za-z0-9_-]{22}$/);
    assert.deepEqual(rest, {
      success: true,
      token_name: 'API Token',
      token_prefix: String(token).slice(0, 10),
      scopes: ['read:*'],
      expires_in: '365 days',
    });
    const ends = Date.parse(String(expiresAt));
    // Times are told in whole milliseconds or seconds.
    assert.ok(ends >= soonest + 365 * dayMs - 1000 && ends <= house.now() + 365 * dayMs, String(expiresAt));
    const is = await send(`${house.console}/api/auth/status`, { headers: bearer(String(token)) });
    const { authenticated, via, username, scopes, token_id: tokenId, totp_enabled: totp } = is.json;
    assert.deepEqual(
      [authenticated, via, username, scopes, tokenId, totp],
      [true, 'api-token', 'root1', ['read:*'], id, false],
    );
  });

  it('with everything said, under its other name', async () => {
    const { house, root } = stage;
    const got = await root('POST', '/api/auth/generate-api-token', {
      token_name: '  Büro ☂ ',
      scopes: ['read:projects', 'sallyport:audit', 'read:projects'],
      expires_in_days: 1,
      ip_allowlist: ['::ffff:127.0.0.0/104', '127.0.0.1/8', 'FD00::1', 'fd00::1/128'],
      rate_limit: { per_minute: 7, per_hour: 70 },
    });
    assert.equal(got.status, 201, got.text);
    assert.equal(got.json['expires_in'], '1 day');
    const one = await shown(root, { id: String(got.json['id']), secret: '' });
    assert.deepEqual(one, {
      id: got.json['id'],
      name: 'Büro ☂',
      token_name: 'Büro ☂',
      token_prefix: String(got.json['token']).slice(0, 10),
      scopes: ['read:projects', 'sallyport:audit'],
      created_at: one['created_at'],
      expires_at: got.json['expires_at'],
      expired: false,
      last_used_at: null,
      last_used_address: null,
      use_count: 0,
      active: true,
      ip_allowlist: ['127.0.0.0/8', 'fd00::1'],
      rate_limit: { per_minute: 7, per_hour: 70 },
      previous_valid_until: null,
    });
    assert.ok(Math.abs(Date.parse(String(one['created_at'])) - house.now()) < 60_000);
    const used = await askAs(house.console, String(got.json['token']))('GET', '/api/auth/audit');
    assert.equal(used.status, 200, used.text);
    assert.match(used.headers['ratelimit-policy'] ?? '', /q=7;.*q=70;/);
  });

  it('for ever, and with the sets of scopes by name', async () => {
    const { root } = stage;
    const got = await root('POST', tokensPath, { never: true, scope: 'full_admin' });
    assert.deepEqual([got.json['expires_at'], got.json['expires_in']], [null, 'never']);
    assert.deepEqual(got.json['scopes'], ['*', 'sallyport:admin']);
    const both = await root('POST', tokensPath, { never: false, scopes: ['read_only', 'write:x', 'full_admin'] });
    assert.deepEqual(both.json['scopes'], ['read:*', 'write:x', '*', 'sallyport:admin']);
    assert.equal(both.json['expires_in'], '365 days');
    const longest = await root('POST', tokensPath, { expires_in_days: 3650 });
    assert.equal(longest.json['expires_in'], '3650 days');
  });

  it('a name that is a word of the language is a scope like any other', async () => {
    const { bob } = stage;
    const got = await bob('POST', tokensPath, { scopes: ['constructor', 'hasownproperty', 'valueof'] });
    assert.equal(got.status, 201, got.text);
    assert.deepEqual(got.json['scopes'], ['constructor', 'hasownproperty', 'valueof']);
  });

  it('fields that nobody knows are ignored, whatever they are called', async () => {
    const { root } = stage;
    const text =
      '{"__proto__":{"scope":"full_admin","never":true},"constructor":{"prototype":{"never":true}},"userId":"u_x","active":false,"rate_limit":{"__proto__":{"per_minute":1}},"id":"t_x"}';
    const got = await root('POST', tokensPath, text, { headers: { 'content-type': 'application/json' } });
    assert.equal(got.status, 201, got.text);
    assert.deepEqual([got.json['scopes'], got.json['expires_in']], [['read:*'], '365 days']);
    const one = await shown(root, { id: String(got.json['id']), secret: '' });
    assert.deepEqual([one['active'], one['rate_limit']], [true, { per_minute: 600, per_hour: 20_000 }]);
    assert.equal(({} as Listed)['never'], undefined);
  });

  it('when that is confirmed: by the open window, or by the password in the same request', async () => {
    const { root, later, house } = stage;
    later();
    stepUpMissing(await root('POST', tokensPath, {}));
    stepUpMissing(await root('POST', '/api/auth/generate-api-token', {}));
    assertProblem(await root('POST', tokensPath, { password: wrongPassword }), 403, 'reauthentication_failed');
    const made = await issue(root, { password, scopes: ['admin:credentials'] });
    // It neither opens the window nor moves it.
    stepUpMissing(await root('POST', tokensPath, {}));
    const program = askAs(house.console, made.secret);
    stepUpMissing(await program('POST', tokensPath, {}));
    assertProblem(await program('POST', tokensPath, { password: wrongPassword }), 403, 'reauthentication_failed');
    const child = await issue(program, { password, token_name: 'child' });
    assert.equal(await standing(house, child.secret), 'works');
    assert.equal((await shown(root, child))['token_name'], 'child');
  });

  it('a wrong password is checked also inside the window', async () => {
    const other = await open();
    try {
      assertProblem(await other.root('POST', tokensPath, { password: wrongPassword }), 403, 'reauthentication_failed');
      assert.deepEqual(await listOf(other.root), []);
    } finally {
      await other.house.close();
    }
  });

  it('at most 250 of one account', async () => {
    const other = await open();
    try {
      for (let group = 0; group < 10; group += 1) await Promise.all(Array.from({ length: 25 }, () => issue(other.bob)));
      assertProblem(await other.bob('POST', tokensPath, {}), 409, 'conflict');
      const all = await listOf(other.bob);
      assert.equal(all.length, 250);
      await issue(other.root);
      assert.equal((await other.bob('DELETE', at(String(all[0]?.['id'])))).status, 200);
      await issue(other.bob);
      const raced = await Promise.all(Array.from({ length: 5 }, () => other.bob('POST', tokensPath, {})));
      assert.deepEqual(new Set(raced.map(({ status }) => status)), new Set([409]));
    } finally {
      await other.house.close();
    }
  });
});

describe('made with a second factor', () => {
  let stage: Stage;
  before(async () => {
    stage = await open();
  });
  after(() => stage.house.close());

  it('a password without its code is asked for the code, and no token is made', async () => {
    const { house, root, rootToken, later } = stage;
    const watch = { now: house.now, wait: house.pass };
    const { phone, recoveryCodes } = await enrol(house.console, rootToken, watch);
    later();
    for (const path of [tokensPath, '/api/auth/generate-api-token']) {
      const asked = await root('POST', path, { password });
      assert.equal(asked.status, 200, asked.text);
      assert.deepEqual(asked.json, {
        success: false,
        requires_totp: true,
        methods: ['password', 'totp', 'recovery'],
      });
      // Nothing is said about a wrong password while the code is missing.
      assert.deepEqual((await root('POST', path, { password: wrongPassword })).json, asked.json);
    }
    stepUpMissing(await root('POST', tokensPath, {}), ['password', 'totp', 'recovery']);
    assertProblem(
      await root('POST', tokensPath, { password, totp_code: phone.wrong() }),
      403,
      'reauthentication_failed',
    );
    assert.deepEqual(await listOf(root), []);
    const made = await issue(root, { password, totp_code: await phone.next() });
    await issue(root, { password, totp_token: await phone.next() });
    await issue(root, { password, totp_code: recoveryCodes[0] });
    assert.equal((await listOf(root)).length, 3);
    // Only making one answers so: others name what is missing as what it is, an error.
    stepUpMissing(await root('POST', at(made.id, '/rotate'), { password }), ['password', 'totp', 'recovery']);
    const rotated = await root('POST', at(made.id, '/rotate'), { password, totp_code: await phone.next() });
    assert.equal(rotated.status, 200, rotated.text);
  });
});

describe('refused', () => {
  let stage: Stage;
  before(async () => {
    stage = await open();
  });
  after(() => stage.house.close());

  const forbidden = 'forbidden';
  const many = (count: number, of: (number: number) => string): string[] =>
    Array.from({ length: count }, (_, n) => of(n));
  /** Wrong wherever it is said: when a token is made, and when it is changed. */
  const everywhere: readonly (readonly [string, unknown])[] = [
    ['a name that is a number', { token_name: 1 }],
    ['a name that is null', { token_name: null }],
    ['no name', { token_name: '' }],
    ['a name of blanks', { token_name: ' \t ' }],
    ['a name of 65 letters', { token_name: 'x'.repeat(65) }],
    ['a name with a bell', { token_name: 'a\u0007b' }],
    ['a name in two lines', { token_name: 'a\nb' }],
    ['a name that turns what follows', { token_name: 'a\u202eb' }],
    ['a name with a hidden space', { token_name: 'a\u200bb' }],
    ['scopes that are a word', { scopes: 'read:*' }],
    ['no scope', { scopes: [] }],
    ['a scope that is a number', { scopes: [1] }],
    ['an empty scope', { scopes: [''] }],
    ['a scope in capitals', { scopes: ['READ:*'] }],
    ['a scope that ends in a colon', { scopes: ['read:'] }],
    ['a scope that begins with one', { scopes: [':read'] }],
    ['a wildcard within a word', { scopes: ['read:pro*'] }],
    ['a wildcard in the middle', { scopes: ['read:*:x'] }],
    ['a scope with a space', { scopes: ['read:a write:b'] }],
    ['a scope that quotes', { scopes: ['read:"x"'] }],
    ['a prototype as scope', { scopes: ['__proto__'] }],
    ['an own scope that is none', { scopes: ['sallyport:x'] }],
    ['a wildcard of own scopes', { scopes: ['sallyport:*'] }],
    ['a wildcard below one', { scopes: ['sallyport:admin:*'] }],
    ['a scope of 129 characters', { scopes: [`read:${'x'.repeat(124)}`] }],
    ['33 scopes', { scopes: many(33, (n) => `read:p${n}`) }],
    ['networks that are a word', { ip_allowlist: '10.0.0.0/8' }],
    ['a network that is a number', { ip_allowlist: [10] }],
    ['a network of 33 bits', { ip_allowlist: ['10.0.0.0/33'] }],
    ['a network with a zero in front', { ip_allowlist: ['10.0.0.0/08'] }],
    ['an address in octal', { ip_allowlist: ['010.0.0.1'] }],
    ['an address with three parts', { ip_allowlist: ['10.0.1'] }],
    ['a name for an address', { ip_allowlist: ['localhost'] }],
    ['an address with a zone', { ip_allowlist: ['fe80::1%eth0'] }],
    ['a network that is partly IPv4', { ip_allowlist: ['::ffff:0:0/95'] }],
    ['nothing for an address', { ip_allowlist: [''] }],
    ['two addresses in one', { ip_allowlist: ['10.0.0.1,10.0.0.2'] }],
    ['65 networks', { ip_allowlist: many(65, (n) => `10.0.${n}.0/24`) }],
    ['300 networks', { ip_allowlist: many(300, () => '10.0.0.0/8') }],
    ['limits that are a number', { rate_limit: 600 }],
    ['a limit of none a minute', { rate_limit: { per_minute: 0 } }],
    ['a limit of none an hour', { rate_limit: { per_hour: 0 } }],
    ['a limit below none', { rate_limit: { per_minute: -1 } }],
    ['a limit of half a request', { rate_limit: { per_minute: 0.5 } }],
    ['a limit that is a word', { rate_limit: { per_minute: '600' } }],
    ['a limit of a billion a minute', { rate_limit: { per_minute: 1e9 } }],
    ['a limit of a billion an hour', { rate_limit: { per_hour: 1e9 } }],
    ['a password that is a number', { password: 1 }],
    ['a code that is a number', { totp_code: 123456 }],
    ['a list', []],
    ['a word', '"x"'],
    ['no JSON', '{'],
    ['a field that comes twice', '{"token_name":"a","token_name":"b"}'],
  ];
  const made: readonly (readonly [string, unknown])[] = [
    ['a set of scopes that is none', { scope: 'admin' }],
    ['a set of scopes that is a number', { scope: 1 }],
    ['a set of scopes from the prototype', { scope: 'constructor' }],
    ['both scope and scopes', { scope: 'read_only', scopes: ['read:*'] }],
    ['no day', { expires_in_days: 0 }],
    ['3651 days', { expires_in_days: 3651 }],
    ['half a day', { expires_in_days: 0.5 }],
    ['days before today', { expires_in_days: -1 }],
    ['days in a word', { expires_in_days: '30' }],
    ['days without end', '{"expires_in_days":1e999}'],
    ['days that are null', { expires_in_days: null }],
    ['never, in a word', { never: 'true' }],
    ['never, and days', { never: true, expires_in_days: 30 }],
  ];
  const changed: readonly (readonly [string, unknown])[] = [
    ['on or off in a word', { active: 'false' }],
    ['on or off as null', { active: null }],
  ];
  const rotated: readonly (readonly [string, unknown])[] = [
    ['a day and a second', { overlap_seconds: 86_401 }],
    ['less than nothing', { overlap_seconds: -1 }],
    ['half a second', { overlap_seconds: 0.5 }],
    ['a word', { overlap_seconds: '60' }],
    ['null', { overlap_seconds: null }],
  ];
  const asText = (body: unknown): string => (typeof body === 'string' ? body : JSON.stringify(body));
  const json = { headers: { 'content-type': 'application/json' } };

  it('what makes no sense, and nothing has changed', async () => {
    const { root } = stage;
    const token = await issue(root, { ip_allowlist: ['127.0.0.0/8'], scopes: ['read:*', 'sallyport:audit'] });
    const before = await listOf(root);
    for (const [method, path, table] of [
      ['POST', tokensPath, [...everywhere, ...made]],
      ['POST', '/api/auth/generate-api-token', [...everywhere, ...made]],
      ['PATCH', at(token.id), [...everywhere, ...changed]],
      ['POST', at(token.id, '/rotate'), rotated],
    ] as const)
      for (const [what, body] of table) {
        const got = await root(method, path, asText(body), json);
        assert.deepEqual(
          [got.status, got.json['error_code']],
          [400, 'invalid_request'],
          `${method}: ${what}: ${got.text}`,
        );
        assertProblem(got, 400, 'invalid_request');
      }
    assert.deepEqual(await listOf(root), before);
    assertProblem(await root('POST', tokensPath, { password: 'x'.repeat(1025) }), 413, 'payload_too_large');
  });

  it('more than its owner may, in either way', async () => {
    const { bob } = stage;
    const own = await issue(bob, { scopes: ['*', 'read:projects'] });
    const before = await listOf(bob);
    for (const scope of [
      'sallyport:metrics',
      'sallyport:admin',
      'admin:credentials',
      'admin:all',
      'admin:*',
      'admin',
    ]) {
      assertProblem(await bob('POST', tokensPath, { scopes: [scope] }), 403, forbidden);
      assertProblem(await bob('POST', tokensPath, { scopes: ['read:*', scope] }), 403, forbidden);
      assertProblem(await bob('PATCH', at(own.id), { scopes: [scope] }), 403, forbidden);
    }
    assertProblem(await bob('POST', tokensPath, { scope: 'full_admin' }), 403, forbidden);
    assertProblem(await bob('POST', tokensPath, { scopes: ['full_admin'] }), 403, forbidden);
    assert.deepEqual(await listOf(bob), before);
  });

  it("a page that is none of the list's", async () => {
    const { root } = stage;
    for (const query of [
      '?limit=0',
      '?limit=1001',
      '?limit=x',
      '?limit=',
      '?limit=1e2',
      '?before=x',
      '?before=',
      '?before=t_x',
    ])
      assertProblem(await root('GET', `${tokensPath}${query}`), 400, 'invalid_request');
  });
});

describe('listed', () => {
  let stage: Stage;
  before(async () => {
    stage = await open();
  });
  after(() => stage.house.close());

  it("one's own, or everybody's for an administrator; in pages; without anything that is secret", async () => {
    const { root, bob } = stage;
    const roots = [await issue(root), await issue(root, { token_name: 'second' }), await issue(root)];
    const bobs = [await issue(bob), await issue(bob)];
    const idsOf = (all: readonly Listed[]): readonly string[] => all.map((each) => each['id'] as string);
    const ids = (all: readonly IssuedToken[]): string[] => all.map(({ id }) => id);
    assert.deepEqual(new Set(idsOf(await listOf(root))), new Set(ids(roots)));
    assert.deepEqual(new Set(idsOf(await listOf(bob))), new Set(ids(bobs)));
    const all = await listOf(root, '?all=1');
    assert.deepEqual(new Set(idsOf(all)), new Set(ids([...roots, ...bobs])));
    assert.deepEqual(new Set(all.map((each) => each['username'])), new Set(['root1', 'bob']));
    assert.ok((await listOf(root)).every((each) => !('username' in each)));
    assertProblem(await bob('GET', `${tokensPath}?all=1`), 403, 'forbidden');

    const paged: unknown[] = [];
    for (let before = ''; ;) {
      const got = await root('GET', `${tokensPath}?all=1&limit=2${before}`);
      const page = got.json['tokens'] as Listed[];
      assert.ok(page.length > 0 && page.length <= 2);
      paged.push(...idsOf(page));
      if (got.json['next'] === null) break;
      assert.equal(got.json['next'], page.at(-1)?.['id']);
      before = `&before=${got.json['next'] as string}`;
    }
    assert.deepEqual(paged, idsOf(all));

    await root('POST', at(roots[0]?.id ?? '', '/rotate'), { overlap_seconds: 60 });
    for (const ask of [root, bob]) {
      const { text } = await ask('GET', `${tokensPath}${ask === root ? '?all=1' : ''}`);
      for (const { secret } of [...roots, ...bobs])
        for (const told of [secret, secret.slice(10), digest(secret), String(digest(secret)).slice(0, 12)])
          assert.ok(!text.includes(told), `${told} is told`);
      assert.doesNotMatch(text, /digest|hash|secret/i);
    }
  });

  it('with their uses, also those that are not written yet, by where the last came from', async () => {
    const { house, root, bob } = stage;
    const token = await issue(bob, { ip_allowlist: ['127.0.0.0/8'] });
    const use = (from: string) => send(`${house.console}/api/auth/status`, { headers: bearer(token.secret), from });
    for (const from of ['127.0.0.1', '127.44.0.1', '127.44.0.9']) await use(from);
    const now = house.now();
    const one = await shown(bob, token);
    assert.deepEqual([one['use_count'], one['last_used_address']], [3, '127.44.0.9']);
    assert.ok(Math.abs(Date.parse(String(one['last_used_at'])) - now) < 60_000);
    assert.equal((await shown(root, token, '?all=1'))['use_count'], 3);
    const kept = await house.engine.tokenById(token.id as never);
    assert.equal(kept.kind === 'found' && kept.token.useCount, 0);
    // What is refused is no use: not there, not with that scope, not in force.
    const other = await issue(bob, { ip_allowlist: ['192.0.2.0/24'] });
    assert.equal(await standing(house, other.secret), 'dead');
    assert.equal((await shown(bob, other))['use_count'], 0);
    const changed = await bob('PATCH', at(token.id), { token_name: 'still' });
    assert.equal(changed.json['use_count'], 3);
  });

  it('by a token with that scope: its owner’s, or everybody’s; and by none without it', async () => {
    const { house, root } = stage;
    const reader = askAs(house.console, (await issue(root, { scopes: ['sallyport:tokens'] })).secret);
    assert.ok((await listOf(reader)).length > 0);
    assert.ok((await listOf(reader, '?all=1')).length > (await listOf(reader)).length);
    for (const scopes of [['*'], ['read:*'], ['sallyport:users'], ['admin:credentials']])
      assertProblem(
        await askAs(house.console, (await issue(root, { scopes })).secret)('GET', tokensPath),
        403,
        'insufficient_scope',
      );
  });
});

describe('changed', () => {
  let stage: Stage;
  beforeEach(async () => {
    stage = await open();
  });
  afterEach(() => stage.house.close());

  const wide = {
    scopes: ['read:*', 'write:x', 'sallyport:admin'],
    ip_allowlist: ['10.0.0.0/8', '127.0.0.0/8'],
    rate_limit: { per_minute: 60, per_hour: 600 },
  } as const;
  const told = ({ scopes, ip_allowlist, rate_limit, active, name }: Listed) => ({
    scopes,
    ip_allowlist,
    rate_limit,
    active,
    name,
  });

  it('in each field alone; what is left out stays', async () => {
    const { root } = stage;
    const token = await issue(root, wide);
    let expected = told({ ...wide, active: true, name: 'API Token' });
    for (const [patch, after] of [
      [{ token_name: 'Renamed' }, { name: 'Renamed' }],
      [{ scopes: ['read:a', 'sallyport:audit'] }, {}],
      [{ ip_allowlist: ['127.0.0.0/9', '127.0.0.1/9'] }, { ip_allowlist: ['127.0.0.0/9'] }],
      [{ rate_limit: { per_minute: 6 } }, { rate_limit: { per_minute: 6, per_hour: 600 } }],
      [{ rate_limit: { per_hour: 60 } }, { rate_limit: { per_minute: 6, per_hour: 60 } }],
      [{ active: false }, {}],
      [{}, {}],
    ] as const) {
      const got = await root('PATCH', at(token.id), patch);
      assert.equal(got.status, 200, got.text);
      const { token_name: _given, ...rest } = { token_name: '', ...patch };
      expected = { ...expected, ...rest, ...after };
      assert.deepEqual(told(got.json), expected);
      assert.deepEqual(told(await shown(root, token)), expected);
    }
  });

  it('narrower by anybody who holds it, wider only when that is confirmed', async () => {
    const { root, later } = stage;
    const token = await issue(root, { ...wide, password });
    later();
    for (const narrower of [
      { token_name: 'narrow' },
      { scopes: ['read:a', 'read:b:*', 'sallyport:audit'] },
      { ip_allowlist: ['127.0.0.0/16', '10.1.0.0/16'] },
      { rate_limit: { per_minute: 30, per_hour: 300 } },
      { active: false },
      { active: false },
    ])
      assert.equal((await root('PATCH', at(token.id), narrower)).status, 200, JSON.stringify(narrower));
    const before = await shown(root, token);
    // What is given to confirm with is looked at whatever it is for.
    for (const asked of [{ active: true }, { token_name: 'narrower still' }]) {
      const wrong = await root('PATCH', at(token.id), { ...asked, password: wrongPassword });
      assertProblem(wrong, 403, 'reauthentication_failed');
    }
    for (const wider of [
      { scopes: ['read:*'] },
      { scopes: ['read:a', 'write:a'] },
      { scopes: ['read:b'] },
      { scopes: ['*'] },
      { scopes: ['sallyport:users'] },
      { scopes: ['sallyport:admin'] },
      { scopes: ['read:a', 'admin:credentials'] },
      { ip_allowlist: [] },
      { ip_allowlist: ['127.0.0.0/15'] },
      { ip_allowlist: ['127.0.0.0/16', '192.0.2.1'] },
      { ip_allowlist: ['::/0'] },
      { rate_limit: { per_minute: 31 } },
      { rate_limit: { per_hour: 301 } },
      { active: true },
      // One that narrows beside it helps nothing.
      { token_name: 'x', rate_limit: { per_minute: 1 }, active: true },
    ]) {
      stepUpMissing(await root('PATCH', at(token.id), wider));
      assert.deepEqual(await shown(root, token), before, JSON.stringify(wider));
      const confirmed = await root('PATCH', at(token.id), { ...wider, password });
      assert.equal(confirmed.status, 200, confirmed.text);
      const back = await root('PATCH', at(token.id), {
        token_name: String(before['name']),
        scopes: before['scopes'],
        ip_allowlist: before['ip_allowlist'],
        rate_limit: before['rate_limit'],
        active: false,
        password,
      });
      assert.equal(back.status, 200, back.text);
    }
  });

  it('an inactive one is refused at the next request, and works again when it is switched on', async () => {
    const { house, root } = stage;
    const token = await issue(root, { password });
    assert.equal(await standing(house, token.secret), 'works');
    await root('PATCH', at(token.id), { active: false });
    assert.equal(await standing(house, token.secret), 'dead');
    await root('PATCH', at(token.id), { active: true, password });
    assert.equal(await standing(house, token.secret), 'works');
    await root('PATCH', at(token.id), { ip_allowlist: ['192.0.2.0/24'] });
    assertProblem(await askAs(house.console, token.secret)('GET', '/api/auth/users'), 403, 'address_denied');
  });

  it('nobody else’s, of which there is nothing; an administrator narrows and revokes them', async () => {
    const { house, root, bob } = stage;
    const nowhere = `t_${'a'.repeat(22)}`;
    const ofRoot = await issue(root, { password });
    const before = await shown(root, ofRoot);
    for (const id of [ofRoot.id, nowhere, 'x']) {
      assertProblem(await bob('PATCH', at(id), { active: false }), 404, 'not_found');
      assertProblem(await bob('POST', at(id, '/rotate'), {}), 404, 'not_found');
      assertProblem(await bob('DELETE', at(id)), 404, 'not_found');
    }
    for (const id of [nowhere, 'x']) {
      assertProblem(await root('PATCH', at(id), { active: false }), 404, 'not_found');
      assertProblem(await root('POST', at(id, '/rotate'), { password }), 404, 'not_found');
      assertProblem(await root('DELETE', at(id)), 404, 'not_found');
    }
    assert.deepEqual(await shown(root, ofRoot), before);

    const ofBob = await issue(bob, { ...wide, scopes: ['read:*', 'write:x'] });
    for (const narrower of [
      { scopes: ['read:a'] },
      { ip_allowlist: ['127.0.0.0/8'] },
      { rate_limit: { per_minute: 6 } },
      { active: false },
    ])
      assert.equal((await root('PATCH', at(ofBob.id), narrower)).status, 200);
    assert.equal(await standing(house, ofBob.secret), 'dead');
    const narrowed = await shown(bob, ofBob);
    for (const wider of [
      { scopes: ['read:b'] },
      { ip_allowlist: [] },
      { rate_limit: { per_minute: 7 } },
      { active: true },
    ])
      assertProblem(await root('PATCH', at(ofBob.id), { ...wider, password }), 403, 'forbidden');
    // What its owner may not have, nobody gives it.
    assertProblem(await root('PATCH', at(ofBob.id), { scopes: ['sallyport:audit'], password }), 403, 'forbidden');
    assertProblem(await root('POST', at(ofBob.id, '/rotate'), { password }), 403, 'forbidden');
    assert.deepEqual(await shown(bob, ofBob), narrowed);
    assert.equal((await root('DELETE', at(ofBob.id))).status, 200);
    assert.deepEqual(await listOf(bob), []);
  });
});

describe('given a new secret, and revoked', () => {
  let stage: Stage;
  before(async () => {
    stage = await open();
  });
  after(() => stage.house.close());

  const rotate = async (ask: AskAs, { id }: IssuedToken, body: object): Promise<Got & { readonly secret: string }> => {
    const got = await ask('POST', at(id, '/rotate'), body);
    assert.equal(got.status, 200, got.text);
    return { ...got, secret: String(got.json['token']) };
  };

  it('with nothing said the old one is dead at once', async () => {
    const { house, bob } = stage;
    const token = await issue(bob, { token_name: 'turning', never: true });
    assert.equal(await standing(house, token.secret), 'works');
    const { secret, json } = await rotate(bob, token, {});
    assert.deepEqual(json, {
      success: true,
      token: secret,
      id: token.id,
      token_name: 'turning',
      token_prefix: secret.slice(0, 10),
      scopes: ['read:*'],
      expires_at: null,
      previous_valid_until: null,
    });
    assert.notEqual(secret, token.secret);
    assert.deepEqual([await standing(house, token.secret), await standing(house, secret)], ['dead', 'works']);
    assert.equal((await shown(bob, token))['token_prefix'], secret.slice(0, 10));
  });

  it('with an overlap both work until then; a second time kills the first', async () => {
    const { house, bob } = stage;
    const token = await issue(bob);
    const second = await rotate(bob, token, { overlap_seconds: 60 });
    const until = Date.parse(String(second.json['previous_valid_until']));
    assert.ok(Math.abs(until - house.now() - 60_000) < 30_000);
    assert.equal((await shown(bob, token))['previous_valid_until'], second.json['previous_valid_until']);
    assert.deepEqual([await standing(house, token.secret), await standing(house, second.secret)], ['works', 'works']);
    const third = await rotate(bob, token, { overlap_seconds: 60 });
    const all = async (): Promise<readonly string[]> => {
      const secrets = [token.secret, second.secret, third.secret];
      return Promise.all(secrets.map((each) => standing(house, each)));
    };
    assert.deepEqual(await all(), ['dead', 'works', 'works']);
    house.pass(60_001);
    assert.deepEqual(await all(), ['dead', 'dead', 'works']);
    assert.equal((await shown(bob, token))['previous_valid_until'], null);
    house.pass(-60_001);
  });

  it('of an overlap nothing is left when it is switched off, rotated without one, or revoked', async () => {
    const { house, bob } = stage;
    for (const end of [
      (token: IssuedToken) => bob('PATCH', at(token.id), { active: false }),
      (token: IssuedToken) => bob('POST', at(token.id, '/rotate'), {}),
      (token: IssuedToken) => bob('DELETE', at(token.id)),
    ]) {
      const token = await issue(bob);
      const { secret } = await rotate(bob, token, { overlap_seconds: 86_400 });
      assert.deepEqual([await standing(house, token.secret), await standing(house, secret)], ['works', 'works']);
      assert.equal((await end(token)).status, 200);
      assert.deepEqual([await standing(house, token.secret), await standing(house, secret)], ['dead', 'dead']);
    }
  });

  it('of ten at once, each new secret but the last is dead', async () => {
    const { house, bob } = stage;
    const token = await issue(bob);
    const all = await Promise.all(Array.from({ length: 10 }, () => bob('POST', at(token.id, '/rotate'), {})));
    for (const got of all) if (got.status !== 200) assertProblem(got, 409, 'conflict');
    const secrets = all.filter(({ status }) => status === 200).map(({ json }) => String(json['token']));
    const living = await Promise.all(secrets.map((secret) => standing(house, secret)));
    assert.equal(living.filter((each) => each === 'works').length, 1);
    assert.equal(await standing(house, token.secret), 'dead');
  });

  it('only when that is confirmed; revoking asks nobody', async () => {
    const { house, root, later } = stage;
    const token = await issue(root);
    const ticket = await ticketFor(askAs(house.console, token.secret), '/api/auth/users');
    later();
    stepUpMissing(await root('POST', at(token.id, '/rotate'), {}));
    assert.equal(await standing(house, token.secret), 'works');
    const { secret } = await rotate(root, token, { password });
    assert.equal((await root('DELETE', at(token.id))).status, 200);
    assert.equal(await standing(house, secret), 'dead');
    assertProblem(await askAs(house.console, secret)('GET', '/api/auth/users'), 401, 'invalid_token');
    assertProblem(await send(`${house.console}/api/auth/users?ticket=${ticket}`), 401, 'invalid_token');
    assertProblem(await root('DELETE', at(token.id)), 404, 'not_found');
    assert.ok((await listOf(root)).every(({ id }) => id !== token.id));
  });
});
