import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { cookieName, expireCookie, readCookie, setCookie, withoutOurCookies } from './cookie.ts';

for (const [header, wanted] of [
  ['sallyport-account=abc', 'abc'],
  ['x=1; sallyport-account=abc; y=2', 'abc'],
  ['x=1;sallyport-account=abc', 'abc'],
  ['sallyport-account=', ''],
  ['sallyport-account=a=b', 'a=b'],
  ['sallyport-account', 'absent'],
  ['xsallyport-account=abc', 'absent'],
  ['sallyport-accountx=abc', 'absent'],
  ['SALLYPORT-ACCOUNT=abc', 'absent'],
  ['x="; sallyport-account=abc"', 'abc"'],
  ['sallyport-account=a; sallyport-account=b', 'repeated'],
  ['sallyport-account=a; sallyport-account=a', 'repeated'],
] as const) {
  test(`readCookie() finds ${wanted} in "${header}"`, () => {
    const found = readCookie(header, 'sallyport-account');
    assert.equal(found.kind === 'value' ? found.value : found.kind, wanted);
  });
}

test('readCookie() reads several Cookie headers as one', () => {
  assert.equal(readCookie(['sallyport-account=a', 'sallyport-account=b'], 'sallyport-account').kind, 'repeated');
});

test('readCookie() finds what a serialiser wrote, among anything else', () => {
  const token = fc.stringMatching(/^[A-Za-z0-9_-]{1,43}$/);
  fc.assert(
    fc.property(token, fc.array(fc.tuple(fc.stringMatching(/^[a-z]{1,8}$/), token)), (value, others) => {
      const text = [...others.map(([name, each]) => `${name}=${each}`), `__Host-sallyport-admin=${value}`].join('; ');
      assert.deepEqual(readCookie(text, '__Host-sallyport-admin'), { kind: 'value', value });
    }),
  );
});

test('readCookie() is linear in the header', () => {
  const found = readCookie(`${'sallyport-account'.repeat(4000)}; ${';'.repeat(60_000)}`, 'sallyport-account');
  assert.equal(found.kind, 'absent');
});

test('setCookie() is HttpOnly on Path=/ without a Domain, and Secure over HTTPS', () => {
  assert.equal(
    setCookie(cookieName('s', 'https', 'admin'), 'v', { scheme: 'https', sameSite: 'Strict' }),
    '__Host-s-admin=v; Path=/; HttpOnly; SameSite=Strict; Secure',
  );
  assert.equal(
    setCookie(cookieName('s', 'http', 'account'), 'v', { scheme: 'http', sameSite: 'Lax' }),
    's-account=v; Path=/; HttpOnly; SameSite=Lax',
  );
  assert.match(expireCookie('s-account'), /Max-Age=0/);
});

for (const [header, wanted] of [
  ['sallyport-account=a; theme=dark', 'theme=dark'],
  ['__Host-sallyport-app=a', undefined],
  ['__host-sallyport-app=a; __Secure-sallyport-x=b; sallyport-device=c', undefined],
  ['mysallyport-account=a; sallyport=b', 'mysallyport-account=a; sallyport=b'],
] as const) {
  test(`withoutOurCookies() leaves ${JSON.stringify(wanted)} of "${header}"`, () =>
    assert.equal(withoutOurCookies(header, { cookieStem: 'sallyport', ticketPrefix: 'SP' }), wanted));
}
