/**
 * Faults below a request (security.md F-05): a mistake of ours is a generic 500, a store that cannot work is 503, each is
 * logged once, tells nothing, and the next request is served. And the line before the writer is bounded.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startWriter } from '../../src/store/sqlite/writer-line.ts';
import { type Store, StoreFault } from '../../src/store/store.ts';
import { send } from '../support/client.ts';
import { type Embedded, embed } from '../support/library.ts';
import { admin, signInBearer } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { attempt } from '../store-contract.ts';

describe('a fault under a request', () => {
  let embedded: Embedded;
  before(async () => {
    embedded = await embed();
    const got = await send(`${embedded.console}/api/auth/setup`, {
      body: { setup_code: embedded.setupCode, ...admin },
    });
    assert.equal(got.status, 201, got.text);
  });
  after(() => embedded.close());

  /** The next call of that operation goes wrong. */
  const breakOnce = (name: 'openSession' | 'userByName' | 'endSession', fault: Error, how: 'thrown' | 'rejected') => {
    const { store } = embedded.sallyport;
    const whole = store[name];
    store[name] = (() => {
      Object.assign(store, { [name]: whole });
      if (how === 'thrown') throw fault;
      return Promise.reject(fault);
    }) as Store[typeof name] as never;
  };

  for (const [what, fault, status, code] of [
    ['a mistake of ours', new TypeError('secret-in-a-message'), 500, 'internal'],
    ['a store that cannot work', new StoreFault('secret-in-a-message'), 503, 'unavailable'],
  ] as const) {
    for (const how of ['thrown', 'rejected'] as const) {
      for (const operation of ['userByName', 'openSession'] as const) {
        it(`${what}, ${how} by ${operation}: ${status}, logged once, nothing told, and the next request is served`, async () => {
          const logged = embedded.lines.length;
          breakOnce(operation, fault, how);
          const got = await send(`${embedded.console}/api/auth/login`, { body: admin });
          assertProblem(got, status, code);
          assert.doesNotMatch(got.text, /secret-in-a-message|\.ts/);
          const lines = embedded.lines.slice(logged).filter((line) => line.includes('request failed'));
          assert.equal(lines.length, 1);
          assert.ok(lines[0]?.includes(String(got.json['request_id'])));
          assert.ok((await signInBearer(embedded)).length > 20);
        });
      }
    }
  }

  it('an end that failed by a mistake of ours is no end; one that the store could not write is', async () => {
    const authenticated = async (token: string): Promise<unknown> =>
      (await send(`${embedded.console}/api/auth/status`, { headers: { authorization: `Bearer ${token}` } })).json[
        'authenticated'
      ];
    const token = await signInBearer(embedded);
    breakOnce('endSession', new TypeError('mistake'), 'rejected');
    const out = { headers: { authorization: `Bearer ${token}` }, body: {} };
    assertProblem(await send(`${embedded.console}/api/auth/logout`, out), 500, 'internal');
    assert.equal(await authenticated(token), true);
    assert.equal((await send(`${embedded.console}/api/auth/logout`, out)).status, 200);
    assert.equal(await authenticated(token), false);
  });

  it('an end that is written late takes nothing along that was opened after it', async () => {
    const { engine, console } = embedded;
    const [asking, other] = [await signInBearer(embedded), await signInBearer(embedded)];
    const status = async (token: string): Promise<number> =>
      (await send(`${console}/api/auth/sessions`, { headers: { authorization: `Bearer ${token}` } })).status;
    const whole = engine.endSessions.bind(engine);
    Object.assign(engine, { endSessions: () => Promise.reject(new StoreFault('full')) });
    const asked = { method: 'DELETE', headers: { authorization: `Bearer ${asking}` } };
    assertProblem(await send(`${console}/api/auth/sessions`, asked), 503, 'unavailable');
    assert.deepEqual([await status(asking), await status(other)], [200, 401]);
    assertProblem(await send(`${console}/api/auth/login`, { body: admin }), 503, 'unavailable');
    Object.assign(engine, { endSessions: whole });
    const young = await signInBearer(embedded);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.deepEqual([await status(asking), await status(other), await status(young)], [200, 401, 200]);
  });
});

describe('the line before the writer', () => {
  it('is bounded: whoever comes when it is full is refused at once, and there is room again when it moves', async () => {
    // A writer that answers nothing until it is asked for its second group, then everything.
    const program = `
      import { parentPort } from 'node:worker_threads';
      parentPort.postMessage({ kind: 'open' });
      const answer = ({ calls }) => parentPort.postMessage({
        kind: 'group', outcomes: calls.map(() => ({ kind: 'done', value: undefined })), changes: [], locked: null });
      let first;
      parentPort.on('message', (order) => {
        if (order.kind === 'close') { parentPort.postMessage({ kind: 'closed', fault: null }); parentPort.close(); return; }
        if (first === undefined) { first = order; setTimeout(() => answer(first), 1500); } else answer(order);
      });`;
    const started = await startWriter({
      path: 'unused',
      onChanges: () => assert.fail('nothing changed'),
      program: new URL(`data:text/javascript,${encodeURIComponent(program)}`),
    });
    if (started.kind !== 'started') assert.fail(started.detail);
    const { line } = started;
    const first = line.write('recordAttempt', attempt());
    await new Promise((resolve) => setImmediate(resolve));
    const waiting = Array.from({ length: 10_000 }, () => line.write('recordAttempt', attempt()));
    const began = performance.now();
    await assert.rejects(line.write('recordAttempt', attempt()), (fault) => {
      assert.ok(fault instanceof StoreFault);
      assert.match(fault.message, /10000 operations wait/);
      return true;
    });
    assert.ok(performance.now() - began < 500, 'refused at once');
    await first;
    assert.equal((await Promise.allSettled(waiting)).filter((each) => each.status === 'rejected').length, 0);
    await line.write('recordAttempt', attempt());
    await line.close();
  });
});
