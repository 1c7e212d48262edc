/**
 * Volatile sessions in Valkey: each a hash that goes by itself when the session is idle or over, found by its digest, its
 * id, and among those of its user. What is said here of a session's end is tidying up; the database has decided it.
 */
import type { SessionRow } from '../rows.ts';
import type { VolatileLookup, VolatileSession, VolatileSessions } from '../volatile-sessions.ts';
import type { Digest, Millis, SessionId, UserId } from '../../types.ts';
import type { ValkeyClient } from './client.ts';

/** KEYS: session, id, those of the user, all. ARGV: digest, row, epoch, last seen, idle for, lasts for, ends. */
const keep = `
redis.call('HSET', KEYS[1], 'row', ARGV[2], 'epoch', ARGV[3], 'seen', ARGV[4], 'failures', '0')
redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[6], 'NX')
redis.call('SADD', KEYS[3], ARGV[1])
if redis.call('PTTL', KEYS[3]) < tonumber(ARGV[6]) then redis.call('PEXPIRE', KEYS[3], ARGV[6]) end
redis.call('ZADD', KEYS[4], ARGV[7], ARGV[1])`;

/** Forward only. KEYS: session, all. ARGV: digest, last seen, idle for, ends. */
const touch = `
local seen = redis.call('HGET', KEYS[1], 'seen')
if seen and tonumber(seen) < tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], 'seen', ARGV[2])
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  redis.call('ZADD', KEYS[2], ARGV[4], ARGV[1])
end`;

/** Nothing is counted for what is gone. */
const count = `
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
return redis.call('HINCRBY', KEYS[1], 'failures', 1)`;

export function volatileSessions(client: ValkeyClient, place: string): VolatileSessions {
  const all = `${place}sessions`;
  const byDigest = (digest: Digest): string => `${place}session:${digest}`;
  const byId = (id: SessionId): string => `${place}session-id:${id}`;
  const ofUser = (userId: UserId): string => `${place}sessions-of:${userId}`;

  const evaluate = (script: string, keys: readonly string[], given: readonly (string | number)[]) =>
    client.command('EVAL', script, keys.length, ...keys, ...given);

  const orAway = async <T>(ask: () => Promise<T>): Promise<T | { readonly kind: 'away' }> => {
    try {
      return await ask();
    } catch {
      return { kind: 'away' };
    }
  };

  const find = async (digest: Digest): Promise<Exclude<VolatileLookup, { kind: 'away' }>> => {
    const [row, epoch, seen] = (await client.command('HMGET', byDigest(digest), 'row', 'epoch', 'seen')) as readonly (
      | string
      | null
    )[];
    if (typeof row !== 'string') return { kind: 'unknown' };
    const kept = JSON.parse(row) as SessionRow;
    return {
      kind: 'found',
      found: { session: { ...kept, digest, lastSeenAt: Number(seen) as Millis }, epoch: Number(epoch) },
    };
  };

  const findById = async (id: SessionId): Promise<Exclude<VolatileLookup, { kind: 'away' }>> => {
    const digest = await client.command('GET', byId(id));
    return typeof digest === 'string' ? find(digest as Digest) : { kind: 'unknown' };
  };

  const endsAt = ({ expiresAt, lastSeenAt, idleMs }: SessionRow): number => Math.min(expiresAt, lastSeenAt + idleMs);

  const touchOne = async (id: SessionId, lastSeenAt: Millis): Promise<void> => {
    const lookup = await findById(id);
    if (lookup.kind !== 'found' || endsAt(lookup.found.session) <= lastSeenAt) return;
    const { session } = lookup.found;
    const ends = endsAt({ ...session, lastSeenAt });
    await evaluate(touch, [byDigest(session.digest), all], [session.digest, lastSeenAt, ends - lastSeenAt, ends]);
  };

  return {
    keep: ({ session, epoch }) =>
      orAway(async () => {
        await evaluate(
          keep,
          [byDigest(session.digest), byId(session.id), ofUser(session.userId), all],
          [
            session.digest,
            JSON.stringify(session),
            epoch,
            session.lastSeenAt,
            // Durations, not times: its clock is another one.
            endsAt(session) - session.lastSeenAt,
            session.expiresAt - session.lastSeenAt,
            endsAt(session),
          ],
        );
        return { kind: 'kept' } as const;
      }),
    byDigest: (digest) => orAway(() => find(digest)),
    byId: (id) => orAway(() => findById(id)),
    ofUser: async (userId) => {
      const found = await orAway(async () => {
        const digests = (await client.command('SMEMBERS', ofUser(userId))) as readonly Digest[];
        const lookups = await Promise.all(digests.map(find));
        const gone = digests.filter((_, at) => lookups[at]?.kind !== 'found');
        if (gone.length > 0) await client.command('SREM', ofUser(userId), ...gone);
        return {
          kind: 'found' as const,
          sessions: lookups.flatMap((each): readonly VolatileSession[] => (each.kind === 'found' ? [each.found] : [])),
        };
      });
      return found.kind === 'away' ? [] : found.sessions;
    },
    touch: async (touches) => {
      await Promise.all(touches.map(({ id, lastSeenAt }) => touchOne(id, lastSeenAt)));
    },
    countFailure: (digest) =>
      orAway(async () => {
        const failures = Number(await evaluate(count, [byDigest(digest)], []));
        return failures === 0 ? ({ kind: 'unknown' } as const) : ({ kind: 'counted', failures } as const);
      }),
    point: async (id, digest) => {
      await client.command('SET', byId(id), digest, 'KEEPTTL', 'XX');
    },
    drop: async (digests) => {
      if (digests.length === 0) return;
      await client.command('ZREM', all, ...digests);
      for (const digest of digests) await client.command('DEL', byDigest(digest));
    },
    live: async (at) => {
      const counted = await orAway(async () => {
        await client.command('ZREMRANGEBYSCORE', all, '-inf', at);
        return { kind: 'counted' as const, live: Number(await client.command('ZCARD', all)) };
      });
      return counted.kind === 'away' ? 0 : counted.live;
    },
  };
}
