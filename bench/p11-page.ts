/**
 * P11: what the sign-in page costs whoever opens it, as Chromium asks for it: bytes, foreign requests, and round trips from the
 * end of the HTML to the first paint.
 *
 * Round trips are not guessed from a list of requests: the same page is loaded over two connections that differ by their latency
 * alone, and what the paint loses, divided by what the latency gained, is how often it waited.
 */

import { type Browser, chromium, type Page } from 'playwright-core';
import { need } from '../test/support/debian.ts';
import type { Cores } from './measure/cores.ts';
import { goalText, verdict, type Goal } from './measure/goals.ts';
import { spread } from './measure/statistics.ts';
import { table } from './measure/table.ts';
import { temporaryFolder } from './measure/temporary.ts';
import type { Rounds } from './measure/compare.ts';
import { sessionOf, startSallyport } from './sallyport/server.ts';

/** `seconds` has no meaning here: a round is one visit over each of the two connections. */
export const P11_ROUNDS: Rounds = { rounds: 5, seconds: 0, warmUp: 1 };

const LATENCIES_MS = [100, 500] as const;
const SETTLED_MS = 2500;

interface Sent {
  readonly url: string;
  readonly type: string;
  readonly blocking: boolean;
  /** As it came over the wire. */
  readonly body: number;
  readonly head: number;
}

interface Paint {
  readonly htmlEnd: number;
  readonly first: number;
  readonly content: number;
}

export async function p11(cores: Cores, { rounds, warmUp }: Rounds): Promise<string> {
  const server = await startSallyport({ core: cores.server, data: temporaryFolder() });
  const browser = await chromium.launch({
    executablePath: await need('chromium', 'chromium'),
    // Chromium does not start as root with its sandbox; it only ever sees pages of this bench.
    args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  try {
    const origin = `http://localhost:${server.port}`;
    const signIn = await visit(browser, `${origin}/auth/sign-in`);
    const account = await visit(browser, `${origin}/auth/account`, await sessionOf(server));
    const near: Paint[] = [];
    const far: Paint[] = [];
    for (let round = -warmUp; round < rounds; round++) {
      const paints = [];
      for (const latency of LATENCIES_MS) paints.push(await paintOf(browser, `${origin}/auth/sign-in`, latency));
      const [first, second] = paints;
      if (round >= 0 && first !== undefined && second !== undefined) {
        near.push(first);
        far.push(second);
      }
    }
    return report(origin, signIn, account, near, far, rounds);
  } finally {
    await browser.close();
    await server.stop();
  }
}

async function visit(browser: Browser, url: string, cookie?: string): Promise<readonly Sent[]> {
  return inPage(browser, async (page) => {
    const [name = '', value = ''] = (cookie ?? '').split('=', 2);
    if (cookie !== undefined) await page.context().addCookies([{ name, value, url: new URL(url).origin }]);
    const pending: Promise<Sent>[] = [];
    let documents = 0;
    page.on('requestfinished', (request) => {
      if (request.resourceType() === 'document') documents += 1;
      const sent = async (): Promise<Sent> => {
        const sizes = await request.sizes();
        return {
          url: request.url(),
          type: request.resourceType(),
          blocking: false,
          body: sizes.responseBodySize,
          head: sizes.responseHeadersSize,
        };
      };
      pending.push(sent());
    });
    await page.goto(url, { waitUntil: 'load' });
    await page.waitForTimeout(SETTLED_MS);
    if (documents !== 1 || new URL(page.url()).pathname !== new URL(url).pathname)
      throw new Error(`${url} led to ${page.url()}`);
    const blocking = new Set(
      await page.evaluate<string[]>(
        `performance.getEntriesByType('resource').filter((each) => each.renderBlockingStatus === 'blocking').map((each) => each.name)`,
      ),
    );
    return (await Promise.all(pending)).map((sent) => ({ ...sent, blocking: blocking.has(sent.url) }));
  });
}

async function paintOf(browser: Browser, url: string, latency: number): Promise<Paint> {
  return inPage(browser, async (page) => {
    const devTools = await page.context().newCDPSession(page);
    await devTools.send('Network.enable');
    const unlimited = { offline: false, downloadThroughput: -1, uploadThroughput: -1 };
    await devTools.send('Network.emulateNetworkConditions', { ...unlimited, latency });
    await page.goto(url, { waitUntil: 'load' });
    await page.waitForTimeout(SETTLED_MS);
    return page.evaluate<Paint>(
      `(() => {
        const paint = (name) => performance.getEntriesByName(name)[0].startTime;
        const [html] = performance.getEntriesByType('navigation');
        return { htmlEnd: html.responseEnd, first: paint('first-paint'), content: paint('first-contentful-paint') };
      })()`,
    );
  });
}

/** A browser that has never been here. */
async function inPage<T>(browser: Browser, use: (page: Page) => Promise<T>): Promise<T> {
  const context = await browser.newContext();
  try {
    return await use(await context.newPage());
  } finally {
    await context.close();
  }
}

function report(
  origin: string,
  signIn: readonly Sent[],
  account: readonly Sent[],
  near: readonly Paint[],
  far: readonly Paint[],
  rounds: number,
): string {
  const waited = (of: (paint: Paint) => number): number => {
    const median = (paints: readonly Paint[]): number =>
      spread(paints.map((paint) => of(paint) - paint.htmlEnd)).median;
    return (median(far) - median(near)) / (LATENCIES_MS[1] - LATENCIES_MS[0]);
  };
  const foreign = (sent: readonly Sent[]): number => sent.filter(({ url }) => new URL(url).origin !== origin).length;
  const wire = (sent: readonly Sent[]): number => sent.reduce((sum, { body, head }) => sum + body + head, 0) / 1000;
  const trips = (of: (paint: Paint) => number): Goal => ({
    what: 'round trips after HTML',
    value: Math.round(waited(of)),
    most: 1,
  });
  const bytes = (sent: readonly Sent[], most: number): Goal => ({ what: 'KB', value: wire(sent), most });
  const none: Goal = { what: 'foreign requests', value: foreign(signIn) + foreign(account), most: 0 };
  const figures: readonly (readonly [string, string, Goal])[] = [
    ['sign-in page, all as served, with heads', `${wire(signIn).toFixed(1)} KB`, bytes(signIn, 30)],
    ['console (account page), the same', `${wire(account).toFixed(1)} KB`, bytes(account, 150)],
    ['requests to other origins', String(none.value), none],
    ['HTML to first paint', `${waited((paint) => paint.first).toFixed(2)} round trips`, trips((paint) => paint.first)],
    [
      'HTML to first content',
      `${waited((paint) => paint.content).toFixed(2)} round trips`,
      trips((paint) => paint.content),
    ],
  ];
  const rows = figures.map(([what, value, goal]) => [what, value, goalText([goal]), verdict([goal])]);
  const files = signIn.map(({ url, type, blocking, body, head }) => [
    new URL(url).pathname,
    type,
    blocking ? 'yes' : '',
    // The icon is asked for twice, and comes once.
    body < 0 ? 'from cache' : String(body),
    body < 0 ? '' : String(head),
  ]);
  const how = `Chromium, an empty cache, latencies of ${LATENCIES_MS.join(' and ')} ms, ${rounds} visits over each`;
  return [
    `P11  sign-in page (${how})`,
    table([['figure', 'measured', 'goal', 'result'], ...rows]),
    table([['request of the sign-in page', 'type', 'blocks paint', 'body bytes', 'head bytes'], ...files]),
  ].join('\n\n');
}
