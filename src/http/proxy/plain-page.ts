/** The few pages that must work without the built ones: on protected hosts, where the console's assets do not live. */
import type { Origin } from '../../types.ts';
import { guardHeaders, setCookies, type Written } from '../answer.ts';

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
  /** Names and values in turn. */
  readonly headers?: readonly string[];
}

/** The console's own colours and sign, so that it is one product (`console/src/look/tokens.css`). */
const style = `
:root{color-scheme:light dark;--paper:oklch(0.978 0.005 95);--raised:oklch(0.998 0.002 95);--line:oklch(0.885 0.008 95);--ink:oklch(0.25 0.018 220);--quiet:oklch(0.47 0.018 220);--accent:oklch(0.49 0.085 195);--strong:oklch(0.43 0.078 195);--on:oklch(0.99 0.005 195)}
@media(prefers-color-scheme:dark){:root{--paper:oklch(0.195 0.012 220);--raised:oklch(0.232 0.014 220);--line:oklch(0.33 0.014 220);--ink:oklch(0.93 0.006 95);--quiet:oklch(0.735 0.012 210);--accent:oklch(0.79 0.09 195);--strong:oklch(0.86 0.08 195);--on:oklch(0.2 0.03 200)}}
*{box-sizing:border-box}
html{background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','Liberation Sans',sans-serif}
body{margin:0}
main{width:min(360px,100% - 32px);margin:0 auto;padding:clamp(24px,6vh,48px) 0 48px}
@media(min-width:600px){main{width:426px;margin:clamp(24px,11vh,120px) auto 32px;padding:32px;border:1px solid var(--line);border-radius:8px;background:var(--raised)}}
svg{display:block;width:40px;height:40px;margin:0 0 24px -4px}
h1{margin:0 0 8px;font-size:28px;font-weight:650;line-height:1.25;letter-spacing:-.015em;text-wrap:balance}
p{margin:0 0 24px;color:var(--quiet);font-size:17px;text-wrap:pretty;overflow-wrap:anywhere}
a,button{display:flex;align-items:center;justify-content:center;width:100%;min-height:44px;padding:8px 16px;border:0;border-radius:8px;background:var(--accent);color:var(--on);font:inherit;font-weight:560;text-decoration:none;cursor:pointer}
:is(a,button):hover{background:var(--strong)}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
`;

const sign =
  '<svg viewBox="0 0 32 32" fill="none" stroke="currentColor" stroke-width="2.5" stroke-linecap="round" aria-hidden="true"><path d="M4 28.5V15a12 12 0 0 1 24 0v13.5"/><path d="M11 28.5V16.5a5 5 0 0 1 10 0v12"/></svg>';

/**
 * `nonce` must be new for every answer. The referrer policy is `same-origin`, since under `no-referrer` a browser sends
 * the form with `Origin: null`, which is nobody's page.
 */
export function plainPage(page: PlainPage, nonce: string): Written {
  const { next } = page;
  const way =
    next === undefined
      ? ''
      : next.kind === 'link'
        ? `<a href="${escape(next.target)}">${escape(next.label)}</a>`
        : `<form method="post" action="${escape(next.target)}"><button type="submit">${escape(next.label)}</button></form>`;
  const body = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escape(page.title)} · Sallyport</title><style nonce="${nonce}">${style}</style></head><body><main>${sign}<h1>${escape(page.title)}</h1><p>${escape(page.text)}</p>${way}</main></body></html>`;
  const policy = `default-src 'none'; style-src 'nonce-${nonce}'; form-action ${next?.kind === 'form' ? `'self' ${next.leadsTo}` : "'none'"}; frame-ancestors 'none'; base-uri 'none'; object-src 'none'`;
  return {
    kind: 'written',
    status: page.status,
    headers: [
      'content-type',
      'text/html; charset=utf-8',
      ...guardHeaders.map((each) => (each === 'no-referrer' ? 'same-origin' : each)),
      'content-security-policy',
      policy,
      ...(page.headers ?? []),
      ...setCookies(page.cookies ?? []),
    ],
    body,
  };
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
