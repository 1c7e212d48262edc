/**
 * Every key of the installation replaced while twenty clients work on two nodes (BY8): nobody is signed out, nothing is refused, and
 * once the old keys are gone everything that was made under them still opens.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { type Got, send } from '../support/client.ts';
import { withoutPackages } from '../support/debian.ts';
import { asBasic } from '../support/basic.ts';
import { type Admin, asAdmin, bearer, login, passwordOf, settle } from '../support/invited.ts';
import { admin, setUp } from '../support/people.ts';
import { sharedPostgres } from '../support/postgres.ts';
import { type RunningServer, runCommand } from '../support/server.ts';
import { askAs, issue, tokensPath, wideLimits } from '../support/tokens.ts';
import { startValkey, type TestValkey } from '../support/valkey.ts';
import { pause, settled } from '../support/waiting.ts';
import { type NodesStage, stageNodes } from './stage.ts';

/** One client, which works on both nodes in turn until it is told to stop, and says what was refused. */
interface Client {
  readonly name: string;
  readonly done: () => number;
  stop(): Promise<readonly string[]>;
}

type Step = (node: RunningServer) => Promise<Got>;

function work(name: string, nodes: readonly RunningServer[], step: Step): Client {
  const going = new AbortController();
  const refused: string[] = [];
  let turns = 0;
  const loop = (async () => {
    while (!going.signal.aborted) {
      const node = nodes[turns % nodes.length];
      assert.ok(node);
      const got = await step(node);
      if (got.status !== 200) refused.push(`${name}, turn ${turns}: ${got.status} ${got.text.slice(0, 200)}`);
      turns += 1;
      await pause(50);
    }
  })();
  return {
    name,
    done: () => turns,
    stop: async () => {
      going.abort();
      await loop;
      return refused;
    },
  };
}

/** A client of signed tickets, which refreshes its ticket each time and goes on with the new one. */
async function ticketClient(first: RunningServer, username: string): Promise<Step> {
  const ask = (node: RunningServer, secret: string): Promise<Got> =>
    send(`${node.console}/api2/json/access/ticket`, { body: { username, password: secret } });
  const ticketIn = (got: Got): string => String((got.json['data'] as { readonly ticket?: string } | null)?.ticket);
  let ticket = ticketIn(await ask(first, passwordOf(username)));
  return async (node) => {
    const refreshed = await ask(node, ticket);
    if (refreshed.status !== 200) return refreshed;
    ticket = ticketIn(refreshed);
    return send(`${node.console}/api2/json/version`, { headers: { cookie: `SPAuthCookie=${ticket}` } });
  };
}

