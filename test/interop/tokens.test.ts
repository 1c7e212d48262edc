/** Programs as they come, with an API token: Debian's Prometheus scrapes our figures, and curl says it in every form. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { send } from '../support/client.ts';
import { need, withoutPackages } from '../support/debian.ts';
import { type Echo, startEcho } from '../support/echo.ts';
import { setUp } from '../support/people.ts';
import { type Prometheus, startPrometheus } from '../support/prometheus.ts';
import { type RunningServer, startServer, temporaryFolder } from '../support/server.ts';
import { type MadeToken, makeToken, onToken, unknownToken } from '../support/tokens.ts';
import { pause } from '../support/waiting.ts';

describe('Prometheus scrapes from afar', { skip: withoutPackages }, () => {
  let server: RunningServer;
  let root: string;
  let folder: string;
  let relay: Server;
  let prometheus: Prometheus;
  let may: MadeToken;
  /** Of whom the scrapes are. */
  const jobs = ['may', 'may-not', 'nobody'] as const;
  type Job = (typeof jobs)[number];

  before(async () => {
    server = await startServer();
    root = String((await setUp(server)).json['token']);
    folder = await temporaryFolder();
    may = await makeToken(server, root, { scopes: ['sallyport:metrics'] });
    const mayNot = await makeToken(server, root, { scopes: ['*', 'admin:all'] });
    await writeFile(join(folder, 'may'), may.token);
    await writeFile(join(folder, 'may-not'), mayNot.token);
    // As a proxy on this machine passes strangers on: what comes so is not local.
    relay = createServer((message, response) => {
      const { hostname, port } = new URL(server.console);
      const asking = request(
        {
          host: hostname,
          port,
          path: message.url,
          headers: { ...message.headers, host: `${hostname}:${port}`, 'x-forwarded-for': '203.0.113.7' },
        },
        (answer) => {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(response);
        },
      );
      asking.once('error', () => response.destroy());
      asking.end();
    });
    await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
    const target = `127.0.0.1:${(relay.address() as AddressInfo).port}`;
    const scrape = (job: Job): string =>
      [
        `  - job_name: ${job}`,
        ...(job === 'nobody' ? [] : ['    authorization:', `      credentials_file: ${join(folder, job)}`]),
        '    static_configs:',
        `      - targets: ['${target}']`,
      ].join('\n');
    prometheus = await startPrometheus(
      `global:\n  scrape_interval: 1s\n  scrape_timeout: 1s\nscrape_configs:\n${jobs.map(scrape).join('\n')}\n`,
    );
  });
  after(async () => {
    await prometheus.close();
    relay.closeAllConnections();
    await new Promise((resolve) => relay.close(resolve));
    await server.remove();
    await rm(folder, { recursive: true, force: true });
  });

  interface Target {
    readonly labels: { readonly job: Job };
    readonly health: 'up' | 'down' | 'unknown';
    readonly lastError: string;
  }
  /** Nothing for the first few seconds. */
  const targetOf = async (job: Job): Promise<Target | undefined> => {
    const got = await send(`${prometheus.url}/api/v1/targets?state=active`);
    const { activeTargets } = got.json['data'] as { activeTargets: readonly Target[] };
    return activeTargets.find(({ labels }) => labels.job === job);
  };
  const becomes = async (job: Job, health: Target['health']): Promise<string> => {
    for (let tried = 0; tried < 300; tried += 1) {
      const target = await targetOf(job);
      if (target?.health === health) return target.lastError;
      await pause(100);
    }
    assert.fail(`${job} is never ${health}: ${JSON.stringify(await targetOf(job))}`);
  };
  const asked = async (query: string): Promise<readonly { readonly value: readonly [number, string] }[]> => {
    const got = await send(`${prometheus.url}/api/v1/query?query=${encodeURIComponent(query)}`);
    return (got.json['data'] as { result: { value: [number, string] }[] }).result;
  };

  it('with a token for it, and neither without one nor with another', async () => {
    await becomes('may', 'up');
    assert.match(await becomes('may-not', 'down'), /403/);
    assert.match(await becomes('nobody', 'down'), /401/);
    const figures = await asked('sallyport_authentication_total{job="may"}');
    assert.ok(figures.length > 0);
    assert.deepEqual(await asked('sallyport_authentication_total{job=~"may-not|nobody"}'), []);
  });

  it('a new secret in its file is all that a rotation takes, and revoked is down', async () => {
    await becomes('may', 'up');
    const rotated = await onToken(server, root, may.id, 'ROTATE');
    assert.equal(rotated.status, 200, rotated.text);
    assert.match(await becomes('may', 'down'), /401/);
    await writeFile(join(folder, 'may'), String(rotated.json['token']));
    await becomes('may', 'up');
    assert.equal((await onToken(server, root, may.id, 'DELETE')).status, 200);
    assert.match(await becomes('may', 'down'), /401/);
    assert.equal((await targetOf('nobody'))?.health, 'down');
  });
});

