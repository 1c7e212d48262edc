import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Change, SessionRow, UserRow } from '../store/rows.ts';
import type { SessionLookup, Store, TokenLookup } from '../store/store.ts';
import type { Address, Clock, Millis, Secret, Seq, SessionId, UserId, Username } from '../types.ts';
import { digest } from '../crypto/digest.ts';
import { memory as makeMemory } from './memory.ts';
import { unknownSecrets } from '../throttle/unknown-secrets.ts';
import { sessionVerifier, type Shown } from './session.ts';

const token = 'a'.repeat(43) as Secret;
const key = digest(token);

const userRow: UserRow = {
  id: 'u' as UserId,
  username: 'alice' as Username,
  displayName: '',
  email: '',
  privileges: [],
  groups: [],
  active: true,
  sealedPassword: '',
  sealedTotp: '',
  passkeys: 0,
  passwordLength: 'full',
  passwordStanding: 'own',
  realm: 'local',
  disabledBy: '',
  ticketGeneration: 0,
  credentialGeneration: 1,
  createdAt: 0 as Millis,
};
const sessionRow: SessionRow = {
  id: 's' as SessionId,
  digest: key,
  userId: userRow.id,
  kind: 'account',
  transport: 'cookie',
  credentialGeneration: 1,
  bootId: '',
  parentId: null,
  origin: null,
  createdAt: 0 as Millis,
  lastSeenAt: 0 as Millis,
  idleMs: 3_600_000,
  expiresAt: 100_000_000 as Millis,
  authenticatedAt: 0 as Millis,
  address: '127.0.0.1' as Address,
  userAgent: '',
};

/** A store of one session, whose look-ups and changes the test lets through when it likes. */
function stage() {
  let time = 1000;
  const clock: Clock & { pass(ms: number): void } = {
    now: () => time as Millis,
    monotonic: () => time,
    pass: (ms) => void (time += ms),
  };
  const state = {
    seq: 0,
    session: sessionRow as SessionRow | undefined,
    user: userRow,
    lookups: 0,
    reads: 0,
    broken: false,
    over: 0,
    touched: [] as { id: string; lastSeenAt: number }[],
  };
  let gate: Promise<void> = Promise.resolve();
  const store: Pick<
    Store,
    | 'userByName'
    | 'installation'
    | 'sessionByDigest'
    | 'tokenByDigest'
    | 'ticketHolder'
    | 'changesSince'
    | 'touchSessions'
  > = {
    userByName: () => Promise.resolve({ kind: 'found', user: state.user, seq: state.seq as Seq }),
    installation: () =>
      Promise.resolve({
        kind: 'found',
        installation: { id: 'i', state: 'configured', bootId: 'b', canary: '' },
        seq: state.seq as Seq,
      }),
    sessionByDigest: async (wanted): Promise<SessionLookup> => {
      state.lookups += 1;
      if (state.broken) throw new Error('no store');
      const seq = state.seq as Seq;
      const found = state.session;
      const { user } = state;
      await gate;
      return found && wanted === found.digest ? { kind: 'found', session: found, user, seq } : { kind: 'unknown', seq };
    },
    ticketHolder: () => Promise.reject(new Error('not asked for')),
    tokenByDigest: () => Promise.resolve({ kind: 'unknown', seq: state.seq as Seq }),
    changesSince: async () => {
      state.reads += 1;
      if (state.broken) throw new Error('no store');
      return { kind: 'changes', changes: [], last: state.seq as Seq };
    },
    touchSessions: async (touches) => void state.touched.push(...touches),
  };
  const memory = makeMemory({
    store,
    clock,
    staleGraceMs: 5000,
    from: 0 as Seq,
    installation: { state: 'configured', bootId: 'b' },
  });
  const verifier = sessionVerifier({
    kinds: new Map(),
    memory,
    store,
    clock,
    unknown: unknownSecrets(clock),
    over: () => {
      state.over += 1;
      return Promise.resolve();
    },
    onFault: (fault) => assert.fail(String(fault)),
  });
  const change = (...subjects: Change['subject'][]): void =>
    memory.apply(subjects.map((subject) => ({ seq: (state.seq += 1) as Seq, subject })));
  const holdLookups = (): (() => void) => {
    let release: () => void = () => undefined;
    gate = new Promise((resolve) => {
      release = resolve;
    });
    return release;
  };
  const verify = async () => (await verifier.verify(token, shown('cookie', 'account', 'counts'))).kind;
  return { clock, state, memory, verifier, change, holdLookups, verify };
}

const shown = (transport: Shown['transport'], sessionKind: string | undefined, use: Shown['use']): Shown => ({
  transport,
  sessionKind,
  use,
  client: () => ({ address: '203.0.113.7' as Address, via: 'direct' }),
});

const userChange = { kind: 'user', userId: userRow.id } as const;
const sessionChange = { kind: 'session', digest: key } as const;

