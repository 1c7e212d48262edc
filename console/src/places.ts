/** Addresses of the pages, and the ones that come in from outside. */
export const places = {
  setup: '/auth/setup',
  signIn: '/auth/sign-in',
  signedOut: '/auth/sign-in?signed-out=1',
  forgot: '/auth/forgot',
  link: '/auth/link',
  account: '/auth/account',
  people: '/auth/people',
  tokens: '/auth/tokens',
  certificates: '/auth/certificates',
  keys: '/auth/keys',
} as const;

/** Where to sign in, and come back to this part of this page afterwards. */
export function signInAgain(why: 'ended' | 'not-yet'): string {
  const next = `next=${encodeURIComponent(location.pathname + location.hash)}`;
  return why === 'ended' ? `${places.signIn}?expired=1&${next}` : `${places.signIn}?${next}`;
}

/** After a sign-in without an application: the page and part named by `next`, if it is one of ours for people inside. */
export function afterSignIn(query: URLSearchParams): string {
  const next = query.get('next') ?? '';
  return /^\/auth\/(?:account|people|tokens|certificates|keys)(?:#[\w=-]{1,64})?$/.test(next) ? next : places.account;
}

export type Origin =
  | { readonly kind: 'none' }
  | { readonly kind: 'unclear' }
  | { readonly kind: 'host'; readonly host: string };

/** The host somebody came from, to be shown. The server alone decides whether they are sent back there. */
export function cameFrom(query: URLSearchParams): Origin {
  const text = query.get('return_to');
  if (text === null) return { kind: 'none' };
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) ? { kind: 'host', host: url.host } : { kind: 'unclear' };
}
