/**
 * What people come for, from end to end, on a wide window and on a telephone. At every state on the way axe looks at the
 * page in both colour schemes. The accepting turn of each story has its refusing twin.
 */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it, type TestContext } from 'node:test';
import type { Page, Route } from 'playwright-core';
import { type Chromium, startChromium, type Visitor } from '../support/chromium.ts';
import { browser, send } from '../support/client.ts';
import { withoutPackages } from '../support/debian.ts';
import { admin, setUp, signIn, wrongPassword } from '../support/people.ts';
import { type RunningServer, startServer, type StartOptions } from '../support/server.ts';
import { assertSound } from './axe.ts';
import {
  accountPage,
  button,
  eventually,
  field,
  fillSignIn,
  focusOn,
  heading,
  setupLink,
  signInOnConsole,
} from './steps.ts';

const newPassword = 'quiet harbour 77 under copper rain';

describe('journeys', { skip: withoutPackages }, () => {
  let chromium: Chromium;
  const servers: RunningServer[] = [];
  before(async () => {
    chromium = await startChromium();
  });
  after(async () => {
    await chromium.close();
    await Promise.all(servers.map((server) => server.remove()));
  });

  const start = async (options: StartOptions = {}): Promise<RunningServer> => {
    const server = await startServer({ ...options, args: ['--password-memory', '19MiB', ...(options.args ?? [])] });
    servers.push(server);
    return server;
  };
  const configured = async (...args: readonly string[]): Promise<RunningServer> => {
    const server = await start({ args });
    await setUp(server);
    return server;
  };

  for (const { name, width, height } of [
    { name: 'in a wide window', width: 1280, height: 800 },
    { name: 'on a telephone', width: 360, height: 740 },
  ]) {
    // Most of the time is waiting: refusals leave at a whole second.
    describe(name, { concurrency: 2 }, () => {
      /** For stories that leave nothing behind. */
      let lasting: RunningServer;
      before(async () => {
        lasting = await configured();
      });
      const come = (t: TestContext, server: RunningServer, ...expected: readonly RegExp[]): Promise<Visitor> =>
        chromium.visitor(t, {
          origins: [server.url, ...(server.application === '' ? [] : [server.application])],
          expected,
          context: { viewport: { width, height }, reducedMotion: 'reduce' },
        });
      const dialog = (page: Page) => page.getByRole('dialog');

      it('first run: a refused password, one that is suggested, the recovery codes, the account', async (t) => {
        const server = await start();
        const { page } = await come(t, server, /status of 422/);
        await page.goto(setupLink(server));
        await heading(page, 'Set up sign-in');
        await assertSound(page, 'set-up');
        await field(page, 'Name').fill(admin.username);
        await field(page, 'Password').fill('password');
        await button(page, 'Create the account').click();
        await page.getByText('It is too short. Use at least 15 characters.').waitFor();
        await page.getByText('It is on the lists that attackers try first').waitFor();
        await assertSound(page, 'set-up, refused');

        await button(page, 'Suggest a password').click();
        const input = field(page, 'Password');
        assert.match(await input.inputValue(), /^([a-z]{4}-){4}[a-z]{4}$/);
        await eventually('it can be read', async () => (await input.getAttribute('type')) === 'text');
        const hidden = await page.evaluate<number>(
          `(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)(document.querySelector('[name=password]'))`,
        );
        assert.equal(hidden, 0, 'all of it');
        await assertSound(page, 'set-up, suggested');
        await button(page, 'Create the account').click();
        await heading(page, 'Keep your recovery codes');
        await assertSound(page, 'recovery codes');
        await button(page, 'I have stored them').click();
        await accountPage(page);
        await assertSound(page, 'account');
      });

      it('declining: asked back first, then done, and said wherever somebody looks for sign-in', async (t) => {
        const server = await start();
        const { page } = await come(t, server);
        await page.goto(setupLink(server));
        await button(page, 'Run without sign-in').click();
        await focusOn(page, 'Run without sign-in?');
        await assertSound(page, 'decline, asked');
        await button(page, 'Keep sign-in').click();
        assert.equal((await send(`${server.console}/api/auth/status`)).json['declined'], false);
        await button(page, 'Run without sign-in').click();
        await page.locator('form[name="decline"]').getByRole('button', { name: 'Run without sign-in' }).click();
        await heading(page, 'This server runs without sign-in');
        await assertSound(page, 'declined');
        await page.goto(`${server.url}/auth/sign-in`);
        await heading(page, 'No sign-in here');
        await assertSound(page, 'no sign-in');
      });

      it('sign-in: what can come in between is said in place, and the right password goes through', async (t) => {
        const server = lasting;
        const { page } = await come(t, server, /status of 401/, /status of 429/, /status of 503/, /status of 500/);
        await page.goto(`${server.url}/auth/sign-in?expired=1`);
        await page.getByText('Your session ended. Sign in to go on.').waitFor();
        await assertSound(page, 'sign-in, expired');
        await button(page, 'Sign in').click();
        await page.getByText('Type your password.').waitFor();
        await assertSound(page, 'sign-in, incomplete');
        await fillSignIn(page, wrongPassword);
        await page.getByText('That name and password do not match.').waitFor();
        await focusOn(page, 'Password');
        await assertSound(page, 'sign-in, wrong');

        const answers = [
          { status: 429, code: 'rate_limited', more: { retry_after: 42 }, said: /Too many failed tries\. Wait/ },
          { status: 503, code: 'busy', more: { retry_after: 1 }, said: /Too many people are signing in/ },
          { status: 500, code: 'internal', more: {}, said: /Look there for request r-4711\./ },
        ];
        for (const { status, code, more, said } of answers) {
          await page.route('**/api/auth/login', (route) => problem(route, status, code, more), { times: 1 });
          await fillSignIn(page);
          await page.getByRole('main').getByText(said).waitFor();
          assert.equal(await field(page, 'Password').inputValue(), admin.password, 'what was typed is kept');
          await assertSound(page, `sign-in, ${code}`);
        }
        await fillSignIn(page);
        await accountPage(page);
      });

      it('sign-in finds the server not set up any more, and says so in place', async (t) => {
        const server = lasting;
        const { page } = await come(t, server, /status of 503/);
        await page.goto(`${server.url}/auth/sign-in`);
        await page.route('**/api/auth/login', (route) => problem(route, 503, 'not_configured'), { times: 1 });
        await page.route('**/api/auth/status', (route) =>
          route.fulfill({ json: { success: true, auth_configured: false, auth_enabled: false, declined: false } }),
        );
        await fillSignIn(page);
        await heading(page, 'Not set up yet');
        await assertSound(page, 'not set up');
      });

      it('the code step: refuses a wrong code, takes a pasted one and a recovery code, each without a press', async (t) => {
        const server = lasting;
        const { page, context } = await come(t, server, /status of 401/);
        await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: server.url });
        // The answers are those of the contract, around a sign-in that is real; real codes are for factors.test.ts.
        const codes: unknown[] = [];
        let granted: Parameters<Route['fulfill']>[0] = {};
        await page.route('**/api/auth/login', async (route) => {
          granted = { response: await route.fetch() };
          await route.fulfill({
            json: { success: false, requires_totp: true, methods: ['totp', 'recovery'], challenge: 'c' },
          });
        });
        await page.route('**/api/auth/login/verify', (route) => {
          const { totp_token: code } = route.request().postDataJSON() as { totp_token: string };
          codes.push(code);
          return code === '123456'
            ? problem(route, 401, 'invalid_credentials', { requires_totp: true })
            : route.fulfill(granted);
        });
        await page.goto(`${server.url}/auth/sign-in`);
        await fillSignIn(page);
        await heading(page, 'Enter your code');
        await focusOn(page, 'Code');
        assert.equal(await field(page, 'Code').getAttribute('autocomplete'), 'one-time-code');
        assert.equal(await field(page, 'Code').getAttribute('inputmode'), 'numeric');
        await assertSound(page, 'code');
        await button(page, 'Go on').click();
        await page.getByText('Type the code.').waitFor();
        await field(page, 'Code').pressSequentially('123456');
        await page.getByText('That code does not work, or was used already.').waitFor();
        await focusOn(page, 'Code');
        await assertSound(page, 'code, wrong');

        await button(page, 'Use a recovery code').click();
        await focusOn(page, 'Recovery code');
        assert.equal(await field(page, 'Recovery code').getAttribute('inputmode'), 'text');
        await assertSound(page, 'recovery code');
        const recovery = '6v1d3-w3ra8-rc237-b7cjj-td34g';
        await page.evaluate(`navigator.clipboard.writeText('${recovery}')`);
        await page.keyboard.press('Control+V');
        await accountPage(page);

        await button(page, 'Sign out').first().click();
        await page.getByText('You are signed out.').waitFor();
        await fillSignIn(page);
        await heading(page, 'Enter your code');
        await page.evaluate(`navigator.clipboard.writeText(' 654 321 ')`);
        await page.keyboard.press('Control+V');
        await accountPage(page);
        assert.deepEqual(codes, ['123456', recovery, '654 321']);
      });

      it('the account: devices are ended one by one and all at once, earlier attempts come when asked for', async (t) => {
        const server = await configured();
        // Each address is a line of its own among the attempts.
        for (let each = 2; each < 16; each += 1) await signIn(server, {}, `127.0.0.${each}`);
        const { page } = await come(t, server);
        await signInOnConsole(page, server);
        const devices = page.getByRole('table', { name: 'Devices' });
        const attempts = page.getByRole('table', { name: 'Sign-in attempts' });
        assert.equal(await attempts.getByRole('row').count(), 11);
        await assertSound(page, 'account');
        await button(page, 'Show earlier ones').click();
        await eventually('earlier ones are there', async () => (await attempts.getByRole('row').count()) > 11);
        assert.equal(await button(page, 'Show earlier ones').count(), 0, 'and there are no more');
        const shown = await attempts.getByRole('row').allInnerTexts();
        assert.equal(new Set(shown.map((row) => /127\.[\d.]+/.exec(row)?.[0])).size, 16, 'each once, and the head');
        await focusOn(page, 'Sign-in attempts');

        await devices.locator('summary').first().click();
        await devices.getByText(/^Mozilla\/5\.0 /).waitFor();
        await assertSound(page, 'account, a device in full');
        const before = await devices.getByRole('row').count();
        await devices.getByRole('button').first().click();
        await focusOn(page, 'Devices');
        assert.equal(await devices.getByRole('row').count(), before - 1);
        await button(page, `Sign out ${before - 3} other devices`).click();
        await page.getByText('You are signed in on this device only.').waitFor();
        await assertSound(page, 'account, this device only');
      });

      it('the password: each reason beside the field, then changed, with the devices signed out', async (t) => {
        const server = await configured();
        const { page } = await come(t, server, /status of 403/, /status of 422/);
        await signInOnConsole(page, server);
        const change = async (old: string, fresh: string): Promise<void> => {
          await field(page, 'Current password').fill(old);
          await field(page, 'New password').fill(fresh);
          await button(page, 'Change password').click();
        };
        await change(wrongPassword, newPassword);
        await page.getByText('That is not your current password.').waitFor();
        await change(admin.password, 'sallyport');
        await page.getByText('It is made of the name of this product.').waitFor();
        await page.getByText('It is too short.').waitFor();
        await focusOn(page, 'New password');
        await assertSound(page, 'password, refused');
        await change(admin.password, newPassword);
        await page.getByRole('main').getByText('Your password is changed.').waitFor();
        await page.getByText('You are signed in on this device only.').waitFor();
        await assertSound(page, 'password, changed');
        const old = await send(`${server.console}/api/auth/login`, { body: { ...admin } });
        assert.equal(old.status, 401);
      });

      it('step-up: asks in place, lets go without doing anything, goes on once confirmed', async (t) => {
        const server = await configured('--step-up-window', '1s');
        const { page } = await come(t, server, /status of 403/);
        const enabled = async () => (await send(`${server.console}/api/auth/status`)).json['auth_enabled'];
        await signInOnConsole(page, server);
        await page.waitForTimeout(1100);
        await field(page, 'New password').fill('half of a new pass');
        await button(page, 'Switch off sign-in').click();
        const sure = page.locator('.confirm').getByRole('button', { name: 'Switch off sign-in' });
        await sure.click();
        await dialog(page).getByRole('heading', { name: 'Confirm that it is you' }).waitFor();
        await focusOn(page, 'Your password');
        await assertSound(page, 'step-up');
        await page.keyboard.press('Escape');
        await dialog(page).waitFor({ state: 'detached' });
        await focusOn(page, 'Switch off sign-in');
        assert.equal(await enabled(), true, 'let go is let go');

        await sure.click();
        await dialog(page).getByLabel('Your password', { exact: true }).fill(wrongPassword);
        await dialog(page).getByRole('button', { name: 'Confirm' }).click();
        await dialog(page).getByText('That is not your password.').waitFor();
        await focusOn(page, 'Your password');
        await assertSound(page, 'step-up, wrong');
        assert.equal(await enabled(), true);
        await dialog(page).getByLabel('Your password', { exact: true }).fill(admin.password);
        await page.keyboard.press('Enter');
        await page.getByRole('heading', { level: 2, name: 'Switch sign-in on' }).waitFor();
        assert.equal(await enabled(), false);
        assert.equal(await field(page, 'New password').inputValue(), 'half of a new pass', 'what was typed is kept');
        await assertSound(page, 'switched off');
        await page.getByRole('main').getByLabel('Your password', { exact: true }).fill(admin.password);
        await button(page, 'Switch sign-in on').click();
        await page.getByRole('heading', { level: 2, name: 'Switch off sign-in' }).waitFor();
        assert.equal(await enabled(), true);
      });

      it('a session that ended: signs in in place and goes on with what was typed; or leaves', async (t) => {
        const server = await configured();
        const { page } = await come(t, server, /status of 401/);
        await signInOnConsole(page, server);
        const endAll = async (): Promise<void> => {
          const other = await signIn(server);
          assert.equal((await other.page('/api/auth/sessions', { method: 'DELETE' })).status, 200);
        };
        await endAll();
        await field(page, 'Current password').fill(admin.password);
        await field(page, 'New password').fill(newPassword);
        await button(page, 'Change password').click();
        await dialog(page).getByText('Sign in again as root1 to go on.').waitFor();
        await assertSound(page, 'session ended');
        const password = dialog(page).getByLabel('Your password', { exact: true });
        await password.fill(wrongPassword);
        await dialog(page).getByRole('button', { name: 'Sign in', exact: true }).click();
        await dialog(page).getByText('That is not your password.').waitFor();
        await password.fill(admin.password);
        await dialog(page).getByRole('button', { name: 'Sign in', exact: true }).click();
        await page.getByRole('main').getByText('Your password is changed.').waitFor();
        await accountPage(page);

        const other = browser(server.console);
        const prepared = await other.page('/api/auth/login/prepare', { method: 'POST' });
        await other.page('/api/auth/login', {
          body: { username: admin.username, password: newPassword, login_token: prepared.json['login_token'] },
        });
        await other.page('/api/auth/sessions', { method: 'DELETE' });
        await button(page, 'Switch off sign-in').click();
        await page.locator('.confirm').getByRole('button', { name: 'Switch off sign-in' }).click();
        await dialog(page).getByRole('button', { name: 'Leave this page' }).click();
        await heading(page, 'Sign in');
        await page.getByText('Your session ended. Sign in to go on.').waitFor();
        assert.equal((await send(`${server.console}/api/auth/status`)).json['auth_enabled'], true, 'nothing was done');
      });

      it('without a connection: says so, keeps what was typed, goes on by itself, and never with what was edited', async (t) => {
        const server = await configured();
        const { page, context } = await come(t, server, /ERR_INTERNET_DISCONNECTED/);
        await page.goto(`${server.url}/auth/sign-in`);
        await heading(page, 'Sign in');
        await context.setOffline(true);
        await fillSignIn(page);
        await page.getByText('This device is offline. This goes on by itself').waitFor();
        await assertSound(page, 'sign-in, offline');
        await field(page, 'Password').fill('not yet all of');
        await context.setOffline(false);
        await page.getByText('This device is offline.').waitFor({ state: 'detached' });
        assert.equal(await field(page, 'Password').inputValue(), 'not yet all of');
        await context.setOffline(true);
        await fillSignIn(page);
        await page.getByText('This device is offline.').waitFor();
        await context.setOffline(false);
        await accountPage(page);

        await field(page, 'Current password').fill(admin.password);
        await field(page, 'New password').fill(newPassword);
        await context.setOffline(true);
        await button(page, 'Change password').click();
        await page.getByText('This device is offline. Connect it, then try again.').waitFor();
        assert.equal(await field(page, 'New password').inputValue(), newPassword);
        await assertSound(page, 'account, offline');
        await context.setOffline(false);
        await page.getByRole('main').getByText('The connection is back. You can try again now.').waitFor();
        await button(page, 'Change password').click();
        await page.getByRole('main').getByText('Your password is changed.').waitFor();
      });

      it('lists: what takes its place while they come, when they do not, and when there is nothing', async (t) => {
        const server = lasting;
        const { page } = await come(t, server, /status of 500/);
        await signInOnConsole(page, server);
        const held = Promise.withResolvers<void>();
        await page.route('**/api/auth/sessions', (route) => held.promise.then(() => route.continue()));
        await page.route('**/api/auth/login-attempts*', (route) => problem(route, 500, 'internal'), { times: 1 });
        await page.reload();
        await page.getByText('Look there for request r-4711.').waitFor();
        await page.getByRole('table', { name: 'Devices' }).getByText('Loading…').waitFor();
        await assertSound(page, 'lists, waiting and in trouble');
        held.resolve();
        await page.route('**/api/auth/login-attempts*', (route) =>
          route.fulfill({ json: { success: true, attempts: [] } }),
        );
        await button(page, 'Try again').click();
        await page.getByText('No attempts yet. Each try to sign in with your name is listed here').waitFor();
        await accountPage(page);
        await assertSound(page, 'lists, empty');
      });

      it('the pages in front of an application: not set up, sign out, and the application down', async (t) => {
        const application = createServer((_request, response) => response.end('the application'));
        await new Promise<void>((resolve) => application.listen(0, '127.0.0.1', resolve));
        const { port } = application.address() as AddressInfo;
        const server = await start({ upstream: `http://127.0.0.1:${port}` });
        const { page } = await come(t, server, /status of 503/, /status of 502/);
        await page.goto(server.application);
        await heading(page, 'Not set up');
        await assertSound(page, 'plain, not set up', 'plain');
        await setUp(server);
        await page.goto(server.application);
        await fillSignIn(page);
        await page.getByText('the application').waitFor();
        await page.goto(`${server.application}/.sallyport/sign-out`);
        await heading(page, 'Sign out?');
        await assertSound(page, 'plain, sign out', 'plain');
        application.closeAllConnections();
        await new Promise((resolve) => application.close(resolve));
        await page.goto(server.application);
        await heading(page, 'Application unreachable');
        await assertSound(page, 'plain, application down', 'plain');
      });
    });
  }

  it('what is wrong with a page does not go unnoticed here', async (t) => {
    const server = await configured();
    const { page } = await chromium.visitor(t, { origins: [server.url] });
    await page.goto(`${server.url}/auth/sign-in`);
    await heading(page, 'Sign in');
    await page.evaluate(`{
      document.querySelector('label').remove();
      document.querySelector('main').append(Object.assign(document.createElement('img'), { src: 'data:,' }));
      document.querySelector('h1').replaceWith(Object.assign(document.createElement('h4'), { textContent: 'Sign in' }));
    }`);
    await assert.rejects(assertSound(page, 'spoilt'), /image-alt[^]*label/);
  });
});

/** A refusal as the server writes it. */
function problem(
  route: Route,
  status: number,
  code: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  return route.fulfill({
    status,
    contentType: 'application/problem+json',
    body: JSON.stringify({ success: false, status, error_code: code, request_id: 'r-4711', ...more }),
  });
}
