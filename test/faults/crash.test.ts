/**
 * F-01: killed at any moment under mixed load, 200 times. What was acknowledged is there, what was ended stays ended, what
 * works once has worked at most once, and the next start answers within seconds. The model is made of answers alone: what was
 * asked and not answered may have happened or not, but then it stays as it is.
 */
import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { browser, type Got, send } from '../support/client.ts';
import { startEcho } from '../support/echo.ts';
import { admin, setUp } from '../support/people.ts';
import { type Chance, chance } from '../support/chance.ts';
import { type RunningServer, startServer, temporaryFolder } from '../support/server.ts';

const rounds = 100;
const restartMs = 5000;
const navigation = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'none' };

/** What answers have promised. */
interface Model {
  password: string;
  /** A change that was asked for and not answered: the next sign-in tells. */
  passwordMaybe: string | undefined;
  /** Sessions by token. `asked`: its end was asked for and not answered. */
  readonly sessions: Map<string, 'alive' | 'asked' | 'ended'>;
  /** Login tokens that a sign-in was answered for. */
  readonly usedLoginTokens: { cookie: string; token: string }[];
  /** Hand-over tickets that were exchanged for a session. */
  readonly usedTickets: { path: string; cookie: string }[];
  signIns: number;
}

const bearer = (token: string): { authorization: string } => ({ authorization: `Bearer ${token}` });

/** One request whose answer may never come. */
async function ask(url: string, sent: Parameters<typeof send>[1]): Promise<Got | 'no-answer'> {
  return send(url, sent).catch(() => 'no-answer' as const);
}

class Actor {
  readonly #server: RunningServer;
  readonly #model: Model;
  readonly #chance: Chance;

  constructor(server: RunningServer, model: Model, dice: Chance) {
    this.#server = server;
    this.#model = model;
    this.#chance = dice;
  }

