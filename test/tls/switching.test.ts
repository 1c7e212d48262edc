/** Certificates as they are kept while a server runs: chosen, watched, renewed, and what happens where files are late or odd. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { systemRandom } from '../../src/crypto/random.ts';
import { type CertificatesParts, openCertificates } from '../../src/tls/certificates.ts';
import { writeWhole } from '../../src/tls/chosen-file.ts';
import type { Certificates, PairFiles } from '../../src/tls/contract.ts';
import type { Millis } from '../../src/types.ts';
import { makePairs, type Pairs } from '../support/tls-door.ts';
import { withoutPackages } from '../support/debian.ts';

const day = 86_400_000;

describe('certificates that are kept', { skip: withoutPackages }, () => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'sallyport-kept-')));
  const readable = join(root, 'readable');
  const at = (name: string): string => join(readable, name);
  let pairs: Pairs;
  let now = 0;
  let told: string[] = [];
  let folders = 0;
  before(async () => {
    mkdirSync(readable);
    pairs = await makePairs();
  });
  beforeEach(() => {
    now = Date.now() + 60_000;
    told = [];
    lay('one');
  });
  after(async () => {
    rmSync(root, { recursive: true, force: true });
    await pairs.remove();
  });

  /** Puts a pair in the place that is watched. */
  function lay(name: 'one' | 'two'): void {
    const { serving } = pairs[name];
    if (serving.kind === 'plain') throw new Error('no pair');
    copyFileSync(serving.proven.files.certPath, at('cert.pem'));
    copyFileSync(serving.proven.files.keyPath, at('key.pem'));
  }

  const custom: PairFiles & { source: 'custom' } = {
    source: 'custom',
    certPath: at('cert.pem'),
    keyPath: at('key.pem'),
  };

  async function open(more: Partial<CertificatesParts>): Promise<Certificates> {
    folders += 1;
    const tell = (fields: object, message: string): void => void told.push(`${message} ${JSON.stringify(fields)}`);
    const opening = await openCertificates({
      tls: 'possible',
      given: null,
      folders: [readable],
      folder: join(root, `own-${folders}`),
      reaches: ['machine'],
      names: () => ['localhost'],
      called: [],
      clock: { now: () => now as Millis, monotonic: () => performance.now() },
      random: systemRandom,
      log: { info: () => undefined, warn: tell, error: tell },
      unusable: 'refused',
      ...more,
    });
    assert.equal(opening.kind, 'open', JSON.stringify(opening));
    return opening.kind === 'open' ? opening.certificates : assert.fail();
  }

  it('listeners hear of a pair that is new to one of them alone', async () => {
    const folder = join(root, 'mixed');
    const certificates = await open({ reaches: ['machine', 'network'], folder, folders: [folder] });
    assert.equal(certificates.serving('machine').kind, 'plain');
    let changes = 0;
    certificates.onChange(() => (changes += 1));
    const [certPath, keyPath] = [join(folder, 'self-made.crt'), join(folder, 'self-made.key')];
    const chosen = await certificates.choose({ source: 'custom', certPath, keyPath });
    assert.equal(chosen.kind, 'served');
    assert.equal(certificates.serving('machine').kind, 'tls');
    assert.equal(changes, 1);
    await certificates.choose({ source: 'none' });
    assert.equal(certificates.serving('machine').kind, 'plain');
    assert.equal(changes, 2);
  });

  it('a pair that is not valid yet is served at a start, with an alarm until it is', async () => {
    now = Date.now() - 60 * day;
    const certificates = await open({ given: { ...custom, source: 'settings' } });
    assert.equal(certificates.serving('machine').kind, 'tls');
    const { alarm } = await certificates.standing();
    assert.deepEqual(
      alarm?.problems.map(({ code }) => code),
      ['not-yet-valid'],
    );
    assert.match(told.join('\n'), /^the certificate that is served is out of its time/);
    await certificates.look();
    assert.equal(told.length, 1);
    now = Date.now() + 60_000;
    await certificates.look();
    assert.equal(certificates.figures().alarm, 'none');
  });

  it('many looks at once are two', async () => {
    const certificates = await open({ given: { ...custom, source: 'settings' } });
    const looks = Array.from({ length: 1000 }, () => certificates.look());
    assert.equal(new Set(looks).size, 2);
    lay('two');
    await Promise.all(looks);
    const { serving } = await certificates.standing();
    assert.equal(serving.kind === 'tls' && serving.proven.pair.info.serial, pairs.two.serial);
  });

  it('half of a renewal is an alarm, and the old pair goes on until the other half is there', async () => {
    const certificates = await open({ given: { ...custom, source: 'settings' } });
    let changes = 0;
    certificates.onChange(() => (changes += 1));
    const { serving } = pairs.two;
    if (serving.kind === 'plain') assert.fail();
    copyFileSync(serving.proven.files.certPath, at('cert.pem'));
    await certificates.look();
    assert.equal(certificates.figures().alarm, 'raised');
    assert.equal(changes, 0);
    const still = certificates.serving('machine');
    assert.equal(still.kind === 'tls' && still.proven.pair.info.serial, pairs.one.serial);
    copyFileSync(serving.proven.files.keyPath, at('key.pem'));
    await certificates.look();
    assert.equal(certificates.figures().alarm, 'none');
    assert.equal(changes, 1);
  });

  it('while a choice and looks are under way, the choice holds', async () => {
    const certificates = await open({});
    const [, chosen] = await Promise.all([
      certificates.look(),
      certificates.choose(custom),
      certificates.look(),
      certificates.choose({ source: 'none' }),
      certificates.look(),
      certificates.choose(custom),
      certificates.look(),
    ]);
    assert.equal(chosen.kind, 'served');
    assert.equal(certificates.serving('machine').kind, 'tls');
    const again = await open({ folder: join(root, `own-${folders}`) });
    assert.equal(again.serving('machine').kind, 'tls');
  });

  it('what is chosen is written whole or stays as it was, on a disk that takes a part', () => {
    const path = join(root, 'whole/chosen.json');
    writeWhole(path, 'old');
    const script = `import { writeWhole } from ${JSON.stringify(import.meta.resolve('../../src/tls/chosen-file.ts'))};
      process.on('SIGXFSZ', () => undefined);
      try { writeWhole(${JSON.stringify(path)}, 'x'.repeat(100_000)); console.log('written'); }
      catch ({ code }) { console.log(code); }`;
    // A file may have 64 blocks of 512 bytes, or of 1024: less than is written, and more than nothing.
    const out = execFileSync(
      '/bin/sh',
      ['-c', 'ulimit -f 64; exec "$0" --input-type=module -e "$1"', process.execPath, script],
      { encoding: 'utf8' },
    );
    assert.equal(out.trim(), 'EFBIG');
    assert.equal(readFileSync(path, 'utf8'), 'old');
  });
});
