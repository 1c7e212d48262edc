/**
 * The page for API tokens: made, shown once, put to use, changed, switched off, given a new secret, revoked. On a wide
 * window and on a telephone, with axe at every state; each accepting turn has its refusing twin.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, it, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import type { Locator, Page } from 'playwright-core';
import { type Chromium, startChromium, type Visitor } from '../support/chromium.ts';
import { type Got, send } from '../support/client.ts';
import { need, withoutPackages } from '../support/debian.ts';
import { type Echo, startEcho } from '../support/echo.ts';
import { admin, setUp } from '../support/people.ts';
import { phone } from '../support/phone.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { keptInBrowser } from './audit.ts';
import { assertSound } from './axe.ts';
import { accountPage, button, eventually, field, fillSignIn, focusOn, heading, signInOnConsole } from './steps.ts';

const bob = { username: 'bob', password: 'quiet harbour 77 under copper rain' };
const dayMs = 86_400_000;

describe('API tokens', { skip: withoutPackages }, () => {
  let chromium: Chromium;
  let echo: Echo;
  const servers: RunningServer[] = [];
  before(async () => {
    [chromium, echo] = await Promise.all([startChromium(), startEcho()]);
  });
  after(async () => {
    await chromium.close();
    await Promise.all(servers.map((server) => server.remove()));
    await echo.close();
  });

  interface Started {
    readonly server: RunningServer;
    /** As an administrator, by a session of no browser. */
    readonly ask: (path: string, body?: object, token?: string) => Promise<Readonly<Record<string, unknown>>>;
    /** A session of somebody more who has a password. */
    readonly addBob: () => Promise<string>;
    /** What the application says to a token. */
    readonly use: (secret: string) => Promise<Got>;
  }
  const start = async (...args: readonly string[]): Promise<Started> => {
    const server = await startServer({ upstream: echo.url, args: ['--password-memory', '19MiB', ...args] });
    servers.push(server);
    const own = String((await setUp(server)).json['token']);
    const ask: Started['ask'] = async (path, body, token = own) => {
      const headers = { authorization: `Bearer ${token}` };
      const got = await send(`${server.console}${path}`, { headers, ...(body === undefined ? {} : { body }) });
      assert.ok(got.status < 300, got.text);
      return got.json;
    };
    const addBob: Started['addBob'] = async () => {
      const { user } = (await ask('/api/auth/users', { username: bob.username })) as { user: { id: string } };
      const made = await ask(`/api/auth/users/${user.id}/link`, { purpose: 'invite' });
      const link = new URLSearchParams(new URL(String(made['link'])).hash.slice(1)).get('link');
      const redeemed = await send(`${server.console}/api/auth/link`, { body: { link, password: bob.password } });
      assert.equal(redeemed.status, 201, redeemed.text);
      return String(redeemed.json['token']);
    };
    const use: Started['use'] = (secret) =>
      send(`${server.application}/`, { headers: { authorization: `Bearer ${secret}` } });
    return { server, ask, addBob, use };
  };
  const dialog = (page: Page): Locator => page.getByRole('dialog');
  const rows = (page: Page): Locator => page.getByRole('table', { name: 'API tokens' }).getByRole('row');
  const row = (page: Page, name: string): Locator => rows(page).filter({ hasText: name });

  for (const { name, width, height } of [
    { name: 'in a wide window', width: 1280, height: 800 },
    { name: 'on a telephone', width: 360, height: 740 },
  ]) {
    describe(name, { concurrency: 2 }, () => {
      const come = (t: TestContext, server: RunningServer, ...expected: readonly RegExp[]): Promise<Visitor> =>
        chromium.visitor(t, {
          origins: [server.url],
          expected,
          context: { viewport: { width, height }, reducedMotion: 'reduce' },
        });
      const tokens = async (page: Page, server: RunningServer, hash = ''): Promise<void> => {
        await page.goto(`${server.url}/auth/tokens${hash}`);
        await heading(page, 'API tokens');
        await page.locator('[aria-busy="true"]').waitFor({ state: 'detached' });
      };
      const token = async (page: Page, called: string): Promise<void> => {
        await page.getByRole('link', { name: called, exact: true }).click();
        await heading(page, called);
        await focusOn(page, called);
      };
      /** What the open dialog shows under that name. */
      const shown = (page: Page, called: string): Promise<string> =>
        dialog(page)
          .locator('figure')
          .filter({ has: page.getByText(called, { exact: true }) })
          .locator('code')
          .innerText();

      it('from none to one: made, shown once, ready for each program, used, listed', async (t) => {
        const { server, use } = await start();
        const { page, context } = await come(t, server);
        await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: server.url });
        await signInOnConsole(page, server);
        await page.getByRole('link', { name: 'API tokens', exact: true }).click();
        await heading(page, 'API tokens');
        await page.getByText('No tokens yet. Make one for each program').waitFor();
        await assertSound(page, 'no tokens');

        await button(page, 'Make a token').click();
        await focusOn(page, 'Name');
        await assertSound(page, 'a token to be made');
        await page.keyboard.press('Escape');
        await dialog(page).waitFor({ state: 'detached' });
        await focusOn(page, 'Make a token');
        await button(page, 'Make a token').click();
        await field(page, 'Chosen scopes').check();
        await field(page, 'Valid for').selectOption('Until it is revoked');
        await dialog(page).getByText('A token that nobody remembers works for ever').waitFor();
        await field(page, 'Only from these addresses').fill('here and there');
        await dialog(page).getByText('Limits', { exact: true }).click();
        await field(page, 'Requests a minute').fill('0');
        await button(page, 'Make the token').click();
        for (const said of [
          'Give it a name.',
          'Type at least one scope.',
          'One of these is no address or network.',
          'Type a whole number from 1 to 100000.',
        ])
          await dialog(page).getByText(said).waitFor();
        await focusOn(page, 'Name');
        await assertSound(page, 'a token to be made, all wrong');
        await field(page, 'Name').fill('Home Assistant');
        await field(page, 'Scopes').fill('Read Everything');
        await field(page, 'Only from these addresses').fill('127.0.0.1\n10.0.0.0/8');
        await field(page, 'Requests a minute').fill('60');
        await button(page, 'Make the token').click();
        await dialog(page).getByText('One of these is no scope.').waitFor();
        await field(page, 'Read only').check();
        await field(page, 'Valid for').selectOption('90 days');
        await button(page, 'Make the token').click();

        await dialog(page).getByRole('heading', { name: 'Copy your token' }).waitFor();
        await dialog(page).getByText('shown only now').waitFor();
        await assertSound(page, 'a token, shown once');
        const secret = await shown(page, 'Secret');
        assert.match(secret, /^spt_[A-Za-z0-9]{36}$/);
        await button(page, 'Copy: Secret').click();
        await dialog(page).getByText('Copied.').first().waitFor();
        assert.equal(await page.evaluate<string>('navigator.clipboard.readText()'), secret);
        await field(page, 'Address it is used at').fill(`${server.application}/api/states`);
        const command = await shown(page, 'Shell');
        assert.ok(command.includes(secret) && command.includes('/api/states'), command);
        const curl = await need('curl', 'curl');
        const { stdout } = await promisify(execFile)('sh', ['-c', command.replace(/^curl/, `${curl} -sS`)]);
        assert.equal((JSON.parse(stdout) as Echo['seen'][number]).target, '/api/states');
        for (const [program, files] of [
          ['Home Assistant', ['secrets.yaml', 'configuration.yaml']],
          ['Homepage', ['.env', 'services.yaml']],
          ['Prometheus', ['/etc/prometheus/home_assistant.token', 'prometheus.yml']],
        ] as const) {
          await field(page, 'Example for').selectOption(program);
          const texts = await Promise.all(files.map((file) => shown(page, file)));
          assert.equal(texts.filter((text) => text.includes(secret)).length, 1, `${program} keeps it in one place`);
          assert.ok(texts[1]?.includes('/api/states'), texts[1]);
          await assertSound(page, `a token, for ${program}`);
        }
        await page.keyboard.press('Escape');
        assert.equal(await dialog(page).count(), 1, 'it is not lost by a slip');
        await button(page, 'Close').click();
        await dialog(page).waitFor({ state: 'detached' });
        assert.ok(!(await page.content()).includes(secret), 'and it is gone');

        const line = row(page, 'Home Assistant');
        await line.getByText(`${secret.slice(0, 10)}…`).waitFor();
        await line.getByText('Read only').waitFor();
        await line.getByText('Active').waitFor();
        const used = await use(secret);
        assert.equal(used.status, 200, used.text);
        await page.reload();
        await heading(page, 'API tokens');
        await line.getByText('127.0.0.1').waitFor();
        await line.getByText('just now').first().waitFor();
        await assertSound(page, 'tokens');
        assert.ok(!(await page.content()).includes(secret));
        assert.deepEqual((await keptInBrowser(page))['local'], 0);
      });

      it('one token: named anew, from fewer addresses; switched off, then refused; on again', async (t) => {
        const { server, ask, use } = await start();
        const made = await ask('/api/auth/api-tokens', { token_name: 'Backup' });
        const secret = String(made['token']);
        const { page } = await come(t, server);
        await signInOnConsole(page, server);
        await tokens(page, server);
        await token(page, 'Backup');
        await assertSound(page, 'a token');
        await field(page, 'Name').fill('');
        await button(page, 'Save').click();
        await page.getByText('Give it a name.').waitFor();
        await assertSound(page, 'a token, wrongly changed');
        await field(page, 'Name').fill('Backup at night');
        await field(page, 'Only from these addresses').fill('192.0.2.0/24');
        await field(page, 'Requests an hour').fill('100');
        await button(page, 'Save').click();
        await page.getByRole('main').getByText('Saved.').waitFor();
        await heading(page, 'Backup at night');
        await assertSound(page, 'a token, changed');
        const refused = await use(secret);
        assert.equal(refused.status, 403, refused.text);
        await field(page, 'Only from these addresses').fill('');
        await button(page, 'Save').click();
        await eventually('it works from everywhere', async () => (await use(secret)).status === 200);

        await button(page, 'Switch off ‘Backup at night’').click();
        await button(page, 'Switch on ‘Backup at night’').waitFor();
        await focusOn(page, 'Switch on');
        await assertSound(page, 'a token, switched off');
        assert.equal((await use(secret)).status, 401);
        await page.getByRole('link', { name: 'All tokens' }).click();
        await row(page, 'Backup at night').getByText('Switched off').waitFor();
        await page.goBack();
        await button(page, 'Switch on ‘Backup at night’').click();
        await button(page, 'Switch off ‘Backup at night’').waitFor();
        assert.equal((await use(secret)).status, 200);
        await page.reload();
        await heading(page, 'Backup at night');
      });

      it('a new secret, while the old one goes on or not; revoked, then refused', async (t) => {
        const { server, ask, use } = await start();
        const first = String((await ask('/api/auth/api-tokens', { token_name: 'Backup' }))['token']);
        const { page } = await come(t, server);
        await signInOnConsole(page, server);
        await tokens(page, server);
        await token(page, 'Backup');
        const rotate = async (overlap: string): Promise<string> => {
          await button(page, 'Make a new secret').click();
          await dialog(page).getByRole('heading', { name: 'Make a new secret for ‘Backup’?' }).waitFor();
          await field(page, 'The old secret').selectOption(overlap);
          await assertSound(page, 'a new secret to be made');
          await dialog(page).getByRole('button', { name: 'Make a new secret' }).click();
          await dialog(page).getByRole('heading', { name: 'Copy the new secret' }).waitFor();
          await assertSound(page, 'a new secret');
          const secret = await shown(page, 'Secret');
          await button(page, 'Close').click();
          await dialog(page).waitFor({ state: 'detached' });
          return secret;
        };
        const second = await rotate('Works for one hour more');
        await page.getByText('Old secret ends:').waitFor();
        await assertSound(page, 'a token with two secrets');
        assert.deepEqual([(await use(first)).status, (await use(second)).status], [200, 200]);
        const third = await rotate('Stops at once');
        await page.getByText('Old secret ends:').waitFor({ state: 'detached' });
        assert.deepEqual(
          await Promise.all([first, second, third].map(async (each) => (await use(each)).status)),
          [401, 401, 200],
        );

        await button(page, 'Revoke ‘Backup’').click();
        await dialog(page).getByText('Whatever uses it is refused from the next request on.').waitFor();
        await assertSound(page, 'a token to be revoked');
        await button(page, 'Cancel').click();
        await dialog(page).waitFor({ state: 'detached' });
        await button(page, 'Revoke ‘Backup’').click();
        await dialog(page).getByRole('button', { name: 'Revoke ‘Backup’' }).click();
        await page.getByRole('main').getByText('‘Backup’ is revoked.').waitFor();
        await page.getByText('No tokens yet.').waitFor();
        assert.equal((await use(third)).status, 401);
        await page.goBack();
        await page.getByText('This token is not here any more.').waitFor();
        await assertSound(page, 'a token that is gone');
      });

      it('what nothing seems to need is marked, and revoked from the list', async (t) => {
        const { server, ask, use } = await start();
        await ask('/api/auth/api-tokens', { token_name: 'Forgotten' });
        const used = String((await ask('/api/auth/api-tokens', { token_name: 'Backup', never: true }))['token']);
        assert.equal((await use(used)).status, 200);
        const { page } = await come(t, server);
        await signInOnConsole(page, server);
        await tokens(page, server);
        await row(page, 'Forgotten').getByText('Not yet').waitFor();
        assert.equal(await page.getByText('Never used').count(), 0);
        await page.addInitScript(`{ const now = Date.now; Date.now = () => now() + ${8 * dayMs}; }`);
        await tokens(page, server);
        await row(page, 'Forgotten').getByText('Never used').waitFor();
        await page.getByText('1 token here has not been used for a long time.').waitFor();
        await row(page, 'Backup').getByText('8 days ago').first().waitFor();
        await page.addInitScript(`{ const now = Date.now; Date.now = () => now() + ${92 * dayMs}; }`);
        await tokens(page, server);
        await row(page, 'Backup').getByText('Not used for 100 days').first().waitFor();
        await page.getByText('2 tokens here have not been used for a long time.').waitFor();
        await assertSound(page, 'tokens, unused');
        await button(page, 'Revoke ‘Forgotten’').click();
        await dialog(page).getByRole('button', { name: 'Revoke ‘Forgotten’' }).click();
        await page.getByRole('main').getByText('‘Forgotten’ is revoked.').waitFor();
        await focusOn(page, 'API tokens');
        assert.equal(await rows(page).count(), 2);
        await assertSound(page, 'tokens, one revoked');
      });

      it('everybody sees their own; an administrator sees and ends those of all, a page at a time', async (t) => {
        const { server, ask, addBob, use } = await start();
        const session = await addBob();
        const proof = { password: bob.password };
        const bobs = String((await ask('/api/auth/api-tokens', { token_name: 'Bob’s', ...proof }, session))['token']);
        for (let each = 10; each < 62; each += 1) await ask('/api/auth/api-tokens', { token_name: `Program ${each}` });

        const his = await come(t, server, /status of 403/);
        await his.page.goto(`${server.url}/auth/sign-in`);
        await field(his.page, 'Name').fill(bob.username);
        await field(his.page, 'Password').fill(bob.password);
        await button(his.page, 'Sign in').click();
        await accountPage(his.page);
        await tokens(his.page, server, '#everybody');
        await row(his.page, 'Bob’s').waitFor();
        assert.equal(await rows(his.page).count(), 2);
        assert.equal(await his.page.getByText('Everybody’s').count(), 0);
        await button(his.page, 'Make a token').click();
        assert.equal(await field(his.page, 'Everything').count(), 0);
        await field(his.page, 'Name').fill('Audit');
        await field(his.page, 'Chosen scopes').check();
        await field(his.page, 'Scopes').fill('sallyport:audit');
        await button(his.page, 'Make the token').click();
        await dialog(his.page).getByText('One of these is more than you may do yourself.').waitFor();
        await assertSound(his.page, 'a token above its owner');

        const { page } = await come(t, server);
        await signInOnConsole(page, server);
        await tokens(page, server);
        await eventually('fifty are there', async () => (await rows(page).count()) === 51);
        assert.equal(await row(page, 'Bob’s').count(), 0);
        await button(page, 'Show more').click();
        await eventually('all own ones are there', async () => (await rows(page).count()) === 53);
        await page.getByRole('link', { name: 'Everybody’s' }).click();
        await eventually('fifty are there', async () => (await rows(page).count()) === 51);
        await button(page, 'Show more').click();
        await eventually('all are there', async () => (await rows(page).count()) === 54);
        await row(page, 'Bob’s').getByText('For bob').waitFor();
        await assertSound(page, 'tokens of everybody');
        await token(page, 'Bob’s');
        await page.getByText('It acts for bob.').waitFor();
        assert.equal(await button(page, 'Make a new secret').count(), 0);
        await assertSound(page, 'a token of somebody else');
        assert.equal((await use(bobs)).status, 200);
        await button(page, 'Revoke ‘Bob’s’').click();
        await dialog(page).getByRole('button', { name: 'Revoke ‘Bob’s’' }).click();
        await page.getByRole('main').getByText('‘Bob’s’ is revoked.').waitFor();
        assert.equal((await use(bobs)).status, 401);
      });

      it('making one asks for a proof when it is time, in place, and goes on with what was typed', async (t) => {
        const { server } = await start('--step-up-window', '3s');
        const { page } = await come(t, server, /status of 403/);
        await signInOnConsole(page, server);
        await tokens(page, server);
        await page.waitForTimeout(3000);
        await button(page, 'Make a token').click();
        await field(page, 'Name').fill('Prometheus');
        await field(page, 'Chosen scopes').check();
        await field(page, 'Scopes').fill('sallyport:metrics');
        await button(page, 'Make the token').click();
        const confirming = dialog(page).filter({ hasText: 'Confirm that it is you' });
        await confirming.waitFor();
        await assertSound(page, 'a token, to be confirmed');
        await confirming.getByRole('button', { name: 'Cancel' }).click();
        await confirming.waitFor({ state: 'detached' });
        assert.equal(await field(page, 'Scopes').inputValue(), 'sallyport:metrics', 'what was typed is kept');
        await button(page, 'Make the token').click();
        await confirming.getByLabel('Your password', { exact: true }).fill(admin.password);
        await confirming.getByRole('button', { name: 'Confirm' }).click();
        await dialog(page).getByRole('heading', { name: 'Copy your token' }).waitFor();
        assert.equal(await field(page, 'Address it is used at').inputValue(), `${server.url}/metrics`);
        assert.match(await shown(page, 'prometheus.yml'), /metrics_path: "\/metrics"/);
        const headers = { authorization: `Bearer ${await shown(page, 'Secret')}` };
        assert.equal((await send(`${server.console}/metrics`, { headers })).status, 200);
        await button(page, 'Close').click();
        await row(page, 'Prometheus').getByText('sallyport:metrics').waitFor();
      });

      it('beside an application each is proven by itself: the password alone is not enough where there is a code', async (t) => {
        const { server, ask } = await start('--shared-origin');
        const begun = await ask('/api/auth/totp/setup', { password: admin.password });
        const own = phone(String(begun['secret']));
        await ask('/api/auth/totp/enable', { token: await own.next(), password: admin.password });
        const [entry = '', ...codes] = begun['backup_codes'] as readonly string[];
        const { page } = await come(t, server, /status of 403/);
        await page.goto(`${server.url}/auth/sign-in`);
        await fillSignIn(page);
        await button(page, 'Use a recovery code').click();
        await field(page, 'Recovery code').fill(entry);
        await accountPage(page);
        await tokens(page, server);
        await button(page, 'Make a token').click();
        await field(page, 'Name').fill('Backup');
        await button(page, 'Make the token').click();
        const confirming = dialog(page).filter({ hasText: 'Confirm that it is you' });
        const confirm = async (code: string): Promise<void> => {
          await confirming.getByLabel('Your password', { exact: true }).fill(admin.password);
          await confirming.getByLabel('Code', { exact: true }).fill(code);
          await confirming.getByRole('button', { name: 'Confirm' }).click();
        };
        await confirm(codes[0] ?? '');
        await confirming.getByText('An application shares this address').waitFor();
        await confirm('');
        await confirming.getByText('Password and code do not both fit.').waitFor();
        await assertSound(page, 'a token, half confirmed');
        await confirm(codes[1] ?? '');
        await dialog(page).getByRole('heading', { name: 'Copy your token' }).waitFor();
        await button(page, 'Close').click();
        await row(page, 'Backup').waitFor();
      });

      it('a changed password leaves them, and says so', async (t) => {
        const { server, ask } = await start();
        const { page } = await come(t, server);
        await signInOnConsole(page, server);
        const change = async (old: string, fresh: string): Promise<void> => {
          await field(page, 'Current password').fill(old);
          await field(page, 'New password').fill(fresh);
          await button(page, 'Change password').click();
          await page.getByRole('main').getByText('Your password is changed.').waitFor();
        };
        await ask('/api/auth/api-tokens', { token_name: 'Backup' });
        await ask('/api/auth/api-tokens', { token_name: 'Home Assistant' });
        await change(admin.password, bob.password);
        const led = page.getByRole('link', { name: '2 API tokens still work. Look at them.' });
        await led.waitFor();
        await assertSound(page, 'password changed, with tokens');
        await led.click();
        await heading(page, 'API tokens');
        for (const called of ['Backup', 'Home Assistant']) {
          await button(page, `Revoke ‘${called}’`).click();
          await dialog(page)
            .getByRole('button', { name: `Revoke ‘${called}’` })
            .click();
          await page.getByRole('main').getByText(`‘${called}’ is revoked.`).waitFor();
        }
        await page.getByRole('link', { name: 'Your account' }).click();
        await accountPage(page);
        await change(bob.password, admin.password);
        assert.equal(await page.getByText('still work').count(), 0);
      });
    });
  }
});
