-- Times are milliseconds since the epoch; digests are SHA-256 as base64url; lists are JSON text.
PRAGMA application_id = 0x53505254; -- "SPRT": tells our file from another program's

CREATE TABLE installation (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  id TEXT NOT NULL CHECK (id <> ''),
  state TEXT NOT NULL CHECK (state IN ('fresh', 'declined', 'configured', 'off')),
  boot_id TEXT NOT NULL CHECK (boot_id <> ''),
  booted_at INTEGER,
  canary TEXT NOT NULL
) STRICT;

CREATE TABLE setup_code (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  digest TEXT NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE keys (
  id TEXT PRIMARY KEY NOT NULL,
  purpose TEXT NOT NULL,
  sealed TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
  id TEXT PRIMARY KEY NOT NULL,
  username TEXT NOT NULL UNIQUE,
  display_name TEXT NOT NULL,
  email TEXT NOT NULL,
  privileges TEXT NOT NULL CHECK (json_valid(privileges) AND json_type(privileges) = 'array'),
  groups TEXT NOT NULL CHECK (json_valid(groups) AND json_type(groups) = 'array'),
  active INTEGER NOT NULL CHECK (active IN (0, 1)),
  sealed_password TEXT NOT NULL,
  credential_generation INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE recovery_codes (
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  digest TEXT NOT NULL,
  PRIMARY KEY (user_id, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
  place INTEGER PRIMARY KEY, -- order of making, where two were made in one millisecond
  id TEXT NOT NULL UNIQUE,
  digest TEXT NOT NULL UNIQUE,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  kind TEXT NOT NULL,
  transport TEXT NOT NULL CHECK (transport IN ('cookie', 'bearer')),
  credential_generation INTEGER NOT NULL,
  boot_id TEXT NOT NULL,
  parent_id TEXT REFERENCES sessions (id) ON DELETE CASCADE,
  origin TEXT,
  created_at INTEGER NOT NULL,
  last_seen_at INTEGER NOT NULL,
  idle_ms INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  authenticated_at INTEGER NOT NULL,
  address TEXT NOT NULL,
  user_agent TEXT NOT NULL,
  reauthentication_failures INTEGER NOT NULL DEFAULT 0,
  -- The one definition of "live": ends_at > now.
  ends_at INTEGER NOT NULL GENERATED ALWAYS AS (min(expires_at, last_seen_at + idle_ms)) VIRTUAL,
  CHECK ((parent_id IS NULL) = (origin IS NULL))
) STRICT;
CREATE INDEX sessions_user ON sessions (user_id, kind, transport, created_at);
CREATE INDEX sessions_parent ON sessions (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX sessions_end ON sessions (ends_at);

CREATE TABLE devices (
  digest TEXT PRIMARY KEY NOT NULL,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  created_at INTEGER NOT NULL,
  used_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX devices_user ON devices (user_id, used_at);
CREATE INDEX devices_end ON devices (expires_at);

CREATE TABLE one_use_tickets (
  place INTEGER PRIMARY KEY,
  purpose TEXT NOT NULL,
  digest TEXT NOT NULL,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  origin TEXT NOT NULL,
  state TEXT,
  expires_at INTEGER NOT NULL,
  UNIQUE (purpose, digest)
) STRICT;
CREATE INDEX one_use_tickets_user ON one_use_tickets (user_id);
CREATE INDEX one_use_tickets_session ON one_use_tickets (session_id);
CREATE INDEX one_use_tickets_end ON one_use_tickets (expires_at);

CREATE TABLE claims (
  purpose TEXT NOT NULL,
  digest TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (purpose, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX claims_end ON claims (expires_at);

-- History outlives what it tells of: no foreign keys here.
CREATE TABLE attempts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id TEXT NOT NULL, -- empty: an unknown name
  address TEXT NOT NULL,
  way TEXT NOT NULL,
  result TEXT NOT NULL,
  day INTEGER NOT NULL, -- whole UTC days since the epoch
  first_at INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  count INTEGER NOT NULL,
  UNIQUE (user_id, address, way, result, day)
) STRICT;
CREATE INDEX attempts_last ON attempts (last_at);
CREATE INDEX attempts_user ON attempts (user_id, last_at);

CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  event TEXT NOT NULL,
  actor TEXT NOT NULL,
  address TEXT NOT NULL,
  way TEXT NOT NULL,
  target TEXT NOT NULL,
  result TEXT NOT NULL
) STRICT;

CREATE TABLE change_counter (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  seq INTEGER NOT NULL,
  kept_after INTEGER NOT NULL -- changes up to this one are no longer kept
) STRICT;
INSERT INTO change_counter (one, seq, kept_after) VALUES (1, 0, 0);

CREATE TABLE changes (
  seq INTEGER PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('installation', 'user', 'session')),
  subject TEXT NOT NULL
) STRICT;

-- Where the counter stood at each sweep: changes carry no time of their own, since not every operation is told one.
CREATE TABLE change_marks (
  at INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL
) STRICT;

PRAGMA user_version = 1;
