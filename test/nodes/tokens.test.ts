/**
 * API tokens on one node and on two: what ends one is felt at the node that did it by the very next request, and at the other
 * within the bounds of 3-rules, What ends what; and limits hold under load (security: K-07, K-12).
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Got, send } from '../support/client.ts';
import { withoutPackages } from '../support/debian.ts';
import { hammer } from '../support/hammer.ts';
import { type Admin, asAdmin, settle } from '../support/invited.ts';
import { setUp } from '../support/people.ts';
import { sharedPostgres } from '../support/postgres.ts';
import { assertProblem } from '../support/problem.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { type MadeToken, makeToken, onToken } from '../support/tokens.ts';
import { startValkey, type TestValkey } from '../support/valkey.ts';
import { pause, settled } from '../support/waiting.ts';
import { bearer, type NodesStage, stageNodes } from './stage.ts';

/** More than anybody here sends. */
const unhindered = { rate_limit: { per_minute: 100_000, per_hour: 1_000_000 } };
const connections = 100;
/** Looked at for so long beyond the bound. */
const beyondMs = 500;

const verifyAt = (server: Pick<RunningServer, 'console'>, token: string): Promise<Got> =>
  send(`${server.console}/api/auth/verify`, { headers: bearer(token) });

/** What ends a token that bob made, asked for at one node by whoever may. */
interface Stage {
  readonly one: RunningServer;
  readonly house: Admin;
  readonly bob: { readonly id: string; readonly token: string };
}

const endings: Readonly<Record<string, (stage: Stage, id: string) => Promise<Got>>> = {
  revoked: ({ one, bob }, id) => onToken(one, bob.token, id, 'DELETE'),
  'revoked by an admin': ({ house }, id) => house.ask(`/api/auth/api-tokens/${id}`, { method: 'DELETE' }),
  'switched off': ({ one, bob }, id) => onToken(one, bob.token, id, 'PATCH', { active: false }),
  'moved off its list': ({ one, bob }, id) => onToken(one, bob.token, id, 'PATCH', { ip_allowlist: ['192.0.2.0/24'] }),
  'rotated without overlap': ({ one, bob }, id) => onToken(one, bob.token, id, 'ROTATE'),
  // The last one: it ends bob's session as well.
  'its owner disabled': ({ house, bob }) => house.patch(bob.id, { active: false }),
};

/** Hammers at every node, ends it at the first, and looks at each by the bound of that node. */
async function endsInTime(
  stage: Stage,
  nodes: readonly { readonly server: RunningServer; readonly boundMs: number }[],
  end: (stage: Stage, id: string) => Promise<Got>,
): Promise<void> {
  const { one, bob } = stage;
  const { id, token }: MadeToken = await makeToken(one, bob.token, unhindered);
  const all = nodes.map(({ server }) => hammer(server, token, connections / nodes.length));
  try {
    await settled(() => all.every((each) => each.answered() > connections), 'The load did not come up.', 20_000);
    for (const each of all) assert.deepEqual(each.statuses(), new Set([200]));
    const got = await end(stage, id);
    const endedAt = performance.now();
    assert.equal(got.status, 200, got.text);
    const next = await verifyAt(one, token);
    assert.ok([401, 403].includes(next.status), next.text);
    const boundMs = Math.max(...nodes.map((each) => each.boundMs));
    await pause(Math.max(0, boundMs + beyondMs - (performance.now() - endedAt)));
    for (const [at, node] of nodes.entries()) {
      const { passed, refused } = all[at]?.sentSince(endedAt + node.boundMs) ?? { passed: -1, refused: 0 };
      assert.equal(passed, 0, `let in at node ${at + 1} after ${node.boundMs} ms`);
      assert.ok(refused > 0, 'nobody asked any more');
    }
  } finally {
    await Promise.all(all.map((each) => each.stop()));
  }
}

