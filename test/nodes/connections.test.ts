/** How the servers beside us are spoken to: TLS that proves who answers, passwords, sentinels, a cluster (security: X-10, 12.3). */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { chmodSync } from 'node:fs';
import { type Authority, makeAuthority } from '../support/certificates.ts';
import { send } from '../support/client.ts';
import { withoutPackages } from '../support/debian.ts';
import { admin, setUp, signInBearer, wrongPasswordNo } from '../support/people.ts';
import { sharedPostgres, startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startServer, temporaryFolder } from '../support/server.ts';
import { startCluster, startSentinels, startValkey, type TestValkey } from '../support/valkey.ts';
import { pause } from '../support/waiting.ts';
import { sessionAt, stageNodes } from './stage.ts';

/** Starts, signs in, ends; gives what the log said. */
async function works(env: Readonly<Record<string, string>>): Promise<string> {
  const server = await startServer({ env });
  try {
    await setUp(server);
    const token = await signInBearer(server, { kind: 'admin' });
    assert.equal((await sessionAt(server, token)).status, 200);
    const ready = await send(`${server.console}/readyz`);
    assert.equal(ready.status, 200);
    return `${server.log()}${ready.text}`;
  } finally {
    await server.remove();
  }
}

async function refusedToStart(env: Readonly<Record<string, string>>, why: RegExp): Promise<void> {
  await assert.rejects(startServer({ env }), (fault: Error) => {
    assert.match(fault.message, /ended with 69/);
    assert.match(fault.message, why);
    assert.doesNotMatch(fault.message, /test-only-password/);
    return true;
  });
}

describe('X-10: TLS to the database', { skip: withoutPackages }, () => {
  let folder: string;
  let right: Authority;
  let wrong: Authority;
  let client: { readonly cert: string; readonly key: string };
  const servers: TestPostgres[] = [];
  const serve = async (tls: { cert: string; key: string; clientCa?: string }): Promise<string> => {
    const server = await startPostgres({ tls });
    servers.push(server);
    return (await server.createDatabase()).url;
  };
  before(async () => {
    folder = await temporaryFolder();
    // Another user's server reads the authority in it.
    chmodSync(folder, 0o755);
    right = await makeAuthority(folder, 'right');
    wrong = await makeAuthority(folder, 'wrong');
    client = right.issue('client', 'DNS:client');
  });
  after(async () => {
    await Promise.all(servers.map((each) => each.remove()));
  });

  it('the right server is spoken to, with our certificate where it wants one', async () => {
    const url = await serve({ ...right.issue('server', 'IP:127.0.0.1'), clientCa: right.ca });
    const trusting = { SALLYPORT_DATABASE: `${url}?sslmode=verify-full`, SALLYPORT_DATABASE_CA_FILE: right.ca };
    await works({ ...trusting, SALLYPORT_DATABASE_CERT_FILE: client.cert, SALLYPORT_DATABASE_KEY_FILE: client.key });
    const stranger = wrong.issue('stranger', 'DNS:client');
    await refusedToStart(
      { ...trusting, SALLYPORT_DATABASE_CERT_FILE: stranger.cert, SALLYPORT_DATABASE_KEY_FILE: stranger.key },
      /the database cannot be used/,
    );
    await refusedToStart(trusting, /the database cannot be used/);
    // Nobody vouches for it: the system knows no such authority.
    await refusedToStart({ SALLYPORT_DATABASE: `${url}?sslmode=verify-full` }, /certificate|self-signed/i);
    await refusedToStart({ ...trusting, SALLYPORT_DATABASE_CA_FILE: wrong.ca }, /certificate|self-signed/i);
    await refusedToStart({ ...trusting, SALLYPORT_DATABASE_CA_FILE: join(folder, 'none.pem') }, /ENOENT/);
    await refusedToStart({ SALLYPORT_DATABASE: url }, /the database cannot be used/);
  });

  it('another name, an expired certificate, or plain text is no connection', async () => {
    const trusting = { SALLYPORT_DATABASE_CA_FILE: right.ca };
    const named = await serve(right.issue('elsewhere', 'DNS:db.example'));
    await refusedToStart(
      { ...trusting, SALLYPORT_DATABASE: `${named}?sslmode=verify-full` },
      /altnames|does not match/i,
    );
    const plain = (await (await sharedPostgres()).createDatabase()).url;
    await refusedToStart({ ...trusting, SALLYPORT_DATABASE: `${plain}?sslmode=verify-full` }, /does not support SSL/);
  });
});

