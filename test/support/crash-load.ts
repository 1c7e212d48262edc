/** Mixed load against one server, every answer told to the model: what a crash may strike. */
import { type Got, send, type Sent } from './client.ts';
import type { CrashModel, KeptOnce, KeptSession } from './crash-model.ts';
import type { Dice } from './dice.ts';
import { admin } from './people.ts';
import type { RunningServer } from './server.ts';

export interface LoadTarget {
  readonly server: RunningServer;
  readonly model: CrashModel;
  readonly dice: Dice;
}

export const credential = (session: KeptSession): Record<string, string> =>
  session.transport === 'bearer'
    ? { authorization: `Bearer ${session.token}` }
    : { cookie: `sallyport-${session.kind}=${session.token}` };

export function fromPage(server: RunningServer, session: KeptSession): Record<string, string> {
  if (session.transport === 'bearer') return credential(session);
  return { ...credential(session), ...page(server), 'x-csrf-token': session.csrf };
}

const page = (server: RunningServer): Record<string, string> => ({
  origin: server.console,
  'sec-fetch-site': 'same-origin',
});

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

export const cookieOf = (got: Got, name: string): string =>
  got.cookies.map((line) => new RegExp(`^${name}=([^;]+)`).exec(line)?.[1]).find((value) => value !== undefined) ?? '';

/** Asks the console under its own name, which is where tickets are made. */
export async function askForTicket(server: RunningServer, session: KeptSession): Promise<Got> {
  const path = `/auth/sign-in?return_to=${encodeURIComponent(`${server.application}/kept`)}`;
  return send(`${server.console}${path}`, { headers: { ...credential(session), host: new URL(server.url).host } });
}

/** As a program does it, without a state cookie. */
export function redeem(server: RunningServer, ticket: string): Promise<Got> {
  return send(`${server.application}/.sallyport/callback?ticket=${ticket}&to=%2Fkept`);
}

export function signInWithToken(
  server: RunningServer,
  once: KeptOnce,
  password: string,
  sent: Pick<Sent, 'from'> = {},
): Promise<Got> {
  return send(`${server.console}/api/auth/login`, {
    ...sent,
    headers: { ...page(server), cookie: `sallyport-login=${once.nonce}` },
    body: { username: admin.username, password, login_token: once.value },
  });
}

