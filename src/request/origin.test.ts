import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Origin } from '../types.ts';
import { originOf, parseOrigin, parseReturnTo } from './origin.ts';

for (const [scheme, host, wanted] of [
  ['https', 'APP.test', 'https://app.test'],
  ['https', 'app.test.', 'https://app.test'],
  ['https', 'app.test:443', 'https://app.test'],
  ['http', 'app.test:80', 'http://app.test'],
  ['http', 'app.test:443', 'http://app.test:443'],
  ['http', '[::1]:8420', 'http://[::1]:8420'],
  ['http', 'localhost:08420', 'http://localhost:8420'],
  ['https', 'app.test:0', 'malformed'],
  ['https', 'app.test:99999', 'malformed'],
  ['https', 'user@app.test', 'malformed'],
  ['https', 'app.test/x', 'malformed'],
  ['https', 'app.test\\x', 'malformed'],
  ['https', ' app.test', 'malformed'],
  ['https', 'app.test, evil.test', 'malformed'],
  ['https', '', 'malformed'],
  ['https', 'äpp.test', 'malformed'],
] as const) {
  test(`originOf() reads ${scheme} "${host}" as ${wanted}`, () => {
    const form = originOf(scheme, host);
    assert.equal(form.kind === 'origin' ? form.origin : 'malformed', wanted);
  });
}

const hosts: ReadonlySet<Origin> = new Set(['https://app.test' as Origin, 'http://127.0.0.1:8421' as Origin]);

for (const [text, wanted] of [
  ['https://app.test/', 'https://app.test /'],
  ['https://app.test', 'https://app.test /'],
  ['https://APP.test:443/a?b=c', 'https://app.test /a?b=c'],
  ['http://127.0.0.1:8421/x', 'http://127.0.0.1:8421 /x'],
  ['https://evil.test', 'refused'],
  ['//evil.test', 'refused'],
  ['/\\evil.test', 'refused'],
  ['\\\\evil.test', 'refused'],
  ['https:evil.test', 'refused'],
  ['https://app.test@evil.test', 'refused'],
  ['https://app.test.evil.test', 'refused'],
  ['https://app.test\\.evil.test/', 'refused'],
  ['https://app.test/#x', 'refused'],
  ['https://app.test//evil.test', 'refused'],
  ['http://app.test/', 'refused'],
  ['javascript:alert(1)', 'refused'],
  ['data:text/html,x', 'refused'],
  ['%2f%2fevil.test', 'refused'],
  ['/%09/evil.test', 'refused'],
  [' https://app.test/', 'refused'],
  ['https://app.test/\t', 'refused'],
  ['https://evil.test%00.app.test', 'refused'],
  ['', 'refused'],
] as const) {
  test(`parseReturnTo() ${wanted === 'refused' ? 'refuses' : 'takes'} ${JSON.stringify(text)}`, () => {
    const target = parseReturnTo(text, hosts);
    assert.equal(target.kind === 'target' ? `${target.origin} ${target.path}` : 'refused', wanted);
  });
}

test('whatever parseReturnTo() takes, a browser reads as the same origin', () => {
  fc.assert(
    fc.property(fc.webUrl({ withQueryParameters: true }), fc.string(), (url, junk) => {
      for (const text of [
        url,
        junk,
        `https://app.test${junk}`,
        `https://app.test/${junk}`,
        `https://${junk}app.test/`,
      ]) {
        const target = parseReturnTo(text, hosts);
        if (target.kind === 'target') assert.equal(new URL(`${target.origin}${target.path}`).origin, target.origin);
      }
    }),
  );
});

test('parseOrigin() takes nothing after the port', () => {
  for (const text of ['https://app.test/', 'https://app.test?x', 'ftp://app.test', 'app.test', 'https://'])
    assert.equal(parseOrigin(text).kind, 'malformed');
});
