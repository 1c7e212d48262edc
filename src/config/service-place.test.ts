import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { loadSettings } from './load.ts';
import { databaseUrl, reachOfPlace, valkeyUrl } from './service-place.ts';

const database = (text: string) => {
  const parsed = databaseUrl.parse(text);
  return parsed.kind === 'value' ? parsed.value : parsed.reason;
};
const refusedDatabase = (text: string): string => {
  const parsed = databaseUrl.parse(text);
  assert.equal(parsed.kind, 'refused', text);
  return parsed.kind === 'refused' ? parsed.reason : '';
};
const refusedValkey = (text: string): string => {
  const parsed = valkeyUrl.parse(text);
  assert.equal(parsed.kind, 'refused', text);
  return parsed.kind === 'refused' ? parsed.reason : '';
};
const valkey = (text: string) => {
  const parsed = valkeyUrl.parse(text);
  return parsed.kind === 'value' ? parsed.value : parsed.reason;
};

test('a database is where its URL says, and must prove who it is unless it is on this machine', () => {
  assert.deepEqual(database('postgres://sallyport:p%40ss%2Fword@db.home/auth'), {
    host: 'db.home',
    port: 5432,
    user: 'sallyport',
    password: 'p@ss/word',
    database: 'auth',
    tls: 'verify',
  });
  assert.deepEqual(database('postgresql://u@[2001:db8::7]:6000?sslmode=disable'), {
    host: '2001:db8::7',
    port: 6000,
    user: 'u',
    password: '',
    database: 'u',
    tls: 'off',
  });
  assert.deepEqual(database('postgres://u@/auth?host=/run/postgresql'), {
    host: '/run/postgresql',
    port: 5432,
    user: 'u',
    password: '',
    database: 'auth',
    tls: 'off',
  });
  for (const host of ['127.0.0.1', 'localhost', '[::1]']) {
    const place = database(`postgres://u@${host}/d`);
    assert.ok(typeof place === 'object' && place.tls === 'off', host);
    const verified = database(`postgres://u@${host}/d?sslmode=verify-full`);
    assert.ok(typeof verified === 'object' && verified.tls === 'verify', host);
  }
});

test('what would connect to whoever answers is refused, and so is what is not understood', () => {
  for (const mode of ['require', 'prefer', 'allow', 'verify-ca', 'no-verify', ''])
    assert.match(refusedDatabase(`postgres://u:secret-text@db/d?sslmode=${mode}`), /verify-full/, mode);
  for (const text of [
    '',
    'sqlite',
    'mysql://u@h/d',
    'postgres://h/d',
    'postgres://u:secret-text@/d',
    'postgres://u:secret-text@h:0/d',
    'postgres://u:secret-text@h:99999/d',
    'postgres://u:secret-text@h,i/d',
    'postgres://u:secret-text@h/d#x',
    'postgres://u:secret-text@h/d?options=-c%20x',
    'postgres://u:secret-text@h/d?sslmode=disable&sslmode=disable',
    'postgres://u:secret-text@h/d?host=/run',
    'postgres://u:secret-text@/d?host=run',
    'postgres://u:secret-text@/d?host=/run&sslmode=verify-full',
    'postgres://u:secret-text%@h/d',
    'postgres://u:secret-text%00@h/d',
    'postgres://u:secret-text@h/d%0a',
    'postgres://u:secret-text@h/d e',
    `postgres://u:secret-text@h/${'d'.repeat(3000)}`,
  ])
    assert.doesNotMatch(refusedDatabase(text), /secret-text/);
});

