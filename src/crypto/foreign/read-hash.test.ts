import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type HashReading, readForeignHash } from './read-hash.ts';

const phcSalt = 'c29tZXNhbHQ';
const tag32 = 'CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
const bcryptTail = 'CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW';
const tag512 = 'svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1';
const tag256 = '5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5';
const hex32 = '55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc';
const base32 = Buffer.from(hex32, 'hex').toString('base64');

function read(text: string): Extract<HashReading, { kind: 'hash' }> {
  const reading = readForeignHash(text);
  assert.ok(reading.kind === 'hash', `${text}: ${JSON.stringify(reading)}`);
  return reading;
}

const readable: readonly string[] = [
  `$argon2id$v=19$m=65536,t=2,p=1$${phcSalt}$${tag32}`,
  `$argon2i$v=19$m=65536,t=2,p=1$${phcSalt}$${tag32}`,
  `$argon2d$v=16$m=65536,t=2,p=1$${phcSalt}$${tag32}`,
  `$argon2i$m=65536,t=2,p=1$${phcSalt}$${tag32}`,
  `$argon2id$v=19$m=262144,t=8,p=4$${phcSalt}$${tag32}`,
  `$scrypt$ln=16,r=8,p=1$${phcSalt}$${tag32}`,
  `$scrypt$ln=18,r=8,p=1$${phcSalt}$${tag32}`,
  `scrypt:32768:8:1$NaCl$${hex32}${hex32}`,
  `pbkdf2:sha256:1000000$NaCl$${hex32}`,
  `pbkdf2:sha1:1000$NaCl$${hex32.slice(0, 40)}`,
  `pbkdf2:sha512:50000$NaCl$${hex32}${hex32}`,
  `pbkdf2_sha256$1200000$vIcfDU2EVFnQosSdrxdcAP$${base32}`,
  `pbkdf2_sha256$600000$AAECAwQFBgcICQoLDA0ODw==$${base32}`,
  `$2a$05$${bcryptTail}`,
  `$2b$14$${bcryptTail}`,
  `$2y$10$${bcryptTail}`,
  `$5$saltstring$${tag256}`,
  `$6$saltstring$${tag512}`,
  `$6$rounds=1000$saltstringsaltst$${tag512}`,
  `$6$$${tag512}`,
];

