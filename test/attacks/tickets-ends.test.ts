/**
 * Signed tickets after what ends them, and tickets for a path that somebody asks about (security.md 2.6): each is dead at the
 * next request, whether this server has seen it before or not, and what was not meant goes on.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Got, send, type Sent } from '../support/client.ts';
import { type Admin, asAdmin, bearer, login, passwordOf, redeem, settle } from '../support/invited.ts';
import { admin, setUp, signIn } from '../support/people.ts';
import { enrol } from '../support/phone.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import {
  askForTicket,
  assertRefused,
  dataOf,
  held,
  type HeldTicket,
  inForm,
  ticketOf,
  ticketPath,
} from '../support/signed-tickets.ts';
import { makeTicket, makeToken } from '../support/tokens.ts';

const inHeader = ({ ticket }: HeldTicket): Record<string, string> => ({ authorization: `SPAuthCookie=${ticket}` });
const inCookie = ({ ticket, csrf }: HeldTicket): Record<string, string> => ({
  cookie: `__Host-SPAuthCookie=${ticket}`,
  csrfpreventiontoken: csrf,
});

let server: RunningServer;
let root: string;
let house: Admin;
before(async () => {
  server = await startServer();
  root = String((await setUp(server)).json['token']);
  house = asAdmin(server.console, root);
});
after(() => server.remove());

const ask = (path: string, sent: Sent = {}): Promise<Got> => send(`${server.console}${path}`, sent);
const version = (headers: Record<string, string>): Promise<Got> => ask('/api2/json/version', { headers });

let people = 0;
interface Person {
  readonly name: string;
  readonly id: string;
  readonly token: string;
  readonly who: { readonly username: string; readonly password: string };
}
async function somebody(more: Readonly<Record<string, unknown>> = {}): Promise<Person> {
  people += 1;
  const name = `person${people}`;
  const { id, token } = await settle(server.console, house, name, more);
  return { name, id, token, who: { username: name, password: passwordOf(name) } };
}

async function assertGood(one: HeldTicket): Promise<void> {
  for (const headers of [inHeader(one), inCookie(one)]) {
    const got = await version(headers);
    assert.equal(got.status, 200, got.text);
  }
}

async function assertDead(one: HeldTicket, who: { readonly username: string }, what: string): Promise<void> {
  for (const headers of [inHeader(one), inCookie(one)]) {
    const got = await version(headers);
    assert.equal(got.status, 401, `${what}: ${got.text}`);
    const write = await ask('/api/auth/sessions', { method: 'DELETE', headers });
    assert.equal(write.status, 401, `${what}: ${write.text}`);
  }
  const asPassword = await askForTicket(server, { ...who, password: one.ticket });
  assertRefused(asPassword, 401, 'invalid_credentials');
  const refresh = await ask(ticketPath, inForm({}, { headers: inCookie(one) }));
  assertRefused(refresh, 401, 'invalid_credentials');
  assert.match(refresh.cookies.join(), /^__Host-SPAuthCookie=; .*Max-Age=0/);
}

/** Both of those that were shown before and of those that were not, and tickets that came from them. */
async function threeOf(who: Person['who']): Promise<readonly HeldTicket[]> {
  const [known, unseen, parent] = [
    await ticketOf(server, who),
    await ticketOf(server, who),
    await ticketOf(server, who),
  ];
  await assertGood(known);
  const renewed = held(await askForTicket(server, { username: who.username, password: parent.ticket }));
  return [known, unseen, renewed];
}

