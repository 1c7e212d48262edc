/**
 * The page for keys: the ring by what its keys are for, keys replaced after a proof, and what each way of that ends. On a wide
 * window and on a telephone, with axe at every state; each accepting turn has its refusing twin.
 */
import assert from 'node:assert/strict';
import { chmod } from 'node:fs/promises';
import { after, before, describe, it, type TestContext } from 'node:test';
import type { Locator, Page } from 'playwright-core';
import { type Chromium, startChromium, type Visitor } from '../support/chromium.ts';
import { send } from '../support/client.ts';
import { withoutPackages } from '../support/debian.ts';
import { type Admin, asAdmin, passwordOf, settle } from '../support/invited.ts';
import { admin, setUp } from '../support/people.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { heldIn, serviceKeyFileOf, statusesOf } from '../support/service-key.ts';
import { type HeldTicket, ticketOf } from '../support/signed-tickets.ts';
import { assertSound } from './axe.ts';
import { button, eventually, focusOn, heading, signInOnConsole } from './steps.ts';

interface Key {
  readonly id: string;
  readonly purpose: string;
  readonly state: string;
}

interface Ring {
  readonly resealing: { readonly done: number; readonly total: number } | null;
  readonly root_key: string;
}

const ringPath = '/api/auth/keys/ring';