test('Valkey is one server, one found by sentinels, a cluster, or a socket', () => {
  const plain = { username: '', password: '', database: 0, tls: 'off' };
  assert.deepEqual(valkey('redis://10.0.0.7'), { ...plain, at: { kind: 'single', host: '10.0.0.7', port: 6379 } });
  assert.deepEqual(valkey('valkeys://u:p%3A@cache.home:6380/3'), {
    at: { kind: 'single', host: 'cache.home', port: 6380 },
    username: 'u',
    password: 'p:',
    database: 3,
    tls: 'verify',
  });
  assert.deepEqual(valkey('redis://:p@h'), { ...plain, password: 'p', at: { kind: 'single', host: 'h', port: 6379 } });
  assert.deepEqual(valkey('rediss+sentinel://:p@s1,s2:26380/main/2'), {
    at: {
      kind: 'sentinel',
      sentinels: [
        { host: 's1', port: 26_379 },
        { host: 's2', port: 26_380 },
      ],
      master: 'main',
    },
    username: '',
    password: 'p',
    database: 2,
    tls: 'verify',
  });
  assert.deepEqual(valkey('valkey+cluster://n1,[fd00::2]:7000'), {
    ...plain,
    at: {
      kind: 'cluster',
      nodes: [
        { host: 'n1', port: 6379 },
        { host: 'fd00::2', port: 7000 },
      ],
    },
  });
  assert.deepEqual(valkey('redis+unix:///run/valkey.sock'), {
    ...plain,
    at: { kind: 'socket', path: '/run/valkey.sock' },
  });
});

test('and nothing else', () => {
  for (const text of [
    '',
    'http://h',
    'redis+tcp://h',
    'redis://',
    'redis://h:0',
    'redis://u@h',
    'redis://h/x',
    'redis://h?db=1',
    'redis+sentinel://s1,s2',
    'redis+sentinel://s1/ma%20ster',
    'redis+sentinel://s1/m/1/2',
    'redis+cluster://n1/1',
    'redis+cluster://n1,,n2',
    'rediss+unix:///run/valkey.sock',
    'redis+unix://host/run/valkey.sock',
    'redis+unix:///',
    'redis://:secret-text\r\nFLUSHALL@h',
  ])
    assert.doesNotMatch(refusedValkey(text), /secret-text/);
});

test('whatever is typed, no fault and no password in what is said', () => {
  const part = fc.string({ unit: 'binary', maxLength: 12 });
  fc.assert(
    fc.property(
      fc.constantFrom('postgres', 'redis', 'rediss+sentinel'),
      part,
      part,
      part,
      (scheme, user, host, path) => {
        const secret = 'correct-horse-battery';
        for (const kind of [databaseUrl, valkeyUrl]) {
          const parsed = kind.parse(`${scheme}://${user}:${secret}@${host}/${path}`);
          if (parsed.kind === 'refused') assert.doesNotMatch(parsed.reason, /horse/);
        }
      },
    ),
  );
});

test('what is on the way to it is known', () => {
  const place = (text: string) => {
    const parsed = valkeyUrl.parse(text);
    assert.ok(parsed.kind === 'value');
    return reachOfPlace(parsed.value);
  };
  assert.equal(place('redis+cluster://127.0.0.1,10.0.0.1'), 'network');
  assert.equal(place('redis+sentinel://localhost,[::1]/m'), 'machine');
  assert.equal(place('redis+unix:///run/v.sock'), 'machine');
});

test('settings that need each other', () => {
  const told = (...argv: string[]): string => {
    const loaded = loadSettings({ argv, env: {}, readFile: () => ({ kind: 'missing' }) });
    const notices = loaded.kind === 'refused' ? loaded.problems : loaded.warnings;
    return `${loaded.kind}: ${notices.map(({ message }) => message).join('; ')}`;
  };
  const db = '--database=postgres://u:secret-text@db.home/d';
  assert.match(told('--valkey=redis://h'), /^refused: .*valkey needs database/);
  assert.match(told('--database-ca-file=/ca.pem'), /^refused: .*no effect without database/);
  assert.match(told(`${db}?sslmode=disable`, '--database-ca-file=/ca.pem'), /^refused: .*without TLS/);
  assert.match(told(db, '--database-cert-file=/c.pem'), /^refused: .*given together/);
  assert.match(told(db, '--database-cert-file=/c.pem', '--database-key-file=/k.pem'), /^settings: /);
  assert.match(told(`${db}?sslmode=disable`), /^settings: .*in the clear/);
  assert.match(told(db, '--valkey=redis://10.0.0.1'), /^settings: .*in the clear/);
  assert.match(told('--database-timeout=1s'), /^settings: .*no effect/);
  assert.doesNotMatch(told(`${db}?sslmode=require`), /secret-text/);
});
