/**
 * What is done to several at once: people from a CSV file and as one, accounts and tokens picked in their lists; and the key
 * for programs that know Basic alone. On a wide window and on a telephone, with axe at every state; each accepting turn has
 * its refusing twin.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import type { Locator, Page } from 'playwright-core';
import { type Chromium, startChromium, type Visitor } from '../support/chromium.ts';
import { type Got, send } from '../support/client.ts';
import { need, withoutPackages } from '../support/debian.ts';
import { type Echo, startEcho } from '../support/echo.ts';
import { admin, setUp } from '../support/people.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { assertSound } from './axe.ts';
import { button, eventually, field, focusOn, heading, signInOnConsole } from './steps.ts';

const head = 'username,email,name,privileges';

describe('several at once', { skip: withoutPackages }, () => {
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

  type Fields = Readonly<Record<string, unknown>>;
  interface Started {
    readonly server: RunningServer;
    /** As an administrator, by a session of no browser. */
    readonly ask: (path: string, body?: object, method?: string) => Promise<Fields>;
    readonly users: () => Promise<readonly Fields[]>;
  }
  const start = async (...args: readonly string[]): Promise<Started> => {
    const server = await startServer({ upstream: echo.url, args: ['--password-memory', '19MiB', ...args] });
    servers.push(server);
    const headers = { authorization: `Bearer ${String((await setUp(server)).json['token'])}` };
    const ask: Started['ask'] = async (path, body, method = body === undefined ? 'GET' : 'POST') => {
      const got = await send(`${server.console}${path}`, { method, headers, ...(body === undefined ? {} : { body }) });
      assert.ok(got.status < 300, got.text);
      return got.json;
    };
    const users: Started['users'] = async () => (await ask('/api/auth/users'))['users'] as readonly Fields[];
    return { server, ask, users };
  };
  const dialog = (page: Page): Locator => page.getByRole('dialog');
  const table = (page: Page, name: string): Locator => page.getByRole('table', { name });
  const row = (within: Locator, text: string): Locator => within.getByRole('row').filter({ hasText: text });
  const confirming = (page: Page): Locator => dialog(page).filter({ hasText: 'Confirm that it is you' });
  const confirm = async (page: Page, password: string): Promise<void> => {
    await confirming(page).getByLabel('Your password', { exact: true }).fill(password);
    await confirming(page).getByRole('button', { name: 'Confirm' }).click();
  };
  const pick = (page: Page, name: string): Promise<void> => page.getByRole('checkbox', { name, exact: true }).check();

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
      const people = async (page: Page, server: RunningServer): Promise<void> => {
        await page.goto(`${server.url}/auth/people`);
        await heading(page, 'People');
        await table(page, 'People').getByRole('link').first().waitFor();
      };
      const tokens = async (page: Page, server: RunningServer): Promise<void> => {
        await page.goto(`${server.url}/auth/tokens`);
        await heading(page, 'API tokens');
        await page.locator('[aria-busy="true"]').waitFor({ state: 'detached' });
      };

      it('people from pasted rows: wrong ones said, tried, then imported; what is no such file is refused', async (t) => {
        const { server, ask, users } = await start();
        await ask('/api/auth/users', { username: 'ada' });
        const { page } = await come(t, server, /status of 400/);
        await signInOnConsole(page, server);
        await people(page, server);
        await page.getByRole('link', { name: 'Import from CSV' }).click();
        await heading(page, 'Import from CSV');
        await focusOn(page, 'Import from CSV');
        await assertSound(page, 'an import');
        await button(page, 'See what would happen').click();
        await page.getByText('Choose a file.', { exact: true }).waitFor();
        await assertSound(page, 'an import of nothing');
        await field(page, 'Pasted text').check();
        await button(page, 'See what would happen').click();
        await page.getByText('Paste the rows, or choose a file.').waitFor();
        await field(page, 'Text').fill('username;email\nbob;bob@example.org\n');
        await button(page, 'See what would happen').click();
        await page.getByText('columns are username, email, name, privileges').waitFor();
        await focusOn(page, 'Text');
        await assertSound(page, 'an import, refused');
        await field(page, 'Text').fill(
          [
            head,
            'bob,bob@example.org,"Bob, at the gate",notes;calendar',
            'ada,,,',
            'eve l,,,',
            'mallory,,=1+1,',
            'bob,,,',
            'trudy,,',
          ].join('\n'),
        );
        await button(page, 'See what would happen').click();
        await page.getByText('2 people would be added.').waitFor();
        await page.getByText('4 rows have a problem and would be left out.').waitFor();
        await focusOn(page, 'What would happen');
        const results = table(page, 'Results');
        await results.getByText('That name is taken, here or in a row above.').first().waitFor();
        assert.deepEqual(
          (await results.getByRole('row').allInnerTexts()).slice(1).map((text) => Number(/\d+/.exec(text)?.[0])),
          [2, 3, 5, 6, 1, 4],
          'what is wrong comes first',
        );
        await row(results, 'trudy').getByText('The row has 3 cells').waitFor();
        await row(results, 'eve l').getByText('A user name has no spaces').waitFor();
        await assertSound(page, 'an import, tried');
        assert.equal((await users()).length, 2, 'nothing is written by looking');

        await button(page, 'Change the rows').click();
        await focusOn(page, 'Import from CSV');
        assert.match(await field(page, 'Text').inputValue(), /mallory/, 'what was typed is kept');
        await button(page, 'See what would happen').click();
        await button(page, 'Import 2 people').click();
        await page.getByText('2 people are added.').waitFor();
        await page.getByText('4 rows were left out.').waitFor();
        await focusOn(page, 'What was done');
        await row(results, 'mallory').getByText('Added').waitFor();
        await assertSound(page, 'an import, done');
        const bob = (await users()).find(({ username }) => username === 'bob');
        assert.deepEqual(
          [bob?.['email'], bob?.['display_name'], bob?.['privileges']],
          ['bob@example.org', 'Bob, at the gate', ['notes', 'calendar']],
        );
        await button(page, 'Import more').click();
        await field(page, 'Pasted text').check();
        assert.equal(await field(page, 'Text').inputValue(), '');
        await page.getByRole('link', { name: 'All people' }).first().click();
        // A text like any other: neither markup nor a formula here.
        await row(table(page, 'People'), 'mallory').getByText('=1+1', { exact: true }).waitFor();
      });

      it('a file: taken as it is, of any length; not in another encoding; as a file again, without formulas', async (t) => {
        const { server, users } = await start();
        const { page } = await come(t, server);
        await signInOnConsole(page, server);
        await people(page, server);
        await page.getByRole('link', { name: 'Import from CSV' }).click();
        const choose = (buffer: Buffer): Promise<void> =>
          field(page, 'File').setInputFiles({ name: 'people.csv', mimeType: 'text/csv', buffer });
        await choose(Buffer.from(`${head}\nmüller,,Müller,\n`, 'latin1'));
        await button(page, 'See what would happen').click();
        await page.getByText('This file is not UTF-8.').waitFor();
        await assertSound(page, 'an import in another encoding');
        await choose(Buffer.alloc(8_388_609, 'a'));
        await button(page, 'See what would happen').click();
        await page.getByText('That is more than 10,000 people, or 8 MiB.').waitFor();
        const guests = Array.from({ length: 70 }, (_, at) => `guest${at + 10},,<b>Guest</b> ${at + 10},`);
        await choose(Buffer.from(`\uFEFF${head}\r\n@cmd,,"=HYPERLINK(""x"")",\r\n${guests.join('\r\n')}\r\n`));
        await button(page, 'See what would happen').click();
        await page.getByText('71 people would be added.').waitFor();
        await page.getByText('… and 61 more').waitFor();
        await assertSound(page, 'a long import, tried');
        await button(page, 'Import 71 people').click();
        await page.getByText('71 people are added.').waitFor();
        assert.equal((await users()).length, 72);

        await page.getByRole('link', { name: 'All people' }).first().click();
        await row(table(page, 'People'), '@cmd').getByText('=HYPERLINK("x")', { exact: true }).waitFor();
        const saving = page.waitForEvent('download');
        await button(page, 'Export as CSV').click();
        const saved = await saving;
        assert.equal(saved.suggestedFilename(), `people-${new URL(server.url).hostname}.csv`);
        const csv = await readFile(await saved.path(), 'utf8');
        assert.ok(csv.startsWith(`\uFEFF${head}`), csv.slice(0, 80));
        assert.equal(csv.trimEnd().split('\r\n').length, 73);
        assert.ok(csv.includes(`"'@cmd"`) && csv.includes(`"'=HYPERLINK(""x"")"`), csv.slice(0, 200));
        // Read again, it names everybody as they are.
        await page.getByRole('link', { name: 'Import from CSV' }).click();
        await choose(Buffer.from(csv));
        await button(page, 'See what would happen').click();
        await page.getByText('Nobody would be added.').waitFor();
        await page.getByText('72 rows have a problem').waitFor();
        assert.equal(await button(page, /^Import \d/).count(), 0);
        await row(table(page, 'Results'), '@cmd').getByText('@cmd', { exact: true }).waitFor();
        await assertSound(page, 'an import of what is there already');
      });

      it('importing asks for a proof when it is time: a wrong password imports nobody', async (t) => {
        const { server, users } = await start('--step-up-window', '3s');
        const { page } = await come(t, server, /status of 403/);
        await signInOnConsole(page, server);
        await people(page, server);
        await page.waitForTimeout(3000);
        await page.getByRole('link', { name: 'Import from CSV' }).click();
        await field(page, 'Pasted text').check();
        await field(page, 'Text').fill(`${head}\nbob,,,\n`);
        await button(page, 'See what would happen').click();
        await confirm(page, 'quiet harbour, wrong');
        await confirming(page).getByText('That is not your password.').waitFor();
        await assertSound(page, 'an import, wrongly confirmed');
        await confirming(page).getByRole('button', { name: 'Cancel' }).click();
        await confirming(page).waitFor({ state: 'detached' });
        assert.match(await field(page, 'Text').inputValue(), /bob/, 'what was typed is kept');
        await button(page, 'See what would happen').click();
        await confirm(page, admin.password);
        await page.getByText('1 person would be added.').waitFor();
        await page.waitForTimeout(3000);
        await button(page, 'Import 1 person').click();
        await confirming(page).getByRole('button', { name: 'Cancel' }).click();
        await confirming(page).waitFor({ state: 'detached' });
        assert.equal((await users()).length, 1);
        await button(page, 'Import 1 person').click();
        await confirm(page, admin.password);
        await page.getByText('1 person is added.').waitFor();
        assert.equal((await users()).length, 2);
      });

      it('beside an application no file is taken from the page, and that is said', async (t) => {
        const { server, users } = await start('--shared-origin');
        const { page } = await come(t, server, /status of 403/);
        await signInOnConsole(page, server);
        await people(page, server);
        await page.getByRole('link', { name: 'Import from CSV' }).click();
        await field(page, 'Pasted text').check();
        await field(page, 'Text').fill(`${head}\nbob,,,\n`);
        await button(page, 'See what would happen').click();
        await confirm(page, admin.password);
        await page.getByText('a file cannot be sent from this page').waitFor();
        await assertSound(page, 'an import beside an application');
        assert.equal((await users()).length, 1);
      });

      it('several accounts: off, on, removed; oneself is none of them, and what is gone is said', async (t) => {
        const { server, ask, users } = await start();
        for (const username of ['ada', 'bob', 'eve']) await ask('/api/auth/users', { username });
        const active = async (): Promise<readonly string[]> =>
          (await users()).filter((user) => user['active'] === true).map(({ username }) => String(username));
        const { page } = await come(t, server);
        await signInOnConsole(page, server);
        await people(page, server);
        await button(page, 'Select several').click();
        assert.equal(await page.getByRole('checkbox', { name: 'Select root1' }).count(), 0);
        await assertSound(page, 'accounts to be picked');
        await button(page, 'Remove').click();
        assert.equal(await dialog(page).count(), 0, 'nothing is picked');
        await pick(page, 'Select ada');
        await pick(page, 'Select bob');
        await page.getByText('2 selected', { exact: true }).waitFor();
        await assertSound(page, 'accounts picked');
        await button(page, 'Switch off').click();
        await dialog(page).getByRole('heading', { name: 'Switch off 2 accounts?' }).waitFor();
        await dialog(page).getByText('bob', { exact: true }).waitFor();
        await assertSound(page, 'accounts to be switched off');
        await button(page, 'Cancel').click();
        await dialog(page).waitFor({ state: 'detached' });
        assert.deepEqual(await active(), ['ada', 'bob', 'eve', 'root1']);
        await button(page, 'Switch off').click();
        await button(page, 'Switch off 2 accounts').click();
        await page.getByText('2 accounts are switched off and signed out everywhere.').first().waitFor();
        await focusOn(page, 'People');
        assert.deepEqual(await active(), ['eve', 'root1']);
        await assertSound(page, 'accounts switched off');

        await button(page, 'Select several').click();
        await button(page, 'Select all 3 listed').click();
        await button(page, 'Switch on').click();
        await button(page, 'Switch on 3 accounts').click();
        await page.getByText('3 accounts are switched on.').first().waitFor();
        assert.deepEqual(await active(), ['ada', 'bob', 'eve', 'root1']);

        await button(page, 'Select several').click();
        await button(page, 'Select all 3 listed').click();
        const eve = (await users()).find(({ username }) => username === 'eve');
        await ask(`/api/auth/users/${String(eve?.['id'])}`, {}, 'DELETE');
        await button(page, 'Remove').click();
        await assertSound(page, 'accounts to be removed');
        await button(page, 'Remove 3 accounts').click();
        await dialog(page).getByRole('heading', { name: 'It was not done for 1 of them' }).waitFor();
        await row(table(page, 'Results'), 'eve').getByText('Not there any more.').waitFor();
        await row(table(page, 'Results'), 'ada').getByText('Done').waitFor();
        await assertSound(page, 'accounts removed, but for one');
        await button(page, 'Close').click();
        await page.getByText('2 accounts are removed.').first().waitFor();
        assert.deepEqual(await active(), ['root1']);
        await row(table(page, 'People'), 'ada').waitFor({ state: 'detached' });
        assert.equal(await button(page, 'Select several').count(), 0, 'there is nobody else');
      });

      it('several tokens: off, then refused; on again; revoked, with a proof when it is time', async (t) => {
        const { server, ask } = await start('--step-up-window', '3s');
        const proof = { password: admin.password };
        const secrets: string[] = [];
        for (const called of ['Backup', 'Homepage'])
          secrets.push(String((await ask('/api/auth/api-tokens', { token_name: called, ...proof }))['token']));
        const used = async (): Promise<readonly number[]> =>
          Promise.all(
            secrets.map(async (secret) => {
              const got: Got = await send(`${server.application}/`, { headers: { authorization: `Bearer ${secret}` } });
              return got.status;
            }),
          );
        const { page } = await come(t, server, /status of 403/);
        await signInOnConsole(page, server);
        await tokens(page, server);
        await page.waitForTimeout(3000);
        await button(page, 'Select several').click();
        await assertSound(page, 'tokens to be picked');
        await pick(page, 'Select ‘Backup’');
        await pick(page, 'Select ‘Homepage’');
        await button(page, 'Switch off').click();
        await button(page, 'Switch off 2 tokens').click();
        await confirm(page, 'quiet harbour, wrong');
        await confirming(page).getByText('That is not your password.').waitFor();
        assert.deepEqual(await used(), [200, 200]);
        await confirm(page, admin.password);
        await page.getByText('2 tokens are switched off.').first().waitFor();
        assert.deepEqual(await used(), [401, 401]);
        await assertSound(page, 'tokens switched off');
        await button(page, 'Select several').click();
        await pick(page, 'Select ‘Backup’');
        await button(page, 'Switch on').click();
        await button(page, 'Switch on 1 token').click();
        await eventually('it is on again', async () => {
          if (await confirming(page).isVisible()) await confirm(page, admin.password);
          return page.getByText('1 token is switched on.').first().isVisible();
        });
        assert.deepEqual(await used(), [200, 401]);
        await button(page, 'Select several').click();
        await button(page, 'Select all 2 listed').click();
        await button(page, 'Revoke').click();
        await button(page, 'Revoke 2 tokens').click();
        await eventually('they are revoked', async () => {
          if (await confirming(page).isVisible()) await confirm(page, admin.password);
          return page.getByText('2 tokens are revoked.').first().isVisible();
        });
        assert.deepEqual(await used(), [401, 401]);
        await page.getByText('No tokens yet.').waitFor();
      });

      it('the key for programs that know Basic alone: not shown before it is asked for, nor without a proof', async (t) => {
        const { server } = await start('--step-up-window', '3s');
        const { page, context } = await come(t, server, /status of 403/);
        await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: server.url });
        await signInOnConsole(page, server);
        await tokens(page, server);
        await page.waitForTimeout(3000);
        const shown = (called: string): Locator =>
          page
            .locator('figure')
            .filter({ has: page.getByText(called, { exact: true }) })
            .locator('code');
        await button(page, 'Show the key').click();
        await confirm(page, 'quiet harbour, wrong');
        await confirming(page).getByText('That is not your password.').waitFor();
        assert.equal(await page.locator('.to-copy').count(), 0);
        await confirming(page).getByRole('button', { name: 'Cancel' }).click();
        await confirming(page).waitFor({ state: 'detached' });
        assert.equal(await page.locator('.to-copy').count(), 0);
        await button(page, 'Show the key').click();
        await confirm(page, admin.password);
        const key = await shown('Key').innerText();
        assert.match(key, /^[A-Za-z0-9_-]{43}$/);
        assert.equal(await shown('Name').innerText(), admin.username.toLowerCase());
        await focusOn(page, 'Key for programs that know Basic alone');
        await assertSound(page, 'the key');
        await button(page, 'Copy: Key').click();
        await button(page, 'Copied.').waitFor();
        assert.equal(await page.evaluate<string>('navigator.clipboard.readText()'), key);
        const command = await shown('Shell').innerText();
        const curl = await need('curl', 'curl');
        const run = async (text: string): Promise<string> =>
          (await promisify(execFile)('sh', ['-c', text.replace(/^curl/, `${curl} -sS`)])).stdout;
        assert.ok(Array.isArray((JSON.parse(await run(command)) as Fields)['sessions']));
        const wrong = await run(command.replace(key, `${key.slice(0, -4)}AAAA`));
        assert.equal((JSON.parse(wrong) as Fields)['error_code'], 'invalid_credentials');
        await button(page, 'Hide the key').click();
        await button(page, 'Show the key').waitFor();
        assert.ok(!(await page.content()).includes(key), 'and it is gone');
      });
    });
  }
});
