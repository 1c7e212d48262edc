/**
 * The store contract as tests: every engine passes the same list (`src/store/store.ts`). A new store for each test;
 * time stands still unless a test moves it.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type {
  AuditEvent,
  AuditFilter,
  Change,
  ChangeSubject,
  DeviceRow,
  NoticeDraft,
  SessionRow,
  UserRow,
} from '../src/store/rows.ts';
import { linkHash } from '../src/store/audit-chain.ts';
import { type Redemption, type Store, StoreFault, type UserPatch } from '../src/store/store.ts';
import type { Attempt, OneUse } from '../src/store/rows.ts';
import type { Address, Digest, Millis, Origin, Seq, SessionId, UserId, Username } from '../src/types.ts';

export interface OpenedStore {
  readonly store: Store;
  /** Closes it and removes what it left. */
  readonly discard: () => Promise<void>;
}

export const hour = 3_600_000;
export const day = 24 * hour;
export const noon = 1_800_014_400_000 as Millis;
export const address = '203.0.113.7' as Address;
export const origin = 'https://app.example' as Origin;
export const ada = 'u_ada' as UserId;
export const bob = 'u_bob' as UserId;

export const later = (ms: number): Millis => (noon + ms) as Millis;
export const digestOf = (name: string): Digest => `digest-of-${name}` as Digest;
export const idOf = (name: string): SessionId => `s_${name}` as SessionId;
export const audit = (event = 'tested', at: Millis = noon): AuditEvent => ({
  at,
  event,
  actor: '',
  address,
  peer: '',
  way: 'test',
  target: '',
  result: 'ok',
  count: 1,
});
export const attempt = (given: Partial<Attempt> = {}): Attempt => ({
  userId: ada,
  address,
  way: 'password',
  result: 'ok',
  at: noon,
  ...given,
});

export function user(id: UserId = ada, given: Partial<UserRow> = {}): UserRow {
  return {
    id,
    username: id.slice(2) as Username,
    displayName: id.toUpperCase(),
    email: `${id}@example.org`,
    privileges: ['admin:all', 'ünïcode "quoted"'],
    groups: ['staff'],
    active: true,
    sealedPassword: 'sealed',
    sealedTotp: '',
    passkeys: 0,
    passwordLength: 'full',
    passwordStanding: 'own',
    realm: 'local',
    disabledBy: '',
    ticketGeneration: 0,
    credentialGeneration: 1,
    createdAt: noon,
    ...given,
  };
}

export function session(name: string, given: Partial<SessionRow> = {}): SessionRow {
  const at = given.createdAt ?? noon;
  return {
    id: idOf(name),
    digest: digestOf(name),
    userId: ada,
    kind: 'account',
    transport: 'cookie',
    credentialGeneration: 1,
    bootId: '',
    parentId: null,
    origin: null,
    createdAt: at,
    lastSeenAt: at,
    idleMs: day,
    expiresAt: (at + 30 * day) as Millis,
    authenticatedAt: at,
    address,
    userAgent: 'test',
    ...given,
  };
}

export const device = (name: string, given: Partial<DeviceRow> = {}): DeviceRow => ({
  digest: digestOf(name),
  userId: ada,
  createdAt: noon,
  usedAt: noon,
  expiresAt: later(180 * day),
  ...given,
});

/** Where everybody here signs in from. */
export const networkUse = { network: `${address}/32`, at: noon, cap: 100 };

export const opening = (
  row: SessionRow,
  given: { cap?: number; device?: DeviceRow; deviceCap?: number; newDevice?: NoticeDraft } = {},
) => ({
  opening: { session: row, cap: given.cap ?? 100 },
  device: given.device ?? null,
  deviceCap: given.deviceCap ?? 10,
  network: networkUse,
  attempt: attempt({ userId: row.userId, at: row.createdAt }),
  audit: audit('signed-in'),
  newDevice: given.newDevice ?? null,
});

export const ticket = (name: string, given: Partial<OneUse> = {}): OneUse => ({
  purpose: 'hand-over',
  digest: digestOf(name),
  userId: ada,
  sessionId: idOf('console'),
  origin,
  state: digestOf('state'),
  expiresAt: later(60_000),
  ...given,
});

export const redemption = (name: string, given: Partial<Redemption> = {}): Redemption => ({
  digest: digestOf(name),
  origin,
  state: digestOf('state'),
  at: later(1000),
  session: { id: idOf(`app-${name}`), digest: digestOf(`app-${name}`), address, userAgent: 'app' },
  audit: { event: 'handed-over', address, peer: '', way: 'session', result: 'ok', count: 1 },
  ...given,
});

const firstAdmin = (name = 'first') => ({
  codeDigest: digestOf('code'),
  user: user(`u_${name}` as UserId),
  recoveryCodes: [digestOf('recovery-1'), digestOf('recovery-2')],
  network: networkUse,
  session: { session: session(name, { userId: `u_${name}` as UserId }), cap: 100 },
  device: device(`device-${name}`, { userId: `u_${name}` as UserId }),
  audit: audit('setup'),
  at: noon,
});

export const notice = (given: Partial<NoticeDraft> = {}): NoticeDraft => ({
  userId: ada,
  kind: 'new-device',
  at: noon,
  address,
  detail: '',
  ...given,
});

export const updating = (patch: UserPatch, userId: UserId = ada) => ({
  userId,
  patch,
  adminPrivilege: 'admin',
  audit: [audit('updated')],
});

export const passwordChange = (keep: string, given: { from?: number; to?: string } = {}) => ({
  userId: ada,
  fromGeneration: given.from ?? 1,
  sealedPassword: given.to ?? 'sealed anew',
  passwordLength: 'full' as const,
  keep: { id: idOf(keep), digest: digestOf(`${keep}-renewed-${given.to ?? ''}`), authenticatedAt: later(1000) },
  keepDevice: digestOf('device-kept'),
  keepNetwork: networkUse,
  audit: audit('password-changed'),
  notice: notice({ kind: 'password-changed' }),
});

export async function initialise(store: Store): Promise<void> {
  await store.initialise({
    installation: { id: 'installation', state: 'fresh', bootId: 'boot-1', canary: 'canary' },
    keys: [
      { id: 'k1', purpose: 'seal', sealed: 'sealed-1', createdAt: noon, usedFrom: noon },
      { id: 'k2', purpose: 'cookie', sealed: 'sealed-2', createdAt: noon, usedFrom: noon },
    ],
    audit: audit('keys-made'),
  });
}

async function stateOf(store: Store): Promise<string> {
  const found = await store.installation();
  return found.kind === 'empty' ? 'empty' : found.installation.state;
}

export async function found(store: Store, name: string): Promise<SessionRow | undefined> {
  const lookup = await store.sessionByDigest(digestOf(name));
  return lookup.kind === 'found' ? lookup.session : undefined;
}

export async function liveNames(store: Store, userId: UserId = ada, at: Millis = noon): Promise<string[]> {
  return (await store.sessionsOf(userId, at)).map((row) => row.id.slice(2));
}

export async function userNow(store: Store, id: UserId = ada): Promise<UserRow> {
  const lookup = await store.userById(id);
  assert.equal(lookup.kind, 'found');
  return lookup.kind === 'found' ? lookup.user : user();
}

export async function seqNow(store: Store): Promise<Seq> {
  return (await store.sessionByDigest(digestOf('nothing'))).seq;
}

/**
 * Subjects of the changes an operation makes; each was told before the operation resolved, once. Operations side by side
 * are told as each is done, in whatever order that is; their numbers are in the order they came to be.
 */
export async function changesOf(store: Store, operation: () => Promise<unknown>): Promise<readonly ChangeSubject[]> {
  const before = await seqNow(store);
  const told: Change[] = [];
  const stop = store.onChange((changes) => told.push(...changes));
  try {
    await operation();
  } finally {
    stop();
  }
  told.sort((one, other) => one.seq - other.seq);
  const kept = await store.changesSince(before);
  assert.equal(kept.kind, 'changes');
  assert.deepEqual(kept.kind === 'changes' ? kept.changes : [], told);
  for (const [index, { seq }] of told.entries()) assert.ok(seq > (told[index - 1]?.seq ?? before));
  return told.map((change) => change.subject);
}

