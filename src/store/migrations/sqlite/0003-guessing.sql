-- Counters of failed attempts, so that a restart forgives nothing. Keys and states are the limiter's.
CREATE TABLE limits (
  key TEXT PRIMARY KEY NOT NULL,
  state TEXT NOT NULL,
  ends_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX limits_end ON limits (ends_at);

-- Networks a user signed in from: what strangers do to the name does not keep them out.
CREATE TABLE known_networks (
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  network TEXT NOT NULL,
  used_at INTEGER NOT NULL,
  PRIMARY KEY (user_id, network)
) STRICT, WITHOUT ROWID;
CREATE INDEX known_networks_network ON known_networks (network, used_at);
CREATE INDEX known_networks_used ON known_networks (used_at);

ALTER TABLE devices ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;

PRAGMA user_version = 3;