// Most of the time is spent waiting for a whole second.
describe('T-09: what ends tickets', { concurrency: 6 }, () => {
  const endings: Readonly<Record<string, (person: Person) => Promise<Got>>> = {
    'a new password': ({ token, name, who }) =>
      ask('/api/auth/change-password', {
        headers: bearer(token),
        body: { old_password: who.password, new_password: `${passwordOf(name)} and on` },
      }),
    'a second factor': async ({ token }) => {
      await enrol(server.console, token);
      return ask('/api/auth/sessions', { headers: bearer(token) });
    },
    'new recovery codes': ({ token }) =>
      ask('/api/auth/recovery-codes', { method: 'POST', headers: bearer(token), body: {} }),
    disabling: ({ id }) => house.patch(id, { active: false }),
    'disabling, and enabling again': async ({ id }) => {
      assert.equal((await house.patch(id, { active: false })).status, 200);
      return house.patch(id, { active: true });
    },
    deleting: ({ id }) => house.remove(id),
    'deleting, and another account of that name': async ({ id, name }) => {
      assert.equal((await house.remove(id)).status, 200);
      const again = await settle(server.console, house, name);
      return ask('/api/auth/sessions', { headers: bearer(again.token) });
    },
    'signing out everywhere': ({ token }) => ask('/api/auth/sessions', { method: 'DELETE', headers: bearer(token) }),
    'an admin who ends everything': ({ id }) => house.ask(`/api/auth/users/${id}/sessions`, { method: 'DELETE' }),
    'a reset of the password': async ({ id, name }) => {
      const { json } = await house.link(id, 'reset');
      const got = await redeem(server.console, json['link'], `${passwordOf(name)}, reset`);
      assert.equal(got.status, 201, got.text);
      return { ...got, status: 200 };
    },
  };
  for (const [what, end] of Object.entries(endings))
    it(`${what}: at once, whether it was seen before or not, and for that account alone`, async () => {
      const [one, another] = [await somebody(), await somebody()];
      const tickets = await threeOf(one.who);
      const others = await threeOf(another.who);
      const got = await end(one);
      assert.equal(got.status, 200, got.text);
      await Promise.all(tickets.map((each) => assertDead(each, one.who, what)));
      for (const each of others) await assertGood(each);
    });

  it('a second factor that goes, as well', async () => {
    const { token, who } = await somebody();
    const { phone } = await enrol(server.console, token);
    const ticket = async (): Promise<HeldTicket> =>
      held(await askForTicket(server, { ...who, otp: await phone.next() }));
    const before = await ticket();
    await assertGood(before);
    const off = await ask('/api/auth/totp/disable', {
      headers: bearer(token),
      body: { password: who.password, totp_code: await phone.next() },
    });
    assert.equal(off.status, 200, off.text);
    await assertDead(before, who, 'the factor is gone');
    await assertGood(await ticketOf(server, who));
  });

  const leaving: Readonly<Record<string, (one: HeldTicket) => Promise<Got>>> = {
    'DELETE with the cookie': (one) => ask(ticketPath, { method: 'DELETE', headers: inCookie(one) }),
    'DELETE with the plain cookie': (one) =>
      ask(ticketPath, {
        method: 'DELETE',
        headers: { cookie: `SPAuthCookie=${one.ticket}`, csrfpreventiontoken: one.csrf },
      }),
    'DELETE with the header': (one) => ask(ticketPath, { method: 'DELETE', headers: inHeader(one) }),
    'DELETE in the other form': (one) => ask('/api2/extjs/access/ticket', { method: 'DELETE', headers: inHeader(one) }),
    'our own way out, with the cookie': (one) => ask('/api/auth/logout', { method: 'POST', headers: inCookie(one) }),
    'our own way out, with the header': (one) => ask('/api/auth/logout', { method: 'POST', headers: inHeader(one) }),
  };
  for (const [what, leave] of Object.entries(leaving))
    it(`${what}: it is over, and no other`, async () => {
      const { who, token } = await somebody();
      const [one, other] = [await ticketOf(server, who), await ticketOf(server, who)];
      const got = await leave(one);
      assert.equal(got.status, 200, got.text);
      for (const name of ['__Host-SPAuthCookie', 'SPAuthCookie'])
        assert.ok(
          got.cookies.some((line) => line.startsWith(`${name}=; `) && /Max-Age=0/.test(line)),
          got.cookies.join('\n'),
        );
      await assertDead(one, who, what);
      await assertGood(other);
      assert.equal((await ask('/api/auth/sessions', { headers: bearer(token) })).status, 200);
      // Twice is no mistake.
      assert.ok([200, 401].includes((await leave(one)).status));
    });

  it('one that came from it by refreshing ends with it, and another sign-in does not', async () => {
    const { who } = await somebody();
    const one = await ticketOf(server, who);
    const other = await ticketOf(server, who);
    const next = held(await askForTicket(server, { username: who.username, password: one.ticket }));
    await assertGood(next);
    assert.equal((await ask(ticketPath, { method: 'DELETE', headers: inHeader(one) })).status, 200);
    await assertDead(one, who, 'signed out');
    await assertDead(next, who, 'signed out with it');
    await assertGood(other);
  });

  it('signing out while it is refreshed twenty times: it ends, and whatever was given out meanwhile', async () => {
    const { who } = await somebody();
    const one = await ticketOf(server, who);
    const answers = await Promise.all([
      ...Array.from({ length: 20 }, () => askForTicket(server, { username: who.username, password: one.ticket })),
      ask(ticketPath, { method: 'DELETE', headers: inHeader(one) }),
    ]);
    for (const { status } of answers) assert.ok([200, 401].includes(status), String(status));
    for (const got of answers.slice(0, 20).filter(({ status }) => status === 200))
      assert.equal((await version(inHeader(held(got)))).status, 401);
    await assertDead(one, who, 'signed out');
  });

  it('SE-17: other privileges end nothing, and count from the next request on', async () => {
    const { id, who } = await somebody({ privileges: ['admin'] });
    const tickets = await threeOf(who);
    const users = (one: HeldTicket): Promise<Got> => ask('/api/auth/users', { headers: inHeader(one) });
    for (const one of tickets) assert.equal((await users(one)).status, 200);
    assert.equal((await house.patch(id, { privileges: [] })).status, 200);
    for (const one of tickets) {
      await assertGood(one);
      assert.equal((await users(one)).status, 403);
    }
    const [first] = tickets;
    assert.ok(first);
    const renewed = dataOf(await askForTicket(server, { username: who.username, password: first.ticket }));
    assert.deepEqual(renewed['cap'], { '/': {} });
    assert.equal((await house.patch(id, { privileges: ['admin'] })).status, 200);
    for (const one of tickets) assert.equal((await users(one)).status, 200);
  });

  it('with a session beside it both sign out, and nothing of them is left in the browser', async () => {
    const { who } = await somebody();
    const page = await signIn(server, who);
    const one = await ticketOf(server, who);
    page.cookies.set('__Host-SPAuthCookie', one.ticket);
    const got = await page.page('/api/auth/logout', { method: 'POST' });
    assert.equal(got.status, 200, got.text);
    assert.equal(page.cookies.size, [...page.cookies.keys()].filter((name) => name.endsWith('-device')).length);
    await assertDead(one, who, 'beside a session');
  });
});

