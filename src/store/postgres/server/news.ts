/**
 * A connection of its own for what must never wait behind anything else: reading changes, saying that this node runs, and
 * hearing that others changed something. It is made anew when it is needed and gone.
 */
import { Client, DatabaseError } from 'pg';
import { clientConfig, type PostgresPlace, type Row, textOf } from './database.ts';

/** Heard by every node that listens, when the transaction commits; says nothing but "read". */
export const channel = 'sallyport_changes';

export interface News {
  rows(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
  /** Whether the server passes on that something changed: not every service that speaks PostgreSQL does. */
  readonly passing: 'notify' | 'none';
  close(): Promise<void>;
}

/** Throws when the server cannot be reached. */
export async function openNews(
  place: PostgresPlace,
  onNews: () => void,
  onTrouble: (what: string) => void,
): Promise<News> {
  let current: Promise<Client> | null = null;
  let passing: 'notify' | 'none' = 'notify';
  let closed = false;

  const connect = async (): Promise<Client> => {
    const client = new Client(clientConfig(place));
    const gone = (): void => {
      if (current !== null && client === opened) current = null;
    };
    let opened: Client | undefined;
    client.on('error', gone);
    client.on('end', gone);
    client.on('notification', onNews);
    await client.connect();
    opened = client;
    try {
      if (passing === 'notify') await client.query(`LISTEN ${channel}`);
    } catch (fault) {
      if (!(fault instanceof DatabaseError)) throw fault;
      passing = 'none';
      onTrouble(`the database does not pass on news (${textOf(fault)}): changes are read every second`);
    }
    return client;
  };

  const connected = (): Promise<Client> => {
    if (closed) return Promise.reject(new Error('the store is closed'));
    current ??= connect().catch((fault: unknown) => {
      current = null;
      throw fault;
    });
    return current;
  };

  await connected();
  return {
    rows: async (text, values = []) => {
      const client = await connected();
      try {
        return (await client.query<Row>(text, [...values])).rows;
      } catch (fault) {
        // Only a server's own answer leaves the connection as it was.
        if (!(fault instanceof DatabaseError) || fault.code?.startsWith('57') === true) {
          current = null;
          void client.end().catch(() => undefined);
        }
        throw fault;
      }
    },
    get passing() {
      return passing;
    },
    close: async () => {
      closed = true;
      const last = current;
      current = null;
      if (last !== null) await last.then((client) => client.end()).catch(() => undefined);
    },
  };
}
