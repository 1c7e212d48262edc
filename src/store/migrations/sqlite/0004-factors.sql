-- Second factors, passkeys, and what people are sent and told. What a look-up of a session asks of a user stays a column
-- of the user, the number of passkeys among them.
ALTER TABLE users ADD COLUMN sealed_totp TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN totp_added_at INTEGER;
ALTER TABLE users ADD COLUMN totp_step INTEGER NOT NULL DEFAULT 0; -- last one used: neither it nor one below works again
ALTER TABLE users ADD COLUMN passkeys INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN password_length TEXT NOT NULL DEFAULT 'full' CHECK (password_length IN ('full', 'short'));
ALTER TABLE users ADD COLUMN password_standing TEXT NOT NULL DEFAULT 'own' CHECK (password_standing IN ('own', 'known-to-others'));
-- Wrong codes: strangers' in a row, those of known networks in a row, and strangers' since the password was set.
ALTER TABLE users ADD COLUMN wrong_codes_in_row INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN wrong_codes_nearby INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN wrong_codes_with_password INTEGER NOT NULL DEFAULT 0;

CREATE TABLE passkeys (
  place INTEGER PRIMARY KEY, -- order of making
  id TEXT NOT NULL UNIQUE,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  rp_id TEXT NOT NULL,
  public_key TEXT NOT NULL,
  counter INTEGER NOT NULL,
  transports TEXT NOT NULL CHECK (json_valid(transports) AND json_type(transports) = 'array'),
  name TEXT NOT NULL,
  device_type TEXT NOT NULL CHECK (device_type IN ('singleDevice', 'multiDevice')),
  backed_up INTEGER NOT NULL CHECK (backed_up IN (0, 1)),
  created_at INTEGER NOT NULL,
  used_at INTEGER,
  flagged_at INTEGER
) STRICT;
CREATE INDEX passkeys_user ON passkeys (user_id);

CREATE TABLE challenges (
  place INTEGER PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  credential_generation INTEGER NOT NULL,
  kind TEXT NOT NULL,
  transport TEXT NOT NULL CHECK (transport IN ('cookie', 'bearer')),
  binding TEXT,
  address TEXT NOT NULL,
  came_from TEXT NOT NULL CHECK (came_from IN ('stranger', 'owner')),
  failures INTEGER NOT NULL DEFAULT 0,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX challenges_user ON challenges (user_id);
CREATE INDEX challenges_end ON challenges (expires_at);

CREATE TABLE enrolments (
  user_id TEXT PRIMARY KEY NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  id TEXT NOT NULL,
  session_id TEXT NOT NULL,
  sealed_totp TEXT NOT NULL,
  recovery_codes TEXT NOT NULL CHECK (json_valid(recovery_codes) AND json_type(recovery_codes) = 'array'),
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX enrolments_end ON enrolments (expires_at);

CREATE TABLE links (
  digest TEXT PRIMARY KEY NOT NULL,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  purpose TEXT NOT NULL CHECK (purpose IN ('invite', 'reset', 'forgotten')),
  credential_generation INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  UNIQUE (user_id, purpose)
) STRICT, WITHOUT ROWID;
CREATE INDEX links_end ON links (expires_at);

CREATE TABLE notices (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  kind TEXT NOT NULL,
  at INTEGER NOT NULL,
  address TEXT NOT NULL,
  detail TEXT NOT NULL,
  dismissed INTEGER NOT NULL DEFAULT 0 CHECK (dismissed IN (0, 1)),
  mail TEXT NOT NULL DEFAULT 'waiting' CHECK (mail IN ('waiting', 'taken', 'passed-over'))
) STRICT;
CREATE INDEX notices_user ON notices (user_id, id) WHERE dismissed = 0;
CREATE INDEX notices_mail ON notices (id) WHERE mail = 'waiting';
CREATE INDEX notices_at ON notices (at);
CREATE INDEX notices_unanswered ON notices (user_id, at) WHERE kind = 'code-never-came';

PRAGMA user_version = 4;
