/** Health and figures (MX6; security.md O-10): for those they are meant for, in a form that the real Prometheus takes. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { send } from '../support/client.ts';
import { need, withoutPackages } from '../support/debian.ts';
import { freePort } from '../support/free-port.ts';
import { admin, setUp, signInBearer, wrongPasswordNo } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { type RunningServer, startServer } from '../support/server.ts';

describe('figures', () => {
  let server: RunningServer;
  before(async () => {
    const listen = `127.0.0.1:${await freePort()}`;
    const args = ['--public-url', 'https://auth.example', '--trusted-proxies', '127.0.0.2'];
    // Programs reach it by its address all the same.
    server = { ...(await startServer({ args, listen })), console: `http://${listen}` };
    await setUp(server);
  });
  after(() => server.remove());

  const metrics = (headers: Readonly<Record<string, string>> = {}, from?: string) =>
    send(`${server.console}/metrics`, { headers, ...(from === undefined ? {} : { from }) });

  it('count every attempt by way and result, and say how the parts are doing', async () => {
    await signInBearer(server);
    for (let at = 0; at < 7; at += 1)
      await send(`${server.console}/api/auth/login`, {
        from: '127.3.0.1',
        body: { username: at < 2 ? admin.username : 'ghost', password: wrongPasswordNo(at) },
      });
    const got = await metrics();
    assert.equal(got.status, 200);
    assert.match(got.headers['content-type'] ?? '', /^text\/plain; version=0\.0\.4/);
    for (const line of [
      'sallyport_authentication_total{kind="setup",way="setup-code",result="ok"} 1',
      'sallyport_authentication_total{kind="account",way="password",result="ok"} 1',
      'sallyport_authentication_total{kind="account",way="password",result="wrong-password"} 2',
      'sallyport_authentication_total{kind="account",way="password",result="unknown-user"} 3',
      'sallyport_authentication_ratelimited_total{way="login"} 2',
      'sallyport_sessions_live 2',
      'sallyport_sign_in_required 1',
    ])
      assert.ok(got.text.includes(`${line}\n`), `${line}\n${got.text}`);
    assert.match(got.text, /^sallyport_hashes_total [67]$/m);
    assert.match(got.text, /^sallyport_store_latency_seconds 0\.\d+$/m);
  });

  it('are no names, addresses or versions', async () => {
    assert.doesNotMatch((await metrics()).text, /root1|ghost|127\.|\d+\.\d+\.\d+/i);
    const health = await send(`${server.console}/healthz`);
    assert.deepEqual(health.json, { success: true, status: 'ok' });
    assert.equal(health.headers['server'], undefined);
  });

  it('are for this machine alone: not through a proxy, not under a public name, not with headers of one', async () => {
    for (const [headers, from] of [
      [{ host: 'auth.example' }, undefined],
      [{ 'x-forwarded-for': '127.0.0.1' }, undefined],
      [{ 'x-forwarded-for': '127.0.0.1' }, '127.0.0.2'],
      [{ forwarded: 'for=127.0.0.1' }, undefined],
      [{ 'x-real-ip': '127.0.0.1' }, undefined],
      [{ via: '1.1 somebody' }, undefined],
    ] as const)
      assertProblem(await metrics(headers, from), 401, 'unauthorized');
    assertProblem(await metrics({ host: 'evil.example' }), 421, 'misdirected_request');
    assertProblem(await send(`${server.console}/metrics`, { method: 'POST' }), 405, 'method_not_allowed');
  });

  it('a listed proxy that names nobody is told of, in the log and in /readyz', async () => {
    const ready = async () => (await send(`${server.console}/readyz`)).json;
    // Asking how we are for itself is no reason.
    await send(`${server.console}/healthz`, { from: '127.0.0.2' });
    assert.equal((await ready())['forwarded_header'], undefined);
    await send(`${server.console}/api/auth/status`, { from: '127.0.0.2', headers: { 'x-forwarded-for': '192.0.2.1' } });
    assert.equal((await ready())['forwarded_header'], undefined);
    for (let at = 0; at < 5; at += 1) await send(`${server.console}/api/auth/status`, { from: '127.0.0.2' });
    assert.equal((await ready())['forwarded_header'], 'missing');
    assert.equal(server.log().match(/a trusted proxy does not send its header/g)?.length, 1);
  });
});

describe('a listener of their own', () => {
  it('takes health and figures away from the console, and answers nothing else', async () => {
    const port = await freePort();
    const server = await startServer({ args: ['--ops-listen', `127.0.0.1:${port}`] });
    try {
      await setUp(server);
      const operations = `http://127.0.0.1:${port}`;
      for (const path of ['/healthz', '/readyz', '/metrics']) {
        assert.equal((await send(`${operations}${path}`)).status, 200, path);
        assertProblem(await send(`${server.console}${path}`), 404, 'not_found');
        assertProblem(
          await send(`${operations}${path}`, { headers: { host: 'evil.example' } }),
          421,
          'misdirected_request',
        );
      }
      for (const path of ['/', '/auth/sign-in', '/api/auth/status', '/api/auth/login', '/api/auth/verify'])
        assertProblem(await send(`${operations}${path}`), 404, 'not_found');
      // Whoever listens elsewhere said so: nothing is there that needs a secret.
      assert.equal((await send(`${operations}/metrics`, { headers: { 'x-forwarded-for': '192.0.2.1' } })).status, 200);
    } finally {
      await server.remove();
    }
    await assert.rejects(
      startServer({ args: ['--listen', `127.0.0.1:${port}`, '--ops-listen', `127.0.0.1:${port}`] }),
      /ended with 6[49]/,
    );
  });
});

describe('promtool', { skip: withoutPackages }, () => {
  it('finds nothing wrong with the figures', async () => {
    const promtool = await need('promtool', 'prometheus');
    const server = await startServer();
    try {
      await setUp(server);
      const got = await send(`${server.console}/metrics`);
      const said = await new Promise<{ code: number | null; text: string }>((resolve, reject) => {
        const child = spawn(promtool, ['check', 'metrics']);
        let text = '';
        for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => (text += String(part)));
        child.once('error', reject);
        child.once('close', (code) => resolve({ code, text }));
        child.stdin.end(got.text);
      });
      assert.deepEqual(said, { code: 0, text: '' });
    } finally {
      await server.remove();
    }
  });
});
