/** Attacks on the way from the console to an application and back (2-http-api, 6; security.md 2.9 as far as it applies). */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Browser, browser, send, type Got } from '../support/client.ts';
import { type Echo, startEcho } from '../support/echo.ts';
import { admin, setUp, signIn } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { type RunningServer, startServer } from '../support/server.ts';

const navigation = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'none' } as const;

describe('hand-over to an application on its own origin', () => {
  let server: RunningServer;
  let echo: Echo;
  before(async () => {
    echo = await startEcho();
    server = await startServer({ upstream: echo.url });
    await setUp(server);
  });
  after(async () => {
    await server.remove();
    await echo.close();
  });

  const relative = (location: string | undefined): string => {
    const url = new URL(location ?? '');
    return `${url.pathname}${url.search}`;
  };
  /** A browser with the console's and the application's cookies apart, as real ones keep them by host. */
  const visitor = (): { console: Browser; application: Browser } => ({
    console: browser(server.url),
    application: browser(server.application),
  });
  const begin = async (who: { application: Browser }, path = '/secret?x=1'): Promise<string> => {
    const led = await who.application.send(path, { headers: navigation });
    assert.equal(led.status, 302);
    return String(led.headers['location']);
  };
  const signedIn = async (): Promise<{ console: Browser; application: Browser }> => {
    const who = visitor();
    who.console = await signIn({ console: server.url });
    return who;
  };
  const ticketFor = async (who: { console: Browser; application: Browser }): Promise<string> => {
    const sent = await who.console.send(relative(await begin(who)), { headers: navigation });
    assert.equal(sent.status, 302, sent.text);
    return String(sent.headers['location']);
  };

  it('leads a stranger to sign in, brings a person back to the page first asked for, and signs out for good', async () => {
    const who = await signedIn();
    const location = await ticketFor(who);
    assert.ok(location.startsWith(`${server.application}/.sallyport/callback?ticket=`), location);
    const back = await who.application.send(relative(location), { headers: navigation });
    assert.equal(back.headers['location'], `${server.application}/secret?x=1`);
    assert.match(back.cookies.join('\n'), /^sallyport-app=[A-Za-z0-9_-]{43}; Path=\/; HttpOnly; SameSite=Lax$/m);
    const page = await who.application.send('/secret?x=1', { headers: navigation });
    assert.equal(page.status, 200);
    assert.equal(echo.seen.at(-1)?.headers['remote-user'], 'root1');
    assert.equal(echo.seen.at(-1)?.headers['cookie'], undefined);

    const app = who.application.cookies.get('sallyport-app');
    const out = await who.application.send('/.sallyport/sign-out', {
      method: 'POST',
      headers: { origin: server.application, 'sec-fetch-site': 'same-origin' },
    });
    assert.equal(out.status, 302);
    assert.equal(
      (await send(`${server.application}/secret`, { headers: { cookie: `sallyport-app=${app}` } })).status,
      401,
    );
    assert.equal((await who.console.send('/api/auth/sessions')).status, 401);
  });

  it('signing out on the console ends the application session with it', async () => {
    const who = await signedIn();
    await who.application.send(relative(await ticketFor(who)), { headers: navigation });
    assert.equal((await who.application.send('/')).status, 200);
    const got = await who.console.send('/api/auth/logout', {
      method: 'POST',
      headers: { 'x-csrf-token': who.console.csrf },
    });
    assert.equal(got.status, 200, got.text);
    assertProblem(await who.application.send('/'), 401, 'session_expired');
  });

  it('a ticket works once, also when twenty try at the same time', async () => {
    const who = await signedIn();
    const path = relative(await ticketFor(who));
    const cookie = `sallyport-state=${who.application.cookies.get('sallyport-state')}`;
    const all: Got[] = await Promise.all(
      Array.from({ length: 20 }, () => send(`${server.application}${path}`, { headers: { cookie } })),
    );
    assert.equal(all.filter((got) => got.cookies.some((line) => line.startsWith('sallyport-app='))).length, 1);
  });

  it("another browser cannot be signed in with somebody's ticket", async () => {
    const attacker = await signedIn();
    const location = await ticketFor(attacker);
    const victim = visitor();
    await begin(victim);
    const tricked = await victim.application.send(relative(location), {
      headers: { ...navigation, 'sec-fetch-site': 'cross-site' },
    });
    assert.equal(
      tricked.cookies.some((line) => line.startsWith('sallyport-app=')),
      false,
    );
    assert.equal((await victim.application.send('/')).status, 401);
    const bare = visitor();
    const second = await ticketFor(attacker);
    const got = await bare.application.send(relative(second), {
      headers: { ...navigation, 'sec-fetch-site': 'cross-site' },
    });
    assert.equal(
      got.cookies.some((line) => line.startsWith('sallyport-app=')),
      false,
    );
  });

  it('a browser without Fetch Metadata is still a browser', async () => {
    const attacker = await signedIn();
    const safari = {
      accept: 'text/html',
      'user-agent':
        'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/15.6 Safari/605.1.15',
    };
    const got = await send(await ticketFor(attacker), { headers: safari });
    assert.equal(
      got.cookies.some((line) => line.startsWith('sallyport-app=')),
      false,
    );
  });

  it('a ticket changed, cut, or of another kind is nothing', async () => {
    const who = await signedIn();
    const path = relative(await ticketFor(who));
    const ticket = new URLSearchParams(path.split('?')[1]).get('ticket') ?? '';
    const account = who.console.cookies.get('sallyport-account') ?? '';
    for (const wrong of ['', 'x', ticket.slice(0, -1), `${ticket}A`, ticket.toLowerCase(), account, '__proto__']) {
      assertProblem(
        await send(`${server.application}/.sallyport/callback?ticket=${encodeURIComponent(wrong)}`),
        401,
        'invalid_token',
      );
    }
    assert.equal((await send(`${server.application}/.sallyport/callback`)).status, 401);
  });

  it('a ticket dies with the session that asked for it', async () => {
    const who = await signedIn();
    const path = relative(await ticketFor(who));
    await who.console.send('/api/auth/logout', { method: 'POST', headers: { 'x-csrf-token': who.console.csrf } });
    const got = await who.application.send(path);
    assert.equal(
      got.cookies.some((line) => line.startsWith('sallyport-app=')),
      false,
    );
  });

  it('return_to: only exact origins of protected hosts, everything else goes to the account page', async () => {
    const { console: page } = await signedIn();
    const port = new URL(server.application).port;
    for (const text of [
      'https://evil.test/',
      '//evil.test',
      '/\\evil.test',
      '\\\\evil',
      'https:evil.test',
      `http://127.0.0.1:${port}@evil.test/`,
      `http://127.0.0.1:${port}.evil.test/`,
      'javascript:alert(1)',
      'data:text/html,x',
      '%2f%2fevil',
      '/%09/evil',
      ` ${server.application}/`,
      `${server.application}\t/`,
      'https://evil.test%00.app.test',
      `https://127.0.0.1:${port}/`,
      `http://127.0.0.1:${port}//evil.test`,
      `http://127.0.0.1:${port}/\r\nSet-Cookie: x=y`,
      'http://127.0.0.1:1/',
      `HTTP://127.0.0.1:${port}/`,
      '',
    ]) {
      const got = await page.send(`/auth/sign-in?return_to=${encodeURIComponent(text)}`, { headers: navigation });
      assert.equal(got.status, 302, text);
      assert.equal(got.headers['location'], '/auth/account', text);
    }
    const good = await page.send(
      `/auth/sign-in?return_to=${encodeURIComponent(`${server.application}/deep?a=b&c=d`)}`,
      { headers: navigation },
    );
    assert.ok(good.headers['location']?.startsWith(`${server.application}/.sallyport/callback?`));
  });

  it('the page to go on to never leaves the host', async () => {
    for (const to of [
      '//evil.test',
      '/\\evil.test',
      'https://evil.test',
      '\\\\evil',
      '/\t/evil.test',
      '/x\r\nLocation: http://evil.test',
      'javascript:x',
      '',
    ]) {
      const who = await signedIn();
      const url = new URL(await ticketFor(who));
      url.searchParams.set('to', to);
      const got = await who.application.send(`${url.pathname}${url.search}`, { headers: navigation });
      assert.equal(got.headers['location'], `${server.application}/`, to);
    }
  });

  it('a browser without cookies is led once more, then told so instead of going in circles', async () => {
    const who = await signedIn();
    const led = await send(await ticketFor(who), { headers: navigation });
    assert.equal(led.status, 302);
    const back = await who.console.send(relative(led.headers['location']), { headers: navigation });
    const got = await send(String(back.headers['location']), { headers: navigation });
    assert.equal(got.status, 403);
    assert.match(got.text, /cookies are blocked/);
  });

  it('somebody who takes longer than the state cookie lives is signed in all the same', async () => {
    const who = await signedIn();
    const late = await ticketFor(who);
    who.application.cookies.delete('sallyport-state');
    const led = await who.application.send(relative(late), { headers: navigation });
    const back = await who.console.send(relative(led.headers['location']), { headers: navigation });
    const got = await who.application.send(relative(back.headers['location']), { headers: navigation });
    assert.equal(got.headers['location'], `${server.application}/secret?x=1`);
    assert.equal((await who.application.send('/secret', { headers: navigation })).status, 200);
  });

  it('signing out of the application needs its own page', async () => {
    const who = await signedIn();
    await who.application.send(relative(await ticketFor(who)), { headers: navigation });
    for (const headers of [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'https://evil.test' },
      { origin: server.url },
    ]) {
      assertProblem(
        await who.application.send('/.sallyport/sign-out', { method: 'POST', headers }),
        403,
        'csrf_failed',
      );
    }
    const form = await who.application.send('/.sallyport/sign-out', { headers: navigation });
    assert.equal(form.status, 200);
    // Under `no-referrer` a browser would send this form with `Origin: null`, and be refused.
    assert.equal(form.headers['referrer-policy'], 'same-origin');
    assert.equal((await who.application.send('/')).status, 200);
  });

  it('unsafe requests to the application must come from its own pages; so must upgrades', async () => {
    const who = await signedIn();
    await who.application.send(relative(await ticketFor(who)), { headers: navigation });
    const before = echo.seen.length;
    for (const sent of [
      { method: 'POST', body: 'x', headers: { 'sec-fetch-site': 'cross-site' } },
      { method: 'POST', body: 'x', headers: { 'sec-fetch-site': 'same-site', origin: server.url } },
      { method: 'DELETE', headers: { origin: 'https://evil.test' } },
      { method: 'PUT', body: 'x', headers: { origin: 'null' } },
      { headers: { connection: 'Upgrade', upgrade: 'websocket', origin: 'https://evil.test' } },
    ]) {
      assertProblem(await who.application.send('/do', sent), 403, 'csrf_failed');
    }
    assert.equal(echo.seen.length, before);
    assert.equal(
      (
        await who.application.send('/do', {
          method: 'POST',
          body: 'x',
          headers: { origin: server.application, 'sec-fetch-site': 'same-origin' },
        })
      ).status,
      200,
    );
    assert.equal((await who.application.send('/do', { method: 'POST', body: 'x' })).status, 200);
    assert.equal(echo.seen.at(-1)?.body, 'x');
  });

  it('an app session does nothing but reach its application', async () => {
    const who = await signedIn();
    await who.application.send(relative(await ticketFor(who)), { headers: navigation });
    const app = who.application.cookies.get('sallyport-app') ?? '';
    for (const name of ['sallyport-app', 'sallyport-account', 'sallyport-admin']) {
      assert.equal(
        (await send(`${server.url}/api/auth/sessions`, { headers: { cookie: `${name}=${app}` } })).status,
        401,
        name,
      );
    }
    assertProblem(
      await send(`${server.url}/api/auth/sessions`, { headers: { authorization: `Bearer ${app}` } }),
      401,
      'invalid_token',
    );
  });

  it('the application cannot touch our cookies, nor clear the browser', async () => {
    const who = await signedIn();
    await who.application.send(relative(await ticketFor(who)), { headers: navigation });
    echo.answerWith = [
      'Set-Cookie',
      'sallyport-app=stolen; Path=/',
      'Set-Cookie',
      '__Host-sallyport-account=x; Secure',
      'Set-Cookie',
      'mine=1',
      'Clear-Site-Data',
      '"cookies"',
    ];
    const got = await who.application.send('/');
    echo.answerWith = [];
    assert.deepEqual(got.cookies, ['mine=1']);
    assert.equal(got.headers['clear-site-data'], undefined);
    assert.equal(got.headers['cache-control'], 'private');
  });

  it('an application that is not there is a clear page or problem answer', async () => {
    const gone = await startServer({ upstream: 'http://127.0.0.1:9' });
    try {
      const got = await setUp(gone);
      const headers = { authorization: `Bearer ${String(got.json['token'])}` };
      assertProblem(await send(`${gone.application}/`, { headers }), 502, 'upstream_unreachable');
      const page = await send(`${gone.application}/`, { headers: { ...headers, ...navigation } });
      assert.equal(page.status, 502);
      assert.match(page.headers['content-type'] ?? '', /^text\/html/);
    } finally {
      await gone.remove();
    }
  });
});

