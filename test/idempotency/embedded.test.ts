/**
 * TT8 for an embedding application: `Sallyport.idempotent` around effects of its own, with a clock that the test moves and a
 * store that fails when it is told to (3-rules, Idempotency).
 */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { mostAnswerLength } from '../../src/actions/idempotent/answers.ts';
import type { IdempotentAsking, IdempotentOutcome, Store } from '../../src/index.ts';
import { StoreFault } from '../../src/index.ts';
import { type Account, asking, firstAccount } from '../support/accounts.ts';
import { embed, type Embedded } from '../support/library.ts';
import { newKey } from '../support/keyed.ts';
import { admin } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';

const hour = 3_600_000;
const kept = (value: unknown): { readonly value: unknown } => ({ value });

interface Order {
  readonly order: number;
  readonly code: string;
}

let house: Embedded;
let account: Account;
/** The next call of that operation does this instead. */
const instead: Partial<Record<keyof Store, (whole: () => Promise<unknown>) => Promise<unknown>>> = {};
const around = (store: Store): Store => {
  const through = (name: 'beginIdempotent' | 'keepAnswer' | 'freeIdempotent') => {
    const whole = store[name].bind(store) as (given: never) => Promise<unknown>;
    return (given: never): Promise<unknown> => {
      const other = instead[name];
      delete instead[name];
      return other === undefined ? whole(given) : other(() => whole(given));
    };
  };
  return {
    ...store,
    beginIdempotent: through('beginIdempotent') as Store['beginIdempotent'],
    keepAnswer: through('keepAnswer') as Store['keepAnswer'],
    freeIdempotent: through('freeIdempotent') as Store['freeIdempotent'],
  };
};
before(async () => {
  house = await embed({ around, names: ['localhost'] });
  account = await firstAccount(house);
});
after(() => house.close());

let orders = 0;
const order = (): Order => {
  orders += 1;
  return { order: orders, code: `pick-up code ${orders}` };
};
beforeEach(() => {
  orders = 0;
});

/** An order, by whoever; the code is a secret. */
function place(more: Partial<IdempotentAsking<Order>> & { readonly key: string }): Promise<IdempotentOutcome<Order>> {
  return house.sallyport.idempotent<Order>({
    owner: 'u_ada',
    credential: 'the secret of ada',
    asked: { method: 'POST', path: '/orders', body: '{"item":1}' },
    effect: order,
    keep: (answer) => ({ value: { placed: [answer] }, secrets: ['code'] }),
    ...more,
  });
}

const wholeOf = (answer: Order): object => ({ kind: 'replayed', value: { placed: [answer] } });
const first = { order: 1, code: 'pick-up code 1' };

/** Begun, and not done before it is told to be. */
function stuck(
  key: string,
  owner = 'u_ada',
): { readonly going: Promise<IdempotentOutcome<Order>>; readonly end: () => void } {
  const gate = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const going = place({
    owner,
    key,
    effect: async () => {
      begun.resolve();
      await gate.promise;
      return order();
    },
  });
  return { going: begun.promise.then(() => going), end: gate.resolve };
}

