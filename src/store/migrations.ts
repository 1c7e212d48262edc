/** The numbered files that bring each engine's schema to this version. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface Migration {
  readonly version: number;
  readonly sql: string;
}

/** Every migration that ships with this version for that engine, in order. */
export function shippedMigrations(engine: 'sqlite' | 'postgres'): readonly Migration[] {
  // The folder by its plain name: the published form has it beside the bundle.
  const folder = new URL(`${engine}/`, new URL('migrations/', import.meta.url));
  const names = readdirSync(fileURLToPath(folder))
    .filter((name) => name.endsWith('.sql'))
    .sort();
  return names.map((name, index) => {
    const version = Number(/^(\d{4})-[a-z0-9-]+\.sql$/.exec(name)?.[1]);
    if (version !== index + 1) throw new Error(`Cannot use migration ${name}: expected number ${index + 1}`);
    return { version, sql: readFileSync(new URL(name, folder), 'utf8') };
  });
}
