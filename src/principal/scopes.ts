/**
 * Step 5 for tokens: what their scopes come to, with the owner as it is now. One registry for what tokens are given and
 * what routes ask for (3-rules, API tokens). Pure. Stops: a token that may more than its owner.
 */
import type { UserRow } from '../store/rows.ts';
import type { Scope } from '../types.ts';
import {
  type AccountPrincipal,
  adminPrivilege,
  hasPrivilege,
  type TokenPrincipal,
  type UserPrincipal,
} from './principal.ts';

/** Scopes of our own routes. Applications have any others they like: `read:projects`, `write:projects`. */
export const ownScopes = {
  'sallyport:metrics': 'Read the figures for Prometheus',
  'sallyport:users': 'Read accounts',
  'sallyport:sessions': "Read users' sessions, and end them",
  'sallyport:audit': 'Read the audit log',
  'sallyport:blocks': 'Read who is limited for failed attempts',
  'sallyport:tokens': 'Read API tokens, never their secrets',
  'sallyport:tls': 'Read which certificate is served, until when, and what is wrong with it',
  'sallyport:keys': 'Read which keys the installation has, how old, and what lives under them',
  'sallyport:admin': 'All of these',
  'admin:credentials':
    'Change users, links, privileges, factors, tokens, keys, TLS and blocks, and switch sign-in off; where a person has to confirm it, with the password in the request',
} as const;

export type OwnScope = keyof typeof ownScopes;

/** Names for what most tokens are given. */
export const scopeSets = {
  read_only: ['read:*'] as const,
  full_admin: ['*', 'sallyport:admin'] as const,
} as const;

export function ownScope(name: OwnScope): Scope {
  return name as string as Scope;
}

/** Whether it is one of ours, by its family; only those in the table exist. */
export function familyOf(scope: Scope): 'own' | 'unknown-own' | 'administration' | 'application' {
  // Nearly all are applications'; how they begin tells soonest.
  if (!scope.startsWith('sallyport:') && !scope.startsWith('admin')) return 'application';
  if (Object.hasOwn(ownScopes, scope)) return 'own';
  if (scope.startsWith('sallyport:')) return 'unknown-own';
  return scope === 'admin' || scope.startsWith('admin:') ? 'administration' : 'application';
}

/** Whether its owner may have that at all. */
export function ownerStanding(user: UserRow, scope: Scope): 'above' | 'within' {
  return familyOf(scope) === 'application' || hasPrivilege(user, adminPrivilege) ? 'within' : 'above';
}

/** What the scopes a token was given come to, with the owner as it is now. */
export function scopesInForce(scopes: readonly Scope[], owner: UserRow): readonly Scope[] {
  const within = scopes.filter((scope) => ownerStanding(owner, scope) === 'within');
  return within.length === scopes.length ? scopes : within;
}

/** By what memory made of token and owner: when either changes, that is another object. */
const inForce = new WeakMap<TokenPrincipal, readonly Scope[]>();

function scopesOfToken(principal: TokenPrincipal): readonly Scope[] {
  const known = inForce.get(principal);
  if (known !== undefined) return known;
  const made = scopesInForce(principal.token.scopes, principal.user.row);
  inForce.set(principal, made);
  return made;
}

/**
 * Whether what a ticket for a path may be shown for is theirs: their own privileges, and of a token those of its owner as long
 * as it is for everything that the application has.
 */
export function privilegeStanding(principal: UserPrincipal | TokenPrincipal, privilege: string): 'lacks' | 'holds' {
  const whole = principal.kind === 'user' || scopesOfToken(principal).some((scope) => scope === '*');
  return whole && hasPrivilege(principal.user.row, privilege) ? 'holds' : 'lacks';
}

/** Null: a person, whom scopes do not limit. */
export function scopesOf(principal: AccountPrincipal): readonly Scope[] | null {
  switch (principal.kind) {
    case 'user':
    case 'ticket':
    case 'basic':
      return null;
    case 'token':
      return scopesOfToken(principal);
    case 'path-ticket':
      return scopesOf(principal.parent);
  }
}
