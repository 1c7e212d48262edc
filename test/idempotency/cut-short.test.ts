/**
 * F-01, K-18: `kill -9` between any two steps of a request with an Idempotency-Key. Whoever asks again is told what was made, or
 * that it is not known, and it is never made twice: by the next process in that folder, and by another node.
 */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { type Got, send } from '../support/client.ts';
import { withoutPackages } from '../support/debian.ts';
import { bearer } from '../support/invited.ts';
import { assertFirst, assertInProgress, newKey, sendKeyed } from '../support/keyed.ts';
import { admin, setUp } from '../support/people.ts';
import { sharedPostgres } from '../support/postgres.ts';
import { assertProblem } from '../support/problem.ts';
import { startServer, temporaryFolder } from '../support/server.ts';
import { startStoppingHouse, type StoppingAt, type StoppingHouse } from '../support/stopping-house.ts';
import { tokensPath } from '../support/tokens.ts';
import { pause } from '../support/waiting.ts';
import { stageNodes } from '../nodes/stage.ts';

/** Where it is killed, what there is then, and what is said of it. */
interface Cut extends StoppingAt {
  readonly made: 0 | 1;
  readonly told: 'begins anew' | 'unknown' | 'replayed';
}

const cuts: Readonly<Record<string, Cut>> = {
  'before it is begun': { operation: 'beginIdempotent', when: 'before', made: 0, told: 'begins anew' },
  'when it is begun': { operation: 'beginIdempotent', when: 'after', made: 0, told: 'unknown' },
  'before its effect': { operation: 'createToken', when: 'before', made: 0, told: 'unknown' },
  'in the middle of its effect': { operation: 'createToken', when: 'after', made: 1, told: 'unknown' },
  'between effect and record': { operation: 'keepAnswer', when: 'before', made: 1, told: 'unknown' },
  'when it is recorded, before the answer': { operation: 'keepAnswer', when: 'after', made: 1, told: 'replayed' },
};

const make = (console: string, held: string, key: string): Promise<Got> =>
  sendKeyed(console, { held, path: tokensPath, body: { token_name: 'once' }, key });

async function made(console: string, held: string): Promise<number> {
  const got = await send(`${console}${tokensPath}`, { headers: bearer(held) });
  assert.equal(got.status, 200, got.text);
  return (got.json['tokens'] as unknown[]).length;
}

/** Killed while it stands there; the answer never comes. */
async function cutShort(house: StoppingHouse, held: string, key: string): Promise<void> {
  await house.arm();
  const lost = assert.rejects(make(house.console, held, key), { code: 'ECONNRESET' });
  await house.stopped;
  await house.kill();
  await lost;
}

async function told(console: string, held: string, key: string, cut: Cut): Promise<void> {
  // As often as anybody likes.
  for (let round = 0; round < 3; round += 1) {
    const got = await make(console, held, key);
    if (cut.told === 'unknown') assertProblem(got, 409, 'idempotency_unknown');
    else {
      assert.equal(got.status, 201, got.text);
      assert.ok(String(got.json['token']).length > 20, 'the credential that made it is told the secret');
      const replayed = cut.told === 'replayed' || round > 0 ? 'true' : undefined;
      assert.equal(got.headers['idempotency-replayed'], replayed);
    }
  }
  assert.equal(await made(console, held), cut.told === 'begins anew' ? 1 : cut.made);
  // Another key is another request.
  assertFirst(await make(console, held, newKey()), 201);
}

describe('killed, and started again in its folder', () => {
  for (const [name, cut] of Object.entries(cuts))
    it(`${name}: ${cut.told}`, async () => {
      const data = await temporaryFolder();
      const house = await startStoppingHouse({ ...cut, data, rootKey: '', place: null });
      try {
        const first = await send(`${house.console}/api/auth/setup`, {
          body: { setup_code: house.setupCode, ...admin },
        });
        assert.equal(first.status, 201, first.text);
        const held = String(first.json['token']);
        const key = newKey();
        await cutShort(house, held, key);
        const server = await startServer({ data, standing: 'set-up' });
        try {
          await told(server.console, held, key, cut);
        } finally {
          await server.end();
        }
      } finally {
        await house.kill();
        await rm(data, { recursive: true, force: true });
      }
    });
});

interface Beside {
  /** Asked at the other node, which is the product itself. */
  readonly ask: () => Promise<Got>;
  readonly other: string;
  readonly held: string;
  readonly key: string;
  /** Kills the house where it stands. */
  readonly end: () => Promise<void>;
}

/** A house that stands still in a request, beside another node. */
async function beside(stop: StoppingAt, story: (stage: Beside) => Promise<void>): Promise<void> {
  const nodes = await stageNodes(await sharedPostgres());
  const data = await temporaryFolder();
  const { console: other, ...two } = await nodes.start();
  const held = String((await setUp({ ...two, console: other })).json['token']);
  const place = nodes.database.place;
  const house = await startStoppingHouse({ ...stop, data, rootKey: nodes.rootKey, place });
  try {
    const key = newKey();
    await house.arm();
    const lost = assert.rejects(make(house.console, held, key), { code: 'ECONNRESET' });
    await house.stopped;
    const end = async (): Promise<void> => {
      await house.kill();
      await lost;
    };
    await story({ ask: () => make(other, held, key), other, held, key, end });
  } finally {
    await house.kill();
    await nodes.close();
    await rm(data, { recursive: true, force: true });
  }
}

/** Until its lease is over; nobody begins meanwhile. */
async function unknownInTheEnd(ask: () => Promise<Got>): Promise<void> {
  for (let round = 0; round < 120; round += 1) {
    const got = await ask();
    if (got.json['error_code'] === 'idempotency_unknown') return;
    assertInProgress(got);
    await pause(500);
  }
  assert.fail('it is in progress for good');
}

describe('killed beside another node', { skip: withoutPackages, concurrency: true }, () => {
  for (const [name, cut] of Object.entries(cuts))
    it(`${name}: ${cut.told}${cut.told === 'unknown' ? ', once it has not been heard of for a while' : ''}`, () =>
      beside(cut, async ({ ask, other, held, key, end }) => {
        const unsettled = cut.told === 'unknown';
        if (unsettled) assertInProgress(await ask());
        await end();
        if (unsettled) await unknownInTheEnd(ask);
        await told(other, held, key, cut);
      }));

  it('what goes on at one node is in progress at the other for as long as it goes on', () =>
    beside({ operation: 'createToken', when: 'before' }, async ({ ask, other, held, end }) => {
      // Longer than it is taken for alive without a word.
      for (let round = 0; round < 18; round += 1) {
        assertInProgress(await ask());
        await pause(1000);
      }
      await end();
      assert.equal(await made(other, held), 0);
    }));
});
