/**
 * The rest of the store contract as tests: second factors, passkeys, the second step of a sign-in, links, notices and
 * people. In the manner of `store-contract.ts`, over the same stores.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ChallengeRow, EnrolmentRow, LinkRow, NoticeKind, PasskeyRow, SessionRow } from '../src/store/rows.ts';
import {
  type CodeFailure,
  type CodeSender,
  type FactorChange,
  type LinkRedemption,
  type Store,
  StoreFault,
} from '../src/store/store.ts';
import type { Address, Digest, Millis, UserId, Username } from '../src/types.ts';
import {
  ada,
  address,
  attempt,
  audit,
  bob,
  changesOf,
  day,
  device,
  digestOf,
  found,
  hour,
  idOf,
  later,
  liveNames,
  networkUse,
  noon,
  notice,
  opening,
  type OpenedStore,
  passwordChange,
  redemption,
  session,
  sorted,
  stages,
  tally,
  ticket,
  times,
  updating,
  user,
  userChange,
  userNow,
} from './store-contract.ts';

const minute = 60_000;
const nobody = 'u_nobody' as UserId;

/** By Ada's console session, under the first generation, a second after everything began. */
const change = (given: Partial<FactorChange> = {}): FactorChange => ({
  userId: ada,
  fromGeneration: 1,
  keep: idOf('console'),
  audit: audit('factors-changed', later(1000)),
  notice: notice({ kind: 'factor-added', at: later(1000) }),
  ...given,
});

const codes = (...names: string[]): Digest[] => names.map(digestOf);

const enrolment = (id: string, given: Partial<EnrolmentRow> = {}): EnrolmentRow => ({
  id,
  userId: ada,
  sessionId: idOf('console'),
  sealedTotp: `sealed-${id}`,
  recoveryCodes: codes('r1', 'r2', 'r3'),
  expiresAt: later(15 * minute),
  ...given,
});

const enabling = (id: string, given: Partial<FactorChange> & { readonly step?: number } = {}) => ({
  ...change(given),
  enrolmentId: id,
  step: given.step ?? 100,
});

const passkey = (id: string, given: Partial<PasskeyRow> = {}): PasskeyRow => ({
  id,
  userId: ada,
  rpId: 'sallyport.example',
  publicKey: `key-${id}`,
  counter: 7,
  transports: ['internal', 'hybrid'],
  name: 'Phone',
  deviceType: 'multiDevice',
  backedUp: true,
  createdAt: later(1000),
  usedAt: null,
  flaggedAt: null,
  ...given,
});

const adding = (row: PasskeyRow, given: Partial<FactorChange> & { readonly cap?: number } = {}) => ({
  ...change(given),
  passkey: row,
  cap: given.cap ?? 20,
});

const using = (id: string, counter: number, given: { generation?: number; at?: Millis; backedUp?: boolean } = {}) => ({
  id,
  userId: ada,
  generation: given.generation ?? 2,
  counter,
  backedUp: given.backedUp ?? true,
  at: given.at ?? later(5000),
  notice: notice({ kind: 'passkey-copied' }),
  audit: audit('passkey-copied'),
});

const challenge = (name: string, given: Partial<ChallengeRow> = {}): ChallengeRow => ({
  digest: digestOf(name),
  userId: ada,
  credentialGeneration: 1,
  kind: 'account',
  transport: 'cookie',
  binding: digestOf('cookie'),
  address,
  from: 'stranger',
  expiresAt: later(5 * minute),
  ...given,
});

const wrongCode = (given: Partial<CodeFailure> = {}): CodeFailure => ({
  userId: ada,
  challenge: null,
  challengeLimit: 5,
  from: 'stranger',
  knownAfter: 10,
  notice: notice({ kind: 'password-known' }),
  audit: audit('password-known'),
  ...given,
});

const recoveryUse = (name: string) =>
  ({
    kind: 'recovery',
    digest: digestOf(name),
    notice: notice({ kind: 'recovery-code-used', detail: 'to be filled in' }),
    audit: audit('recovery-code-used'),
  }) as const;

const totpUse = (step: number, from: CodeSender = 'owner') => ({ kind: 'totp', step, from }) as const;

const link = (name: string, given: Partial<LinkRow> = {}): LinkRow => ({
  digest: digestOf(name),
  userId: ada,
  purpose: 'reset',
  credentialGeneration: 1,
  expiresAt: later(hour),
  ...given,
});

const redeeming = (name: string, given: Partial<LinkRedemption> = {}): LinkRedemption => ({
  digest: digestOf(name),
  at: later(2000),
  sealedPassword: `sealed by ${name}`,
  passwordLength: 'full',
  recoveryCodes: [],
  session: { session: session(`by-${name}`, { createdAt: later(2000) }), cap: 100 },
  device: device(`device-by-${name}`),
  network: { network: '198.51.100.9/32', at: later(2000), cap: 100 },
  attempt: attempt({ way: 'link' }),
  audit: audit('password-set-by-link'),
  notice: notice({ kind: 'password-reset' }),
  ...given,
});

const kindsOf = async (store: Store, userId: UserId = ada): Promise<NoticeKind[]> =>
  (await store.notices(userId)).map(({ kind }) => kind);
const events = async (store: Store, event: string): Promise<number> => {
  const filter = { event, user: null, since: null, until: null };
  return (await store.auditEvents({ filter, before: null, limit: 100 })).events.length;
};
const isIn = (subjects: Parameters<typeof sorted>[0], subject: Parameters<typeof sorted>[0][number]): boolean =>
  sorted(subjects).includes(JSON.stringify(subject));
const networkKnown = async (store: Store, network: string): Promise<string> =>
  (await store.networkStanding({ userId: ada, network, since: 0 as Millis })).kind;

/** Everything that a refused change must leave as it was. */
async function picture(store: Store) {
  const users = await store.users({ after: null, limit: 100, matching: '' });
  return {
    users,
    factors: await Promise.all(users.map(({ id }) => store.factorsOf(id))),
    sessions: (await Promise.all(users.map(({ id }) => store.sessionsOf(id, noon)))).flat(),
    devices: (await Promise.all(users.map(({ id }) => store.devicesOf(id, noon)))).flat(),
    notices: (await Promise.all(users.map(({ id }) => store.notices(id)))).flat(),
    audit: (await store.auditHead()).number,
  };
}

async function changesNothing(store: Store, operation: () => Promise<unknown>): Promise<void> {
  const before = await picture(store);
  assert.deepEqual(await changesOf(store, operation), []);
  assert.deepEqual(await picture(store), before);
}

