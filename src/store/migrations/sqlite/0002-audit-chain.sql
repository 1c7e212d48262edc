-- The audit log as a chain: a number without gaps and a hash over each row and the one before it. Rows from before this
-- have neither; the first start of this version gives them both, in their order (src/store/sqlite/audit.ts).
ALTER TABLE audit ADD COLUMN actor_name TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN peer TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN count INTEGER NOT NULL DEFAULT 1;
ALTER TABLE audit ADD COLUMN number INTEGER;
ALTER TABLE audit ADD COLUMN hash TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX audit_number ON audit (number);

-- The chain's last link, read and written by statement, so that what is rolled back takes it back too.
CREATE TABLE audit_head (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  chain TEXT NOT NULL CHECK (chain <> ''),
  number INTEGER NOT NULL,
  hash TEXT NOT NULL
) STRICT;
INSERT INTO audit_head (one, chain, number, hash) VALUES (1, lower(hex(randomblob(16))), 0, '');

CREATE TABLE audit_checkpoints (
  number INTEGER PRIMARY KEY,
  chain TEXT NOT NULL,
  hash TEXT NOT NULL,
  at INTEGER NOT NULL,
  key_id TEXT NOT NULL,
  signature TEXT NOT NULL
) STRICT;
CREATE INDEX audit_checkpoints_at ON audit_checkpoints (at);

PRAGMA user_version = 2;