test('a known session is answered at once, without a promise and without the store', async () => {
  const { verifier, state } = stage();
  assert.equal((await verifier.verify(token, shown('cookie', 'account', 'counts'))).kind, 'user');
  const again = verifier.verify(token, shown('cookie', 'account', 'counts'));
  assert.equal(again instanceof Promise, false);
  assert.equal(state.lookups, 1);
});

test('a session that is over by its time is reported, so that it stays over; one that lives is not', async () => {
  const idle = stage();
  assert.equal(await idle.verify(), 'user');
  assert.equal(idle.state.over, 0);
  idle.clock.pass(sessionRow.idleMs);
  assert.equal(await idle.verify(), 'rejected');
  assert.equal(idle.state.over, 1);
  const expired = stage();
  expired.state.session = { ...sessionRow, expiresAt: sessionRow.createdAt };
  assert.equal(await expired.verify(), 'rejected');
  assert.equal(expired.state.over, 1);
});

test('a user who was signed out everywhere at another node is as of now, before that change is read here', async () => {
  const { state, memory, verify } = stage();
  assert.equal(await verify(), 'user');
  state.seq += 1;
  state.user = { ...userRow, ticketGeneration: 1 };
  const loaded = await memory.loadUser(userRow.username);
  assert.ok(loaded.kind === 'user');
  assert.equal(loaded.user.row.ticketGeneration, 1, 'a ticket that was given for the row before would be dead');
});

test('what is barred is unknown, known or not, until the bar is lifted; others go on', async () => {
  const { memory, state, verify } = stage();
  assert.equal(await verify(), 'user');
  const lift = memory.bar((held) => held.sessionId === sessionRow.id);
  assert.equal(await verify(), 'rejected');
  const other = memory.bar((held) => held.sessionId !== sessionRow.id);
  lift();
  assert.equal(await verify(), 'user');
  other();
  assert.equal(state.over, 0);
});

test('an unknown token is looked up every time and never kept', async () => {
  const { verifier, state, memory } = stage();
  for (let at = 0; at < 3; at += 1)
    assert.equal(
      (await verifier.verify('b'.repeat(43) as Secret, shown('cookie', 'account', 'counts'))).kind,
      'rejected',
    );
  assert.deepEqual([state.lookups, memory.size], [3, 0]);
});

test('the wrong transport, kind, boot, generation and a disabled user are refused, known or not', async () => {
  for (const [transport, kind] of [
    ['bearer', undefined],
    ['cookie', 'admin'],
  ] as const) {
    const { verifier } = stage();
    for (let at = 0; at < 2; at += 1)
      assert.equal((await verifier.verify(token, shown(transport, kind, 'counts'))).kind, 'rejected');
  }
  for (const [session, user] of [
    [{ ...sessionRow, bootId: 'earlier' }, userRow],
    [{ ...sessionRow, credentialGeneration: 0 }, userRow],
    [sessionRow, { ...userRow, credentialGeneration: 2 }],
    [sessionRow, { ...userRow, active: false }],
  ] as const) {
    const house = stage();
    house.state.session = session;
    house.state.user = user;
    for (let at = 0; at < 2; at += 1) assert.equal(await house.verify(), 'rejected');
  }
});

for (const [name, subject] of [
  ['its session', sessionChange],
  ['its user', userChange],
] as const) {
  test(`a change of ${name} sends the next request to the store`, async () => {
    const { verify, state, change } = stage();
    await verify();
    state.session = undefined;
    assert.equal(await verify(), 'user');
    change(subject);
    assert.equal(await verify(), 'rejected');
  });

  test(`a look-up that a change of ${name} overtakes is not kept`, async () => {
    const { verify, state, change, holdLookups, memory } = stage();
    const release = holdLookups();
    const asking = verify();
    await new Promise((resolve) => setImmediate(resolve));
    state.session = undefined;
    change(subject);
    release();
    await asking;
    assert.equal(memory.size, 0);
    assert.equal(await verify(), 'rejected');
  });
}

test('idle time is decided after a fresh read: another node may have seen the person', async () => {
  const { verify, state, clock } = stage();
  await verify();
  clock.pass(3_600_001);
  state.session = { ...sessionRow, lastSeenAt: clock.now() };
  assert.equal(await verify(), 'user');
  clock.pass(3_600_000);
  assert.equal(await verify(), 'rejected');
});

test('the absolute end is kept to the millisecond', async () => {
  const { verify, state, clock } = stage();
  state.session = { ...sessionRow, idleMs: 200_000_000 };
  clock.pass(99_998_999);
  assert.equal(await verify(), 'user');
  clock.pass(1);
  assert.equal(await verify(), 'rejected');
});

