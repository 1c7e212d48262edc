import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { ownMac } from '../../crypto/digest.ts';
import { systemRandom } from '../../crypto/random.ts';
import type { UserRow } from '../../store/rows.ts';
import type { Address } from '../../types.ts';
import type { BasicHolder } from '../holders.ts';
import { type KnownProofs, knownProofs } from './known-proofs.ts';

const hourMs = 3_600_000;

interface Stage {
  readonly proofs: KnownProofs;
  readonly pass: (ms: number) => void;
}

function stage(): Stage {
  let now = 0;
  const proofs = knownProofs({ mac: ownMac(systemRandom), clock: { monotonic: () => now } });
  return { proofs, pass: (ms) => void (now += ms) };
}

function holder(): BasicHolder {
  return { kind: 'basic', user: { row: {} as UserRow, current: true }, via: 'basic', serviceKey: '' };
}

const at = (text: string): Address => text as Address;
const home = at('192.0.2.7');

describe('what was proven over Basic', () => {
  it('is known from where it was proven, in that spelling, and nowhere else', () => {
    const { proofs } = stage();
    const whose = holder();
    proofs.keep(proofs.keyOf('YTpi', home), whose, proofs.moment());
    const asked = (encoded: string, address: Address) => proofs.recall(proofs.keyOf(encoded, address), address).kind;
    assert.deepEqual(proofs.recall(proofs.keyOf('YTpi', home), home), { kind: 'known', holder: whose });
    for (const encoded of ['YTpi=', 'ytpi', 'YTpj', ' YTpi', ''])
      assert.equal(asked(encoded, home), 'not-known', encoded);
    for (const address of ['192.0.2.8', '192.0.2.70', '192.0.2', '::ffff:192.0.2.7', ''])
      assert.equal(asked('YTpi', at(address)), 'not-known', address);
  });

  it('is named differently by every process, and by nothing that stands in it', () => {
    const [one, other] = [stage().proofs, stage().proofs];
    const key = one.keyOf('YTpi', home);
    assert.notEqual(key, other.keyOf('YTpi', home));
    assert.match(key, /^[A-Za-z0-9_-]{43}$/);
  });

  it('is over the moment its user changes, and after an hour', () => {
    const { proofs, pass } = stage();
    const [one, other] = [holder(), holder()];
    const [first, second] = [proofs.keyOf('b25l', home), proofs.keyOf('b3RoZXI', home)];
    proofs.keep(first, one, proofs.moment());
    pass(1000);
    proofs.keep(second, other, proofs.moment());
    one.user.current = false;
    assert.equal(proofs.recall(first, home).kind, 'not-known');
    one.user.current = true;
    assert.equal(proofs.recall(first, home).kind, 'not-known', 'what is over does not come back');
    pass(hourMs - 1);
    assert.equal(proofs.recall(second, home).kind, 'known');
    // Neither use nor the limits make it last longer.
    proofs.keep(second, other, proofs.moment());
    pass(1);
    assert.equal(proofs.recall(second, home).kind, 'not-known');
    assert.equal(proofs.size, 0);
  });

  it('goes through the limits again once anything else was tried from the same network, and by nobody else’s', () => {
    const { proofs } = stage();
    const neighbours = [at('2001:db8:1:2::7'), at('2001:db8:1:2:ffff::1')] as const;
    const whose = holder();
    for (const address of [home, neighbours[0]]) proofs.keep(proofs.keyOf('YTpi', address), whose, proofs.moment());
    const standing = (address: Address) => proofs.recall(proofs.keyOf('YTpi', address), address).kind;
    for (const elsewhere of ['192.0.2.8', '2001:db8:1:3::7', '2001:db8:1:20::7']) proofs.tried(at(elsewhere));
    assert.deepEqual([standing(home), standing(neighbours[0])], ['known', 'known']);
    proofs.tried(neighbours[1]);
    assert.deepEqual([standing(home), standing(neighbours[0])], ['known', 'proven']);
    proofs.tried(home);
    assert.equal(standing(home), 'proven');
    const before = proofs.moment();
    proofs.tried(home);
    // The walk began before the last try: the limits that it asked knew nothing of it.
    proofs.keep(proofs.keyOf('YTpi', home), whose, before);
    assert.equal(standing(home), 'proven');
    proofs.keep(proofs.keyOf('YTpi', home), whose, proofs.moment());
    assert.equal(standing(home), 'known');
  });

  it('is bounded, and a network that is not remembered counts as one where something was tried', () => {
    const { proofs } = stage();
    const whose = holder();
    const kept = proofs.keyOf('YTpi', home);
    proofs.keep(kept, whose, proofs.moment());
    proofs.tried(home);
    for (let number = 0; number < 20_000; number += 1)
      proofs.tried(at(`10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`));
    assert.equal(proofs.recall(kept, home).kind, 'proven');
    for (let number = 0; number < 70_000; number += 1)
      proofs.keep(proofs.keyOf(String(number), home), whose, proofs.moment());
    assert.equal(proofs.size, 65_536);
    assert.equal(proofs.recall(kept, home).kind, 'not-known', 'the oldest gives way');
  });

  it('whatever happens in whatever order: nobody is known whose limits were not asked since', () => {
    const address = fc.constantFrom('192.0.2.7', '192.0.2.8', '2001:db8::1', '2001:db8::2').map(at);
    const secret = fc.constantFrom('YTpi', 'YTpj');
    const step = fc.oneof(
      fc.record({ kind: fc.constant('tried' as const), address }),
      fc.record({ kind: fc.constant('proven' as const), address, secret }),
      fc.record({ kind: fc.constant('forget' as const), address, secret }),
      fc.record({ kind: fc.constant('changed' as const), secret }),
      fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: hourMs }) }),
    );
    const networkOf = (each: Address): string => (each.startsWith('2001') ? 'six' : each);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { proofs, pass } = stage();
        let now = 0;
        const users = new Map([
          ['YTpi', holder()],
          ['YTpj', holder()],
        ]);
        const userOf = (name: string): BasicHolder => users.get(name) ?? assert.fail();
        const tries = new Map<string, number>();
        const model = new Map<string, { holder: BasicHolder; checked: number; until: number }>();
        let moment = 0;
        for (const each of steps) {
          switch (each.kind) {
            case 'tried':
              moment += 1;
              tries.set(networkOf(each.address), moment);
              proofs.tried(each.address);
              break;
            case 'proven': {
              const key = `${each.address} ${each.secret}`;
              const known = model.get(key);
              const whose = userOf(each.secret);
              const until = known?.holder === whose ? known.until : now + hourMs;
              model.set(key, { holder: whose, checked: moment, until });
              proofs.keep(proofs.keyOf(each.secret, each.address), whose, proofs.moment());
              break;
            }
            case 'forget':
              model.delete(`${each.address} ${each.secret}`);
              proofs.forget(proofs.keyOf(each.secret, each.address));
              break;
            case 'changed':
              userOf(each.secret).user.current = false;
              users.set(each.secret, holder());
              break;
            case 'pass':
              now += each.ms;
              pass(each.ms);
              break;
          }
          for (const from of ['192.0.2.7', '192.0.2.8', '2001:db8::1', '2001:db8::2'].map(at))
            for (const shown of ['YTpi', 'YTpj']) {
              const known = model.get(`${from} ${shown}`);
              const alive = known !== undefined && known.holder.user.current && now < known.until;
              if (!alive) model.delete(`${from} ${shown}`);
              const asked = alive && (tries.get(networkOf(from)) ?? 0) <= known.checked;
              const got = proofs.recall(proofs.keyOf(shown, from), from);
              assert.equal(got.kind, alive ? (asked ? 'known' : 'proven') : 'not-known');
            }
        }
      }),
    );
  });
});
