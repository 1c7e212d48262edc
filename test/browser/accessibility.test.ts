/**
 * Every page and every state of it, looked at by axe-core: in light and dark, wide and on a telephone, with nothing to scroll
 * sideways. `SALLYPORT_TEST_SHOTS=<folder>` keeps pictures of them all for people to look at.
 */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { type Chromium, startChromium } from '../support/chromium.ts';
import { send } from '../support/client.ts';
import { withoutPackages } from '../support/debian.ts';
import { admin, setUp, signIn, wrongPassword } from '../support/people.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { startStreaming, type Streaming } from '../support/streaming.ts';
import { sidewaysScroll } from './audit.ts';
import { violations } from './axe.ts';
import { accountPage, button, field, fillSignIn, heading, setupLink, signInOnConsole } from './steps.ts';

const shots = process.env['SALLYPORT_TEST_SHOTS'];

const looks = [
  { name: 'light, wide', colorScheme: 'light', viewport: { width: 1280, height: 900 } },
  { name: 'dark, wide', colorScheme: 'dark', viewport: { width: 1280, height: 900 } },
  { name: 'light, telephone', colorScheme: 'light', viewport: { width: 360, height: 740 } },
  { name: 'dark, telephone', colorScheme: 'dark', viewport: { width: 360, height: 740 } },
] as const;

