-- Signed tickets are stored nowhere: only those that are over before their time, until they would have ended by themselves. Realms: who
-- vouches for an account's password. A key is published before it is used.
ALTER TABLE users
  ADD COLUMN realm text NOT NULL DEFAULT 'local',
  ADD COLUMN disabled_by text NOT NULL DEFAULT '' CHECK (disabled_by IN ('', 'realm')),
  ADD COLUMN ticket_generation bigint NOT NULL DEFAULT 0;
CREATE INDEX users_realm ON users (realm, username) WHERE realm <> 'local';

CREATE TABLE revoked_tickets (
  digest text PRIMARY KEY, -- of a ticket, or of the serial of all that came from one sign-in
  expires_at bigint NOT NULL
);
CREATE INDEX revoked_tickets_end ON revoked_tickets (expires_at);

ALTER TABLE keys ADD COLUMN used_from bigint NOT NULL DEFAULT 0;

ALTER TABLE path_tickets
  ADD COLUMN privileges text[] NOT NULL DEFAULT '{}',
  ADD COLUMN port integer;
