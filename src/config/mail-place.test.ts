import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { loadSettings } from './load.ts';
import { mailSender, readMailAddress, smtpUrl } from './mail-place.ts';

const server = (text: string) => {
  const parsed = smtpUrl.parse(text);
  return parsed.kind === 'value' ? parsed.value : parsed.reason;
};
const isAddress = (text: string): boolean => readMailAddress(text).kind === 'value';

test('a mail server is where its URL says, and away from this machine nothing is said to it without TLS', () => {
  assert.deepEqual(server('smtp://sallyport:p%40ss%2Fword@mail.home'), {
    host: 'mail.home',
    port: 587,
    username: 'sallyport',
    password: 'p@ss/word',
    tls: 'starttls',
  });
  assert.deepEqual(server('smtps://a%40b:c@[2001:db8::7]:4650/'), {
    host: '2001:db8::7',
    port: 4650,
    username: 'a@b',
    password: 'c',
    tls: 'implicit',
  });
  for (const host of ['127.0.0.1', 'localhost', '[::1]']) {
    const [plain, asked] = [server(`smtp://${host}:25`), server(`smtp://${host}:25?starttls=required`)];
    assert.ok(typeof plain === 'object' && plain.tls === 'off', host);
    assert.ok(typeof asked === 'object' && asked.tls === 'starttls', host);
  }
  for (const host of ['10.0.0.1', 'mail', '[fd00::1]', '127.0.0.1.example.org']) {
    const place = server(`smtp://${host}`);
    assert.ok(typeof place === 'object' && place.tls === 'starttls', host);
  }
});

test('what would send in the clear, or is not understood, is refused; the password is never repeated', () => {
  for (const text of [
    'smtp://mail?starttls=none',
    'smtp://mail?tls=off',
    'smtps://mail?starttls=required',
    'smtp://u@mail',
    'smtp://:p@mail',
    'smtp://mail/folder',
    'smtp://mail:0',
    'smtp://mail:99999',
    'smtp://',
    'http://mail',
    'mail:587',
    'smtp://u:p%0d%0aQUIT@mail',
    'smtp://u:p@mail\r\nQUIT',
  ])
    assert.equal(smtpUrl.parse(text).kind, 'refused', text);
  const loaded = loadSettings({
    argv: ['--smtp', 'smtp://u:hunter2hunter2@mail?tls=off', '--mail-from', 'a@b'],
    env: {},
    readFile: () => ({ kind: 'missing' }),
  });
  assert.ok(loaded.kind === 'refused');
  assert.doesNotMatch(JSON.stringify(loaded), /hunter2/);
});

test('an address is one address, and can be written into any header', () => {
  for (const text of ['alice@example.org', 'a.b+c@x', "o'neil@mail.example.org", 'jörg@büro.example', '用户@例え.jp'])
    assert.ok(isAddress(text), text);
  for (const text of [
    '',
    'alice',
    '@example.org',
    'alice@',
    'a@b@c',
    'a b@c',
    'a@b c',
    'a@b,c@d',
    'a@b;c@d',
    'Alice <a@b>',
    '<a@b>',
    'a(comment)@b',
    '"a b"@c',
    '.a@b',
    'a.@b',
    'a..b@c',
    'a@-b',
    'a@b-',
    'a@.b',
    'a@b.',
    'a@b..c',
    'a@[127.0.0.1]',
    'a@b\r\nBcc: c@d',
    'a\n@b',
    'a@b\n',
    'a@b\u2028',
    'a\u200b@b',
    'a\u202eb@c',
    'a\0@b',
    '\ud800@b',
    `${'a'.repeat(65)}@b`,
    `a@${'b'.repeat(253)}`,
  ])
    assert.ok(!isAddress(text), JSON.stringify(text));
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.constantFrom('\r', '\n', ' ', ',', '<', '"', '\0'),
      (text, sign) => {
        assert.ok(!isAddress(`${text}${sign}@b`));
        assert.ok(!isAddress(`a@b${sign}${text}`));
      },
    ),
  );
});

test('a sender has a name or none', () => {
  const sender = (text: string) => {
    const parsed = mailSender.parse(text);
    return parsed.kind === 'value' ? parsed.value : 'refused';
  };
  assert.deepEqual(sender('a@b'), { name: '', address: 'a@b' });
  assert.deepEqual(sender('Sign-in at home <a@b>'), { name: 'Sign-in at home', address: 'a@b' });
  for (const text of ['a@b', 'Sign-in <a@b>']) {
    const parsed = mailSender.parse(text);
    assert.ok(parsed.kind === 'value' && mailSender.format(parsed.value) === text);
  }
  for (const text of ['', 'A <>', 'A a@b', 'A\r\nBcc: c@d <a@b>', '"A" <a@b>', 'A <a@b> c', 'A <a@b\r\n>'])
    assert.equal(sender(text), 'refused', text);
});
