-- API tokens, and tickets for one path. A token is found by its secret's digest, or by that of the one before it; whether
-- that one is still good is for whoever looks it up to judge.
CREATE TABLE tokens (
  place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- order of making
  id text NOT NULL UNIQUE,
  user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  digest text NOT NULL UNIQUE,
  previous_digest text UNIQUE,
  previous_until bigint,
  name text NOT NULL,
  prefix text NOT NULL,
  scopes text[] NOT NULL,
  addresses text[] NOT NULL,
  per_minute bigint NOT NULL,
  per_hour bigint NOT NULL,
  active boolean NOT NULL,
  created_at bigint NOT NULL,
  expires_at bigint,
  last_used_at bigint,
  last_used_address text NOT NULL,
  use_count bigint NOT NULL,
  CHECK ((previous_digest IS NULL) = (previous_until IS NULL))
);
CREATE INDEX tokens_user ON tokens (user_id, place);
CREATE INDEX tokens_end ON tokens (expires_at) WHERE expires_at IS NOT NULL;

-- Its parent is a session or a token, and is looked for when it is spent: no foreign key can point to either.
CREATE TABLE path_tickets (
  place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  digest text NOT NULL UNIQUE,
  user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  parent_kind text NOT NULL CHECK (parent_kind IN ('session', 'token')),
  parent_digest text NOT NULL,
  path text NOT NULL,
  expires_at bigint NOT NULL
);
CREATE INDEX path_tickets_user ON path_tickets (user_id);
CREATE INDEX path_tickets_parent ON path_tickets (parent_digest);
CREATE INDEX path_tickets_end ON path_tickets (expires_at);
