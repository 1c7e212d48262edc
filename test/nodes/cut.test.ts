/**
 * The line to the database is cut, and nobody is told; or all connections to it are held (security: F-18). What was
 * acknowledged is compared with what is there afterwards, at both nodes.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { Client } from 'pg';
import { type Got, send } from '../support/client.ts';
import { type CutLine, startCutLine } from '../support/cut-line.ts';
import { withoutPackages } from '../support/debian.ts';
import { admin, setUp, signInBearer } from '../support/people.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { assertProblem } from '../support/problem.ts';
import type { RunningServer } from '../support/server.ts';
import { pause } from '../support/waiting.ts';
import { bearer, type NodesStage, sessionAt, stageNodes } from './stage.ts';

const verifyAt = (server: RunningServer, token: string): Promise<Got> =>
  send(`${server.console}/api/auth/verify`, { headers: bearer(token) });
const loginAt = (server: RunningServer): Promise<Got> => send(`${server.console}/api/auth/login`, { body: admin });
const logoutAt = (server: RunningServer, token: string): Promise<Got> =>
  send(`${server.console}/api/auth/logout`, { method: 'POST', headers: bearer(token) });

async function until(ask: () => Promise<Got>, status: number): Promise<void> {
  for (let tried = 0; tried < 300; tried += 1) {
    if ((await ask()).status === status) return;
    await pause(100);
  }
  assert.fail(`never answered ${status}`);
}

/** What the answers said: tokens that were given, and those whose end was acknowledged. */
interface Acknowledged {
  readonly given: Set<string>;
  readonly ended: Set<string>;
  /** Asked to end, and never answered: may be either. */
  readonly unsure: Set<string>;
}

describe('the line to the database', { skip: withoutPackages }, () => {
  let postgres: TestPostgres;
  let line: CutLine;
  let stage: NodesStage;
  let one: RunningServer;
  let two: RunningServer;
  before(async () => {
    postgres = await startPostgres();
  });
  after(() => postgres.remove());
  beforeEach(async () => {
    line = await startCutLine({ host: '127.0.0.1', port: postgres.port });
    stage = await stageNodes(postgres);
    const throughLine = {
      SALLYPORT_DATABASE: stage.database.url.replace(`:${postgres.port}/`, `:${line.port}/`),
      SALLYPORT_DATABASE_CONNECTIONS: '3',
      SALLYPORT_DATABASE_TIMEOUT: '2s',
    };
    one = await stage.start({ env: throughLine });
    await setUp(one);
    two = await stage.start({ env: throughLine });
  });
  afterEach(async () => {
    line.mend();
    await stage.close();
    await line.close();
  });

  /** Both nodes say of every token what was acknowledged. */
  const asAcknowledged = async ({ given, ended, unsure }: Acknowledged): Promise<void> => {
    for (const node of [one, two])
      for (const token of given) {
        const { status } = await sessionAt(node, token);
        if (unsure.has(token)) assert.ok(status === 200 || status === 401, `an unsure session: ${status}`);
        else assert.equal(status, ended.has(token) ? 401 : 200);
      }
  };

  it('F-18: cut for 60 s under load, without a word: all is refused in time, and is back by itself', async () => {
    const told: Acknowledged = { given: new Set(), ended: new Set(), unsure: new Set() };
    const known = await signInBearer(one);
    told.given.add(known);
    let worstMs = 0;
    let refusedMeanwhile = 0;
    let grantedMeanwhile = 0;
    let cut = false;
    const going = new AbortController();
    const timed = async (ask: Promise<Got>): Promise<Got> => {
      const began = performance.now();
      const got = await ask;
      worstMs = Math.max(worstMs, performance.now() - began);
      return got;
    };
    // Within the cap of sessions of one user, at which the oldest gives way.
    const load = [one, two, one, two].map(async (node) => {
      for (; !going.signal.aborted && told.given.size < 80; await pause(300)) {
        const before = cut;
        const got = await timed(loginAt(node));
        assert.ok([200, 503].includes(got.status), got.text);
        if (got.status === 200) told.given.add(String(got.json['token']));
        if (before && cut && got.status === 200) grantedMeanwhile += 1;
        if (before && cut && got.status === 503) refusedMeanwhile += 1;
        const ending = [...told.given].find(
          (each) => each !== known && !told.ended.has(each) && !told.unsure.has(each),
        );
        if (ending === undefined || told.given.size % 3 !== 0) continue;
        told.unsure.add(ending);
        const answer = await timed(logoutAt(node, ending));
        assert.ok([200, 401, 503].includes(answer.status), answer.text);
        if (answer.status === 200) told.ended.add(ending);
        if (answer.status === 200) told.unsure.delete(ending);
      }
    });
    await pause(3000);
    line.cut();
    cut = true;
    const began = performance.now();
    // Until a node that reads no changes refuses (stale-grace), and its last read may take its time-out.
    await pause(8000);
    while (performance.now() - began < 60_000) {
      for (const node of [one, two]) {
        assertProblem(await timed(verifyAt(node, known)), 503, 'unavailable');
        assert.equal((await send(`${node.console}/readyz`)).status, 503);
        assert.equal((await send(`${node.console}/healthz`)).status, 200);
      }
      await pause(4000);
    }
    cut = false;
    line.mend();
    for (const node of [one, two]) {
      await until(() => verifyAt(node, known), 200);
      await until(() => send(`${node.console}/readyz`), 200);
    }
    await pause(2000);
    going.abort();
    await Promise.all(load);
    assert.equal(grantedMeanwhile, 0, 'something was granted over a line that was cut');
    assert.ok(refusedMeanwhile > 0 && told.ended.size > 0, 'the load did not go on');
    // A bound against waiting for ever; each step of a request has its own time-out.
    assert.ok(worstMs < 30_000, `an answer took ${Math.round(worstMs)} ms`);
    await asAcknowledged(told);
    // Three connections each, held by nobody now.
    for (const got of await Promise.all(Array.from({ length: 12 }, (_, at) => loginAt([one, two][at % 2] ?? one))))
      assert.ok([200, 503].includes(got.status), got.text);
    assert.equal((await loginAt(one)).status, 200);
  });

  it('all connections held by somebody’s lock: the known go on, the rest is refused in time, and none is lost', async () => {
    const known = await signInBearer(one);
    assert.equal((await verifyAt(one, known)).status, 200);
    const holder = new Client({ ...stage.database.place });
    await holder.connect();
    await holder.query('BEGIN');
    await holder.query('SELECT 1 FROM users FOR UPDATE');
    try {
      const crowd = await Promise.all(Array.from({ length: 20 }, () => loginAt(one)));
      assert.ok(crowd.every(({ status }) => status === 503 || status === 429));
      // Changes are read over a connection of their own: nobody is stale.
      assert.equal((await verifyAt(one, known)).status, 200);
    } finally {
      await holder.query('ROLLBACK');
      await holder.end();
    }
    await until(() => loginAt(one), 200);
    await until(() => send(`${one.console}/readyz`), 200);
  });
});