export function factorContract(name: string, open: () => Promise<OpenedStore>): void {
  const { settled, signedIn } = stages(open);
  /** Ada is signed in and has TOTP, by the secret of enrolment `first` with the codes `r1` to `r3`; generation 2. */
  const withTotp = (body: (store: Store) => Promise<void>) =>
    signedIn(async (store) => {
      await store.putEnrolment(enrolment('first'));
      assert.deepEqual(await store.enableTotp(enabling('first')), { kind: 'enabled' });
      await body(store);
    });
  /** Ada is signed in and has one passkey, `pk`; generation 2. */
  const withPasskey = (body: (store: Store) => Promise<void>) =>
    signedIn(async (store) => {
      assert.deepEqual(await store.addPasskey(adding(passkey('pk'))), { kind: 'added' });
      await body(store);
    });
  const shortPassword = async (store: Store): Promise<void> => {
    await store.putLink(
      link('to-short', { credentialGeneration: (await userNow(store)).credentialGeneration }),
      audit(),
    );
    const generation = (await userNow(store)).credentialGeneration + 1;
    const row = session('console', { createdAt: later(2000), credentialGeneration: generation });
    await store.redeemLink(redeeming('to-short', { passwordLength: 'short', session: { session: row, cap: 100 } }));
  };

  /** What may change factors, on an account that has TOTP and a passkey (generation 3). */
  const factorChanges: [string, (store: Store, given: Partial<FactorChange>) => Promise<{ readonly kind: string }>][] =
    [
      ['enableTotp', (store, given) => store.enableTotp(enabling('second', given))],
      ['disableTotp', (store, given) => store.disableTotp(change(given))],
      [
        'replaceRecoveryCodes',
        (store, given) => store.replaceRecoveryCodes({ ...change(given), recoveryCodes: codes('n1') }),
      ],
      ['addPasskey', (store, given) => store.addPasskey(adding(passkey('another'), given))],
      ['removePasskey', (store, given) => store.removePasskey({ ...change(given), id: 'pk' })],
    ];
  const withBoth = (body: (store: Store) => Promise<void>) =>
    withTotp(async (store) => {
      assert.deepEqual(await store.addPasskey(adding(passkey('pk'), { fromGeneration: 2 })), { kind: 'added' });
      await store.putEnrolment(enrolment('second'));
      await body(store);
    });

  describe(`${name}: changes of factors`, () => {
    test('each ends all that was open but the session that asked; devices and networks stay known', async () => {
      for (const [what, make] of factorChanges)
        await withBoth(async (store) => {
          await store.openSession(
            opening(session('other', { credentialGeneration: 3 }), { device: device('device-x') }),
          );
          await store.openSession(opening(session('bobs', { userId: bob })));
          await store.issueOneUse(ticket('spent'), 20);
          assert.equal((await store.redeemHandOver(redemption('spent'))).kind, 'redeemed');
          await store.issueOneUse(ticket('unspent'), 20);
          await store.openChallenge(challenge('open', { credentialGeneration: 3 }), 20);
          await store.putLink(link('sent', { credentialGeneration: 3 }), audit());
          const before = await userNow(store);
          const told = (await store.notices(ada)).length;
          const changes = await changesOf(store, async () => {
            const { kind } = await make(store, { fromGeneration: 3, audit: audit('this-one', later(1000)) });
            assert.ok(['enabled', 'disabled', 'replaced', 'added', 'removed'].includes(kind), `${what}: ${kind}`);
          });
          assert.ok(isIn(changes, userChange()), what);
          const after = await userNow(store);
          assert.equal(after.credentialGeneration, 4, what);
          assert.deepEqual([after.sealedPassword, after.active], [before.sealedPassword, true], what);
          assert.deepEqual(await store.sessionsOf(ada, noon), [session('console', { credentialGeneration: 4 })], what);
          assert.deepEqual(await found(store, 'console'), session('console', { credentialGeneration: 4 }), what);
          for (const gone of ['other', 'app-spent']) assert.equal(await found(store, gone), undefined, what);
          assert.deepEqual(await store.redeemHandOver(redemption('unspent')), { kind: 'invalid' }, what);
          assert.deepEqual(await store.spendChallenge(digestOf('open'), noon), { kind: 'gone' }, what);
          assert.deepEqual(await store.redeemLink(redeeming('sent')), { kind: 'invalid' }, what);
          for (const kept of ['device-kept', 'device-other', 'device-x'])
            assert.equal((await store.deviceByDigest(digestOf(kept), noon)).kind, 'found', what);
          assert.equal(await networkKnown(store, networkUse.network), 'known', what);
          assert.deepEqual(await liveNames(store, bob), ['bobs'], what);
          assert.equal((await store.notices(ada)).length, told + 1, what);
          assert.equal(await events(store, 'this-one'), 1, what);
        })();
    });

    test('each is superseded by whatever came before it, and then changes nothing', async () => {
      for (const [what, make] of factorChanges)
        await withBoth(async (store) => {
          await store.openSession(opening(session('bobs', { userId: bob })));
          await store.openSession(opening(session('ended', { credentialGeneration: 3 })));
          await store.endSession({ id: idOf('ended'), userId: ada, audit: audit() });
          await store.issueOneUse(ticket('spent'), 20);
          await store.redeemHandOver(redemption('spent'));
          const refused = (given: Partial<FactorChange>) =>
            changesNothing(store, async () =>
              assert.deepEqual(await make(store, { fromGeneration: 3, ...given }), { kind: 'superseded' }, what),
            );
          await refused({ fromGeneration: 2 });
          await refused({ fromGeneration: 4 });
          await refused({ userId: bob });
          await refused({ userId: nobody });
          await refused({ keep: idOf('nowhere') });
          await refused({ keep: idOf('ended') });
          await refused({ keep: idOf('bobs') });
          await refused({ keep: idOf('app-spent') });
          await refused({ audit: audit('too-late', later(day)) });
          await store.updateUser(updating({ active: false }));
          await refused({});
          await refused({ fromGeneration: 4 });
        })();
    });

    test('of 20 at once one happens', async () => {
      for (const [what, make] of factorChanges)
        await withBoth(async (store) => {
          const outcomes = await Promise.all(times(20, () => make(store, { fromGeneration: 3 })));
          assert.equal(tally(outcomes, 'superseded'), 19, what);
          assert.equal((await userNow(store)).credentialGeneration, 4, what);
        })();
    });

    test('one beside disabling, deleting or a new password: both in some order, or the later one is superseded', async () => {
      const others: [string, (store: Store) => Promise<unknown>][] = [
        ['disabled', (store) => store.updateUser(updating({ active: false }))],
        ['deleted', (store) => store.deleteUser({ userId: ada, adminPrivilege: 'admin', audit: audit() })],
        ['new password', (store) => store.changePassword(passwordChange('console'))],
      ];
      for (const [what, other] of others)
        for (const order of ['this-first', 'other-first'])
          await signedIn(async (store) => {
            await store.putEnrolment(enrolment('first'));
            const enable = () => store.enableTotp(enabling('first'));
            const [{ kind }] = await (order === 'this-first'
              ? Promise.all([enable(), other(store)])
              : Promise.all([other(store), enable()]).then(([, enabled]) => [enabled] as const));
            const lookup = await store.userById(ada);
            if (what === 'deleted') return assert.equal(lookup.kind, 'unknown');
            const now = await userNow(store);
            assert.equal(now.sealedTotp, kind === 'enabled' ? 'sealed-first' : '', what);
            if (what === 'disabled') {
              assert.equal(now.active, false);
              assert.equal(now.credentialGeneration, kind === 'enabled' ? 3 : 2);
              assert.deepEqual(await liveNames(store), []);
            } else {
              // Of a password and a factor, both changed by one session, one was faster.
              assert.equal(now.credentialGeneration, 2);
              assert.equal(now.sealedPassword, kind === 'enabled' ? 'sealed' : 'sealed anew');
              assert.equal((await liveNames(store, ada, later(1000))).length, 1);
            }
          })();
    });

    test('a session that asked stays through one change after another, whether it lasts or not', async () => {
      for (const given of [{}, { kind: 'admin', bootId: 'boot-1' }] satisfies Partial<SessionRow>[])
        await settled(async (store) => {
          await store.openSession(opening(session('console', given)));
          await store.openSession(opening(session('other', given)));
          const at = (generation: number) => session('console', { ...given, credentialGeneration: generation });
          await store.putEnrolment(enrolment('first'));
          assert.deepEqual(await store.enableTotp(enabling('first')), { kind: 'enabled' });
          assert.deepEqual(await found(store, 'console'), at(2));
          assert.deepEqual(await store.sessionsOf(ada, noon), [at(2)]);
          assert.equal(await found(store, 'other'), undefined);
          await store.openSession(opening(session('third', { ...given, credentialGeneration: 2 })));
          assert.deepEqual(await store.addPasskey(adding(passkey('pk'), { fromGeneration: 2 })), { kind: 'added' });
          assert.deepEqual(await store.sessionsOf(ada, noon), [at(3)]);
          await store.openSession(opening(session('fourth', { ...given, credentialGeneration: 3 })));
          await store.endSessions({ userId: ada, except: idOf('console'), audit: audit() });
          assert.deepEqual(await store.sessionsOf(ada, noon), [at(3)]);
          // What is made from it is of the generation that it has now.
          await store.issueOneUse(ticket('t'), 20);
          const handed = await store.redeemHandOver(redemption('t'));
          assert.equal(handed.kind === 'redeemed' ? handed.session.credentialGeneration : 0, 3);
          const renewal = {
            id: idOf('console'),
            fromDigest: digestOf('console'),
            digest: digestOf('renewed'),
            authenticatedAt: later(2000),
            audit: audit(),
          };
          assert.deepEqual(await store.renewSession(renewal), { kind: 'renewed' });
          assert.equal(await found(store, 'console'), undefined);
          assert.deepEqual(await store.disableTotp(change({ fromGeneration: 3 })), { kind: 'disabled' });
          assert.deepEqual(await found(store, 'renewed'), {
            ...at(4),
            digest: digestOf('renewed'),
            authenticatedAt: later(2000),
          });
          assert.deepEqual(await store.changePassword(passwordChange('console', { from: 4 })), { kind: 'changed' });
          assert.equal(await found(store, 'renewed'), undefined);
          assert.equal((await found(store, 'console-renewed-'))?.credentialGeneration, 5);
          await store.openSession(opening(session('fifth', { ...given, credentialGeneration: 5 })));
          const byFifth = change({ fromGeneration: 5, keep: idOf('fifth') });
          assert.deepEqual(await store.replaceRecoveryCodes({ ...byFifth, recoveryCodes: [] }), { kind: 'replaced' });
          assert.deepEqual(await liveNames(store), ['fifth']);
          assert.equal(await found(store, 'console-renewed-'), undefined);
          await store.endSession({ id: idOf('fifth'), userId: ada, audit: audit() });
          assert.deepEqual(await liveNames(store), []);
          assert.equal(await found(store, 'fifth'), undefined);
        })();
    });

    test(
      'by the host they are all taken away, with every session; who is disabled or unknown is told apart',
      withBoth(async (store) => {
        const reset = { userId: ada, audit: audit('factors-reset'), notice: notice({ kind: 'factors-reset' }) };
        await store.countCodeFailure(wrongCode());
        await store.openChallenge(challenge('open', { credentialGeneration: 3 }), 20);
        const changes = await changesOf(store, async () =>
          assert.deepEqual(await store.resetFactors(reset), { kind: 'reset' }),
        );
        assert.ok(isIn(changes, userChange()));
        assert.deepEqual(await userNow(store), { ...user(), credentialGeneration: 4 });
        assert.deepEqual(await store.factorsOf(ada), {
          totpAddedAt: null,
          strangersFailures: 0,
          knownNetworkFailures: 0,
          passkeys: [],
          recoveryCodes: 0,
        });
        assert.deepEqual(await liveNames(store), []);
        assert.deepEqual(await store.enrolment(ada, noon), { kind: 'none' });
        assert.deepEqual(await store.challenge(digestOf('open'), noon), { kind: 'unknown' });
        assert.deepEqual(await store.passkeyById('pk'), { kind: 'unknown' });
        assert.equal((await kindsOf(store))[0], 'factors-reset');
        await changesNothing(store, async () =>
          assert.deepEqual(await store.resetFactors({ ...reset, userId: nobody }), { kind: 'unknown' }),
        );
        await store.updateUser(updating({ active: false }));
        assert.deepEqual(await store.resetFactors(reset), { kind: 'reset' });
      }),
    );
  });

  describe(`${name}: TOTP and recovery codes`, () => {
    test(
      'an enrolment changes nothing until it is proven; a new one takes its place; it expires',
      signedIn(async (store) => {
        await changesNothing(store, () => store.putEnrolment(enrolment('first')));
        assert.deepEqual(await store.enrolment(ada, noon), { kind: 'found', enrolment: enrolment('first') });
        assert.deepEqual(await store.enrolment(ada, later(15 * minute)), { kind: 'none' });
        assert.deepEqual(await store.enrolment(bob, noon), { kind: 'none' });
        await store.putEnrolment(enrolment('second', { recoveryCodes: [] }));
        assert.deepEqual(await store.enrolment(ada, noon), {
          kind: 'found',
          enrolment: enrolment('second', { recoveryCodes: [] }),
        });
        await store.putEnrolment(enrolment('nobodys', { userId: nobody }));
        assert.deepEqual(await store.enrolment(nobody, noon), { kind: 'none' });
        const refused = (given: ReturnType<typeof enabling>) =>
          changesNothing(store, async () => assert.deepEqual(await store.enableTotp(given), { kind: 'superseded' }));
        await refused(enabling('first'));
        await refused(enabling('second', { keep: idOf('other') }));
        await refused(enabling('second', { audit: audit('too-late', later(15 * minute)) }));
        await store.putEnrolment(enrolment('third', { sessionId: idOf('other') }));
        await store.replaceRecoveryCodes({ ...change(), recoveryCodes: [] });
        assert.deepEqual(await store.enrolment(ada, noon), { kind: 'none' }, 'its session has ended');
      }),
    );

    test(
      'a proven one is kept, with its codes in the place of those before; its code counts as used',
      withTotp(async (store) => {
        assert.deepEqual(await userNow(store), { ...user(), sealedTotp: 'sealed-first', credentialGeneration: 2 });
        const lookup = await store.sessionByDigest(digestOf('console'));
        assert.equal(lookup.kind === 'found' ? lookup.user.sealedTotp : '', 'sealed-first');
        assert.deepEqual(await store.factorsOf(ada), {
          totpAddedAt: later(1000),
          strangersFailures: 0,
          knownNetworkFailures: 0,
          passkeys: [],
          recoveryCodes: 3,
        });
        assert.deepEqual(await store.enrolment(ada, noon), { kind: 'none' });
        const step = (at: number) => store.spendCode({ userId: ada, generation: 2, use: totpUse(at) });
        assert.deepEqual(await step(99), { kind: 'spent-before' });
        assert.deepEqual(await step(100), { kind: 'spent-before' });
        assert.deepEqual(await step(102), { kind: 'spent' });
        assert.deepEqual(await step(101), { kind: 'spent-before' });
        assert.deepEqual(await step(102), { kind: 'spent-before' });
        // Another secret: its steps are its own.
        await store.putEnrolment(enrolment('second', { recoveryCodes: codes('s1') }));
        assert.deepEqual(await store.enableTotp(enabling('second', { fromGeneration: 2, step: 50 })), {
          kind: 'enabled',
        });
        assert.equal((await userNow(store)).sealedTotp, 'sealed-second');
        assert.equal((await store.factorsOf(ada)).recoveryCodes, 1);
        assert.deepEqual(await store.spendCode({ userId: ada, generation: 3, use: totpUse(51) }), { kind: 'spent' });
        for (const [code, kind] of [
          ['r1', 'spent-before'],
          ['s1', 'spent'],
        ] as const)
          assert.deepEqual(await store.spendCode({ userId: ada, generation: 3, use: recoveryUse(code) }), { kind });
      }),
    );

    test(
      'a step is spent under the generation it was asked under, of an active account that has TOTP',
      withTotp(async (store) => {
        const refused = (userId: UserId, generation: number) =>
          changesNothing(store, async () =>
            assert.deepEqual(await store.spendCode({ userId, generation, use: totpUse(200) }), {
              kind: 'spent-before',
            }),
          );
        await refused(ada, 1);
        await refused(ada, 3);
        await refused(bob, 1);
        await refused(nobody, 1);
        await store.disableTotp(change({ fromGeneration: 2 }));
        await refused(ada, 3);
        await store.updateUser(updating({ active: false }));
        await refused(ada, 4);
      }),
    );

    test(
      'of 20 that spend one step one does; of 20 that spend one recovery code one does',
      withTotp(async (store) => {
        const spend = (use: Parameters<Store['spendCode']>[0]['use']) =>
          Promise.all(times(20, () => store.spendCode({ userId: ada, generation: 2, use })));
        assert.equal(tally(await spend(totpUse(101)), 'spent'), 1);
        assert.equal(tally(await spend(recoveryUse('r2')), 'spent'), 1);
        // Different ones beside each other: only upwards, and every one counts.
        const mixed = await Promise.all(
          times(20, (index) => store.spendCode({ userId: ada, generation: 2, use: totpUse(110 + (index % 4)) })),
        );
        assert.ok(tally(mixed, 'spent') >= 1 && tally(mixed, 'spent') <= 4);
        assert.deepEqual(await store.spendCode({ userId: ada, generation: 2, use: totpUse(113) }), {
          kind: 'spent-before',
        });
        assert.equal((await store.factorsOf(ada)).recoveryCodes, 2);
      }),
    );

    test(
      'a recovery code works once, for its owner, tells how many are left, and ends strangers’ hold',
      withTotp(async (store) => {
        await store.openSession(opening(session('bobs', { userId: bob })));
        await store.countCodeFailure(wrongCode());
        await store.countCodeFailure(wrongCode());
        assert.equal((await store.factorsOf(ada)).strangersFailures, 2);
        assert.deepEqual(await store.spendCode({ userId: ada, generation: 2, use: totpUse(101) }), { kind: 'spent' });
        assert.equal((await store.factorsOf(ada)).strangersFailures, 2, 'the owner’s success clears nothing');
        const refused = (userId: UserId, generation: number, code: string) =>
          changesNothing(store, async () =>
            assert.deepEqual(await store.spendCode({ userId, generation, use: recoveryUse(code) }), {
              kind: 'spent-before',
            }),
          );
        await refused(bob, 1, 'r1');
        await refused(ada, 1, 'r1');
        await refused(ada, 2, 'r9');
        assert.deepEqual(await store.spendCode({ userId: ada, generation: 2, use: recoveryUse('r1') }), {
          kind: 'spent',
        });
        assert.deepEqual(
          (await store.notices(ada)).slice(0, 1).map(({ kind, detail }) => [kind, detail]),
          [['recovery-code-used', '2']],
        );
        assert.equal(await events(store, 'recovery-code-used'), 1);
        assert.equal((await store.factorsOf(ada)).strangersFailures, 0);
        await refused(ada, 2, 'r1');
        await store.updateUser(updating({ active: false }));
        await refused(ada, 3, 'r2');
      }),
    );

    test(
      'new recovery codes take the place of all before; two alike are none at all',
      withTotp(async (store) => {
        const renew = (...names: string[]) =>
          store.replaceRecoveryCodes({ ...change({ fromGeneration: 2 }), recoveryCodes: codes(...names) });
        await changesNothing(store, () => assert.rejects(renew('n1', 'n1'), StoreFault));
        assert.deepEqual(await renew('n1', 'n2'), { kind: 'replaced' });
        assert.equal((await store.factorsOf(ada)).recoveryCodes, 2);
        const spend = (code: string) => store.spendCode({ userId: ada, generation: 3, use: recoveryUse(code) });
        assert.deepEqual(await spend('r1'), { kind: 'spent-before' });
        assert.deepEqual(await spend('n1'), { kind: 'spent' });
      }),
    );

    test(
      'TOTP is switched off once; as the last factor only by a password that is long enough alone',
      withTotp(async (store) => {
        await store.openSession(opening(session('bobs', { userId: bob })));
        await store.countCodeFailure(wrongCode());
        const bobs = change({ userId: bob, keep: idOf('bobs') });
        await changesNothing(store, async () =>
          assert.deepEqual(await store.disableTotp(bobs), { kind: 'superseded' }, 'who has none'),
        );
        await shortPassword(store);
        const off = change({ fromGeneration: 3, audit: audit('off', later(3000)) });
        await changesNothing(store, async () =>
          assert.deepEqual(await store.disableTotp(off), { kind: 'password-too-short' }),
        );
        await store.addPasskey(adding(passkey('pk'), { ...off }));
        assert.deepEqual(await store.disableTotp({ ...off, fromGeneration: 4 }), { kind: 'disabled' });
        const { sealedTotp, passwordLength } = await userNow(store);
        assert.deepEqual([sealedTotp, passwordLength], ['', 'short']);
        const { totpAddedAt, strangersFailures, recoveryCodes } = await store.factorsOf(ada);
        assert.deepEqual([totpAddedAt, strangersFailures, recoveryCodes], [null, 0, 3]);
        await changesNothing(store, async () =>
          assert.deepEqual(
            await store.removePasskey({ ...off, fromGeneration: 5, id: 'pk' }),
            { kind: 'password-too-short' },
            'now that one is the last',
          ),
        );
      }),
    );

    test(
      'the host lifts the hold on TOTP, and that is recorded for whom there is',
      withTotp(async (store) => {
        await store.countCodeFailure(wrongCode());
        await store.unlockTotp(ada, audit('totp-unlocked'));
        await store.unlockTotp(nobody, audit('totp-unlocked'));
        assert.equal((await store.factorsOf(ada)).strangersFailures, 0);
        assert.equal(await events(store, 'totp-unlocked'), 1);
      }),
    );
  });

  describe(`${name}: passkeys`, () => {
    test(
      'are kept as they were made, counted with their user, and belong to one alone',
      withPasskey(async (store) => {
        await store.openSession(opening(session('bobs', { userId: bob })));
        assert.equal((await userNow(store)).passkeys, 1);
        const lookup = await store.sessionByDigest(digestOf('console'));
        assert.equal(lookup.kind === 'found' ? lookup.user.passkeys : 0, 1);
        assert.deepEqual(await store.passkeyById('pk'), {
          kind: 'found',
          passkey: passkey('pk'),
          user: await userNow(store),
        });
        assert.deepEqual(await store.passkeyById('none'), { kind: 'unknown' });
        const second = passkey('second', {
          transports: [],
          backedUp: false,
          deviceType: 'singleDevice',
          usedAt: later(1),
          flaggedAt: later(2),
        });
        const bobs = { userId: bob, keep: idOf('bobs') };
        await changesNothing(store, async () => {
          const again = adding(passkey('pk'), { fromGeneration: 2, cap: 1 });
          assert.deepEqual(await store.addPasskey(again), { kind: 'exists' }, 'known beats full');
          assert.deepEqual(await store.addPasskey(adding(passkey('pk', { userId: bob }), bobs)), { kind: 'exists' });
          assert.deepEqual(await store.addPasskey(adding(second, { fromGeneration: 2, cap: 1 })), {
            kind: 'too-many',
          });
        });
        assert.deepEqual(await store.addPasskey(adding(second, { fromGeneration: 2, cap: 2 })), { kind: 'added' });
        assert.deepEqual((await store.factorsOf(ada)).passkeys, [passkey('pk'), second]);
        assert.equal((await userNow(store)).passkeys, 2);
        assert.equal((await userNow(store, bob)).passkeys, 0);
      }),
    );

    test(
      'of two users that bring one credential at the same moment one gets it',
      signedIn(async (store) => {
        await store.openSession(opening(session('bobs', { userId: bob })));
        const outcomes = await Promise.all([
          store.addPasskey(adding(passkey('pk'))),
          store.addPasskey(adding(passkey('pk', { userId: bob }), { userId: bob, keep: idOf('bobs') })),
        ]);
        assert.deepEqual([tally(outcomes, 'added'), tally(outcomes, 'exists')], [1, 1]);
        const [adas, bobs] = [await userNow(store), await userNow(store, bob)];
        assert.equal(adas.passkeys + bobs.passkeys, 1);
        assert.equal(adas.credentialGeneration + bobs.credentialGeneration, 3, 'who got none has lost nothing');
      }),
    );

    test(
      'are named and removed by their owner',
      withPasskey(async (store) => {
        await store.openSession(opening(session('bobs', { userId: bob })));
        const rename = { id: 'pk', userId: ada, name: 'Ünïcode key', audit: audit('passkey-renamed') };
        await changesNothing(store, async () => {
          assert.deepEqual(await store.renamePasskey({ ...rename, userId: bob }), { kind: 'unknown' });
          assert.deepEqual(await store.renamePasskey({ ...rename, id: 'none' }), { kind: 'unknown' });
        });
        assert.deepEqual(await store.renamePasskey(rename), { kind: 'renamed' });
        assert.equal(await events(store, 'passkey-renamed'), 1);
        assert.deepEqual((await store.factorsOf(ada)).passkeys, [passkey('pk', { name: 'Ünïcode key' })]);
        assert.equal((await userNow(store)).credentialGeneration, 2, 'a name is no factor');
        const remove = { ...change({ fromGeneration: 2 }), id: 'pk' };
        await changesNothing(store, async () => {
          assert.deepEqual(await store.removePasskey({ ...remove, id: 'none' }), { kind: 'unknown' });
          const bobs = { ...remove, userId: bob, fromGeneration: 1, keep: idOf('bobs') };
          assert.deepEqual(await store.removePasskey(bobs), { kind: 'unknown' });
        });
        assert.deepEqual(await store.removePasskey(remove), { kind: 'removed' });
        assert.equal((await userNow(store)).passkeys, 0);
        assert.deepEqual((await store.factorsOf(ada)).passkeys, []);
        assert.deepEqual(await store.addPasskey(adding(passkey('pk'), { fromGeneration: 3 })), { kind: 'added' });
      }),
    );

    test(
      'that are used remember when; they end strangers’ hold on TOTP',
      withPasskey(async (store) => {
        await store.countCodeFailure(wrongCode());
        const told = (await store.notices(ada)).length;
        assert.deepEqual(await store.usePasskey(using('pk', 8, { backedUp: false })), {
          kind: 'used',
          counter: 'moved',
        });
        const { passkeys, strangersFailures } = await store.factorsOf(ada);
        assert.deepEqual(passkeys, [passkey('pk', { counter: 8, backedUp: false, usedAt: later(5000) })]);
        assert.equal(strangersFailures, 0);
        assert.equal((await store.notices(ada)).length, told);
        await store.usePasskey(using('pk', 9, { at: later(4000) }));
        assert.equal((await store.factorsOf(ada)).passkeys[0]?.usedAt, later(5000), 'a clock that was set back');
      }),
    );

    test(
      'whose counter goes back are flagged and told of, and go on working',
      withPasskey(async (store) => {
        const state = async () => {
          const [row] = (await store.factorsOf(ada)).passkeys;
          return [
            row?.counter,
            row?.flaggedAt,
            (await kindsOf(store)).filter((kind) => kind === 'passkey-copied').length,
          ];
        };
        assert.deepEqual(await store.usePasskey(using('pk', 6)), { kind: 'used', counter: 'went-back' });
        assert.deepEqual(await state(), [7, later(5000), 1]);
        assert.deepEqual(await store.usePasskey(using('pk', 7, { at: later(6000) })), {
          kind: 'used',
          counter: 'went-back',
        });
        assert.deepEqual(await state(), [7, later(5000), 2]);
        assert.equal(await events(store, 'passkey-copied'), 2);
        assert.deepEqual(await store.usePasskey(using('pk', 0)), { kind: 'used', counter: 'went-back' });
        assert.deepEqual(await store.usePasskey(using('pk', 8)), { kind: 'used', counter: 'moved' });
        assert.deepEqual(await state(), [8, later(5000), 3]);
        // Those that do not count never go back.
        await store.addPasskey(adding(passkey('still', { counter: 0 }), { fromGeneration: 2 }));
        for (let use = 0; use < 2; use += 1)
          assert.deepEqual(await store.usePasskey(using('still', 0, { generation: 3 })), {
            kind: 'used',
            counter: 'moved',
          });
      }),
    );

    test(
      'are gone for whom something changed meanwhile; of 20 uses of one count one moves it',
      withPasskey(async (store) => {
        const outcomes = await Promise.all(times(20, () => store.usePasskey(using('pk', 8))));
        assert.equal(outcomes.filter((each) => each.kind === 'used' && each.counter === 'moved').length, 1);
        assert.equal(tally(outcomes, 'used'), 20);
        const refused = (use: Parameters<Store['usePasskey']>[0]) =>
          changesNothing(store, async () => assert.deepEqual(await store.usePasskey(use), { kind: 'gone' }));
        await refused(using('none', 9));
        await refused(using('pk', 9, { generation: 1 }));
        await refused({ ...using('pk', 9, { generation: 1 }), userId: bob });
        await store.updateUser(updating({ active: false }));
        await refused(using('pk', 9, { generation: 3 }));
        const found = await store.passkeyById('pk');
        assert.equal(found.kind === 'found' ? found.user.active : true, false, 'its caller is told whose it is');
      }),
    );
  });

  describe(`${name}: the second step of a sign-in`, () => {
    test(
      'a challenge is found with its user while it is open, and the first right answer spends it',
      settled(async (store) => {
        const open = challenge('c', { binding: null, transport: 'bearer', from: 'owner', kind: 'admin' });
        await changesNothing(store, async () =>
          assert.deepEqual(await store.openChallenge(open, 20), { kind: 'opened' }),
        );
        assert.deepEqual(await store.challenge(digestOf('c'), noon), { kind: 'found', challenge: open, user: user() });
        assert.deepEqual(await store.challenge(digestOf('none'), noon), { kind: 'unknown' });
        assert.deepEqual(await store.challenge(digestOf('c'), later(5 * minute)), { kind: 'unknown' });
        assert.deepEqual(await store.spendChallenge(digestOf('none'), noon), { kind: 'gone' });
        assert.deepEqual(await store.spendChallenge(digestOf('c'), later(5 * minute)), { kind: 'gone' });
        const outcomes = await Promise.all(times(20, () => store.spendChallenge(digestOf('c'), noon)));
        assert.deepEqual([tally(outcomes, 'spent'), tally(outcomes, 'gone')], [1, 19]);
        assert.deepEqual(await store.challenge(digestOf('c'), noon), { kind: 'unknown' });
        await changesNothing(store, async () => {
          for (const refused of [challenge('x', { credentialGeneration: 0 }), challenge('x', { userId: nobody })])
            assert.deepEqual(await store.openChallenge(refused, 20), { kind: 'superseded' });
        });
        assert.deepEqual(await store.challenge(digestOf('x'), noon), { kind: 'unknown' });
      }),
    );

    test('a challenge dies with the generation it was made under', async () => {
      const ends: [string, (store: Store) => Promise<unknown>][] = [
        ['disabled', (store) => store.updateUser(updating({ active: false }))],
        ['deleted', (store) => store.deleteUser({ userId: ada, adminPrivilege: 'admin', audit: audit() })],
        ['password changed', (store) => store.changePassword(passwordChange('console'))],
        ['factor added', (store) => store.addPasskey(adding(passkey('pk')))],
        [
          'factors reset',
          (store) => store.resetFactors({ userId: ada, audit: audit(), notice: notice({ kind: 'factors-reset' }) }),
        ],
        [
          'password set by a link',
          async (store) => {
            await store.putLink(link('l'), audit());
            await store.redeemLink(redeeming('l'));
          },
        ],
      ];
      for (const [what, end] of ends)
        await signedIn(async (store) => {
          await store.openChallenge(challenge('c'), 20);
          await store.openChallenge(challenge('bobs', { userId: bob }), 20);
          await end(store);
          assert.deepEqual(await store.challenge(digestOf('c'), noon), { kind: 'unknown' }, what);
          assert.deepEqual(await store.spendChallenge(digestOf('c'), noon), { kind: 'gone' }, what);
          assert.equal((await store.challenge(digestOf('bobs'), noon)).kind, 'found', what);
          if (what === 'disabled') {
            await store.updateUser(updating({ active: true }));
            assert.deepEqual(await store.spendChallenge(digestOf('c'), noon), { kind: 'gone' }, 'enabled again');
            assert.deepEqual(await store.openChallenge(challenge('d'), 20), { kind: 'superseded' });
          }
        })();
    });

    test(
      'beyond the cap of a user the oldest gives way',
      settled(async (store) => {
        for (const each of ['a', 'b', 'c']) await store.openChallenge(challenge(each), 2);
        await store.openChallenge(challenge('bobs', { userId: bob }), 2);
        const open = await Promise.all(['a', 'b', 'c', 'bobs'].map((each) => store.challenge(digestOf(each), noon)));
        assert.deepEqual(
          open.map(({ kind }) => kind),
          ['unknown', 'found', 'found', 'found'],
        );
      }),
    );

    test(
      'so many wrong answers end it; a stranger’s that ends so is told to the owner, who has answered it is not',
      settled(async (store) => {
        await store.openChallenge(challenge('c'), 20);
        await store.openChallenge(challenge('own', { from: 'owner' }), 20);
        const wrong = (of: string, given: Partial<CodeFailure> = {}) =>
          store.countCodeFailure(wrongCode({ challenge: digestOf(of), challengeLimit: 3, ...given }));
        assert.deepEqual((await wrong('c', { userId: bob })).challenge, 'ended', 'another user’s is none');
        for (const expected of ['open', 'open', 'ended', 'ended']) assert.equal((await wrong('c')).challenge, expected);
        assert.deepEqual(await store.spendChallenge(digestOf('c'), noon), { kind: 'gone' });
        assert.deepEqual(await kindsOf(store), ['code-never-came']);
        for (const expected of ['open', 'open', 'ended'])
          assert.equal((await wrong('own', { from: 'owner' })).challenge, expected);
        assert.deepEqual(await kindsOf(store), ['code-never-came']);
        await store.openChallenge(challenge('raced'), 20);
        const raced = await Promise.all(times(20, () => wrong('raced', { from: 'owner' })));
        assert.equal(raced.filter((each) => each.challenge === 'open').length, 2);
        assert.deepEqual(await wrong('nobodys', { userId: nobody }), { challenge: 'ended', password: 'own' });
      }),
    );

    test(
      'strangers’ wrong codes after the right password make it known to others, once, until there is a new one',
      signedIn(async (store) => {
        const wrong = (given: Partial<CodeFailure> = {}) =>
          store.countCodeFailure(wrongCode({ knownAfter: 3, ...given }));
        await changesNothing(store, async () => {
          for (let count = 0; count < 5; count += 1) assert.equal((await wrong({ from: 'owner' })).password, 'own');
        });
        assert.deepEqual([(await wrong()).password, (await wrong()).password], ['own', 'own']);
        assert.equal((await store.factorsOf(ada)).strangersFailures, 2);
        await store.unlockTotp(ada, audit());
        const changes = await changesOf(store, async () =>
          assert.equal((await wrong()).password, 'known-to-others', 'the hold is another count'),
        );
        assert.deepEqual(changes, [userChange()]);
        assert.deepEqual(await userNow(store), { ...user(), passwordStanding: 'known-to-others' });
        const lookup = await store.sessionByDigest(digestOf('console'));
        assert.equal(lookup.kind === 'found' ? lookup.user.passwordStanding : '', 'known-to-others');
        assert.equal((await wrong()).password, 'known-to-others');
        assert.equal((await wrong({ from: 'owner' })).password, 'known-to-others');
        assert.deepEqual(await kindsOf(store), ['password-known']);
        assert.equal(await events(store, 'password-known'), 1);
        assert.equal((await store.factorsOf(ada)).strangersFailures, 2);
        assert.equal((await userNow(store, bob)).passwordStanding, 'own');
        await store.changePassword(passwordChange('console'));
        assert.equal((await userNow(store)).passwordStanding, 'own');
        assert.deepEqual([(await wrong()).password, (await wrong()).password], ['own', 'own'], 'counted anew');
        const raced = await Promise.all(times(20, () => wrong()));
        assert.ok(raced.every((each) => each.password === 'known-to-others'));
        assert.equal((await kindsOf(store)).filter((kind) => kind === 'password-known').length, 2);
      }),
    );

    test(
      'wrong codes of known networks are counted in a row of their own, which whoever is known there ends',
      withTotp(async (store) => {
        const counted = async () => {
          const { strangersFailures, knownNetworkFailures } = await store.factorsOf(ada);
          return [strangersFailures, knownNetworkFailures];
        };
        const wrong = (from: CodeSender) => store.countCodeFailure(wrongCode({ from, knownAfter: 3 }));
        const spend = async (step: number, from: CodeSender) =>
          assert.deepEqual(await store.spendCode({ userId: ada, generation: 2, use: totpUse(step, from) }), {
            kind: 'spent',
          });
        const fail = async () => {
          await Promise.all([
            ...times(5, () => wrong('known-network')),
            ...times(2, () => wrong('stranger')),
            wrong('owner'),
          ]);
        };
        await fail();
        assert.deepEqual(await counted(), [2, 5]);
        assert.equal((await userNow(store)).passwordStanding, 'own', 'it may be the owner who mistypes');
        await spend(101, 'stranger');
        assert.deepEqual(await counted(), [2, 5]);
        assert.deepEqual(await store.spendCode({ userId: ada, generation: 2, use: totpUse(101, 'known-network') }), {
          kind: 'spent-before',
        });
        assert.deepEqual(await counted(), [2, 5], 'a code that was used is no right one');
        await spend(102, 'known-network');
        assert.deepEqual(await counted(), [2, 0]);
        await wrong('known-network');
        await spend(103, 'owner');
        assert.deepEqual(await counted(), [2, 0]);
        await wrong('known-network');
        await store.spendCode({ userId: ada, generation: 2, use: recoveryUse('r1') });
        assert.deepEqual(await counted(), [0, 0]);
        await wrong('known-network');
        await store.unlockTotp(ada, audit());
        assert.deepEqual(await counted(), [0, 0]);
        await wrong('known-network');
        await store.addPasskey(adding(passkey('pk'), { fromGeneration: 2 }));
        await store.usePasskey(using('pk', 8, { generation: 3 }));
        assert.deepEqual(await counted(), [0, 0]);
        await wrong('known-network');
        await store.disableTotp(change({ fromGeneration: 3 }));
        assert.deepEqual(await counted(), [0, 0]);
      }),
    );

    test(
      'a stranger’s that was never answered is told to the owner when it is swept; of others nobody hears',
      settled(async (store) => {
        const elsewhere = '198.51.100.77' as Address;
        await store.openChallenge(challenge('strangers', { address: elsewhere }), 20);
        await store.openChallenge(challenge('owners', { from: 'owner' }), 20);
        await store.openChallenge(challenge('left', {}), 20);
        await store.openChallenge(challenge('answered', {}), 20);
        await store.openChallenge(challenge('later', { expiresAt: later(hour) }), 20);
        assert.deepEqual(await store.spendChallenge(digestOf('answered'), noon), { kind: 'spent' });
        await store.sweep(later(5 * minute - 1));
        assert.deepEqual(await store.notices(ada), []);
        assert.deepEqual(await changesOf(store, () => store.sweep(later(5 * minute))), []);
        const [told, ...more] = await store.notices(ada);
        assert.deepEqual(told, {
          id: told?.id,
          ...notice({ kind: 'code-never-came', at: later(5 * minute), address: elsewhere }),
        });
        assert.deepEqual(more, [], 'who answered from there has left the other one there');
        assert.equal((await store.challenge(digestOf('later'), noon)).kind, 'found');
        assert.equal((await store.challenge(digestOf('strangers'), noon)).kind, 'unknown');
        await store.sweep(later(2 * hour));
        assert.equal((await store.notices(ada)).length, 1);
      }),
    );

    test(
      'whoever leaves one after the other is told of once an hour, of each account',
      settled(async (store) => {
        const leave = (at: number, given: Partial<ChallengeRow> = {}) =>
          store.openChallenge(challenge(`left-${at}-${given.userId}`, { expiresAt: later(at), ...given }), 20);
        for (const at of [1, 2, 3]) await leave(at * minute);
        await leave(3 * minute, { userId: bob });
        await store.sweep(later(5 * minute));
        await leave(6 * minute);
        await store.sweep(later(10 * minute));
        const wrong = wrongCode({ challenge: digestOf('worn'), challengeLimit: 1 });
        await store.openChallenge(challenge('worn'), 20);
        await store.countCodeFailure({ ...wrong, notice: notice({ at: later(11 * minute) }) });
        assert.deepEqual([(await kindsOf(store)).length, (await kindsOf(store, bob)).length], [1, 1]);
        await store.dismissNotices(ada, Number.MAX_SAFE_INTEGER);
        await leave(12 * minute);
        await store.sweep(later(13 * minute));
        assert.deepEqual(await kindsOf(store), [], 'seen or not');
        await leave(65 * minute);
        await store.sweep(later(65 * minute));
        assert.deepEqual(await kindsOf(store), ['code-never-came']);
      }),
    );
  });

  describe(`${name}: people`, () => {
    /** Ada and Bob are admins, and nobody else is. */
    const twoAdmins = (body: (store: Store) => Promise<void>) =>
      settled(async (store) => {
        for (const id of [ada, bob]) await store.updateUser(updating({ privileges: ['admin'] }, id));
        await store.createUser(user('u_cy' as UserId, { privileges: [] }), audit());
        await body(store);
      });

    test(
      'are listed by name, a page at a time, and found by a part of name, display name or address in any case',
      settled(async (store) => {
        for (const [username, displayName, email] of [
          ['zoé', 'ZOÉ Émile', 'zoe@example.net'],
          ['b%b', 'Per_cent', ''],
          ['a.b', '', 'A.B@Example.NET'],
        ] as const)
          await store.createUser(
            user(`u_${username}` as UserId, { username: username as Username, displayName, email }),
            audit(),
          );
        const list = async (matching: string, after: string | null = null, limit = 10) =>
          (await store.users({ after: after as Username | null, limit, matching })).map(
            (row) => row.username as string,
          );
        assert.deepEqual(await list(''), ['a.b', 'ada', 'b%b', 'bob', 'zoé']);
        assert.deepEqual(await list('', null, 2), ['a.b', 'ada']);
        assert.deepEqual(await list('', 'ada', 2), ['b%b', 'bob']);
        assert.deepEqual(await list('', 'b', 2), ['b%b', 'bob'], 'after a name that nobody has');
        assert.deepEqual(await list('', 'zoé'), []);
        assert.deepEqual(await list('EXAMPLE.net'), ['a.b', 'zoé']);
        assert.deepEqual(await list('example.org', 'ada'), ['bob']);
        assert.deepEqual(await list('éMILE'), ['zoé']);
        assert.deepEqual(await list('%'), ['b%b']);
        assert.deepEqual(await list('_'), ['ada', 'b%b', 'bob'], 'no pattern: the sign itself');
        assert.deepEqual(await list('nobody'), []);
        const [row] = await store.users({ after: null, limit: 1, matching: 'bob' });
        assert.deepEqual(row, user(bob));
        await store.updateUser(updating({ displayName: 'Straße', email: 'Neu@example.com' }, bob));
        assert.deepEqual([await list('STRASSE'), await list('straße'), await list('neu@')], [[], ['bob'], ['bob']]);
      }),
    );

    test(
      'are changed as far as is said; sessions live on',
      signedIn(async (store) => {
        const patch = { email: 'new@example.org', displayName: 'Countess', groups: ['x', 'y'], privileges: ['p'] };
        const two = { ...updating(patch), audit: [audit('user-updated'), audit('privileges-changed')] };
        const changes = await changesOf(store, async () =>
          assert.deepEqual(await store.updateUser(two), { kind: 'updated', user: { ...user(), ...patch } }),
        );
        assert.deepEqual(changes, [userChange()]);
        assert.deepEqual([await events(store, 'user-updated'), await events(store, 'privileges-changed')], [1, 1]);
        assert.deepEqual(await userNow(store), { ...user(), ...patch });
        assert.equal((await liveNames(store)).length, 3);
        await store.updateUser(updating({ groups: [] }));
        assert.deepEqual(await userNow(store), { ...user(), ...patch, groups: [] });
        await store.updateUser(updating({ active: true }));
        assert.equal((await userNow(store)).credentialGeneration, 1);
        await changesNothing(store, async () =>
          assert.deepEqual(await store.updateUser(updating(patch, nobody)), { kind: 'unknown' }),
        );
      }),
    );

    test(
      'disabling ends links, challenges and enrolments as well, and leaves factors; twice is once',
      withTotp(async (store) => {
        await store.openChallenge(challenge('c', { credentialGeneration: 2 }), 20);
        await store.putLink(link('l', { credentialGeneration: 2 }), audit());
        await store.putEnrolment(enrolment('e'));
        await store.updateUser(updating({ active: false }));
        await store.updateUser(updating({ active: false }));
        assert.deepEqual(await userNow(store), {
          ...user(),
          active: false,
          sealedTotp: 'sealed-first',
          credentialGeneration: 3,
        });
        assert.deepEqual(await store.link(digestOf('l'), noon), { kind: 'invalid' });
        assert.deepEqual(await store.enrolment(ada, noon), { kind: 'none' });
        assert.deepEqual(await store.putLink(link('m', { credentialGeneration: 3 }), audit('link-made')), {
          kind: 'superseded',
        });
        await store.updateUser(updating({ active: true }));
        assert.deepEqual(await store.redeemLink(redeeming('l')), { kind: 'invalid' });
        assert.equal((await store.factorsOf(ada)).recoveryCodes, 3);
      }),
    );

    test(
      'of a realm are found by it; who disabled them is kept, and a person goes before their directory',
      settled(async (store) => {
        const of = (name: string, realm: string) => user(`u_${name}` as UserId, { username: name as Username, realm });
        for (const each of [of('b@corp', 'corp'), of('a@corp', 'corp'), of('a@corp2', 'corp2')])
          assert.deepEqual(await store.createUser(each, audit('created')), { kind: 'created' });
        const page = async (after: string | null, limit: number, realm = 'corp') =>
          (await store.usersOfRealm({ realm, after: after as Username | null, limit })).map(({ username }) => username);
        assert.deepEqual(await page(null, 9), ['a@corp', 'b@corp']);
        assert.deepEqual([await page(null, 1), await page('a@corp', 9)], [['a@corp'], ['b@corp']]);
        assert.deepEqual([await page(null, 9, 'local'), await page(null, 9, 'none')], [[], []]);

        const id = 'u_a@corp' as UserId;
        const standing = async () => {
          const found = await store.userById(id);
          assert.ok(found.kind === 'found');
          return [found.user.active, found.user.disabledBy, found.user.credentialGeneration, found.user.realm];
        };
        await store.updateUser(updating({ active: false, disabledBy: 'realm' }, id));
        assert.deepEqual(await standing(), [false, 'realm', 2, 'corp']);
        await store.updateUser(updating({ email: 'other@example.org' }, id));
        assert.deepEqual(await standing(), [false, 'realm', 2, 'corp']);
        await store.updateUser(updating({ active: false }, id));
        assert.deepEqual(await standing(), [false, '', 2, 'corp']);
        await store.updateUser(updating({ active: true }, id));
        assert.deepEqual(await standing(), [true, '', 2, 'corp']);
      }),
    );

    test(
      'are not changed by who saw them otherwise; of 20 that saw the same one changes it',
      settled(async (store) => {
        const seen = { privileges: ['p'], groups: [], active: true, disabledBy: '' } as const;
        await store.updateUser(updating({ privileges: ['p'], groups: [] }));
        await changesNothing(store, async () => {
          for (const other of [
            { privileges: [] },
            { privileges: ['p', 'q'] },
            { groups: ['p'] },
            { active: false },
            { disabledBy: 'realm' as const },
          ]) {
            const change = { ...updating({ active: false }), from: { ...seen, ...other } };
            assert.deepEqual(await store.updateUser(change), { kind: 'changed-meanwhile' }, JSON.stringify(other));
          }
        });
        const outcomes = await Promise.all(
          times(20, (index) => store.updateUser({ ...updating({ privileges: [`p${index}`] }), from: seen })),
        );
        assert.deepEqual([tally(outcomes, 'updated'), tally(outcomes, 'changed-meanwhile')], [1, 19]);
        const nobodys = { ...updating({ active: false }, nobody), from: seen };
        assert.deepEqual(await store.updateUser(nobodys), { kind: 'unknown' });
      }),
    );

    test(
      'the last active admin cannot be disabled, demoted or deleted',
      twoAdmins(async (store) => {
        assert.equal((await store.updateUser(updating({ active: false }, bob))).kind, 'updated');
        const refused = (operation: () => Promise<{ readonly kind: string }>) =>
          changesNothing(store, async () => assert.deepEqual(await operation(), { kind: 'last-admin' }));
        // One who was only invited cannot sign in yet, and does not count.
        const invited = user('u_invited' as UserId, {
          username: 'invited' as Username,
          privileges: ['admin'],
          sealedPassword: '',
        });
        await store.createUser(invited, audit());
        await refused(() => store.updateUser(updating({ active: false })));
        await refused(() => store.updateUser(updating({ privileges: ['other'], email: 'x@example.org' })));
        await refused(() => store.deleteUser({ userId: ada, adminPrivilege: 'admin', audit: audit('user-deleted') }));
        assert.equal((await store.updateUser(updating({ privileges: ['admin', 'other'] }))).kind, 'updated');
        assert.equal((await store.updateUser(updating({ displayName: 'Ada' }))).kind, 'updated');
        // Who is disabled is no admin that counts, and may go.
        assert.equal((await store.updateUser(updating({ privileges: [] }, bob))).kind, 'updated');
        await store.updateUser(updating({ active: true }, bob));
        await refused(() => store.updateUser(updating({ active: false })));
        await store.updateUser(updating({ privileges: ['admin'] }, bob));
        assert.equal((await store.updateUser(updating({ privileges: [] }))).kind, 'updated');
        assert.equal(
          (await store.deleteUser({ userId: ada, adminPrivilege: 'admin', audit: audit() })).kind,
          'deleted',
        );
        await refused(() => store.deleteUser({ userId: bob, adminPrivilege: 'admin', audit: audit() }));
      }),
    );

    test('of admins that take each other’s privilege at the same moment one stays', async () => {
      const takes: [string, (store: Store, from: UserId) => Promise<{ readonly kind: string }>][] = [
        ['demote', (store, from) => store.updateUser(updating({ privileges: [] }, from))],
        ['disable', (store, from) => store.updateUser(updating({ active: false }, from))],
        ['delete', (store, from) => store.deleteUser({ userId: from, adminPrivilege: 'admin', audit: audit() })],
      ];
      for (const [what, take] of takes)
        for (const [other, takeOther] of takes)
          await twoAdmins(async (store) => {
            const outcomes = await Promise.all([take(store, ada), takeOther(store, bob)]);
            assert.equal(tally(outcomes, 'last-admin'), 1, `${what}, ${other}`);
            const users = await store.users({ after: null, limit: 10, matching: '' });
            const admins = users.filter(({ active, privileges }) => active && privileges.includes('admin'));
            assert.equal(admins.length, 1, `${what}, ${other}`);
          })();
      await settled(async (store) => {
        const ids = times(8, (index) => `u_admin${index}` as UserId);
        for (const id of ids) await store.createUser(user(id, { privileges: ['admin'] }), audit());
        const outcomes = await Promise.all(ids.map((id) => store.updateUser(updating({ privileges: [] }, id))));
        assert.deepEqual([tally(outcomes, 'updated'), tally(outcomes, 'last-admin')], [7, 1]);
      })();
    });

    test(
      'who is deleted takes all along that hangs on the account; history and the name in it stay',
      withBoth(async (store) => {
        await store.openChallenge(challenge('c', { credentialGeneration: 3 }), 20);
        await store.putLink(link('l', { credentialGeneration: 3 }), audit());
        await store.openSession(
          opening(session('volatile', { kind: 'admin', bootId: 'boot-1', credentialGeneration: 3 })),
        );
        await store.issueOneUse(ticket('spent'), 20);
        await store.redeemHandOver(redemption('spent'));
        await store.openSession(opening(session('bobs', { userId: bob })));
        const attempts = (await store.attempts({ userId: null, limit: 10, before: null })).length;
        const deletion = {
          userId: ada,
          adminPrivilege: 'admin',
          audit: { ...audit('user-deleted'), actor: ada, target: ada },
        };
        await changesNothing(store, async () =>
          assert.deepEqual(await store.deleteUser({ ...deletion, userId: nobody }), { kind: 'unknown' }),
        );
        const changes = await changesOf(store, async () =>
          assert.deepEqual(await store.deleteUser(deletion), { kind: 'deleted' }),
        );
        assert.ok(isIn(changes, userChange()));
        assert.deepEqual(await store.userById(ada), { kind: 'unknown' });
        assert.equal((await store.userByName('ada' as Username)).kind, 'unknown');
        for (const gone of ['console', 'volatile', 'app-spent'])
          assert.equal(await found(store, gone), undefined, gone);
        assert.deepEqual(await liveNames(store), []);
        assert.deepEqual(await store.devicesOf(ada, noon), []);
        assert.deepEqual(await store.notices(ada), []);
        assert.deepEqual(await store.enrolment(ada, noon), { kind: 'none' });
        assert.deepEqual(await store.passkeyById('pk'), { kind: 'unknown' });
        assert.deepEqual(await store.link(digestOf('l'), noon), { kind: 'invalid' });
        assert.deepEqual(await store.challenge(digestOf('c'), noon), { kind: 'unknown' });
        assert.deepEqual(await store.factorsOf(ada), {
          totpAddedAt: null,
          strangersFailures: 0,
          knownNetworkFailures: 0,
          passkeys: [],
          recoveryCodes: 0,
        });
        assert.equal(await networkKnown(store, networkUse.network), 'seen-before', 'Bob’s');
        assert.equal((await store.attempts({ userId: null, limit: 10, before: null })).length, attempts);
        const filter = { event: 'user-deleted', user: 'ada' as Username, since: null, until: null };
        assert.equal((await store.auditEvents({ filter, before: null, limit: 9 })).events[0]?.actorName, 'ada');
        assert.deepEqual(await liveNames(store, bob), ['bobs']);
        assert.deepEqual(await store.openSession(opening(session('again'))), { kind: 'superseded' });
        assert.deepEqual(await store.deleteUser(deletion), { kind: 'unknown' });
        assert.deepEqual(await store.createUser(user('u_new' as UserId, { username: 'ada' as Username }), audit()), {
          kind: 'created',
        });
        assert.deepEqual(
          await store.addPasskey(adding(passkey('pk', { userId: bob }), { userId: bob, keep: idOf('bobs') })),
          {
            kind: 'added',
          },
        );
      }),
    );
  });

  describe(`${name}: links and notices`, () => {
    test(
      'a link is good for its purpose until it expires or another one takes its place',
      settled(async (store) => {
        assert.deepEqual(await store.putLink(link('one'), audit('link-made')), { kind: 'put' });
        assert.equal(await events(store, 'link-made'), 1);
        assert.deepEqual(await store.link(digestOf('one'), noon), { kind: 'valid', link: link('one'), user: user() });
        assert.deepEqual(await store.link(digestOf('one'), later(hour)), { kind: 'invalid' });
        assert.deepEqual(await store.putLink(link('asked for', { purpose: 'forgotten' }), audit()), { kind: 'put' });
        for (const each of ['one', 'asked for'])
          assert.equal((await store.link(digestOf(each), noon)).kind, 'valid', 'of another purpose');
        assert.deepEqual(await store.link(digestOf('none'), noon), { kind: 'invalid' });
        await store.putLink(link('invitation', { purpose: 'invite' }), audit());
        await store.putLink(link('two'), audit());
        await store.putLink(link('bobs', { userId: bob }), audit());
        const valid = await Promise.all(
          ['one', 'two', 'invitation', 'bobs'].map((each) => store.link(digestOf(each), noon)),
        );
        assert.deepEqual(
          valid.map(({ kind }) => kind),
          ['invalid', 'valid', 'valid', 'valid'],
        );
        await changesNothing(store, async () => {
          for (const refused of [link('x', { credentialGeneration: 2 }), link('x', { userId: nobody })])
            assert.deepEqual(await store.putLink(refused, audit()), { kind: 'superseded' });
        });
        assert.equal((await store.link(digestOf('two'), noon)).kind, 'valid');
        await store.sweep(later(hour));
        assert.equal((await store.link(digestOf('two'), noon)).kind, 'invalid');
      }),
    );

    test(
      'it sets a password: everything the account had open ends, second factors stay',
      withBoth(async (store) => {
        await store.openSession(
          opening(session('volatile', { kind: 'admin', bootId: 'boot-1', credentialGeneration: 3 })),
        );
        await store.openChallenge(challenge('c', { credentialGeneration: 3 }), 20);
        for (let count = 0; count < 12; count += 1) await store.countCodeFailure(wrongCode());
        assert.equal((await userNow(store)).passwordStanding, 'known-to-others');
        await store.putLink(link('l', { credentialGeneration: 3 }), audit());
        await store.putLink(link('invitation', { purpose: 'invite', credentialGeneration: 3 }), audit());
        const row = session('by-l', { createdAt: later(2000) });
        const expected = {
          ...user(),
          sealedPassword: 'sealed by l',
          passwordLength: 'short' as const,
          sealedTotp: 'sealed-first',
          passkeys: 1,
          credentialGeneration: 4,
        };
        const changes = await changesOf(store, async () =>
          assert.deepEqual(await store.redeemLink(redeeming('l', { passwordLength: 'short' })), {
            kind: 'redeemed',
            user: expected,
          }),
        );
        assert.ok(isIn(changes, userChange()));
        assert.deepEqual(await userNow(store), expected);
        assert.deepEqual(await store.sessionsOf(ada, later(2000)), [{ ...row, credentialGeneration: 4 }]);
        for (const gone of ['console', 'volatile']) assert.equal(await found(store, gone), undefined);
        assert.deepEqual(
          (await store.devicesOf(ada, noon)).map(({ digest }) => digest),
          [digestOf('device-by-l')],
        );
        assert.equal(await networkKnown(store, '198.51.100.9/32'), 'known');
        assert.equal(await networkKnown(store, networkUse.network), 'never-seen');
        for (const each of ['l', 'invitation'])
          assert.deepEqual(await store.redeemLink(redeeming(each)), { kind: 'invalid' });
        assert.deepEqual(await store.challenge(digestOf('c'), noon), { kind: 'unknown' });
        assert.deepEqual(await store.enrolment(ada, noon), { kind: 'none' });
        assert.equal((await store.factorsOf(ada)).recoveryCodes, 3);
        assert.equal((await kindsOf(store))[0], 'password-reset');
        assert.equal(await events(store, 'password-set-by-link'), 1);
        assert.deepEqual(
          (await store.attempts({ userId: ada, limit: 10, before: null })).map(({ way }) => way).sort(),
          ['link', 'password'],
        );
      }),
    );

    test(
      'with a second factor still to come nobody is signed in, and nothing becomes known',
      withTotp(async (store) => {
        await store.putLink(link('l', { credentialGeneration: 2 }), audit());
        const redeemed = await store.redeemLink(redeeming('l', { session: null, recoveryCodes: codes('n1', 'n2') }));
        assert.equal(redeemed.kind, 'redeemed');
        assert.deepEqual(await liveNames(store), []);
        assert.deepEqual(await store.devicesOf(ada, noon), []);
        assert.equal(await networkKnown(store, '198.51.100.9/32'), 'never-seen');
        assert.equal((await store.factorsOf(ada)).recoveryCodes, 2);
        const use = recoveryUse('n1');
        assert.deepEqual(await store.spendCode({ userId: ada, generation: 3, use }), { kind: 'spent' });
      }),
    );

    test(
      'of 20 that redeem one link one does',
      settled(async (store) => {
        await store.putLink(link('l'), audit());
        const outcomes = await Promise.all(
          times(20, (index) =>
            store.redeemLink(
              redeeming('l', {
                session: { session: session(`s${index}`), cap: 100 },
                sealedPassword: `n${index}`,
                device: null,
              }),
            ),
          ),
        );
        assert.deepEqual([tally(outcomes, 'redeemed'), tally(outcomes, 'invalid')], [1, 19]);
        assert.deepEqual(await liveNames(store), [`s${(await userNow(store)).sealedPassword.slice(1)}`]);
        assert.equal((await userNow(store)).credentialGeneration, 2);
      }),
    );

    test('a link dies with the generation it was made under; one that came too late is spent', async () => {
      const ends: [string, (store: Store) => Promise<unknown>][] = [
        ['password changed', (store) => store.changePassword(passwordChange('console'))],
        ['factor added', (store) => store.addPasskey(adding(passkey('pk')))],
        ['disabled', (store) => store.updateUser(updating({ active: false }))],
      ];
      for (const [what, end] of ends)
        await signedIn(async (store) => {
          await store.putLink(link('l'), audit());
          await end(store);
          await changesNothing(store, async () => {
            assert.deepEqual(await store.link(digestOf('l'), noon), { kind: 'invalid' }, what);
            assert.deepEqual(await store.redeemLink(redeeming('l')), { kind: 'invalid' }, what);
          });
        })();
      await settled(async (store) => {
        await store.putLink(link('l'), audit());
        await changesNothing(store, async () => {
          assert.deepEqual(await store.redeemLink(redeeming('l', { at: later(hour) })), { kind: 'invalid' });
          assert.deepEqual(await store.redeemLink(redeeming('l')), { kind: 'invalid' });
        });
      })();
    });

    test(
      'a redemption that cannot be done whole leaves the link unspent',
      signedIn(async (store) => {
        await store.openSession(opening(session('bobs', { userId: bob })));
        await store.putLink(link('l'), audit());
        const clash = { session: session('by-l', { digest: digestOf('bobs') }), cap: 100 };
        await changesNothing(store, () =>
          assert.rejects(store.redeemLink(redeeming('l', { session: clash })), StoreFault),
        );
        assert.equal((await store.redeemLink(redeeming('l'))).kind, 'redeemed');
      }),
    );

    test(
      'notices are listed newest first until they are dismissed, and go after 90 days',
      settled(async (store) => {
        await changesNothing(store, async () => {
          await store.putNotice(notice({ userId: nobody }));
        });
        for (const detail of ['a', 'b', 'c']) await store.putNotice(notice({ detail, address: '' }));
        await store.putNotice(notice({ userId: bob, detail: 'bobs', at: later(day) }));
        const details = async (userId: UserId = ada) => (await store.notices(userId)).map(({ detail }) => detail);
        assert.deepEqual(await details(), ['c', 'b', 'a']);
        const [, second] = await store.notices(ada);
        assert.deepEqual(second, { id: second?.id, ...notice({ detail: 'b', address: '' }) });
        await store.dismissNotices(bob, (second?.id ?? 0) - 1);
        await store.dismissNotices(ada, second?.id ?? 0);
        assert.deepEqual([await details(), await details(bob)], [['c'], ['bobs']]);
        await store.sweep(later(90 * day - 1));
        assert.deepEqual(await details(), ['c']);
        await store.sweep(later(90 * day));
        assert.deepEqual([await details(), await details(bob)], [[], ['bobs']]);
        for (let count = 0; count < 105; count += 1) await store.putNotice(notice({ detail: String(count) }));
        assert.deepEqual([(await details()).length, (await details())[0]], [100, '104']);
        await store.putNotice(notice({ detail: 'came meanwhile' }));
        const [, seen] = await store.notices(ada);
        await store.dismissNotices(ada, seen?.id ?? 0);
        assert.deepEqual(await details(), ['came meanwhile', '4', '3', '2', '1', '0'], 'what nobody has seen stays');
      }),
    );

    test(
      'each is taken to be mailed once, the oldest first, dismissed or not; old ones never',
      settled(async (store) => {
        for (const [at, detail] of [1, 5, 3, 8].entries())
          await store.putNotice(notice({ at: later(detail), detail: String(at) }));
        await store.putNotice(notice({ userId: bob, at: later(9), detail: 'bobs' }));
        await store.dismissNotices(ada, Number.MAX_SAFE_INTEGER);
        const first = await store.takeNoticeToMail(later(3));
        assert.ok(first.kind === 'taken');
        assert.deepEqual([first.notice.detail, first.user], ['1', user()]);
        assert.deepEqual(first.notice, { id: first.notice.id, ...notice({ at: later(5), detail: '1' }) });
        const taken = await Promise.all(times(20, () => store.takeNoticeToMail(later(3))));
        assert.deepEqual(taken.flatMap((each) => (each.kind === 'taken' ? [each.notice.detail] : [])).sort(), [
          '2',
          '3',
          'bobs',
        ]);
        assert.deepEqual(await store.takeNoticeToMail(noon), { kind: 'none' }, 'what was passed over stays so');
        await store.putNotice(notice({ at: later(20) }));
        await store.deleteUser({ userId: ada, adminPrivilege: 'admin', audit: audit() });
        assert.deepEqual(await store.takeNoticeToMail(noon), { kind: 'none' });
      }),
    );

    test(
      'a new device is told of where others are known, and not otherwise',
      settled(async (store) => {
        let opened = 0;
        const open = (given: Parameters<typeof opening>[1], at: Millis = noon) => {
          opened += 1;
          return store.openSession(
            opening(session(`s${opened}`, { createdAt: at }), {
              newDevice: notice({ detail: String(opened) }),
              ...given,
            }),
          );
        };
        await open({ device: device('first') });
        await open({ device: device('first') });
        await open({});
        assert.deepEqual(await store.notices(ada), []);
        await open({ device: device('second', { expiresAt: later(day) }) });
        assert.deepEqual(
          (await store.notices(ada)).map(({ detail }) => detail),
          ['4'],
        );
        await open({ device: device('second', { expiresAt: later(day) }) });
        await store.openSession(opening(session('silent'), { device: device('third') }));
        await store.openSession(opening(session('bobs', { userId: bob }), { device: device('bobs', { userId: bob }) }));
        assert.equal((await store.notices(ada)).length, 1);
        // All that were known are known no more.
        await open({ device: device('fourth', { expiresAt: later(400 * day) }) }, later(300 * day));
        assert.equal((await store.notices(ada)).length, 1);
        assert.deepEqual(await store.notices(bob), []);
      }),
    );

    test(
      'a changed password is the person’s own, of its length, and told of',
      signedIn(async (store) => {
        await store.putLink(link('l'), audit());
        await store.putEnrolment(enrolment('e'));
        const changed = { ...passwordChange('console'), passwordLength: 'short' as const };
        assert.deepEqual(await store.changePassword(changed), { kind: 'changed' });
        assert.equal((await userNow(store)).passwordLength, 'short');
        assert.deepEqual(await kindsOf(store), ['password-changed']);
        assert.deepEqual(await store.link(digestOf('l'), noon), { kind: 'invalid' });
        assert.equal((await store.enrolment(ada, noon)).kind, 'found', 'its session has stayed');
        await store.sweep(later(15 * minute));
        assert.deepEqual(await store.enrolment(ada, noon), { kind: 'none' });
      }),
    );
  });
}
