/**
 * Keys rotate by themselves (3-rules, Keys), seen with a clock that the test moves: nothing is older than it should be, nobody
 * is signed out, no limit and no idempotent request is forgotten, and sealed values follow.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { keyAges, publishedMs } from '../../src/actions/keys/ages.ts';
import { send } from '../support/client.ts';
import { asAdmin, login, passwordOf, settle } from '../support/invited.ts';
import { embed, type Embedded } from '../support/library.ts';
import { temporaryFolder } from '../support/server.ts';
import { admin } from '../support/people.ts';
import { pause } from '../support/waiting.ts';
import { rm } from 'node:fs/promises';

const minute = 60_000;
const hour = 60 * minute;

let house: Embedded;
let data: string;

const until = async (reached: () => Promise<boolean> | boolean, what: string): Promise<void> => {
  for (let tries = 0; !(await reached()); tries += 1) {
    assert.ok(tries < 300, what);
    await pause(50);
  }
};
const rows = async (purpose: string) => (await house.engine.keys()).filter((row) => row.purpose === purpose);
const rotate = (purpose: 'ticket' | 'cookie' | 'seal' | 'audit', when: 'published' | 'now' = 'now') =>
  house.sallyport.keys({ action: 'rotate', purpose, when });

before(async () => {
  data = await temporaryFolder();
  house = await embed({ data });
  const got = await send(`${house.console}/api/auth/setup`, { body: { setup_code: house.setupCode, ...admin } });
  assert.equal(got.status, 201, got.text);
  await settle(house.console, asAdmin(house.console, String(got.json['token'])), 'alice');
});
after(async () => {
  await house.close();
  await rm(data, { recursive: true, force: true });
});

describe('by themselves', () => {
  it('ten minutes before it is thirty days old a ticket key is followed; the old one goes when no ticket can live under it', async () => {
    const [first] = await rows('ticket');
    house.pass(keyAges.ticket.everyMs - publishedMs - 5 * minute);
    await pause(1500);
    assert.equal((await rows('ticket')).length, 1);
    house.pass(5 * minute);
    await until(async () => (await rows('ticket')).length === 2, 'the next one is published');
    house.pass(publishedMs + keyAges.ticket.keptMs - 5 * minute);
    await pause(1500);
    assert.equal((await rows('ticket')).length, 2);
    house.pass(6 * minute);
    await until(async () => (await rows('ticket')).length === 1, 'the old one is gone');
    assert.notEqual((await rows('ticket'))[0]?.id, first?.id);
    const published = await send(`${house.console}/api/auth/keys`);
    assert.deepEqual(
      (published.json['keys'] as { kid: string }[]).map(({ kid }) => kid),
      (await rows('ticket')).map(({ id }) => id),
    );
  });

  it('values are sealed anew; the sealing key before goes when nothing is left under it, and passwords are right all the time', async () => {
    const [old] = await rows('seal');
    assert.ok(old !== undefined);
    assert.equal((await rotate('seal')).kind, 'done');
    assert.equal((await login(house.console, 'alice', passwordOf('alice'))).status, 200);
    house.pass(2 * minute);
    const under = async (): Promise<number> =>
      (await house.engine.keyUses()).find(({ id }) => id === old.id)?.count ?? 0;
    await until(async () => (await under()) === 0, 'nothing is left under the old one');
    assert.equal((await login(house.console, 'alice', passwordOf('alice'))).status, 200);
    assert.equal((await rows('seal')).length, 2, 'not before an hour has passed');
    house.pass(hour);
    await until(async () => (await rows('seal')).length === 1, 'the old one is gone');
    assert.notEqual((await rows('seal'))[0]?.id, old.id);
    for (const [name, password] of [
      ['alice', passwordOf('alice')],
      [admin.username, admin.password],
    ] as const) {
      assert.equal((await login(house.console, name, password)).status, 200);
      assert.equal((await login(house.console, name, `${password} not`)).status, 401);
    }
  });

  it('an audit key stays as long as a checkpoint is signed by it', async () => {
    const [old] = await rows('audit');
    assert.equal((await rotate('audit')).kind, 'done');
    house.pass(3 * hour);
    await house.sallyport.signAudit();
    await pause(1500);
    assert.ok((await rows('audit')).some(({ id }) => id === old?.id));
    const heads = await house.sallyport.audit.heads();
    assert.equal(heads[0]?.keys.length, 2);
  });
});

describe('a cookie key rotates', () => {
  it('and an idempotent request finds its answer, secrets and all, until a day has passed', async () => {
    let done = 0;
    const place = () =>
      house.sallyport.idempotent({
        owner: 'u_ada',
        credential: 'the secret of ada',
        key: 'one-and-the-same',
        asked: { method: 'POST', path: '/orders', body: '{}' },
        effect: () => ({ order: (done += 1), code: 'secret' }),
        keep: (answer) => ({ value: answer, secrets: ['code'] }),
      });
    assert.equal((await place()).kind, 'done');
    assert.equal((await rotate('cookie')).kind, 'done');
    // Not in use yet, in use, and one more in use.
    for (const ms of [0, minute, 0, minute, 20 * hour]) {
      house.pass(ms);
      assert.deepEqual(await place(), { kind: 'replayed', value: { order: 1, code: 'secret' } });
      if (ms === 0) assert.equal((await rotate('cookie')).kind, 'done');
    }
    assert.equal(done, 1);
    house.pass(5 * hour);
    assert.equal((await place()).kind, 'done', 'a day has passed');
  });

  it('and a login token that was handed out before is good', async () => {
    const prepared = await send(`${house.console}/api/auth/login/prepare`, { method: 'POST' });
    const [cookie = ''] = prepared.cookies.map((each) => each.split(';', 1)[0] ?? '');
    assert.equal((await rotate('cookie')).kind, 'done');
    house.pass(20_000);
    const headers = { cookie, origin: house.console };
    const body = { ...admin, login_token: prepared.json['login_token'] };
    const got = await send(`${house.console}/api/auth/login`, { headers, body });
    assert.equal(got.status, 200, got.text);
    const again = await send(`${house.console}/api/auth/login`, { headers, body });
    assert.equal(again.status, 403, 'once');
  });

  it('and a name that is nobody’s is limited as it was', async () => {
    const tried = (at: number) =>
      login(house.console, 'nobody-at-all', `wrong ${at} entirely`, { from: `127.${at}.0.1` });
    const statuses: number[] = [];
    for (let at = 1; at <= 100; at += 1) statuses.push((await tried(at)).status);
    assert.ok(!statuses.includes(429), 'each from another network');
    assert.equal((await tried(101)).status, 429);
    assert.equal((await rotate('cookie')).kind, 'done');
    house.pass(30_000);
    assert.equal((await tried(102)).status, 429, 'no limit is forgotten');
    assert.equal((await login(house.console, 'another-name', 'wrong entirely', { from: '127.103.0.1' })).status, 401);
  });

  it('old ones go when nothing lives under them', async () => {
    assert.ok((await rows('cookie')).length > 2);
    house.pass(keyAges.cookie.keptMs + minute);
    await until(async () => (await rows('cookie')).length === 1, 'one is left');
  });
});

it('nothing went wrong behind it, and it starts again with what is there', async () => {
  assert.deepEqual(
    house.lines.filter((line) => /background|does not open|fault/.test(line)),
    [],
  );
  await house.close();
  house = await embed({ data });
  assert.equal((await login(house.console, 'alice', passwordOf('alice'))).status, 200);
});
