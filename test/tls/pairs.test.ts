/** Pairs as openssl makes them, in files as they lie about: read, judged and proven by a handshake (2-http-api, 7). */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Judged } from '../../src/tls/contract.ts';
import { judgePair } from '../../src/tls/pairs/judge-pair.ts';
import { provePair } from '../../src/tls/pairs/prove-pair.ts';
import type { Millis } from '../../src/types.ts';
import { need, withoutPackages } from '../support/debian.ts';

const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
const rsa = ['-newkey', 'rsa:2048'];
const kinds: Readonly<Record<string, { readonly made: readonly string[]; readonly named: string }>> = {
  rsa: { made: rsa, named: 'RSA 2048' },
  pss: { made: ['-newkey', 'rsa-pss', '-pkeyopt', 'rsa_keygen_bits:2048'], named: 'RSA-PSS 2048' },
  p256: { made: ec, named: 'EC P-256' },
  p384: { made: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:secp384r1'], named: 'EC P-384' },
  ed25519: { made: ['-newkey', 'ed25519'], named: 'Ed25519' },
};

describe('pairs made by openssl', { skip: withoutPackages }, () => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'sallyport-pairs-')));
  const folder = join(root, 'readable');
  const at = (name: string): string => join(folder, name);
  /** Later than every pair below. */
  const now = (Date.now() + 60_000) as Millis;
  let openssl = '';
  const run = (...args: readonly string[]): void => void execFileSync(openssl, args, { cwd: folder, stdio: 'ignore' });

  /** Signed by itself, or by another pair of that name. */
  function make(name: string, kind: readonly string[], more: readonly string[] = [], issuer = ''): void {
    const by = issuer === '' ? [] : ['-CA', at(`${issuer}.pem`), '-CAkey', at(`${issuer}.key`)];
    const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}.test,IP:10.0.0.1,IP:fd00::1`];
    const files = ['-keyout', at(`${name}.key`), '-out', at(`${name}.pem`)];
    run('req', '-x509', ...kind, '-nodes', '-days', '90', ...subject, ...by, ...files, ...more);
  }

  async function judge(cert: string, key: string, hosts: readonly string[] = [], when = now): Promise<Judged> {
    const files = { source: 'custom', certPath: at(cert), keyPath: at(key) } as const;
    return judgePair({ files, where: { kind: 'readable-folders', folders: [folder] }, at: when }, hosts);
  }

  async function problems(cert: string, key: string, when = now): Promise<string> {
    const judged = await judge(cert, key, [], when);
    return judged.kind === 'unusable' ? judged.problems.map(({ code }) => code).join(' ') : 'none';
  }

  async function warnings(cert: string, key: string, hosts: readonly string[] = [], when = now): Promise<string> {
    const judged = await judge(cert, key, hosts, when);
    return judged.kind === 'proven' ? judged.warnings.map(({ code }) => code).join(' ') : 'refused';
  }

  before(async () => {
    openssl = await need('openssl', 'openssl');
    mkdirSync(folder);
    for (const [name, { made }] of Object.entries(kinds)) make(name, made);
    make('other', ec);
    make('other-rsa', rsa);
    const authority = ['-addext', 'basicConstraints=critical,CA:TRUE'];
    make('root', ec, authority);
    make('between', rsa, authority, 'root');
    make('leaf', ec, ['-addext', 'basicConstraints=CA:FALSE'], 'between');
  });

  after(() => rmSync(root, { recursive: true, force: true }));

  for (const [name, { named }] of Object.entries(kinds))
    it(`${named}: proven, and not trusted by this machine`, async () => {
      const judged = await judge(`${name}.pem`, `${name}.key`);
      assert.ok(judged.kind === 'proven', JSON.stringify(judged));
      assert.equal(judged.pair.info.key, named);
      assert.deepEqual(judged.pair.info.names, [`${name}.test`, '10.0.0.1', 'fd00::1']);
      assert.equal(judged.chain, 'untrusted');
      assert.deepEqual(
        judged.warnings.map(({ code }) => code),
        ['untrusted'],
      );
    });

  it('the key of another is refused, of the same kind or not', async () => {
    for (const [cert, key] of [
      ['p256.pem', 'other.key'],
      ['rsa.pem', 'other-rsa.key'],
      ['rsa.pem', 'p256.key'],
      ['ed25519.pem', 'p384.key'],
    ] as const)
      assert.equal(await problems(cert, key), 'mismatch', `${cert} ${key}`);
  });

  it('the handshake itself refuses a pair that is none', async () => {
    const [good, bad] = [await judge('p256.pem', 'p256.key'), await judge('other.pem', 'other.key')];
    assert.ok(good.kind === 'proven' && bad.kind === 'proven');
    assert.equal((await provePair(good.pair)).kind, 'proven');
    const proof = await provePair({ ...good.pair, keyPem: bad.pair.keyPem });
    assert.ok(proof.kind === 'failed');
    assert.equal(proof.problems[0].code, 'handshake');
    assert.equal((await provePair({ ...good.pair, info: bad.pair.info })).kind, 'failed', 'another is seen');
  });

  it('keys of every form: PKCS#8, PKCS#1, SEC1 with its parameters; not with a passphrase, in either way', async () => {
    run('rsa', '-in', 'rsa.key', '-traditional', '-out', 'pkcs1.key');
    run('ec', '-in', 'p256.key', '-out', 'sec1-bare.key');
    run('ecparam', '-name', 'prime256v1', '-out', 'parameters');
    writeFileSync(at('sec1.key'), readFileSync(at('parameters'), 'utf8') + readFileSync(at('sec1-bare.key'), 'utf8'));
    run('pkcs8', '-topk8', '-in', 'rsa.key', '-passout', 'pass:x', '-out', 'locked8.key');
    run('rsa', '-in', 'rsa.key', '-traditional', '-aes256', '-passout', 'pass:x', '-out', 'locked1.key');
    for (const name of ['sec1.key', 'locked8.key', 'locked1.key']) chmodSync(at(name), 0o600);
    assert.match(readFileSync(at('pkcs1.key'), 'utf8'), /BEGIN RSA PRIVATE KEY/);
    assert.match(readFileSync(at('sec1.key'), 'utf8'), /BEGIN EC PARAMETERS[^]*BEGIN EC PRIVATE KEY/);
    assert.equal(await problems('rsa.pem', 'pkcs1.key'), 'none');
    assert.equal(await problems('p256.pem', 'sec1.key'), 'none');
    assert.equal(await problems('rsa.pem', 'locked8.key'), 'key-encrypted');
    assert.equal(await problems('rsa.pem', 'locked1.key'), 'key-encrypted');
  });

  it('a chain is served in order, whatever the order of the file', async () => {
    const text = (name: string): string => readFileSync(at(`${name}.pem`), 'utf8');
    const chain = (name: string, ...parts: readonly string[]): void =>
      writeFileSync(at(name), parts.map(text).join('\n'));
    chain('in-order.pem', 'leaf', 'between');
    chain('mixed.pem', 'root', 'between', 'leaf');
    chain('foreign.pem', 'leaf', 'other', 'between');
    chain('twice.pem', 'leaf', 'leaf', 'between', 'between');
    chain('alone.pem', 'leaf');
    assert.equal(await warnings('in-order.pem', 'leaf.key'), 'untrusted');
    assert.equal(await warnings('twice.pem', 'leaf.key'), 'untrusted');
    assert.equal(await warnings('mixed.pem', 'leaf.key'), 'untrusted chain-order');
    assert.equal(await warnings('foreign.pem', 'leaf.key'), 'untrusted chain-order');
    assert.equal(await warnings('alone.pem', 'leaf.key'), 'untrusted chain-incomplete');
    const judged = await judge('mixed.pem', 'leaf.key');
    assert.ok(judged.kind === 'proven');
    assert.equal(judged.pair.certPem, ['leaf', 'between', 'root'].map(text).join(''));
    assert.equal(judged.pair.info.signedBy, 'another');
  });

  it('dates: over, not yet, soon', async () => {
    const later = (days: number): Millis => (now + days * 86_400_000) as Millis;
    assert.equal(await problems('p256.pem', 'p256.key', later(91)), 'expired');
    assert.equal(await problems('p256.pem', 'other.key', later(91)), 'mismatch expired');
    assert.equal(await problems('p256.pem', 'p256.key', later(-1)), 'not-yet-valid');
    assert.equal(await warnings('p256.pem', 'p256.key', [], later(61)), 'untrusted expires-soon');
    assert.equal(await warnings('p256.pem', 'p256.key', [], later(59)), 'untrusted');
  });

  it('what TLS clients refuse is refused here', async () => {
    make('short', ['-newkey', 'rsa:1024']);
    make('sha1', rsa, ['-sha1']);
    make('curve', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:secp256k1']);
    for (const name of ['short', 'sha1', 'curve'])
      assert.equal(await problems(`${name}.pem`, `${name}.key`), 'weak', name);
  });

  it('text before the blocks, and other line ends, do no harm; half a file does', async () => {
    run('x509', '-in', 'rsa.pem', '-text', '-out', 'told.pem');
    writeFileSync(at('crlf.pem'), readFileSync(at('rsa.pem'), 'utf8').replaceAll('\n', '\r\n'));
    writeFileSync(at('half.pem'), readFileSync(at('rsa.pem'), 'utf8').slice(0, 600));
    run('x509', '-in', 'rsa.pem', '-outform', 'DER', '-out', 'binary.pem');
    assert.equal(await problems('told.pem', 'rsa.key'), 'none');
    assert.equal(await problems('crlf.pem', 'rsa.key'), 'none');
    for (const name of ['half.pem', 'binary.pem'])
      assert.equal(await problems(name, 'rsa.key'), 'no-certificate', name);
    assert.equal(await problems('rsa.key', 'rsa.pem'), 'key-mode no-certificate no-key');
  });

  it('a key that others may read, or that others own', async () => {
    const key = readFileSync(at('p256.key'));
    const put = (name: string, mode: number): void => {
      writeFileSync(at(name), key);
      chmodSync(at(name), mode);
    };
    put('open.key', 0o644);
    put('shared.key', 0o640);
    put('group.key', 0o660);
    assert.equal(await problems('p256.pem', 'open.key'), 'key-mode');
    assert.equal(await problems('p256.pem', 'group.key'), 'key-mode');
    assert.equal(await problems('p256.pem', 'shared.key'), 'none');
    if (process.getuid?.() !== 0) return;
    put('theirs.key', 0o600);
    chownSync(at('theirs.key'), 1234, 1234);
    assert.equal(await problems('p256.pem', 'theirs.key'), 'key-mode');
  });

  it('what is no file, or lies elsewhere', async () => {
    execFileSync('mkfifo', [at('pipe')]);
    writeFileSync(at('huge'), '');
    truncateSync(at('huge'), 1024 ** 3);
    writeFileSync(join(root, 'elsewhere.key'), readFileSync(at('p256.key')), { mode: 0o600 });
    symlinkSync('../elsewhere.key', at('elsewhere.key'));
    symlinkSync('../nothing.key', at('nothing-elsewhere.key'));
    symlinkSync('p256.key', at('link.key'));
    assert.equal(await problems('p256.pem', 'link.key'), 'none');
    mkdirSync(at('folder'));
    for (const name of ['pipe', 'huge', 'folder']) assert.equal(await problems('p256.pem', name), 'unreadable', name);
    for (const name of ['elsewhere.key', 'nothing-elsewhere.key', '../elsewhere.key', '../nothing.key'])
      assert.equal(await problems('p256.pem', name), 'not-readable-here', name);
    assert.equal(await problems('nothing.pem', 'nothing.key'), 'missing missing');
  });

  it('trusted where this machine trusts the authority, and all between are sent', () => {
    const text = (name: string): string => readFileSync(at(`${name}.pem`), 'utf8');
    writeFileSync(at('whole.pem'), text('leaf') + text('between'));
    const trusting = (cert: string, authority: string): string => {
      const request = {
        files: { source: 'custom', certPath: at(cert), keyPath: at('leaf.key') },
        where: { kind: 'named-by-operator' },
        at: now,
      };
      const module = new URL('../../src/tls/pairs/judge-pair.ts', import.meta.url).href;
      const script = `const { judgePair } = await import('${module}');
        const { chain, warnings } = await judgePair(${JSON.stringify(request)});
        console.log([chain, ...warnings.map(({ code }) => code)].join(' '));`;
      const env = { ...process.env, NODE_EXTRA_CA_CERTS: at(authority) };
      return execFileSync(process.execPath, ['--input-type=module', '-e', script], { env, encoding: 'utf8' }).trim();
    };
    assert.equal(trusting('whole.pem', 'root.pem'), 'trusted');
    assert.equal(trusting('whole.pem', 'other.pem'), 'untrusted untrusted');
    assert.equal(trusting('leaf.pem', 'root.pem'), 'untrusted untrusted chain-incomplete');
  });

  it('hosts that it is not good for are told', async () => {
    assert.equal(await warnings('p256.pem', 'p256.key', ['p256.test', '[fd00::1]', '10.0.0.1']), 'untrusted');
    assert.equal(await warnings('p256.pem', 'p256.key', ['p256.test', 'other.test']), 'untrusted names');
  });

  it('nothing is left open', async () => {
    await judge('p256.pem', 'p256.key');
    await new Promise((resolve) => setTimeout(resolve, 50));
    const open = process.getActiveResourcesInfo().filter((kind) => /TCP|TLS/.test(kind));
    assert.deepEqual(open, []);
  });
});
