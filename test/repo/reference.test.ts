/** `docs/reference/` is made from the code, and says what the code says now. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { problems } from '../../src/errors.ts';
import { embed, type Embedded } from '../support/library.ts';
import { referencePages } from './reference.ts';
import { inRepository, read, readCode, sources } from './repository.ts';

describe('docs/reference', () => {
  let embedded: Embedded;
  before(async () => {
    embedded = await embed();
  });
  after(() => embedded.close());

  it('is what `node test/repo/write-reference.ts` would write', () => {
    for (const { path, text } of referencePages(embedded.sallyport.routes)) {
      assert.ok(existsSync(inRepository(path)), `${path} is missing: run node test/repo/write-reference.ts`);
      assert.equal(read(path), text, `${path} is old: run node test/repo/write-reference.ts`);
    }
  });

  it('the table has a row for every route, each with a need, and refusals that exist', () => {
    const { routes } = embedded.sallyport;
    assert.ok(routes.length > 0);
    const names = routes.map((route) => `${route.method} ${route.path}`);
    assert.deepEqual(names, [...new Set(names)]);
    for (const route of routes) {
      for (const code of route.refusals) assert.ok(code in problems, `${route.path} refuses with ${code}`);
    }
  });

  it('every error code is used, and stands in the errors page; the page has no other', () => {
    const code = sources
      .filter((path) => path !== 'src/errors.ts')
      .map(readCode)
      .join('\n');
    const used = Object.keys(problems).filter((name) => code.includes(`'${name}'`));
    assert.deepEqual(used, Object.keys(problems));
    const listed = [...read('docs/reference/errors.md').matchAll(/^\| `([a-z_]+)` \|/gm)].map(([, name]) => name);
    assert.deepEqual(
      listed.filter((name) => name !== 'error_code'),
      Object.keys(problems),
    );
  });
});
