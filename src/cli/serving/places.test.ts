import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { loadSettings } from '../../config/load.ts';
import type { Places } from '../../request/arrival.ts';
import type { Scheme } from '../../request/origin.ts';
import { placesOf } from './places.ts';

const own = { names: ['nas.home', 'localhost'], addresses: ['127.0.0.1', '::1', '192.0.2.2', '2001:db8::2'] } as const;

function places(scheme: Scheme, ...argv: readonly string[]): Places {
  const loaded = loadSettings({ argv, env: {}, readFile: () => ({ kind: 'missing' }) });
  if (loaded.kind === 'refused') throw new Error(JSON.stringify(loaded.problems));
  return placesOf(loaded.settings, { console: { at: loaded.settings.listen, scheme } }, own);
}

suite('places', () => {
  test('a plain public URL becomes HTTPS at the port it had, also where none was written', () => {
    const first = (url: string): string => places('https', '--listen', '127.0.0.1:80', '--public-url', url).console[0];
    assert.equal(first('http://localhost'), 'https://localhost:80');
    assert.equal(first('http://[::1]'), 'https://[::1]:80');
    assert.equal(first('http://localhost:8420'), 'https://localhost:8420');
    assert.equal(first('https://auth.test'), 'https://auth.test');
    assert.equal(places('http', '--public-url', 'http://localhost').console[0], 'http://localhost');
  });

  test('on all addresses over TLS: the addresses of the network first, and no name that is not ours', () => {
    assert.deepEqual(places('https', '--listen', '0.0.0.0:8420').console, [
      'https://192.0.2.2:8420',
      'https://nas.home:8420',
      'https://localhost:8420',
      'https://127.0.0.1:8420',
      'https://[::1]:8420',
    ]);
  });
});
