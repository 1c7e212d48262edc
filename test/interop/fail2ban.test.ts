/**
 * The real fail2ban on the real failure log (PM7; security.md O-01): its regex tester on lines of attackers who put addresses
 * into names, and its server, in other time zones than ours, banning the attacker's address and no other.
 */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { send } from '../support/client.ts';
import { need, withoutPackages } from '../support/debian.ts';
import { admin, setUp, wrongPasswordNo } from '../support/people.ts';
import { type RunningServer, startServer, temporaryFolder } from '../support/server.ts';
import { pause } from '../support/waiting.ts';

const run = promisify(execFile);
const shipped = fileURLToPath(new URL('../../deploy/fail2ban/', import.meta.url));

/** Names that try to be an address, a second line, or the end of the line. */
const hostileNames = [
  'bob" from 8.8.8.8',
  'x\n2030-01-01 00:00:00,000 sallyport: authentication failure; rhost=8.8.8.8 user=y',
  'rhost=8.8.8.8',
  'a; rhost=8.8.8.8',
  '8.8.8.8',
  'user=a rhost=8.8.8.8 user=b',
  '\u2028rhost=8.8.8.8',
  '%0arhost=8.8.8.8',
  'rhost=8.8.8.8'.repeat(40),
  '\t rhost=8.8.8.8 \r\n',
  'ünïcödé-rhost=8.8.8.8',
  '',
];

