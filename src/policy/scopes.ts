/**
 * Step 6b for tokens: does it reach that far (3-rules, API tokens)? Pure.
 * Stops: a wildcard that reaches our own administration, and a token that is given more than its owner may.
 */
import { refuse, type Refusal } from '../errors.ts';
import type { AccountPrincipal } from '../principal/principal.ts';
import { familyOf, ownerStanding, type OwnScope, scopesOf } from '../principal/scopes.ts';
import type { UserRow } from '../store/rows.ts';
import type { Scope } from '../types.ts';

const allOwn: OwnScope = 'sallyport:admin';

/** Whether what is held covers what is asked for, whoever holds it. */
function compare(held: Scope, asked: Scope): 'too-small' | 'covers' {
  if (held === asked) return 'covers';
  const family = familyOf(asked);
  if (family !== 'administration' && family !== 'application')
    return held === allOwn && asked.startsWith('sallyport:') ? 'covers' : 'too-small';
  if (isEverything(held)) return 'covers';
  // `admin:all` begins as what `admin:*` reaches, and reaches more.
  return !isEverything(asked) && held.endsWith(':*') && asked.startsWith(held.slice(0, -1)) ? 'covers' : 'too-small';
}

/** Pure predicate: two spellings of whatever applications and administration ask for. */
function isEverything(scope: Scope): boolean {
  return scope === '*' || scope === 'admin:all';
}

export type Judgement = Refusal | { readonly kind: 'allowed' };

const allowed: Judgement = { kind: 'allowed' };

/** Any of them will do; none at all asks for nothing. */
export function judgeScopes(asked: readonly Scope[], principal: AccountPrincipal): Judgement {
  const held = scopesOf(principal);
  if (held === null || asked.length === 0) return allowed;
  const reaches = asked.some(
    (scope) =>
      ownerStanding(principal.user.row, scope) === 'within' && held.some((each) => compare(each, scope) === 'covers'),
  );
  return reaches ? allowed : tooSmall(asked, held);
}

const everyRead = 'read:*' as Scope;
const everyWrite = 'write:*' as Scope;

/**
 * Where an application's rule names no scope: a token that was given nothing of applications reaches none of them, and
 * one that may only read sends nothing but safe requests.
 */
export function judgeUnnamed(use: 'reads' | 'changes', principal: AccountPrincipal): Judgement {
  const held = scopesOf(principal);
  if (held === null) return allowed;
  const ofApplications = held.filter((scope) => ['application', 'administration'].includes(familyOf(scope)));
  const enough =
    use === 'reads' ? ofApplications.length > 0 : ofApplications.some((scope) => !/^read(?::|$)/.test(scope));
  return enough ? allowed : tooSmall([use === 'reads' ? everyRead : everyWrite], held);
}

function tooSmall(asked: readonly Scope[], held: readonly Scope[]): Refusal {
  return refuse('insufficient_scope', { fields: { required_scope: asked, available_scopes: held } });
}

export type Grant =
  | { readonly kind: 'above-owner'; readonly scope: Scope }
  | { readonly kind: 'unknown'; readonly scope: Scope }
  | { readonly kind: 'granted' };

/** Whether somebody may give a token of theirs these. */
export function judgeGrant(scopes: readonly Scope[], owner: UserRow): Grant {
  for (const scope of scopes) {
    // Ours have no wildcards, and none that is not in the table.
    if (familyOf(scope) === 'unknown-own') return { kind: 'unknown', scope };
    if (ownerStanding(owner, scope) === 'above') return { kind: 'above-owner', scope };
  }
  return { kind: 'granted' };
}

/** Whether some scopes reach anything that others do not. */
export function compareScopes(now: readonly Scope[], before: readonly Scope[]): 'contained' | 'wider' {
  return now.every((scope) => before.some((each) => compare(each, scope) === 'covers')) ? 'contained' : 'wider';
}
