/**
 * The console's pages, read into memory at start: a request can only ever name a file that was there then, so there is
 * no path to walk out of. Every page is the one shell with a fresh nonce.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { header, type HeaderMap } from '../request/incoming.ts';
import { guardHeaders, setCookies, type Written } from './answer.ts';

export interface Pages {
  /** The shell, for a page's path. */
  shell(status: number, nonce: string, cookies: readonly string[]): Written;
  /** A file under `/auth/`, or that there is none. */
  asset(
    path: string,
    headers: HeaderMap,
  ): { readonly kind: 'none' } | { readonly kind: 'asset'; readonly answer: Written };
}

export type PagesReading =
  | { readonly kind: 'missing'; readonly folder: string }
  | { readonly kind: 'read'; readonly pages: Pages };

const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
};

interface Asset {
  readonly type: string;
  readonly plain: Uint8Array;
  /** Made by the page build, since compressing well takes longer than starting. */
  readonly brotli: Uint8Array | undefined;
  /** Files whose name carries a hash never change. */
  readonly caching: string;
}

/** `folder` is what the page build writes. Only file types that pages use are served. */
export function readPages(folder: string): PagesReading {
  let names: string[];
  let shellText: string;
  try {
    names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    shellText = readFileSync(join(folder, 'index.html'), 'utf8');
  } catch {
    return { kind: 'missing', folder };
  }
  const assets = new Map<string, Asset>();
  for (const name of names) {
    const type = types[extname(name)];
    if (type === undefined) continue;
    const plain = readFileSync(join(folder, name));
    const caching = name.startsWith('assets') ? 'public, max-age=31536000, immutable' : 'public, max-age=3600';
    const compressed = join(folder, `${name}.br`);
    const brotli = existsSync(compressed) ? readFileSync(compressed) : undefined;
    assets.set(`/auth/${name.replaceAll('\\', '/')}`, { type, plain, brotli, caching });
  }
  return {
    kind: 'read',
    pages: {
      shell: (status, nonce, cookies) => ({
        kind: 'written',
        status,
        headers: [
          'content-type',
          'text/html; charset=utf-8',
          ...guardHeaders,
          'cross-origin-opener-policy',
          'same-origin',
          'permissions-policy',
          'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
          'content-security-policy',
          pagePolicy(nonce),
          ...setCookies(cookies),
        ],
        body: shellText.replaceAll('__CSP_NONCE__', nonce),
      }),
      asset: (path, headers) => {
        const asset = assets.get(path);
        return asset === undefined ? { kind: 'none' } : { kind: 'asset', answer: assetAnswer(asset, headers) };
      },
    },
  };
}

function assetAnswer(asset: Asset, headers: HeaderMap): Written {
  const brotli = /\bbr\b/.test(header(headers, 'accept-encoding') ?? '') ? asset.brotli : undefined;
  return {
    kind: 'written',
    status: 200,
    headers: [
      'content-type',
      asset.type,
      'cache-control',
      asset.caching,
      'vary',
      'accept-encoding',
      'x-content-type-options',
      'nosniff',
      'referrer-policy',
      'no-referrer',
      'cross-origin-resource-policy',
      'same-origin',
      'content-security-policy',
      "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'; sandbox",
      ...(brotli === undefined ? [] : ['content-encoding', 'br']),
    ],
    body: brotli ?? asset.plain,
  };
}

function pagePolicy(nonce: string): string {
  return [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "connect-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "object-src 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
}
