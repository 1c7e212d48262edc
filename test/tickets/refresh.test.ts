/** A ticket for a ticket (PX3), and what ends one: its time, a change of what it was given for, somebody who signs out (3-rules). */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Got, send, type Sent } from '../support/client.ts';
import { type Admin, asAdmin, bearer, passwordOf, settle } from '../support/invited.ts';
import { embed, type Embedded } from '../support/library.ts';
import { admin, setUp } from '../support/people.ts';
import { enrol } from '../support/phone.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import {
  askForTicket,
  assertRefused,
  dataOf,
  held,
  inForm,
  ticketOf,
  ticketPath,
  spoiled,
} from '../support/signed-tickets.ts';
import { makeTicket } from '../support/tokens.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const bob = { username: 'bob', password: passwordOf('bob') } as const;

interface Stage {
  readonly house: Embedded;
  readonly root: Admin;
  readonly rootToken: string;
}

async function open(): Promise<Stage> {
  const house = await embed();
  const made = await send(`${house.console}/api/auth/setup`, { body: { ...admin, setup_code: house.setupCode } });
  const rootToken = String(made.json['token']);
  return { house, root: asAdmin(house.console, rootToken), rootToken };
}

const works = async (house: { readonly console: string }, ticket: string): Promise<number> =>
  (await send(`${house.console}/api2/json/version`, { headers: { authorization: `SPAuthCookie=${ticket}` } })).status;

