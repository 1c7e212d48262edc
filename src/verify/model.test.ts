/**
 * The memories of three nodes over one store, driven at random against a model that knows the truth: look-ups that overlap
 * changes, messages that are lost, doubled and late, reads that fail and hang, clocks apart, boots that end, counters that
 * are set back. A run that fails prints its seed.
 *
 * API tokens are in it as sessions are: they outlive new passwords and boots, and end by being revoked, switched off or
 * given a new secret, whose old one may be good for a while.
 *
 * It was seen to fail when own changes move the number that was read up to, when freshness counts from the end of a read,
 * when a look-up that was overtaken is kept, when a message during a read leads to no further one, when a counter that was
 * set back forgets nothing, and when a new boot leaves the sessions of the one before in memory.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { digest } from '../crypto/digest.ts';
import type { Change, ChangeSubject, SessionRow, TokenRow, UserRow } from '../store/rows.ts';
import type { SessionLookup, TokenLookup } from '../store/store.ts';
import { unknownSecrets } from '../throttle/unknown-secrets.ts';
import type {
  Address,
  Clock,
  Digest,
  MaybePromise,
  Millis,
  Scope,
  Secret,
  Seq,
  SessionId,
  TokenId,
  UserId,
  Username,
} from '../types.ts';
import { type TokenProof, tokenVerifier } from './api-token.ts';
import { memory as makeMemory } from './memory.ts';
import { type SessionProof, sessionVerifier } from './session.ts';

const graceMs = 5000;
const pollMs = 1000;
const dayMs = 86_400_000;

/** A session or a secret of a token, and what is true of it. */
interface Truth {
  readonly token: Secret;
  /** Of a token as it stands in the store; null: it is gone from there, or this secret leads nowhere. */
  readonly is:
    | { readonly kind: 'session'; readonly row: SessionRow }
    | { readonly kind: 'token'; row: TokenRow | null };
  readonly digest: Digest;
  readonly userId: UserId;
  /** Empty where it outlives a boot. */
  readonly bootId: string;
  /** When the change that ended it was committed, with which number; by the world's time. */
  ended: { readonly at: number; readonly seq: number; readonly era: number } | null;
  /** Nodes whose operation has resolved: there it is over at once. */
  readonly overAt: Set<number>;
}

interface Pending {
  readonly node: number;
  readonly finish: (how: 'answers' | 'fails') => void;
}