const installationChange: ChangeSubject = { kind: 'installation' };
export const userChange = (userId: UserId = ada): ChangeSubject => ({ kind: 'user', userId });
export const sessionChange = (name: string): ChangeSubject => ({ kind: 'session', digest: digestOf(name) });
export const sorted = (subjects: readonly ChangeSubject[]): string[] =>
  subjects.map((subject) => JSON.stringify(subject)).sort();
export const tally = (outcomes: readonly { readonly kind: string }[], kind: string): number =>
  outcomes.filter((each) => each.kind === kind).length;
export const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

/** Stores to begin with, each made for one test. */
export function stages(open: () => Promise<OpenedStore>) {
  const bare = async (body: (store: Store) => Promise<void>): Promise<void> => {
    const { store, discard } = await open();
    try {
      await body(store);
    } finally {
      await discard();
    }
  };
  const fresh = (body: (store: Store) => Promise<void>) => () =>
    bare(async (store) => {
      await initialise(store);
      await store.putSetupCode({
        digest: digestOf('code'),
        expiresAt: later(day),
        replacing: 'all',
        audit: audit('setup-code-made'),
      });
      await body(store);
    });
  /** With Ada and Bob. */
  const settled = (body: (store: Store) => Promise<void>) =>
    fresh(async (store) => {
      await store.createUser(user(ada), audit());
      await store.createUser(user(bob), audit());
      await body(store);
    });
  /** Ada has a console session, an `app` session made from it, another session, two devices and an unspent ticket. */
  const signedIn = (body: (store: Store) => Promise<void>) =>
    settled(async (store) => {
      await store.openSession(opening(session('console'), { device: device('device-kept') }));
      await store.openSession(opening(session('other', { createdAt: later(1) }), { device: device('device-other') }));
      await store.issueOneUse(ticket('spent'), 20);
      assert.equal((await store.redeemHandOver(redemption('spent'))).kind, 'redeemed');
      await store.issueOneUse(ticket('unspent'), 20);
      await body(store);
    });
  return { bare, fresh, settled, signedIn };
}