describe('keys', { skip: withoutPackages }, () => {
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
    readonly root: Admin;
    /** Ids of one purpose, the newest first, each with its state. */
    readonly of: (purpose: string) => Promise<readonly string[]>;
  }
  const start = async (...args: readonly string[]): Promise<Started> => {
    const server = await startServer({ args: ['--password-memory', '19MiB', ...args] });
    servers.push(server);
    const root = asAdmin(server.console, String((await setUp(server)).json['token']));
    const of = async (purpose: string): Promise<readonly string[]> => {
      const got = await root.ask(ringPath);
      assert.equal(got.status, 200, got.text);
      const keys = got.json['keys'] as readonly Key[];
      return keys.filter((key) => key.purpose === purpose).map(({ id, state }) => `${id} ${state}`);
    };
    return { server, root, of };
  };
  const part = (page: Page, name: string): Locator => page.getByRole('region', { name, exact: true });
  const dialog = (page: Page): Locator => page.getByRole('dialog');
  const confirming = (page: Page): Locator => dialog(page).filter({ hasText: 'Confirm that it is you' });
  const confirm = async (page: Page, password: string): Promise<void> => {
    await confirming(page).getByLabel('Your password', { exact: true }).fill(password);
    await confirming(page).getByRole('button', { name: 'Confirm' }).click();
  };
  const pick = (page: Page, way: string): Promise<void> =>
    dialog(page).getByRole('radio', { name: way, exact: true }).check();
  /** What the server says, changed on its way. */
  const changed = async (page: Page, change: () => Partial<Ring>): Promise<void> => {
    await page.route(`**${ringPath}`, async (route) => {
      const response = await route.fetch();
      const ring = (await response.json()) as Ring;
      await route.fulfill({ response, json: { ...ring, ...change() } });
    });
  };

  for (const { name, width, height } of [
    { name: 'in a wide window', width: 1280, height: 800 },
    { name: 'on a telephone', width: 360, height: 740 },
  ]) {
    describe(name, () => {
      const come = (t: TestContext, server: RunningServer, ...expected: readonly RegExp[]): Promise<Visitor> =>
        chromium.visitor(t, {
          origins: [server.url],
          expected,
          context: { viewport: { width, height }, reducedMotion: 'reduce' },
        });
      const keysPage = async (page: Page, server: RunningServer): Promise<void> => {
        await page.goto(`${server.url}/auth/keys`);
        await heading(page, 'Keys');
        await part(page, 'Tickets').waitFor();
      };

      it('shows the ring: what each key is for, since when it is used, when the next one is due, and no byte of it', async (t) => {
        const { server, root, of } = await start();
        const { page } = await come(t, server);
        await signInOnConsole(page, server);
        await page.getByRole('link', { name: 'Keys', exact: true }).click();
        await heading(page, 'Keys');
        for (const [purpose, called, due] of [
          ['ticket', 'Tickets', 'in 29 days'],
          ['cookie', 'Short-lived things', 'in 89 days'],
          ['seal', 'Stored secrets', 'in 364 days'],
          ['audit', 'Audit log', 'in 364 days'],
          ['service', 'Service key', 'When you replace it'],
        ] as const) {
          const here = part(page, called);
          await here.getByText('In use since').waitFor();
          await here.getByText(due, { exact: true }).waitFor();
          const [key = ''] = await of(purpose);
          assert.equal(`${await here.locator('.key-id').innerText()} in-use`, key);
          assert.equal(await here.getByRole('progressbar').count(), 0);
        }
        await part(page, 'Root key').getByText('Fits the key ring').waitFor();
        await part(page, 'Root key').getByText('sallyport key rotate root').waitFor();
        assert.equal(await part(page, 'Root key').getByRole('button', { name: 'Replace' }).count(), 0);
        assert.ok(!(await page.content()).includes(heldIn(serviceKeyFileOf(server.data))));
        await assertSound(page, 'a ring as it begins');

        for (const body of [
          { purpose: 'cookie' },
          { purpose: 'audit', now: true },
          { purpose: 'ticket', now: true },
          { purpose: 'ticket', now: true },
        ])
          assert.equal((await root.ask('/api/auth/keys/rotate', { body })).status, 200);
        await keysPage(page, server);
        const cookies = part(page, 'Short-lived things');
        await cookies.getByText('Published', { exact: true }).waitFor();
        await cookies.getByText(/^in (?:9|10) minutes$/).waitFor();
        await part(page, 'Audit log').getByText('1 old key').click();
        await part(page, 'Audit log')
          .getByText(/^\d+ checkpoints?$/)
          .waitFor();
        await part(page, 'Tickets').getByText('2 old keys').click();
        const old = part(page, 'Tickets').getByRole('table', { name: '2 old keys' });
        await old.getByText('in 2 hours').first().waitFor();
        assert.deepEqual(
          (await old.locator('.key-id').allInnerTexts()).map((id) => `${id} old`),
          (await of('ticket')).slice(1),
        );
        await assertSound(page, 'a ring of several');
      });

      it('a ticket key is replaced after a proof, and not without; published first, or at once, or with all tickets', async (t) => {
        const { server, of } = await start('--step-up-window', '3s');
        const status = async ({ ticket }: HeldTicket): Promise<number> =>
          (await send(`${server.console}/api/auth/sessions`, { headers: { authorization: `SPAuthCookie=${ticket}` } }))
            .status;
        const tickets = [await ticketOf(server), await ticketOf(server), await ticketOf(server)] as const;
        const { page } = await come(t, server, /status of 403/);
        await signInOnConsole(page, server);
        await keysPage(page, server);
        const [first] = await of('ticket');
        await page.waitForTimeout(3000);
        const replace = button(page, 'Replace the key for tickets');
        await replace.focus();
        await page.keyboard.press('Enter');
        await focusOn(page, 'Replace the key for tickets?');
        await dialog(page).getByText('Sessions and API tokens stay as they are').waitFor();
        await assertSound(page, 'a key to be replaced');
        await page.keyboard.press('Escape');
        await focusOn(page, 'Replace the key for tickets');
        await page.keyboard.press('Enter');
        const submit = dialog(page).getByRole('button', { name: 'Replace the key', exact: true });
        await submit.click();
        await confirm(page, 'quiet harbour, wrong');
        await confirming(page).getByText('That is not your password.').waitFor();
        await assertSound(page, 'a proof that is none');
        await confirming(page).getByRole('button', { name: 'Cancel' }).click();
        await confirming(page).waitFor({ state: 'detached' });
        assert.deepEqual(await of('ticket'), [first], 'nothing without a proof');
        await submit.click();
        await confirm(page, admin.password);
        const here = part(page, 'Tickets');
        await here.getByText('The next key is published. It is used in ten minutes.').waitFor();
        await here.getByText('Published', { exact: true }).waitFor();
        await focusOn(page, 'Tickets');
        assert.deepEqual(
          (await of('ticket')).map((key) => key.split(' ')[1]),
          ['published', 'in-use'],
        );
        assert.equal(await status(tickets[0]), 200);
        await assertSound(page, 'a key that is published');

        // The next one is there: it can only be passed over now.
        await replace.click();
        assert.equal(await dialog(page).getByRole('radio', { name: 'In ten minutes' }).count(), 0);
        await submit.click();
        const atOnce = here.getByText('A new key is in use.');
        await atOnce.or(confirming(page)).first().waitFor();
        if (await confirming(page).isVisible()) await confirm(page, admin.password);
        await atOnce.waitFor();
        await here.getByText('2 old keys').waitFor();
        assert.equal(await status(tickets[1]), 200, 'tickets stay');

        await replace.click();
        await pick(page, 'The key was stolen');
        await dialog(page).getByText('every signed ticket ends').waitFor();
        await assertSound(page, 'a key that was stolen');
        await dialog(page).getByRole('button', { name: 'Replace the key and end all tickets' }).click();
        const stolen = here.getByText('Every ticket that was signed before has ended.');
        await stolen.or(confirming(page)).first().waitFor();
        if (await confirming(page).isVisible()) await confirm(page, admin.password);
        await stolen.waitFor();
        await here.getByText('2 old keys').waitFor({ state: 'detached' });
        assert.equal((await of('ticket')).length, 1);
        assert.deepEqual([await status(tickets[0]), await status(tickets[2])], [401, 401], 'shown before or not');
        await assertSound(page, 'keys that are gone');
      });

      it('the service key: what dies with it is said before, and when its file cannot follow, that is said after', async (t) => {
        const { server, of } = await start();
        const { page } = await come(t, server);
        await signInOnConsole(page, server);
        await keysPage(page, server);
        const file = serviceKeyFileOf(server.data);
        const [first, [id]] = [heldIn(file), await of('service')];
        const here = part(page, 'Service key');
        await button(page, 'Replace the service key').click();
        await dialog(page).getByText('The old key is dead at once').waitFor();
        await assertSound(page, 'a service key to be replaced');
        await dialog(page).getByRole('button', { name: 'Cancel' }).click();
        assert.deepEqual(await of('service'), [id]);
        assert.deepEqual(await statusesOf(server, first), [200]);
        await button(page, 'Replace the service key').click();
        await dialog(page).getByRole('button', { name: 'Replace the service key' }).click();
        await here.getByText('The service key is another one now.').waitFor();
        const second = heldIn(file);
        assert.deepEqual(await statusesOf(server, first, second), [401, 200]);
        assert.equal(`${await here.locator('.key-id').innerText()} in-use`, (await of('service'))[0]);

        await chmod(file, 0o644);
        await button(page, 'Replace the service key').click();
        await dialog(page).getByRole('button', { name: 'Replace the service key' }).click();
        await here.getByText('its mode is 644').waitFor();
        await assertSound(page, 'a file that cannot follow');
      });

      it('what is sealed anew is followed until it is done; too many keys, and others’ refusals, are said', async (t) => {
        const { server, root } = await start();
        assert.equal((await root.ask('/api/auth/keys/rotate', { body: { purpose: 'seal', now: true } })).status, 200);
        const { page } = await come(t, server, /status of 409/);
        await signInOnConsole(page, server);
        let done = 420;
        await changed(page, () => ({ resealing: { done, total: 1000 } }));
        await keysPage(page, server);
        const here = part(page, 'Stored secrets');
        await here.getByText('420 of 1000').first().waitFor();
        assert.equal(await here.getByRole('progressbar', { name: 'Sealed anew' }).getAttribute('value'), '420');
        await here.getByText('1 old key').click();
        await here.getByText('Nothing is left under it').waitFor();
        await assertSound(page, 'sealed anew in part');
        done = 730;
        await here.getByText('730 of 1000').first().waitFor();
        await here.getByText('Nothing is left under it').waitFor();
        done = 1000;
        await page
          .getByRole('status')
          .getByText('Everything that is stored is sealed under the key in use.')
          .waitFor({ state: 'attached' });
        await here.getByRole('progressbar').waitFor({ state: 'detached' });

        for (let more = 0; more < 18; more += 1)
          assert.equal((await root.ask('/api/auth/keys/rotate', { body: { purpose: 'seal', now: true } })).status, 200);
        await button(page, 'Replace the key for stored secrets').click();
        await dialog(page).getByRole('button', { name: 'Replace the key' }).click();
        await dialog(page).getByText('No key was made.').waitFor();
        await assertSound(page, 'too many keys');
      });

      it('a root key that does not fit is told, and nothing can be replaced then; nor seen, when the server cannot', async (t) => {
        const { server } = await start();
        const { page } = await come(t, server, /status of 500/);
        await signInOnConsole(page, server);
        let fits = 'does-not-fit';
        await changed(page, () => ({ root_key: fits }));
        await page.route(
          `**${ringPath}`,
          (route) =>
            route.fulfill({
              status: 500,
              contentType: 'application/problem+json',
              json: { error_code: 'internal', request_id: 'r-4711' },
            }),
          { times: 1 },
        );
        await page.goto(`${server.url}/auth/keys`);
        await page.getByText('Look there for request r-4711.').waitFor();
        await assertSound(page, 'a ring that cannot be had');
        await button(page, 'Try again').click();
        const alert = page
          .getByRole('alert')
          .filter({ hasText: 'The root key of this node does not open the key ring' });
        await alert.waitFor();
        await part(page, 'Root key').getByText('Does not fit').waitFor();
        assert.equal(await page.getByRole('button', { name: /^Replace/ }).count(), 0);
        await assertSound(page, 'another root key');
        fits = 'fits';
        await alert.waitFor({ state: 'detached' });
        await button(page, 'Replace the key for tickets').waitFor();
      });

      it('is for administrators alone', async (t) => {
        const { server, root } = await start();
        await settle(server.console, root, 'ada');
        const { page } = await come(t, server);
        const asked: string[] = [];
        page.on('request', (request) => asked.push(new URL(request.url()).pathname));
        await page.goto(`${server.url}/auth/keys`);
        await heading(page, 'Sign in');
        await page.getByLabel('Name', { exact: true }).fill('ada');
        await page.getByLabel('Password', { exact: true }).fill(passwordOf('ada'));
        await button(page, 'Sign in').click();
        await page.getByText('Only administrators see this page.').waitFor();
        await eventually('back where it was asked for', () => Promise.resolve(page.url().endsWith('/auth/keys')));
        assert.ok(!asked.includes(ringPath));
        await assertSound(page, 'keys of others');
        await page.getByRole('link', { name: 'Your account' }).click();
        await heading(page, 'Your account');
        assert.equal(await page.getByRole('link', { name: 'Keys', exact: true }).count(), 0);
      });
    });
  }
});
