-- Requests with an Idempotency-Key, and what came of the first of each. The owner is a user id or a word for what is no user:
-- no foreign key can point to either.
CREATE TABLE idempotent_requests (
  owner TEXT NOT NULL,
  key TEXT NOT NULL, -- keyed digest
  fingerprint TEXT NOT NULL,
  holder TEXT NOT NULL, -- the process that is at it, or was
  lease_until INTEGER NOT NULL, -- the holder is taken for alive until then
  made_at INTEGER NOT NULL,
  ends_at INTEGER NOT NULL,
  answer TEXT, -- null: none yet
  sealed TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (owner, key)
) STRICT;
CREATE INDEX idempotent_requests_made ON idempotent_requests (owner, made_at);
CREATE INDEX idempotent_requests_holder ON idempotent_requests (holder) WHERE answer IS NULL;
CREATE INDEX idempotent_requests_end ON idempotent_requests (ends_at);

PRAGMA user_version = 6;