describe('forms of other systems', () => {
  it('are read, and what is kept reads the same', () => {
    for (const text of readable) {
      const { canonical, hash } = read(text);
      assert.equal(canonical, text);
      assert.deepEqual(read(canonical).hash, hash);
    }
  });

  it("are read with Dovecot's name before them, in any case, and kept without", () => {
    const named = {
      'SHA512-CRYPT': readable[17],
      'sha512-crypt': readable[18],
      'SHA256-CRYPT': readable[16],
      'BLF-CRYPT': readable[15],
      CRYPT: readable[14],
      Crypt: readable[17],
      ARGON2ID: readable[0],
      ARGON2I: readable[1],
    };
    for (const [name, text = ''] of Object.entries(named)) assert.equal(read(`{${name}}${text}`).canonical, text);
    // The name of something else, one that is not supported, one with an encoding, two, none.
    for (const name of [
      '{SHA512-CRYPT}',
      '{PLAIN}',
      '{BLF-CRYPT.b64}',
      '{ARGON2ID}{ARGON2ID}',
      '{}',
      '{',
      '{constructor}',
    ])
      assert.equal(readForeignHash(`${name}${readable[1]}`).kind, 'unknown', name);
  });

  it('hexadecimal digits may be upper case, and are kept in lower case', () => {
    const upper = read(`pbkdf2:sha256:1000$NaCl$${hex32.toUpperCase()}`);
    assert.deepEqual(upper, read(`pbkdf2:sha256:1000$NaCl$${hex32}`));
    const scrypt = read(`scrypt:1024:8:1$NaCl$${hex32.toUpperCase()}`);
    assert.deepEqual(scrypt, read(`scrypt:1024:8:1$NaCl$${hex32}`));
  });

  it("Werkzeug's and Django's salts are their text, those of ProxMenux the bytes in base64", () => {
    const salt = (text: string): string => {
      const { hash } = read(text);
      assert.ok(hash.scheme === 'pbkdf2' || hash.scheme === 'scrypt');
      return Buffer.from(hash.salt).toString('latin1');
    };
    assert.equal(salt(`pbkdf2:sha256:1000$QUJD$${hex32}`), 'QUJD');
    assert.equal(salt(`scrypt:1024:8:1$QUJD$${hex32}`), 'QUJD');
    assert.equal(salt(`pbkdf2_sha256$1000$QUJDREVGR0hJSktMTU5P$${base32}`), 'QUJDREVGR0hJSktMTU5P');
    assert.equal(salt(`pbkdf2_sha256$1000$QUJDREVGR0hJSktMTU5PUA==$${base32}`), 'ABCDEFGHIJKLMNOP');
    // Bits that are no part of the 16 bytes: no base64 that anybody wrote, so it is a text.
    assert.equal(salt(`pbkdf2_sha256$1000$QUJDREVGR0hJSktMTU5PUB==$${base32}`), 'QUJDREVGR0hJSktMTU5PUB==');
  });

  it('that are not quite right are unknown, and what is said of them does not repeat them', () => {
    const wrong: readonly string[] = [
      '',
      'plain',
      hex32,
      '$argon2id$v=19$m=65536,t=2,p=1$',
      `$argon2id$v=18$m=65536,t=2,p=1$${phcSalt}$${tag32}`,
      `$argon2id$v=19$t=2,m=65536,p=1$${phcSalt}$${tag32}`,
      `$argon2id$v=19$m=65536,t=2,p=1,data=AA$${phcSalt}$${tag32}`,
      `$argon2id$v=19$m=065536,t=2,p=1$${phcSalt}$${tag32}`,
      `$argon2id$v=19$m=65536,t=0,p=1$${phcSalt}$${tag32}`,
      `$argon2id$v=19$m=65536,t=2,p=256$${phcSalt}$${tag32}`,
      `$argon2id$v=19$m=31,t=2,p=4$${phcSalt}$${tag32}`,
      `$argon2id$v=19$m=65536,t=2,p=1$$${tag32}`,
      `$argon2id$v=19$m=65536,t=2,p=1$c2FsdA$${tag32}`,
      `$argon2id$v=19$m=65536,t=2,p=1$${phcSalt}$`,
      `$argon2id$v=19$m=65536,t=2,p=1$${phcSalt}=$${tag32}`,
      `$argon2id$v=19$m=65536,t=2,p=1$${phcSalt}$${tag32}=`,
      `$argon2id$v=19$m=65536,t=2,p=1$${phcSalt}$${tag32.slice(0, -1)}d`,
      `$argon2id$v=19$m=65536,t=2,p=1$${phcSalt}$${tag32.replace('1', '-')}`,
      `$argon2id$v=19$m=65536,t=2,p=1$${phcSalt}$${tag32}$`,
      `$argon2ix$v=19$m=65536,t=2,p=1$${phcSalt}$${tag32}`,
      `$scrypt$ln=16,r=1,p=1$${phcSalt}$${tag32}`,
      `$scrypt$ln=0,r=8,p=1$${phcSalt}$${tag32}`,
      `$scrypt$n=65536,r=8,p=1$${phcSalt}$${tag32}`,
      `$scrypt$ln=16,r=8,p=1$$${tag32}`,
      `scrypt:30000:8:1$NaCl$${hex32}`,
      `scrypt:32768:8$NaCl$${hex32}`,
      `scrypt:32768:8:1$$${hex32}`,
      `scrypt:32768:8:1$NaCl$${hex32}0`,
      `pbkdf2:sha256$NaCl$${hex32}`,
      `pbkdf2:sha256:0$NaCl$${hex32}`,
      `pbkdf2:sha256:1e5$NaCl$${hex32}`,
      `pbkdf2:sha256:1000$$${hex32}`,
      `pbkdf2:sha256:1000$NaCl$${hex32.slice(2)}`,
      `pbkdf2:sha256:1000$NaCl$${hex32.replace('f', 'g')}`,
      `pbkdf2:md5:1000$NaCl$${hex32.slice(0, 32)}`,
      `pbkdf2:sha256:1000:9$NaCl$${hex32}`,
      `pbkdf2_sha256$1000$$${base32}`,
      `pbkdf2_sha256$1000$NaCl$${base32.replaceAll('=', '')}`,
      `pbkdf2_sha256$-1$NaCl$${base32}`,
      `pbkdf2_md5$1000$NaCl$${base32}`,
      `$2x$05$${bcryptTail}`,
      `$2$05$${bcryptTail}`,
      `$2c$05$${bcryptTail}`,
      `$2b$5$${bcryptTail}`,
      `$2b$03$${bcryptTail}`,
      `$2b$32$${bcryptTail}`,
      `$2b$05$${bcryptTail}.`,
      `$2b$05$${bcryptTail.slice(1)}`,
      `$6$rounds=999$saltstring$${tag512}`,
      `$6$rounds=01000$saltstring$${tag512}`,
      `$6$rounds=1000000000$saltstring$${tag512}`,
      `$6$rounds=$saltstring$${tag512}`,
      `$6$saltstringsaltstr$${tag512}`,
      `$6$salt:string$${tag512}`,
      `$6$saltstring$${tag512.slice(0, 85)}`,
      `$6$saltstring$${tag512.slice(0, 85)}+`,
      `$5$saltstring$${tag512}`,
      '$6$saltstring$',
      '$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7',
      '$1$saltstring$YMyguxXMBpd2TEZ.vS/3q1',
      '$'.repeat(1024),
      `$6$${'a'.repeat(2000)}`,
    ];
    for (const text of wrong) {
      const reading = readForeignHash(text);
      assert.ok(reading.kind === 'unknown', text);
      for (const part of text.split('$').filter((each) => each.length > 12))
        assert.ok(!reading.why.includes(part), text);
    }
  });

  it('white space anywhere makes them unknown, and so does anything that is no ASCII', () => {
    for (const text of readable) {
      for (const changed of [
        `${text}\n`,
        `${text} `,
        ` ${text}`,
        `${text}\r\n`,
        `${text}\0`,
        `${text}\u00a0`,
        text.replace('$', '$ '),
      ])
        assert.equal(readForeignHash(changed).kind, 'unknown', JSON.stringify(changed));
    }
  });
});

