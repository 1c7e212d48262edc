/**
 * The page for certificates: what is served, a pair checked, used and dropped again, with the move from HTTP to HTTPS and
 * back that comes of it. On a wide window and on a telephone, with axe at every state; each accepting turn has its refusing
 * twin.
 */
import assert from 'node:assert/strict';
import { chmod, copyFile, mkdir, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import type { Locator, Page } from 'playwright-core';
import { type Authority, makeAuthority } from '../support/certificates.ts';
import { type Chromium, startChromium, type Visitor } from '../support/chromium.ts';
import { withoutPackages } from '../support/debian.ts';
import { admin, setUp } from '../support/people.ts';
import { type RunningServer, startServer, temporaryFolder } from '../support/server.ts';
import { assertSound } from './axe.ts';
import { button, eventually, field, focusOn, heading, signInOnConsole } from './steps.ts';

const names = 'DNS:localhost,IP:127.0.0.1';

describe('certificates', { skip: withoutPackages }, () => {
  let chromium: Chromium;
  let authority: Authority;
  /** What may be read: a pair as Let's Encrypt's clients leave it, and others. */
  let folder: string;
  const servers: RunningServer[] = [];
  const at = (...parts: readonly string[]): string => join(folder, ...parts);
  before(async () => {
    [chromium, folder] = await Promise.all([startChromium(), temporaryFolder().then((path) => realpath(path))]);
    authority = await makeAuthority(folder, 'authority');
    const live = at('live', 'gate.example');
    await mkdir(live, { recursive: true });
    const found = authority.issue('found', names, 90);
    await copyFile(found.cert, join(live, 'fullchain.pem'));
    await copyFile(found.key, join(live, 'privkey.pem'));
    authority.issue('own', names, 20);
    authority.issue('other', names, 20);
    authority.issue('over', names, -1);
    for (const key of ['own', 'other', 'over']) await chmod(at(`${key}.key`), 0o600);
    await chmod(join(live, 'privkey.pem'), 0o600);
  });
  after(async () => {
    await chromium.close();
    await Promise.all(servers.map((server) => server.remove()));
    await rm(folder, { recursive: true, force: true });
  });

  const start = async (...args: readonly string[]): Promise<RunningServer> => {
    const server = await startServer({ args: ['--password-memory', '19MiB', ...args] });
    servers.push(server);
    await setUp(server);
    return server;
  };
  const dialog = (page: Page): Locator => page.getByRole('dialog');
  const confirming = (page: Page): Locator => dialog(page).filter({ hasText: 'Confirm that it is you' });
  const confirm = async (page: Page, password: string): Promise<void> => {
    await confirming(page).getByLabel('Your password', { exact: true }).fill(password);
    await confirming(page).getByRole('button', { name: 'Confirm' }).click();
  };
  const served = (page: Page): Locator => page.getByRole('region', { name: 'Served now' });
  const secure = (server: RunningServer): string => server.url.replace('http:', 'https:');

  for (const { name, width, height } of [
    { name: 'in a wide window', width: 1280, height: 800 },
    { name: 'on a telephone', width: 360, height: 740 },
  ]) {
    describe(name, () => {
      const come = (t: TestContext, server: RunningServer, ...expected: readonly RegExp[]): Promise<Visitor> =>
        chromium.visitor(t, {
          origins: [server.url, secure(server)],
          expected,
          context: { viewport: { width, height }, reducedMotion: 'reduce', ignoreHTTPSErrors: true },
        });
      const certificates = async (page: Page, server: RunningServer): Promise<void> => {
        await page.goto(`${server.url}/auth/certificates`);
        await heading(page, 'Certificates');
        await served(page).waitFor();
      };

      it('own files: each problem beside its field, nothing served by looking', async (t) => {
        const server = await start('--tls-allowed-dirs', folder);
        const { page } = await come(t, server);
        await signInOnConsole(page, server);
        await page.getByRole('link', { name: 'Certificates' }).click();
        await served(page).getByText('This server speaks HTTP.').waitFor();
        await assertSound(page, 'without a certificate');
        const cert = field(page, 'Path of the certificate');
        const key = field(page, 'Path of the private key');
        await page.getByText(folder, { exact: false }).first().waitFor();
        await button(page, 'Check').click();
        await page.getByText('Type the path of the certificate.').waitFor();
        await page.getByText('Type the path of the private key.').waitFor();
        await focusOn(page, 'Path of the certificate');
        await cert.fill('own.pem');
        await key.fill(at('other.key'));
        await button(page, 'Check').click();
        await page.getByText('Type the whole path, from / on.').waitFor();
        await assertSound(page, 'paths mistyped');
        await cert.fill(at('own.pem'));
        await button(page, 'Check').click();
        await page.getByText('Certificate and key do not belong together.').waitFor();
        await focusOn(page, 'Path of the private key');
        await assertSound(page, 'a pair that is none');
        await cert.fill(at('over.pem'));
        await key.fill(at('over.key'));
        await button(page, 'Use these files').click();
        await page.getByText('The certificate has ended.').waitFor();
        await focusOn(page, 'Path of the certificate');
        assert.equal(await dialog(page).count(), 0, 'nothing to be used');
        await cert.fill(at('own.pem'));
        await key.fill('/etc/shadow');
        await button(page, 'Check').click();
        await page.getByText('does not lie in a folder that may be read').waitFor();
        await focusOn(page, 'Path of the private key');
        await key.fill(at('own.key'));
        await button(page, 'Check').click();
        await page.getByText('can be used. This is what would be served:').waitFor();
        await page.getByText('Not trusted by this system').waitFor();
        await page.getByText(/^(?:19|20) days left$/).waitFor();
        await assertSound(page, 'a pair that would do');
        await served(page).getByText('This server speaks HTTP.').waitFor();
      });

      it('found, checked, used after a proof, dropped again: the page goes where the console is', async (t) => {
        const server = await start('--tls-allowed-dirs', folder, '--step-up-window', '3s');
        const { page } = await come(t, server, /status of 403/);
        await signInOnConsole(page, server);
        await certificates(page, server);
        const path = at('live', 'gate.example', 'fullchain.pem');
        await button(page, `Check ${path}`).click();
        await page.getByText('can be used. This is what would be served:').waitFor();
        await assertSound(page, 'a pair that was found');
        await page.waitForTimeout(3000);
        await button(page, `Use this: ${path}`).click();
        await dialog(page).getByText('Your browser will warn you').waitFor();
        const fingerprint = await dialog(page).locator('.to-copy code').innerText();
        assert.match(fingerprint, /^(?:[0-9A-F]{2}:){31}[0-9A-F]{2}$/);
        await assertSound(page, 'a pair to be used');
        await button(page, 'Use this certificate').click();
        await confirm(page, 'quiet harbour, wrong');
        await confirming(page).getByText('That is not your password.').waitFor();
        await confirming(page).getByRole('button', { name: 'Cancel' }).click();
        await confirming(page).waitFor({ state: 'detached' });
        await button(page, 'Use this certificate').click();
        await confirm(page, admin.password);
        await heading(page, 'This console has another address now');
        await focusOn(page, 'This console has another address now');
        assert.equal(await page.locator('.to-copy code').innerText(), fingerprint);
        await assertSound(page, 'another address');
        await page.getByRole('link', { name: `Go to ${secure(server)}` }).click();
        await page.waitForURL(`${secure(server)}/auth/**`);
        await page.locator('h1').waitFor();
        assert.ok(!page.url().includes('/auth/sign-in'), 'the session goes along');
        await heading(page, 'Certificates');
        await served(page).getByText('This server speaks HTTPS.').waitFor();
        await served(page).getByText('Let’s Encrypt', { exact: true }).waitFor();
        assert.equal(await served(page).locator('.to-copy code').innerText(), fingerprint);
        await page.getByRole('table').getByText('Served now').waitFor();
        await assertSound(page, 'a pair that is served');

        await field(page, 'Path of the certificate').fill(at('own.pem'));
        await field(page, 'Path of the private key').fill(at('own.key'));
        await button(page, 'Use these files').click();
        await button(page, 'Use this certificate').click();
        const now = page.getByText('New connections get this certificate.').first();
        await now.or(confirming(page)).first().waitFor();
        if (await confirming(page).isVisible()) await confirm(page, admin.password);
        await now.waitFor();
        await focusOn(page, 'Served now');
        await served(page).getByText('put its renewal on your list').waitFor();
        assert.notEqual(await served(page).locator('.to-copy code').innerText(), fingerprint);
        await assertSound(page, 'another pair');

        await button(page, 'Stop using this certificate').click();
        await assertSound(page, 'a pair to be dropped');
        await dialog(page).getByRole('button', { name: 'Cancel' }).click();
        await served(page).getByText('This server speaks HTTPS.').waitFor();
        await button(page, 'Stop using this certificate').click();
        await dialog(page).getByRole('button', { name: 'Stop using this certificate' }).click();
        const moved = page.getByRole('heading', { name: 'This console has another address now' });
        await moved.or(confirming(page)).first().waitFor();
        if (await confirming(page).isVisible()) await confirm(page, admin.password);
        await moved.waitFor();
        // It goes there by itself: no browser warns of what has no certificate.
        await page.waitForURL(`${server.url}/auth/**`);
        await page.locator('h1').waitFor();
        assert.ok(!page.url().includes('/auth/sign-in'), 'the session goes along');
        await heading(page, 'Certificates');
        await served(page).getByText('This server speaks HTTP.').waitFor();
      });

      it('a renewed pair that cannot be used is told here and on the account page, until it is put right', async (t) => {
        const server = await start('--tls-allowed-dirs', folder);
        const [cert, key] = [at(`renewed-${width}.pem`), at(`renewed-${width}.key`)];
        await copyFile(at('own.pem'), cert);
        await copyFile(at('own.key'), key);
        const { page } = await come(t, server);
        await signInOnConsole(page, server);
        assert.equal(await page.getByRole('link', { name: 'Look at the certificate' }).count(), 0);
        await certificates(page, server);
        await field(page, 'Path of the certificate').fill(cert);
        await field(page, 'Path of the private key').fill(key);
        await button(page, 'Use these files').click();
        await button(page, 'Use this certificate').click();
        await heading(page, 'This console has another address now');
        await page.getByRole('link', { name: `Go to ${secure(server)}` }).click();
        await page.waitForURL(`${secure(server)}/auth/**`);
        await page.locator('h1').waitFor();
        assert.ok(!page.url().includes('/auth/sign-in'), 'the session goes along');
        await heading(page, 'Certificates');
        const fingerprint = await served(page).locator('.to-copy code').innerText();

        await copyFile(at('other.key'), key);
        server.process.kill('SIGHUP');
        const alarm = page
          .getByRole('alert')
          .filter({ hasText: 'A renewed certificate was found and cannot be used.' });
        await eventually('it is told', async () => {
          await page.reload();
          await served(page).waitFor();
          return alarm.isVisible();
        });
        await alarm.getByText('Certificate and key do not belong together.').waitFor();
        await alarm.getByText(cert).waitFor();
        assert.equal(await served(page).locator('.to-copy code').innerText(), fingerprint, 'the one before goes on');
        await assertSound(page, 'a renewed pair that cannot be used');
        await page.goto(`${secure(server)}/auth/account`);
        await page.getByText('The renewed certificate of this server cannot be used.').waitFor();
        await assertSound(page, 'a certificate to be looked at');
        await page.getByRole('link', { name: 'Look at the certificate' }).click();
        await alarm.waitFor();

        await copyFile(at('other.pem'), cert);
        server.process.kill('SIGHUP');
        await eventually('it is put right', async () => {
          await page.reload();
          await served(page).waitFor();
          return !(await alarm.isVisible());
        });
        assert.notEqual(await served(page).locator('.to-copy code').innerText(), fingerprint);
      });

      it('behind a proxy that holds the certificate there is nothing to choose', async (t) => {
        const server = await start('--tls', 'off', '--trusted-proxies', '10.0.0.1');
        const { page } = await come(t, server);
        await signInOnConsole(page, server);
        await page.goto(`${server.url}/auth/certificates`);
        await page.getByText('A reverse proxy in front of this server holds the certificate').waitFor();
        assert.equal(await page.getByRole('textbox').count(), 0);
        assert.equal(await button(page, 'Check').count(), 0);
        await assertSound(page, 'certificates elsewhere');
      });
    });
  }
});
