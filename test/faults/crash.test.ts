/**
 * F-01: `kill -9` at any point of mixed load. After each of 200 restarts: every acknowledged write is there, nothing that
 * works once works twice, nobody ended lives again, the database is whole, and the first answer comes within 5 s.
 */
import assert from 'node:assert/strict';
import { mkdir, rm } from 'node:fs/promises';
import type { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { type Got, send } from '../support/client.ts';
import { askForTicket, cookieOf, credential, loadWorker, redeem, signInWithToken } from '../support/crash-load.ts';
import { CrashModel, type KeptOnce, type KeptSession } from '../support/crash-model.ts';
import { assertChain, withCopy } from '../support/database.ts';
import { type Dice, diceFor } from '../support/dice.ts';
import { startEcho } from '../support/echo.ts';
import { ownTime } from '../support/own-time.ts';
import { admin, setUp } from '../support/people.ts';
import { type RunningServer, startServer, type StartOptions, temporaryFolder } from '../support/server.ts';

/** As many as run side by side on a small machine: a restart that waits for its neighbours proves nothing. */
const lanes = 2;
const roundsPerLane = 100;
const firstRunsPerLane = 12;
const restartMs = 5000;
/** Where the owner of the account comes from to put things right: nothing of the load may use up what it is allowed. */
const home = '127.66.0.1';
/** Nothing gives way to a cap: what is gone was ended. */
const args = ['--session-account-cap', '10000', '--log-level', 'error'];

async function killed(server: RunningServer): Promise<void> {
  const { exitCode, signalCode } = server.process;
  if (exitCode !== null || signalCode !== null) return;
  const exited = new Promise((resolve) => server.process.once('exit', resolve));
  server.process.kill('SIGKILL');
  await exited;
}

interface Restarted {
  readonly server: RunningServer;
  readonly status: Got;
  readonly tookMs: number;
}

async function restart(data: string, more: StartOptions = {}): Promise<Restarted> {
  const time = await ownTime();
  const server = await startServer({ data, args, ...more });
  try {
    const status = await send(`${server.console}/api/auth/status`);
    assert.equal(status.status, 200, status.text);
    const tookMs = await time(server.process.pid);
    assert.ok(tookMs <= restartMs, `the first answer came after ${Math.round(tookMs)} ms`);
    return { server, status, tookMs };
  } catch (fault) {
    await killed(server);
    throw fault;
  }
}

/** Every acknowledged event is in the audit log, every acknowledged sign-in and refusal among the attempts. */
function checkHistory(db: DatabaseSync, model: CrashModel): void {
  assertChain(db);
  const count = (sql: string, value: string): number => Number(Object.values(db.prepare(sql).get(value) ?? {})[0]);
  for (const [event, acknowledged] of model.events) {
    const written = count('SELECT count(*) FROM audit WHERE event = ?', event);
    assert.ok(written >= acknowledged, `audit: ${written} of ${acknowledged} ${event}`);
  }
  const attempts = count('SELECT coalesce(sum(count), 0) FROM attempts WHERE result = ?', 'ok');
  assert.ok(attempts >= (model.events.get('signed-in') ?? 0), `attempts: ${attempts}`);
  const refused = count('SELECT coalesce(sum(count), 0) FROM attempts WHERE result <> ?', 'ok');
  assert.ok(refused >= (model.events.get('sign-in-refused') ?? 0), `refused attempts: ${refused}`);
}

async function standingOf(server: RunningServer, session: KeptSession): Promise<'live' | 'dead'> {
  if (session.kind === 'app') {
    const got = await send(`${server.application}/`, { headers: credential(session) });
    assert.ok(got.status === 200 || got.status === 401, got.text);
    return got.status === 200 ? 'live' : 'dead';
  }
  const got = await send(`${server.console}/api/auth/status`, { headers: credential(session) });
  assert.equal(got.status, 200, got.text);
  return got.json['authenticated'] === true ? 'live' : 'dead';
}

/** Finds out which of the passwords it is now; only one that was asked for may be. */
async function settlePassword(server: RunningServer, model: CrashModel): Promise<void> {
  const signIn = (password: string): Promise<Got> =>
    send(`${server.console}/api/auth/login`, { from: home, body: { username: admin.username, password } });
  for (const password of model.passwords.toReversed()) {
    const begun = model.now();
    const got = await signIn(password);
    if (got.status === 401 && model.passwords.length > 1) continue;
    assert.equal(got.status, 200, `the password is gone: ${got.text}`);
    model.count('signed-in');
    model.passwords = [password];
    const token = String(got.json['token']);
    model.opened({ transport: 'bearer', kind: 'account', token, csrf: '', parent: null, begun });
    const old = model.oldPasswords.splice(0).at(-1);
    if (old !== undefined && old !== password) assert.equal((await signIn(old)).status, 401, 'an old password works');
    return;
  }
  assert.fail('no password works');
}

/** Still well within its life. */
const young = ({ madeAt }: KeptOnce, seconds: number): boolean => performance.now() - madeAt < seconds * 1000;

/** Everything the model knows, held against the server. */
async function checkModel({ server, status }: Restarted, model: CrashModel, dice: Dice): Promise<void> {
  const off = status.json['auth_enabled'] !== true;
  assert.equal(status.json['auth_configured'], true, 'set-up was forgotten');
  assert.ok(model.states.includes(off ? 'off' : 'configured'), `state ${status.text}, expected ${model.states.join()}`);

  // What works once, before anything else is asked: some of it lives for seconds only.
  const password = model.passwords.length === 1 ? model.password : 'whatever it may be now';
  await Promise.all(
    [...model.loginTokens].map(async (once) => {
      const first = await signInWithToken(server, once, password);
      if (once.use === 'used') assert.equal(first.json['error_code'], 'login_token_invalid', 'used twice');
      else if (once.use === 'none' && model.passwords.length === 1 && young(once, 20))
        assert.equal(first.status, 200, first.text);
      if (first.status === 200) model.count('signed-in');
      const second = await signInWithToken(server, once, password);
      assert.equal(second.json['error_code'], 'login_token_invalid', `${once.use}, and again`);
    }),
  );
  if (model.passwords.length > 1) await settlePassword(server, model);
  if (off) {
    const on = await send(`${server.console}/api/auth/enable`, {
      from: home,
      body: { username: admin.username, password: model.password },
    });
    assert.equal(on.status, 200, on.text);
    model.count('authentication-enabled');
  }
  model.states = ['configured'];

  const made: KeptSession[] = [];
  await Promise.all(
    [...model.tickets].map(async (ticket) => {
      const expected = model.expectedTicket(ticket);
      const begun = model.now();
      const first = await redeem(server, ticket.value);
      if (expected === 'dead') assert.equal(first.status, 401, `a ticket (${ticket.use}) works again`);
      if (expected === 'live' && young(ticket, 45)) assert.equal(first.status, 302, `a ticket is lost: ${first.text}`);
      if (first.status === 302) {
        model.count('handed-over');
        const token = cookieOf(first, 'sallyport-app');
        made.push(model.opened({ transport: 'cookie', kind: 'app', token, csrf: '', parent: ticket.session, begun }));
      }
      assert.equal((await redeem(server, ticket.value)).status, 401, 'a ticket works twice');
    }),
  );

  const seen = new Map<KeptSession, 'live' | 'dead'>();
  await Promise.all(
    [...model.sessions].map(async (session) => {
      const expected = model.expected(session);
      const standing = await standingOf(server, session);
      seen.set(session, standing);
      if (expected !== 'either')
        assert.equal(standing, expected, `${session.kind} session by ${session.transport}, end ${session.end}`);
    }),
  );
  // An `app` session lives as long as its parent.
  for (const session of made)
    if (session.parent !== null && seen.get(session.parent) === 'dead') assert.equal(seen.get(session), 'dead');
  const ended = [...model.ended];
  const sample = ended.length <= 40 ? ended : Array.from({ length: 40 }, () => dice.pick([ended[0]!, ...ended]));
  await Promise.all(
    sample.map(async (session) => assert.equal(await standingOf(server, session), 'dead', 'an ended session lives')),
  );
  model.settle(seen);
  // Bounded: the oldest are ended and forgotten, so that a round stays as short as the first.
  for (const session of [...model.sessions].slice(0, -60)) model.sessions.delete(session);
  for (const session of ended.slice(0, -200)) model.ended.delete(session);
  await liftLimits(server, model);
}

/** Old passwords and what is refused on purpose count like anybody's: another round is not to be held to them. */
async function liftLimits(server: RunningServer, model: CrashModel): Promise<void> {
  const begun = model.now();
  const got = await send(`${server.console}/api/auth/login`, {
    from: home,
    body: { username: admin.username, password: model.password },
  });
  assert.equal(got.status, 200, got.text);
  model.count('signed-in');
  const token = String(got.json['token']);
  model.opened({ transport: 'bearer', kind: 'account', token, csrf: '', parent: null, begun });
  const headers = { authorization: `Bearer ${token}` };
  const lifted = await send(`${server.console}/api/auth/blocks`, { method: 'DELETE', headers });
  assert.equal(lifted.status, 200, lifted.text);
}

interface Figures {
  rounds: number;
  acknowledged: number;
  worstRestartMs: number;
}

async function underLoad(lane: number, dice: Dice, figures: Figures): Promise<void> {
  const echo = await startEcho();
  const model = new CrashModel(admin.password);
  // An address of its own: tickets and sessions name the application's origin, which has to be the same after a restart.
  const appListen = `127.77.${lane}.${(process.pid % 250) + 1}:20477`;
  const first = await startServer({ upstream: echo.url, appListen, args });
  const { data } = first;
  let server = first;
  try {
    const made = await setUp(first);
    model.opened({
      transport: 'bearer',
      kind: 'account',
      token: String(made.json['token']),
      csrf: '',
      parent: null,
      begun: model.now(),
    });
    for (let round = 0; round < roundsPerLane; round += 1) {
      const odd: string[] = [];
      const load = { over: false };
      const workers = Array.from({ length: 8 }, async (_, index) => {
        const work = loadWorker({ server, model, dice: dice.branch(round * 8 + index) });
        while (!load.over) {
          try {
            const told = await work();
            if (told !== '') odd.push(told);
          } catch (fault) {
            if (!load.over) odd.push(String(fault));
            return;
          }
        }
      });
      await pause(dice.between(20, 300));
      load.over = true;
      await killed(server);
      await Promise.all(workers);
      assert.deepEqual(odd, [], 'answers that fit no rule');
      await withCopy(data, (db) => checkHistory(db, model));
      const restarted = await restart(data, { upstream: echo.url, appListen, standing: 'set-up' });
      ({ server } = restarted);
      figures.rounds += 1;
      figures.worstRestartMs = Math.max(figures.worstRestartMs, restarted.tookMs);
      await checkModel(restarted, model, dice);
    }
    figures.acknowledged += [...model.events.values()].reduce((sum, each) => sum + each, 0);
    // The check of tickets above is only worth something while tickets can be had.
    assert.ok((model.events.get('handed-over') ?? 0) > 0);
    const [session] = [...model.sessions].filter((each) => each.transport === 'cookie' && each.kind === 'account');
    if (session !== undefined) assert.equal((await askForTicket(server, session)).status, 302);
  } finally {
    await killed(server);
    await rm(data, { recursive: true, force: true });
    await echo.close();
  }
}

/** The setup code works once, whoever is struck down while using it. */
async function firstRun(dice: Dice, figures: Figures): Promise<void> {
  const data = await temporaryFolder();
  await mkdir(data, { recursive: true });
  let server = await startServer({ data, args });
  try {
    const code = server.setupCode;
    const people = Array.from({ length: 4 }, (_, index) => `root${index}`);
    const setUpAs = (target: RunningServer, setup_code: string, username: string): Promise<Got> =>
      send(`${target.console}/api/auth/setup`, { body: { setup_code, username, password: admin.password } });
    const declined = send(`${server.console}/api/auth/decline`, { body: { setup_code: code } });
    const asked = [
      ...(dice.between(0, 1) === 0 ? [declined] : []),
      ...people.map((name) => setUpAs(server, code, name)),
    ];
    void declined.catch(() => undefined);
    const settled = Promise.allSettled(asked);
    await pause(dice.between(5, 200));
    await killed(server);
    const answers = (await settled).map((each) => (each.status === 'fulfilled' ? each.value.status : 0));
    const created = answers.filter((each) => each === 201).length;
    assert.ok(created <= 1, `${created} were told that they are the first admin`);

    await withCopy(data, (db) => {
      const users = Number(db.prepare('SELECT count(*) AS users FROM users').get()?.['users']);
      assert.ok(users <= 1 && users >= created, `${users} users, ${created} acknowledged`);
    });
    const restarted = await restart(data);
    ({ server } = restarted);
    figures.rounds += 1;
    figures.worstRestartMs = Math.max(figures.worstRestartMs, restarted.tookMs);
    const configured = restarted.status.json['auth_configured'] === true;
    if (created === 1) assert.ok(configured, 'an acknowledged set-up is gone');
    const again = await setUpAs(server, code, 'late');
    assert.equal(again.status, 403, 'a setup code of before the crash works');
    if (configured) {
      assert.equal(server.setupCode, '');
      const signedIn = await Promise.all(
        people.map((username) =>
          send(`${server.console}/api/auth/login`, { body: { username, password: admin.password } }),
        ),
      );
      assert.equal(signedIn.filter((each) => each.status === 200).length, 1, 'there is one admin');
    } else {
      assert.notEqual(server.setupCode, '');
      const results = await Promise.all(people.map((name) => setUpAs(server, server.setupCode, name)));
      assert.deepEqual(
        results.map((each) => each.status).sort((one, other) => one - other),
        [201, 403, 403, 403],
      );
    }
  } finally {
    await killed(server);
    await rm(data, { recursive: true, force: true });
  }
}

describe('F-01: kill -9 under load', { concurrency: true }, () => {
  const dice = diceFor('kill -9 under load');
  const figures: Figures = { rounds: 0, acknowledged: 0, worstRestartMs: 0 };
  const began = performance.now();

  for (let lane = 0; lane < lanes; lane += 1) {
    it(`lane ${lane + 1}: ${roundsPerLane} rounds of mixed load, ${firstRunsPerLane} first runs`, async () => {
      await underLoad(lane, dice.branch(lane), figures);
      for (let run = 0; run < firstRunsPerLane; run += 1) await firstRun(dice.branch(1000 + lane * 100 + run), figures);
      console.log(
        `${figures.rounds} rounds so far, ${figures.acknowledged} acknowledged changes, worst restart ${Math.round(figures.worstRestartMs)} ms, ${Math.round((performance.now() - began) / 1000)} s`,
      );
    });
  }
});
