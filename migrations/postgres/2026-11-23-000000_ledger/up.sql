-- The log. `entries` is sacred: its rows are never changed and never removed.
CREATE TABLE entries (
  seq BIGINT NOT NULL PRIMARY KEY,  -- index of the leaf
  bytes BYTEA NOT NULL,              -- the exact bytes that were signed and hashed
  nodes BYTEA NOT NULL               -- the leaf's hash and the tree nodes it completes, level by level, 32 bytes each
);
CREATE FUNCTION entries_are_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'entries are never changed or removed'; END $$;
CREATE TRIGGER entries_are_never_changed BEFORE UPDATE OR DELETE ON entries FOR EACH ROW EXECUTE FUNCTION entries_are_append_only();
CREATE TRIGGER entries_are_never_truncated BEFORE TRUNCATE ON entries FOR EACH STATEMENT EXECUTE FUNCTION entries_are_append_only();
CREATE TABLE log_head (
  id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  size BIGINT NOT NULL,             -- number of entries
  last_leaf BYTEA NOT NULL,          -- leaf hash of the last entry, 32 zero bytes before the first
  last_time BIGINT NOT NULL,        -- its time, milliseconds since 1970
  frontier BYTEA NOT NULL            -- right edge of the tree
);
CREATE TABLE checkpoints (
  number BIGINT NOT NULL PRIMARY KEY, -- 0, 1, 2 … without a gap
  size BIGINT NOT NULL,
  note TEXT NOT NULL                -- the signed checkpoint
);

-- Everything below follows from the entries and can be rebuilt, except where it says otherwise.
CREATE TABLE entry_subjects (
  subject TEXT NOT NULL,
  seq BIGINT NOT NULL,
  PRIMARY KEY (subject, seq)
);
CREATE TABLE record_keys (
  space TEXT NOT NULL,
  text TEXT NOT NULL,
  owner TEXT NOT NULL,
  PRIMARY KEY (space, text)
);
CREATE TABLE assets (
  id TEXT NOT NULL PRIMARY KEY,
  last_seq BIGINT NOT NULL,
  state TEXT NOT NULL,
  tag TEXT NOT NULL,
  serial TEXT,
  title TEXT NOT NULL,
  category TEXT NOT NULL,
  site TEXT NOT NULL,
  party TEXT NOT NULL,
  label TEXT NOT NULL
);
CREATE INDEX assets_by_tag ON assets (tag, id);
CREATE INDEX assets_by_label ON assets (label, tag, id);
CREATE TABLE asset_parties (          -- which parties have, had or are to receive a device
  party TEXT NOT NULL,
  tag TEXT NOT NULL,
  asset TEXT NOT NULL,
  PRIMARY KEY (party, tag, asset)
);
CREATE TABLE media (
  id TEXT NOT NULL PRIMARY KEY,
  last_seq BIGINT NOT NULL,
  state TEXT NOT NULL,
  host TEXT NOT NULL
);
CREATE INDEX media_by_host ON media (host, id);
CREATE TABLE parties (
  id TEXT NOT NULL PRIMARY KEY,
  last_seq BIGINT NOT NULL,
  state TEXT NOT NULL,
  name TEXT NOT NULL
);
CREATE TABLE consignments (
  id TEXT NOT NULL PRIMARY KEY,
  last_seq BIGINT NOT NULL,
  state TEXT NOT NULL,
  reference TEXT NOT NULL,
  from_party TEXT NOT NULL,
  to_party TEXT NOT NULL
);
CREATE INDEX consignments_by_reference ON consignments (reference, id);
CREATE TABLE consignment_lines (
  consignment TEXT NOT NULL,
  asset TEXT NOT NULL,
  last_seq BIGINT NOT NULL,
  state TEXT NOT NULL,
  PRIMARY KEY (consignment, asset)
);
CREATE TABLE discrepancies (
  id TEXT NOT NULL PRIMARY KEY,
  last_seq BIGINT NOT NULL,
  state TEXT NOT NULL,
  consignment TEXT NOT NULL
);
CREATE INDEX discrepancies_by_consignment ON discrepancies (consignment, id);
CREATE TABLE evidence (
  id TEXT NOT NULL PRIMARY KEY,
  last_seq BIGINT NOT NULL,
  state TEXT NOT NULL
);
CREATE TABLE certificates (
  id TEXT NOT NULL PRIMARY KEY,
  last_seq BIGINT NOT NULL,
  state TEXT NOT NULL,
  asset TEXT NOT NULL
);
CREATE INDEX certificates_by_asset ON certificates (asset, id);

-- Not derived: the directory of people, which can be corrected and erased, and what was drawn or shown.
CREATE TABLE people (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  title TEXT NOT NULL,
  role TEXT NOT NULL,
  party TEXT NOT NULL,
  token_sha256 TEXT NOT NULL UNIQUE
);
CREATE TABLE shown_names (            -- salts of the names that credentials show
  certificate TEXT NOT NULL,
  person TEXT NOT NULL,
  salt BYTEA NOT NULL,
  PRIMARY KEY (certificate, person)
);
CREATE TABLE certificate_parts (      -- the bytes that a certificate's pages are drawn from, each kept under its SHA-256
  certificate TEXT NOT NULL,
  name TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  PRIMARY KEY (certificate, name)
);
CREATE TABLE status_lists (           -- every version of a status list that was published
  list TEXT NOT NULL,
  seq BIGINT NOT NULL,
  sha256 TEXT NOT NULL,
  PRIMARY KEY (list, seq)
);
