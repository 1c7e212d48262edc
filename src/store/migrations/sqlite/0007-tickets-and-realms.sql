-- Signed tickets are stored nowhere: only those that are over before their time, until they would have ended by themselves. Realms: who
-- vouches for an account's password. A key is published before it is used.
ALTER TABLE users ADD COLUMN realm TEXT NOT NULL DEFAULT 'local';
ALTER TABLE users ADD COLUMN disabled_by TEXT NOT NULL DEFAULT '' CHECK (disabled_by IN ('', 'realm'));
ALTER TABLE users ADD COLUMN ticket_generation INTEGER NOT NULL DEFAULT 0;
CREATE INDEX users_realm ON users (realm, username) WHERE realm <> 'local';

CREATE TABLE revoked_tickets (
  digest TEXT PRIMARY KEY, -- of a ticket, or of the serial of all that came from one sign-in
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX revoked_tickets_end ON revoked_tickets (expires_at);

ALTER TABLE keys ADD COLUMN used_from INTEGER NOT NULL DEFAULT 0;

ALTER TABLE path_tickets ADD COLUMN privileges TEXT NOT NULL DEFAULT '[]';
ALTER TABLE path_tickets ADD COLUMN port INTEGER;

PRAGMA user_version = 7;
