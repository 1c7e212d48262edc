/**
 * Facts about a page that hold for everybody who does not see it, or not well: looked up in the document itself. This
 * counts what can be counted; it does not judge contrast.
 */
import type { Page } from 'playwright-core';

/** What is wrong with the page as it is now, one line each. */
export function audit(page: Page): Promise<readonly string[]> {
  return page.evaluate<readonly string[]>(`(() => {
    const wrong = [];
    const all = (selector) => [...document.querySelectorAll(selector)];
    const visible = (element) => element.checkVisibility({ visibilityProperty: true });
    const outline = (element) => element.outerHTML.slice(0, 120);
    const text = (id) => (document.getElementById(id)?.textContent ?? '').trim();

    if (document.documentElement.lang !== 'en') wrong.push('the language is not said');
    if (!/^.+ · Sallyport$/.test(document.title)) wrong.push('title: ' + document.title);
    if (all('main').length !== 1) wrong.push('main: ' + all('main').length);
    if (all('h1').length !== 1) wrong.push('h1: ' + all('h1').length);
    if (all('[role=status]').length !== 1) wrong.push('no live region');

    const levels = all('h1, h2, h3, h4').map((each) => Number(each.tagName[1]));
    levels.forEach((level, at) => {
      if (level > (levels[at - 1] ?? 0) + 1) wrong.push('a heading level is left out before ' + level);
    });
    const ids = all('[id]').map((each) => each.id);
    for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) wrong.push('twice: #' + id);

    for (const input of all('input').filter(visible)) {
      if ([...(input.labels ?? [])].every((label) => label.innerText.trim() === '')) wrong.push('no label: ' + outline(input));
      if (!input.autocomplete) wrong.push('no autocomplete: ' + outline(input));
      if (input.getAttribute('aria-invalid') === 'true' && !input.hasAttribute('aria-describedby')) wrong.push('an error that is not said: ' + outline(input));
    }
    for (const element of all('[aria-describedby], [aria-labelledby]')) {
      const named = (element.getAttribute('aria-describedby') ?? '') + ' ' + (element.getAttribute('aria-labelledby') ?? '');
      for (const id of named.split(' ').filter(Boolean)) if (text(id) === '') wrong.push('names nothing: ' + id);
    }
    for (const element of all('button, a').filter(visible)) {
      const name = (element.getAttribute('aria-label') ?? element.innerText).trim();
      if (name === '') wrong.push('no name: ' + outline(element));
      // Voice control goes by what is seen: the name has to contain it.
      if (element.hasAttribute('aria-label') && !name.toLowerCase().includes(element.innerText.trim().toLowerCase()))
        wrong.push('named otherwise than it looks: ' + outline(element));
    }
    for (const drawing of all('svg, .sign')) if (drawing.getAttribute('aria-hidden') !== 'true') wrong.push('a drawing is read out');
    for (const element of all('button, .button, input, nav a').filter(visible)) {
      if (element.getBoundingClientRect().height < 44) wrong.push('hard to hit: ' + outline(element));
    }
    for (const element of all('[tabindex]')) if (element.tabIndex > 0) wrong.push('jumps the order: ' + outline(element));
    return wrong;
  })()`);
}

/** What stays behind in the browser besides cookies, and what scripts can read of those. */
export function keptInBrowser(page: Page): Promise<Readonly<Record<string, unknown>>> {
  return page.evaluate<Readonly<Record<string, unknown>>>(`(async () => ({
    cookies: document.cookie,
    local: localStorage.length,
    session: sessionStorage.length,
    databases: (await indexedDB.databases()).length,
    caches: (await caches.keys()).length,
    workers: (await navigator.serviceWorker.getRegistrations()).length,
  }))()`);
}

/** How far the page is wider than the window. */
export function sidewaysScroll(page: Page): Promise<number> {
  return page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');
}

/** What has the focus, as a screen reader would name it. */
export function focused(page: Page): Promise<string> {
  return page.evaluate<string>(`(() => {
    const element = document.activeElement;
    if (element === null || element === document.body) return '';
    const label = element.labels?.[0]?.innerText;
    return (element.getAttribute('aria-label') ?? label ?? element.innerText).trim();
  })()`);
}