export function storeContract(name: string, open: () => Promise<OpenedStore>): void {
  const { bare, fresh, settled, signedIn } = stages(open);

  describe(`${name}: installation`, () => {
    test('is empty until it is made, and is made once', () =>
      bare(async (store) => {
        assert.deepEqual(await store.installation(), { kind: 'empty' });
        assert.deepEqual(await changesOf(store, () => initialise(store)), [installationChange]);
        const expected = { id: 'installation', state: 'fresh', bootId: 'boot-1', canary: 'canary' };
        assert.deepEqual(await store.installation(), {
          kind: 'found',
          installation: expected,
          seq: await seqNow(store),
        });
        assert.deepEqual(await store.keys(), [
          { id: 'k1', purpose: 'seal', sealed: 'sealed-1', createdAt: noon, usedFrom: noon },
          { id: 'k2', purpose: 'cookie', sealed: 'sealed-2', createdAt: noon, usedFrom: noon },
        ]);
        const again = store.initialise({
          installation: { id: 'other', state: 'fresh', bootId: 'b', canary: 'c' },
          keys: [],
          audit: audit('not-made'),
        });
        assert.deepEqual(await again, { kind: 'already-initialised' });
        assert.deepEqual((await store.keys()).length, 2);
      }));

    test('needs an installation before it can be changed', () =>
      bare(async (store) => {
        await assert.rejects(store.beginBoot('boot-2', noon), StoreFault);
        await assert.rejects(
          store.putSetupCode({
            digest: digestOf('code'),
            expiresAt: noon,
            replacing: 'all',
            audit: audit('setup-code-made'),
          }),
          StoreFault,
        );
      }));

    test(
      'a start ends the sessions of other boots, and what was made from them',
      settled(async (store) => {
        await store.openSession(opening(session('durable')));
        await store.openSession(opening(session('console', { kind: 'admin', bootId: 'boot-1' })));
        await store.issueOneUse(ticket('t'), 20);
        assert.equal((await store.redeemHandOver(redemption('t'))).kind, 'redeemed');
        assert.equal((await found(store, 'app-t'))?.bootId, 'boot-1');
        const changes = await changesOf(store, () => store.beginBoot('boot-2', later(2000)));
        // One that is judged by the installation's boot whenever it is looked at needs no change of its own.
        for (const change of [sessionChange('app-t'), installationChange])
          assert.ok(sorted(changes).includes(JSON.stringify(change)));
        assert.deepEqual([await found(store, 'console'), await found(store, 'app-t')], [undefined, undefined]);
        assert.deepEqual(await liveNames(store), ['durable']);
        await store.openSession(opening(session('console', { kind: 'admin', bootId: 'boot-2' })));
        await store.beginBoot('boot-2', later(3000));
        assert.deepEqual((await liveNames(store)).sort(), ['console', 'durable']);
      }),
    );

    test(
      'the setup code is good until it expires, is replaced or is spent',
      fresh(async (store) => {
        assert.deepEqual(await store.setupCode(digestOf('code'), later(day - 1)), { kind: 'valid' });
        assert.deepEqual(await store.setupCode(digestOf('code'), later(day)), { kind: 'invalid' });
        assert.deepEqual(await store.setupCode(digestOf('wrong'), noon), { kind: 'invalid' });
        const changes = await changesOf(store, () =>
          store.putSetupCode({
            digest: digestOf('second'),
            expiresAt: later(day),
            replacing: 'all',
            audit: audit('setup-code-made'),
          }),
        );
        assert.deepEqual(changes, [installationChange]);
        assert.deepEqual(await store.setupCode(digestOf('code'), noon), { kind: 'invalid' });
        assert.deepEqual(await store.setupCode(digestOf('second'), noon), { kind: 'valid' });
        assert.equal(
          (await store.createFirstAdmin({ ...firstAdmin(), codeDigest: digestOf('second') })).kind,
          'created',
        );
        assert.deepEqual(await store.setupCode(digestOf('second'), noon), { kind: 'already-configured' });
        assert.deepEqual(
          await store.putSetupCode({
            digest: digestOf('third'),
            expiresAt: later(day),
            replacing: 'all',
            audit: audit('setup-code-made'),
          }),
          {
            kind: 'already-configured',
          },
        );
        assert.deepEqual(await store.setupCode(digestOf('third'), noon), { kind: 'already-configured' });
      }),
    );

    test(
      'the first admin comes with session and device, and only once',
      fresh(async (store) => {
        assert.deepEqual(await store.createFirstAdmin({ ...firstAdmin(), codeDigest: digestOf('wrong') }), {
          kind: 'code-invalid',
        });
        assert.deepEqual(await store.createFirstAdmin({ ...firstAdmin(), at: later(day) }), { kind: 'code-invalid' });
        assert.equal(await stateOf(store), 'fresh');
        const first = firstAdmin();
        const changes = await changesOf(store, () => store.createFirstAdmin(first));
        assert.ok(sorted(changes).includes(JSON.stringify(installationChange)));
        assert.equal(await stateOf(store), 'configured');
        assert.deepEqual(await store.userById(first.user.id), { kind: 'found', user: first.user });
        assert.deepEqual(await found(store, 'first'), first.session.session);
        assert.deepEqual(await store.deviceByDigest(digestOf('device-first'), noon), {
          kind: 'found',
          device: first.device,
        });
        assert.deepEqual(await store.createFirstAdmin(firstAdmin('second')), { kind: 'already-configured' });
        assert.deepEqual(await store.decline({ codeDigest: digestOf('code'), at: noon, audit: audit() }), {
          kind: 'already-configured',
        });
      }),
    );

    test(
      'of 50 first admins one is made',
      fresh(async (store) => {
        const outcomes = await Promise.all(times(50, (index) => store.createFirstAdmin(firstAdmin(`racer${index}`))));
        assert.equal(tally(outcomes, 'created'), 1);
        assert.equal(tally(outcomes, 'already-configured'), 49);
        const users = await Promise.all(times(50, (index) => store.userById(`u_racer${index}` as UserId)));
        assert.equal(tally(users, 'found'), 1);
      }),
    );

    test(
      'a first admin that cannot be made whole is not made at all, and nothing is told of it',
      fresh(async (store) => {
        const twice = { ...firstAdmin(), recoveryCodes: [digestOf('same'), digestOf('same')] };
        const changes = await changesOf(store, () => assert.rejects(store.createFirstAdmin(twice), StoreFault));
        assert.deepEqual(changes, []);
        assert.equal(await stateOf(store), 'fresh');
        assert.deepEqual(await store.userById(twice.user.id), { kind: 'unknown' });
        assert.deepEqual(await store.setupCode(digestOf('code'), noon), { kind: 'valid' });
        assert.equal((await store.createFirstAdmin(firstAdmin())).kind, 'created');
      }),
    );

    test(
      'a recovery code is there for whose it is, until it is spent',
      fresh(async (store) => {
        const { user } = firstAdmin();
        assert.equal((await store.createFirstAdmin(firstAdmin())).kind, 'created');
        const standing = async (id: UserId, name: string) => (await store.recoveryCode(id, digestOf(name))).kind;
        const both = async () => [await standing(user.id, 'recovery-1'), await standing(user.id, 'recovery-2')];
        assert.deepEqual(await both(), ['held', 'held']);
        assert.equal(await standing(user.id, 'another'), 'unknown');
        assert.equal(await standing('u_other' as UserId, 'recovery-1'), 'unknown');
        assert.equal(await standing('' as UserId, 'recovery-1'), 'unknown');
        const notice = { userId: user.id, kind: 'recovery-code-used', at: noon, address: '', detail: '' } as const;
        const use = { kind: 'recovery', digest: digestOf('recovery-1'), notice, audit: audit() } as const;
        const spent = await store.spendCode({ userId: user.id, generation: user.credentialGeneration, use });
        assert.equal(spent.kind, 'spent');
        assert.deepEqual(await both(), ['unknown', 'held']);
      }),
    );

    test(
      'declining keeps the code good for a later set-up',
      fresh(async (store) => {
        const wrong = { codeDigest: digestOf('wrong'), at: noon, audit: audit() };
        assert.deepEqual(await store.decline(wrong), { kind: 'code-invalid' });
        assert.deepEqual(await store.decline({ ...wrong, codeDigest: digestOf('code'), at: later(day) }), {
          kind: 'code-invalid',
        });
        const right = { ...wrong, codeDigest: digestOf('code') };
        const changes = await changesOf(store, async () =>
          assert.deepEqual(await store.decline(right), { kind: 'declined' }),
        );
        assert.deepEqual(changes, [installationChange]);
        assert.equal(await stateOf(store), 'declined');
        assert.deepEqual(await store.decline(right), { kind: 'declined' });
        assert.deepEqual(
          await store.putSetupCode({
            digest: digestOf('code'),
            expiresAt: later(day),
            replacing: 'all',
            audit: audit('setup-code-made'),
          }),
          {
            kind: 'put',
          },
        );
        assert.deepEqual(await store.createFirstAdmin(firstAdmin()), { kind: 'created' });
      }),
    );

    test(
      'sign-in is switched off and on only from the other state',
      fresh(async (store) => {
        const off = { to: 'off' as const, audit: audit() };
        const on = { to: 'configured' as const, audit: audit() };
        assert.deepEqual(await store.switchAuthentication(off), { kind: 'not-possible', state: 'fresh' });
        assert.deepEqual(await store.switchAuthentication(on), { kind: 'not-possible', state: 'fresh' });
        await store.createFirstAdmin(firstAdmin());
        assert.deepEqual(await store.switchAuthentication(on), { kind: 'not-possible', state: 'configured' });
        assert.deepEqual(await changesOf(store, () => store.switchAuthentication(off)), [installationChange]);
        assert.equal(await stateOf(store), 'off');
        assert.deepEqual(await store.switchAuthentication(off), { kind: 'not-possible', state: 'off' });
        assert.deepEqual(await store.createFirstAdmin(firstAdmin('second')), { kind: 'already-configured' });
        assert.deepEqual(
          await store.putSetupCode({
            digest: digestOf('new'),
            expiresAt: later(day),
            replacing: 'all',
            audit: audit('setup-code-made'),
          }),
          {
            kind: 'already-configured',
          },
        );
        assert.deepEqual(await store.switchAuthentication(on), { kind: 'switched' });
        assert.ok(await found(store, 'first'));
      }),
    );
  });

  describe(`${name}: users`, () => {
    test(
      'are found as they were made; a name is taken once',
      settled(async (store) => {
        assert.deepEqual(await store.userById(ada), { kind: 'found', user: user(ada) });
        const seq = await seqNow(store);
        assert.deepEqual(await store.userByName('bob' as Username), { kind: 'found', user: user(bob), seq });
        assert.deepEqual(await store.userById('u_nobody' as UserId), { kind: 'unknown' });
        assert.deepEqual(await store.userByName('nobody' as Username), { kind: 'unknown', seq });
        const same = user('u_eve' as UserId, { username: 'ada' as Username });
        assert.deepEqual(await store.createUser(same, audit()), { kind: 'name-taken' });
        assert.deepEqual(await store.userById(same.id), { kind: 'unknown' });
        const plain = user('u_eve' as UserId, { privileges: [], groups: [], active: false });
        assert.deepEqual(await store.createUser(plain, audit()), { kind: 'created' });
        assert.deepEqual(await store.userById(plain.id), { kind: 'found', user: plain });
      }),
    );

    test(
      'of 50 that want one name one gets it',
      settled(async (store) => {
        const rows = times(50, (index) => user(`u_twin${index}` as UserId, { username: 'twin' as Username }));
        assert.equal(tally(await Promise.all(rows.map((row) => store.createUser(row, audit()))), 'created'), 1);
      }),
    );

    test(
      'disabling ends everything of that user and of nobody else',
      signedIn(async (store) => {
        await store.openSession(opening(session('bobs', { userId: bob })));
        const disabled = { ...user(), active: false, credentialGeneration: 2 };
        const changes = await changesOf(store, async () =>
          assert.deepEqual(await store.updateUser(updating({ active: false })), { kind: 'updated', user: disabled }),
        );
        assert.ok(sorted(changes).includes(JSON.stringify(userChange())));
        assert.deepEqual(await userNow(store), disabled);
        for (const gone of ['console', 'other', 'app-spent']) assert.equal(await found(store, gone), undefined);
        assert.equal((await store.deviceByDigest(digestOf('device-kept'), noon)).kind, 'unknown');
        assert.deepEqual(await liveNames(store, bob), ['bobs']);
        assert.deepEqual(await store.openSession(opening(session('again', { credentialGeneration: 2 }))), {
          kind: 'superseded',
        });
        await store.updateUser(updating({ active: true }));
        assert.deepEqual(await userNow(store), { ...user(), credentialGeneration: 2 });
        assert.deepEqual(await store.redeemHandOver(redemption('unspent')), { kind: 'invalid' });
        assert.deepEqual(await store.openSession(opening(session('again'))), { kind: 'superseded' });
        assert.deepEqual(await store.openSession(opening(session('again', { credentialGeneration: 2 }))), {
          kind: 'opened',
        });
        assert.deepEqual(await store.updateUser(updating({ active: false }, 'u_nobody' as UserId)), {
          kind: 'unknown',
        });
      }),
    );

    test(
      'new privileges leave sessions alone',
      signedIn(async (store) => {
        const set = updating({ privileges: ['read:*'] });
        assert.deepEqual(await changesOf(store, () => store.updateUser(set)), [userChange()]);
        assert.deepEqual((await userNow(store)).privileges, ['read:*']);
        assert.equal((await liveNames(store)).length, 3);
      }),
    );

    test(
      'a new password ends all but the one session under its new token, and all but the one device',
      signedIn(async (store) => {
        await store.openSession(opening(session('bobs', { userId: bob })));
        const change = passwordChange('console');
        const changes = await changesOf(store, async () =>
          assert.deepEqual(await store.changePassword(change), { kind: 'changed' }),
        );
        assert.ok(sorted(changes).includes(JSON.stringify(userChange())));
        assert.deepEqual(await userNow(store), { ...user(), sealedPassword: 'sealed anew', credentialGeneration: 2 });
        for (const gone of ['console', 'other', 'app-spent']) assert.equal(await found(store, gone), undefined);
        const kept = {
          ...session('console'),
          digest: change.keep.digest,
          credentialGeneration: 2,
          authenticatedAt: later(1000),
        };
        assert.deepEqual(await store.sessionsOf(ada, later(1000)), [kept]);
        assert.equal((await store.deviceByDigest(digestOf('device-kept'), noon)).kind, 'found');
        assert.equal((await store.deviceByDigest(digestOf('device-other'), noon)).kind, 'unknown');
        assert.deepEqual(await store.redeemHandOver(redemption('unspent')), { kind: 'invalid' });
        assert.deepEqual(await liveNames(store, bob), ['bobs']);
      }),
    );

    test(
      'a new password is superseded by another one, by disabling, and by the end of its session',
      signedIn(async (store) => {
        const superseded = async (change: ReturnType<typeof passwordChange>) => {
          const before = await userNow(store);
          const changes = await changesOf(store, async () =>
            assert.deepEqual(await store.changePassword(change), { kind: 'superseded' }),
          );
          assert.deepEqual(changes, []);
          assert.deepEqual(await userNow(store), before);
        };
        await superseded(passwordChange('console', { from: 0 }));
        await superseded(passwordChange('nowhere'));
        await store.endSession({ id: idOf('other'), userId: ada, audit: audit() });
        await superseded(passwordChange('other'));
        await superseded({
          ...passwordChange('console'),
          keep: { ...passwordChange('console').keep, authenticatedAt: later(day) },
        });
        await store.updateUser(updating({ active: false }));
        await superseded(passwordChange('console'));
        await superseded(passwordChange('console', { from: 2 }));
      }),
    );

    test(
      'of 50 password changes one happens',
      signedIn(async (store) => {
        const outcomes = await Promise.all(
          times(50, (index) => store.changePassword(passwordChange('console', { to: `n${index}` }))),
        );
        assert.equal(tally(outcomes, 'changed'), 1);
        const [kept] = await store.sessionsOf(ada, later(1000));
        assert.equal(kept?.digest, digestOf(`console-renewed-${(await userNow(store)).sealedPassword}`));
      }),
    );

    test(
      'a new cost is written only over the same password',
      signedIn(async (store) => {
        const rehash = { userId: ada, generation: 1, sealedPassword: 'costlier' };
        assert.deepEqual(await changesOf(store, () => store.rehashPassword(rehash)), [userChange()]);
        assert.deepEqual(await userNow(store), { ...user(), sealedPassword: 'costlier' });
        await store.changePassword(passwordChange('console'));
        assert.deepEqual(await changesOf(store, () => store.rehashPassword(rehash)), []);
        assert.equal((await userNow(store)).sealedPassword, 'sealed anew');
      }),
    );
  });

  describe(`${name}: sessions`, () => {
    test(
      'are found with their user and the change number of that moment',
      settled(async (store) => {
        await store.openSession(opening(session('one')));
        const seq = await seqNow(store);
        assert.deepEqual(await store.sessionByDigest(digestOf('one')), {
          kind: 'found',
          session: session('one'),
          user: user(),
          seq,
        });
        assert.deepEqual(await store.sessionByDigest(digestOf('none')), { kind: 'unknown', seq });
        await store.updateUser(updating({ privileges: [] }));
        const after = await store.sessionByDigest(digestOf('one'));
        assert.ok(after.seq > seq);
        assert.deepEqual(after.kind === 'found' ? after.user.privileges : undefined, []);
      }),
    );

    test(
      'are not opened for whom something changed; then nothing is written',
      settled(async (store) => {
        for (const row of [
          session('old', { credentialGeneration: 0 }),
          session('nobody', { userId: 'u_nobody' as UserId }),
        ]) {
          const refused = opening(row, { device: device('d', { userId: row.userId }) });
          assert.deepEqual(await store.openSession(refused), { kind: 'superseded' });
        }
        assert.deepEqual(await store.attempts({ userId: null, limit: 10, before: null }), []);
        assert.deepEqual(await store.deviceByDigest(digestOf('d'), noon), { kind: 'unknown' });
      }),
    );

    test(
      'record the attempt and keep the device',
      settled(async (store) => {
        const known = device('d');
        await store.openSession(opening(session('one'), { device: known }));
        await store.openSession(
          opening(session('two', { createdAt: later(5) }), { device: { ...known, usedAt: later(5) } }),
        );
        const [row, ...more] = await store.attempts({ userId: ada, limit: 10, before: null });
        assert.equal(more.length, 0);
        assert.deepEqual(row, {
          id: row?.id,
          userId: ada,
          address,
          way: 'password',
          result: 'ok',
          firstAt: noon,
          lastAt: later(5),
          count: 2,
        });
        assert.deepEqual(await store.deviceByDigest(known.digest, noon), {
          kind: 'found',
          device: { ...known, usedAt: later(5) },
        });
        assert.deepEqual(await store.deviceByDigest(known.digest, known.expiresAt), { kind: 'unknown' });
      }),
    );

    test(
      'beyond the cap of a kind and transport the expired go first, then the oldest with what was made from it',
      settled(async (store) => {
        const open = (name: string, given: Partial<SessionRow>) =>
          store.openSession(opening(session(name, given), { cap: 2 }));
        await open('bearer', { transport: 'bearer' });
        await open('admin', { kind: 'admin' });
        await open('bobs', { userId: bob });
        await open('console', {});
        await store.issueOneUse(ticket('t'), 20);
        await store.redeemHandOver(redemption('t'));
        await open('second', { createdAt: later(1000), idleMs: 1000 });
        const expired = await changesOf(store, () => open('third', { createdAt: later(2000) }));
        assert.deepEqual(expired, [sessionChange('second')]);
        const oldest = await changesOf(store, () => open('fourth', { createdAt: later(3000) }));
        assert.deepEqual(sorted(oldest), sorted([sessionChange('console'), sessionChange('app-t')]));
        assert.deepEqual((await liveNames(store, ada, later(3000))).sort(), ['admin', 'bearer', 'fourth', 'third']);
        assert.deepEqual(await liveNames(store, bob), ['bobs']);
      }),
    );

    test(
      '200 at once stay within the cap, and every one that gave way was told',
      settled(async (store) => {
        const rows = times(200, (index) => session(`p${index}`, { createdAt: later(index) }));
        const changes = await changesOf(store, () =>
          Promise.all(rows.map((row) => store.openSession(opening(row, { cap: 7 })))),
        );
        const names = await liveNames(store);
        assert.deepEqual(
          names,
          times(7, (index) => `p${199 - index}`),
        );
        assert.equal(new Set(sorted(changes)).size, 193);
      }),
    );

    test(
      'devices beyond their cap give way, the one used longest ago first',
      settled(async (store) => {
        for (const index of [2, 0, 1, 3]) {
          const used = device(`d${index}`, { usedAt: later(index) });
          await store.openSession(opening(session(`s${index}`), { device: used, deviceCap: 3 }));
        }
        const known = await Promise.all(times(4, (index) => store.deviceByDigest(digestOf(`d${index}`), noon)));
        assert.deepEqual(
          known.map((each) => each.kind),
          ['unknown', 'found', 'found', 'found'],
        );
      }),
    );

    test(
      'are renewed under a new token; what was made from them lives on',
      signedIn(async (store) => {
        const renewal = {
          id: idOf('console'),
          fromDigest: digestOf('console'),
          digest: digestOf('new'),
          authenticatedAt: later(9),
          audit: audit(),
        };
        assert.deepEqual(await store.renewSession({ ...renewal, id: idOf('nowhere') }), { kind: 'gone' });
        assert.deepEqual(await store.renewSession({ ...renewal, fromDigest: digestOf('other') }), { kind: 'gone' });
        assert.deepEqual(await store.renewSession({ ...renewal, authenticatedAt: later(day) }), { kind: 'gone' });
        assert.deepEqual(await changesOf(store, () => store.renewSession(renewal)), [sessionChange('console')]);
        assert.equal(await found(store, 'console'), undefined);
        assert.deepEqual(await found(store, 'new'), {
          ...session('console'),
          digest: digestOf('new'),
          authenticatedAt: later(9),
        });
        assert.ok(await found(store, 'app-spent'));
        assert.deepEqual(await store.renewSession(renewal), { kind: 'gone' });
      }),
    );

    test(
      'of 50 renewals of one token one happens',
      signedIn(async (store) => {
        const renew = (index: number) =>
          store.renewSession({
            id: idOf('console'),
            fromDigest: digestOf('console'),
            digest: digestOf(`r${index}`),
            authenticatedAt: noon,
            audit: audit(),
          });
        assert.equal(tally(await Promise.all(times(50, renew)), 'renewed'), 1);
      }),
    );

    test(
      'end at the last wrong re-authentication in a row',
      signedIn(async (store) => {
        const wrong = { id: idOf('console'), userId: ada, digest: digestOf('console'), limit: 3, audit: audit() };
        const renewal = {
          id: idOf('console'),
          fromDigest: digestOf('console'),
          digest: digestOf('new'),
          authenticatedAt: noon,
          audit: audit(),
        };
        for (let count = 0; count < 2; count += 1)
          assert.deepEqual(await store.countReauthenticationFailure(wrong), { kind: 'counted' });
        await store.renewSession(renewal);
        for (let count = 0; count < 2; count += 1)
          assert.deepEqual(await store.countReauthenticationFailure(wrong), { kind: 'counted' });
        const changes = await changesOf(store, async () =>
          assert.deepEqual(await store.countReauthenticationFailure(wrong), { kind: 'ended' }),
        );
        assert.deepEqual(sorted(changes), sorted([sessionChange('new'), sessionChange('app-spent')]));
        assert.deepEqual(await liveNames(store), ['other']);
        assert.deepEqual(await store.countReauthenticationFailure(wrong), { kind: 'ended' });
      }),
    );

    test(
      'are touched forward only, never revived, and without a change',
      settled(async (store) => {
        await store.openSession(opening(session('one', { idleMs: hour, expiresAt: later(2 * hour) })));
        await store.openSession(opening(session('two')));
        const touch = (at: Millis) =>
          store.touchSessions([
            { id: idOf('one'), lastSeenAt: at },
            { id: idOf('nowhere'), lastSeenAt: at },
            { id: idOf('two'), lastSeenAt: at },
          ]);
        const seen = async () => (await found(store, 'one'))?.lastSeenAt;
        assert.deepEqual(await changesOf(store, () => touch(later(hour - 1))), []);
        assert.equal(await seen(), later(hour - 1));
        await touch(later(5));
        assert.equal(await seen(), later(hour - 1));
        await touch(later(2 * hour - 1));
        assert.equal(await seen(), later(hour - 1), 'idle by then');
        await touch(later(2 * hour - 2));
        assert.equal(await seen(), later(2 * hour - 2));
        await touch(later(2 * hour + 1));
        assert.equal(await seen(), later(2 * hour - 2), 'expired by then');
        assert.equal((await found(store, 'two'))?.lastSeenAt, later(2 * hour + 1));
        await store.touchSessions([]);
      }),
    );

    test(
      'are ended by their owner, with what was made from them',
      signedIn(async (store) => {
        const end = { id: idOf('console'), userId: ada, audit: audit() };
        assert.deepEqual(await store.endSession({ ...end, userId: bob }), { kind: 'unknown' });
        assert.deepEqual(await store.endSession({ ...end, id: idOf('nowhere') }), { kind: 'unknown' });
        const changes = await changesOf(store, async () =>
          assert.deepEqual(await store.endSession(end), { kind: 'ended' }),
        );
        assert.deepEqual(sorted(changes), sorted([sessionChange('console'), sessionChange('app-spent')]));
        assert.deepEqual(await liveNames(store), ['other']);
        assert.deepEqual(await store.redeemHandOver(redemption('unspent')), { kind: 'invalid' });
        assert.deepEqual(await store.endSession(end), { kind: 'unknown' });
      }),
    );

    test(
      'an `app` session ends alone',
      signedIn(async (store) => {
        await store.endSession({ id: idOf('app-spent'), userId: ada, audit: audit() });
        assert.deepEqual((await liveNames(store)).sort(), ['console', 'other']);
      }),
    );

    test(
      'all but one are ended, and those made from that one stay',
      signedIn(async (store) => {
        await store.openSession(opening(session('bobs', { userId: bob })));
        const end = { userId: ada, except: idOf('console'), audit: audit() };
        const changes = await changesOf(store, async () =>
          assert.deepEqual(await store.endSessions(end), { ended: 1 }),
        );
        const covered = sorted(changes);
        assert.ok(
          covered.includes(JSON.stringify(userChange())) || covered.includes(JSON.stringify(sessionChange('other'))),
        );
        assert.deepEqual((await liveNames(store)).sort(), ['app-spent', 'console']);
        assert.deepEqual(await store.endSessions({ ...end, except: null }), { ended: 2 });
        assert.deepEqual(await liveNames(store), []);
        assert.equal(await found(store, 'app-spent'), undefined);
        assert.deepEqual(await liveNames(store, bob), ['bobs']);
      }),
    );

    test(
      'are listed newest first while they live',
      settled(async (store) => {
        await store.openSession(opening(session('old', { idleMs: hour })));
        await store.openSession(opening(session('new', { createdAt: later(1), expiresAt: later(3 * hour) })));
        await store.openSession(opening(session('newest', { createdAt: later(2) })));
        assert.deepEqual(await liveNames(store), ['newest', 'new', 'old']);
        assert.deepEqual(await liveNames(store, ada, later(hour)), ['newest', 'new']);
        assert.deepEqual(await liveNames(store, ada, later(3 * hour)), ['newest']);
      }),
    );
  });

  describe(`${name}: guessing`, () => {
    const network = '198.51.100.0/32';
    const standingOf = (store: Store, userId: UserId | null, at = network, since = noon) =>
      store.networkStanding({ userId, network: at, since: (since - 1) as Millis });
    const opensFrom = (store: Store, id: string, used: { network: string; at: Millis; cap: number }) =>
      store.openSession({ ...opening(session(id)), network: used });

    test(
      'counters are kept as they were written last, until they mean nothing any more',
      settled(async (store) => {
        const row = (key: string, state: string, ms: number) => ({ key, state, endsAt: later(ms) });
        await store.writeLimits({ put: [row('a', '[1]', 10), row('b', '[2]', 20), row('c', '[3]', 30)], drop: [] });
        await store.writeLimits({ put: [row('a', '[9]', 40)], drop: ['c', 'never-there'] });
        const kept = async (ms: number) => (await store.limits(later(ms))).map(({ key, state }) => key + state).sort();
        assert.deepEqual(await kept(0), ['a[9]', 'b[2]']);
        assert.deepEqual(await kept(20), ['a[9]']);
        await store.sweep(later(20));
        assert.deepEqual(await kept(0), ['a[9]']);
        assert.deepEqual(await changesOf(store, () => store.writeLimits({ put: [], drop: ['a'] })), []);
        assert.deepEqual(await store.limits(noon), []);
      }),
    );

    test(
      'of counters that end together the one that counts more stays, whichever node wrote last',
      settled(async (store) => {
        const write = (state: string, ms: number) =>
          store.writeLimits({ put: [{ key: 'a', state, endsAt: later(ms) }], drop: [] });
        const kept = async () => (await store.limits(noon)).map(({ state }) => state);
        await write('[9,5000]', 50_000);
        await write('[10,5000]', 50_000);
        if (name !== 'sqlite') {
          // One file has one writer, who counts on from what it wrote.
          await write('[9,5003]', 50_003);
          await write('[2,1000]', 10_000);
        }
        assert.deepEqual(await kept(), ['[10,5000]']);
        await write('[1,90000]', 90_000);
        assert.deepEqual(await kept(), ['[1,90000]']);
      }),
    );

    test(
      'a network is known to who signed in from it, seen before for others, and forgotten in time',
      settled(async (store) => {
        assert.deepEqual(await standingOf(store, ada), { kind: 'never-seen' });
        assert.deepEqual(await standingOf(store, null), { kind: 'never-seen' });
        await opensFrom(store, 'one', { network, at: noon, cap: 100 });
        assert.deepEqual(await standingOf(store, ada), { kind: 'known' });
        assert.deepEqual(await standingOf(store, bob), { kind: 'seen-before' });
        assert.deepEqual(await standingOf(store, null), { kind: 'seen-before' });
        assert.deepEqual(await standingOf(store, ada, network, later(2)), { kind: 'never-seen' });
        await opensFrom(store, 'two', { network, at: later(5), cap: 100 });
        assert.deepEqual(await standingOf(store, ada, network, later(5)), { kind: 'known' });
        await store.sweep(later(92 * day));
        assert.deepEqual(await standingOf(store, ada), { kind: 'never-seen' });
      }),
    );

    test(
      'of one user so many networks are known; the one used longest ago gives way, never the one just used',
      settled(async (store) => {
        for (const [at, each] of ['a', 'b', 'c', 'd'].entries())
          await opensFrom(store, `of-${each}`, { network: each, at: later(at), cap: 3 });
        await opensFrom(store, 'again', { network: 'e', at: noon, cap: 3 });
        const known = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((each) => standingOf(store, ada, each)));
        assert.deepEqual(
          known.map((each) => each.kind),
          ['never-seen', 'never-seen', 'known', 'known', 'known'],
        );
      }),
    );

    test(
      'a disabled account is known nowhere; a changed password is known where it was changed',
      settled(async (store) => {
        await opensFrom(store, 'kept', { network, at: noon, cap: 100 });
        await store.changePassword({
          userId: ada,
          fromGeneration: 1,
          sealedPassword: 'new',
          keep: { id: idOf('kept'), digest: digestOf('renewed'), authenticatedAt: noon },
          keepDevice: null,
          passwordLength: 'full',
          keepNetwork: { network: 'here', at: noon, cap: 100 },
          audit: audit(),
          notice: notice(),
        });
        assert.deepEqual(await standingOf(store, ada), { kind: 'never-seen' });
        assert.deepEqual(await standingOf(store, ada, 'here'), { kind: 'known' });
        await store.updateUser(updating({ active: false }));
        assert.deepEqual(await standingOf(store, ada, 'here'), { kind: 'never-seen' });
      }),
    );

    test(
      'so many wrong secrets in all end a device, and that alone is recorded',
      settled(async (store) => {
        await store.openSession(opening(session('one'), { device: device('phone') }));
        const wrong = () =>
          store.countDeviceFailure({ digest: digestOf('phone'), limit: 3, audit: audit('device-forgotten') });
        const head = (await store.auditHead()).number;
        assert.deepEqual([await wrong(), await wrong()], [{ kind: 'counted' }, { kind: 'counted' }]);
        assert.equal((await store.deviceByDigest(digestOf('phone'), noon)).kind, 'found');
        assert.deepEqual(await store.devicesOf(ada, noon), [device('phone')]);
        assert.deepEqual(await store.devicesOf(ada, later(180 * day)), []);
        assert.deepEqual(await store.devicesOf(bob, noon), []);
        assert.deepEqual(await wrong(), { kind: 'ended' });
        assert.equal((await store.deviceByDigest(digestOf('phone'), noon)).kind, 'unknown');
        assert.deepEqual(await wrong(), { kind: 'ended' });
        assert.equal((await store.auditHead()).number, head + 1);
      }),
    );

    test(
      'live sessions are counted as they are listed',
      settled(async (store) => {
        await store.openSession(opening(session('one')));
        await store.openSession(opening(session('two', { idleMs: 5 })));
        assert.equal(await store.liveSessions(noon), 2);
        assert.equal(await store.liveSessions(later(5)), 1);
      }),
    );
  });

  describe(`${name}: what works once`, () => {
    const withConsole = (body: (store: Store) => Promise<void>) =>
      settled(async (store) => {
        await store.openSession(opening(session('console')));
        await store.issueOneUse(ticket('t'), 20);
        await body(store);
      });

    test(
      'a ticket becomes an `app` session that follows its parent',
      withConsole(async (store) => {
        const expected = {
          ...session('console', {
            kind: 'app',
            parentId: idOf('console'),
            origin,
            createdAt: later(1000),
            authenticatedAt: noon,
          }),
          ...redemption('t').session,
          expiresAt: session('console').expiresAt,
        };
        assert.deepEqual(await store.redeemHandOver(redemption('t')), { kind: 'redeemed', session: expected });
        assert.deepEqual(await found(store, 'app-t'), expected);
        assert.deepEqual(await store.redeemHandOver(redemption('t')), { kind: 'invalid' });
      }),
    );

    test(
      'of 50 that show one ticket one is let in',
      withConsole(async (store) => {
        const redeem = (index: number) =>
          store.redeemHandOver(
            redemption('t', {
              session: { ...redemption('t').session, id: idOf(`a${index}`), digest: digestOf(`a${index}`) },
            }),
          );
        assert.equal(tally(await Promise.all(times(50, redeem)), 'redeemed'), 1);
        assert.equal((await liveNames(store)).length, 2);
      }),
    );

    test(
      'whatever is wrong with it, a ticket shown is spent',
      withConsole(async (store) => {
        const wrong: [string, Partial<Redemption>][] = [
          ['host', { origin: 'https://other.example' as Origin }],
          ['browser', { state: digestOf('another-state') }],
          ['too late', { at: later(60_000) }],
        ];
        for (const [what, given] of wrong) {
          await store.issueOneUse(ticket(what), 20);
          assert.deepEqual(await store.redeemHandOver(redemption(what, given)), { kind: 'invalid' }, what);
          assert.deepEqual(await store.redeemHandOver(redemption(what)), { kind: 'invalid' }, `${what}, spent`);
        }
        assert.deepEqual(await store.redeemHandOver(redemption('never-issued')), { kind: 'invalid' });
        assert.deepEqual(await liveNames(store), ['console']);
      }),
    );

    test(
      'a ticket without a state fits no browser; a client that is none needs no state',
      withConsole(async (store) => {
        await store.issueOneUse(ticket('stateless', { state: null }), 20);
        assert.deepEqual(await store.redeemHandOver(redemption('stateless')), { kind: 'invalid' });
        await store.issueOneUse(ticket('plain', { state: null }), 20);
        assert.equal((await store.redeemHandOver(redemption('plain', { state: 'not-a-browser' }))).kind, 'redeemed');
        assert.equal((await store.redeemHandOver(redemption('t', { state: 'not-a-browser' }))).kind, 'redeemed');
      }),
    );

    test('a ticket dies with its session, however that ended', async () => {
      const ends: [string, (store: Store) => Promise<unknown>, Millis][] = [
        ['ended', (store) => store.endSession({ id: idOf('console'), userId: ada, audit: audit() }), later(1000)],
        ['idle', () => Promise.resolve(), later(day)],
        ['disabled', (store) => store.updateUser(updating({ active: false })), later(1000)],
        ['password changed', (store) => store.changePassword(passwordChange('console')), later(1000)],
      ];
      for (const [what, end, at] of ends) {
        await withConsole(async (store) => {
          await store.issueOneUse(ticket('long', { expiresAt: later(2 * day) }), 20);
          await end(store);
          assert.deepEqual(await store.redeemHandOver(redemption('long', { at })), { kind: 'invalid' }, what);
          assert.deepEqual(await store.redeemHandOver(redemption('long')), { kind: 'invalid' }, `${what}, spent`);
        })();
      }
    });

    test(
      'a ticket asked for by no live session of that user is worth nothing',
      withConsole(async (store) => {
        await store.issueOneUse(ticket('nowhere', { sessionId: idOf('nowhere') }), 20);
        await store.issueOneUse(ticket('foreign', { userId: bob }), 20);
        for (const name of ['nowhere', 'foreign'])
          assert.deepEqual(await store.redeemHandOver(redemption(name)), { kind: 'invalid' });
      }),
    );

    test(
      'beyond the cap of a session its oldest ticket gives way',
      withConsole(async (store) => {
        await store.issueOneUse(ticket('t2'), 2);
        await store.issueOneUse(ticket('t3'), 2);
        assert.deepEqual(await store.redeemHandOver(redemption('t')), { kind: 'invalid' });
        assert.equal((await store.redeemHandOver(redemption('t2'))).kind, 'redeemed');
        assert.equal((await store.redeemHandOver(redemption('t3'))).kind, 'redeemed');
      }),
    );

    test(
      'a session that cannot be opened leaves the ticket unspent: the operation failed whole',
      withConsole(async (store) => {
        const clash = redemption('t', { session: { ...redemption('t').session, digest: digestOf('console') } });
        await assert.rejects(store.redeemHandOver(clash), StoreFault);
        assert.equal((await store.redeemHandOver(redemption('t'))).kind, 'redeemed');
      }),
    );

    test(
      'of 50 claims the first wins, until the mark is swept a day after its time',
      settled(async (store) => {
        const claim = { purpose: 'login-token' as const, digest: digestOf('c'), expiresAt: later(hour) };
        assert.equal(tally(await Promise.all(times(50, () => store.claimOnce(claim))), 'first'), 1);
        await store.sweep(later(hour + day - 1));
        assert.deepEqual(await store.claimOnce(claim), { kind: 'spent' });
        await store.sweep(later(hour + day));
        assert.deepEqual(await store.claimOnce(claim), { kind: 'first' });
      }),
    );
  });

  describe(`${name}: attempts, changes, upkeep`, () => {
    test(
      'what failed half-way is undone with all it had ended, and nothing is told of it',
      settled(async (store) => {
        await store.openSession(opening(session('oldest')));
        await store.openSession(opening(session('newer', { createdAt: later(1) })));
        const clash = opening(session('third', { digest: digestOf('newer'), createdAt: later(2) }), { cap: 2 });
        const set = () => store.updateUser(updating({ privileges: [] }, bob));
        const changes = await changesOf(store, () =>
          Promise.all([set(), assert.rejects(store.openSession(clash), StoreFault), set()]),
        );
        assert.deepEqual(changes, [userChange(bob), userChange(bob)]);
        assert.deepEqual(await liveNames(store), ['newer', 'oldest']);
      }),
    );

    test(
      'attempts alike in one UTC day are one row',
      settled(async (store) => {
        const midnight = (Math.ceil(noon / day) * day) as Millis;
        const wrong = attempt({ result: 'wrong' });
        await Promise.all(times(20, (index) => store.recordAttempt({ ...wrong, at: later(19 - index) })));
        await store.recordAttempt({ ...wrong, userId: null, at: later(100) });
        await store.recordAttempt({ ...wrong, at: (midnight - 1) as Millis });
        await store.recordAttempt({ ...wrong, at: midnight });
        const rows = await store.attempts({ userId: ada, limit: 10, before: null });
        assert.deepEqual(
          rows.map((row) => [row.firstAt, row.lastAt, row.count]),
          [
            [midnight, midnight, 1],
            [noon, midnight - 1, 21],
          ],
        );
        const all = await store.attempts({ userId: null, limit: 10, before: null });
        assert.deepEqual(
          all.map((row) => row.userId),
          [ada, ada, null],
        );
        assert.deepEqual(
          (await store.attempts({ userId: null, limit: 1, before: null })).map((row) => row.lastAt),
          [midnight],
        );
        assert.deepEqual(
          (await store.attempts({ userId: null, limit: 9, before: midnight })).map((row) => row.userId),
          [ada, null],
        );
        assert.deepEqual(await store.attempts({ userId: bob, limit: 10, before: null }), []);
      }),
    );

    test(
      'an operation that fails leaves its neighbours alone',
      settled(async (store) => {
        const doubled = session('twice', { digest: digestOf('one') });
        const outcomes = await Promise.allSettled([
          store.openSession(opening(session('one'))),
          store.openSession(opening(doubled)),
          store.openSession(opening(session('two'))),
        ]);
        assert.deepEqual(
          outcomes.map((each) => each.status),
          ['fulfilled', 'rejected', 'fulfilled'],
        );
        const fault: unknown = outcomes[1]?.status === 'rejected' ? outcomes[1].reason : undefined;
        assert.ok(fault instanceof StoreFault && fault.cause instanceof Error);
        assert.deepEqual((await liveNames(store)).sort(), ['one', 'two']);
        assert.equal((await store.attempts({ userId: ada, limit: 9, before: null }))[0]?.count, 2);
      }),
    );

    test(
      'changes are numbered upwards and told to all who listen, until they stop',
      settled(async (store) => {
        const heard: Seq[][] = [[], []];
        const stops = heard.map((list) =>
          store.onChange((changes) => list.push(...changes.map((change) => change.seq))),
        );
        const set = (privilege: string) => store.updateUser(updating({ privileges: [privilege] }));
        const from = await seqNow(store);
        await Promise.all(times(30, (index) => set(`p${index}`)));
        stops[1]?.();
        await set('last');
        assert.equal(heard[0]?.length, 31);
        assert.equal(heard[1]?.length, 30);
        // Operations beside each other are told in the order their answers come.
        const numbers = [...new Set(heard[0])].sort((a, b) => a - b);
        assert.equal(numbers.length, 31);
        stops[0]?.();
        const since = await store.changesSince(from);
        assert.deepEqual(since.kind === 'changes' ? since.changes.map((change) => change.seq) : [], numbers);
        assert.equal(since.last, await seqNow(store));
        assert.deepEqual(await store.changesSince(since.last), { kind: 'changes', changes: [], last: since.last });
      }),
    );

    test(
      'a reader that missed what is no longer kept, or comes from the future, is told so',
      settled(async (store) => {
        const from = await seqNow(store);
        await store.updateUser(updating({ privileges: [] }));
        await store.sweep(noon);
        await store.updateUser(updating({ privileges: ['x'] }));
        await store.sweep(later(hour - 1));
        assert.equal((await store.changesSince(from)).kind, 'changes');
        await store.sweep(later(hour + 1));
        const last = await seqNow(store);
        assert.deepEqual(await store.changesSince(from), { kind: 'lost', last });
        assert.deepEqual(await store.changesSince((last + 1) as Seq), { kind: 'lost', last });
        assert.deepEqual(await store.changesSince((last - 1) as Seq), {
          kind: 'changes',
          changes: [{ seq: last, subject: userChange() }],
          last,
        });
      }),
    );

    test(
      'what expired is swept, told, and nothing else',
      signedIn(async (store) => {
        await store.openSession(opening(session('short', { idleMs: 1000, transport: 'bearer' })));
        await store.recordAttempt(attempt({ way: 'old' }));
        assert.deepEqual(await changesOf(store, () => store.sweep(later(1000))), [sessionChange('short')]);
        assert.equal((await liveNames(store)).length, 3);
        const changes = await changesOf(store, () => store.sweep(later(2 * day)));
        assert.deepEqual(
          sorted(changes),
          sorted([sessionChange('console'), sessionChange('other'), sessionChange('app-spent')]),
        );
        assert.equal(await found(store, 'console'), undefined);
        await store.sweep(later(90 * day - 1));
        assert.equal((await store.attempts({ userId: null, limit: 9, before: null })).length, 2);
        await store.sweep(later(91 * day));
        assert.equal((await store.attempts({ userId: null, limit: 9, before: null })).length, 0);
        assert.equal((await userNow(store)).id, ada);
      }),
    );

    test(
      'it is ready until it is closed, and then refuses; closing twice is closing once',
      settled(async (store) => {
        assert.deepEqual(
          await Promise.all(times(5, () => store.ready())),
          times(5, () => ({ kind: 'ready' })),
        );
        const last = store.recordAttempt(attempt());
        await Promise.all([store.close(), store.close()]);
        await last;
        await store.close();
        assert.equal((await store.ready()).kind, 'unready');
        await assert.rejects(store.recordAttempt(attempt()), StoreFault);
        await assert.rejects(store.installation(), StoreFault);
        await assert.rejects(store.sessionByDigest(digestOf('one')), StoreFault);
      }),
    );

    test(
      'audit events are links of one chain: numbered without gaps, whatever failed beside them',
      settled(async (store) => {
        await Promise.allSettled([
          ...times(30, (index) => store.appendAudit(audit(`appended-${index}`))),
          // Taken back with what they tell of: nothing of the chain is used up.
          ...times(5, () => store.openSession(opening(session('twice', { digest: digestOf('one') })))),
          store.createUser(user(ada), audit('not-created')),
        ]);
        await store.appendAudit({ ...audit('last'), actor: ada, count: 7, peer: '127.0.0.1' });
        const { chain, number, hash, ...rest } = await store.auditHead();
        assert.deepEqual(rest, { lastRow: number, lastCheckpoint: 0, strays: 0 });
        const { events } = await store.auditPage({ chain, after: 0, upTo: number, limit: 1000 });
        assert.deepEqual(
          events.map((row) => row.number),
          times(number, (index) => index + 1),
        );
        let previous = '';
        for (const row of events) {
          assert.equal(row.hash, linkHash(chain, previous, row));
          previous = row.hash;
        }
        assert.equal(previous, hash);
        assert.equal(events.filter((row) => row.event === 'signed-in').length, 1);
        assert.equal(events.filter((row) => row.event === 'not-created').length, 0);
        const { number: _, hash: __, place, ...last } = events.at(-1) ?? assert.fail();
        assert.ok(Number.isSafeInteger(place));
        assert.deepEqual(await store.auditHeads(), [await store.auditHead()]);
        assert.deepEqual(last, { ...audit('last'), chain, actor: ada, actorName: 'ada', count: 7, peer: '127.0.0.1' });
      }),
    );

    test(
      'audit events are found by event, user and time, newest first, page by page',
      settled(async (store) => {
        for (const at of [1, 2, 3]) await store.appendAudit({ ...audit('one', later(at)), actor: ada });
        await store.appendAudit({ ...audit('two', later(4)), target: bob });
        const any = { event: null, user: null, since: null, until: null };
        const find = async (filter: Partial<AuditFilter>, before: number | null = null, limit = 10) => {
          const { events, next } = await store.auditEvents({ filter: { ...any, ...filter }, before, limit });
          return { at: events.map((row) => row.at - noon), next };
        };
        assert.deepEqual(await find({ event: 'one' }), { at: [3, 2, 1], next: null });
        assert.deepEqual((await find({ user: 'ada' as Username })).at, [3, 2, 1]);
        assert.deepEqual((await find({ user: 'bob' as Username })).at, [4]);
        assert.deepEqual((await find({ user: 'eve' as Username })).at, []);
        assert.deepEqual((await find({ since: later(2), until: later(4) })).at, [3, 2]);
        const first = await find({ event: 'one' }, null, 2);
        assert.deepEqual(first.at, [3, 2]);
        assert.deepEqual((await find({ event: 'one' }, first.next, 2)).at, [1]);
      }),
    );

    test(
      'a checkpoint is kept only where the chain has that hash at that number',
      settled(async (store) => {
        const { chain, number, hash } = await store.auditHead();
        const good = { chain, number, hash, at: noon, keyId: 'k', signature: 's' };
        for (const wrong of [{ chain: 'x' }, { number: number + 1 }, { number: number - 1 }, { hash: 'x' }])
          assert.deepEqual(await store.putCheckpoint({ ...good, ...wrong }), { kind: 'not-of-this-chain' });
        assert.deepEqual(await store.putCheckpoint(good), { kind: 'put' });
        // Once more, by another start of the same moment: the first stays.
        assert.deepEqual(await store.putCheckpoint({ ...good, signature: 'other' }), { kind: 'put' });
        const { checkpoints } = await store.auditPage({ chain, after: 0, upTo: number, limit: 1000 });
        assert.deepEqual(checkpoints, [good]);
        assert.equal((await store.auditHead()).lastCheckpoint, number);
      }),
    );

    test(
      'audit events are kept 400 days and cut at a checkpoint, which stays; without one they stay, too',
      settled(async (store) => {
        const put = async (at: Millis): Promise<number> => {
          const { chain, number, hash } = await store.auditHead();
          await store.putCheckpoint({ chain, number, hash, at, keyId: 'k', signature: 's' });
          return number;
        };
        const sweepAll = async (at: Millis): Promise<number> => {
          let calls = 1;
          while ((await store.sweep(at)).kind === 'more') calls += 1;
          return calls;
        };
        const kept = async () => {
          const { chain, number } = await store.auditHead();
          const { events, checkpoints } = await store.auditPage({ chain, after: 0, upTo: number, limit: 10_000 });
          return [events[0]?.number, events.length, checkpoints[0]?.number];
        };
        const all = (await store.auditHead()).number;
        await sweepAll(later(500 * day));
        assert.deepEqual(await kept(), [1, all, undefined]);
        const first = await put(noon);
        await store.appendAudit(audit('between'));
        const second = await put(later(day));
        await store.appendAudit(audit('after'));
        await sweepAll(later(400 * day - 1));
        assert.deepEqual(await kept(), [1, second + 1, first]);
        await sweepAll(later(400 * day));
        assert.deepEqual(await kept(), [first + 1, 2, first]);
        await sweepAll(later(600 * day));
        assert.deepEqual(await kept(), [second + 1, 1, second]);
        // A great many go part by part.
        const append = async (count: number): Promise<void> => {
          for (let part = 0; part < count / 500; part += 1)
            await Promise.all(times(500, () => store.appendAudit(audit('many'))));
          await put(later(day));
        };
        await append(2500);
        for (let part = 0; part < 5; part += 1) await append(500);
        assert.ok((await sweepAll(later(600 * day))) > 3);
        const end = (await store.auditHead()).number;
        assert.deepEqual(await kept(), [undefined, 0, end]);
        await store.appendAudit(audit('on'));
        assert.deepEqual(await kept(), [end + 1, 1, end]);
      }),
    );

    test(
      'a key that is added is there, with its event',
      settled(async (store) => {
        const key = { id: 'k3', purpose: 'audit', sealed: 'sealed-3', createdAt: noon, usedFrom: noon } as const;
        const addition = { key, after: null, others: 'stay', audit: [audit('keys-made')] } as const;
        assert.equal((await store.addKey(addition)).kind, 'added');
        assert.deepEqual((await store.keys()).at(-1), key);
        const filter = { event: 'keys-made', user: null, since: null, until: null };
        assert.equal((await store.auditEvents({ filter, before: null, limit: 9 })).events.length, 2);
        await assert.rejects(store.addKey({ ...addition, after: key }), StoreFault);
        assert.equal((await store.auditEvents({ filter, before: null, limit: 9 })).events.length, 2);
      }),
    );
  });
}