describe('fail2ban', { skip: withoutPackages }, () => {
  let server: RunningServer;
  let log: string;
  let attempt = 0;
  /** Who has attacked so far: fail2ban reads the log from ten minutes back. */
  const attackersSoFar = ['198.51.100.7'];
  before(async () => {
    server = await startServer({ args: ['--trusted-proxies', '127.0.0.1'], env: { TZ: 'Asia/Kathmandu' } });
    await setUp(server);
    log = join(server.data, 'auth.log');
  });
  after(() => server.remove());

  const fail = (from: string, username: string) =>
    send(`${server.console}/api/auth/login`, {
      headers: { 'x-forwarded-for': from },
      body: { username, password: wrongPasswordNo((attempt += 1)) },
    });

  it('O-01: one line each, whatever was typed, and the filter sees the sender in every one and nobody else', async () => {
    const regex = await need('fail2ban-regex', 'fail2ban');
    const lines = (await readFile(log, 'utf8')).split('\n').length;
    const senders = hostileNames.map((_, at) => (at % 2 === 0 ? `203.0.113.${at + 1}` : `2001:db8:${at + 1}::1`));
    await Promise.all(
      hostileNames.map(async (name, at) => {
        const got = await fail(senders[at] ?? '', name);
        assert.equal(got.status, 401, `${JSON.stringify(name)}: ${got.text}`);
      }),
    );
    assert.equal((await fail('::ffff:203.0.113.200', admin.username)).status, 401);
    const text = await readFile(log, 'utf8');
    assert.equal(text.split('\n').length - lines, hostileNames.length + 1);
    assert.doesNotMatch(text, /8\.8\.8\.8/);
    assert.match(text, /rhost=203\.0\.113\.200 user=root1\n/);
    const { stdout } = await run(regex, ['--out', 'ip', log, join(shipped, 'filter.d/sallyport.conf')]);
    assert.deepEqual(
      stdout
        .split('\n')
        .filter((line) => line !== '')
        .toSorted(),
      [...senders, '203.0.113.200'].toSorted(),
    );
  });

  it('what was limited is matched, too; a phone that repeats an old password is not written a second time', async () => {
    const regex = await need('fail2ban-regex', 'fail2ban');
    const before = (await readFile(log, 'utf8')).length;
    await Promise.all(Array.from({ length: 5 }, () => fail('198.51.100.7', 'ghost')));
    for (let at = 0; at < 2; at += 1) await fail('198.51.100.7', 'ghost');
    for (let at = 0; at < 3; at += 1)
      await send(`${server.console}/api/auth/login`, {
        headers: { 'x-forwarded-for': '198.51.100.8' },
        body: { username: admin.username, password: 'the password of last year' },
      });
    const text = (await readFile(log, 'utf8')).slice(before);
    assert.equal(text.match(/authentication failure; rhost=198\.51\.100\.7 /g)?.length, 5);
    assert.match(text, /login rate limit exceeded; rhost=198\.51\.100\.7 retry_after=\d+s\n/);
    assert.equal(text.match(/rhost=198\.51\.100\.8 /g)?.length, 1);
    const { stdout } = await run(regex, ['--out', 'ip', log, join(shipped, 'filter.d/sallyport.conf')]);
    assert.equal(stdout.match(/^198\.51\.100\.7$/gm)?.length, 6);
  });

  for (const zone of ['America/New_York', 'Asia/Tokyo']) {
    it(`a fail2ban server in ${zone} bans who attacks, over IPv4, IPv6 and IPv4 written as IPv6, and nobody else`, async () => {
      const fail2banServer = await need('fail2ban-server', 'fail2ban');
      const client = await need('fail2ban-client', 'fail2ban');
      const folder = await temporaryFolder();
      const banned = join(folder, 'banned');
      await mkdir(join(folder, 'config'));
      // Debian's own files, with our filter and jail put where the guide says, and an action that harms nobody.
      for (const name of ['fail2ban.conf', 'jail.conf', 'filter.d', 'paths-common.conf', 'paths-debian.conf'])
        await cp(join('/etc/fail2ban', name), join(folder, 'config', name), { recursive: true });
      await cp(shipped, join(folder, 'config'), { recursive: true });
      await mkdir(join(folder, 'config/action.d'));
      await writeFile(
        join(folder, 'config/action.d/note.conf'),
        `[Definition]\nactionban = echo <ip> >> ${banned}\nactionunban =\nactionstart =\nactionstop =\nactioncheck =\n`,
      );
      await writeFile(banned, '');
      await writeFile(
        join(folder, 'config/jail.local'),
        `[sallyport]\nlogpath = ${log}\naction = note\nbackend = polling\nmaxretry = 6\nusedns = no\n`,
      );
      await writeFile(
        join(folder, 'config/fail2ban.local'),
        `[Definition]\nlogtarget = ${join(folder, 'log')}\ndbfile = :memory:\nallowipv6 = auto\n`,
      );
      const common = ['-c', join(folder, 'config'), '-s', join(folder, 'socket'), '-p', join(folder, 'pid')];
      const child = spawn(fail2banServer, ['-f', ...common, 'start'], {
        env: { ...process.env, TZ: zone },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let said = '';
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => (said += String(part)));
      const gone = new Promise((resolve) => child.once('exit', resolve));
      const told = async (): Promise<string> =>
        `${said}\n${await readFile(join(folder, 'log'), 'utf8').catch(() => '')}`;
      try {
        const jails = async (): Promise<string> =>
          (
            await run(client, [...common, 'status'], { env: { ...process.env, TZ: zone } }).catch(() => ({
              stdout: '',
            }))
          ).stdout;
        for (let tries = 0; !(await jails()).includes('sallyport'); tries += 1) {
          assert.ok(tries < 100 && child.exitCode === null, `it does not start: ${await told()}`);
          await pause(200);
        }
        const octet = 10 + zone.length;
        const attackers = [`192.0.2.${octet}`, `2001:db8:ff:${octet}::7`, `::ffff:198.18.0.${octet}`];
        attackersSoFar.push(`192.0.2.${octet}`, `2001:db8:ff:${octet}::7`, `198.18.0.${octet}`);
        for (const [at, from] of attackers.entries()) {
          // Five that are looked at, and one that the limit refuses.
          const names = Array.from({ length: 5 }, (_, one) => hostileNames[(at + one) % hostileNames.length] ?? '');
          await Promise.all(names.map((name) => fail(from, name)));
          await fail(from, admin.username);
          await fail(`203.0.113.${octet}`, hostileNames[at] ?? '');
        }
        const bannedNow = async (): Promise<readonly string[]> =>
          (await readFile(banned, 'utf8')).split('\n').filter((line) => line !== '');
        for (let tries = 0; (await bannedNow()).length < attackersSoFar.length; tries += 1) {
          assert.ok(tries < 150, `banned: ${(await bannedNow()).join()}; ${await told()}`);
          await pause(200);
        }
        assert.deepEqual((await bannedNow()).toSorted(), attackersSoFar.toSorted());
      } finally {
        child.kill('SIGTERM');
        await gone;
        await rm(folder, { recursive: true, force: true });
      }
    });
  }
});
