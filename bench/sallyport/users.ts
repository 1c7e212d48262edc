/**
 * Users besides the first admin, made while the server is down: there is no way through its API yet. What is written is
 * what the product writes, by the product's own parts, at the cost it has by default.
 */

import { join } from 'node:path';
import { loadSettings, openSqliteStore } from '../../src/index.ts';
import type { Settings } from '../../src/config/schema.ts';
import { builtInArgon2id, nativeArgon2id } from '../../src/crypto/argon2.ts';
import { foreignHashes } from '../../src/crypto/foreign/check-hash.ts';
import { hashQueue } from '../../src/crypto/hash-queue.ts';
import { type HashCost, passwordHasher } from '../../src/crypto/password-hash.ts';
import { newName, newUserId, systemRandom as random } from '../../src/crypto/random.ts';
import { openInstallation } from '../../src/open-installation.ts';
import { parseUsername } from '../../src/request/username.ts';
import { systemClock as clock } from '../../src/setup.ts';
import type { Password } from '../../src/types.ts';
import { passwordPlace } from '../../src/verify/password.ts';
import { type Account, newPassword } from './server.ts';

export async function addUsers(data: string, count: number): Promise<readonly Account[]> {
  const settings = defaultsFor(data);
  const opened = await openSqliteStore({ path: join(data, 'sallyport.db'), ownerPath: join(data, 'owner.lock') });
  if (opened.kind !== 'opened') throw new Error(opened.detail);
  const { store } = opened;
  try {
    const { rootKeyFile } = settings;
    const installation = await openInstallation({
      store,
      belonging: { kind: 'own' },
      rootKeyFile,
      serviceKey: 'kept',
      bootId: newName(random),
      clock,
      random,
    });
    if (installation.kind === 'refused') throw new Error(installation.why);
    const cost = defaultCost();
    const native = await nativeArgon2id();
    const queue = hashQueue({ places: 64, memoryBytes: 1, bytesPerHash: 1, cores: 1 }, () => 'idle', {
      monotonic: () => performance.now(),
    });
    const argon2id = native.kind === 'loaded' ? native.argon2id : builtInArgon2id;
    const foreign = foreignHashes({ queue, places: 1, clock });
    const hasher = passwordHasher({ argon2id, queue, foreign, cost, random });
    const accounts = Array.from({ length: count }, (_, at) => ({ username: `user${at}`, password: newPassword() }));
    for (const account of accounts) {
      const id = newUserId(random);
      const name = parseUsername(account.username);
      const made = await hasher.make(account.password as Password, { lane: 'known', network: '' });
      if (name.kind !== 'username' || made.kind === 'busy') throw new Error('a user could not be made');
      const at = clock.now();
      const created = await store.createUser(
        {
          id,
          username: name.username,
          displayName: account.username,
          email: '',
          privileges: [],
          groups: [],
          active: true,
          sealedPassword: installation.keyring.seal(passwordPlace(id), made.phc),
          sealedTotp: '',
          passkeys: 0,
          passwordLength: 'full',
          passwordStanding: 'own',
          realm: 'local',
          disabledBy: '',
          ticketGeneration: 0,
          credentialGeneration: 1,
          createdAt: at,
        },
        {
          at,
          event: 'user-created',
          actor: '',
          address: '',
          peer: '',
          way: 'host',
          target: id,
          result: 'ok',
          count: 1,
        },
      );
      if (created.kind !== 'created') throw new Error(`the user ${account.username} was there already`);
    }
    return accounts;
  } finally {
    await store.close();
  }
}

/** Of a hash under default settings: floors and peers hash at the same. */
export function defaultCost(): HashCost {
  const { password } = defaultsFor('.');
  return { memoryKiB: Math.floor(password.memoryBytes / 1024), passes: password.passes };
}

function defaultsFor(data: string): Settings {
  const loaded = loadSettings({ argv: [], env: { SALLYPORT_DATA: data }, readFile: () => ({ kind: 'missing' }) });
  if (loaded.kind === 'refused') throw new Error(JSON.stringify(loaded.problems));
  return loaded.settings;
}
