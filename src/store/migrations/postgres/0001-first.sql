-- Times are milliseconds since the epoch; digests are SHA-256 as base64url. Nothing here needs an extension, a superuser
-- or a function of ours. "Live" is ends_at > now, as in the other engine.

-- What this database is called outside: made with it, so that several installations can share one Valkey.
CREATE TABLE this_database (
  one integer PRIMARY KEY CHECK (one = 1),
  name text NOT NULL
);
INSERT INTO this_database (one, name) VALUES (1, gen_random_uuid()::text);

CREATE TABLE installation (
  one integer PRIMARY KEY CHECK (one = 1),
  id text NOT NULL CHECK (id <> ''),
  state text NOT NULL CHECK (state IN ('fresh', 'declined', 'configured', 'off')),
  boot_id text NOT NULL CHECK (boot_id <> ''),
  booted_at bigint,
  canary text NOT NULL
);

-- Who runs: a node that was not seen for a while runs no more. By the server's clock, since those of the nodes differ.
CREATE TABLE nodes (
  id text PRIMARY KEY,
  seen_at timestamptz NOT NULL
);

-- One code per node: each prints its own link, and none makes another's void.
CREATE TABLE setup_codes (
  node text PRIMARY KEY,
  digest text NOT NULL,
  expires_at bigint NOT NULL
);

CREATE TABLE keys (
  id text PRIMARY KEY,
  purpose text NOT NULL,
  sealed text NOT NULL,
  created_at bigint NOT NULL
);

CREATE TABLE users (
  id text PRIMARY KEY,
  username text NOT NULL UNIQUE,
  display_name text NOT NULL,
  email text NOT NULL,
  privileges text[] NOT NULL,
  groups text[] NOT NULL,
  active boolean NOT NULL,
  sealed_password text NOT NULL,
  credential_generation bigint NOT NULL,
  created_at bigint NOT NULL,
  -- Raised when all sessions of the user end: a volatile one of an earlier number is over, but for the one that stayed.
  volatile_epoch bigint NOT NULL DEFAULT 0,
  volatile_kept text
);

CREATE TABLE recovery_codes (
  user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  digest text NOT NULL,
  PRIMARY KEY (user_id, digest)
);

