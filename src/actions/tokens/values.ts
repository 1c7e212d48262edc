/** API tokens as they are written outside and as they are told: read once, for routes and for commands on the host. */
import { refuse, type Refusal } from '../../errors.ts';
import { judgeGrant } from '../../policy/scopes.ts';
import { scopeSets } from '../../principal/scopes.ts';
import { mostNetworks, parseNetworks } from '../../request/tokens/address-list.ts';
import { parseScope, scopeLimits } from '../../request/tokens/scope.ts';
import type { TokenRow, TokenUse, UserRow } from '../../store/rows.ts';
import type { TokenPatch } from '../../store/store.ts';
import { tokenLimits } from '../../throttle/limits.ts';
import type { Millis, Scope } from '../../types.ts';
import { timeText } from '../issue-session.ts';

/** What is left out is the default of a new token, and stays as it is in one that is changed. */
export interface TokenBody {
  readonly token_name?: string | undefined;
  readonly scope?: keyof typeof scopeSets | undefined;
  readonly scopes?: readonly string[] | undefined;
  readonly ip_allowlist?: readonly string[] | undefined;
  readonly rate_limit?:
    | { readonly per_minute?: number | undefined; readonly per_hour?: number | undefined }
    | undefined;
  readonly active?: boolean | undefined;
}

export interface Lifetime {
  readonly expires_in_days?: number | undefined;
  readonly never?: boolean | undefined;
}

const dayMs = 86_400_000;
export const lifetimeDays = { default: 365, most: 3650 } as const;

export type PatchReading = Refusal | { readonly kind: 'read'; readonly patch: TokenPatch };

/** Checked by itself, and against whoever it is for. */
export function readPatch(body: TokenBody, owner: UserRow): PatchReading {
  const scopes = readScopes(body, owner);
  if (scopes.kind === 'refused') return scopes;
  const networks = parseNetworks(body.ip_allowlist ?? []);
  if (networks.kind === 'malformed')
    return refuse('invalid_request', {
      detail: `"ip_allowlist" holds addresses and networks such as 192.0.2.7, 10.0.0.0/8 or fd00::/8: "${networks.entry.slice(0, 64)}" is none.`,
    });
  if (networks.networks.length > mostNetworks)
    return refuse('invalid_request', { detail: `"ip_allowlist" holds at most ${mostNetworks} networks.` });
  const { per_minute: perMinute, per_hour: perHour } = body.rate_limit ?? {};
  return {
    kind: 'read',
    patch: {
      ...(body.token_name === undefined ? {} : { name: body.token_name }),
      ...(body.active === undefined ? {} : { active: body.active }),
      ...(scopes.scopes === null ? {} : { scopes: scopes.scopes }),
      ...(body.ip_allowlist === undefined ? {} : { addresses: networks.networks }),
      ...(perMinute === undefined ? {} : { perMinute }),
      ...(perHour === undefined ? {} : { perHour }),
    },
  };
}

/** `scopes` null: nothing was said. */
function readScopes(
  body: TokenBody,
  owner: UserRow,
): Refusal | { readonly kind: 'scopes'; readonly scopes: readonly Scope[] | null } {
  if (body.scope !== undefined && body.scopes !== undefined)
    return refuse('invalid_request', { detail: 'Give "scope" or "scopes", not both.' });
  const texts = body.scope === undefined ? body.scopes : scopeSets[body.scope];
  if (texts === undefined) return { kind: 'scopes', scopes: null };
  const scopes = new Set<Scope>();
  for (const text of texts.flatMap((each): readonly string[] => (isSet(each) ? scopeSets[each] : [each]))) {
    const form = parseScope(text);
    if (form.kind === 'malformed')
      return refuse('invalid_request', {
        detail: `"scopes" are words with colons between, such as read:projects, or read:*: "${text.slice(0, 64)}" is none.`,
      });
    scopes.add(form.scope);
  }
  if (scopes.size === 0 || scopes.size > scopeLimits.perToken)
    return refuse('invalid_request', { detail: `A token has from 1 to ${scopeLimits.perToken} scopes.` });
  const granted = judgeGrant([...scopes], owner);
  switch (granted.kind) {
    case 'unknown':
      return refuse('invalid_request', { detail: `There is no scope "${granted.scope}".` });
    case 'above-owner':
      return refuse('forbidden', { detail: `This account may not give a token the scope "${granted.scope}".` });
    case 'granted':
      return { kind: 'scopes', scopes: [...scopes] };
  }
}

function isSet(text: string): text is keyof typeof scopeSets {
  return Object.hasOwn(scopeSets, text);
}

export type LifetimeReading =
  | Refusal
  | { readonly kind: 'read'; readonly expiresAt: Millis | null; readonly text: string };

export function readLifetime({ expires_in_days: days, never }: Lifetime, now: Millis): LifetimeReading {
  if (never === true)
    return days === undefined
      ? { kind: 'read', expiresAt: null, text: 'never' }
      : refuse('invalid_request', { detail: 'Give "expires_in_days" or "never", not both.' });
  const lasts = days ?? lifetimeDays.default;
  return {
    kind: 'read',
    expiresAt: (now + lasts * dayMs) as Millis,
    text: lasts === 1 ? '1 day' : `${lasts} days`,
  };
}

/** What every new token has unless it is said otherwise. */
export const newTokenDefaults = {
  name: 'API Token',
  scopes: scopeSets.read_only.map((each) => each as string as Scope),
  addresses: [],
  perMinute: tokenLimits.perMinute.unlessSet,
  perHour: tokenLimits.perHour.unlessSet,
  active: true,
} as const satisfies Required<TokenPatch>;

/** What is told of a token: never the secret, nor what it is looked up by. `use`: what is not written yet. */
export function shownToken(token: TokenRow, use: TokenUse | undefined, now: Millis): Readonly<Record<string, unknown>> {
  const lastUsedAt = use?.lastUsedAt ?? token.lastUsedAt;
  const lastUsedAddress = use?.address ?? token.lastUsedAddress;
  const replaced = token.previous !== null && token.previous.until > now ? token.previous.until : null;
  return {
    id: token.id,
    name: token.name,
    token_name: token.name,
    token_prefix: token.prefix,
    scopes: token.scopes,
    created_at: timeText(token.createdAt),
    expires_at: token.expiresAt === null ? null : timeText(token.expiresAt),
    expired: token.expiresAt !== null && token.expiresAt <= now,
    last_used_at: lastUsedAt === null ? null : timeText(lastUsedAt),
    last_used_address: lastUsedAddress === '' ? null : lastUsedAddress,
    use_count: token.useCount + (use?.count ?? 0),
    active: token.active,
    ip_allowlist: token.addresses,
    rate_limit: { per_minute: token.perMinute, per_hour: token.perHour },
    previous_valid_until: replaced === null ? null : timeText(replaced),
  };
}
