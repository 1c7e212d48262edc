/** The people in the tests, and how they come to be signed in. */
import assert from 'node:assert/strict';
import { browser, type Browser, type Got, send } from './client.ts';
import type { RunningServer } from './server.ts';

export const admin = { username: 'Root1', password: 'violet anchor morning 42 lanterns' } as const;
export const wrongPassword = 'wrong-pw-000001-entirely';
/** Another one each time: the same wrong one again is charged once. */
export const wrongPasswordNo = (number: number): string => `wrong-pw-${number}-entirely`;

/** First run by a program: an admin and a bearer session. */
export async function setUp(server: RunningServer, who: { username: string; password: string } = admin): Promise<Got> {
  const got = await send(`${server.console}/api/auth/setup`, { body: { setup_code: server.setupCode, ...who } });
  assert.equal(got.status, 201, got.text);
  return got;
}

/** Signs in with cookies, as the pages do. */
export async function signIn(
  server: Pick<RunningServer, 'console'>,
  more: Readonly<Record<string, unknown>> = {},
  from?: string,
): Promise<Browser> {
  const person = browser(server.console, from);
  const prepared = await person.page('/api/auth/login/prepare', { method: 'POST' });
  assert.equal(prepared.status, 200, prepared.text);
  const got = await person.page('/api/auth/login', {
    body: { ...admin, login_token: prepared.json['login_token'], ...more },
  });
  assert.equal(got.status, 200, got.text);
  return person;
}

/** Signs in without cookies: a bearer token. */
export async function signInBearer(
  server: Pick<RunningServer, 'console'>,
  more: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const got = await send(`${server.console}/api/auth/login`, { body: { ...admin, ...more } });
  assert.equal(got.status, 200, got.text);
  return String(got.json['token']);
}

/** A person in front of the application: signed in on the console, handed over by a one-use ticket. */
export async function enterApplication(
  server: Pick<RunningServer, 'console' | 'url' | 'application'>,
): Promise<{ readonly console: Browser; readonly application: Browser }> {
  const navigation = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'none' };
  const path = (location: string | undefined): string => {
    const url = new URL(location ?? '');
    return `${url.pathname}${url.search}`;
  };
  const console = await signIn({ console: server.url });
  const application = browser(server.application);
  const led = await application.send('/', { headers: navigation });
  const sent = await console.send(path(led.headers['location']), { headers: navigation });
  const back = await application.send(path(sent.headers['location']), { headers: navigation });
  assert.equal(back.status, 302, back.text);
  const held = ['sallyport-app', '__Host-sallyport-app'].some((name) => application.cookies.has(name));
  assert.ok(held, 'no session at the application');
  return { console, application };
}