describe('Valkey by password, TLS, sentinels and as a cluster', { skip: withoutPackages }, () => {
  let database: string;
  const servers: TestValkey[] = [];
  before(async () => {
    database = (await (await sharedPostgres()).createDatabase()).url;
  });
  after(async () => {
    await Promise.all(servers.map((each) => each.remove()));
  });
  const fresh = async (): Promise<Readonly<Record<string, string>>> => {
    database = (await (await sharedPostgres()).createDatabase()).url;
    return { SALLYPORT_DATABASE: database };
  };

  it('with a password; without it the node goes on alone and says so, and never says the password', async () => {
    const valkey = await startValkey({ password: 'test-only-password' });
    servers.push(valkey);
    assert.match(await works({ ...(await fresh()), SALLYPORT_VALKEY: valkey.url }), /"shared_limits":"working"/);
    for (const url of [`redis://127.0.0.1:${valkey.port}`, `redis://:other-password@127.0.0.1:${valkey.port}`]) {
      const said = await works({ ...(await fresh()), SALLYPORT_VALKEY: url });
      assert.match(said, /"shared_limits":"away"/);
      assert.match(said, /Valkey is away/);
      assert.doesNotMatch(said, /test-only-password|other-password/);
    }
  });

  it('X-10: over TLS, with the right server only', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'ca'));
    const right = await makeAuthority(folder, 'right');
    const wrong = await makeAuthority(folder, 'wrong');
    const valkey = await startValkey({ tls: { ca: right.ca, ...right.issue('server', 'IP:127.0.0.1') } });
    const named = await startValkey({ tls: { ca: right.ca, ...right.issue('elsewhere', 'DNS:cache.example') } });
    servers.push(valkey, named);
    const trusting = { SALLYPORT_VALKEY_CA_FILE: right.ca };
    assert.match(
      await works({ ...(await fresh()), ...trusting, SALLYPORT_VALKEY: valkey.url }),
      /"shared_limits":"working"/,
    );
    for (const env of [
      { SALLYPORT_VALKEY: valkey.url },
      { SALLYPORT_VALKEY: valkey.url, SALLYPORT_VALKEY_CA_FILE: wrong.ca },
      { SALLYPORT_VALKEY: named.url, ...trusting },
      { SALLYPORT_VALKEY: valkey.url.replace('rediss', 'redis') },
    ])
      assert.match(await works({ ...(await fresh()), ...env }), /"shared_limits":"away"/);
  });

  it('as a cluster: limits and admin sessions of two nodes', async () => {
    const { url, nodes } = await startCluster();
    servers.push(...nodes);
    const stage = await stageNodes(await sharedPostgres(), { SALLYPORT_VALKEY: url });
    try {
      const one = await stage.start();
      await setUp(one);
      const two = await stage.start();
      assert.equal((await send(`${two.console}/readyz`)).json['shared_limits'], 'working');
      const token = await signInBearer(one, { kind: 'admin' });
      assert.equal((await sessionAt(two, token)).status, 200);
      const all = await Promise.all(
        Array.from({ length: 16 }, (_, at) =>
          send(`${[one, two][at % 2]?.console}/api/auth/login`, {
            body: { ...admin, password: wrongPasswordNo(at) },
            from: '127.66.0.1',
          }),
        ),
      );
      assert.equal(all.filter(({ status }) => status === 401).length, 5);
    } finally {
      await stage.close();
    }
  });

  it('through sentinels: when the master is gone the nodes follow to the next one', async () => {
    const sentinels = await startSentinels();
    servers.push(...sentinels.servers);
    const stage = await stageNodes(await sharedPostgres(), { SALLYPORT_VALKEY: sentinels.url });
    try {
      const one = await stage.start();
      await setUp(one);
      const shared = async (): Promise<unknown> => (await send(`${one.console}/readyz`)).json['shared_limits'];
      assert.equal(await shared(), 'working');
      await sentinels.master.stop();
      for (let tried = 0; (await shared()) !== 'away' && tried < 100; tried += 1) await pause(50);
      assert.equal((await send(`${one.console}/api/auth/login`, { body: admin })).status, 200);
      for (let tried = 0; (await shared()) !== 'working' && tried < 300; tried += 1) await pause(100);
      assert.equal(await shared(), 'working');
      await signInBearer(one, { kind: 'admin' });
    } finally {
      await stage.close();
    }
  });
});