describe("application on the console's own origin (--shared-origin)", () => {
  let server: RunningServer;
  let echo: Echo;
  before(async () => {
    echo = await startEcho();
    server = await startServer({ upstream: echo.url, args: ['--shared-origin'] });
    await setUp(server);
  });
  after(async () => {
    await server.remove();
    await echo.close();
  });

  it('a console session reaches the application, a stranger does not, and our paths stay ours', async () => {
    const page = await signIn({ console: server.url });
    assert.equal((await page.send('/app')).status, 200);
    assert.equal(echo.seen.at(-1)?.headers['remote-user'], 'root1');
    const before = echo.seen.length;
    assert.equal((await send(`${server.console}/app`)).status, 401);
    for (const path of [
      '/api/auth/nothing',
      '/api/auth/',
      '/auth/nothing',
      '/.sallyport/nothing',
      '/api/ssl/nothing',
      '/api2/json/access/nothing',
      '/api2/extjs/access/',
    ]) {
      assert.equal((await page.send(path)).status, 404, path);
    }
    assert.equal(echo.seen.length, before);
    for (const path of ['/', '/healthz', '/api2/json/nodes', '/api/authx'])
      assert.equal((await page.send(path)).status, 200, path);
  });

  it('every change of credentials takes the password in the same request, whatever the window says', async () => {
    const page = await signIn(server);
    assertProblem(await page.page('/api/auth/disable', { body: {} }), 403, 'reauthentication_required');
    assert.equal((await page.page('/api/auth/disable', { body: { password: admin.password } })).status, 200);
    assert.equal((await send(`${server.console}/api/auth/enable`, { body: admin })).status, 200);
  });

  it('a person without a session is led to sign in and back without a ticket', async () => {
    const led = await send(`${server.url}/app?x=1`, { headers: navigation });
    assert.equal(led.status, 302);
    assert.ok(led.headers['location']?.startsWith(`${server.url}/auth/sign-in?return_to=`));
    const page = await signIn({ console: server.url });
    const back = await page.send(String(led.headers['location']).slice(server.url.length), { headers: navigation });
    assert.equal(back.headers['location'], '/app?x=1');
  });
});