CREATE TABLE sessions (
  place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- order of making, where two were made in one millisecond
  id text NOT NULL UNIQUE,
  digest text NOT NULL UNIQUE,
  user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  kind text NOT NULL,
  transport text NOT NULL CHECK (transport IN ('cookie', 'bearer')),
  credential_generation bigint NOT NULL,
  boot_id text NOT NULL,
  parent_id text, -- no foreign key: the parent may be a volatile session, which is no row here
  origin text,
  created_at bigint NOT NULL,
  last_seen_at bigint NOT NULL,
  idle_ms bigint NOT NULL,
  expires_at bigint NOT NULL,
  authenticated_at bigint NOT NULL,
  address text NOT NULL,
  user_agent text NOT NULL,
  reauthentication_failures integer NOT NULL DEFAULT 0,
  ends_at bigint NOT NULL GENERATED ALWAYS AS (LEAST(expires_at, last_seen_at + idle_ms)) STORED,
  CHECK ((parent_id IS NULL) = (origin IS NULL))
);
CREATE INDEX sessions_user ON sessions (user_id, kind, transport, created_at);
CREATE INDEX sessions_parent ON sessions (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX sessions_end ON sessions (ends_at);
CREATE INDEX sessions_boot ON sessions (boot_id) WHERE boot_id <> '';

-- Volatile sessions lie elsewhere and may be out of reach; that one is over is said here, by its id or its old digest.
CREATE TABLE ended_volatile (
  mark text NOT NULL,
  user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  until bigint NOT NULL,
  PRIMARY KEY (mark, user_id)
);
CREATE INDEX ended_volatile_end ON ended_volatile (until);

CREATE TABLE devices (
  digest text PRIMARY KEY,
  user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  created_at bigint NOT NULL,
  used_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  failures integer NOT NULL DEFAULT 0
);
CREATE INDEX devices_user ON devices (user_id, used_at);
CREATE INDEX devices_end ON devices (expires_at);

CREATE TABLE one_use_tickets (
  place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  purpose text NOT NULL,
  digest text NOT NULL,
  user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  session_id text NOT NULL,
  origin text NOT NULL,
  state text,
  expires_at bigint NOT NULL,
  UNIQUE (purpose, digest)
);
CREATE INDEX one_use_tickets_user ON one_use_tickets (user_id);
CREATE INDEX one_use_tickets_session ON one_use_tickets (session_id);
CREATE INDEX one_use_tickets_end ON one_use_tickets (expires_at);

CREATE TABLE claims (
  purpose text NOT NULL,
  digest text NOT NULL,
  expires_at bigint NOT NULL,
  PRIMARY KEY (purpose, digest)
);
CREATE INDEX claims_end ON claims (expires_at);

-- Counters of failed attempts, so that a restart forgives nothing. Keys and states are the limiter's.
CREATE TABLE limits (
  key text PRIMARY KEY,
  state text NOT NULL,
  ends_at bigint NOT NULL
);
CREATE INDEX limits_end ON limits (ends_at);

CREATE TABLE known_networks (
  user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  network text NOT NULL,
  used_at bigint NOT NULL,
  PRIMARY KEY (user_id, network)
);
CREATE INDEX known_networks_network ON known_networks (network, used_at);
CREATE INDEX known_networks_used ON known_networks (used_at);

-- History outlives what it tells of: no foreign keys here.
CREATE TABLE attempts (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id text NOT NULL, -- empty: an unknown name
  address text NOT NULL,
  way text NOT NULL,
  result text NOT NULL,
  day bigint NOT NULL, -- whole UTC days since the epoch
  first_at bigint NOT NULL,
  last_at bigint NOT NULL,
  count bigint NOT NULL,
  UNIQUE (user_id, address, way, result, day)
);
CREATE INDEX attempts_last ON attempts (last_at);
CREATE INDEX attempts_user ON attempts (user_id, last_at);

-- One chain per node. Its head is a row that the node locks while it appends: a chain has one end, whoever writes.
CREATE TABLE audit_heads (
  chain text PRIMARY KEY CHECK (chain <> ''),
  number bigint NOT NULL,
  hash text NOT NULL
);

CREATE TABLE audit (
  place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- order over all chains
  chain text NOT NULL,
  number bigint,
  at bigint NOT NULL,
  event text NOT NULL,
  actor text NOT NULL,
  actor_name text NOT NULL,
  address text NOT NULL,
  peer text NOT NULL,
  way text NOT NULL,
  target text NOT NULL,
  result text NOT NULL,
  count bigint NOT NULL,
  hash text NOT NULL,
  UNIQUE (chain, number)
);

CREATE TABLE audit_checkpoints (
  chain text NOT NULL,
  number bigint NOT NULL,
  hash text NOT NULL,
  at bigint NOT NULL,
  key_id text NOT NULL,
  signature text NOT NULL,
  PRIMARY KEY (chain, number)
);
CREATE INDEX audit_checkpoints_at ON audit_checkpoints (chain, at);

-- Every operation that alters what may be cached takes the next number in its own transaction. The row's lock is held
-- until that commits: whoever sees a number sees all changes up to it.
CREATE TABLE change_counter (
  one integer PRIMARY KEY CHECK (one = 1),
  seq bigint NOT NULL,
  kept_after bigint NOT NULL -- changes up to this one are no longer kept
);
INSERT INTO change_counter (one, seq, kept_after) VALUES (1, 0, 0);

CREATE TABLE changes (
  seq bigint PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('installation', 'user', 'session', 'limits')),
  subject text NOT NULL,
  tag text NOT NULL DEFAULT gen_random_uuid()::text -- after a failover that lost commits another change may have its number
);

CREATE TABLE change_marks (
  at bigint PRIMARY KEY,
  seq bigint NOT NULL
);
