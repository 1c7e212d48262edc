/** The whole story in a real browser, with a real application: from an empty folder to signed out again. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { type Chromium, startChromium, type VisitorOptions } from '../support/chromium.ts';
import { send } from '../support/client.ts';
import { withoutPackages } from '../support/debian.ts';
import { admin, setUp, wrongPassword } from '../support/people.ts';
import { type Prometheus, startPrometheus } from '../support/prometheus.ts';
import { runCommand, type RunningServer, startServer } from '../support/server.ts';
import { accountPage, button, field, fillSignIn, focusOn, heading, setupLink, signInOnConsole } from './steps.ts';

/** A page of Prometheus, as it writes its own address, that asks its API and shows the answer: a number found nowhere else. */
const deepLink = '/classic/graph?g0.range_input=1h&g0.expr=vector(4711)&g0.tab=1';

describe('first run, with a real application', { skip: withoutPackages }, () => {
  let prometheus: Prometheus;
  let chromium: Chromium;
  before(async () => {
    [prometheus, chromium] = await Promise.all([startPrometheus(), startChromium()]);
  });
  after(async () => {
    await chromium.close();
    await prometheus.close();
  });

  const start = (): Promise<RunningServer> => startServer({ upstream: prometheus.url });
  const options = (server: RunningServer, ...expected: readonly RegExp[]): VisitorOptions => ({
    origins: [server.url, server.application],
    expected,
    // One of the scripts on Debian's pages of Prometheus is in a form that they do not load it as, with us or without.
    tolerated: [/^exception: SyntaxError: Unexpected token 'export' \(http:\/\/127\.0\.0\.1/],
  });
  /** The page is Prometheus's own, and its own call of its API was answered. */
  const opened = async (page: Page, open: () => Promise<unknown>): Promise<void> => {
    const [answer] = await Promise.all([
      page.waitForResponse((response) => new URL(response.url()).pathname === '/api/v1/query'),
      open(),
    ]);
    assert.equal(answer.status(), 200);
    assert.match(await page.title(), /^Prometheus/);
    await button(page, 'Execute').waitFor();
  };
  const shownNumber = (page: Page): Promise<void> => page.getByRole('cell', { name: '4711', exact: true }).waitFor();

  describe('the first admin', () => {
    let server: RunningServer;
    before(async () => {
      server = await start();
    });
    after(() => server.remove());

    it('comes by the setup link, gets recovery codes once, and reaches the application without typing again', async (t) => {
      const { page, context, newTab } = await chromium.visitor(t, options(server, /status of 503/, /status of 401/));
      const asked: string[] = [];
      context.on('request', (request) => asked.push(request.url(), request.headers()['referer'] ?? ''));

      // Nobody gets to the application before somebody with access to the host has decided.
      const early = await page.goto(server.application);
      assert.equal(early?.status(), 503);
      assert.equal(await page.getByRole('link').getAttribute('href'), `${server.url}/auth/`);

      await page.goto(setupLink(server));
      await heading(page, 'Set up sign-in');
      assert.equal(page.url(), `${server.url}/auth/setup`, 'the code is gone from the address bar');
      assert.equal(await field(page, 'Setup code').count(), 0, 'and there is nothing to type');
      assert.ok(!(await page.content()).includes(server.setupCode));
      await field(page, 'Name').fill(admin.username);
      await field(page, 'Password').fill(admin.password);
      await button(page, 'Create the account').click();

      await heading(page, 'Keep your recovery codes');
      const codes = await page.getByRole('list', { name: 'Recovery codes' }).getByRole('listitem').allInnerTexts();
      assert.equal(new Set(codes).size, 10);
      for (const code of codes) assert.match(code, /^([0-9A-HJKMNP-TV-Z]{5}-){4}[0-9A-HJKMNP-TV-Z]{5}$/);
      await button(page, 'I have stored them').click();
      await accountPage(page);
      assert.equal(page.url(), `${server.url}/auth/account`);
      await page.goBack();
      await heading(page, 'Already set up');
      const past = await page.content();
      assert.deepEqual(
        codes.filter((code) => past.includes(code)),
        [],
        'the way back does not lead to the codes',
      );
      await page.goto(`${server.url}/auth/account`);
      await accountPage(page);

      const application = await newTab();
      const shown: string[] = [];
      application.on('response', (response) => {
        if (response.request().isNavigationRequest() && response.status() === 200) shown.push(response.url());
      });
      await opened(application, () => application.goto(server.application));
      assert.ok(
        shown.every((url) => new URL(url).origin === server.application),
        'no page of ours came in between',
      );

      await button(page, 'Sign out').click();
      await heading(page, 'Sign in');
      await page.getByText('You are signed out.').waitFor();
      // From the page that is still open: its calls end as well.
      const call = `fetch('/api/v1/query?query=1').then((answer) => answer.status)`;
      assert.equal(await application.evaluate<number>(call), 401);
      await application.reload();
      await heading(application, 'Sign in');
      await application.getByText(`to open ${new URL(server.application).host}`).waitFor();

      assert.ok(
        asked.every((url) => !url.includes(server.setupCode)),
        'the setup code was in no address that was sent',
      );
    });
  });

  describe('with the first admin there', () => {
    let server: RunningServer;
    before(async () => {
      server = await start();
      await setUp(server);
    });
    after(() => server.remove());

    it('leads a stranger to sign in and on to the very page first asked for; a wrong password goes nowhere', async (t) => {
      const { page, context } = await chromium.visitor(t, options(server, /status of 401/));
      await page.goto(`${server.application}${deepLink}`);
      await fillSignIn(page, wrongPassword);
      const alert = page.getByRole('alert');
      await alert.waitFor();
      assert.equal(
        (await alert.innerText()).trim(),
        'That name and password do not match. Check both, then try again.',
      );
      assert.equal(new URL(page.url()).origin, server.url);
      assert.deepEqual(
        (await context.cookies()).filter((cookie) => /-(account|admin|app)$/.test(cookie.name)),
        [],
      );

      await opened(page, () => fillSignIn(page));
      assert.equal(page.url(), `${server.application}${deepLink}`);
      await shownNumber(page);
    });

    it('signs out by the form of the application, on the console and everywhere else', async (t) => {
      const { page, newTab } = await chromium.visitor(t, options(server));
      await page.goto(server.application);
      await opened(page, () => fillSignIn(page));

      await page.goto(`${server.application}/.sallyport/sign-out`);
      await heading(page, 'Sign out?');
      await button(page, 'Sign out').click();
      await heading(page, 'Sign in');
      await page.getByText('You are signed out.').waitFor();
      assert.equal(page.url(), `${server.url}/auth/sign-in?signed-out=1`);

      await page.goto(server.application);
      await heading(page, 'Sign in');
      const account = await newTab();
      await account.goto(`${server.url}/auth/account`);
      await heading(account, 'Sign in');
    });

    it('two tabs that were both led away come back each to its own page', async (t) => {
      const { page: first, newTab } = await chromium.visitor(t, options(server));
      const second = await newTab();
      await first.goto(server.application);
      await heading(first, 'Sign in');
      await second.goto(`${server.application}${deepLink}`);
      await opened(second, () => fillSignIn(second));
      assert.equal(second.url(), `${server.application}${deepLink}`);
      await shownNumber(second);

      await opened(first, () => first.reload());
      assert.equal(new URL(first.url()).origin, server.application);
    });

    it('a second tab opened later, and one that signs in once more, get to the application as well', async (t) => {
      const { page, newTab } = await chromium.visitor(t, options(server));
      const late = await newTab();
      await late.goto(`${server.application}${deepLink}`);
      await heading(late, 'Sign in');
      await signInOnConsole(page, server);
      // The form is still open in that tab; somebody may well fill it in.
      await opened(late, () => fillSignIn(late));
      await shownNumber(late);
    });

    it('refuses programs with 401 and leads only navigations', async () => {
      const url = `${server.application}/api/v1/query?query=1`;
      const fetched = await send(url, { headers: { 'sec-fetch-mode': 'cors', 'sec-fetch-site': 'same-origin' } });
      assert.equal(fetched.status, 401);
      assert.equal((await send(url)).status, 401);
      assert.equal((await send(url, { method: 'POST', headers: { accept: 'text/html' } })).status, 401);
      assert.ok(!fetched.text.includes('"result"'), 'nothing of the application is in the answer');
      const led = await send(url, { headers: { accept: 'text/html', 'sec-fetch-mode': 'navigate' } });
      assert.equal(led.status, 302);
      const to = new URL(led.headers['location'] ?? '');
      assert.equal(`${to.origin}${to.pathname}`, `${server.url}/auth/sign-in`);
      assert.equal(to.searchParams.get('return_to'), url);
    });
  });

  describe('declined', () => {
    let server: RunningServer;
    before(async () => {
      server = await start();
    });
    after(() => server.remove());

    it('leaves the application open and says so, until somebody with access to the host changes that', async (t) => {
      const { page } = await chromium.visitor(t, options(server));
      await page.goto(setupLink(server));
      await button(page, 'Run without sign-in').click();
      const question = page.getByRole('heading', { name: 'Run without sign-in?' });
      await question.waitFor();
      await focusOn(page, 'Run without sign-in?');
      await button(page, 'Keep sign-in').click();
      await question.waitFor({ state: 'detached' });
      assert.equal((await send(server.application)).status, 503, 'asking is not deciding');

      await button(page, 'Run without sign-in').click();
      await page.locator('form[name="decline"]').getByRole('button', { name: 'Run without sign-in' }).click();
      await heading(page, 'This server runs without sign-in');
      await page.getByText('Anyone who can reach this address can use the application.').waitFor();

      const { page: passerBy } = await chromium.visitor(t, options(server));
      await opened(passerBy, () => passerBy.goto(`${server.application}${deepLink}`));
      await shownNumber(passerBy);
      await passerBy.goto(`${server.url}/auth/sign-in`);
      await heading(passerBy, 'No sign-in here');
      await passerBy.goto(`${server.url}/auth/setup`);
      await passerBy.getByText('This server runs without sign-in at the moment.').waitFor();
      assert.equal(await button(passerBy, 'Run without sign-in').count(), 0);

      const made = await runCommand(['setup', '--new-code', '--data', server.data]);
      assert.equal(made.code, 0, made.err);
      const link = /\S+\/auth\/setup#code=\S+/.exec(made.out)?.[0];
      assert.ok(link, made.out);
      await page.goto(link);
      await field(page, 'Name').fill(admin.username);
      await field(page, 'Password').fill(admin.password);
      await button(page, 'Create the account').click();
      await heading(page, 'Keep your recovery codes');
      await passerBy.goto(server.application);
      await heading(passerBy, 'Sign in');
    });
  });
});
