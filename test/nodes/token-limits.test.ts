/** What an API token may do on several nodes that count it in a real Valkey. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../src/setup.ts';
import type { SharedCells } from '../../src/store/shared-cells.ts';
import { openValkey, type Valkey } from '../../src/store/valkey/open.ts';
import { type TokenAllowance, type TokenLimits, tokenLimits } from '../../src/throttle/token-limits.ts';
import type { TokenId } from '../../src/types.ts';
import { withoutPackages } from '../support/debian.ts';
import { startValkey, type TestValkey } from '../support/valkey.ts';
import { settled } from '../support/waiting.ts';

describe('limits of tokens on several nodes', { skip: withoutPackages }, () => {
  let server: TestValkey;
  const opened: Valkey[] = [];
  before(async () => {
    server = await startValkey();
  });
  after(async () => {
    for (const valkey of opened) valkey.close();
    await server.remove();
  });

  interface Node {
    readonly limits: TokenLimits;
    readonly cells: SharedCells;
    /** Those of the limits on guessing. */
    readonly others: SharedCells;
  }

  const node = async (name: string): Promise<Node> => {
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
    return {
      limits: tokenLimits({ clock: systemClock, cells: valkey.tokenCells }),
      cells: valkey.tokenCells,
      others: valkey.cells,
    };
  };

  const token = (perMinute: number, id = 't_one'): TokenAllowance => ({
    id: id as TokenId,
    perMinute,
    perHour: 20_000,
  });

  /** How many of so many at once on each node pass. */
  const passed = async (nodes: readonly Node[], each: number, allowance: TokenAllowance): Promise<number> => {
    const asked = nodes.flatMap(({ limits }) =>
      Array.from({ length: each }, async () => (await limits.spend(allowance)).kind),
    );
    return (await Promise.all(asked)).filter((kind) => kind === 'spent').length;
  };

  it('two nodes let exactly a small limit through, and a greater one up to a slice', async () => {
    const nodes = [await node('exact'), await node('exact')];
    assert.equal(await passed(nodes, 50, token(19, 't_small')), 19);
    const many = await passed(nodes, 600, token(600, 't_great'));
    assert.ok(many >= 540 && many <= 600, String(many));
    const refused = await nodes[0]?.limits.spend(token(19, 't_small'));
    assert.ok(refused?.kind === 'limited');
    assert.equal(refused.quota.minute.remaining, 0);
    assert.ok(refused.retryAfterSeconds > 50 && refused.retryAfterSeconds <= 63);
  });

  it('many tokens at once do not hinder each other', async () => {
    const nodes = [await node('many'), await node('many')];
    const all = await Promise.all(Array.from({ length: 100 }, (_, at) => passed(nodes, 10, token(10, `t_${at}`))));
    assert.deepEqual(new Set(all), new Set([10]));
  });

  it('the cells are their own: what the limits on guessing fill or forget is nothing to them', async () => {
    const nodes = [await node('own'), await node('own')];
    assert.equal(await passed(nodes, 20, token(10)), 10);
    assert.deepEqual(await nodes[0]?.others.step(['a'], () => undefined), { kind: 'unfilled' });
    await nodes[0]?.others.fill('nothing', []);
    const third = await node('own');
    assert.equal(await passed([third], 5, token(10)), 0);
  });

  it('emptied: filled again without anybody signing in, and counted together again', async () => {
    const nodes = [await node('emptied'), await node('emptied')];
    await passed(nodes, 1, token(10, 't_before'));
    await server.command('FLUSHALL');
    assert.equal(await passed(nodes, 20, token(10, 't_after')), 10);
  });

  it('away: each for itself, and together again when it is back', async () => {
    const nodes = [await node('away'), await node('away')];
    assert.equal(await passed(nodes, 20, token(10, 't_before')), 10);
    await server.stop();
    await settled(() => nodes.every(({ cells }) => cells.standing().kind === 'away'), 'The nodes did not notice.');
    assert.equal(await passed(nodes, 20, token(10, 't_meanwhile')), 20);
    await server.start();
    await settled(
      () => nodes.every(({ cells }) => cells.standing().kind === 'reachable'),
      'The nodes did not come back.',
      10_000,
    );
    // Back empty: each is bounded by what it counted itself.
    assert.equal(await passed(nodes, 20, token(10, 't_meanwhile')), 0);
    assert.equal(await passed(nodes, 20, token(10, 't_after')), 10);
  });

  it('hanging: nobody waits for longer than a second or so, and each counts for itself', async () => {
    const nodes = [await node('hanging'), await node('hanging')];
    await passed(nodes, 1, token(10, 't_before'));
    server.suspend();
    try {
      const began = performance.now();
      assert.equal(await passed(nodes, 20, token(10, 't_meanwhile')), 20);
      assert.ok(performance.now() - began < 3000);
    } finally {
      server.resume();
    }
  });
});