describe('refreshed', () => {
  let stage: Stage;
  before(async () => {
    stage = await open();
    await settle(stage.house.console, stage.root, 'bob');
  });
  after(() => stage.house.close());

  const byPassword = (ticket: string, more: Readonly<Record<string, string>> = {}): Promise<Got> =>
    askForTicket(stage.house, { username: 'bob@local', password: ticket, ...more });
  const byCookie = (
    ticket: string,
    csrf: string,
    fields: Readonly<Record<string, string>> = {},
    more: Readonly<Record<string, string>> = {},
  ): Promise<Got> => {
    const headers = { cookie: `__Host-SPAuthCookie=${ticket}`, csrfpreventiontoken: csrf, ...more };
    return send(`${stage.house.console}${ticketPath}`, inForm(fields, { headers }));
  };

  it('as the password, in either form; the new one is another, and both work', async () => {
    const { ticket, csrf } = await ticketOf(stage.house, bob);
    const again = held(await byPassword(ticket));
    assert.notEqual(again.ticket, ticket);
    assert.equal(again.csrf.split(':')[0] ?? '', again.ticket.split(':')[2], csrf);
    for (const each of [ticket, again.ticket]) assert.equal(await works(stage.house, each), 200);
    const got = await byPassword(ticket, { 'http-only': '1' });
    assert.equal(dataOf(got)['ticket'], undefined);
    assert.match(got.cookies[0] ?? '', /^__Host-SPAuthCookie=SP:bob@local:/);
  });

  it('from the cookie, by our own page, with the name or without', async () => {
    const { ticket, csrf } = await ticketOf(stage.house, bob);
    const own = { origin: stage.house.console, 'sec-fetch-site': 'same-origin' };
    for (const fields of [{}, { username: 'bob' }, { username: 'bob', realm: 'local' }] as const) {
      const got = await byCookie(ticket, csrf, { ...fields, 'http-only': '1' }, own);
      assert.equal(dataOf(got)['username'], 'bob@local');
      assert.match(got.cookies[0] ?? '', /^__Host-SPAuthCookie=SP:bob@local:/);
    }
    held(await byCookie(ticket, csrf));
    assertRefused(await byCookie(ticket, 'x'), 403, 'csrf_failed');
    assertRefused(await byCookie(ticket, csrf, {}, { origin: 'https://evil.test' }), 403, 'csrf_failed');
    const other = await byCookie(ticket, csrf, { username: 'root1' });
    assertRefused(other, 401, 'invalid_credentials');
    assert.deepEqual(other.cookies, []);
    const bare = { headers: { cookie: `SPAuthCookie=${ticket}`, csrfpreventiontoken: csrf } };
    assertRefused(
      await send(`${stage.house.console}${ticketPath}`, inForm({ username: 'bob' }, bare)),
      400,
      'invalid_request',
    );
    const dead = await byCookie(`${ticket}x`, csrf);
    assertRefused(dead, 401, 'invalid_credentials');
    assert.match(dead.cookies.join(), /^__Host-SPAuthCookie=;.*Max-Age=0/);
  });

  it('beside any password the cookie is not looked at', async () => {
    const { ticket, csrf } = await ticketOf(stage.house, bob);
    assertRefused(
      await byCookie(ticket, csrf, { username: 'bob', password: 'not this, surely' }),
      401,
      'invalid_credentials',
    );
    assert.equal(dataOf(await byCookie('dead', csrf, bob))['username'], 'bob@local');
  });

  it('never for somebody else, and by nothing that is no whole ticket', async () => {
    const { ticket } = await ticketOf(stage.house, bob);
    const roots = await ticketOf(stage.house);
    assertRefused(await byPassword(roots.ticket), 401, 'invalid_credentials');
    assertRefused(await askForTicket(stage.house, { username: 'root1', password: ticket }), 401, 'invalid_credentials');
    const path = await makeTicket(stage.house, stage.rootToken, '/x', { ttl_seconds: 60 });
    const info = String(dataOf(await askForTicket(stage.house, { ...bob, 'http-only': '1' }))['ticket-info']);
    const other = ticket.endsWith('A') ? 'Q' : 'A';
    for (const text of [
      path,
      info,
      `${ticket.slice(0, -1)}${other}`,
      `${ticket} `,
      ticket.replace('bob', 'Bob'),
      ticket.replace(/::.*/, '::'),
    ])
      assertRefused(await askForTicket(stage.house, { username: 'bob', password: text }), 401, 'invalid_credentials');
    assert.equal(await works(stage.house, ticket), 200);
  });

  it('a ticket that is none is no guessed password: nobody’s name and network pay for it', async () => {
    const { ticket } = await ticketOf(stage.house, bob);
    const forged = spoiled(ticket);
    for (let tries = 0; tries < 30; tries += 1) assertRefused(await byPassword(forged), 401, 'invalid_credentials');
    held(await askForTicket(stage.house, bob));
    const blocks = await stage.root.ask('/api/auth/blocks');
    assert.deepEqual(blocks.json['blocks'], []);
  });

  it('for two hours, and again and again until a day after the password', async () => {
    const { ticket: first } = await ticketOf(stage.house, bob);
    let { ticket } = { ticket: first };
    stage.house.pass(2 * hourMs - 5000);
    assert.equal(await works(stage.house, first), 200);
    ticket = held(await byPassword(first)).ticket;
    stage.house.pass(5000);
    assert.equal(await works(stage.house, first), 401);
    assertRefused(await byPassword(first), 401, 'invalid_credentials');
    for (let hours = 2; hours < 23; hours += 1) {
      stage.house.pass(hourMs);
      ticket = held(await byPassword(ticket)).ticket;
    }
    // An hour is left, so that is what the next one gets, in the cookie as well.
    const got = await byPassword(ticket, { 'http-only': '1' });
    const ends = Date.parse(/Expires=([^;]+)/.exec(got.cookies[0] ?? '')?.[1] ?? '');
    assert.ok(ends - stage.house.now() <= hourMs, got.cookies.join());
    stage.house.pass(hourMs - 10_000);
    assert.equal(await works(stage.house, ticket), 200);
    const last = held(await byPassword(ticket)).ticket;
    stage.house.pass(10_000);
    for (const each of [ticket, last]) {
      assert.equal(await works(stage.house, each), 401);
      assertRefused(await byPassword(each), 401, 'invalid_credentials');
    }
    held(await askForTicket(stage.house, bob));
  });

  it('a clock that is behind by more than a minute takes none, and one that goes back brings none back', async () => {
    const { ticket } = await ticketOf(stage.house, bob);
    stage.house.pass(-55_000);
    assert.equal(await works(stage.house, ticket), 200);
    stage.house.pass(-10_000);
    assert.equal(await works(stage.house, ticket), 401);
    stage.house.pass(65_000 + 2 * hourMs);
    assert.equal(await works(stage.house, ticket), 401);
    stage.house.pass(-hourMs);
    assert.equal(await works(stage.house, ticket), 401);
    stage.house.pass(hourMs);
  });
});

