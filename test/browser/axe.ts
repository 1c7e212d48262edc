/** axe-core in the page: what a machine can find wrong with it for people who see, hear or move otherwise. */
import assert from 'node:assert/strict';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { audit, sidewaysScroll } from './audit.ts';

const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** One line for each thing that is wrong: the rule, what it wants, and where. */
export async function violations(page: Page): Promise<readonly string[]> {
  if (!(await page.evaluate<boolean>(`'axe' in window`))) await page.evaluate(`{ ${axe.source} }`);
  return page.evaluate<readonly string[]>(`(async () => {
    const { violations } = await axe.run(document, {
      runOnly: { type: 'tag', values: ${JSON.stringify(rules)} },
      resultTypes: ['violations'],
    });
    return violations.flatMap((each) => each.nodes.map((node) =>
      each.id + ': ' + each.help + ': ' + node.target.join(' ') + ': ' + node.any.map((check) => check.message).join(' ')));
  })()`);
}

/** The page as it is now, in both colour schemes: nothing for axe, nothing for our own audit, nothing beside the window. */
export async function assertSound(page: Page, state: string, kind: 'built' | 'plain' = 'built'): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    assert.deepEqual(await violations(page), [], `${state}, ${colorScheme}`);
  }
  // The plain pages have no script, so nothing to announce.
  const wrong = (await audit(page)).filter((each) => kind === 'built' || each !== 'no live region');
  assert.deepEqual(wrong, [], state);
  assert.equal(await sidewaysScroll(page), 0, `${state}: no sideways scroll`);
}