describe('every key is replaced while twenty clients work on two nodes', { skip: withoutPackages }, () => {
  let valkey: TestValkey;
  let stage: NodesStage;
  let nodes: readonly [RunningServer, RunningServer];
  let root: string;
  let house: Admin;

  before(async () => {
    valkey = await startValkey();
    stage = await stageNodes(await sharedPostgres(), { SALLYPORT_VALKEY: valkey.url });
    const one = await stage.start();
    root = String((await setUp(one)).json['token']);
    nodes = [one, await stage.start()];
    house = asAdmin(one.console, root);
  });
  after(async () => {
    await stage.close();
    await valkey.remove();
  });

  /** What each kind of client does over and over; each of them would notice a key that is not what it was. */
  const clients = async (): Promise<readonly Client[]> => {
    const [one, two] = nodes;
    const all: Client[] = [];
    const add = (name: string, step: Step): void => void all.push(work(name, nodes, step));
    for (let index = 0; index < 4; index += 1) {
      const person = `person${index}`;
      const { token } = await settle(one.console, house, person);
      const ask = askAs(one.console, token);
      const made = { token_name: 'key', rate_limit: wideLimits };
      const { secret: key } = await issue(ask, made);
      add(`session of ${person}`, (node) => send(`${node.console}/api/auth/sessions`, { headers: bearer(token) }));
      add(`API token of ${person}`, (node) => send(`${node.console}/api/auth/verify`, { headers: bearer(key) }));
      add(`tickets of ${person}`, await ticketClient(one, person));
      add(`Basic of ${person}`, (node) => asBasic(node.console, person, passwordOf(person))('/api/auth/sessions'));
      if (index % 2 === 0) {
        // Prepared at one node and done at the other, with whatever key is in use there by then.
        add(`sign-in of ${person}`, async (node) => {
          const prepared = await send(`${node.console}/api/auth/login/prepare`, { body: {} });
          const other = node === one ? two : one;
          return send(`${other.console}/api/auth/login`, {
            headers: { cookie: prepared.cookies[0]?.split(';', 1)[0] ?? '', origin: other.url },
            body: { username: person, password: passwordOf(person), login_token: prepared.json['login_token'] },
          });
        });
      } else {
        // The same request again and again, which is done once.
        const again = { 'idempotency-key': `${person}-does-it-once` };
        add(`repetitions of ${person}`, async (node) => {
          const got = await send(`${node.console}${tokensPath}`, {
            headers: { ...bearer(token), ...again },
            body: { ...made, token_name: 'once', password: passwordOf(person) },
          });
          // Made once, told again and again.
          return got.status === 201 ? { ...got, status: 200 } : got;
        });
      }
    }
    return all;
  };

  interface Ring {
    readonly id: string;
    readonly purpose: string;
    readonly state: string;
  }
  const ring = async (node: RunningServer): Promise<readonly Ring[]> =>
    (await send(`${node.console}/api/auth/keys/ring`, { headers: bearer(root) })).json['keys'] as readonly Ring[];
  const inUse = async (node: RunningServer): Promise<Readonly<Record<string, string>>> =>
    Object.fromEntries(
      (await ring(node)).filter(({ state }) => state === 'in-use').map(({ purpose, id }) => [purpose, id]),
    );

  /** Each key, asked for at either node, and the root key on the host; in between everybody goes on at both. */
  const rotateAll = async (working: readonly Client[], before: Readonly<Record<string, string>>): Promise<void> => {
    const everybody = async (): Promise<void> => {
      const goals = working.map((each) => each.done() + 4);
      const reached = (): boolean => working.every((each, at) => each.done() >= (goals[at] ?? 0));
      await settled(reached, 'Somebody does not go on.', 60_000);
    };
    await everybody();
    for (const purpose of ['ticket', 'cookie', 'seal', 'audit'])
      for (const node of nodes) {
        const got = await send(`${node.console}/api/auth/keys/rotate`, {
          headers: bearer(root),
          body: { purpose, now: true, password: admin.password },
        });
        assert.equal(got.status, 200, `${purpose}: ${got.text}`);
        await everybody();
      }
    // A cookie key is known everywhere before the first is used, also when it is asked for at once.
    for (const node of nodes)
      for (const began = performance.now(); (await inUse(node))['cookie'] === before['cookie']; await pause(500))
        assert.ok(performance.now() - began < 40_000, 'The cookie key does not come into use.');
    await everybody();
    const rotated = await runCommand(['key', 'rotate', 'root', '--data', nodes[0].data], stage.env);
    assert.deepEqual([rotated.code, rotated.err], [0, ''], rotated.out);
    await everybody();
  };

  it('and none of them is refused anything, and nothing is done twice', async () => {
    const [one, two] = nodes;
    const before = await inUse(one);
    const rootBefore = readFileSync(stage.rootKey, 'utf8');
    const working = await clients();
    assert.equal(working.length, 20);
    const refused: string[] = [];
    try {
      await rotateAll(working, before);
    } finally {
      refused.push(...(await Promise.all(working.map((each) => each.stop()))).flat());
    }
    assert.deepEqual(refused, []);
    assert.notEqual(readFileSync(stage.rootKey, 'utf8'), rootBefore);

    for (const node of [one, two])
      for (const [purpose, id] of Object.entries(await inUse(node)))
        assert.notEqual(id, purpose === 'service' ? '' : before[purpose], purpose);
    const listed = await send(`${one.console}${tokensPath}?all=1&limit=1000`, { headers: bearer(root) });
    const names = (listed.json['tokens'] as { readonly name: string }[]).map(({ name }) => name);
    assert.equal(names.filter((name) => name === 'once').length, 2, names.join());
  });

  it('and when the nodes start again, with the new root key, everything still opens', async () => {
    const again = await Promise.all(
      nodes.map(async (node) => {
        assert.equal(await node.end(), 0);
        return stage.start({ data: node.data });
      }),
    );
    for (const node of again) {
      assert.equal((await login(node.console, 'person0', passwordOf('person0'))).status, 200);
      assert.equal((await login(node.console, 'person1', 'not the password of person1')).status, 401);
    }
    const audit = await runCommand(['audit', 'verify', '--data', again[0]?.data ?? ''], stage.env);
    assert.equal(audit.code, 0, audit.out + audit.err);
  });
});