describe('bombs', () => {
  const bombs: readonly string[] = [
    `$argon2id$v=19$m=4194304,t=1,p=1$${phcSalt}$${tag32}`,
    // `doveadm pw -s ARGON2ID -r 4`
    `{ARGON2ID}$argon2id$v=19$m=1048576,t=4,p=1$${phcSalt}$${tag32}`,
    `$argon2id$v=19$m=262145,t=1,p=1$${phcSalt}$${tag32}`,
    `$argon2i$v=19$m=4294967295,t=4294967295,p=255$${phcSalt}$${tag32}`,
    `$argon2d$v=19$m=8,t=9999999999,p=1$${phcSalt}$${tag32}`,
    `$scrypt$ln=30,r=8,p=1$${phcSalt}$${tag32}`,
    `$scrypt$ln=99,r=8,p=1$${phcSalt}$${tag32}`,
    `$scrypt$ln=19,r=8,p=1$${phcSalt}$${tag32}`,
    `$scrypt$ln=17,r=8,p=5$${phcSalt}$${tag32}`,
    `$scrypt$ln=1,r=8,p=999999999$${phcSalt}$${tag32}`,
    `$scrypt$ln=10,r=999999999,p=1$${phcSalt}$${tag32}`,
    `scrypt:1073741824:8:1$NaCl$${hex32}`,
    `scrypt:1267650600228229401496703205376:8:1$NaCl$${hex32}`,
    `pbkdf2:sha256:1000000000000$NaCl$${hex32}`,
    `pbkdf2_sha256$1000000000000$NaCl$${base32}`,
    `pbkdf2_sha256$${'9'.repeat(31)}$NaCl$${base32}`,
    `$2b$31$${bcryptTail}`,
    `$2y$15$${bcryptTail}`,
    `$6$rounds=999999999$saltstring$${tag512}`,
    `$5$rounds=1000001$saltstring$${tag256}`,
    `{SHA256-CRYPT}$5$rounds=999999999$saltstring$${tag256}`,
  ];

  it('are told from hashes at once', () => {
    const begun = performance.now();
    for (const text of bombs) {
      const reading = readForeignHash(text);
      assert.ok(reading.kind === 'too-costly', text);
      assert.match(reading.why, /^needs \d/);
    }
    assert.ok(performance.now() - begun < 200);
  });

  it('any text at all is read within a moment', () => {
    const begun = performance.now();
    for (const start of ['$argon2id$', '$scrypt$', '$5$', '$6$rounds=', '$2b$', 'scrypt:', 'pbkdf2:', 'pbkdf2_', '{'])
      for (const filling of ['1', '$', '=', ',', 'a$', '{}', ':', '0', '+'])
        assert.notEqual(readForeignHash(`${start}${filling.repeat(1024)}`.slice(0, 1024)).kind, 'hash');
    assert.equal(readForeignHash('$'.repeat(10_000_000)).kind, 'unknown');
    assert.ok(performance.now() - begun < 500);
  });
});
