/** `sallyport ticket show` (2-http-api, 9): with the server running and without, in an argument and on standard input. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { send } from '../support/client.ts';
import { commandsOf } from '../support/commands.ts';
import { setUp } from '../support/people.ts';
import { type RunningServer, runCommand, startServer } from '../support/server.ts';
import { ticketOf, ticketPath } from '../support/signed-tickets.ts';

describe('sallyport ticket', () => {
  let server: RunningServer;
  const tickets = { good: '', dropped: '', forged: '' };
  before(async () => {
    server = await startServer();
    await setUp(server);
    tickets.good = (await ticketOf(server)).ticket;
    tickets.dropped = (await ticketOf(server)).ticket;
    tickets.forged = `${tickets.good.slice(0, -4)}${tickets.good.endsWith('AAAA') ? 'BBBA' : 'AAAA'}`;
    const headers = { authorization: `SPAuthCookie=${tickets.dropped}` };
    assert.equal((await send(`${server.console}${ticketPath}`, { method: 'DELETE', headers })).status, 200);
  });
  after(() => server.remove());

  const { well, json, fails } = commandsOf('ticket', () => server.data);

  const whole = async (): Promise<void> => {
    const good = await json('show', tickets.good);
    assert.deepEqual(
      [good['name'], good['username'], good['signature'], good['standing']],
      ['root1@local', 'root1', 'right', 'alive'],
    );
    assert.equal(Date.parse(String(good['expires_at'])) - Date.parse(String(good['issued_at'])), 7_200_000);
    const { out, code } = await runCommand(['ticket', 'show', '-', '--data', server.data], {}, `${tickets.good}\n`);
    assert.equal(code, 0);
    assert.match(out, /^root1@local, the account root1\nissued .+, ends .+, signed in .+\nkey \S+\nit is good\n$/);
    assert.ok(!out.includes(tickets.good.split('::')[1] ?? ''));
    assert.equal((await json('show', tickets.dropped))['standing'], 'revoked');
    const forged = await json('show', tickets.forged);
    assert.deepEqual([forged['username'], forged['standing']], [null, 'wrong-signature']);
    assert.match(await well('show', tickets.forged), /^root1@local \(so it says\)$/m);
    await fails(64, /no ticket that begins with "SP:"/, 'show', 'nothing');
    await fails(64, /say what to do/, 'read');
    await fails(64, /expected: sallyport ticket show TICKET/, 'show');
  };

  it('while the server runs', whole);
  it('and without it', async () => {
    assert.equal(await server.end(), 0);
    await whole();
  });
});
