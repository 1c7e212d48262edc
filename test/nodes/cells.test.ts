/** Cells that nodes share in a real Valkey: what has to be put there before they are counted on, and how. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { CellGroup, Cells, SharedCells } from '../../src/store/shared-cells.ts';
import { openValkey, type Valkey } from '../../src/store/valkey/open.ts';
import { withoutPackages } from '../support/debian.ts';
import { startValkey, type TestValkey } from '../support/valkey.ts';
import { pause } from '../support/waiting.ts';

describe('shared cells', { skip: withoutPackages }, () => {
  let server: TestValkey;
  const opened: Valkey[] = [];
  before(async () => {
    server = await startValkey();
  });
  after(async () => {
    for (const valkey of opened) valkey.close();
    await server.remove();
  });

  const node = async (name: string): Promise<SharedCells> => {
    const reachable = Promise.withResolvers<void>();
    const valkey = openValkey(
      {
        at: { kind: 'single', host: '127.0.0.1', port: server.port },
        username: '',
        password: '',
        database: 0,
        tls: 'off',
        timeoutMs: 5000,
      },
      name,
      () => reachable.resolve(),
    );
    opened.push(valkey);
    await reachable.promise;
    return valkey.cells;
  };

  /** Raises what is there to at least so much. */
  const atLeast = (key: string, count: number): CellGroup => ({
    keys: [key],
    decide: (cells) => {
      if (Number(cells.get(key)) < count) cells.put(key, String(count), 60_000);
    },
  });
  const add = (key: string) => (cells: Cells) => {
    const now = Number(cells.get(key)) + 1;
    cells.put(key, String(now), 60_000);
    return now;
  };

  it('each node fills them once for itself: what counts more stays, and neither waits for the other', async () => {
    const [one, two] = [await node('fill'), await node('fill')];
    assert.deepEqual(await one.step(['a'], add('a')), { kind: 'unfilled' });
    await Promise.all([one.fill('what-is-there', [atLeast('a', 3)]), two.fill('what-is-there', [atLeast('a', 5)])]);
    assert.deepEqual(await one.step(['a'], add('a')), { kind: 'done', value: 6 });
    await two.fill('what-is-there', [atLeast('a', 2)]);
    assert.deepEqual(await two.step(['a'], add('a')), { kind: 'done', value: 7 });
    assert.deepEqual(await two.drop(['a']), { kind: 'gone' });
    assert.deepEqual(await one.step(['a'], add('a')), { kind: 'done', value: 1 });
  });

  it('emptied or begun anew: no node counts on before it has filled them, and nothing of before is there', async () => {
    const [one, two] = [await node('anew'), await node('anew')];
    for (const each of [one, two]) await each.fill('what-is-there', [atLeast('a', 3)]);
    await one.fill('nothing', [atLeast('b', 1)]);
    assert.deepEqual(await two.step(['a'], add('a')), { kind: 'unfilled' });
    assert.deepEqual(await one.step(['a'], add('a')), { kind: 'done', value: 1 });
    await two.fill('what-is-there', []);
    assert.deepEqual(await two.step(['a', 'b'], (cells) => [cells.get('a'), cells.get('b')]), {
      kind: 'done',
      value: ['1', '1'],
    });
    await server.command('FLUSHALL');
    for (const each of [one, two]) assert.deepEqual(await each.step(['a'], add('a')), { kind: 'unfilled' });
    await one.fill('what-is-there', []);
    assert.deepEqual(await two.step(['a'], add('a')), { kind: 'unfilled' });
  });

  it('over a new connection they are filled again', async () => {
    const cells = await node('again');
    await cells.fill('what-is-there', [atLeast('a', 3)]);
    const reached = Promise.withResolvers<void>();
    cells.onReached(reached.resolve);
    await server.command('CLIENT', 'KILL', 'TYPE', 'normal');
    await reached.promise;
    assert.deepEqual(await cells.step(['a'], add('a')), { kind: 'unfilled' });
    await cells.fill('what-is-there', [atLeast('a', 2)]);
    assert.deepEqual(await cells.step(['a'], add('a')), { kind: 'done', value: 4 });
  });

  it('fifty thousand are brought by some hundred scripts, while steps of others go on', async () => {
    const [one, two] = [await node('many'), await node('many')];
    await two.fill('what-is-there', []);
    const scripts = async (): Promise<number> =>
      Number(/cmdstat_eval:calls=(\d+)/.exec(String(await server.command('INFO', 'commandstats')))?.[1]);
    const groups = Array.from({ length: 200 }, (_, at): CellGroup => {
      const keys = Array.from({ length: 250 }, (_, each) => `${at}-${each}`);
      return { keys, decide: (cells) => keys.forEach((key) => cells.put(key, 'x', 60_000)) };
    });
    const before = await scripts();
    const filling = one.fill('what-is-there', groups);
    let steps = 0;
    for (let going = true; going; steps += 1) {
      going = (await Promise.race([filling.then(() => 'done'), pause(1).then(() => 'going')])) === 'going';
      assert.equal((await two.step(['a'], add('a'))).kind, 'done');
    }
    // For each group a reading and a writing, and as much for each step of the other.
    assert.ok((await scripts()) - before <= 2 * (groups.length + steps));
    assert.deepEqual(await one.step(['199-249'], (cells) => cells.get('199-249')), { kind: 'done', value: 'x' });
    assert.ok(steps > 1);
  });

  it('where there is no room a filling fails, and nothing is counted on', async () => {
    const cells = await node('full');
    await server.command('CONFIG', 'SET', 'maxmemory', '1mb');
    try {
      await assert.rejects(cells.fill('what-is-there', [atLeast('a', 3)]));
      assert.deepEqual(await cells.step(['a'], add('a')), { kind: 'unfilled' });
    } finally {
      await server.command('CONFIG', 'SET', 'maxmemory', '0');
    }
    await cells.fill('what-is-there', [atLeast('a', 3)]);
    assert.deepEqual(await cells.step(['a'], add('a')), { kind: 'done', value: 4 });
  });
});
