/**
 * Debian's Chromium, as a person uses it. Every visitor has a browser profile of their own, and leaves only if nothing
 * went wrong behind the page: no console error, no exception, no breach of the content security policy, no request to
 * an origin that is not part of the story.
 */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { need } from './debian.ts';

export interface Chromium {
  /** A browser that has never been here, gone again at the end of the test `t`. */
  readonly visitor: (t: TestContext, options: VisitorOptions) => Promise<Visitor>;
  readonly close: () => Promise<void>;
}

export interface VisitorOptions {
  /** Where this visitor's requests may go. */
  readonly origins: readonly string[];
  /** What is to be reported on purpose, such as the refusal of a wrong password. Each has to happen. */
  readonly expected?: readonly RegExp[];
  /** What an application of somebody else's reports of itself, with or without us in front. May happen or not. */
  readonly tolerated?: readonly RegExp[];
  readonly context?: BrowserContextOptions;
}

export interface Visitor {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly newTab: () => Promise<Page>;
}

/** Longest wait for anything a page should do: for machines that are slow, not for pages that are. */
export const patienceMs = 20_000;

export async function startChromium(): Promise<Chromium> {
  const browser = await chromium.launch({
    executablePath: await need('chromium', 'chromium'),
    args: [
      // Chromium does not start as root with its sandbox; it only ever sees pages of these tests.
      '--no-sandbox',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  return { visitor: (t, options) => newVisitor(browser, t, options), close: () => browser.close() };
}

async function newVisitor(browser: Browser, t: TestContext, options: VisitorOptions): Promise<Visitor> {
  const context = await browser.newContext({ locale: 'en-GB', ...options.context });
  context.setDefaultTimeout(patienceMs);
  const reports: string[] = [];
  const origins = new Set(options.origins);
  context.on('console', (message) => {
    const { url } = message.location();
    if (message.type() === 'error') reports.push(`console: ${message.text()} (${url})`);
  });
  context.on('weberror', (thrown) =>
    reports.push(`exception: ${String(thrown.error())} (${thrown.page()?.url() ?? ''})`),
  );
  context.on('request', (request) => {
    const url = new URL(request.url());
    const inPage = url.protocol === 'data:' || url.protocol === 'blob:';
    if (!inPage && !origins.has(url.origin)) reports.push(`foreign origin: ${request.url()}`);
  });
  // A breach is an error on the console too, unless the policy is a mere report: the event tells of both.
  await context.exposeBinding('reportBreach', (_source, breach: string) => void reports.push(`breach: ${breach}`));
  await context.addInitScript(
    `addEventListener('securitypolicyviolation', (event) =>
       reportBreach(event.effectiveDirective + ' ' + event.blockedURI + ' on ' + event.documentURI));`,
  );
  t.after(async () => {
    await context.close();
    const expected = options.expected ?? [];
    const known = [...expected, ...(options.tolerated ?? [])];
    const surprises = reports.filter((report) => !known.some((pattern) => pattern.test(report)));
    const missed = expected.filter((pattern) => !reports.some((report) => pattern.test(report)));
    assert.deepEqual(surprises, [], 'reported by the browser');
    assert.deepEqual(missed, [], 'expected, and never reported');
  });
  return { page: await context.newPage(), context, newTab: () => context.newPage() };
}
