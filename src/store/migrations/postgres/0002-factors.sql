-- Second factors, passkeys, and what people are sent and told. What a look-up of a session asks of a user stays a column
-- of the user, the number of passkeys among them.
ALTER TABLE users
  ADD COLUMN sealed_totp text NOT NULL DEFAULT '',
  ADD COLUMN totp_added_at bigint,
  ADD COLUMN totp_step bigint NOT NULL DEFAULT 0, -- last one used: neither it nor one below works again
  ADD COLUMN passkeys integer NOT NULL DEFAULT 0,
  ADD COLUMN password_length text NOT NULL DEFAULT 'full' CHECK (password_length IN ('full', 'short')),
  ADD COLUMN password_standing text NOT NULL DEFAULT 'own' CHECK (password_standing IN ('own', 'known-to-others')),
  -- Wrong codes: strangers' in a row, those of known networks in a row, and strangers' since the password was set.
  ADD COLUMN wrong_codes_in_row integer NOT NULL DEFAULT 0,
  ADD COLUMN wrong_codes_nearby integer NOT NULL DEFAULT 0,
  ADD COLUMN wrong_codes_with_password integer NOT NULL DEFAULT 0,
  -- Name, display name and address in small letters, so that searching does not hang on the server's locale; empty in rows
  -- of an earlier version.
  ADD COLUMN searched text NOT NULL DEFAULT '',
  -- A volatile session that stayed when factors changed lies where it lay, under the generation it was written with.
  ADD COLUMN volatile_kept_generation bigint;
-- Listed by name, byte by byte, as in the other engine, whatever the server's locale.
CREATE INDEX users_name ON users (username COLLATE "C");

CREATE TABLE passkeys (
  place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- order of making
  id text NOT NULL UNIQUE,
  user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  rp_id text NOT NULL,
  public_key text NOT NULL,
  counter bigint NOT NULL,
  transports text[] NOT NULL,
  name text NOT NULL,
  device_type text NOT NULL CHECK (device_type IN ('singleDevice', 'multiDevice')),
  backed_up boolean NOT NULL,
  created_at bigint NOT NULL,
  used_at bigint,
  flagged_at bigint
);
CREATE INDEX passkeys_user ON passkeys (user_id);

CREATE TABLE challenges (
  place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  digest text NOT NULL UNIQUE,
  user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  credential_generation bigint NOT NULL,
  kind text NOT NULL,
  transport text NOT NULL CHECK (transport IN ('cookie', 'bearer')),
  binding text,
  address text NOT NULL,
  came_from text NOT NULL CHECK (came_from IN ('stranger', 'owner')),
  failures integer NOT NULL DEFAULT 0,
  expires_at bigint NOT NULL
);
CREATE INDEX challenges_user ON challenges (user_id);
CREATE INDEX challenges_end ON challenges (expires_at);

CREATE TABLE enrolments (
  user_id text PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
  id text NOT NULL,
  session_id text NOT NULL,
  sealed_totp text NOT NULL,
  recovery_codes text[] NOT NULL,
  expires_at bigint NOT NULL
);
CREATE INDEX enrolments_end ON enrolments (expires_at);

CREATE TABLE links (
  digest text PRIMARY KEY,
  user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  purpose text NOT NULL CHECK (purpose IN ('invite', 'reset', 'forgotten')),
  credential_generation bigint NOT NULL,
  expires_at bigint NOT NULL,
  UNIQUE (user_id, purpose)
);
CREATE INDEX links_end ON links (expires_at);

CREATE TABLE notices (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  kind text NOT NULL,
  at bigint NOT NULL,
  address text NOT NULL,
  detail text NOT NULL,
  dismissed boolean NOT NULL DEFAULT false,
  mail text NOT NULL DEFAULT 'waiting' CHECK (mail IN ('waiting', 'taken', 'passed-over'))
);
CREATE INDEX notices_user ON notices (user_id, id) WHERE NOT dismissed;
CREATE INDEX notices_mail ON notices (id) WHERE mail = 'waiting';
CREATE INDEX notices_at ON notices (at);
CREATE INDEX notices_unanswered ON notices (user_id, at) WHERE kind = 'code-never-came';