describe('T-05, T-10: a ticket for a path that somebody asks about', () => {
  const path = '/vms/1';
  let bob: Person;
  before(async () => {
    bob = await somebody({ privileges: ['Sys.Console', 'Sys.Audit'] });
  });

  const made = (more: Readonly<Record<string, unknown>> = {}, at = path): Promise<string> =>
    makeTicket(server, bob.token, at, { ttl_seconds: 60, privileges: ['Sys.Console', 'Sys.Audit'], ...more });
  const question = (ticket: string, more: Readonly<Record<string, string>> = {}): Promise<Got> =>
    ask(ticketPath, inForm({ username: bob.name, password: ticket, path, privs: 'Sys.Console', ...more }));
  const console = (ticket: string, more: Readonly<Record<string, string>> = {}): Promise<Got> =>
    ask(
      '/api2/json/access/vncticket',
      inForm({ authid: `${bob.name}@local`, vncticket: ticket, path, privs: 'Sys.Console', ...more }),
    );

  it('is good once, at either route, and gives out no ticket', async () => {
    const got = await question(await made());
    // Of all that it was made for, what was asked about.
    assert.deepEqual(dataOf(got), { username: `${bob.name}@local`, cap: { '/': { 'Sys.Console': 1 } } });
    assert.deepEqual(got.cookies, []);
    assert.equal((await console(await made())).json['data'], null);
    const once = await made();
    assert.equal((await console(once)).status, 200);
    for (const again of [console, question]) assertRefused(await again(once), 401, 'invalid_credentials');
  });

  it('T-10: of twenty at once one is told yes', async () => {
    for (const way of [question, console]) {
      const ticket = await made();
      const answers = await Promise.all(Array.from({ length: 20 }, () => way(ticket)));
      assert.equal(answers.filter(({ status }) => status === 200).length, 1);
      assert.equal(answers.filter(({ status }) => status === 401).length, 19);
    }
  });

  it('T-05: for another path, port, privilege or account it is none', async () => {
    const wrong: readonly Readonly<Record<string, string>>[] = [
      ...['/vms/10', '/vms/1/', '/VMS/1', '/vms/1/../2', '/vms//1', '/vms/%31', 'vms/1', '/vms', '/', ''].map((at) => ({
        path: at,
      })),
      { port: '5900' },
      { privs: 'Sys.Modify' },
      { privs: 'Sys.Console,Sys.Modify' },
      { privs: 'admin' },
    ];
    await Promise.all(
      wrong.flatMap((more) =>
        [question, console].map(async (way) =>
          assertRefused(await way(await made(), more), 401, 'invalid_credentials'),
        ),
      ),
    );
    for (const name of ['root1', 'nobody-of-that-name', `${bob.name}@pve`]) {
      assertRefused(await question(await made(), { username: name }), 401, 'invalid_credentials');
      assertRefused(await console(await made(), { authid: name }), 401, 'invalid_credentials');
    }
    const narrow = await made({ privileges: ['Sys.Console'], port: 5900 });
    for (const more of [
      {},
      { port: '5901' },
      { port: '5900', privs: 'Sys.Audit' },
      { port: '5900', privs: 'Sys.Console Sys.Audit' },
    ])
      assertRefused(await question(narrow, more), 401, 'invalid_credentials');
    assert.equal((await question(narrow, { port: '5900' })).status, 200);
  });

  it('T-09: when its privilege, its session or its account is gone, so is it', async () => {
    const { id, who, name } = await somebody({ privileges: ['Sys.Console'] });
    const session = async (): Promise<string> =>
      String((await login(server.console, who.username, who.password)).json['token']);
    const about = (ticket: string): Promise<Got> => question(ticket, { username: name });
    const make = (held: string): Promise<string> =>
      makeTicket(server, held, path, { ttl_seconds: 60, privileges: ['Sys.Console'] });
    const held = await session();
    assert.equal((await about(await make(held))).status, 200);
    const [first, second, third] = [await make(held), await make(held), await make(held)];
    assert.equal((await house.patch(id, { privileges: [] })).status, 200);
    assertRefused(await about(first), 401, 'invalid_credentials');
    assert.equal((await house.patch(id, { privileges: ['Sys.Console'] })).status, 200);
    assert.equal((await ask('/api/auth/logout', { method: 'POST', headers: bearer(held) })).status, 200);
    assertRefused(await about(second), 401, 'invalid_credentials');
    const fourth = await make(await session());
    assert.equal((await house.patch(id, { active: false })).status, 200);
    for (const ticket of [third, fourth]) assertRefused(await about(ticket), 401, 'invalid_credentials');
  });

  it('shown for a sign-in it is no password, and it is not spent by that', async () => {
    const ticket = await made();
    assertRefused(await askForTicket(server, { username: bob.name, password: ticket }), 401, 'invalid_credentials');
    assert.equal((await question(ticket)).status, 200);
    // Nor is a signed ticket, a password or a token one for a path.
    const signed = await ticketOf(server, bob.who);
    const { token } = await makeToken(server, bob.token);
    for (const other of [signed.ticket, bob.who.password, token, 'x', '', `${ticket} `, ticket.slice(0, -1)])
      assertRefused(await question(other), 401, 'invalid_credentials');
    await assertGood(signed);
  });

  it('what is asked has to be whole', async () => {
    const ticket = await made();
    for (const fields of [
      { path },
      { privs: 'Sys.Console' },
      { path, privs: '' },
      { port: '5900' },
      { path, privs: 'Sys.Console', port: '0' },
      { path, privs: 'Sys.Console', port: '65536' },
      { path, privs: 'Sys.Console', port: '-1' },
      { path, privs: 'Sys.Console', port: '5900x' },
      { path, privs: 'Sys.Console', 'tfa-challenge': 'x' },
    ] as readonly Record<string, string>[]) {
      const got = await ask(ticketPath, inForm({ username: bob.name, password: ticket, ...fields }));
      assertRefused(got, 400, 'invalid_request');
    }
    assert.equal((await question(ticket)).status, 200);
    assert.equal((await login(server.console, 'root1', admin.password)).status, 200);
  });
});
