-- Not derived: the secrets of one-time links, as hashes. When a link was made and ended stands in the log and in its consignment's state.
CREATE TABLE one_time_links (
  id TEXT NOT NULL PRIMARY KEY,           -- urn:uuid:…, under which whoever follows it acts
  consignment TEXT NOT NULL,              -- the one consignment that it opens
  secret_sha256 TEXT NOT NULL UNIQUE      -- SHA-256 of the secret, which is shown once and never stored
);
