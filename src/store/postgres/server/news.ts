/**
 * A connection of its own for what must never wait behind anything else: reading changes, saying that this node runs, and
 * hearing that others changed something. It is made anew when it is needed and gone.
 */
import { Client, DatabaseError } from 'pg';
import { clientConfig, type PostgresPlace, type Row, textOf } from './database.ts';

/** Heard by every node that listens, when the transaction commits; says nothing but "read". */
export const channel = 'sallyport_changes';

/** Nobody waits for the end of what does not answer. */
function leave(client: Client): void {
  client.removeAllListeners('notification');
  void client.end().catch(() => undefined);
}

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

  const connect = async (gone: () => void): Promise<Client> => {
    const client = new Client(clientConfig(place));
    client.on('error', gone);
    client.on('end', gone);
    client.on('notification', onNews);
    await client.connect();
    try {
      if (passing === 'notify') await client.query(`LISTEN ${channel}`);
    } catch (fault) {
      if (!(fault instanceof DatabaseError)) {
        leave(client);
        throw fault;
      }
      passing = 'none';
      onTrouble(`the database does not pass on news (${textOf(fault)}): changes are read every second`);
    }
    return client;
  };

  const connected = (): Promise<Client> => {
    if (closed) return Promise.reject(new Error('the store is closed'));
    if (current !== null) return current;
    // Each forgets itself alone: by the time an old one is gone another may have taken its place.
    const own = connect(() => forget(own));
    current = own;
    own.catch(() => forget(own));
    return own;
  };
  const forget = (one: Promise<Client>): void => {
    if (current === one) current = null;
  };

  await connected();
  return {
    rows: async (text, values = []) => {
      const own = connected();
      const client = await own;
      try {
        return (await client.query<Row>(text, [...values])).rows;
      } catch (fault) {
        // Only a server's own answer leaves the connection as it was.
        if (!(fault instanceof DatabaseError) || fault.code?.startsWith('57') === true) {
          forget(own);
          leave(client);
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