test('use is written at most once a minute', async () => {
  const { verify, state, clock, verifier } = stage();
  await verify();
  for (let second = 0; second < 180; second += 1) {
    clock.pass(1000);
    await verify();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await verifier.flush();
  assert.equal(state.touched.length, 3);
});

test('after the grace without news nothing is answered from memory; without a store nothing at all', async () => {
  const { verify, state, clock, memory } = stage();
  await verify();
  clock.pass(4999);
  await verify();
  assert.equal(state.reads, 0);
  clock.pass(1);
  assert.equal(await verify(), 'user');
  assert.equal(state.reads, 1);
  clock.pass(5000);
  state.broken = true;
  await assert.rejects(verify(), /no store/);
  await assert.rejects(async () => memory.state(), /no store/);
});

test('a look-up that our own change overtook is not kept, however many changes of others push that out of memory', async () => {
  let answer: (found: SessionLookup) => void = () => undefined;
  const change = (seq: number, digest: string): Change => ({
    seq: seq as Seq,
    subject: { kind: 'session', digest: digest as SessionRow['digest'] },
  });
  const changes = Array.from({ length: 4500 }, (_, at) => change(at + 1, `other-${at}`));
  const ended = change(4501, key);
  const store: Pick<
    Store,
    'userByName' | 'installation' | 'sessionByDigest' | 'tokenByDigest' | 'ticketHolder' | 'changesSince'
  > = {
    userByName: () => Promise.reject(new Error('not asked for')),
    installation: () => Promise.reject(new Error('not asked for')),
    sessionByDigest: () => new Promise((resolve) => (answer = resolve)),
    ticketHolder: () => Promise.reject(new Error('not asked for')),
    tokenByDigest: () => Promise.resolve({ kind: 'unknown', seq: 0 as Seq }),
    changesSince: () => Promise.resolve({ kind: 'changes', changes: [...changes, ended], last: 4501 as Seq }),
  };
  const memory = makeMemory({
    store,
    clock: { now: () => 0 as Millis, monotonic: () => 0 },
    staleGraceMs: 5000,
    from: 0 as Seq,
    installation: { state: 'configured', bootId: 'b' },
  });
  const loading = memory.load(key);
  memory.apply([ended]);
  await memory.refresh();
  answer({ kind: 'found', session: sessionRow, user: userRow, seq: 4500 as Seq });
  await loading;
  assert.equal(memory.recall(key).kind, 'not-known');
});

test('that there is no such token is remembered until one is made, also while it is looked for', async () => {
  let asked = 0;
  let answer: (found: TokenLookup) => void = () => undefined;
  const made: Change = { seq: 7 as Seq, subject: { kind: 'session', digest: key } };
  const memory = makeMemory({
    store: {
      userByName: () => Promise.reject(new Error('not asked for')),
      installation: () => Promise.reject(new Error('not asked for')),
      sessionByDigest: () => Promise.resolve({ kind: 'unknown', seq: 0 as Seq }),
      ticketHolder: () => Promise.reject(new Error('not asked for')),
      tokenByDigest: () => {
        asked += 1;
        return new Promise((resolve) => (answer = resolve));
      },
      changesSince: () => Promise.resolve({ kind: 'changes', changes: [], last: 7 as Seq }),
    },
    clock: { now: () => 0 as Millis, monotonic: () => 0 },
    staleGraceMs: 5000,
    from: 0 as Seq,
    installation: { state: 'configured', bootId: 'b' },
  });
  const look = async (seq: number, meanwhile: () => void): Promise<string> => {
    const loading = memory.loadToken(key);
    meanwhile();
    answer({ kind: 'unknown', seq: seq as Seq });
    await loading;
    return memory.recallToken(key).kind;
  };
  assert.equal(memory.recallToken(key).kind, 'not-known');
  assert.equal(await look(6, () => undefined), 'unknown');
  memory.apply([made]);
  assert.equal(memory.recallToken(key).kind, 'not-known');
  // Read before it was made, and heard of after.
  assert.equal(await look(6, () => undefined), 'not-known');
  assert.equal(await look(8, () => undefined), 'unknown');
  memory.apply([{ ...made, seq: 9 as Seq }]);
  assert.equal(await look(8, () => memory.apply([{ ...made, seq: 10 as Seq }])), 'not-known');
  assert.equal(asked, 4);
  // A counter that went back is another one: nothing of before holds.
  assert.equal(await look(10, () => undefined), 'unknown');
  await memory.refresh();
  assert.equal(memory.recallToken(key).kind, 'not-known');
});

test('whatever order look-ups and changes come in, an ended session is not answered once its change was applied', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom('ask', 'hold', 'release', 'end', 'touch-user'), { maxLength: 30 }),
      async (steps) => {
        const { verify, state, change, holdLookups } = stage();
        let release: () => void = () => undefined;
        const asked: Promise<unknown>[] = [];
        for (const step of steps) {
          switch (step) {
            case 'ask':
              asked.push(verify());
              break;
            case 'hold':
              release();
              release = holdLookups();
              break;
            case 'release':
              release();
              break;
            case 'end':
              state.session = undefined;
              change(sessionChange);
              break;
            case 'touch-user':
              change(userChange);
              break;
          }
          await new Promise((resolve) => setImmediate(resolve));
        }
        release();
        await Promise.all(asked);
        if (state.session === undefined) assert.equal(await verify(), 'rejected');
        else assert.equal(await verify(), 'user');
      },
    ),
    { numRuns: 200 },
  );
});