/** One throw, one piece of work. Answers that fit no rule are returned as text; a connection that broke throws. */
export function loadWorker({ server, model, dice }: LoadTarget): () => Promise<string> {
  const from = `127.${dice.between(1, 250)}.${dice.between(0, 250)}.${dice.between(1, 250)}`;
  const ask = (path: string, sent: Sent): Promise<Got> => send(`${server.console}${path}`, { from, ...sent });
  const wrong = (what: string, got: Got): string => `${what}: ${got.status} ${got.text}`;

  const some = (fits: (session: KeptSession) => boolean): KeptSession | undefined => {
    const able = [...model.sessions].filter(
      (each) => !model.busy.has(each) && model.expected(each) === 'live' && fits(each),
    );
    return able.length === 0 ? undefined : able[dice.between(0, able.length - 1)];
  };
  const holding = async (session: KeptSession, work: () => Promise<string>): Promise<string> => {
    model.busy.add(session);
    const told = await work();
    model.busy.delete(session);
    return told;
  };
  /** Refused, so nothing came of it; right only when somebody's clearing of all sessions was faster. */
  const unended = (session: KeptSession, what: string, got: Got): string => {
    session.end = 'none';
    const gone = got.status === 401 || got.status === 404 || got.status === 409;
    return gone && model.expected(session) !== 'live' ? '' : wrong(what, got);
  };
  /** A password that is being changed may be refused, and so may one that was proven just before. */
  const mayBeRefused = (password: string): boolean => model.passwords.length > 1 || model.password !== password;

  const signInBearer = async (): Promise<string> => {
    const begun = model.now();
    const { password } = model;
    const got = await ask('/api/auth/login', { body: { username: admin.username, password } });
    if (got.status === 401 && mayBeRefused(password)) return '';
    if (got.status !== 200) return wrong('bearer sign-in', got);
    model.count('signed-in');
    const token = String(got.json['token']);
    model.opened({ transport: 'bearer', kind: 'account', token, csrf: '', parent: null, begun });
    return '';
  };

  const prepare = async (): Promise<KeptOnce | string> => {
    const got = await ask('/api/auth/login/prepare', { method: 'POST', headers: page(server) });
    if (got.status !== 200) return wrong('prepare', got);
    const once: KeptOnce = {
      value: String(got.json['login_token']),
      nonce: cookieOf(got, 'sallyport-login'),
      session: null,
      begun: 0,
      madeAt: performance.now(),
      use: 'none',
    };
    model.loginTokens.add(once);
    return once;
  };

  const signInCookie = async (): Promise<string> => {
    const once = await prepare();
    if (typeof once === 'string') return once;
    const begun = model.now();
    const { password } = model;
    once.use = 'sent';
    const got = await signInWithToken(server, once, password, { from });
    if (got.status === 401 && mayBeRefused(password)) {
      once.use = 'used';
      return '';
    }
    if (got.status !== 200) return wrong('cookie sign-in', got);
    once.use = 'used';
    model.count('signed-in');
    const csrf = String(got.json['csrf_token']);
    const token = cookieOf(got, 'sallyport-account');
    model.opened({ transport: 'cookie', kind: 'account', token, csrf, parent: null, begun });
    return '';
  };

  const signOut = (): Promise<string> | undefined => {
    const session = some((each) => each.kind === 'account');
    if (session === undefined) return undefined;
    return holding(session, async () => {
      session.end = 'asked';
      const got = await ask('/api/auth/logout', { headers: fromPage(server, session), body: {} });
      if (got.status !== 200) return unended(session, 'sign-out', got);
      session.end = 'acknowledged';
      model.count('signed-out');
      return '';
    });
  };

  const endById = (): Promise<string> | undefined => {
    const session = some((each) => each.kind === 'account');
    if (session === undefined) return undefined;
    return holding(session, async () => {
      const list = await ask('/api/auth/sessions', { headers: credential(session) });
      const rows = (list.json['sessions'] ?? []) as { id: string; current: boolean }[];
      const own = rows.find((each) => each.current);
      if (own === undefined) return model.expected(session) === 'live' ? wrong('sessions', list) : '';
      session.end = 'asked';
      const got = await ask(`/api/auth/sessions/${own.id}`, { method: 'DELETE', headers: fromPage(server, session) });
      if (got.status !== 200) return unended(session, 'end of a session', got);
      session.end = 'acknowledged';
      model.count('session-ended');
      return '';
    });
  };

  const endOthers = (): Promise<string> | undefined => {
    const session = some((each) => each.kind === 'account');
    if (session === undefined) return undefined;
    return holding(session, async () => {
      const clearing = model.clear(session, false);
      const got = await ask('/api/auth/sessions', { method: 'DELETE', headers: fromPage(server, session) });
      if (got.status === 401 && model.expected(session) !== 'live') {
        clearing.refuse();
        return '';
      }
      if (got.status !== 200) return wrong('end of all others', got);
      clearing.acknowledge();
      model.count('sessions-ended');
      return '';
    });
  };

  const changePassword = (): Promise<string> | undefined => {
    const session = some((each) => each.kind === 'account');
    if (session === undefined || model.passwords.length > 1) return undefined;
    const old = model.password;
    const wanted = `lantern ${dice.between(1000, 9999)} walks ${dice.between(1000, 9999)} quietly home`;
    model.passwords = [old, wanted];
    return holding(session, async () => {
      const begun = model.now();
      const clearing = model.clear(session, true);
      // Its token is replaced: the old one may be dead from now on.
      session.end = 'asked';
      const got = await ask('/api/auth/change-password', {
        headers: fromPage(server, session),
        body: { old_password: old, new_password: wanted },
      });
      if (got.status !== 200) {
        clearing.refuse();
        model.passwords = [old];
        return unended(session, 'change of password', got);
      }
      model.passwords = [wanted];
      model.oldPasswords.push(old);
      session.end = 'acknowledged';
      model.count('password-changed');
      const token = session.transport === 'bearer' ? String(got.json['token']) : cookieOf(got, 'sallyport-account');
      // Another clearing may have begun while this one was under way: its span says so.
      clearing.acknowledge(
        model.opened({ ...session, token, csrf: textOf(got.json['csrf_token']), parent: null, begun }),
      );
      return '';
    });
  };

  const switchOff = (): Promise<string> | undefined => {
    const session = some((each) => each.kind === 'account');
    if (session === undefined || model.states.length > 1 || model.states[0] === 'off') return undefined;
    const { password } = model;
    model.states = ['configured', 'off'];
    return holding(session, async () => {
      const off = await ask('/api/auth/disable', { headers: fromPage(server, session), body: { password } });
      if (off.status !== 200) {
        model.states = ['configured'];
        const lost = model.expected(session) !== 'live' || mayBeRefused(password);
        return (off.status === 401 || off.status === 403) && lost ? '' : wrong('disable', off);
      }
      model.count('authentication-disabled');
      // A step-up with the password gives no new token here: the session stays what it was.
      model.states = ['off'];
      return '';
    });
  };

  const switchOn = async (): Promise<string> => {
    const { password } = model;
    model.states = ['off', 'configured'];
    const on = await ask('/api/auth/enable', { body: { username: admin.username, password } });
    if (on.status !== 200) {
      model.states = ['off'];
      return on.status === 401 && mayBeRefused(password) ? '' : wrong('enable', on);
    }
    model.states = ['configured'];
    model.count('authentication-enabled');
    return '';
  };

  const handOver = (): Promise<string> | undefined => {
    const session = some((each) => each.kind === 'account' && each.transport === 'cookie');
    if (session === undefined) return undefined;
    return holding(session, async () => {
      const begun = model.now();
      const sent = await askForTicket(server, session);
      const value = new URL(sent.headers['location'] ?? 'http://none').searchParams.get('ticket');
      if (value === null) return model.expected(session) === 'live' ? wrong('ticket', sent) : '';
      const ticket: KeptOnce = { value, nonce: '', session, begun, madeAt: performance.now(), use: 'none' };
      model.tickets.add(ticket);
      if (dice.between(0, 2) === 0) return '';
      ticket.use = 'sent';
      const redeemedFrom = model.now();
      const got = await redeem(server, value);
      ticket.use = 'used';
      if (got.status === 401 && model.expectedTicket({ ...ticket, use: 'none' }) !== 'live') return '';
      if (got.status !== 302) return wrong('callback', got);
      model.count('handed-over');
      const token = cookieOf(got, 'sallyport-app');
      model.opened({ transport: 'cookie', kind: 'app', token, csrf: '', parent: session, begun: redeemedFrom });
      return '';
    });
  };

  const refusedSignIn = async (): Promise<string> => {
    const got = await ask('/api/auth/login', { body: { username: admin.username, password: 'never this one at all' } });
    if (got.status !== 401) return wrong('wrong password', got);
    model.count('sign-in-refused');
    return '';
  };

  return async () => {
    if (model.states.length === 1 && model.states[0] === 'off') return switchOn();
    const thrown = dice.between(1, 100);
    const work =
      thrown <= 25
        ? signInBearer()
        : thrown <= 50
          ? signInCookie()
          : thrown <= 60
            ? signOut()
            : thrown <= 68
              ? endById()
              : thrown <= 70
                ? endOthers()
                : thrown <= 73
                  ? changePassword()
                  : thrown <= 76
                    ? switchOff()
                    : thrown <= 98
                      ? handOver()
                      : refusedSignIn();
    return (await work) ?? signInBearer();
  };
}
