/** What clients of Proxmox products ask for besides (2-http-api, 8): realms to choose from, the version, and to sign out. */
import { expireCookie, ticketCookieNames } from '../../request/cookie.ts';
import type { Realms } from '../../realm/realms.ts';
import type { Recorder } from '../../record/recorder.ts';
import type { Store } from '../../store/store.ts';
import { type Call, done, type Outcome } from '../call.ts';
import { endTicket } from '../sessions.ts';

/** For the field of a sign-in page. Other names of a realm are not told: whoever knows one may use it. */
export function listRealms({ realms }: { readonly realms: Realms }): Outcome {
  const data = realms.all.map(({ name, kind, comment }) => ({
    realm: name,
    type: kind,
    comment,
    ...(kind === 'local' ? { default: true } : {}),
  }));
  return done({ data });
}

export function tellVersion({ version }: { readonly version: string }): Outcome {
  const release = version.split('.').slice(0, 2).join('.');
  return done({ data: { version, release, repoid: 'sallyport' } });
}

/** Signs a living ticket out for good; without one there is nothing left but the cookie. */
export async function dropTicket(
  parts: { readonly store: Store; readonly recorder: Recorder; readonly ticketPrefix: string },
  call: Call,
): Promise<Outcome> {
  const { principal } = call;
  if (principal.kind === 'ticket') await endTicket(parts, { ...call, principal });
  const cookies = Object.values(ticketCookieNames(parts.ticketPrefix)).map((name) => expireCookie(name));
  return done({ data: {}, status: 200 }, { cookies });
}
