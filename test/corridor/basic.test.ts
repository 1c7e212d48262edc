/**
 * Every route of the table × every name and secret over Basic, over HTTP, from this machine and from elsewhere, with the
 * answer each cell must get (`support/corridor.ts`).
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Route } from '../../src/http/route.ts';
import { send } from '../support/client.ts';
import {
  askIn,
  faultsOf,
  fittingBody,
  inGroups,
  type Locality,
  nameOf,
  refused,
  type Shown,
  type Standing,
  table,
  turnedAway,
  wantedIn,
  type Way,
} from '../support/corridor.ts';
import { asAdmin, bearer, passwordOf, settle } from '../support/invited.ts';
import { admin, setUp } from '../support/people.ts';
import { enrol } from '../support/phone.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { askAs, basic, issue, wideLimits } from '../support/tokens.ts';

const wrong = { kind: 'dead', code: 'invalid_credentials' } as const;
const half = { kind: 'dead', code: 'second_factor_required' } as const;
const unreadable = { kind: 'unreadable' } as const;

describe('every route, every name and secret over Basic', () => {
  let server: RunningServer;
  /** Answered at once, so that every cell is asked. */
  const ways: Way[] = [];
  /** Answered at the next whole second: every row at once. */
  const heldWays: Way[] = [];
  const reached = new Set<string>();
  let recoveryCodes: readonly string[] = [];

  const way = (name: string, shown: Shown, headers: Readonly<Record<string, string>>): Way => ({
    name,
    shown,
    show: () => ({ headers }),
  });

  before(async () => {
    server = await startServer();
    const { console, data } = server;
    const root = String((await setUp(server)).json['token']);
    const house = asAdmin(console, root);
    const [mallory, dave, erin, carol] = [
      await settle(console, house, 'mallory', { privileges: ['admin'] }),
      await settle(console, house, 'dave', { privileges: ['admin'] }),
      await settle(console, house, 'erin', { privileges: ['admin'] }),
      await settle(console, house, 'carol'),
    ];
    ({ recoveryCodes } = await enrol(console, erin.token));
    const keyOf = async (token: string): Promise<string> => {
      const got = await send(`${console}/api/auth/user-key`, { headers: bearer(token), body: {} });
      assert.equal(got.status, 200, got.text);
      return String(got.json['user_key']);
    };
    const keys = { admin: await keyOf(root), demoted: await keyOf(mallory.token), user: await keyOf(carol.token) };
    const daves = await keyOf(dave.token);
    const { secret } = await issue(askAs(console, root), { scope: 'full_admin', rate_limit: wideLimits });
    assert.equal((await house.patch(mallory.id, { privileges: [] })).status, 200);
    assert.equal((await house.patch(dave.id, { active: false })).status, 200);
    const service = (await readFile(join(data, 'api.key'), 'utf8')).trim();
    const foreign = { 'sec-fetch-site': 'cross-site' };
    const cookie = `sallyport-account=${'a'.repeat(43)}`;

    const names = { admin: 'Root1', demoted: 'mallory', user: 'carol' } as const;
    const passwords = { admin: admin.password, demoted: passwordOf('mallory'), user: passwordOf('carol') } as const;
    for (const owner of ['admin', 'demoted', 'user'] as const satisfies readonly Standing[]) {
      const password = { authorization: basic(`${names[owner]}:${passwords[owner]}`) };
      const userKey = { authorization: basic(`${names[owner]}:${keys[owner]}`) };
      const shown = (by: 'password' | 'user-key', csrf: 'not-asked' | 'foreign'): Shown => ({
        kind: 'basic',
        owner,
        by,
        csrf,
      });
      ways.push(
        way(`password of ${owner}`, shown('password', 'not-asked'), password),
        way(`password of ${owner}, from a page elsewhere`, shown('password', 'foreign'), { ...password, ...foreign }),
        way(`password of ${owner}, with a code nobody asks for`, shown('password', 'not-asked'), {
          ...password,
          'x-auth-token': '123456',
        }),
        way(`user key of ${owner}`, shown('user-key', 'not-asked'), userKey),
        way(`user key of ${owner}, from a page elsewhere`, shown('user-key', 'foreign'), { ...userKey, ...foreign }),
        way(`user key of ${owner}, beside a dead cookie`, shown('user-key', 'not-asked'), { ...userKey, cookie }),
      );
    }
    const ofService = (csrf: 'not-asked' | 'foreign'): Shown => ({ kind: 'service', from: 'local', csrf });
    const rightOfErin = { authorization: basic(`erin:${passwordOf('erin')}`) };
    ways.push(
      way('service key', ofService('not-asked'), { authorization: basic(`${service}:`) }),
      way('service key, with a password', ofService('not-asked'), { authorization: basic(`${service}:x`) }),
      way('service key, from a page elsewhere', ofService('foreign'), {
        authorization: basic(`${service}:`),
        ...foreign,
      }),
      way('service key of another case', wrong, { authorization: basic(`${swapped(service)}:`) }),
      way('service key, cut short', wrong, { authorization: basic(`${service.slice(0, -1)}:`) }),
      way('right password without the code of its second factor', half, rightOfErin),
      way('right password with an empty code', half, { ...rightOfErin, 'x-auth-token': '' }),
      way('no password', wrong, { authorization: basic('Root1:') }),
      way('neither name nor password', wrong, { authorization: basic(':') }),
      way('no base64', unreadable, { authorization: 'Basic %%%' }),
      way('nothing behind the scheme', unreadable, { authorization: 'Basic' }),
      way('no colon', unreadable, { authorization: basic('Root1') }),
      way('no UTF-8', unreadable, {
        authorization: `Basic ${Buffer.from('test:123\xa3', 'latin1').toString('base64')}`,
      }),
      way('a control character', unreadable, { authorization: basic('Root1:pass\0word') }),
      way('beside an API key', unreadable, { authorization: basic(`Root1:${admin.password}`), 'x-api-key': secret }),
    );
    heldWays.push(
      way('wrong password of an admin', wrong, { authorization: basic('Root1:not-it-at-all-000001') }),
      way('right password of a disabled admin', wrong, { authorization: basic(`dave:${passwordOf('dave')}`) }),
      way('user key of a disabled admin', wrong, { authorization: basic(`dave:${daves}`) }),
      way("somebody else's user key", wrong, { authorization: basic(`carol:${keys.admin}`) }),
      way('a token as password', wrong, { authorization: basic(`Root1:${secret}`) }),
      way('a name that nobody has', wrong, { authorization: basic('ghost:not-it-at-all-000001') }),
    );
  });
  after(() => server.remove());

  const sweep = async (cells: readonly (readonly [Route, Way])[], locality: Locality): Promise<void> => {
    const faults: string[] = [];
    await inGroups(cells, 20, async ([row, each]) => {
      const got = await askIn(server.console, row, each, locality);
      faults.push(...faultsOf(row, each, locality, wantedIn(row, each, locality), got));
      reached.add(`${nameOf(row)} ${locality} ${each.name}`);
    });
    assert.deepEqual(faults, []);
  };

  for (const locality of ['remote', 'local'] as const) {
    for (const row of table)
      it(`${nameOf(row)}, ${locality}: ${row.need.kind}`, () =>
        sweep(
          ways.map((each) => [row, each] as const),
          locality,
        ));

    it(`what is wrong, everywhere, ${locality}`, async () => {
      for (const each of heldWays)
        await sweep(
          table.map((row) => [row, each] as const),
          locality,
        );
    });
  }

  it('every cell was reached', () => {
    const all = [...ways, ...heldWays];
    assert.equal(new Set(all.map(({ name }) => name)).size, all.length);
    assert.equal(reached.size, 2 * table.length * all.length);
  });

  it('with the code of a second factor it is as without one: each sort of need once, a code each', async () => {
    const codes = recoveryCodes.values();
    const firsts = [...Map.groupBy(table, ({ need }) => need.kind).values()].map(([row]) => row ?? assert.fail());
    const faults: string[] = [];
    for (const row of firsts) {
      const headers = {
        authorization: basic(`erin:${passwordOf('erin')}`),
        'x-auth-token': String(codes.next().value),
      };
      const each = way('with its code', { kind: 'basic', owner: 'admin', by: 'password', csrf: 'not-asked' }, headers);
      const got = await askIn(server.console, row, each, 'remote');
      faults.push(...faultsOf(row, each, 'remote', wantedIn(row, each, 'remote'), got));
    }
    assert.deepEqual(faults, []);
    assert.ok(firsts.length > 5);
  });

  it('a user key never satisfies step-up; a password and the service key do', async () => {
    const faults: string[] = [];
    let asked = 0;
    for (const row of table.filter(({ stepUp }) => stepUp === 'fresh'))
      for (const each of ways.filter(({ shown }) => shown.kind === 'basic' && shown.by === 'user-key')) {
        const away = turnedAway(row, each, 'remote');
        const got = await askIn(server.console, row, each, 'remote', fittingBody(row));
        faults.push(...faultsOf(row, each, 'remote', away ?? refused(403, 'reauthentication_required'), got));
        if (away !== null) continue;
        asked += 1;
        if (JSON.stringify(got.json['methods']) !== '[]') faults.push(`${nameOf(row)} × ${each.name}: methods`);
      }
    assert.deepEqual(faults, []);
    assert.ok(asked > 5, `only ${asked} got so far`);
    // The same row, and what does.
    const made = table.find((row) => nameOf(row) === 'POST /api/auth/users') ?? assert.fail();
    for (const name of ['password of admin', 'service key']) {
      const each = ways.find((one) => one.name === name) ?? assert.fail();
      const got = await askIn(server.console, made, each, 'local', JSON.stringify({ username: `by-${name.length}` }));
      assert.equal(got.status, 201, got.text);
    }
  });
});

const swapped = (text: string): string =>
  Array.from(text, (each) => (each === each.toLowerCase() ? each.toUpperCase() : each.toLowerCase())).join('');