/** Draws that a seed repeats. */
function dice(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function world(draw: (below: number) => number) {
  let time = 0;
  let seq = 0;
  let era = 0;
  let boot = 0;
  let changes: Change[] = [];
  /** How to take back what each number did: what a failover loses is lost whole. */
  let undos: { readonly seq: number; readonly undo: () => void }[] = [];
  const users = new Map<UserId, UserRow>();
  const truths: Truth[] = [];
  let pending: Pending[] = [];
  const cut = new Set<number>();

  /** Taken at once, answered later: whatever happens meanwhile has overtaken it. */
  const later = <T>(node: number, answer: T): Promise<T> =>
    new Promise((resolve, reject) => {
      pending.push({
        node,
        finish: (how) => (how === 'answers' ? resolve(answer) : reject(new Error('the store cannot be read'))),
      });
    });

  const nodes = [0, 1, 2].map((node) => {
    const clock: Clock = {
      now: () => (1_800_000_000_000 + time + (node - 1) * 40_000) as Millis,
      monotonic: () => time + node * 1_000_000,
    };
    /** Reads that have completed: when each began, and up to which number. */
    const reads: { readonly began: number; readonly seq: number; readonly era: number }[] = [{ began: time, seq, era }];
    const store = {
      userByName: () => Promise.reject(new Error('not asked for')),
      installation: () =>
        later(node, {
          kind: 'found',
          installation: { id: 'i', state: 'configured', bootId: `boot-${boot}`, canary: '' },
          seq: seq as Seq,
        } as const),
      sessionByDigest: (wanted: Digest): Promise<SessionLookup> => {
        const found = truths.find((each) => each.digest === wanted);
        const user = found && users.get(found.userId);
        return later<SessionLookup>(
          node,
          found?.is.kind !== 'session' || user === undefined || found.ended !== null
            ? { kind: 'unknown', seq: seq as Seq }
            : { kind: 'found', session: found.is.row, user, seq: seq as Seq },
        );
      },
      ticketHolder: () => Promise.reject(new Error('not asked for')),
      tokenByDigest: (wanted: Digest): Promise<TokenLookup> => {
        const found = truths.find((each) => each.digest === wanted);
        const user = found && users.get(found.userId);
        return later<TokenLookup>(
          node,
          found?.is.kind !== 'token' || found.is.row === null || user === undefined
            ? { kind: 'unknown', seq: seq as Seq }
            : { kind: 'found', token: found.is.row, user, seq: seq as Seq },
        );
      },
      changesSince: async (from: Seq) => {
        const began = time;
        const read = { seq, era };
        const answer = await later(
          node,
          from > seq
            ? ({ kind: 'lost', last: seq as Seq } as const)
            : ({ kind: 'changes', changes: changes.filter((each) => each.seq > from), last: seq as Seq } as const),
        );
        reads.push({ began, ...read });
        return answer;
      },
      touchSessions: () => Promise.resolve(),
      noteTokenUses: () => Promise.resolve(),
    };
    const memory = makeMemory({
      store,
      clock,
      staleGraceMs: graceMs,
      from: 0 as Seq,
      installation: { state: 'configured', bootId: 'boot-0' },
    });
    const verifier = sessionVerifier({
      kinds: new Map(),
      memory,
      store,
      clock,
      unknown: unknownSecrets(clock),
      over: () => Promise.resolve(),
      onFault: () => undefined,
    });
    const tokens = tokenVerifier({
      memory,
      store,
      clock,
      unknown: unknownSecrets(clock),
      over: () => assert.fail('no token is over by its time'),
    });
    /** Up to where all is known here since a message was followed: when it came, at which number. */
    const followed: typeof reads = [];
    const refresh = (): void => {
      const came = { began: time, seq, era };
      void memory.refresh().then(
        () => followed.push(came),
        () => undefined,
      );
    };
    return { node, clock, reads, followed, refresh, memory, verifier, tokens, polledAt: time };
  });

  const commit = (subjects: readonly ChangeSubject[]): readonly Change[] => {
    const made = subjects.map((subject): Change => ({ seq: (seq += 1) as Seq, subject }));
    changes.push(...made);
    return made;
  };

  return {
    nodes,
    truths,
    users,
    cut,
    commit,
    now: () => time,
    pending: () => pending,
    pass: (ms: number) => {
      time += ms;
    },
    /** The number of the last change, in which era: after the counter was set back numbers come again. */
    mark: () => ({ at: time, seq, era }),
    boot: () => `boot-${boot}`,
    nextBoot: () => {
      boot += 1;
    },
    lastBoot: () => {
      boot -= 1;
    },
    undoable: (undo: () => void) => {
      undos.push({ seq, undo });
    },
    /** As after a failover that lost the last few changes. */
    setBack: () => {
      seq = Math.max(0, seq - 3);
      era += 1;
      changes = changes.filter((each) => each.seq <= seq);
      for (const { undo } of undos.filter((each) => each.seq > seq).toReversed()) undo();
      undos = undos.filter((each) => each.seq <= seq);
    },
    finish: (which: (each: Pending) => 'answers' | 'fails' | 'waits') => {
      const [before, left]: [Pending[], Pending[]] = [pending, []];
      pending = [];
      for (const each of before) {
        const how = which(each);
        if (how === 'waits') left.push(each);
        else each.finish(how);
      }
      pending = [...left, ...pending];
    },
    draw,
  };
}

type World = ReturnType<typeof world>;

/** Until nothing more happens by itself. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) await Promise.resolve();
}

function openSession(at: World, userId: UserId, durable: 'durable' | 'volatile'): void {
  const user = at.users.get(userId);
  if (user === undefined || !user.active) return;
  const name = `${at.truths.length}`.padStart(43, 't');
  const createdAt = (1_800_000_000_000 + at.now()) as Millis;
  const bootId = durable === 'durable' ? '' : at.boot();
  addTruth(at, name, userId, bootId, {
    kind: 'session',
    row: {
      id: `s${name}` as SessionId,
      digest: digest(name),
      userId,
      kind: 'account',
      transport: 'bearer',
      credentialGeneration: user.credentialGeneration,
      bootId,
      parentId: null,
      origin: null,
      createdAt,
      lastSeenAt: createdAt,
      idleMs: 30 * dayMs,
      expiresAt: (createdAt + 30 * dayMs) as Millis,
      authenticatedAt: createdAt,
      address: '203.0.113.7' as Address,
      userAgent: '',
    },
  });
}

function addTruth(at: World, name: string, userId: UserId, bootId: string, is: Truth['is']): Truth {
  const truth: Truth = {
    token: name as Secret,
    is,
    digest: digest(name),
    userId,
    bootId,
    ended: null,
    overAt: new Set(),
  };
  at.truths.push(truth);
  at.undoable(() => {
    truth.ended = at.mark();
    if (truth.is.kind === 'token') truth.is.row = null;
  });
  return truth;
}

/** Without a time: it is over when somebody says so. Making one is a change, as looking for it before may have been kept. */
function makeToken(at: World, userId: UserId): void {
  const name = `${at.truths.length}`.padStart(43, 't');
  at.commit([{ kind: 'session', digest: digest(name) }]);
  addTruth(at, name, userId, '', {
    kind: 'token',
    row: {
      id: `t${name}` as TokenId,
      userId,
      digest: digest(name),
      previous: null,
      name: '',
      prefix: '',
      scopes: ['read:*' as Scope],
      addresses: [],
      perMinute: 600,
      perHour: 20_000,
      active: true,
      createdAt: 0 as Millis,
      expiresAt: null,
      lastUsedAt: null,
      lastUsedAddress: '',
      useCount: 0,
    },
  });
}

/** In one statement each: the row of every secret of that token as it is from now on. */
function setRow(at: World, id: TokenId, next: (row: TokenRow, truth: Truth) => TokenRow | null): void {
  for (const truth of at.truths) {
    const { is } = truth;
    if (is.kind !== 'token' || is.row?.id !== id) continue;
    const before = is.row;
    is.row = next(before, truth);
    at.undoable(() => {
      is.row = before;
    });
  }
}

/** Revoked, switched off, or given a new secret, with the old one good for a while or not. */
function changeToken(at: World, truth: Truth, node: number): (() => void) | undefined {
  const { is } = truth;
  if (is.kind !== 'token' || is.row === null || is.row.digest !== truth.digest || !is.row.active) return undefined;
  const { id, previous, userId } = is.row;
  const before = at.truths.filter(({ digest }) => digest === previous?.digest);
  const how = at.draw(4);
  const all = [truth, ...before];
  const subjects = all.map(({ digest }): ChangeSubject => ({ kind: 'session', digest }));
  if (how < 2) {
    const tell = end(at, all, subjects, node);
    setRow(at, id, (row) => (how === 0 ? null : { ...row, active: false }));
    return tell;
  }
  const name = `${at.truths.length}`.padStart(43, 't');
  const until = how === 2 ? null : ((1_900_000_000_000 + 10 * dayMs) as Millis);
  const rotated: TokenRow = {
    ...is.row,
    digest: digest(name),
    previous: until === null ? null : { digest: truth.digest, until },
  };
  const over = until === null ? all : before;
  const tell = end(at, over, [...subjects, { kind: 'session', digest: digest(name) }], node);
  setRow(at, id, (_row, each) => (over.includes(each) ? null : rotated));
  addTruth(at, name, userId, '', { kind: 'token', row: rotated });
  return tell;
}

/** Commits now; the node that asked for it is told when its answer comes, after others may have gone on. */
function end(at: World, over: readonly Truth[], subjects: readonly ChangeSubject[], node: number): () => void {
  const made = at.commit(subjects);
  const live = over.filter((each) => each.ended === null);
  for (const each of live) each.ended = at.mark();
  at.undoable(() => {
    for (const each of live) {
      each.ended = null;
      each.overAt.clear();
    }
  });
  return () => {
    at.nodes[node]?.memory.apply(made);
    for (const each of live) each.overAt.add(node);
  };
}

interface UseBegun {
  readonly truth: Truth;
  readonly node: number;
  readonly began: number;
  readonly readBefore: readonly { readonly began: number; readonly seq: number; readonly era: number }[];
  /** The end that this node had made or heard of itself by then; a failover may take it back before the answer. */
  readonly overHere: Truth['ended'];
}

/** What may not be, however it came about. */
function judge(at: World, begun: UseBegun, outcome: 'accepted' | 'refused' | 'failed', troubled: boolean): void {
  const { truth, node, began, readBefore, overHere } = begun;
  const { ended } = truth;
  const what = `${truth.is.kind} ${truth.token.slice(-3)} at node ${node}, begun at ${began}, now ${at.now()}`;
  if (outcome === 'accepted') {
    assert.ok(overHere === null || overHere !== ended, `${what}: accepted at the node that had ended it`);
    if (ended !== null && ended.at <= began) {
      const knew = readBefore.some((read) => read.era > ended.era || (read.era === ended.era && read.seq >= ended.seq));
      assert.ok(!knew, `${what}: accepted after its end was read`);
      assert.ok(began - ended.at < graceMs, `${what}: accepted ${began - ended.at} ms after its end`);
    }
    const reads = at.nodes[node]?.reads ?? [];
    const fresh = reads.some((read) => began - read.began < graceMs);
    assert.ok(fresh, `${what}: accepted by a node that has read nothing for ${graceMs} ms`);
  }
  if (outcome === 'refused' && ended === null && !troubled) assert.fail(`${what}: a living one was refused`);
}

async function run(seed: number, steps: number): Promise<{ accepted: number; refused: number }> {
  const draw = dice(seed);
  const at = world(draw);
  const tally = { accepted: 0, refused: 0 };
  const resolving: { readonly node: number; readonly tell: () => void }[] = [];
  const uses: Promise<void>[] = [];
  let failure: Error | undefined;
  for (const name of ['ada', 'bob', 'cy'])
    at.users.set(name as UserId, {
      id: name as UserId,
      username: name as Username,
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
    });
  /** Often what was used last: its look-up may still be under way. */
  let latest: Truth | undefined;
  const someTruth = (): Truth | undefined => (draw(2) === 0 ? latest : at.truths[draw(at.truths.length || 1)]);
  const anyUser = (): UserRow => [...at.users.values()][draw(3)] ?? assert.fail();
  /** Tokens outlive what their owner's sessions end by. */
  const ofUser = (userId: UserId): Truth[] =>
    at.truths.filter((each) => each.userId === userId && each.is.kind === 'session');

  const use = (truth: Truth, node: number): void => {
    const here = at.nodes[node] ?? assert.fail();
    const begun = {
      truth,
      node,
      began: at.now(),
      readBefore: [...here.reads, ...here.followed],
      overHere: truth.overAt.has(node) ? truth.ended : null,
    };
    const shown = {
      transport: 'bearer',
      sessionKind: undefined,
      use: 'looks',
      client: () => ({ address: '203.0.113.7' as Address, via: 'direct' as const }),
    } as const;
    const told = (proof: SessionProof | TokenProof): void => {
      const outcome = proof.kind === 'user' || proof.kind === 'token' ? 'accepted' : 'refused';
      tally[outcome] += 1;
      judge(at, begun, outcome, proof.kind === 'limited');
    };
    const proof: MaybePromise<SessionProof | TokenProof> =
      truth.is.kind === 'token'
        ? here.tokens.verify(truth.token, shown.client)
        : here.verifier.verify(truth.token, shown);
    if (!(proof instanceof Promise)) {
      told(proof);
      return;
    }
    uses.push(
      proof
        .then(told, (fault: unknown) => {
          if (fault instanceof assert.AssertionError) throw fault;
          judge(at, begun, 'failed', true);
        })
        .catch((fault: unknown) => {
          failure ??= fault as Error;
        }),
    );
  };

  const someNode = (): number => draw(3);
  for (let step = 0; step < steps; step += 1) {
    const node = someNode();
    switch (draw(16)) {
      case 0:
        makeToken(at, anyUser().id);
        break;
      case 1:
        openSession(at, anyUser().id, draw(3) === 0 ? 'volatile' : 'durable');
        break;
      case 2: {
        const truth = someTruth();
        if (truth === undefined || truth.ended !== null) break;
        const tell =
          truth.is.kind === 'token'
            ? changeToken(at, truth, node)
            : end(at, [truth], [{ kind: 'session', digest: truth.digest }], node);
        if (tell !== undefined) resolving.push({ node, tell });
        break;
      }
      case 3: {
        // A new password, or an account that is disabled and comes back: everything made before is over.
        const user = anyUser();
        at.users.set(user.id, { ...user, credentialGeneration: user.credentialGeneration + 1 });
        resolving.push({ node, tell: end(at, ofUser(user.id), [{ kind: 'user', userId: user.id }], node) });
        at.undoable(() => at.users.set(user.id, user));
        break;
      }
      case 4: {
        if (draw(4) > 0) break;
        at.nextBoot();
        const over = at.truths.filter(({ bootId }) => bootId !== '');
        resolving.push({ node, tell: end(at, over, [{ kind: 'installation' }], node) });
        at.undoable(at.lastBoot);
        break;
      }
      case 5: {
        // A message, or one that comes twice; others are lost.
        for (let times = 0; times <= draw(2); times += 1) at.nodes[node]?.refresh();
        break;
      }
      case 6:
        if (at.cut.has(node)) at.cut.delete(node);
        else if (draw(4) === 0) at.cut.add(node);
        break;
      case 7: {
        if (draw(8) > 0) break;
        // What is under way is from before; then every node reads, before the numbers come by again.
        while (at.pending().length > 0) {
          at.finish(() => 'fails');
          await settle();
        }
        resolving.length = 0;
        at.setBack();
        at.cut.clear();
        for (const each of at.nodes) each.refresh();
        for (let turn = 0; turn < 3; turn += 1) {
          at.finish(() => 'answers');
          await settle();
        }
        break;
      }
      case 8:
      case 9:
        at.pass(draw(draw(4) === 0 ? 4000 : 400));
        break;
      case 10:
        resolving.splice(draw(resolving.length || 1), 1)[0]?.tell();
        break;
      case 11:
      case 12:
        at.finish((each) =>
          at.cut.has(each.node) ? (draw(2) === 0 ? 'fails' : 'waits') : draw(3) === 0 ? 'waits' : 'answers',
        );
        break;
      default: {
        const truth = someTruth();
        if (truth !== undefined) use((latest = truth), node);
      }
    }
    for (const each of at.nodes)
      if (at.now() - each.polledAt >= pollMs) {
        each.polledAt = at.now();
        each.refresh();
      }
    await settle();
    if (failure !== undefined) throw failure;
  }
  for (let turn = 0; turn < 6; turn += 1) {
    at.finish(() => 'answers');
    await settle();
  }
  await Promise.all(uses);
  if (failure !== undefined) throw failure;
  return tally;
}

test('three nodes never take what is over for long, at once where it was ended, and refuse nobody else', async () => {
  const seen = { accepted: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 31 }), async (seed) => {
      const { accepted, refused } = await run(seed, 400);
      seen.accepted += accepted;
      seen.refused += refused;
    }),
    { numRuns: 120 },
  );
  // Else it would have shown nothing.
  assert.ok(seen.accepted > 1000 && seen.refused > 1000, JSON.stringify(seen));
});
