/**
 * Facts about a page that hold for everybody who does not see it, or not well, and that axe does not look for (axe.ts):
 * looked up in the document itself. This counts what can be counted; it does not judge contrast.
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

    if (!/^.+ · Sallyport$/.test(document.title)) wrong.push('title: ' + document.title);
    if (all('[role=status]').length !== 1 + all('dialog').length) wrong.push('no live region');

    for (const input of all('input').filter(visible)) {
      if (!input.autocomplete) wrong.push('no autocomplete: ' + outline(input));
      if (input.placeholder) wrong.push('told where it goes away: ' + outline(input));
      if (input.getAttribute('aria-invalid') === 'true' && !input.hasAttribute('aria-describedby')) wrong.push('an error that is not said: ' + outline(input));
    }
    for (const element of all('[aria-describedby], [aria-labelledby]')) {
      const named = (element.getAttribute('aria-describedby') ?? '') + ' ' + (element.getAttribute('aria-labelledby') ?? '');
      for (const id of named.split(' ').filter(Boolean)) if (text(id) === '') wrong.push('names nothing: ' + id);
    }
    for (const element of all('button, a').filter(visible)) {
      const name = (element.getAttribute('aria-label') ?? element.innerText).trim();
      // Voice control goes by what is seen: the name has to contain it.
      if (element.hasAttribute('aria-label') && !name.toLowerCase().includes(element.innerText.trim().toLowerCase()))
        wrong.push('named otherwise than it looks: ' + outline(element));
    }
    for (const time of all('time')) {
      if (Number.isNaN(Date.parse(time.dateTime)) || !time.textContent.includes(time.title) || time.title === '')
        wrong.push('a time without the exact one: ' + outline(time));
    }
    for (const drawing of all('svg, .sign')) if (drawing.getAttribute('aria-hidden') !== 'true') wrong.push('a drawing is read out');
    for (const element of all('button, .button, input, summary, nav a').filter(visible)) {
      if (element.getBoundingClientRect().height < 44) wrong.push('hard to hit: ' + outline(element));
    }
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
