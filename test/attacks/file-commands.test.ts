/** Attacks by files that are given to commands on the host. */
import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { commandsOf } from '../support/commands.ts';
import { setUp } from '../support/people.ts';
import { type RunningServer, startServer, temporaryFolder } from '../support/server.ts';

describe('sallyport user import with somebody else’s file', () => {
  let server: RunningServer;
  let folder: string;
  before(async () => {
    server = await startServer();
    await setUp(server);
    folder = await temporaryFolder();
  });
  after(async () => {
    await server.remove();
    await rm(folder, { recursive: true, force: true });
  });

  const { run } = commandsOf('user', () => server.data);

  it('nothing that it holds is an order to the terminal', async () => {
    const path = join(folder, 'evil.csv');
    const escape = '\u001b]0;evil\u0007';
    for (const text of [
      `username,${escape}\nbob,1\n`,
      `username,a\u009b2J\u202e\nbob,1\n`,
      `username,email,name\n${escape},,\nbob,${escape},\ncarol,,${escape}\n`,
    ]) {
      await writeFile(path, text);
      for (const more of [[], ['--json']]) {
        const { out, err, code } = await run('import', ...more, path);
        assert.notEqual(code, 0);
        assert.doesNotMatch(`${out}${err}`.replaceAll('\n', ''), /\p{C}/u);
      }
    }
  });
});
