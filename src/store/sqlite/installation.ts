/** The installation: its making, its starts, and the ways between the setup states (3-rules, Setup states). */
import type { DatabaseSync } from 'node:sqlite';
import type { Digest, Millis, SessionId } from '../../types.ts';
import type { InstallationState } from '../rows.ts';
import type { FirstAdmin, Store } from '../store.ts';
import type { Records } from './records.ts';
import type { NetworkParts } from './guessing.ts';
import { keyInsertion } from './keys.ts';
import type { SessionParts } from './sessions.ts';
import type { AccountParts } from './accounts/account-parts.ts';
import { userInsertion } from './accounts/user-rows.ts';

type Argument<K extends keyof Store> = Parameters<Store[K]>[0];
type Outcome<K extends keyof Store> = Awaited<ReturnType<Store[K]>>;

export function installationWrites(
  db: DatabaseSync,
  noting: Records,
  parts: SessionParts & NetworkParts & AccountParts,
) {
  const insertInstallation = db.prepare(`
    INSERT INTO installation (one, id, state, boot_id, canary) VALUES (1, ?, ?, ?, ?) ON CONFLICT (one) DO NOTHING`);
  const insertKey = keyInsertion(db);
  const abandonRequests = db.prepare('UPDATE idempotent_requests SET lease_until = 0 WHERE answer IS NULL');
  const setBoot = db.prepare('UPDATE installation SET boot_id = ?, booted_at = ?');
  const ofOtherBoots = db.prepare("SELECT id FROM sessions WHERE boot_id <> '' AND boot_id <> ?");
  const readState = db.prepare('SELECT state FROM installation');
  const setState = db.prepare('UPDATE installation SET state = ?');
  const putCode = db.prepare(`
    INSERT INTO setup_code (one, digest, expires_at) VALUES (1, ?, ?)
    ON CONFLICT (one) DO UPDATE SET digest = excluded.digest, expires_at = excluded.expires_at`);
  const goodCode = db.prepare('SELECT 1 FROM setup_code WHERE digest = ? AND expires_at > ?');
  const dropCode = db.prepare('DELETE FROM setup_code');
  const insertUser = userInsertion(db);

  const state = (): InstallationState => {
    const row = readState.get();
    if (row === undefined) throw new Error('Cannot change the installation: the database holds none');
    return row['state'] as InstallationState;
  };

  /** State first, code second: whoever asks too late is told that, whatever code he holds. */
  const mayDecide = (
    codeDigest: Digest,
    at: Millis,
  ): { readonly kind: 'already-configured' | 'code-invalid' | 'may' } => {
    const now = state();
    if (now !== 'fresh' && now !== 'declined') return { kind: 'already-configured' };
    return goodCode.get(codeDigest, at) === undefined ? { kind: 'code-invalid' } : { kind: 'may' };
  };

  return {
    initialise({ installation, keys, audit }: Argument<'initialise'>): Outcome<'initialise'> {
      const { id, state, bootId, canary } = installation;
      if (insertInstallation.run(id, state, bootId, canary).changes === 0) return { kind: 'already-initialised' };
      for (const key of keys) insertKey(key);
      noting.changed({ kind: 'installation' });
      noting.audit(audit);
      return { kind: 'initialised' };
    },

    /** This process alone has the database: whoever was at a request before is gone, and its lease with it. */
    beginBoot({ bootId, at }: { readonly bootId: string; readonly at: Millis }): Outcome<'beginBoot'> {
      if (setBoot.run(bootId, at).changes === 0)
        throw new Error('Cannot begin a boot: the database holds no installation');
      for (const row of ofOtherBoots.all(bootId)) parts.end(row['id'] as SessionId);
      abandonRequests.run();
      noting.changed({ kind: 'installation' });
      return { bootId };
    },

    putSetupCode({ digest, expiresAt, audit }: Argument<'putSetupCode'>): Outcome<'putSetupCode'> {
      const now = state();
      if (now !== 'fresh' && now !== 'declined') return { kind: 'already-configured' };
      putCode.run(digest, expiresAt);
      noting.changed({ kind: 'installation' });
      noting.audit(audit);
      return { kind: 'put' };
    },

    createFirstAdmin(first: FirstAdmin): Outcome<'createFirstAdmin'> {
      const { codeDigest, user, recoveryCodes, session, device, network, audit, at } = first;
      const decision = mayDecide(codeDigest, at);
      if (decision.kind !== 'may') return { kind: decision.kind };
      if (insertUser(user).kind === 'name-taken')
        throw new Error('Cannot create the first admin: an account has that name already');
      parts.replaceRecoveryCodes(user.id, recoveryCodes);
      parts.insert(session.session);
      if (device !== null) parts.keepDevice(device);
      parts.keepNetwork(user.id, network);
      dropCode.run();
      setState.run('configured');
      noting.changed({ kind: 'installation' });
      noting.audit(audit);
      return { kind: 'created' };
    },

    decline({ codeDigest, at, audit }: Argument<'decline'>): Outcome<'decline'> {
      const decision = mayDecide(codeDigest, at);
      if (decision.kind !== 'may') return { kind: decision.kind };
      setState.run('declined');
      noting.changed({ kind: 'installation' });
      noting.audit(audit);
      return { kind: 'declined' };
    },

    switchAuthentication({ to, audit }: Argument<'switchAuthentication'>): Outcome<'switchAuthentication'> {
      const now = state();
      const from = to === 'off' ? 'configured' : 'off';
      if (now !== from) return { kind: 'not-possible', state: now };
      setState.run(to);
      noting.changed({ kind: 'installation' });
      noting.audit(audit);
      return { kind: 'switched' };
    },
  };
}