describe('K-18: an effect of an embedding application', () => {
  it('is done once, and told whole to the same credential', async () => {
    const key = newKey();
    assert.deepEqual(await place({ key }), { kind: 'done', answer: first });
    assert.deepEqual(await place({ key }), wholeOf(first));
    assert.equal(orders, 1);
    assert.deepEqual(await place({ key: newKey() }), { kind: 'done', answer: { order: 2, code: 'pick-up code 2' } });
  });

  it('is told to another credential, and to none, without what is secret at any depth', async () => {
    const key = newKey();
    const value = { code: 'c1', list: [{ code: 'c2', n: 1 }, ['code', { deep: { code: ['c3'] } }]], __proto__: null };
    const keep = (): object => ({ value, secrets: ['code', '0'] });
    await place({ key, keep: keep as IdempotentAsking<Order>['keep'] });
    const without = { list: [{ n: 1 }, ['code', { deep: {} }]] };
    for (const credential of ['', 'another secret', 'the secret of ada '])
      assert.deepEqual(await place({ key, credential }), { kind: 'replayed', value: without });
    assert.deepEqual(await place({ key }), { kind: 'replayed', value: { ...value } });
  });

  it('keeps secrets for nobody where there was no credential', async () => {
    const key = newKey();
    await place({ key, credential: '' });
    const without = { kind: 'replayed', value: { placed: [{ order: 1 }] } };
    assert.deepEqual([await place({ key, credential: '' }), await place({ key })], [without, without]);
  });

  it('is another one for another owner, and another request under the same key is refused', async () => {
    const key = newKey();
    assert.equal((await place({ key })).kind, 'done');
    for (const owner of ['u_bob', 'u_ada ', '', 'service-key'])
      assert.equal((await place({ key, owner })).kind, 'done');
    const asked = { method: 'POST', path: '/orders', body: '{"item":1}' };
    for (const other of [
      { ...asked, method: 'PUT' },
      { ...asked, path: '/orders?now' },
      { ...asked, body: '{"item":2}' },
      { ...asked, body: '' },
      // Parts do not run into each other.
      { ...asked, path: '/orders{"item":1}', body: '' },
    ])
      assert.deepEqual(await place({ key, asked: other }), { kind: 'mismatch' });
    const bytes = { ...asked, body: Buffer.from(asked.body) };
    assert.equal((await place({ key, asked: bytes })).kind, 'replayed');
    assert.equal(orders, 5);
  });

  it('takes 1 to 255 visible characters for a key, and does nothing for any other', async () => {
    for (const key of ['', ' ', 'a b', 'a\n', '\na', 'ä', '\u0000', 'x'.repeat(256), 'one, two'])
      assert.equal((await place({ key })).kind, 'malformed-key');
    assert.equal(orders, 0);
    for (const key of ['x'.repeat(255), '!', '~', '__proto__', 'toString']) {
      assert.equal((await place({ key })).kind, 'done');
      assert.equal((await place({ key })).kind, 'replayed');
    }
  });

  it('by whoever the guard let in is that account’s, by whatever way they come', async () => {
    const { user } = account;
    const found = await house.sallyport.memory.loadUser(user.username);
    assert.ok(found.kind === 'user');
    const key = newKey();
    const way = { kind: 'basic', user: found.user, via: 'basic', serviceKey: '' } as const;
    assert.equal((await place({ key, owner: way })).kind, 'done');
    assert.equal((await place({ key, owner: { kind: 'service', via: 'service-key', key: 'k' } })).kind, 'done');
    assert.equal((await place({ key, owner: user.id })).kind, 'replayed');
    assert.equal((await place({ key, owner: 'service-key' })).kind, 'replayed');
  });

  it('that came to nothing frees the key', async () => {
    const key = newKey();
    assert.equal((await place({ key, keep: () => null })).kind, 'done');
    const other = { method: 'POST', path: '/else', body: '' };
    assert.equal((await place({ key, asked: other })).kind, 'done');
    assert.equal((await place({ key, asked: other })).kind, 'replayed');
  });

  it('may come to anything that JSON can say, and to nothing at all', async () => {
    for (const value of [null, undefined, 0, '', false, [], [undefined], { a: 1 }, 'x'.repeat(100_000)]) {
      const key = newKey();
      await place({ key, keep: () => kept(value) });
      const again = await place({ key });
      const said: unknown = JSON.parse(JSON.stringify(value ?? null));
      assert.deepEqual(again, { kind: 'replayed', value: said });
    }
  });
});

