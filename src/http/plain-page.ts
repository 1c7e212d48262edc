/** The few pages that must work without the built ones: on protected hosts, where the console's assets do not live. */
import type { Origin } from '../types.ts';
import { guardHeaders, setCookies, type Written } from './answer.ts';

export interface PlainPage {
  readonly status: number;
  readonly title: string;
  readonly text: string;
  /** One way on: a link, or a form that posts to this origin. */
  readonly next?:
    | { readonly kind: 'link'; readonly label: string; readonly target: string }
    /** `leadsTo`: origin the answer to the form redirects to; browsers hold that against the policy too. */
    | { readonly kind: 'form'; readonly label: string; readonly target: string; readonly leadsTo: Origin };
  readonly cookies?: readonly string[];
  readonly retryAfterSeconds?: number;
}

const style = `
:root{color-scheme:light dark;--paper:oklch(0.985 0.004 195);--ink:oklch(0.25 0.02 230);--quiet:oklch(0.47 0.02 230);--accent:oklch(0.45 0.09 195);--on:oklch(0.99 0 0)}
@media(prefers-color-scheme:dark){:root{--paper:oklch(0.2 0.015 230);--ink:oklch(0.94 0.005 230);--quiet:oklch(0.74 0.015 230);--accent:oklch(0.8 0.09 195);--on:oklch(0.2 0.015 230)}}
body{margin:0;background:var(--paper);color:var(--ink);font:17px/1.5 system-ui,sans-serif}
main{max-width:360px;margin:0 auto;padding:48px 16px}
h1{font-size:21px;line-height:1.25;margin:0 0 12px}
p{margin:0 0 24px;color:var(--quiet)}
a,button{display:inline-flex;align-items:center;min-height:44px;padding:0 16px;border:0;border-radius:8px;background:var(--accent);color:var(--on);font:inherit;text-decoration:none;cursor:pointer}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
`;

/** `nonce` must be new for every answer. */
export function plainPage(page: PlainPage, nonce: string): Written {
  const { next } = page;
  const way =
    next === undefined
      ? ''
      : next.kind === 'link'
        ? `<a href="${escape(next.target)}">${escape(next.label)}</a>`
        : `<form method="post" action="${escape(next.target)}"><button type="submit">${escape(next.label)}</button></form>`;
  const body = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escape(page.title)}</title><style nonce="${nonce}">${style}</style></head><body><main><h1>${escape(page.title)}</h1><p>${escape(page.text)}</p>${way}</main></body></html>`;
  const policy = `default-src 'none'; style-src 'nonce-${nonce}'; form-action ${next?.kind === 'form' ? `'self' ${next.leadsTo}` : "'none'"}; frame-ancestors 'none'; base-uri 'none'; object-src 'none'`;
  const wait = page.retryAfterSeconds === undefined ? [] : ['retry-after', String(page.retryAfterSeconds)];
  return {
    kind: 'written',
    status: page.status,
    headers: [
      'content-type',
      'text/html; charset=utf-8',
      ...guardHeaders,
      'content-security-policy',
      policy,
      ...wait,
      ...setCookies(page.cookies ?? []),
    ],
    body,
  };
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
