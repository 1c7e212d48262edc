/** What axe-core finds on a page as it is shown now: WCAG 2.2 A and AA, and its best practices. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const source = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

interface Violation {
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

/** One line for each violation, with the element it is about. Fails when axe looked at nothing. */
export async function violations(page: Page): Promise<readonly string[]> {
  // Put in from outside: the page's own policy lets no script in.
  await page.evaluate(await source);
  const { found, passed } = await page.evaluate<{ found: readonly Violation[]; passed: number }>(
    `axe.run(document, { runOnly: { type: 'tag', values: ${JSON.stringify(tags)} }, resultTypes: ['violations', 'passes'] })
      .then(({ violations, passes }) => ({ found: violations, passed: passes.length }))`,
  );
  if (passed < 5) throw new Error(`axe looked at hardly anything on ${page.url()}`);
  return found.flatMap(({ id, help, nodes }) =>
    nodes.map(
      ({ html, failureSummary }) => `${id}: ${help}: ${html.slice(0, 160)} (${failureSummary.replaceAll(/\s+/g, ' ')})`,
    ),
  );
}
