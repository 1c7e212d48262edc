/** What people do on the pages, for the tests of several pages. Everything is found by what a person sees or hears. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Locator, Page } from 'playwright-core';
import { patienceMs } from '../support/chromium.ts';
import { focused } from './audit.ts';
import { admin } from '../support/people.ts';
import type { RunningServer } from '../support/server.ts';

/** The page has come when its heading is there. */
export function heading(page: Page, name: string): Promise<void> {
  return page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
}

export function field(page: Page, label: string): Locator {
  return page.getByLabel(label, { exact: true });
}

export function button(page: Page, name: string | RegExp): Locator {
  return page.getByRole('button', { name, exact: true });
}

/** As the server prints it. */
export function setupLink(server: RunningServer): string {
  return `${server.url}/auth/setup#code=${encodeURIComponent(server.setupCode)}`;
}

export async function fillSignIn(page: Page, password: string = admin.password): Promise<void> {
  await heading(page, 'Sign in');
  await field(page, 'Name').fill(admin.username);
  await field(page, 'Password').fill(password);
  await button(page, 'Sign in').click();
}

/** Signs in on the console, and is on the account page with all its parts. */
export async function signInOnConsole(page: Page, server: RunningServer, password?: string): Promise<void> {
  await page.goto(`${server.url}/auth/sign-in`);
  await fillSignIn(page, password);
  await accountPage(page);
}

/** The account page is whole when the last of its lists is. */
export async function accountPage(page: Page): Promise<void> {
  await heading(page, 'Your account');
  await page.getByText('This device', { exact: true }).waitFor();
  await page.locator('[aria-busy="true"]').first().waitFor({ state: 'detached' });
}

/**
 * Waits until something that no locator can name is so. Playwright's own `waitForFunction` evaluates inside the page,
 * which our policy forbids.
 */
export async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`It never came to this: ${what}`);
    await pause(50);
  }
}

/** The focus follows what is shown a moment later. */
export async function focusOn(page: Page, name: string): Promise<void> {
  await eventually(`the focus is on "${name}"`, async () => (await focused(page)) === name);
}
