/** The store contract's signed tickets as tests, what of them is stored, and what path tickets are for. In the manner of `store-contract.ts`, over the same stores. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Store } from '../src/store/store.ts';
import type { UserId } from '../src/types.ts';
import {
  ada,
  audit,
  bob,
  changesOf,
  day,
  digestOf,
  later,
  type OpenedStore,
  sessionChange,
  stages,
  tally,
  times,
  user,
  userChange,
} from './store-contract.ts';
import { pathTicket, spending } from './store-contract-tokens.ts';

const minute = 60_000;

const revoking = (name: string, given: { readonly expiresAt?: ReturnType<typeof later> } = {}) => ({
  digest: digestOf(name),
  expiresAt: later(minute),
  audit: audit('ticket-ended'),
  ...given,
});

const standing = async (store: Store, name: string, userId: UserId = ada): Promise<string> =>
  (await store.ticketHolder({ userId, serial: digestOf(name), shown: digestOf(`shown ${name}`) })).kind;

export function signedTicketContract(engine: string, openStore: () => Promise<OpenedStore>): void {
  const { settled } = stages(openStore);

  describe(`${engine}: signed tickets`, () => {
    test(
      'are found by whose they say they are, with the whole of their user and the change number of that moment',
      settled(async (store) => {
        const seq = (await store.sessionByDigest(digestOf('none'))).seq;
        assert.deepEqual(await store.ticketHolder({ userId: ada, serial: digestOf('t'), shown: digestOf('text') }), {
          kind: 'found',
          user: user(),
          seq,
        });
        assert.deepEqual(
          await store.ticketHolder({ userId: 'u_nobody' as UserId, serial: digestOf('t'), shown: digestOf('text') }),
          {
            kind: 'unknown',
            seq,
          },
        );
      }),
    );

    test(
      'one that was signed out stays so, whoever it says it is of; it is a change of its digest, once',
      settled(async (store) => {
        const changes = await changesOf(store, async () => {
          assert.deepEqual(await store.revokeTicket(revoking('t')), { kind: 'revoked' });
          assert.deepEqual(await store.revokeTicket(revoking('t')), { kind: 'revoked-before' });
        });
        assert.deepEqual(changes, [sessionChange('t')]);
        assert.deepEqual([await standing(store, 't'), await standing(store, 't', bob)], ['revoked', 'revoked']);
        assert.equal(await standing(store, 'other'), 'found');
        await store.revokeTicket(revoking('shown other'));
        assert.equal(await standing(store, 'other'), 'revoked', 'one by itself');
        assert.equal(
          (
            await store.auditEvents({
              filter: { event: 'ticket-ended', user: null, since: null, until: null },
              before: null,
              limit: 9,
            })
          ).events.length,
          2,
        );
      }),
    );

    test(
      'of many that sign one out one does',
      settled(async (store) => {
        const outcomes = await Promise.all(times(20, () => store.revokeTicket(revoking('t'))));
        assert.deepEqual([tally(outcomes, 'revoked'), tally(outcomes, 'revoked-before')], [1, 19]);
      }),
    );

    test(
      'the list is kept a day longer than they would be good for, and is swept',
      settled(async (store) => {
        await store.revokeTicket(revoking('short'));
        await store.revokeTicket(revoking('long', { expiresAt: later(day) }));
        await store.sweep(later(minute + day - 1));
        assert.deepEqual([await standing(store, 'short'), await standing(store, 'long')], ['revoked', 'revoked']);
        assert.deepEqual(await changesOf(store, () => store.sweep(later(minute + day))), []);
        assert.deepEqual([await standing(store, 'short'), await standing(store, 'long')], ['found', 'revoked']);
      }),
    );

    test(
      'everything signed out at once ends them all, however often, and whatever the clock says',
      settled(async (store) => {
        const end = (at: number) =>
          store.endSessions({ userId: ada, except: null, audit: { ...audit(), at: later(at) } });
        assert.deepEqual(await changesOf(store, () => end(5000)), [userChange(ada)]);
        const from = async (id: UserId) => {
          const found = await store.userById(id);
          return found.kind === 'found' ? found.user.ticketGeneration : undefined;
        };
        assert.deepEqual([await from(ada), await from(bob)], [1, 0]);
        for (const at of [5000, 1000]) await end(at);
        assert.deepEqual([await from(ada), await from(bob)], [3, 0]);
      }),
    );
  });

  describe(`${engine}: path tickets, what they are for`, () => {
    test(
      'is spent for the port it was made for, and for nothing that it was not made for; all else leaves it',
      settled(async (store) => {
        const row = pathTicket('p', { privileges: ['Sys.Console', 'ünï "x"'], port: 5900 });
        await store.issuePathTicket(row, 20);
        const whole = { port: 5900, privileges: ['ünï "x"', 'Sys.Console'] };
        for (const wrong of [
          {},
          { port: 5901 },
          { ...whole, port: null },
          { port: 5900, privileges: ['Sys.Console', 'x'] },
        ])
          assert.deepEqual(await store.spendPathTicket(spending('p', wrong)), { kind: 'invalid' });
        assert.deepEqual(await store.spendPathTicket(spending('p', whole)), { kind: 'spent', ticket: row });
        await store.issuePathTicket(pathTicket('q', { privileges: ['a', 'b'] }), 20);
        assert.deepEqual(await store.spendPathTicket(spending('q', { port: 1 })), { kind: 'invalid' });
        assert.equal((await store.spendPathTicket(spending('q', { privileges: ['b'] }))).kind, 'spent');
      }),
    );

    test(
      'those that expired are swept, and no others; it is no change',
      settled(async (store) => {
        await store.issuePathTicket(pathTicket('short', { expiresAt: later(5000) }), 20);
        await store.issuePathTicket(pathTicket('long'), 20);
        assert.deepEqual(await changesOf(store, () => store.sweep(later(5000))), []);
        // By a clock that was set back it would be good again, if it were there.
        assert.deepEqual(await store.spendPathTicket(spending('short')), { kind: 'invalid' });
        assert.equal((await store.spendPathTicket(spending('long'))).kind, 'spent');
      }),
    );
  });
}