describe('axe-core finds nothing', { skip: withoutPackages }, () => {
  let chromium: Chromium;
  let app: Streaming;
  before(async () => {
    [chromium, app] = await Promise.all([startChromium(), startStreaming()]);
  });
  after(async () => {
    await chromium.close();
    await app.close();
  });

  it('and would: a page with faults has them found', async (t) => {
    const { page } = await chromium.visitor(t, { origins: [] });
    await page.setContent(
      '<html><body><img src=""><button></button><p style="color:#aaa">pale</p><input></body></html>',
    );
    const found = (await violations(page)).join('\n');
    for (const id of ['image-alt', 'button-name', 'color-contrast', 'html-has-lang', 'label'])
      assert.match(found, new RegExp(`^${id}:`, 'm'));
  });

  for (const { name, ...look } of looks) {
    describe(name, () => {
      const servers: RunningServer[] = [];
      after(() => Promise.all(servers.map((each) => each.remove())));
      const newServer = async (state: 'fresh' | 'configured', args: readonly string[] = []): Promise<RunningServer> => {
        const server = await startServer({ upstream: app.url, args });
        servers.push(server);
        if (state === 'configured') await setUp(server);
        return server;
      };
      const visit = async (t: Parameters<Chromium['visitor']>[0], server: RunningServer, ...tolerated: RegExp[]) => {
        const visitor = await chromium.visitor(t, {
          origins: [server.url, server.application],
          tolerated: [/status of (4\d\d|5\d\d)/, /ERR_INTERNET_DISCONNECTED|ERR_CONNECTION_REFUSED/, ...tolerated],
          context: { ...look, reducedMotion: 'reduce' },
        });
        return { ...visitor, look: (what: string) => lookAt(visitor.page, name, what) };
      };

      it('first run: set up, what is wrong, recovery codes, decline', async (t) => {
        const server = await newServer('fresh');
        const { page, look: see } = await visit(t, server);
        await page.goto(server.application);
        await see('application before set-up');
        await page.goto(`${server.url}/auth/setup`);
        await heading(page, 'Set up sign-in');
        await see('set up');
        await button(page, 'Create the account').click();
        await page.getByText('Choose a name.').waitFor();
        await see('set up, nothing filled in');
        await page.goto(setupLink(server));
        await field(page, 'Name').fill(admin.username);
        await field(page, 'Password').fill('password');
        await page.keyboard.press('Enter');
        await page.getByText('It is too short.').waitFor();
        await see('set up, password refused');
        await field(page, 'Password').fill(admin.password);
        await page.keyboard.press('Enter');
        await heading(page, 'Keep your recovery codes');
        await see('recovery codes');

        const other = await newServer('fresh');
        const { page: second, look: seeSecond } = await visit(t, other);
        await second.goto(setupLink(other));
        await heading(second, 'Set up sign-in');
        await second
          .getByRole('button', { name: /without sign-in/i })
          .first()
          .click();
        await seeSecond('decline, asked');
      });

      it('sign-in: empty, wrong, offline, to an application, signed out, nothing there', async (t) => {
        const server = await newServer('configured');
        const { page, context, look: see } = await visit(t, server);
        await page.goto(`${server.application}/page`);
        await heading(page, 'Sign in');
        await see('sign in to the application');
        await button(page, 'Sign in').click();
        await page.getByText('Type your name.').waitFor();
        await see('sign in, nothing filled in');
        await fillSignIn(page, wrongPassword);
        await page.getByRole('alert').waitFor();
        await see('sign in, wrong');
        await context.setOffline(true);
        await fillSignIn(page);
        await page.getByText('This device is offline.').waitFor();
        await see('sign in, offline');
        await context.setOffline(false);
        await page.goto(`${server.url}/auth/nothing-here`);
        await page.getByRole('heading', { level: 1 }).waitFor();
        await see('nothing here');
      });

      it('account: whole, refusals, passphrase, other sessions, switching off, expired, offline', async (t) => {
        const server = await newServer('configured');
        await signIn({ console: server.url });
        await signIn({ console: server.url });
        const { page, context, look: see } = await visit(t, server);
        await signInOnConsole(page, server);
        await see('account');
        await button(page, 'Change password').click();
        await page.getByText('Type your current password.').waitFor();
        await see('account, change refused');
        await field(page, 'Current password').fill(admin.password);
        await field(page, 'New password').fill('Root1Root1Root1Root1');
        await page.keyboard.press('Enter');
        await page.getByText('It is made of your name.').waitFor();
        await see('account, password refused');
        await button(page, 'Suggest a password').click();
        await see('account, password suggested');
        await button(page, 'Switch off sign-in').click();
        await page.getByRole('heading', { name: 'Switch off sign-in for everybody?' }).waitFor();
        await see('account, switching off');
        await context.setOffline(true);
        await field(page, 'Your password').fill(admin.password);
        await page.keyboard.press('Enter');
        await page.getByText('This device is offline.').first().waitFor();
        await see('account, offline');
        await context.setOffline(false);
        await context.clearCookies();
        await page.keyboard.press('Enter');
        await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor();
        await see('expired');
        await fillSignIn(page);
        await accountPage(page);
      });

      it('the application: down, too slow; signing out there', async (t) => {
        const server = await newServer('configured', ['--proxy-answer-timeout', '1s']);
        const { page, look: see } = await visit(t, server);
        await page.goto(`${server.application}/page`);
        await fillSignIn(page);
        await page.getByText('digest').waitFor();
        await page.goto(`${server.application}/never`);
        await heading(page, 'Application too slow');
        await see('application too slow');
        await page.goto(`${server.application}/.sallyport/sign-out`);
        await heading(page, 'Sign out?');
        await see('sign out at the application');

        const gone = await startServer({ upstream: 'http://127.0.0.1:9' });
        servers.push(gone);
        await setUp(gone);
        const { page: second, look: seeSecond } = await visit(t, gone);
        await second.goto(`${gone.application}/page`);
        await fillSignIn(second);
        await heading(second, 'Application unreachable');
        await seeSecond('application unreachable');
      });

      it('switched off', async (t) => {
        const server = await newServer('configured');
        const { page, look: see } = await visit(t, server);
        const own = await send(`${server.console}/api/auth/login`, { body: admin });
        const off = await send(`${server.console}/api/auth/disable`, {
          headers: { authorization: `Bearer ${String(own.json['token'])}` },
          body: { password: admin.password },
        });
        assert.equal(off.status, 200, off.text);
        await page.goto(`${server.url}/auth/`);
        await page.getByRole('heading').first().waitFor();
        await see('switched off');
      });
    });
  }
});

async function lookAt(page: Page, look: string, what: string): Promise<void> {
  if (shots !== undefined) {
    await mkdir(shots, { recursive: true });
    await page.screenshot({ path: join(shots, `${what}, ${look}.png`.replaceAll(/[ ,]+/g, '-')), fullPage: true });
  }
  assert.deepEqual(await violations(page), [], `${what}, ${look}`);
  assert.equal(await sidewaysScroll(page), 0, `${what}, ${look}: wider than the window`);
}