describe('curl', { skip: withoutPackages }, () => {
  let server: RunningServer;
  let echo: Echo;
  let curl: string;
  let folder: string;
  let token: string;
  let dead: string;
  before(async () => {
    curl = await need('curl', 'curl');
    echo = await startEcho();
    server = await startServer({ upstream: echo.url });
    const root = String((await setUp(server)).json['token']);
    folder = await temporaryFolder();
    ({ token } = await makeToken(server, root, { scopes: ['read:*', 'sallyport:users'] }));
    const revoked = await makeToken(server, root);
    await onToken(server, root, revoked.id, 'DELETE');
    dead = revoked.token;
  });
  after(async () => {
    await server.remove();
    await echo.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Its exit code and the status, as scripts read them. */
  const run = (...args: readonly string[]): Promise<{ readonly code: number; readonly status: string }> =>
    new Promise((resolve) => {
      const all = ['--fail', '--silent', '--output', join(folder, 'body'), '--write-out', '%{http_code}', ...args];
      execFile(curl, all, (fault, out) =>
        resolve({ code: fault === null ? 0 : Number(fault.code), status: out.trim() }),
      );
    });
  const ok = { code: 0, status: '200' };
  const failed = (status: number) => ({ code: 22, status: String(status) });

  /** Each way of saying it, with what curl is told. */
  const forms: Readonly<Record<string, (secret: string) => Promise<readonly string[]> | readonly string[]>> = {
    'Authorization: Bearer': (secret) => ['--header', `Authorization: Bearer ${secret}`],
    '--oauth2-bearer': (secret) => ['--oauth2-bearer', secret],
    'Authorization: Token': (secret) => ['--header', `Authorization: Token ${secret}`],
    'X-API-Key': (secret) => ['--header', `X-API-Key: ${secret}`],
    'a file of headers': async (secret) => {
      const file = join(folder, 'headers');
      await writeFile(file, `Authorization: Bearer ${secret}\n`, { mode: 0o600 });
      return ['--header', `@${file}`];
    },
  };

  for (const [name, form] of Object.entries(forms))
    it(`${name}: goes through, and fails where it should`, async () => {
      for (const url of [
        `${server.console}/api/auth/users`,
        `${server.console}/api/auth/verify`,
        `${server.application}/x`,
      ]) {
        assert.deepEqual(await run(...(await form(token)), url), ok, url);
        assert.deepEqual(await run(...(await form(dead)), url), failed(401), url);
        assert.deepEqual(await run(...(await form(unknownToken(1))), url), failed(401), url);
      }
      assert.deepEqual(await run(`${server.console}/api/auth/users`), failed(401));
      assert.deepEqual(await run(...(await form(token)), `${server.console}/api/auth/audit`), failed(403));
      assert.deepEqual(await run(...(await form(token)), '--data', 'x=1', `${server.application}/x`), failed(403));
      assert.deepEqual(await run(...(await form(token)), '--head', `${server.application}/x`), ok);
    });

  it('what is no form of it fails, and two forms at once do', async () => {
    const url = `${server.console}/api/auth/users`;
    for (const args of [
      ['--user', `user:${token}`],
      ['--user', `${token}:`],
      ['--cookie', `sallyport-account=${token}`],
    ])
      assert.deepEqual(await run(...args, url), failed(401), args.join(' '));
    assert.deepEqual(await run(`${url}?access_token=${token}`), failed(401));
    assert.deepEqual(
      await run('--header', `X-API-Key: ${token}`, '--header', `Authorization: Bearer ${token}`, url),
      failed(400),
    );
    assert.deepEqual(await run('--header', `X-API-Key: ${token}`, url), ok);
  });
});
