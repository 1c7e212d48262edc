/** Published vectors of every scheme; beside each, a wrong password and a hash of which one bit is another. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compareHash } from './compare-hash.ts';
import type { ForeignHash } from './foreign-hash.ts';
import { readForeignHash } from './read-hash.ts';

function hashOf(text: string): ForeignHash {
  const reading = readForeignHash(text);
  assert.ok(reading.kind === 'hash', `${text}: ${JSON.stringify(reading)}`);
  return reading.hash;
}

const compare = async (text: string, password: string) => (await compareHash(hashOf(text), password)).kind;

function changed(hash: ForeignHash): ForeignHash {
  if (typeof hash.tag === 'string') {
    const other = hash.tag[5] === 'a' ? 'b' : 'a';
    return { ...hash, tag: `${hash.tag.slice(0, 5)}${other}${hash.tag.slice(6)}` } as ForeignHash;
  }
  const tag = Uint8Array.from(hash.tag);
  tag[tag.length - 1] = (tag.at(-1) ?? 0) ^ 1;
  return { ...hash, tag } as ForeignHash;
}

const base64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64');

type Vector = readonly [password: string, hash: string];

const vectors: Readonly<Record<string, readonly Vector[]>> = {
  'SHA-crypt (its specification, version 0.6)': [
    ['Hello world!', '$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5'],
    ['Hello world!', '$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA'],
    ['This is just a test', '$5$rounds=5000$toolongsaltstrin$Un/5jzAHMgOGZ5.mWJpuVolil07guHPvOW8mGRcvxa5'],
    [
      'a very much longer text to encrypt.  This one even stretches over morethan one line.',
      '$5$rounds=1400$anotherlongsalts$Rx.j8H.h8HjEDGomFU8bDkXm3XIUnzyxf12oP84Bnq1',
    ],
    [
      'we have a short salt string but not a short password',
      '$5$rounds=77777$short$JiO1O3ZpDAxGJeaDIuqCoEFysAe1mZNJRs3pw0KQRd/',
    ],
    ['a short string', '$5$rounds=123456$asaltof16chars..$gP3VQ/6X7UUEW3HkBn2w1/Ptq2jxPyzV/cZKmF/wJvD'],
    ['the minimum number is still observed', '$5$rounds=1000$roundstoolow$yfvwcWrQ8l/K0DAWyuPMDNHpIVlTQebY9l/gL972bIC'],
    [
      'Hello world!',
      '$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1',
    ],
    [
      'Hello world!',
      '$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.',
    ],
    ['', '$6$$/chiBau24cE26QQVW3IfIe68Xu5.JQ4E8Ie7lcRLwqxO5cxGuBhqF2HmTL.zWJ9zjChg3yJYFXeGBQ2y3Ba1d1'],
  ],
  'bcrypt (crypt_blowfish)': [
    ['U*U', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
    ['U*U*', '$2b$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK'],
    ['U*U*U', '$2y$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a'],
    ['', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy'],
    [
      '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789chars after 72 are ignored',
      '$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui',
    ],
  ],
  'scrypt (RFC 7914)': [
    [
      'pleaseletmein',
      'scrypt:16384:8:1$SodiumChloride$7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887',
    ],
    [
      'password',
      `$scrypt$ln=10,r=8,p=16$TmFDbA$${base64('fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640').replaceAll('=', '')}`,
    ],
  ],
  'PBKDF2 (RFC 7914, and the published vectors of SHA-1)': [
    ['passwd', 'pbkdf2:sha256:1$salt$55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc'],
    [
      'Password',
      `pbkdf2_sha256$80000$NaCl$${base64('4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56')}`,
    ],
    ['password', 'pbkdf2:sha1:4096$salt$4b007901b765489abead49d926f721d065a429c1'],
  ],
  'Argon2 (its reference implementation)': [
    ['password', '$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA'],
    ['password', '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'],
    ['password', '$argon2d$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$lV5dWxY6G2C7o1/DbQSWR0+6T2tZrVNihmbwf7L5Pq8'],
    // Of the first version, which does not say so.
    ['password', '$argon2i$m=65536,t=2,p=1$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ'],
  ],
};

for (const [scheme, each] of Object.entries(vectors)) {
  describe(scheme, () => {
    for (const [password, text] of each) {
      it(`${text.slice(0, 28)}…`, async () => {
        const hash = hashOf(text);
        assert.equal((await compareHash(hash, password)).kind, 'match');
        for (const wrong of [`x${password}`, password === '' ? ' ' : password.slice(1)])
          assert.equal((await compareHash(hash, wrong)).kind, 'mismatch', wrong);
        assert.equal((await compareHash(changed(hash), password)).kind, 'mismatch');
      });
    }
  });
}

describe('traps', () => {
  const long = '$2b$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui';
  const first72 = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

  it('of a bcrypt password 72 bytes count, and every one of them does', async () => {
    assert.equal(await compare(long, first72), 'match');
    assert.equal(await compare(long, `${first72}${'x'.repeat(900)}`), 'match');
    assert.equal(await compare(long, first72.slice(0, 71)), 'mismatch');
    assert.equal(await compare(long, `${first72.slice(0, 71)}8`), 'mismatch');
  });

  it('a bcrypt salt whose last letter has bits that mean nothing is read as crypt(3) reads it', async () => {
    assert.equal(await compare('$2b$05$CCCCCCCCCCCCCCCCCCCCC/E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW', 'U*U'), 'match');
    assert.equal(await compare('$2b$05$CCCCCCCCCCCCCCCCCCCCC/E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW', 'U*V'), 'mismatch');
  });

  it('a hash whose last letter has such bits matches nothing', async () => {
    assert.equal(await compare('$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeX', 'U*U'), 'mismatch');
    assert.equal(
      await compare('$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEcT', 'Hello world!'),
      'mismatch',
    );
  });
});
