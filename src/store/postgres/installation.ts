/**
 * The installation: its making, its starts, and the ways between the setup states (3-rules, Setup states). Whoever changes
 * its state holds its row: of any number of nodes one decides.
 */
import type { Digest, Millis, SessionId, UserId } from '../../types.ts';
import type { InstallationState } from '../rows.ts';
import type { FirstAdmin, Store } from '../store.ts';
import { beginChain } from './audit.ts';
import { keepNetwork } from './guessing.ts';
import { insertKey, lockState } from './keys.ts';
import type { Work } from './work.ts';
import type { SessionParts } from './session-parts.ts';
import { replaceRecoveryCodes } from './accounts/account-parts.ts';
import { insertUser } from './accounts/user-rows.ts';

type Argument<K extends keyof Store> = Parameters<Store[K]>[0];
type Outcome<K extends keyof Store> = Awaited<ReturnType<Store[K]>>;

/** A node that was not seen for so long runs no more. */
export const nodeGoneMs = 15_000;

async function setState(work: Work, state: InstallationState): Promise<void> {
  await work.run('UPDATE installation SET state = $1', [state]);
  work.changed({ kind: 'installation' });
}

/** State first, code second: whoever asks too late is told that, whatever code he holds. */
async function mayDecide(
  work: Work,
  codeDigest: Digest,
  at: Millis,
): Promise<{ readonly kind: 'already-configured' | 'code-invalid' | 'may' }> {
  const { state } = await lockState(work);
  if (state !== 'fresh' && state !== 'declined') return { kind: 'already-configured' };
  const good = await work.rows('SELECT 1 FROM setup_codes WHERE digest = $1 AND expires_at > $2', [codeDigest, at]);
  return { kind: good.length === 0 ? 'code-invalid' : 'may' };
}

export function installationWrites(parts: SessionParts) {
  return {
    async initialise(
      work: Work,
      { installation, keys, audit }: Argument<'initialise'>,
    ): Promise<Outcome<'initialise'>> {
      const { id, state, bootId, canary } = installation;
      const made = await work.run(
        `INSERT INTO installation (one, id, state, boot_id, canary) VALUES (1, $1, $2, $3, $4) ON CONFLICT (one) DO NOTHING`,
        [id, state, bootId, canary],
      );
      if (made === 0) return { kind: 'already-initialised' };
      for (const key of keys) await insertKey(work, key);
      work.changed({ kind: 'installation' });
      work.audit(audit);
      return { kind: 'initialised' };
    },

    /** While another node runs this is no start of the installation: the boot that is under way goes on. */
    async beginBoot(
      work: Work,
      { bootId, at }: { readonly bootId: string; readonly at: Millis },
    ): Promise<Outcome<'beginBoot'>> {
      const underWay = await lockState(work);
      await beginChain(work, work.node);
      await work.run("DELETE FROM nodes WHERE id = $1 OR seen_at < clock_timestamp() - $2::bigint * interval '1 ms'", [
        work.node,
        nodeGoneMs,
      ]);
      const others = await work.rows('SELECT 1 FROM nodes LIMIT 1');
      await work.run('INSERT INTO nodes (id, seen_at) VALUES ($1, clock_timestamp())', [work.node]);
      if (others.length > 0) return { bootId: underWay.bootId };
      await work.run('UPDATE installation SET boot_id = $1, booted_at = $2', [bootId, at]);
      const over = await work.rows(
        `SELECT id, user_id AS "userId" FROM sessions WHERE boot_id <> '' AND boot_id <> $1 ORDER BY id`,
        [bootId],
      );
      for (const { id, userId } of over) await parts.end(work, id as SessionId, userId as UserId);
      work.changed({ kind: 'installation' });
      return { bootId };
    },

    async putSetupCode(
      work: Work,
      { digest, expiresAt, replacing, audit }: Argument<'putSetupCode'>,
    ): Promise<Outcome<'putSetupCode'>> {
      const { state } = await lockState(work);
      if (state !== 'fresh' && state !== 'declined') return { kind: 'already-configured' };
      if (replacing === 'all') await work.run('DELETE FROM setup_codes');
      await work.run(
        `INSERT INTO setup_codes (node, digest, expires_at) VALUES ($1, $2, $3)
        ON CONFLICT (node) DO UPDATE SET digest = excluded.digest, expires_at = excluded.expires_at`,
        [work.node, digest, expiresAt],
      );
      work.changed({ kind: 'installation' });
      work.audit(audit);
      return { kind: 'put' };
    },

    async createFirstAdmin(work: Work, first: FirstAdmin): Promise<Outcome<'createFirstAdmin'>> {
      const { codeDigest, user, recoveryCodes, session, device, network, audit, at } = first;
      const decision = await mayDecide(work, codeDigest, at);
      if (decision.kind !== 'may') return { kind: decision.kind };
      if ((await insertUser(work, user)).kind === 'name-taken') throw new Error('an account has that name already');
      await replaceRecoveryCodes(work, user.id, recoveryCodes);
      await parts.insert(work, session.session);
      if (device !== null) await parts.keepDevice(work, device);
      await keepNetwork(work, user.id, network);
      await work.run('DELETE FROM setup_codes');
      await setState(work, 'configured');
      work.audit(audit);
      return { kind: 'created' };
    },

    async decline(work: Work, { codeDigest, at, audit }: Argument<'decline'>): Promise<Outcome<'decline'>> {
      const decision = await mayDecide(work, codeDigest, at);
      if (decision.kind !== 'may') return { kind: decision.kind };
      await setState(work, 'declined');
      work.audit(audit);
      return { kind: 'declined' };
    },

    async switchAuthentication(
      work: Work,
      { to, audit }: Argument<'switchAuthentication'>,
    ): Promise<Outcome<'switchAuthentication'>> {
      const { state } = await lockState(work);
      if (state !== (to === 'off' ? 'configured' : 'off')) return { kind: 'not-possible', state };
      await setState(work, to);
      work.audit(audit);
      return { kind: 'switched' };
    },
  };
}
