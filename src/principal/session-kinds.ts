/** Session kinds are data (3-rules, Sessions): ours by the settings, and whatever an embedding application adds. */
import type { Settings } from '../config/schema.ts';
import { reservedCookieNames } from '../request/cookie.ts';
import type { SessionKind } from '../types.ts';
import { adminPrivilege } from './principal.ts';

export type SessionKinds =
  | { readonly kind: 'refused'; readonly why: string }
  /** In the order in which their cookies are looked at: `admin`, `account`, then as registered; `app` last. */
  | { readonly kind: 'made'; readonly kinds: ReadonlyMap<string, SessionKind>; readonly account: SessionKind };

export function sessionKindsOf(settings: Settings, more: readonly SessionKind[]): SessionKinds {
  const { account, admin } = settings.session;
  const accountKind: SessionKind = {
    name: 'account',
    idleMs: account.idleMs,
    absoluteMs: account.absoluteMs,
    cap: account.cap,
    durable: true,
    sameSite: 'Lax',
    privilege: null,
  };
  const adminKind: SessionKind = {
    name: 'admin',
    idleMs: admin.idleMs,
    absoluteMs: admin.absoluteMs,
    cap: admin.cap,
    durable: false,
    sameSite: 'Strict',
    privilege: adminPrivilege,
  };
  /** Made only by a hand-over; its lifetimes are those of the session it came from. */
  const appKind: SessionKind = {
    name: 'app',
    idleMs: account.idleMs,
    absoluteMs: account.absoluteMs,
    cap: Number.MAX_SAFE_INTEGER,
    durable: true,
    sameSite: 'Lax',
    privilege: null,
  };
  const kinds = new Map<string, SessionKind>();
  const reserved: readonly string[] = ['app', ...reservedCookieNames];
  for (const kind of [adminKind, accountKind, ...more]) {
    if (!/^[a-z][a-z0-9-]{0,31}$/.test(kind.name) || reserved.includes(kind.name) || kinds.has(kind.name)) {
      return {
        kind: 'refused',
        why: `Cannot add the session kind "${kind.name}": the name is taken, reserved, or not of small letters, digits and dashes.`,
      };
    }
    if (!(kind.idleMs > 0 && kind.idleMs <= kind.absoluteMs && kind.cap >= 1)) {
      return {
        kind: 'refused',
        why: `Cannot add the session kind "${kind.name}": it needs 0 < idleMs <= absoluteMs and a cap of at least 1.`,
      };
    }
    kinds.set(kind.name, kind);
  }
  kinds.set('app', appKind);
  return { kind: 'made', kinds, account: accountKind };
}