  async act(): Promise<void> {
    const { sessions } = this.#model;
    const alive = [...sessions].filter(([, state]) => state === 'alive').map(([token]) => token);
    const dice = this.#chance.below(100);
    if (alive.length < 6 || dice < 35) await this.signIn();
    else if (dice < 55) await this.signOut(this.#chance.pick(alive));
    else if (dice < 70) await this.endOther(this.#chance.pick(alive));
    else if (dice < 85) await this.signInWithCookies();
    else await this.handOver();
  }

  async signIn(): Promise<void> {
    const body = { ...admin, password: this.#model.password };
    const got = await ask(`${this.#server.console}/api/auth/login`, { body });
    if (got === 'no-answer') return;
    // Under load the queue may be full; that is an answer, and nothing happened.
    if (got.status === 503) return;
    assert.equal(got.status, 200, got.text);
    this.#model.sessions.set(String(got.json['token']), 'alive');
    this.#model.signIns += 1;
  }

  async signOut(token: string): Promise<void> {
    if (this.#model.sessions.get(token) !== 'alive') return;
    this.#model.sessions.set(token, 'asked');
    const got = await ask(`${this.#server.console}/api/auth/logout`, { method: 'POST', headers: bearer(token) });
    if (got !== 'no-answer' && got.status === 200) this.#model.sessions.set(token, 'ended');
  }

  /** One session ends another, found in the list by being the other one's current. */
  async endOther(token: string): Promise<void> {
    const { sessions } = this.#model;
    if (sessions.get(token) !== 'alive') return;
    sessions.set(token, 'asked');
    const list = await ask(`${this.#server.console}/api/auth/sessions`, { headers: bearer(token) });
    if (list === 'no-answer' || list.status !== 200) return;
    const own = (list.json['sessions'] as { id: string; current: boolean }[]).find(({ current }) => current);
    const other = [...sessions].find(([each, state]) => state === 'alive' && each !== token)?.[0];
    if (other === undefined || own === undefined) return void sessions.set(token, 'alive');
    const got = await ask(`${this.#server.console}/api/auth/sessions/${own.id}`, {
      method: 'DELETE',
      headers: bearer(other),
    });
    if (got !== 'no-answer' && got.status === 200) sessions.set(token, 'ended');
  }

  async signInWithCookies(): Promise<void> {
    const person = browser(this.#server.console);
    const prepared = await person.page('/api/auth/login/prepare', { method: 'POST' }).catch(() => undefined);
    if (prepared?.status !== 200) return;
    const token = String(prepared.json['login_token']);
    const cookie = [...person.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const body = { ...admin, password: this.#model.password, login_token: token };
    const got = await person.page('/api/auth/login', { body }).catch(() => undefined);
    if (got?.status !== 200) return;
    this.#model.usedLoginTokens.push({ cookie, token });
    this.#model.signIns += 1;
  }

  async handOver(): Promise<void> {
    const person = browser(this.#server.url);
    const prepared = await person.page('/api/auth/login/prepare', { method: 'POST' }).catch(() => undefined);
    if (prepared?.status !== 200) return;
    const body = { ...admin, password: this.#model.password, login_token: prepared.json['login_token'] };
    const signedIn = await person.page('/api/auth/login', { body }).catch(() => undefined);
    if (signedIn?.status !== 200) return;
    this.#model.signIns += 1;
    const path = (got: Got | undefined): string => {
      const { pathname, search } = new URL(got?.headers['location'] ?? 'http://none/');
      return `${pathname}${search}`;
    };
    const visitor = browser(this.#server.application);
    const led = await visitor.send('/', { headers: navigation }).catch(() => undefined);
    const sent = await person.send(path(led), { headers: navigation }).catch(() => undefined);
    if (sent?.status !== 302) return;
    const cookie = [...visitor.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const back = await visitor.send(path(sent), { headers: navigation }).catch(() => undefined);
    if (back?.status === 302 && visitor.cookies.has('sallyport-app'))
      this.#model.usedTickets.push({ path: path(sent), cookie });
  }
}

/** Now and then, before the load: what touches everything. */
async function touchEverything(server: RunningServer, model: Model, round: number): Promise<void> {
  const [token] = [...model.sessions].find(([, state]) => state === 'alive') ?? [];
  if (token === undefined) return;
  const others = [...model.sessions]
    .filter(([each, state]) => each !== token && state !== 'ended')
    .map(([each]) => each);
  if (round % 5 === 0) {
    for (const each of others) model.sessions.set(each, 'asked');
    const got = await ask(`${server.console}/api/auth/sessions`, { method: 'DELETE', headers: bearer(token) });
    if (got !== 'no-answer' && got.status === 200) for (const each of others) model.sessions.set(each, 'ended');
  }
  if (round % 7 === 0) {
    const next = `${admin.password} ${round}`;
    for (const each of [token, ...others]) model.sessions.set(each, 'asked');
    model.passwordMaybe = next;
    const got = await ask(`${server.console}/api/auth/change-password`, {
      headers: bearer(token),
      body: { old_password: model.password, new_password: next },
    });
    if (got === 'no-answer' || got.status !== 200) return;
    Object.assign(model, { password: next, passwordMaybe: undefined });
    for (const each of [token, ...others]) model.sessions.set(each, 'ended');
    model.sessions.set(String(got.json['token']), 'alive');
  }
}

/** Everything that was promised, asked for. */
async function check(server: RunningServer, model: Model): Promise<void> {
  if (model.passwordMaybe !== undefined) {
    const body = { ...admin, password: model.passwordMaybe };
    const got = await send(`${server.console}/api/auth/login`, { body });
    if (got.status === 200) model.password = model.passwordMaybe;
    model.passwordMaybe = undefined;
  }
  for (const [token, state] of model.sessions) {
    const { status } = await send(`${server.console}/api/auth/verify`, { headers: bearer(token) });
    if (state === 'alive') assert.equal(status, 200, 'a session that was promised is gone');
    if (state === 'ended') assert.equal(status, 401, 'a session that was ended lives again');
    if (state === 'asked') model.sessions.set(token, status === 200 ? 'alive' : 'ended');
  }
  for (const { cookie, token } of model.usedLoginTokens.splice(0)) {
    const got = await send(`${server.console}/api/auth/login`, {
      headers: { cookie, origin: server.console, 'sec-fetch-site': 'same-origin' },
      body: { ...admin, password: model.password, login_token: token },
    });
    assert.equal(got.status, 403, `a login token worked twice: ${got.text}`);
  }
  for (const { path, cookie } of model.usedTickets.splice(0)) {
    const got = await send(`${server.application}${path}`, { headers: { ...navigation, cookie } });
    assert.deepEqual(
      got.cookies.filter((line) => /^sallyport-app=[^;]/.test(line)),
      [],
      'a ticket worked twice',
    );
  }
  // Dead ones have been seen dead often enough.
  const ended = [...model.sessions].filter(([, state]) => state === 'ended').map(([token]) => token);
  for (const token of ended.slice(0, -30)) model.sessions.delete(token);
}

function integrityOf(data: string): unknown {
  const database = new DatabaseSync(join(data, 'sallyport.db'));
  try {
    return database.prepare('PRAGMA integrity_check').get();
  } finally {
    database.close();
  }
}

describe('F-01: kill -9 under mixed load', { concurrency: true }, () => {
  for (const half of ['first', 'second']) {
    it(`${rounds} rounds, ${half} half`, { timeout: 600_000 }, async (context) => {
      const dice = chance();
      context.diagnostic(`seed ${dice.seed}`);
      const data = await temporaryFolder();
      const echo = await startEcho();
      const upstream = echo.url;
      const model: Model = {
        password: admin.password,
        passwordMaybe: undefined,
        sessions: new Map(),
        usedLoginTokens: [],
        usedTickets: [],
        signIns: 0,
      };
      let server = await startServer({ data, upstream });
      model.sessions.set(String((await setUp(server)).json['token']), 'alive');
      let slowest = 0;
      let done = 0;
      try {
        for (let round = 1; round <= rounds; round += 1) {
          const exited = new Promise((resolve) => server.process.once('exit', resolve));
          const doomed = server;
          setTimeout(() => doomed.process.kill('SIGKILL'), 30 + dice.below(300));
          const actors = Array.from({ length: 6 }, () => new Actor(doomed, model, dice));
          // First and alone: what is begun beside it has a fate that no answer tells.
          await touchEverything(doomed, model, round);
          await Promise.all(
            actors.map(async (actor) => {
              for (; !doomed.process.killed; done += 1) await actor.act();
            }),
          );
          await exited;
          if (round % 20 === 0) assert.deepEqual({ ...(integrityOf(data) as object) }, { integrity_check: 'ok' });
          const began = performance.now();
          server = await startServer({ data, upstream, state: 'configured' });
          slowest = Math.max(slowest, performance.now() - began);
          await check(server, model);
        }
        assert.ok(slowest < restartMs, `a start took ${Math.round(slowest)} ms`);
        assert.ok(model.signIns > rounds, 'there was hardly any load');
        context.diagnostic(
          `${done} requests, ${model.signIns} sign-ins answered; slowest start ${Math.round(slowest)} ms`,
        );
      } finally {
        await server.end();
        await echo.close();
        await rm(data, { recursive: true, force: true });
      }
    });
  }
});
