/** The pages wing: everything under `/auth/` (2-http-api, 6). Who is signed in already is sent on without a page. */
import { accountPath, sendBack, type HandOverParts, returnToOf } from '../actions/hand-over.ts';
import type { Call } from '../actions/call.ts';
import { newSecret, newName, type Random } from '../crypto/random.ts';
import { refuse } from '../errors.ts';
import type { Guard } from '../guard.ts';
import type { Duty } from '../policy/duty.ts';
import type { Arrival } from '../request/arrival.ts';
import { expireCookie } from '../request/cookie.ts';
import type { CookieSlot } from '../request/credential.ts';
import { type Incoming, queryOf } from '../request/incoming.ts';
import { isLoopbackOrigin, type Scheme } from '../request/origin.ts';
import type { UserRow } from '../store/rows.ts';
import type { Clock, Origin } from '../types.ts';
import type { Memory } from '../verify/known/contract.ts';
import { problem, redirect, type Written } from './answer.ts';
import { notMine, type Wing } from './handler.ts';
import type { Pages } from './pages.ts';

export interface ConsoleParts {
  readonly pages: Pages;
  readonly guard: Guard;
  readonly memory: Memory;
  readonly handOver: HandOverParts;
  readonly clock: Clock;
  readonly random: Random;
  readonly slots: (scheme: Scheme) => readonly CookieSlot[];
  readonly consoleOrigin: () => Origin;
  /** The front page of the console's origin is ours unless the application has it. */
  readonly frontPage: 'console' | 'application';
  readonly dutyOf: (user: UserRow) => Duty;
}

const pagePaths: ReadonlySet<string> = new Set([
  '/auth/setup',
  '/auth/sign-in',
  '/auth/forgot',
  '/auth/link',
  accountPath,
  '/auth/people',
  '/auth/tokens',
  '/auth/certificates',
  '/auth/keys',
]);

export function consoleWing(parts: ConsoleParts): Wing {
  const shell = (status: number, cookies: readonly string[] = []): Written =>
    parts.pages.shell(status, newSecret(parts.random), cookies);

  const front = async (): Promise<Written> => {
    const state = await parts.memory.state();
    return redirect(state === 'fresh' || state === 'declined' ? '/auth/setup' : accountPath);
  };

  const page = async (incoming: Incoming, arrival: Arrival, path: string): Promise<Written> => {
    if (!pagePaths.has(path)) return shell(404);
    if (path === '/auth/setup') return shell(200);
    const state = await parts.memory.state();
    if (state === 'fresh') return redirect('/auth/setup');
    const admission = await parts.guard.admit(incoming, {
      client: arrival.client,
      locality: arrival.locality,
      need: { kind: 'anybody' },
      slots: parts.slots(arrival.scheme),
      own: [arrival.origin],
    });
    const expired = admission.deadCookies.map((name) => expireCookie(name));
    if (path !== '/auth/sign-in' || admission.kind === 'refused') return shell(200, expired);
    const query = queryOf(incoming.target);
    const { principal } = admission;
    if (principal.kind !== 'user') return shell(200, expired);
    // No application lets them in before.
    if (parts.dutyOf(principal.user.row) !== 'none') return redirect(accountPath, expired);
    const target = returnToOf(parts.handOver, query);
    if (target.kind === 'refused') return redirect(accountPath, expired);
    if (target.origin === arrival.origin) return redirect(target.path, expired);
    const call: Call = {
      incoming,
      arrival,
      query,
      principal,
      arrivedAt: parts.clock.monotonic(),
      token: admission.token,
      params: {},
      body: undefined,
    };
    const back = await sendBack(parts.handOver, call, principal, target);
    return redirect(back.location, expired);
  };

  return (incoming, arrival, path) => {
    const ours = path === '/auth' || path.startsWith('/auth/') || (path === '/' && parts.frontPage === 'console');
    if (!ours) return notMine;
    if (incoming.method !== 'GET' && incoming.method !== 'HEAD') {
      return problem(refuse('method_not_allowed'), { requestId: newName(parts.random), more: ['allow', 'GET, HEAD'] });
    }
    const asset = parts.pages.asset(path, incoming.headers);
    if (asset.kind === 'asset') return asset.answer;
    // One name per console, so that cookies set here are there when an application sends people back.
    if (arrival.origin !== parts.consoleOrigin() && isLoopbackOrigin(parts.consoleOrigin()))
      return redirect(`${parts.consoleOrigin()}${incoming.target}`);
    return path === '/' || path === '/auth' || path === '/auth/' ? front() : page(incoming, arrival, path);
  };
}
