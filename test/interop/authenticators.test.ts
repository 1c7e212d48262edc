/**
 * What phones do with codes (PM10), by programs that know nothing of us: `zbarimg` reads the picture as a camera does, and
 * `oathtool` makes the codes of what it read.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { send } from '../support/client.ts';
import { need, withoutPackages } from '../support/debian.ts';
import { admin, setUp } from '../support/people.ts';
import { startServer, temporaryFolder } from '../support/server.ts';

const run = promisify(execFile);

describe('an authenticator application', { skip: withoutPackages }, () => {
  it('reads the picture, and its codes switch codes on and sign in', async (context) => {
    const [zbarimg, oathtool] = [await need('zbarimg', 'zbar-tools'), await need('oathtool', 'oathtool')];
    const server = await startServer();
    context.after(() => server.remove());
    const made = await setUp(server, { ...admin, username: 'Zoë.Q.?&' });
    const authorization = `Bearer ${String(made.json['token'])}`;
    const pending = await send(`${server.console}/api/auth/totp/setup`, { headers: { authorization }, body: {} });
    assert.equal(pending.status, 200, pending.text);

    const folder = await temporaryFolder();
    context.after(() => rm(folder, { recursive: true, force: true }));
    const picture = join(folder, 'code.pgm');
    await writeFile(picture, pictureOf(String(pending.json['qr_code'])));
    const { stdout } = await run(zbarimg, ['--quiet', '--raw', picture]);
    assert.equal(stdout.trim(), pending.json['otpauth_url']);

    const read = new URL(stdout.trim());
    assert.equal(decodeURIComponent(read.pathname), '/Sallyport (localhost):zoë.q.?&');
    const codeAt = async (when: string): Promise<string> => {
      const secret = read.searchParams.get('secret') ?? '';
      const options = ['--totp=sha1', '--digits=6', '--time-step-size=30s', `--now=${when}`, '--base32', secret];
      return (await run(oathtool, options)).stdout.trim();
    };
    const enabled = await send(`${server.console}/api/auth/totp/enable`, {
      headers: { authorization },
      body: { token: await codeAt('now') },
    });
    assert.equal(enabled.status, 200, enabled.text);
    const login = async (totp_token: string) =>
      send(`${server.console}/api/auth/login`, { body: { ...admin, username: 'zoë.q.?&', totp_token } });
    assert.equal((await login(await codeAt('now'))).status, 401, 'used when it was confirmed');
    const next = await login(await codeAt('now + 30 seconds'));
    assert.equal(next.status, 200, next.text);
  });
});

/** The squares of our own SVG, eight dots each: strokes of one square's height, told by where they begin and how far they go. */
function pictureOf(dataUrl: string): Buffer {
  const svg = Buffer.from(dataUrl.split(',')[1] ?? '', 'base64').toString();
  const [, size = ''] = /viewBox="0 0 (\d+) \1"/.exec(svg) ?? [];
  const [, path = ''] = /stroke="#000000" d="([^"]+)"/.exec(svg) ?? [];
  const side = Number(size) * 8;
  assert.ok(side > 0 && path !== '', svg.slice(0, 300));
  const dots = Buffer.alloc(side * side, 255);
  let [x, y] = [0, 0];
  for (const [, command, first, second] of path.matchAll(/([Mmh])(-?[\d.]+)(?:[ ,]?(-?[\d.]+))?/g)) {
    const along = Number(first);
    if (command === 'M') [x, y] = [along, Number(second)];
    if (command === 'm') [x, y] = [x + along, y + Number(second)];
    if (command !== 'h') continue;
    const top = (y - 0.5) * 8;
    for (let row = top; row < top + 8; row += 1) dots.fill(0, row * side + x * 8, row * side + (x + along) * 8);
    x += along;
  }
  return Buffer.concat([Buffer.from(`P5 ${side} ${side} 255\n`), dots]);
}