describe('what ends them', () => {
  let stage: Stage;
  before(async () => {
    stage = await open();
  });
  after(() => stage.house.close());

  it('password, factors, switching off, signing out everywhere: all of them; privileges and other sessions: none', async () => {
    const { house, root } = stage;
    const settled = async (name: string) => ({ name, ...(await settle(house.console, root, name)) });
    const ask = (token: string, path: string, sent: Sent): Promise<Got> =>
      send(`${house.console}/api/auth/${path}`, { ...sent, headers: bearer(token) });
    type Person = Awaited<ReturnType<typeof settled>>;
    const ending: Readonly<Record<string, (person: Person) => Promise<unknown>>> = {
      password: ({ token, name }) =>
        ask(token, 'change-password', {
          body: { old_password: passwordOf(name), new_password: 'copper thistle evening 77 harbours' },
        }),
      factors: ({ token }) => enrol(house.console, token, { now: house.now, wait: house.pass }),
      disabled: ({ id }) => root.patch(id, { active: false }),
      everywhere: ({ token }) => ask(token, 'sessions', { method: 'DELETE', body: {} }),
      byadmin: ({ id }) => root.ask(`/api/auth/users/${id}/sessions`, { method: 'DELETE', body: {} }),
      reset: async ({ id, name }) => {
        const link = await root.link(id, 'reset');
        const secret = new URL(String(link.json['link'])).hash.replace(/^#link=/, '');
        const body = { link: secret, password: `${passwordOf(name)} again` };
        assert.equal((await send(`${house.console}/api/auth/link`, { body })).status, 201);
      },
      deleted: ({ id }) => root.remove(id),
    };
    for (const [name, end] of Object.entries(ending)) {
      const person = await settled(name);
      const { ticket } = await ticketOf(house, { username: name, password: passwordOf(name) });
      assert.equal(await works(house, ticket), 200);
      await end(person);
      assert.equal(await works(house, ticket), 401, name);
      assertRefused(await askForTicket(house, { username: name, password: ticket }), 401, 'invalid_credentials');
    }
    const keeping: Readonly<Record<string, (person: Person) => Promise<unknown>>> = {
      privileges: ({ id }) => root.patch(id, { privileges: ['reader'] }),
      logout: ({ token }) => ask(token, 'logout', { method: 'POST', body: {} }),
    };
    for (const [name, change] of Object.entries(keeping)) {
      const person = await settled(name);
      const { ticket } = await ticketOf(house, { username: name, password: passwordOf(name) });
      await change(person);
      assert.equal(await works(house, ticket), 200, name);
      const again = dataOf(await askForTicket(house, { username: name, password: ticket }));
      assert.deepEqual(again['cap'], { '/': name === 'privileges' ? { reader: 1 } : {} });
    }
  });

  it('of two from one sign-in, dropping one drops the other; one of another sign-in stays', async () => {
    const { house } = stage;
    const { ticket } = await ticketOf(house);
    const { ticket: later } = held(await askForTicket(house, { password: ticket }));
    const { ticket: other } = await ticketOf(house);
    const headers = { authorization: `SPAuthCookie=${ticket}` };
    assert.equal((await send(`${house.console}${ticketPath}`, { method: 'DELETE', headers })).status, 200);
    assert.deepEqual(
      [await works(house, ticket), await works(house, later), await works(house, other)],
      [401, 401, 200],
    );
    assert.equal((await askForTicket(house, { password: later })).status, 401);
  });
});

describe('a restart', () => {
  let server: RunningServer;
  before(async () => {
    server = await startServer();
    await setUp(server);
  });
  after(() => server.remove());

  it('keeps tickets, and what was dropped stays dropped', async () => {
    const { ticket, csrf } = await ticketOf(server);
    const { ticket: dropped } = await ticketOf(server);
    const headers = { authorization: `SPAuthCookie=${dropped}` };
    assert.equal((await send(`${server.console}${ticketPath}`, { method: 'DELETE', headers })).status, 200);
    assert.equal(await server.end(), 0);
    server = await startServer({ data: server.data, standing: 'set-up' });
    assert.deepEqual([await works(server, ticket), await works(server, dropped)], [200, 401]);
    const cookie = { cookie: `__Host-SPAuthCookie=${ticket}`, csrfpreventiontoken: csrf };
    held(await send(`${server.console}${ticketPath}`, inForm({}, { headers: cookie })));
  });
});
