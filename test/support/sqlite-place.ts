/** A SQLite database of a test's own: its place, and what is done with it again and again. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { openSqliteStore, type SqliteOpening } from '../../src/store/sqlite/open.ts';
import type { Store } from '../../src/store/store.ts';
import type { UserId, Username } from '../../src/types.ts';
import { audit, initialise, user } from '../store-contract.ts';

export interface Place {
  readonly folder: string;
  readonly path: string;
  readonly ownerPath: string;
}

export function newPlace(): Place {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-store-'));
  return { folder, path: join(folder, 'sallyport.db'), ownerPath: join(folder, 'owner.lock.db') };
}

export function placeFor(context: TestContext): Place {
  const place = newPlace();
  context.after(() => rmSync(place.folder, { recursive: true, force: true }));
  return place;
}

export async function opened(place: Place): Promise<Store> {
  const opening = await openSqliteStore(place);
  if (opening.kind !== 'opened') assert.fail(`${opening.kind}: ${opening.detail}`);
  return opening.store;
}

/** Opened, given some content, closed: one whole file. */
export async function filled(place: Place): Promise<void> {
  const store = await opened(place);
  await initialise(store);
  await Promise.all(Array.from({ length: 400 }, (_, index) => store.createUser(numbered(index), audit())));
  await store.close();
}

export async function refused(place: Place, kind: SqliteOpening['kind'], detail: RegExp): Promise<void> {
  const opening = await openSqliteStore(place);
  if (opening.kind === 'opened') await opening.store.close();
  assert.equal(opening.kind, kind);
  assert.match(opening.kind === 'opened' ? '' : opening.detail, detail);
}

export const numbered = (index: number) => user(`u_${index}` as UserId, { username: `user${index}` as Username });
export const mode = (path: string): number => statSync(path).mode & 0o777;
export const modes = (folder: string): Record<string, string> =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, mode(join(folder, name)).toString(8)]));

/** Another process with the engine; `body` sees `openSqliteStore`, `migrations`, `place`, `told` and the contract's fixtures. */
export function otherProcess(context: TestContext, place: Place, body: string): ChildProcess {
  const from = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
  const program = `
    import { openSqliteStore } from ${from('../../src/store/sqlite/open.ts')};
    import { shippedMigrations } from ${from('../../src/store/migrations.ts')};
    import { attempt, audit, initialise, user } from ${from('../store-contract.ts')};
    const place = { ...${JSON.stringify(place)}, migrations: shippedMigrations('sqlite') };
    const told = (message) => process.send(message);
    ${body}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  context.after(() => child.kill('SIGKILL'));
  return child;
}

export async function said(child: ChildProcess): Promise<unknown> {
  const [message] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => assert.fail(`the other process ended with ${String(code)}`)),
  ]);
  return message;
}
