/** The recipe of `docs/guides/verify-tickets.md`, as it stands there, over tickets that a server gave out and keys that it published. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { send } from '../support/client.ts';
import { admin, setUp } from '../support/people.ts';
import { type RunningServer, startServer, temporaryFolder } from '../support/server.ts';

type WhoIs = (ticket: string, keys: readonly object[], own?: string, now?: number) => string | undefined;

const guide = new URL('../../docs/guides/verify-tickets.md', import.meta.url);

describe('a ticket verified offline', () => {
  let server: RunningServer;
  let folder: string;
  let whoIs: WhoIs;
  let ticket: string;
  let keys: readonly object[];
  before(async () => {
    folder = await temporaryFolder();
    const [, recipe = ''] = /```js\n([\s\S]*?)```/.exec(readFileSync(guide, 'utf8')) ?? [];
    const file = join(folder, 'recipe.mjs');
    writeFileSync(file, recipe);
    ({ whoIs } = (await import(pathToFileURL(file).href)) as { readonly whoIs: WhoIs });
    server = await startServer();
    await setUp(server);
    const got = await send(`${server.console}/api2/json/access/ticket`, {
      body: { username: 'root1', password: admin.password },
    });
    assert.equal(got.status, 200, got.text);
    ticket = String((got.json['data'] as Record<string, unknown>)['ticket']);
    keys = (await send(`${server.console}/api/auth/keys`)).json['keys'] as readonly object[];
  });
  after(async () => {
    await server.remove();
    await rm(folder, { recursive: true, force: true });
  });

  it('says who it is, until its end and not before its time', () => {
    const issued = Number.parseInt(ticket.split(':')[2] ?? '', 16);
    assert.equal(whoIs(ticket, keys), 'root1@local');
    for (const [now, who] of [
      [issued - 61, undefined],
      [issued - 60, 'root1@local'],
      [issued + 7199, 'root1@local'],
      [issued + 7200, undefined],
    ] as const)
      assert.equal(whoIs(ticket, keys, 'SP', now), who, String(now - issued));
  });

  it('is nobody with any byte changed, under another prefix, without its key, or with another one', async () => {
    for (let at = 0; at < ticket.length; at += 1) {
      const other = ticket.charAt(at) === 'A' ? 'B' : 'A';
      const changed = ticket.slice(0, at) + other + ticket.slice(at + 1);
      assert.equal(whoIs(changed, keys), undefined, `${at}: ${changed}`);
    }
    assert.equal(whoIs(ticket, keys, 'PVE'), undefined);
    assert.equal(whoIs(ticket, []), undefined);
    const another = await startServer();
    try {
      const theirs = (await send(`${another.console}/api/auth/keys`)).json['keys'] as readonly {
        readonly kid: string;
      }[];
      const [own] = keys as readonly { readonly kid: string }[];
      assert.equal(whoIs(ticket, theirs), undefined);
      assert.equal(
        whoIs(
          ticket,
          theirs.map((key) => ({ ...key, kid: own?.kid ?? '' })),
        ),
        undefined,
      );
    } finally {
      await another.remove();
    }
  });
});
