/** The certificate that we make is taken by others, once they are told to (3-rules, TLS): that one, and no other by it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { makeSelfMade, type SelfMade } from '../../src/crypto/certificates/self-made.ts';
import { systemRandom } from '../../src/crypto/random.ts';
import type { Millis } from '../../src/types.ts';
import { need, withoutPackages } from '../support/debian.ts';

const run = promisify(execFile);

describe('a self-made certificate', { skip: withoutPackages }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-self-made-'));
  const at = (name: string): string => join(folder, name);
  let made: SelfMade;
  let place = '';
  const server = createServer((_request, response) => response.end('there'));

  before(async () => {
    made = await makeSelfMade(['localhost', '127.0.0.1'], Date.now() as Millis, systemRandom);
    const other = await makeSelfMade(['localhost', '127.0.0.1'], Date.now() as Millis, systemRandom);
    writeFileSync(at('own.pem'), made.certPem);
    writeFileSync(at('own.key'), made.keyPem);
    writeFileSync(at('other.pem'), other.certPem);
    server.setSecureContext({ cert: made.certPem, key: made.keyPem });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    place = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });

  after(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('curl takes it by --cacert, and not by another', async () => {
    const curl = await need('curl', 'curl');
    const { stdout } = await run(curl, ['-sS', '--cacert', at('own.pem'), place]);
    assert.equal(stdout, 'there');
    await assert.rejects(run(curl, ['-sS', '--cacert', at('other.pem'), place]), /certificate/);
    await assert.rejects(run(curl, ['-sS', place]), /certificate/);
  });

  it('Node takes it by NODE_EXTRA_CA_CERTS, and not by another', async () => {
    const script = `console.log(await (await fetch('${place}')).text())`;
    const asking = async (trusted: string): Promise<string> => {
      const env = { ...process.env, NODE_EXTRA_CA_CERTS: at(trusted) };
      return (await run(process.execPath, ['--input-type=module', '-e', script], { env })).stdout.trim();
    };
    assert.equal(await asking('own.pem'), 'there');
    await assert.rejects(asking('other.pem'), /SELF_SIGNED/);
  });

  it('openssl takes it under its strictest rules, and nothing that its key signed', async () => {
    const openssl = await need('openssl', 'openssl');
    const verify = (file: string): Promise<unknown> =>
      run(openssl, ['verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', at('own.pem'), at(file)]);
    await verify('own.pem');
    const forged = ['-newkey', 'rsa:2048', '-nodes', '-keyout', at('forged.key'), '-out', at('forged.pem')];
    const by = ['-CA', at('own.pem'), '-CAkey', at('own.key')];
    await run(openssl, ['req', '-x509', ...forged, ...by, '-days', '2', '-subj', '/CN=bank.test']);
    await assert.rejects(verify('forged.pem'));
    const loose = ['verify', '-CAfile', at('own.pem'), at('forged.pem')];
    await assert.rejects(run(openssl, loose));
  });
});
