/**
 * Signed tickets on two nodes (T-09 to T-11): one that a node gave out is good at the other, and what ends it at one is felt at
 * the other soon after; what works once works once for both.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Got, send } from '../support/client.ts';
import { withoutPackages } from '../support/debian.ts';
import { type Admin, asAdmin, bearer, passwordOf, settle } from '../support/invited.ts';
import { setUp } from '../support/people.ts';
import { enrol } from '../support/phone.ts';
import { sharedPostgres } from '../support/postgres.ts';
import type { RunningServer } from '../support/server.ts';
import { askForTicket, dataOf, held, ticketOf, ticketPath } from '../support/signed-tickets.ts';
import { makeTicket } from '../support/tokens.ts';
import { startValkey, type TestValkey } from '../support/valkey.ts';
import { pause } from '../support/waiting.ts';
import { type NodesStage, stageNodes } from './stage.ts';

/** Well beyond what 3-rules, What ends what, allows with the bus, which is held to in `tokens.test.ts`; well below it without. */
const withBusMs = 1500;

describe('signed tickets at two nodes', { skip: withoutPackages }, () => {
  let valkey: TestValkey;
  let stage: NodesStage;
  let one: RunningServer;
  let two: RunningServer;
  let house: Admin;
  before(async () => {
    valkey = await startValkey();
    stage = await stageNodes(await sharedPostgres(), { SALLYPORT_VALKEY: valkey.url });
    one = await stage.start();
    house = asAdmin(one.console, String((await setUp(one)).json['token']));
    two = await stage.start();
  });
  after(async () => {
    await stage.close();
    await valkey.remove();
  });

  const version = (node: RunningServer, ticket: string): Promise<Got> =>
    send(`${node.console}/api2/json/version`, { headers: { authorization: `SPAuthCookie=${ticket}` } });
  const both = async (ticket: string, status: number): Promise<void> => {
    for (const node of [two, one]) assert.equal((await version(node, ticket)).status, status);
  };
  const person = (name: string): Promise<{ readonly id: string; readonly token: string }> =>
    settle(one.console, house, name);
  const who = (username: string) => ({ username, password: passwordOf(username) });

  it('one that a node gave out is good at the other, and is refreshed there', async () => {
    await person('ada');
    await pause(withBusMs);
    const { ticket } = await ticketOf(one, who('ada'));
    await both(ticket, 200);
    const next = held(await askForTicket(two, { username: 'ada', password: ticket }));
    await both(next.ticket, 200);
  });

  const endings: Readonly<
    Record<string, (given: { readonly id: string; readonly token: string; readonly ticket: string }) => Promise<Got>>
  > = {
    'signed out': ({ ticket }) =>
      send(`${one.console}${ticketPath}`, { method: 'DELETE', headers: { authorization: `SPAuthCookie=${ticket}` } }),
    'signed out everywhere': ({ token }) =>
      send(`${one.console}/api/auth/sessions`, { method: 'DELETE', headers: bearer(token) }),
    'ended by an admin': ({ id }) => house.ask(`/api/auth/users/${id}/sessions`, { method: 'DELETE' }),
    disabled: ({ id }) => house.patch(id, { active: false }),
    deleted: ({ id }) => house.remove(id),
    'its key given up': () => house.ask('/api/auth/keys/rotate', { body: { purpose: 'ticket', compromised: true } }),
  };
  for (const [number, [what, end]] of Object.entries(endings).entries())
    it(`${what} at one, dead at the other, whether it knew it or not`, async () => {
      const name = `bob${number}`;
      const given = await person(name);
      const { ticket } = await ticketOf(one, who(name));
      const others = what === 'signed out' ? [] : [(await ticketOf(one, who(name))).ticket];
      await both(ticket, 200);
      const got = await end({ ...given, ticket });
      assert.equal(got.status, 200, got.text);
      assert.equal((await version(one, ticket)).status, 401);
      await pause(withBusMs);
      await both(ticket, 401);
      for (const unseen of others) await both(unseen, 401);
    });

  it('T-10: of twenty that ask about one ticket for a path at both nodes, one is told yes', async () => {
    const { token } = await person('carol');
    await pause(withBusMs);
    const ticket = await makeTicket(one, token, '/vms/1', { ttl_seconds: 60 });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        askForTicket(at % 2 === 0 ? one : two, { username: 'carol', password: ticket, path: '/vms/1', privs: ',' }),
      ),
    );
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  });

  it('M-02: a partial ticket is answered once, at whichever node', async () => {
    const { token } = await person('dora');
    const { recoveryCodes } = await enrol(one.console, token);
    await pause(withBusMs);
    const partial = String(dataOf(await askForTicket(one, who('dora')))['ticket']);
    const answers = await Promise.all(
      recoveryCodes.map((code, at) =>
        askForTicket(at % 2 === 0 ? one : two, {
          username: 'dora',
          'tfa-challenge': partial,
          password: `recovery:${code}`,
        }),
      ),
    );
    const good = answers.filter(({ status }) => status === 200);
    assert.equal(good.length, 1);
    const [first] = good;
    assert.ok(first);
    await both(held(first).ticket, 200);
  });
});
