-- Requests with an Idempotency-Key, and what came of the first of each. The owner is a user id or a word for what is no user:
-- no foreign key can point to either.
CREATE TABLE idempotent_requests (
  owner text NOT NULL,
  key text NOT NULL, -- keyed digest
  fingerprint text NOT NULL,
  holder text NOT NULL, -- the process that is at it, or was
  lease_until bigint NOT NULL, -- the holder is taken for alive until then
  made_at bigint NOT NULL,
  ends_at bigint NOT NULL,
  answer text, -- null: none yet
  sealed text NOT NULL DEFAULT '',
  PRIMARY KEY (owner, key)
);
CREATE INDEX idempotent_requests_made ON idempotent_requests (owner, made_at);
CREATE INDEX idempotent_requests_holder ON idempotent_requests (holder) WHERE answer IS NULL;
CREATE INDEX idempotent_requests_end ON idempotent_requests (ends_at);
