/** O-05, of signed tickets: each sign-in, refusal and end is exactly one record; the ticket itself is in none of them. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { auditEvents } from '../../src/record/recorder.ts';
import { type Got, send } from '../support/client.ts';
import { asAdmin, bearer, passwordOf, settle } from '../support/invited.ts';
import { embed, type Embedded } from '../support/library.ts';
import { admin, wrongPassword } from '../support/people.ts';
import { askForTicket, assertRefused, held, ticketOf, ticketPath, spoiled } from '../support/signed-tickets.ts';

type Event = Readonly<Record<string, string | number>>;

const hourMs = 3_600_000;
const seen = new Set<string>();

describe('O-05: signed tickets', () => {
  let house: Embedded;
  let token: string;
  let bobsId: string;
  before(async () => {
    house = await embed();
    const got = await send(`${house.console}/api/auth/setup`, { body: { setup_code: house.setupCode, ...admin } });
    token = String(got.json['token']);
    bobsId = (await settle(house.console, asAdmin(house.console, token), 'bob')).id;
  });
  after(() => house.close());

  const bob = { username: 'bob', password: passwordOf('bob') } as const;
  const events = async (): Promise<readonly Event[]> => {
    const got = await send(`${house.console}/api/auth/audit?limit=1000`, { headers: bearer(token) });
    assert.equal(got.status, 200, got.text);
    return (got.json['events'] as Event[]).toReversed();
  };
  /** Runs it, and holds what is new against what is expected. */
  const happens = async (run: () => Promise<unknown>, ...expected: readonly Event[]): Promise<void> => {
    const already = (await events()).length;
    await run();
    const fresh = (await events()).slice(already);
    assert.deepEqual(
      fresh.map((event, at) =>
        Object.fromEntries(Object.keys(expected[at] ?? event).map((name) => [name, event[name]])),
      ),
      expected,
    );
    for (const event of fresh) seen.add(String(event['event']));
  };
  const version = (ticket: string): Promise<Got> =>
    send(`${house.console}/api2/json/version`, { headers: { authorization: `SPAuthCookie=${ticket}` } });
  const byBob = { actor_name: 'bob', address: '127.0.0.1', count: 1 } as const;
  const byNobody = { actor: '', actor_name: '', count: 1 } as const;

  it('a sign-in is one like any other, and is among the attempts; a refusal as well', async () => {
    const signedIn = { event: 'signed-in', ...byBob, way: 'password', result: 'ok' };
    await happens(() => ticketOf(house, bob), { ...signedIn, target: bobsId });
    await happens(() => askForTicket(house, { ...bob, 'http-only': '1' }), { ...signedIn, target: bobsId });
    await happens(() => askForTicket(house, { ...bob, password: wrongPassword }), {
      event: 'sign-in-refused',
      ...byNobody,
      way: 'password',
      target: bobsId,
      result: 'wrong-password',
    });
    const session = await send(`${house.console}/api/auth/login`, { body: bob });
    const own = { headers: bearer(String(session.json['token'])) };
    const attempts = (await send(`${house.console}/api/auth/login-attempts`, own)).json['attempts'] as Event[];
    const results = attempts.map(({ way, result }) => `${way} ${result}`);
    const accepted = attempts.find(({ way, result }) => way === 'password' && result === 'ok');
    assert.equal(accepted?.['count'], 3, JSON.stringify(attempts));
    assert.ok(results.includes('password wrong-password'), results.join());
  });

  it('a refresh is no sign-in; one by what is over or somebody else’s is refused and told, one by what nobody made is not', async () => {
    const { ticket } = await ticketOf(house, bob);
    await happens(async () => held(await askForTicket(house, { ...bob, password: ticket })));
    const refused = { event: 'sign-in-refused', ...byNobody, way: 'ticket', target: '' };
    await happens(() => askForTicket(house, { password: ticket }), { ...refused, result: 'other-user' });
    await happens(() => askForTicket(house, { ...bob, password: spoiled(ticket) }));
  });

  it('signed out: once, and what is shown afterwards is told as refused', async () => {
    const { ticket } = await ticketOf(house, bob);
    const headers = { authorization: `SPAuthCookie=${ticket}` };
    const drop = (): Promise<Got> => send(`${house.console}${ticketPath}`, { method: 'DELETE', headers });
    const ended = { event: 'ticket-ended', ...byBob, way: 'ticket', target: bobsId, result: 'signed-out' };
    await happens(drop, ended);
    await happens(drop);
    await happens(() => askForTicket(house, { ...bob, password: ticket }), {
      event: 'sign-in-refused',
      ...byNobody,
      way: 'ticket',
      result: 'revoked',
    });
    const { ticket: other } = await ticketOf(house, bob);
    const out = { method: 'POST', headers: { authorization: `SPAuthCookie=${other}` } };
    await happens(() => send(`${house.console}/api/auth/logout`, out), ended);
  });

  it('shown after its time: once, however many see it', async () => {
    const { ticket } = await ticketOf(house, bob);
    house.pass(2 * hourMs);
    const session = await send(`${house.console}/api/auth/login`, { body: admin });
    token = String(session.json['token']);
    await happens(
      async () => {
        for (const got of await Promise.all(Array.from({ length: 5 }, () => version(ticket))))
          assertRefused(got, 401, 'invalid_token');
      },
      { event: 'ticket-ended', ...byNobody, address: '', way: 'none', target: bobsId },
    );
    const last = (await events()).findLast(({ event }) => event === 'ticket-ended');
    assert.match(String(last?.['result']), /^expired [\w-]{16}$/);
  });

  it('no record holds a ticket, and every event of tickets was driven', async () => {
    assert.doesNotMatch(JSON.stringify(await events()), /::[A-Za-z0-9+/]{40}/);
    assert.doesNotMatch(house.lines.join('\n'), /::[A-Za-z0-9+/]{40}/);
    const wanted = Object.keys(auditEvents).filter((name) => name.startsWith('ticket-'));
    assert.deepEqual(
      wanted.filter((name) => !seen.has(name)),
      [],
    );
  });
});
