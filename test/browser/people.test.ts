/**
 * The people page, and what an invitation becomes on the other side: on a wide window and on a telephone, with axe at every
 * state; each accepting turn has its refusing twin.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import { type Chromium, startChromium, type Visitor } from '../support/chromium.ts';
import { send } from '../support/client.ts';
import { withoutPackages } from '../support/debian.ts';
import { admin, setUp, signIn } from '../support/people.ts';
import { enrol } from '../support/phone.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { keptInBrowser } from './audit.ts';
import { assertSound } from './axe.ts';
import { accountPage, button, eventually, field, fillSignIn, focusOn, heading, signInOnConsole } from './steps.ts';

const adasPassword = 'quiet harbour 77 under copper rain';

describe('people', { skip: withoutPackages }, () => {
  let chromium: Chromium;
  const servers: RunningServer[] = [];
  before(async () => {
    chromium = await startChromium();
  });
  after(async () => {
    await chromium.close();
    await Promise.all(servers.map((server) => server.remove()));
  });

  interface Started {
    readonly server: RunningServer;
    /** As an administrator, by a session of no browser. */
    readonly ask: (path: string, body?: object, method?: string) => Promise<Readonly<Record<string, unknown>>>;
    /** Somebody more, with a password; and a session of theirs. */
    readonly addSomebody: (username: string) => Promise<{ readonly id: string; readonly token: string }>;
  }
  const start = async (...args: readonly string[]): Promise<Started> => {
    const server = await startServer({ args: ['--password-memory', '19MiB', ...args] });
    servers.push(server);
    const headers = { authorization: `Bearer ${String((await setUp(server)).json['token'])}` };
    const ask: Started['ask'] = async (path, body, method = body === undefined ? 'GET' : 'POST') => {
      const got = await send(`${server.console}${path}`, { method, headers, ...(body === undefined ? {} : { body }) });
      assert.ok(got.status < 300, got.text);
      return got.json;
    };
    const addSomebody: Started['addSomebody'] = async (username) => {
      const { user } = (await ask('/api/auth/users', { username })) as { user: { id: string } };
      const made = await ask(`/api/auth/users/${user.id}/link`, { purpose: 'invite' });
      const link = new URLSearchParams(new URL(String(made['link'])).hash.slice(1)).get('link');
      const redeemed = await send(`${server.console}/api/auth/link`, { body: { link, password: adasPassword } });
      assert.equal(redeemed.status, 201, redeemed.text);
      return { id: user.id, token: String(redeemed.json['token']) };
    };
    return { server, ask, addSomebody };
  };
  const dialog = (page: Page) => page.getByRole('dialog');

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
      const people = async (page: Page, server: RunningServer, hash = ''): Promise<void> => {
        await page.goto(`${server.url}/auth/people${hash}`);
        await heading(page, 'People');
        await page.getByRole('table', { name: 'People' }).getByRole('link').first().waitFor();
      };
      const person = async (page: Page, username: string): Promise<void> => {
        await page.getByRole('link', { name: username, exact: true }).click();
        await heading(page, username);
        await page.getByRole('heading', { name: 'Remove the account' }).waitFor();
      };

      it('from an invitation to an account: made, shown once, refused a poor password, used, used up', async (t) => {
        const { server, ask } = await start();
        const { page, context } = await come(t, server, /status of 409/);
        await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: server.url });
        await signInOnConsole(page, server);
        await page.getByRole('link', { name: 'People', exact: true }).click();
        await heading(page, 'People');
        await page.getByRole('link', { name: 'Add somebody' }).click();
        await heading(page, 'Add somebody');
        await focusOn(page, 'Name');
        await button(page, 'Add, and make an invitation').click();
        await page.getByText('Type a name.').waitFor();
        await assertSound(page, 'somebody to be added');
        await field(page, 'Name').fill(admin.username);
        await button(page, 'Add, and make an invitation').click();
        await page.getByText('That name is taken.').waitFor();
        await field(page, 'Name').fill('ada@example.org');
        await field(page, 'Display name').fill('Ada Lovelace');
        await field(page, 'Groups').fill('family, engineers');
        await button(page, 'Add, and make an invitation').click();
        await heading(page, 'ada@example.org');
        await page.getByText('This link is shown only now.').waitFor();
        await page.getByText('Not sent. Hand the link over yourself.').waitFor();
        await assertSound(page, 'somebody added, with a link');
        await button(page, 'Copy the link').click();
        await button(page, 'Copied.').waitFor();
        const link = await page.evaluate<string>('navigator.clipboard.readText()');
        assert.ok(link.startsWith(`${server.url}/auth/link#link=`), link);
        await page.reload();
        await heading(page, 'ada@example.org');
        await button(page, 'Make an invitation link').waitFor();
        assert.ok(!(await page.content()).includes(new URL(link).hash), 'and it is not shown again');

        const ada = await come(t, server, /status of 422/, /status of 403/);
        await ada.page.goto(link);
        await heading(ada.page, 'Choose your password');
        await ada.page.getByText('You are invited to sign in here as ada@example.org.').waitFor();
        assert.equal(ada.page.url(), `${server.url}/auth/link`, 'the secret has left the address bar');
        await focusOn(ada.page, 'New password');
        await assertSound(ada.page, 'invitation');
        await button(ada.page, 'Set the password').click();
        await ada.page.getByText('Choose a password.').waitFor();
        await field(ada.page, 'New password').fill('password');
        await button(ada.page, 'Set the password').click();
        await ada.page.getByText('It is too short. Use at least 15 characters.').waitFor();
        await assertSound(ada.page, 'invitation, refused');
        await button(ada.page, 'Suggest a password').click();
        const suggested = await field(ada.page, 'New password').inputValue();
        await button(ada.page, 'Set the password').click();
        await heading(ada.page, 'Keep your recovery codes');
        await assertSound(ada.page, 'invitation, recovery codes');
        await button(ada.page, 'I have stored them').click();
        await accountPage(ada.page);
        assert.equal(await ada.page.getByRole('link', { name: 'People', exact: true }).count(), 0);
        await button(ada.page, 'Sign out').first().click();
        await ada.page.getByText('You are signed out.').waitFor();
        await field(ada.page, 'Name').fill('ada@example.org');
        await field(ada.page, 'Password').fill(suggested);
        await button(ada.page, 'Sign in').click();
        await accountPage(ada.page);
        await ada.page.goto(link);
        await heading(ada.page, 'This link does not work');
        await assertSound(ada.page, 'link, used up');
        assert.deepEqual((await keptInBrowser(ada.page))['local'], 0);
        const users = (await ask('/api/auth/users'))['users'] as readonly Readonly<Record<string, unknown>>[];
        assert.deepEqual(users.find((user) => user['username'] === 'ada@example.org')?.['groups'], [
          'family',
          'engineers',
        ]);
      });

      it('a link opened where somebody else is signed in says so; an incomplete one says what it needs', async (t) => {
        const { server, ask } = await start();
        const { user } = (await ask('/api/auth/users', { username: 'ada' })) as { user: { id: string } };
        const link = String((await ask(`/api/auth/users/${user.id}/link`, { purpose: 'invite' }))['link']);
        const { page } = await come(t, server, /status of 403/);
        await signInOnConsole(page, server);
        await page.goto(`${server.url}/auth/link`);
        await heading(page, 'Open the link that you were sent');
        await assertSound(page, 'link, none');
        // Pasted over this very page: the fragment changes, and nothing is loaded.
        await page.goto(link.slice(0, -1));
        await heading(page, 'This link does not work');
        await page.goto(link);
        await page.getByText('root1 is signed in with this browser.').waitFor();
        await assertSound(page, 'link, of somebody else');
        await field(page, 'New password').fill(adasPassword);
        await button(page, 'Set the password').click();
        await button(page, 'I have stored them').click();
        await accountPage(page);
        await page.getByRole('definition').getByText('ada', { exact: true }).waitFor();
      });

      it('the list: everybody, found by a part of the name; one page after the other', async (t) => {
        const { server, ask } = await start();
        for (let each = 10; each < 64; each += 1) await ask('/api/auth/users', { username: `guest${each}` });
        const { page } = await come(t, server);
        await signInOnConsole(page, server);
        await people(page, server);
        const rows = page.getByRole('table', { name: 'People' }).getByRole('row');
        await eventually('fifty are there', async () => (await rows.count()) === 51);
        await assertSound(page, 'people');
        await button(page, 'Show more').click();
        await eventually('all are there', async () => (await rows.count()) === 56);
        assert.equal(await button(page, 'Show more').count(), 0);
        await field(page, 'Search').fill('GUEST4');
        await eventually('ten are found', async () => (await rows.count()) === 11);
        await field(page, 'Search').fill('nobody of that name');
        await page.getByText('Nobody matches. Try fewer letters.').waitFor();
        await assertSound(page, 'people, nobody');
      });

      it('one person: changed, sent a reset link, signed out, switched off and on, removed', async (t) => {
        const { server, ask, addSomebody } = await start();
        const ada = await addSomebody('ada');
        const alive = async (): Promise<number> =>
          (await send(`${server.console}/api/auth/sessions`, { headers: { authorization: `Bearer ${ada.token}` } }))
            .status;
        const { page } = await come(t, server, /status of 404/);
        await signInOnConsole(page, server);
        await people(page, server);
        await person(page, 'ada');
        await focusOn(page, 'ada');
        await page.getByRole('table', { name: 'Devices' }).getByText('Unknown device').waitFor();
        await assertSound(page, 'somebody');
        await field(page, 'Display name').fill('Ada Lovelace');
        await field(page, 'E-mail').fill('ada@example.org');
        await field(page, 'Groups').fill('engineers, engineers, ');
        await field(page, 'Administrator').check();
        await button(page, 'Save').click();
        await page.getByRole('main').getByText('Saved.').waitFor();
        const kept = (await ask(`/api/auth/users/${ada.id}`))['user'] as Readonly<Record<string, unknown>>;
        assert.deepEqual(
          [kept['display_name'], kept['email'], kept['groups'], kept['privileges']],
          ['Ada Lovelace', 'ada@example.org', ['engineers'], ['admin']],
        );
        await assertSound(page, 'somebody, saved');

        await button(page, 'Make a reset link').click();
        await page.getByText('This link is shown only now.').waitFor();
        const link = await page.locator('.made code').innerText();

        assert.equal(await alive(), 200);
        await button(page, 'Sign out this device').click();
        await page.getByText('Not signed in anywhere at the moment.').waitFor();
        assert.equal(await alive(), 401);

        const owner = await come(t, server);
        await owner.page.goto(link);
        await heading(owner.page, 'Choose a new password');
        await assertSound(owner.page, 'reset');
        await field(owner.page, 'New password').fill(`${adasPassword} anew`);
        await button(owner.page, 'Set the password').click();
        await accountPage(owner.page);

        await button(page, 'Switch off ada').click();
        await dialog(page).getByRole('heading', { name: 'Switch off ada?' }).waitFor();
        await assertSound(page, 'somebody, to be switched off');
        await button(page, 'Cancel').click();
        await dialog(page).waitFor({ state: 'detached' });
        await button(page, 'Switch off ada').click();
        await dialog(page).getByRole('button', { name: 'Switch off ada' }).click();
        await button(page, 'Switch on ada').waitFor();
        await focusOn(page, 'Switch on the account');
        assert.equal(await button(page, 'Make a reset link').count(), 0);
        await assertSound(page, 'somebody, switched off');
        await button(page, 'Switch on ada').click();
        await button(page, 'Switch off ada').waitFor();

        await button(page, 'Remove ada').click();
        await page.keyboard.press('Escape');
        await dialog(page).waitFor({ state: 'detached' });
        await button(page, 'Remove ada').click();
        await dialog(page).getByRole('heading', { name: 'Remove ada for good?' }).waitFor();
        await dialog(page).getByRole('button', { name: 'Remove ada' }).click();
        await heading(page, 'People');
        await page.getByRole('main').getByText('ada is removed.').waitFor();
        assert.equal(await page.getByRole('link', { name: 'ada', exact: true }).count(), 0);
        await assertSound(page, 'people, somebody removed');
        await page.goBack();
        await page.getByText('There is nobody here any more.').waitFor();
        await assertSound(page, 'somebody who is gone');
      });

      it('a reset keeps the second factor: it is asked for before the account opens', async (t) => {
        const { server, ask, addSomebody } = await start();
        const ada = await addSomebody('ada');
        const { phone } = await enrol(server.console, ada.token);
        const link = String((await ask(`/api/auth/users/${ada.id}/link`, { purpose: 'reset' }))['link']);
        const { page } = await come(t, server, /status of 401/);
        await page.goto(link);
        await heading(page, 'Choose a new password');
        await field(page, 'New password').fill('vuti mako 83');
        await button(page, 'Set the password').click();
        await heading(page, 'Enter your code');
        await assertSound(page, 'reset, code');
        await field(page, 'Code').fill(phone.wrong());
        await page.getByText('That code does not work').waitFor();
        await field(page, 'Code').fill(await phone.next());
        await accountPage(page);
      });

      it('the last administrator stays one, and that is said; another one first, and it goes', async (t) => {
        const { server, addSomebody } = await start();
        await addSomebody('ada');
        const { page } = await come(t, server, /status of 409/);
        await signInOnConsole(page, server);
        await people(page, server);
        await person(page, 'root1');
        await field(page, 'Administrator').uncheck();
        await button(page, 'Save').click();
        await page.getByText('This is the last administrator who is active.').waitFor();
        await assertSound(page, 'the last administrator');
        await button(page, 'Remove root1').click();
        await dialog(page).getByRole('button', { name: 'Remove root1' }).click();
        await dialog(page).getByText('This is the last administrator who is active.').waitFor();
        await assertSound(page, 'the last administrator, to be removed');
        await button(page, 'Cancel').click();
        await page.getByRole('link', { name: 'All people' }).click();
        await person(page, 'ada');
        await field(page, 'Administrator').check();
        await button(page, 'Save').click();
        await page.getByRole('main').getByText('Saved.').waitFor();
        await page.getByRole('link', { name: 'All people' }).click();
        await person(page, 'root1');
        await field(page, 'Administrator').uncheck();
        await button(page, 'Save').click();
        await page.getByText('Only administrators see this page.').waitFor();
        await assertSound(page, 'people, for administrators only');
      });

      it('changes ask for a proof when it is time, in place, and then are made', async (t) => {
        const { server, addSomebody } = await start('--step-up-window', '3s');
        await addSomebody('ada');
        const { page } = await come(t, server, /status of 403/);
        await signInOnConsole(page, server);
        await people(page, server);
        await person(page, 'ada');
        await page.waitForTimeout(3000);
        await field(page, 'Display name').fill('Ada Lovelace');
        await button(page, 'Save').click();
        await dialog(page).getByRole('heading', { name: 'Confirm that it is you' }).waitFor();
        await button(page, 'Cancel').click();
        await dialog(page).waitFor({ state: 'detached' });
        assert.equal(await field(page, 'Display name').inputValue(), 'Ada Lovelace', 'what was typed is kept');
        await button(page, 'Save').click();
        await dialog(page).getByLabel('Your password', { exact: true }).fill(admin.password);
        await button(page, 'Confirm').click();
        await page.getByRole('main').getByText('Saved.').waitFor();
      });

      it('a forgotten password: the same words for everybody, and the way back', async (t) => {
        const { server } = await start();
        const { page } = await come(t, server);
        await page.goto(`${server.url}/auth/sign-in`);
        await heading(page, 'Sign in');
        const said: string[] = [];
        for (const username of [admin.username, 'nobody-of-that-name']) {
          await page.getByRole('link', { name: 'Forgot your password?' }).click();
          await heading(page, 'Forgot your password?');
          await focusOn(page, 'Name');
          await button(page, 'Send me a link').click();
          await page.getByText('Type your name.', { exact: true }).waitFor();
          await assertSound(page, 'forgotten, incomplete');
          await field(page, 'Name').fill(username);
          await button(page, 'Send me a link').click();
          await heading(page, 'Look into your mail');
          await assertSound(page, 'forgotten');
          said.push((await page.getByRole('main').innerText()).replaceAll(username, ''));
          await page.getByRole('link', { name: 'Back to sign in' }).click();
          await heading(page, 'Sign in');
        }
        assert.equal(said[0], said[1]);
        await fillSignIn(page);
        await accountPage(page);
        assert.equal((await (await signIn(server)).page('/api/auth/status')).json['authenticated'], true);
      });
    });
  }
});
