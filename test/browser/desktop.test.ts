/** A real application on a WebSocket, in a real browser: a desktop behind the sign-in, gone when the session is. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { type Chromium, startChromium } from '../support/chromium.ts';
import { withoutPackages } from '../support/debian.ts';
import { type Desktop, screen, startDesktop } from '../support/desktop.ts';
import { setUp } from '../support/people.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { accountPage, button, eventually, fillSignIn, heading } from './steps.ts';

describe('a desktop over a WebSocket', { skip: withoutPackages }, () => {
  let desktop: Desktop;
  let chromium: Chromium;
  let server: RunningServer;
  before(async () => {
    [desktop, chromium] = await Promise.all([startDesktop(), startChromium()]);
    server = await startServer({ upstream: desktop.url });
    await setUp(server);
  });
  after(async () => {
    await chromium.close();
    await server.remove();
    await desktop.close();
  });

  /** White, as the screen is: pixels have come through. */
  const isShown = (page: Page): Promise<boolean> =>
    page.evaluate<boolean>(`(() => {
      const canvas = document.querySelector('canvas');
      if (canvas === null || canvas.width !== ${screen.width} || canvas.height !== ${screen.height}) return false;
      return canvas.getContext('2d').getImageData(10, 10, 1, 1).data.join() === '255,255,255,255';
    })()`);
  const status = (page: Page): Promise<string> => page.locator('#status').innerText();

  it('is shown after signing in, and gone within seconds of signing out elsewhere', async (t) => {
    const { page, newTab } = await chromium.visitor(t, {
      origins: [server.url, server.application, server.application.replace('http', 'ws')],
      expected: [/WebSocket connection to .* failed/],
      tolerated: [/favicon|404/, /Failed when connecting|Connection closed|Disconnection/],
    });
    await page.goto(`${server.application}/vnc_lite.html`);
    await fillSignIn(page);
    await page.locator('canvas').waitFor();
    await eventually('the screen is shown', () => isShown(page));
    assert.match(await status(page), /^Connected/);

    const account = await newTab();
    await account.goto(`${server.url}/auth/account`);
    await accountPage(account);
    await button(account, 'Sign out').click();
    await heading(account, 'Sign in');
    await page.getByText(/Something went wrong, connection is closed|Disconnected/).waitFor({ timeout: 5000 });

    // The page that is still open cannot connect again.
    const opened = await page.evaluate<string>(
      `new Promise((resolve) => {
        const socket = new WebSocket(location.origin.replace('http', 'ws') + '/websockify', 'binary');
        socket.onopen = () => resolve('open');
        socket.onerror = () => resolve('refused');
      })`,
    );
    assert.equal(opened, 'refused');
    await page.reload();
    await heading(page, 'Sign in');
  });

  it('is not there for a page of another site, with the cookie of somebody who is signed in', async (t) => {
    // Another port of the same host: the same site to a browser, which sends the cookie, and another origin all the same.
    const other = desktop.url.replace('127.0.0.1', new URL(server.application).hostname);
    const { page } = await chromium.visitor(t, {
      origins: [server.url, server.application, other, server.application.replace('http', 'ws')],
      expected: [/WebSocket connection to .* failed/],
      tolerated: [/favicon|404/],
    });
    await page.goto(`${server.application}/vnc_lite.html`);
    await fillSignIn(page);
    await page.locator('canvas').waitFor();
    await eventually('the screen is shown', () => isShown(page));
    await page.goto(`${other}/vnc_lite.html`);
    const opened = await page.evaluate<string>(
      `new Promise((resolve) => {
          const socket = new WebSocket(${JSON.stringify(server.application.replace('http', 'ws'))} + '/websockify', 'binary');
          socket.onopen = () => resolve('open');
          socket.onerror = () => resolve('refused');
        })`,
    );
    assert.equal(opened, 'refused');
  });
});
