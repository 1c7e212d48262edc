/** `sallyport tls …` (2-http-api, 9), with the server running and without: how it is asked, and how it ends. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { commandsOf } from '../support/commands.ts';
import { setUp } from '../support/people.ts';
import { runCommand, type RunningServer, startServer, temporaryFolder } from '../support/server.ts';

describe('sallyport tls', () => {
  let server: RunningServer;
  before(async () => {
    server = await startServer();
    await setUp(server);
  });
  after(() => server.remove());

  const { well, json, fails } = commandsOf('tls', () => server.data);

  const whole = async (running: boolean): Promise<void> => {
    assert.match(await well('status'), /^served +plain HTTP/);
    const { server_running: runs, ssl_enabled: enabled, source, detected } = await json('status');
    assert.deepEqual([runs, enabled, source, Array.isArray(detected)], [running, false, 'none', true]);
    await fails(64, /is neither "proxmox" nor "letsencrypt"/, 'use', 'cert.pem');
    await fails(64, /expected: sallyport tls use/, 'use');
    await fails(64, /say what to do/, 'dance');
    await fails(64, /./, 'status', '--nonsense', '1');
    await fails(69, /./, 'use', '/nowhere/cert.pem', '/nowhere/key.pem');
    // Neither is on this machine.
    await fails(69, /./, 'use', 'letsencrypt', '--json');
  };

  it('asks the running server', () => whole(true));

  it('works on the data folder when it is stopped', async () => {
    assert.equal(await server.end(), 0);
    await whole(false);
  });

  it('has help, and makes no database where there is none', async () => {
    const { code, out } = await runCommand(['tls', '--help']);
    assert.equal(code, 0);
    assert.match(out, /sallyport tls use CERT KEY/);
    const empty = await temporaryFolder();
    const ran = await runCommand(['tls', 'status', '--data', empty]);
    assert.deepEqual([ran.code, ran.out], [69, '']);
    assert.match(ran.err, /^sallyport: there is no database in /);
  });
});
