/** What a token has left, as draft-ietf-httpapi-ratelimit-headers-10 says it. Pure. */
import type { Quota } from '../token-limits.ts';
import { hourWindow, minuteWindow } from './token-windows.ts';

const minuteSeconds = minuteWindow.ms / 1000;
const hourSeconds = hourWindow.ms / 1000;

/** Names and values in turn. */
export function rateLimitHeaders({ minute, hour }: Quota): readonly string[] {
  return [
    'RateLimit-Policy',
    `"minute";q=${minute.limit};w=${minuteSeconds}, "hour";q=${hour.limit};w=${hourSeconds}`,
    'RateLimit',
    `"minute";r=${minute.remaining};t=${minute.resetSeconds}, "hour";r=${hour.remaining};t=${hour.resetSeconds}`,
  ];
}
