-- API tokens, and tickets for one path. A token is found by its secret's digest, or by that of the one before it; whether
-- that one is still good is for whoever looks it up to judge.
CREATE TABLE tokens (
  place INTEGER PRIMARY KEY, -- order of making
  id TEXT NOT NULL UNIQUE,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  digest TEXT NOT NULL UNIQUE,
  previous_digest TEXT UNIQUE,
  previous_until INTEGER,
  name TEXT NOT NULL,
  prefix TEXT NOT NULL,
  scopes TEXT NOT NULL CHECK (json_valid(scopes) AND json_type(scopes) = 'array'),
  addresses TEXT NOT NULL CHECK (json_valid(addresses) AND json_type(addresses) = 'array'),
  per_minute INTEGER NOT NULL,
  per_hour INTEGER NOT NULL,
  active INTEGER NOT NULL CHECK (active IN (0, 1)),
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  last_used_at INTEGER,
  last_used_address TEXT NOT NULL,
  use_count INTEGER NOT NULL,
  CHECK ((previous_digest IS NULL) = (previous_until IS NULL))
) STRICT;
CREATE INDEX tokens_user ON tokens (user_id);
CREATE INDEX tokens_end ON tokens (expires_at) WHERE expires_at IS NOT NULL;

-- Its parent is a session or a token, and is looked for when it is spent: no foreign key can point to either.
CREATE TABLE path_tickets (
  place INTEGER PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  parent_kind TEXT NOT NULL CHECK (parent_kind IN ('session', 'token')),
  parent_digest TEXT NOT NULL,
  path TEXT NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX path_tickets_user ON path_tickets (user_id);
CREATE INDEX path_tickets_parent ON path_tickets (parent_digest);
CREATE INDEX path_tickets_end ON path_tickets (expires_at);

PRAGMA user_version = 5;
