/**
 * Second factors as people meet them: set up, used, lost, replaced; and passkeys, by a device inside the browser. On a wide
 * window and on a telephone, with axe at every state; each accepting turn has its refusing twin.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import { type Chromium, startChromium, type Visitor } from '../support/chromium.ts';
import { send } from '../support/client.ts';
import { withoutPackages } from '../support/debian.ts';
import { admin, setUp, signIn, wrongPassword } from '../support/people.ts';
import { enrol, phone, type Phone } from '../support/phone.ts';
import { startEcho } from '../support/echo.ts';
import { freePort } from '../support/free-port.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { assertSound } from './axe.ts';
import { addPasskeyDevice } from './passkey-device.ts';
import { accountPage, button, eventually, field, fillSignIn, focusOn, heading, signInOnConsole } from './steps.ts';

const newPassword = 'quiet harbour 77 under copper rain';

describe('second factors', { skip: withoutPackages }, () => {
  let chromium: Chromium;
  const servers: RunningServer[] = [];
  before(async () => {
    chromium = await startChromium();
  });
  after(async () => {
    await chromium.close();
    await Promise.all(servers.map((server) => server.remove()));
  });

  /** A server with one account; `token`: a session of its, of no browser. */
  const start = async (
    ...args: readonly string[]
  ): Promise<{ readonly server: RunningServer; readonly token: string }> => {
    const server = await startServer({ args: ['--password-memory', '19MiB', ...args] });
    servers.push(server);
    return { server, token: String((await setUp(server)).json['token']) };
  };
  const dialog = (page: Page) => page.getByRole('dialog');
  const block = (page: Page, name: string) =>
    page.locator('.factor').filter({ has: page.getByRole('heading', { name, exact: true }) });

  for (const { name, width, height } of [
    { name: 'in a wide window', width: 1280, height: 800 },
    { name: 'on a telephone', width: 360, height: 740 },
  ]) {
    // Most of the time is waiting: refusals leave at a whole second.
    describe(name, { concurrency: 2 }, () => {
      const come = (t: TestContext, server: RunningServer, ...expected: readonly RegExp[]): Promise<Visitor> =>
        chromium.visitor(t, {
          origins: [server.url],
          expected,
          context: { viewport: { width, height }, reducedMotion: 'reduce' },
        });
      const signOut = async (page: Page): Promise<void> => {
        await button(page, 'Sign out').first().click();
        await page.getByText('You are signed out.').waitFor();
      };
      const setUpApp = async (page: Page, press: string): Promise<Phone> => {
        await button(page, press).click();
        await dialog(page).getByRole('heading', { name: 'Set up an authenticator app' }).waitFor();
        return phone((await dialog(page).locator('code').innerText()).replaceAll(' ', ''));
      };

      it('an app: abandoned it changes nothing; proven it is asked for; a code works once', async (t) => {
        const { server } = await start();
        const { page } = await come(t, server, /status of 401/, /status of 403/);
        await signInOnConsole(page, server);
        const other = await signIn(server);
        await setUpApp(page, 'Set up an app');
        await assertSound(page, 'app, to be set up');
        await page.keyboard.press('Escape');
        await dialog(page).waitFor({ state: 'detached' });
        assert.equal((await other.page('/api/auth/status')).json['totp_enabled'], false, 'let go is let go');

        const own = await setUpApp(page, 'Set up an app');
        await button(page, 'Switch on').click();
        await dialog(page).getByText('Type the code that the app shows.').waitFor();
        await dialog(page).getByLabel('Code from the app').fill(own.wrong());
        await dialog(page).getByText('That code does not fit.').waitFor();
        await focusOn(page, 'Code from the app');
        await assertSound(page, 'app, wrong code');
        assert.equal((await other.page('/api/auth/status')).json['totp_enabled'], false);
        const first = await own.next();
        await dialog(page).getByLabel('Code from the app').fill(first);
        await dialog(page).getByRole('heading', { name: 'Keep your recovery codes' }).waitFor();
        await page.keyboard.press('Escape');
        await page.keyboard.press('Escape');
        await assertSound(page, 'app, recovery codes');
        assert.equal(await dialog(page).getByRole('listitem').count(), 10);
        await page.emulateMedia({ media: 'print' });
        assert.ok(await dialog(page).getByRole('listitem').last().isVisible(), 'on paper are the codes');
        assert.ok(!(await page.getByText('Sallyport', { exact: true }).isVisible()), 'and nothing else');
        assert.ok(!(await button(page, 'Copy').isVisible()));
        await page.emulateMedia({ media: null });
        await button(page, 'I have stored them').click();
        await page.getByRole('main').getByText('The authenticator app is set up.').waitFor();
        await focusOn(page, 'Second factors');
        await page.getByText('You are signed in on this device only.').waitFor();
        assert.equal((await other.page('/api/auth/sessions')).status, 401, 'other devices are signed out');
        await assertSound(page, 'app, set up');

        await signOut(page);
        await fillSignIn(page);
        await heading(page, 'Enter your code');
        await focusOn(page, 'Code');
        await field(page, 'Code').fill(first);
        await page.getByText('That code does not work, or was used already.').waitFor();
        await field(page, 'Code').fill(await own.next());
        await accountPage(page);
        await page.getByText('An authenticator app was set up.').waitFor();
        await assertSound(page, 'account, with what happened');
        await button(page, 'Dismiss').click();
        await page.getByText('What happened on your account').waitFor({ state: 'detached' });
        await page.reload();
        await accountPage(page);
        assert.equal(await page.getByText('What happened on your account').count(), 0);
      });

      it('a lost phone: in with a recovery code, on with another phone; the old one is worth nothing', async (t) => {
        const { server, token } = await start();
        const { phone: lost, recoveryCodes } = await enrol(server.console, token);
        const { page } = await come(t, server, /status of 401/);
        await page.goto(`${server.url}/auth/sign-in`);
        await fillSignIn(page);
        await heading(page, 'Enter your code');
        await button(page, 'Use a recovery code').click();
        await heading(page, 'Enter a recovery code');
        await field(page, 'Recovery code').fill('00000-00000-00000-00000-00000');
        await page.getByText('That recovery code does not work').waitFor();
        await assertSound(page, 'recovery code, wrong');
        await field(page, 'Recovery code').fill(recoveryCodes[0] ?? '');
        await accountPage(page);
        await page.getByText('A recovery code was used. 9 are left.').waitFor();
        await block(page, 'Recovery codes').getByText('9 are left.').waitFor();

        const own = await setUpApp(page, 'Move to another app');
        await dialog(page).getByText('The app you have now stays valid').waitFor();
        await dialog(page)
          .getByLabel('Code from the app')
          .fill(await own.next());
        await button(page, 'I have stored them').click();
        await page.getByRole('main').getByText('The authenticator app is set up.').waitFor();
        await block(page, 'Recovery codes').getByText('10 are left.').waitFor();

        await signOut(page);
        await fillSignIn(page);
        await heading(page, 'Enter your code');
        await field(page, 'Code').fill(await lost.next());
        await page.getByText('That code does not work').waitFor();
        await field(page, 'Code').fill(await own.next());
        await accountPage(page);
      });

      it('recovery codes are made anew after a question; the app is removed with password and code', async (t) => {
        const { server, token } = await start();
        const { phone: own, recoveryCodes } = await enrol(server.console, token);
        const { page } = await come(t, server, /status of 403/);
        await page.goto(`${server.url}/auth/sign-in`);
        await fillSignIn(page);
        await field(page, 'Code').fill(await own.next());
        await accountPage(page);
        await button(page, 'Make new codes').click();
        await dialog(page).getByRole('heading', { name: 'Make new recovery codes?' }).waitFor();
        await assertSound(page, 'new recovery codes, asked');
        await button(page, 'Cancel').click();
        await dialog(page).waitFor({ state: 'detached' });
        await button(page, 'Make new codes').click();
        await dialog(page).getByRole('button', { name: 'Make new codes' }).click();
        await dialog(page).getByRole('heading', { name: 'Keep your recovery codes' }).waitFor();
        const fresh = await dialog(page).getByRole('listitem').allInnerTexts();
        assert.equal(fresh.length, 10);
        assert.ok(!fresh.some((code) => recoveryCodes.includes(code)));
        await button(page, 'I have stored them').click();
        await page.getByRole('main').getByText('New recovery codes are made.').waitFor();

        await button(page, 'Remove the app').click();
        await focusOn(page, 'Your password');
        await dialog(page).getByRole('button', { name: 'Remove the app' }).click();
        await dialog(page).getByText('Type the code.').waitFor();
        await assertSound(page, 'app, to be removed');
        await dialog(page).getByLabel('Your password', { exact: true }).fill(admin.password);
        await dialog(page).getByLabel('Code', { exact: true }).fill(own.wrong());
        await dialog(page).getByRole('button', { name: 'Remove the app' }).click();
        await dialog(page).getByText('Password and code do not both fit.').waitFor();
        await dialog(page)
          .getByLabel('Code', { exact: true })
          .fill(fresh[0] ?? '');
        await dialog(page).getByRole('button', { name: 'Remove the app' }).click();
        await page.getByRole('main').getByText('The authenticator app is removed.').waitFor();
        await button(page, 'Set up an app').waitFor();
        await signOut(page);
        await fillSignIn(page);
        await accountPage(page);
      });

      it('a passkey: added, renamed, found by the browser itself and by the button, refused, removed', async (t) => {
        const { server } = await start();
        const { page } = await come(t, server);
        const device = await addPasskeyDevice(page, 'built-in');
        await signInOnConsole(page, server);
        await button(page, 'Add a passkey').click();
        await focusOn(page, 'Name');
        await assertSound(page, 'passkey, to be added');
        await dialog(page).getByLabel('Name', { exact: true }).fill('');
        await button(page, 'Go on').click();
        await dialog(page).getByText('Give it a name.').waitFor();
        await dialog(page).getByLabel('Name', { exact: true }).fill('Kitchen laptop');
        await button(page, 'Go on').click();
        await page.getByRole('main').getByText('The passkey is added.').waitFor();
        assert.equal(await device.held(), 1);
        const passkeys = page.getByRole('table', { name: 'Passkeys' });
        await passkeys.getByText('Kitchen laptop').waitFor();
        await assertSound(page, 'passkey, added');
        await button(page, 'Rename Kitchen laptop').click();
        await dialog(page).getByLabel('Name', { exact: true }).fill('Hall laptop');
        await button(page, 'Save').click();
        await passkeys.getByText('Hall laptop').waitFor();

        // One device holds one of an account: the browser says so before anything is sent.
        await button(page, 'Add a passkey').click();
        await button(page, 'Go on').click();
        await dialog(page).getByText('This device holds a passkey for your account already.').waitFor();
        await assertSound(page, 'passkey, held already');
        await button(page, 'Cancel').click();

        // The browser offers it behind the name field, and waits for the finger. The button is another way to ask for it.
        await device.setTouched(false);
        await signOut(page);
        await heading(page, 'Sign in');
        assert.equal(await field(page, 'Name').getAttribute('autocomplete'), 'username webauthn');
        await assertSound(page, 'sign-in, with passkeys');
        await device.setTouched(true);
        await device.setVerified(false);
        await button(page, 'Sign in with a passkey').click();
        await page.getByRole('main').getByText('No passkey was used.').waitFor();
        await assertSound(page, 'sign-in, no passkey');
        assert.ok(
          !(await page.context().cookies()).some((cookie) => cookie.name.endsWith('-account')),
          'still outside',
        );
        await device.setVerified(true);
        await button(page, 'Sign in with a passkey').click();
        await accountPage(page);
        await eventually('its use is known', async () => (await passkeys.getByText('Not yet').count()) === 0);

        // Taken from what the browser offers, with nothing pressed on the page.
        const taken = page.waitForResponse((response) => response.url().endsWith('/api/auth/login/passkey'));
        await button(page, 'Sign out').first().click();
        assert.equal((await taken).status(), 200);
        await accountPage(page);

        await button(page, 'Remove Hall laptop').click();
        await dialog(page).getByRole('heading', { name: 'Remove the passkey Hall laptop?' }).waitFor();
        await assertSound(page, 'passkey, to be removed');
        await button(page, 'Cancel').click();
        await passkeys.getByText('Hall laptop').waitFor();
        await button(page, 'Remove Hall laptop').click();
        await button(page, 'Remove the passkey').click();
        await page.getByRole('main').getByText('The passkey is removed.').waitFor();
        await device.setTouched(false);
        await signOut(page);
        await fillSignIn(page);
        await accountPage(page);
      });

      it('a passkey that is known here no more is refused, and the password still works', async (t) => {
        const { server } = await start();
        const { page } = await come(t, server, /status of 401/);
        const device = await addPasskeyDevice(page, 'built-in');
        await signInOnConsole(page, server);
        await button(page, 'Add a passkey').click();
        await button(page, 'Go on').click();
        await page.getByRole('main').getByText('The passkey is added.').waitFor();
        await button(page, /^Remove Chrome/).click();
        await button(page, 'Remove the passkey').click();
        await page.getByRole('main').getByText('The passkey is removed.').waitFor();
        await device.setTouched(false);
        await signOut(page);
        await heading(page, 'Sign in');
        await device.setTouched(true);
        await button(page, 'Sign in with a passkey').click();
        await page.getByText('That passkey does not open an account here.').waitFor();
        await device.setTouched(false);
        await assertSound(page, 'sign-in, unknown passkey');
        await fillSignIn(page);
        await accountPage(page);
      });

      it('a security key as second factor: asked for after the password, let go of, then used', async (t) => {
        const { server } = await start();
        const { page } = await come(t, server, /status of 401/);
        const device = await addPasskeyDevice(page, 'key');
        await signInOnConsole(page, server);
        await button(page, 'Add a passkey').click();
        await button(page, 'Go on').click();
        await page.getByRole('main').getByText('The passkey is added.').waitFor();
        await signOut(page);
        await fillSignIn(page);
        await heading(page, 'Use your passkey');
        await focusOn(page, 'Use your passkey');
        await assertSound(page, 'second step, passkey');
        // Another key lies there, which is not the account's.
        await device.remove();
        await addPasskeyDevice(page, 'key');
        await button(page, 'Use your passkey').click();
        await page.getByText('No passkey was used. Try again').waitFor();
        await assertSound(page, 'second step, no passkey');
        await button(page, 'Use a recovery code').click();
        await field(page, 'Recovery code').fill('00000-00000-00000-00000-00000');
        await page.getByText('That recovery code does not work').waitFor();
      });

      it('a security key opens the account after the password, and confirms', async (t) => {
        const { server } = await start('--step-up-window', '10s');
        const { page } = await come(t, server, /status of 403/);
        await addPasskeyDevice(page, 'key');
        await signInOnConsole(page, server);
        await button(page, 'Add a passkey').click();
        await button(page, 'Go on').click();
        await page.getByRole('main').getByText('The passkey is added.').waitFor();
        await signOut(page);
        await fillSignIn(page);
        await heading(page, 'Use your passkey');
        await button(page, 'Use your passkey').click();
        await accountPage(page);

        await page.waitForTimeout(10_000);
        await button(page, 'Make new codes').click();
        await dialog(page).getByRole('button', { name: 'Make new codes' }).click();
        await page.getByRole('heading', { name: 'Confirm that it is you' }).waitFor();
        await assertSound(page, 'step-up, passkey or recovery code');
        await button(page, 'Use your passkey').click();
        await page.getByRole('heading', { name: 'Keep your recovery codes' }).waitFor();
        await button(page, 'I have stored them').click();

        await field(page, 'Current password').fill(admin.password);
        await field(page, 'New password').fill(newPassword);
        await button(page, 'Change password').click();
        await page.getByRole('main').getByText('Your password is changed.').waitFor();
      });

      it('step-up asks for password and code, in place, and goes on with what was begun', async (t) => {
        const { server, token } = await start('--step-up-window', '1s');
        const { phone: own } = await enrol(server.console, token);
        const { page } = await come(t, server, /status of 403/);
        await page.goto(`${server.url}/auth/sign-in`);
        await fillSignIn(page);
        await field(page, 'Code').fill(await own.next());
        await accountPage(page);
        await page.waitForTimeout(1500);
        await button(page, 'Make new codes').click();
        await dialog(page).getByRole('button', { name: 'Make new codes' }).click();
        const confirming = dialog(page).filter({ hasText: 'Confirm that it is you' });
        await confirming.waitFor();
        await focusOn(page, 'Your password');
        await assertSound(page, 'step-up, password and code');
        await confirming.getByRole('button', { name: 'Cancel' }).click();
        await confirming.waitFor({ state: 'detached' });
        await dialog(page).getByRole('heading', { name: 'Make new recovery codes?' }).waitFor();
        await dialog(page).getByRole('button', { name: 'Make new codes' }).click();
        await confirming.getByLabel('Your password', { exact: true }).fill(wrongPassword);
        await confirming.getByLabel('Code', { exact: true }).fill(own.wrong());
        await confirming.getByRole('button', { name: 'Confirm' }).click();
        await confirming.getByText('Password and code do not both fit.').waitFor();
        await assertSound(page, 'step-up, wrong');
        await confirming.getByLabel('Your password', { exact: true }).fill(admin.password);
        await confirming.getByLabel('Code', { exact: true }).fill(await own.next());
        await confirming.getByRole('button', { name: 'Confirm' }).click();
        await dialog(page).getByRole('heading', { name: 'Keep your recovery codes' }).waitFor();
      });

      it('a session that ended: password and code in place, and on with what was typed', async (t) => {
        const { server, token } = await start();
        const { phone: own, recoveryCodes } = await enrol(server.console, token);
        const { page } = await come(t, server, /status of 401/);
        await page.goto(`${server.url}/auth/sign-in`);
        await fillSignIn(page);
        await field(page, 'Code').fill(await own.next());
        await accountPage(page);
        await field(page, 'New password').fill('half of a new pass');
        const ended = await send(`${server.console}/api/auth/login`, {
          body: { ...admin, totp_token: recoveryCodes[0] },
        });
        const bearer = { authorization: `Bearer ${String(ended.json['token'])}` };
        await send(`${server.console}/api/auth/sessions`, { method: 'DELETE', headers: bearer });
        await button(page, 'Set up an app').or(button(page, 'Move to another app')).click();
        await dialog(page).getByText('Sign in again as root1 to go on.').waitFor();
        await assertSound(page, 'session ended');
        await dialog(page).getByLabel('Your password', { exact: true }).fill(admin.password);
        await dialog(page).getByRole('button', { name: 'Sign in', exact: true }).click();
        await dialog(page).getByLabel('Code', { exact: true }).waitFor();
        await assertSound(page, 'session ended, code');
        await dialog(page)
          .getByLabel('Code', { exact: true })
          .fill(await own.next());
        await dialog(page).getByRole('heading', { name: 'Set up an authenticator app' }).waitFor();
        await page.keyboard.press('Escape');
        assert.equal(await field(page, 'New password').inputValue(), 'half of a new pass', 'what was typed is kept');
      });

      it('a password that others know: led to another one, the rest is closed and says so', async (t) => {
        const { server } = await start();
        const { page } = await come(t, server, /status of 403/);
        await signInOnConsole(page, server);
        // Ten wrong codes of strangers are a long story: here the status tells of them, until the password is another one.
        let changed = false;
        await page.route('**/api/auth/status', async (route) => {
          const response = await route.fetch();
          const status = (await response.json()) as Readonly<Record<string, unknown>>;
          await route.fulfill({ response, json: { ...status, must: changed ? null : 'change-password' } });
        });
        await page.goto(`${server.url}/auth/account`);
        await heading(page, 'Your account');
        await page.getByText('Your password has to be changed').waitFor();
        assert.equal(await page.getByText('Closed until you have changed your password.').count(), 4);
        await assertSound(page, 'account, password to be changed');
        await field(page, 'Current password').fill(wrongPassword);
        await field(page, 'New password').fill(newPassword);
        await button(page, 'Change password').click();
        await page.getByText('That is not your current password.').waitFor();
        await field(page, 'Current password').fill(admin.password);
        changed = true;
        await button(page, 'Change password').click();
        await accountPage(page);
        assert.equal(await page.getByText('Closed until').count(), 0);
      });

      it('at an address that is a number no passkeys are offered, and it is said why', async (t) => {
        const port = await freePort();
        const place = `127.0.0.1:${port}`;
        const server = await startServer({
          listen: place,
          args: ['--password-memory', '19MiB', '--public-url', `http://${place}`],
        });
        servers.push(server);
        await setUp(server);
        const { page } = await chromium.visitor(t, {
          origins: [`http://${place}`],
          context: { viewport: { width, height }, reducedMotion: 'reduce' },
        });
        await page.goto(`http://${place}/auth/sign-in`);
        await heading(page, 'Sign in');
        assert.equal(await button(page, 'Sign in with a passkey').count(), 0);
        await fillSignIn(page);
        await accountPage(page);
        await block(page, 'Passkeys').getByText('Passkeys need a name.').waitFor();
        assert.equal(await button(page, 'Add a passkey').count(), 0);
        await assertSound(page, 'account, no passkeys');
      });

      it('where an application shares the address, each change takes a proof of its own', async (t) => {
        const application = await startEcho();
        t.after(() => application.close());
        const server = await startServer({
          upstream: application.url,
          args: ['--password-memory', '19MiB', '--shared-origin'],
        });
        servers.push(server);
        const headers = { authorization: `Bearer ${String((await setUp(server)).json['token'])}` };
        const begun = await send(`${server.console}/api/auth/totp/setup`, {
          headers,
          body: { password: admin.password },
        });
        const own = phone(String(begun.json['secret']));
        await send(`${server.console}/api/auth/totp/enable`, { headers, body: { token: await own.next() } });
        const { page } = await come(t, server, /status of 403/);
        await page.goto(`${server.url}/auth/sign-in`);
        await fillSignIn(page);
        await field(page, 'Code').fill(await own.next());
        await accountPage(page);
        await button(page, 'Make new codes').click();
        await dialog(page).getByRole('button', { name: 'Make new codes' }).click();
        const confirming = dialog(page).filter({ hasText: 'Confirm that it is you' });
        const confirm = async (): Promise<void> => {
          await confirming.getByLabel('Your password', { exact: true }).fill(admin.password);
          await confirming.getByLabel('Code', { exact: true }).fill(await own.next());
          await confirming.getByRole('button', { name: 'Confirm' }).click();
        };
        await confirm();
        await confirming.getByText('An application shares this address').waitFor();
        await assertSound(page, 'step-up, each time');
        await confirm();
        await dialog(page).getByRole('heading', { name: 'Keep your recovery codes' }).waitFor();
      });

      it('where a second factor is asked for: led to it, the rest is closed and says so, then open', async (t) => {
        const { server } = await start('--require-factor', 'everybody');
        const { page } = await come(t, server);
        await page.goto(`${server.url}/auth/sign-in`);
        await fillSignIn(page);
        await heading(page, 'Your account');
        await page.getByText('This server asks for a second factor.').waitFor();
        await button(page, 'Set up an app').waitFor();
        assert.equal(await page.getByText('Closed until you have a second factor.').count(), 3);
        assert.equal(await page.getByRole('heading', { level: 2 }).first().innerText(), 'Second factors');
        await assertSound(page, 'account, a second factor to be set up');
        await page.goto(`${server.url}/auth/people`);
        await page.getByText('This server asks for a second factor.').waitFor();
        await assertSound(page, 'people, closed');
        await page.getByRole('link', { name: 'Your account' }).click();
        const own = await setUpApp(page, 'Set up an app');
        await dialog(page)
          .getByLabel('Code from the app')
          .fill(await own.next());
        await button(page, 'I have stored them').click();
        await accountPage(page);
        await eventually('all is open', async () => (await page.getByText('Closed until').count()) === 0);
        await page.getByRole('table', { name: 'Sign-in attempts' }).waitFor();
      });
    });
  }
});
