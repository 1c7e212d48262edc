/** API tokens by the dozen (2-http-api, 5): each made, switched and revoked as it would be alone. */
import { refuse } from '../../errors.ts';
import type { Plan, Wanted } from '../bulk/in-order.ts';
import { severalOutcome } from '../bulk/results.ts';
import { type AdminCall, byOf, type Outcome } from '../call.ts';
import { plannedRevocation, plannedToken, plannedTokenChange, type TokenParts } from './making.ts';
import { reachable, type ReachableToken, readChange, reachOf, toldOnMaking } from './tokens.ts';
import type { Lifetime, TokenBody } from './values.ts';

export type TokenItem =
  | { readonly id: string; readonly action: 'enable' | 'disable' | 'revoke' }
  | ({ readonly id?: undefined } & TokenBody & Lifetime);

export interface TokensBody {
  readonly items: readonly TokenItem[];
  readonly atomic: boolean;
}

/** Whoever asks has confirmed it already: some of it may let a token do more. */
export function changeTokens(parts: TokenParts, call: AdminCall<TokensBody>): Promise<Outcome> {
  const look = async (id: string) => {
    const found = await reachable(parts, call, id);
    return found.kind === 'refused' ? found : ({ kind: 'seen', subject: found } as const);
  };
  const wanted = call.body.items.map((item) => wantedOf(parts, call, item));
  return severalOutcome({ store: parts.store, recorder: parts.recorder, about: 'token', look }, call, wanted);
}

function wantedOf(parts: TokenParts, call: AdminCall, item: TokenItem): Wanted<ReachableToken> {
  if (item.id === undefined) return { id: null, plan: () => creation(parts, call, item) };
  const { id, action } = item;
  const told = { status: 200, fields: { id } } as const;
  if (action === 'revoke')
    return {
      id,
      plan: ({ token }) => ({
        kind: 'planned',
        write: plannedRevocation(parts, token.id, reachOf(call), byOf(call)),
        leaves: null,
        told,
      }),
    };
  return {
    id,
    plan: (found) => {
      const change = readChange(call, found, { active: action === 'enable' });
      if (change.kind === 'refused') return change;
      const { token } = found;
      const write = plannedTokenChange(parts, { id: token.id, patch: change.patch, from: token }, byOf(call));
      return { kind: 'planned', write, leaves: { ...found, token: { ...token, ...change.patch } }, told };
    },
  };
}

function creation(parts: TokenParts, call: AdminCall, body: TokenBody & Lifetime): Plan<ReachableToken> {
  const { principal } = call;
  if (!('user' in principal))
    return refuse('forbidden', { detail: 'The service key has no tokens of its own: an account makes them.' });
  const plan = plannedToken(parts, principal.user.row, body, byOf(call));
  if (plan.kind === 'refused') return plan;
  return { ...plan, leaves: null, told: { status: 201, fields: toldOnMaking(plan) } };
}
