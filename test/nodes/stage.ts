/** Several nodes over one database, each with a folder and a port of its own. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Got, send } from '../support/client.ts';
import { type TestDatabase, type TestPostgres } from '../support/postgres.ts';
import { type RunningServer, startServer, temporaryFolder } from '../support/server.ts';

export interface NodesStage {
  readonly database: TestDatabase;
  readonly rootKey: string;
  /** A node in a new folder, or in one that was used before. */
  start(options?: {
    data?: string;
    args?: readonly string[];
    env?: Readonly<Record<string, string>>;
  }): Promise<RunningServer>;
  /** The settings that commands beside such a node need. */
  readonly env: Readonly<Record<string, string>>;
  /** Ends all that still run. */
  close(): Promise<void>;
}

export async function stageNodes(
  postgres: TestPostgres,
  more: Readonly<Record<string, string>> = {},
): Promise<NodesStage> {
  const database = await postgres.createDatabase();
  const keys = await temporaryFolder();
  const rootKey = join(keys, 'root.key');
  const env = { SALLYPORT_DATABASE: database.url, SALLYPORT_ROOT_KEY_FILE: rootKey, ...more };
  const started: RunningServer[] = [];
  return {
    database,
    rootKey,
    env,
    start: async (options = {}) => {
      const server = await startServer({ ...options, env: { ...env, ...options.env } });
      started.push(server);
      return server;
    },
    close: async () => {
      await Promise.all(started.map((server) => server.remove()));
      await rm(keys, { recursive: true, force: true });
    },
  };
}

export function bearer(token: string): { readonly authorization: string } {
  return { authorization: `Bearer ${token}` };
}

/** What a session is told at that node. */
export function sessionAt(server: Pick<RunningServer, 'console'>, token: string): Promise<Got> {
  return send(`${server.console}/api/auth/sessions`, { headers: bearer(token) });
}
