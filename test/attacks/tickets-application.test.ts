/**
 * Signed tickets and API tokens in the form of Proxmox clients in front of an application (3-rules, Proxied requests): what opens
 * it, and that neither of them ever reaches it, however it is written.
 */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type Got, send, type Sent } from '../support/client.ts';
import { type Echo, startEcho } from '../support/echo.ts';
import { asAdmin, bearer, passwordOf, settle } from '../support/invited.ts';
import { admin, setUp } from '../support/people.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { askForTicket, dataOf, type HeldTicket, ticketOf, spoiled } from '../support/signed-tickets.ts';
import { makeToken, tokensPath } from '../support/tokens.ts';

type Headers = Readonly<Record<string, string | readonly string[]>>;

// In one suite: beside others in one process nothing of it begins before its turn.
describe('signed tickets in front of an application', () => {
  let server: RunningServer;
  let echo: Echo;
  let root: string;
  let one: HeldTicket;
  before(async () => {
    echo = await startEcho();
    server = await startServer({ upstream: echo.url });
    root = String((await setUp(server)).json['token']);
    await settle(server.console, asAdmin(server.console, root), 'bob');
    one = await ticketOf(server);
  });
  after(async () => {
    await server.remove();
    await echo.close();
  });
  beforeEach(() => {
    echo.seen.length = 0;
    echo.answerWith = [];
  });

  const visit = (headers: Headers, sent: Sent = {}, path = '/page'): Promise<Got> =>
    send(`${server.application}${path}`, { ...sent, headers: { ...headers, ...sent.headers } });

  /** In whatever it may have been packed, as often as anybody packs it. */
  function holds(text: string, secret: string): boolean {
    let shown = text;
    for (let round = 0; round < 5; round += 1) {
      if (shown.includes(secret)) return true;
      shown = shown.replace(/%([0-9a-f]{2})/gi, (_, digits: string) =>
        String.fromCharCode(Number.parseInt(digits, 16)),
      );
    }
    return false;
  }

  function assertKept(secret: string, what: string): void {
    for (const { rawHeaders, target, body } of echo.seen)
      for (const text of [...rawHeaders, target, body]) assert.ok(!holds(text, secret), `${what}: ${text}`);
  }

  describe('tickets on their way to an application', () => {
    it('open it for whoever they are of, and stay behind', async () => {
      const encoded = encodeURIComponent(one.ticket);
      for (const headers of [
        { cookie: `__Host-SPAuthCookie=${one.ticket}` },
        { cookie: `a=b; __Host-SPAuthCookie=${encoded}; c=d` },
        { cookie: `SPAuthCookie=${one.ticket}` },
        { authorization: `SPAuthCookie=${one.ticket}` },
        { authorization: `SPAuthCookie= ${one.ticket}` },
        { authorization: `SPAuthCookie=${encoded}` },
        { cookie: `__Host-SPAuthCookie=x; spauthcookie=${one.ticket}`, authorization: `SPAuthCookie=${one.ticket}` },
        {
          cookie: `__Host-SPAuthCookie=${one.ticket}; SPAuthCookie=${one.ticket}; __Secure-SPAuthCookie=${one.ticket}`,
        },
        { cookie: ['a=b', `__Host-SPAuthCookie=${one.ticket}`] },
      ] as readonly Headers[]) {
        const got = await visit(headers);
        assert.equal(got.status, 200, `${JSON.stringify(headers)}: ${got.text}`);
        assert.equal(echo.seen.at(-1)?.headers['remote-user'], 'root1');
        assert.equal(echo.seen.at(-1)?.headers['x-auth-via'], 'ticket');
        assert.equal(echo.seen.at(-1)?.headers['authorization'], undefined);
      }
      assertKept(one.ticket.slice(-60), 'a ticket');
      assert.equal(echo.seen[1]?.headers['cookie'], 'a=b; c=d');
    });

    it('in a place where they open nothing they stay behind as well, when something else opens it', async () => {
      const { ticket } = one;
      const encoded = encodeURIComponent(ticket);
      const partial = `SP:!tfa!%7B%22totp%22%3Atrue%7D:6B0AA112::${'A'.repeat(42)}B`;
      const opened = { cookie: `__Host-SPAuthCookie=${ticket}` };
      const befores = [
        'Bearer ',
        'Token ',
        'SPAuthCookie ',
        'SPAuthCookie:',
        'spauthcookie=',
        'PVEAuthCookie=',
        'Ticket\t',
        '',
        'Bearer x ',
      ];
      const texts = [ticket, encoded, encodeURIComponent(encoded), `"${ticket}"`, partial];
      const all = befores.flatMap((before) => texts.map((text) => ({ authorization: before + text })));
      for (const shown of [
        ...all,
        { 'x-api-key': ticket },
        { 'x-api-key': encoded },
        { x_api_key: ticket },
        { 'X-Api-Key': ` ${partial}` },
      ] as readonly Headers[]) {
        const got = await visit({ ...opened, ...shown });
        // One that counts decides; beside any other the cookie does.
        assert.ok([200, 401].includes(got.status), `${JSON.stringify(shown)}: ${got.status}`);
      }
      assert.ok(echo.seen.length > 20, String(echo.seen.length));
      assertKept(ticket.slice(-60), 'a ticket');
      assertKept('A'.repeat(42), 'a partial ticket');
      // What is the application's reaches it.
      for (const authorization of [
        'Bearer abc',
        'PVEAPIToken=root@pam!x=aaaaaaaa-bbbb',
        'PVEAuthCookie=PVE:root@pam:1::x',
        'Digest x="SP:y"',
      ])
        assert.equal((await visit({ ...opened, authorization })).status, 200);
      assert.deepEqual(
        echo.seen.slice(-4).map(({ headers }) => headers['authorization']),
        ['Bearer abc', 'PVEAPIToken=root@pam!x=aaaaaaaa-bbbb', 'PVEAuthCookie=PVE:root@pam:1::x', 'Digest x="SP:y"'],
      );
    });

    it('cookies of other products, and of look-alike names, are the application’s', async () => {
      const cookie = 'PVEAuthCookie=PVE:x; XSPAuthCookie=1; SPAuthCookieX=2; SPAuth=3';
      assert.equal((await visit({ cookie: `${cookie}; __Host-SPAuthCookie=${one.ticket}` })).status, 200);
      assert.equal(echo.seen.at(-1)?.headers['cookie'], cookie);
    });

    it('a page of another site changes nothing with the cookie; our own needs no token there', async () => {
      const cookie = { cookie: `__Host-SPAuthCookie=${one.ticket}` };
      for (const headers of [
        { 'sec-fetch-site': 'cross-site' },
        { 'sec-fetch-site': 'same-site' },
        { origin: 'https://evil.test' },
        { origin: 'null' },
        { origin: server.url },
      ] as readonly Headers[])
        for (const method of ['POST', 'PUT', 'DELETE', 'PATCH'])
          assert.equal((await visit({ ...cookie, ...headers, csrfpreventiontoken: one.csrf }, { method })).status, 403);
      assert.equal(echo.seen.length, 0);
      const own = { origin: server.application, 'sec-fetch-site': 'same-origin' };
      assert.equal(
        (await visit({ ...cookie, ...own, csrfpreventiontoken: 'its-own' }, { method: 'POST' })).status,
        200,
      );
      // A token of that name may be one that the application gave out itself.
      assert.equal(echo.seen.at(-1)?.headers['csrfpreventiontoken'], 'its-own');
      const browser = { cookie: `SPAuthCookie=${one.ticket}`, ...own };
      assert.equal((await visit(browser, { method: 'POST' })).status, 401);
    });

    it('dead ones, twice the same, and one in the URL open nothing', async () => {
      const dead = spoiled(one.ticket);
      for (const headers of [
        { cookie: `__Host-SPAuthCookie=${dead}` },
        { authorization: `SPAuthCookie=${dead}` },
        { cookie: `__Host-SPAuthCookie=${one.ticket}; __Host-SPAuthCookie=${one.ticket}` },
        // A bad header of ours does not fall through.
        { authorization: `SPAuthCookie=${dead}`, cookie: `__Host-SPAuthCookie=${one.ticket}` },
      ] as readonly Headers[])
        assert.equal((await visit(headers)).status, 401);
      for (const path of [`/?ticket=${encodeURIComponent(one.ticket)}`, `/${encodeURIComponent(one.ticket)}`])
        assert.equal((await visit({}, {}, path)).status, 401);
      assert.deepEqual(echo.seen, []);
      assert.ok(!server.log().includes(one.ticket.slice(-40)), 'the log has it');
    });

    it('the application sets no cookie of those names, in any spelling', async () => {
      echo.answerWith = [
        ...[
          '__Host-SPAuthCookie',
          'SPAuthCookie',
          '__Secure-SPAuthCookie',
          'spauthcookie',
          '__host-SPAUTHCOOKIE',
          ' SPAuthCookie',
          '=SPAuthCookie',
        ].flatMap((name) => ['set-cookie', `${name}=evil; Path=/`]),
        'set-cookie',
        'PVEAuthCookie=its-own; Path=/',
        'set-cookie',
        'SPAuthCookieX=its-own; Path=/',
      ];
      const got = await visit({ authorization: `SPAuthCookie=${one.ticket}` });
      assert.deepEqual(got.cookies, ['PVEAuthCookie=its-own; Path=/', 'SPAuthCookieX=its-own; Path=/']);
    });
  });

  describe('API tokens by name', () => {
    const label = 'backup job';
    let token: string;
    let id: string;
    before(async () => {
      ({ token, id } = await makeToken(server, root, { token_name: label, scopes: ['*'] }));
    });
    const used = async (): Promise<number> => {
      const got = await send(`${server.console}${tokensPath}`, { headers: bearer(root) });
      const all = got.json['tokens'] as readonly { readonly id: string; readonly use_count: number }[];
      return all.find((each) => each.id === id)?.use_count ?? -1;
    };
    const verify = (authorization: string): Promise<Got> =>
      send(`${server.console}/api/auth/verify`, { headers: { authorization } });

    it('need the right user and the right name, and count as used only then', async () => {
      const before = await used();
      for (const named of [
        `root1@local!other`,
        `root1@local!${label}x`,
        `root1@local!${label.toUpperCase()}`,
        `root1@local!`,
        `root1@local!x!${label}`,
        `bob@local!${label}`,
        `bob!${label}`,
        `nobody@local!${label}`,
        `root1@pve!${label}`,
        `!${label}`,
        `@local!${label}`,
        label,
        '',
      ])
        for (const separator of ['=', ' ']) {
          const got = await verify(`SPAPIToken${separator}${named}=${token}`);
          assert.equal(got.status, 401, `${named}: ${got.text}`);
          assert.equal(got.headers['ratelimit'], undefined);
        }
      assert.equal(await used(), before);
      const right = [
        `SPAPIToken=root1@local!${label}=${token}`,
        `SPAPIToken root1@local!${label}:${token}`,
        `SPAPIToken=root1@sp!${encodeURIComponent(label)}=${token}`,
        `SPAPIToken=ROOT1!${label}=${encodeURIComponent(token).replace('_', '%5F')}`,
      ];
      for (const authorization of right) assert.equal((await verify(authorization)).status, 200, authorization);
      assert.equal(await used(), before + right.length);
      for (const authorization of [
        `PVEAPIToken=root1@local!${label}=${token}`,
        `spapitoken=root1@local!${label}=${token}`,
      ])
        assert.equal((await verify(authorization)).status, 401);
    });

    it('never reach the application, right or wrong, in however many escapes', async () => {
      const cookie = `__Host-SPAuthCookie=${one.ticket}`;
      const escaped = (text: string): string => encodeURIComponent(text).replaceAll('_', '%5F');
      const all = Array.from(token, (sign) => `%${sign.charCodeAt(0).toString(16)}`).join('');
      const secrets = [
        token,
        escaped(token),
        escaped(escaped(token)),
        all,
        escaped(all),
        `${escaped(token)}%20`,
        `%20${escaped(token)}`,
        `${token}%00`,
        `"${token}"`,
        `${token}=`,
        ` ${token}`,
      ];
      for (const secret of secrets)
        for (const form of [
          `SPAPIToken=root1@local!${label}=${secret}`,
          `SPAPIToken=root1@local!other=${secret}`,
          `SPAPIToken root1@local!${label}:${secret}`,
          `SPAPIToken=${secret}`,
          `SPAPIToken=%zz!${label}=${secret}`,
          `PVEAPIToken=root1@local!${label}=${secret}`,
          `spapitoken=root1@local!${label}=${secret}`,
          `Bearer ${secret}`,
          `Bearer\t${secret}`,
          secret,
        ]) {
          const got = await visit({ authorization: form, cookie });
          assert.ok([200, 401, 403].includes(got.status), `${form}: ${got.status} ${got.text}`);
          const key = await visit({ 'x-api-key': form, cookie });
          assert.ok([200, 401].includes(key.status), `${form}: ${key.status}`);
        }
      assert.ok(echo.seen.length > 100, String(echo.seen.length));
      assertKept(token.slice(4), 'a token');
      assert.ok(!server.log().includes(token.slice(4)), 'the log has it');
    });

    it('its owner’s other credentials are no secret of it', async () => {
      const bobs = await ticketOf(server, { username: 'bob', password: passwordOf('bob') });
      for (const secret of [one.ticket, bobs.ticket, admin.password, root, id, 'x'])
        assert.equal((await verify(`SPAPIToken=root1@local!${label}=${encodeURIComponent(secret)}`)).status, 401);
      // Nor is it a password, or a ticket.
      const got = await askForTicket(server, { password: token });
      assert.equal(got.status, 401);
      assert.equal((await verify(`SPAuthCookie=${token}`)).status, 401);
      assert.equal(dataOf(await askForTicket(server))['username'], 'root1@local');
    });
  });
});