describe('K-18: what is under way, and what was cut short', () => {
  it('is in progress for everybody else, and done once', async () => {
    const key = newKey();
    const { going, end } = stuck(key);
    const others = await Promise.all(Array.from({ length: 20 }, () => place({ key })));
    assert.deepEqual(new Set(others.map(({ kind }) => kind)), new Set(['in-progress']));
    assert.equal((await place({ key, asked: { method: 'GET', path: '/', body: '' } })).kind, 'mismatch');
    assert.equal((await place({ key, owner: 'u_bob' })).kind, 'done');
    end();
    assert.equal((await going).kind, 'done');
    assert.equal((await place({ key })).kind, 'replayed');
  });

  it('is unknown once nobody has said for a while that it goes on; told after all where it ends well', async () => {
    const key = newKey();
    const { going, end } = stuck(key);
    const asked = place({ key });
    assert.equal((await asked).kind, 'in-progress');
    house.pass(14_000);
    assert.equal((await place({ key })).kind, 'in-progress');
    house.pass(1001);
    assert.deepEqual(await place({ key }), { kind: 'unknown' });
    assert.equal((await place({ key: newKey() })).kind, 'done');
    end();
    const done = await going;
    assert.ok(done.kind === 'done');
    assert.deepEqual(await place({ key }), wholeOf(done.answer));
  });

  it('that threw is passed on and never repeated', async () => {
    for (const fault of [new Error('no more stock'), new StoreFault('full')]) {
      const key = newKey();
      let calls = 0;
      const effect = (): never => {
        calls += 1;
        throw fault;
      };
      await assert.rejects(place({ key, effect }), fault);
      assert.equal((await place({ key, effect })).kind, 'in-progress');
      // However long others go on: nobody says that of this one any more.
      const { end } = stuck(newKey());
      house.pass(15_001);
      assert.equal((await place({ key, effect })).kind, 'unknown');
      end();
      house.pass(23 * hour);
      assert.equal((await place({ key, effect })).kind, 'unknown');
      assert.equal(calls, 1);
    }
  });

  it('does nothing where the store cannot begin, and begins anew when it can', async () => {
    const key = newKey();
    instead.beginIdempotent = () => Promise.reject(new StoreFault('full'));
    await assert.rejects(place({ key, effect: () => assert.fail('it was done') }), StoreFault);
    assert.equal((await place({ key })).kind, 'done');
    assert.equal(orders, 1);
  });

  it('of which the store’s word was lost is free again', async () => {
    const key = newKey();
    instead.beginIdempotent = async (whole) => {
      await whole();
      throw new StoreFault('the connection was lost');
    };
    await assert.rejects(place({ key }), StoreFault);
    assert.equal(orders, 0);
    assert.equal((await place({ key })).kind, 'done');
  });

  const circle: Record<string, unknown> = {};
  circle['self'] = circle;
  for (const [what, keep] of [
    ['that the store cannot keep', undefined],
    ['that JSON cannot say', () => kept({ big: 1n })],
    ['that runs in a circle', () => kept(circle)],
    ['that is too long', () => kept('x'.repeat(mostAnswerLength))],
  ] as const)
    it(`an answer ${what} is given all the same, logged, and unknown to whoever asks again`, async () => {
      const key = newKey();
      if (keep === undefined) instead.keepAnswer = () => Promise.reject(new StoreFault('full'));
      const logged = house.lines.length;
      const got = await place({ key, ...(keep === undefined ? {} : { keep }) });
      assert.deepEqual(got, { kind: 'done', answer: first });
      const lines = house.lines.slice(logged).filter((line) => line.includes('could not be kept'));
      assert.equal(lines.length, 1);
      assert.ok(!lines[0]?.includes(key) && !lines[0]?.includes('pick-up'), lines[0]);
      house.pass(15_001);
      assert.equal((await place({ key })).kind, 'unknown');
      assert.equal(orders, 1);
    });

  it('a key that cannot be freed is unknown, and the answer is given', async () => {
    const key = newKey();
    instead.freeIdempotent = () => Promise.reject(new StoreFault('full'));
    assert.equal((await place({ key, keep: () => null })).kind, 'done');
    house.pass(15_001);
    assert.equal((await place({ key })).kind, 'unknown');
  });
});

describe('K-18: how long, and how many', () => {
  it('a day, and not longer', async () => {
    const key = newKey();
    await place({ key });
    house.pass(24 * hour - 1000);
    assert.equal((await place({ key })).kind, 'replayed');
    house.pass(1001);
    assert.deepEqual(await place({ key }), { kind: 'done', answer: { order: 2, code: 'pick-up code 2' } });
    assert.equal((await place({ key })).kind, 'replayed');
  });

  it('a thousand of one owner: the oldest gives way, what is under way does not, and nobody else’s', async () => {
    const owner = 'u_flood';
    const bystander = newKey();
    await place({ key: bystander });
    const { going, end } = stuck('under-way', owner);
    for (let at = 0; at < 1001; at += 100)
      await Promise.all(
        Array.from({ length: Math.min(100, 1001 - at) }, (_, next) => place({ owner, key: `key-${at + next}` })),
      );
    const made = orders;
    assert.equal((await place({ owner, key: 'under-way' })).kind, 'in-progress');
    assert.equal((await place({ owner, key: 'key-1000' })).kind, 'replayed');
    assert.equal((await place({ key: bystander })).kind, 'replayed');
    assert.equal(orders, made);
    assert.equal((await place({ owner, key: 'key-0' })).kind, 'done');
    end();
    assert.equal((await going).kind, 'done');
  });
});

describe('K-18: our own routes when the store fails', () => {
  it('503 and nothing done; 409 for what may have been', async () => {
    const login = await asking(house)('POST', '/api/auth/login', admin);
    const ask = asking(house, String(login.json['token']));
    const make = (key: string): ReturnType<typeof ask> =>
      ask('POST', '/api/auth/api-tokens', { token_name: key.slice(0, 20) }, { headers: { 'idempotency-key': key } });
    const made = async (): Promise<number> =>
      ((await ask('GET', '/api/auth/api-tokens')).json['tokens'] as unknown[]).length;
    const unbegun = newKey();
    instead.beginIdempotent = () => Promise.reject(new StoreFault('full'));
    assertProblem(await make(unbegun), 503, 'unavailable');
    assert.equal(await made(), 0);
    assert.equal((await make(unbegun)).status, 201);
    const unkept = newKey();
    instead.keepAnswer = () => Promise.reject(new StoreFault('full'));
    assert.equal((await make(unkept)).status, 201);
    assertProblem(await make(unkept), 409, 'idempotency_in_progress');
    house.pass(15_001);
    assertProblem(await make(unkept), 409, 'idempotency_unknown');
    assert.equal(await made(), 2);
  });
});
