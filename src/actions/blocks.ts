/** Who is limited now, and lifting it (2-http-api, 5; 3-rules, Guessing): for admins, and for the command on the host. */
import { refuse } from '../errors.ts';
import type { Recorder } from '../record/recorder.ts';
import { parseAddress } from '../request/address.ts';
import { parseUsername } from '../request/username.ts';
import type { Store } from '../store/store.ts';
import type { Limiter } from '../throttle/limiter.ts';
import type { Block, Lifting } from '../throttle/places.ts';
import type { Clock, UserId } from '../types.ts';
import { type AdminCall, byHost, byOf, done, type Outcome, type By } from './call.ts';
import { timeText } from './issue-session.ts';

export interface BlockParts {
  readonly store: Store;
  readonly limiter: Limiter;
  readonly recorder: Recorder;
  readonly clock: Clock;
}

export interface LiftBody {
  readonly username?: string | undefined;
  readonly address?: string | undefined;
  readonly network?: string | undefined;
}

/** How a block is called outside. */
const kindNames: Readonly<Record<Block['kind'], string>> = {
  network: 'network',
  name: 'username',
  'name-from-network': 'username-from-network',
  'totp-from-network': 'totp-from-network',
  holder: 'device-or-session',
};

export async function listBlocks(parts: BlockParts): Promise<Outcome> {
  // One network may be over several limits: the one that ends last counts.
  const blocks = new Map<string, Block>();
  for (const block of await parts.limiter.blocks(await parts.store.limits(parts.clock.now()))) {
    const key = `${block.kind} ${block.network} ${block.userId ?? ''}`;
    if (block.until > (blocks.get(key)?.until ?? 0)) blocks.set(key, block);
  }
  const now = parts.clock.now();
  const shown = await Promise.all(
    [...blocks.values()].map(async ({ kind, network, userId, until }) => ({
      kind: kindNames[kind],
      network: network === '' ? null : network,
      username: userId === null ? null : await nameOf(parts.store, userId),
      until: timeText(until),
      retry_after: Math.max(1, Math.ceil((until - now) / 1000)),
    })),
  );
  return done({ blocks: shown });
}

/** One of the three names what to lift; none of them lifts all there is. */
export async function liftBlocks(parts: BlockParts, call: AdminCall<LiftBody>): Promise<Outcome> {
  const { username, address, network } = call.body;
  if ([username, address, network].filter((each) => each !== undefined).length > 1)
    return refuse('invalid_request', { detail: 'Give one of "username", "address" and "network", or none for all.' });
  const by = byOf(call);
  if (username !== undefined) return liftOf(parts, username, by);
  if (address !== undefined) {
    const form = parseAddress(address);
    if (form.kind === 'malformed')
      return refuse('invalid_request', { detail: '"address" is an IPv4 or IPv6 address.' });
    return lift(parts, { kind: 'address', address: form.address }, form.address, by);
  }
  if (network !== undefined) {
    if (!/^[0-9a-f:.]{2,43}\/\d{1,3}$/.test(network))
      return refuse('invalid_request', { detail: '"network" is a network as it is listed: 203.0.113.0/26.' });
    return lift(parts, { kind: 'network', network }, network, by);
  }
  return lift(parts, { kind: 'all' }, '', by);
}

/** For the command on the host: nobody is signed in there. */
export function unlock(parts: BlockParts, username: string): Promise<Outcome> {
  return liftOf(parts, username, byHost);
}

/** Everything that keeps somebody out who has that name. */
async function liftOf(parts: BlockParts, username: string, by: By): Promise<Outcome> {
  const name = parseUsername(username);
  const found = name.kind === 'username' ? await parts.store.userByName(name.username) : name;
  if (found.kind !== 'found') return refuse('not_found', { detail: 'There is no such user.' });
  return lift(parts, { kind: 'user', userId: found.user.id }, found.user.id, by);
}

async function lift(parts: BlockParts, lifting: Lifting, target: string, by: By): Promise<Outcome> {
  const known = await parts.store.limits(parts.clock.now());
  const { lifted, written } = await parts.limiter.lift(lifting, known);
  await Promise.all([
    parts.store.writeLimits(written),
    parts.store.appendAudit(parts.recorder.event({ event: 'blocks-lifted', ...by, target })),
  ]);
  return done({ lifted });
}

async function nameOf(store: Store, userId: UserId): Promise<string | null> {
  const found = await store.userById(userId);
  return found.kind === 'found' ? found.user.username : null;
}