describe('one node', () => {
  let stage: Stage;
  let root: string;
  before(async () => {
    const one = await startServer();
    root = String((await setUp(one)).json['token']);
    const house = asAdmin(one.console, root);
    stage = { one, house, bob: await settle(one.console, house, 'bob') };
  });
  after(() => stage.one.remove());

  for (const [name, end] of Object.entries(endings))
    it(`K-12: ${name}, with 100 connections under way: nobody is let in any more`, async () => {
      const other = await makeToken(stage.one, root);
      await endsInTime(stage, [{ server: stage.one, boundMs: 0 }], end);
      assert.equal((await verifyAt(stage.one, other.token)).status, 200);
    });

  it('K-07: of 200 at once exactly so many pass as may, and of another token as many again', async () => {
    for (let round = 0; round < 2; round += 1) {
      const { id, token } = await makeToken(stage.one, root, { rate_limit: { per_minute: 50, per_hour: 70 } });
      const all = await Promise.all(Array.from({ length: 200 }, () => verifyAt(stage.one, token)));
      assert.equal(all.filter(({ status }) => status === 200).length, 50);
      for (const got of all) if (got.status !== 200) assertProblem(got, 429, 'rate_limited');
      // More in the minute, and the hour holds.
      await onToken(stage.one, root, id, 'PATCH', { rate_limit: { per_minute: 100 } });
      const more = await Promise.all(Array.from({ length: 200 }, () => verifyAt(stage.one, token)));
      assert.equal(more.filter(({ status }) => status === 200).length, 20);
    }
  });
});

for (const beside of ['the database alone', 'Valkey'] as const) {
  describe(`two nodes with ${beside}`, { skip: withoutPackages }, () => {
    const boundMs = beside === 'Valkey' ? 250 : 5000;
    let valkey: TestValkey | undefined;
    let nodes: NodesStage;
    let two: RunningServer;
    let root: string;
    let stage: Stage;
    before(async () => {
      valkey = beside === 'Valkey' ? await startValkey() : undefined;
      nodes = await stageNodes(await sharedPostgres(), valkey === undefined ? {} : { SALLYPORT_VALKEY: valkey.url });
      const one = await nodes.start();
      root = String((await setUp(one)).json['token']);
      const house = asAdmin(one.console, root);
      stage = { one, house, bob: await settle(one.console, house, 'bob') };
      two = await nodes.start();
    });
    after(async () => {
      await nodes.close();
      await valkey?.remove();
    });

    for (const [name, end] of Object.entries(endings))
      it(`K-12: ${name}, with 100 connections under way: over here at once, and there within ${boundMs} ms`, async () => {
        const other = await makeToken(stage.one, root);
        await endsInTime(
          stage,
          [
            { server: stage.one, boundMs: 0 },
            { server: two, boundMs },
          ],
          end,
        );
        for (const server of [stage.one, two]) assert.equal((await verifyAt(server, other.token)).status, 200);
      });

    if (beside === 'the database alone') return;

    const limit = 100;
    const slice = limit / 10;
    /** How many of so many at once pass, at each node. */
    const passed = (token: string, each: number): Promise<readonly number[]> =>
      Promise.all(
        [stage.one, two].map(async (server) => {
          const all = await Promise.all(Array.from({ length: each }, () => verifyAt(server, token)));
          assert.deepEqual(new Set([...all.map(({ status }) => status), 200, 429]), new Set([200, 429]));
          return all.filter(({ status }) => status === 200).length;
        }),
      );
    const sum = (counts: readonly number[]): number => counts.reduce((total, each) => total + each, 0);

    it('K-07: both together let through what may pass, and at most one slice each beyond it', async () => {
      const { token } = await makeToken(stage.one, root, { rate_limit: { per_minute: limit } });
      let total = 0;
      for (let round = 0; round < 3; round += 1) total += sum(await passed(token, 100));
      assert.ok(total <= limit + 2 * slice, `${total} passed`);
      assert.ok(total >= limit - 2 * slice, `only ${total} passed`);
    });

    it('Valkey is stopped and comes back under load: it is never unlimited', async () => {
      const { token } = await makeToken(stage.one, root, { rate_limit: { per_minute: limit } });
      const counts = [0, 0];
      const load = async (): Promise<void> => {
        for (const [at, count] of (await passed(token, 25)).entries()) counts[at] = (counts[at] ?? 0) + count;
      };
      await load();
      await valkey?.stop();
      for (let round = 0; round < 8; round += 1) await load();
      await valkey?.start();
      for (let round = 0; round < 8; round += 1) {
        await load();
        await pause(200);
      }
      // Each node's own window holds whatever happens between them.
      for (const count of counts) assert.ok(count <= limit, `${count} passed at one node`);
      assert.ok(sum(counts) >= limit - 2 * slice, `only ${sum(counts)} passed`);
      assert.deepEqual(await passed(token, 10), [0, 0]);
      // Counted together again, as before.
      const fresh = await makeToken(stage.one, root, { rate_limit: { per_minute: limit } });
      let total = 0;
      for (let round = 0; round < 3; round += 1) total += sum(await passed(fresh.token, 100));
      assert.ok(total <= limit + 2 * slice, `${total} passed`);
    });
  });
}
