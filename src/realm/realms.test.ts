import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Username } from '../types.ts';
import type { OutsideRealm } from './contract.ts';
import { noRealms, realmsOf } from './realms.ts';

const realm = (name: string): OutsideRealm => ({ kind: 'custom', name }) as OutsideRealm;
const made = realmsOf([realm('corp'), realm('lab-2.example')]);
assert.ok(made.kind === 'made');
const { realms } = made;

const split = (text: string, aliases?: ReadonlyMap<string, string>): string => {
  const at = realms.split(text as Username, aliases);
  return `${at.realm.name} ${at.name} ${at.username}`;
};

test('the last @ splits off a realm, and only one that there is', () => {
  const cases = {
    alice: 'local alice alice',
    'alice@corp': 'corp alice alice@corp',
    'alice@lab-2.example': 'lab-2.example alice alice@lab-2.example',
    'alice@example.org': 'local alice@example.org alice@example.org',
    'alice@example.org@corp': 'corp alice@example.org alice@example.org@corp',
    'alice@corp@example.org': 'local alice@corp@example.org alice@corp@example.org',
    'alice@local': 'local alice alice',
    'alice@local@local': 'local alice alice',
    'alice@example.org@local': 'local alice@example.org alice@example.org',
    // Nobody gets at another realm's name, or past it, by saying `@local` behind it.
    'alice@corp@local': 'corp alice alice@corp',
    '@corp': 'local @corp @corp',
    '@local': 'local @local @local',
    'alice@': 'local alice@ alice@',
    'alice@cor': 'local alice@cor alice@cor',
    'alice@constructor': 'local alice@constructor alice@constructor',
  };
  for (const [text, expected] of Object.entries(cases)) assert.equal(split(text), expected, text);
});

test('realms have other names for whoever says so, and never in place of one that there is', () => {
  const aliases = new Map([
    ['pve', 'local'],
    ['ad', 'corp'],
    ['corp', 'local'],
    ['away', 'none'],
  ]);
  assert.equal(split('alice@pve'), 'local alice@pve alice@pve');
  assert.equal(split('alice@pve', aliases), 'local alice alice');
  assert.equal(split('alice@ad', aliases), 'corp alice alice@corp');
  assert.equal(split('alice@corp', aliases), 'corp alice alice@corp');
  assert.equal(split('alice@away', aliases), 'local alice@away alice@away');
});

test('realms have names of their own, that are names', () => {
  for (const name of ['local', 'Corp', 'c', 'a'.repeat(33), '-corp', 'co rp', 'co@rp', ''])
    assert.equal(realmsOf([realm(name)]).kind, 'refused', name);
  assert.equal(realmsOf([realm('corp'), realm('corp')]).kind, 'refused');
  assert.deepEqual(
    realms.all.map(({ name }) => name),
    ['local', 'corp', 'lab-2.example'],
  );
  assert.deepEqual(
    [realms.named('corp')?.name, realms.named('local')?.kind, realms.named('x')],
    ['corp', 'local', undefined],
  );
  assert.deepEqual(noRealms().outside, []);
});
