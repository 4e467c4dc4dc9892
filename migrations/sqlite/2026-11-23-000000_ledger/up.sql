-- The log. `entries` is sacred: its rows are never changed and never removed.
CREATE TABLE entries (
  seq BIGINT NOT NULL PRIMARY KEY,  -- index of the leaf
  bytes BLOB NOT NULL,              -- the exact bytes that were signed and hashed
  nodes BLOB NOT NULL               -- the leaf's hash and the tree nodes it completes, level by level, 32 bytes each
);
CREATE TRIGGER entries_are_never_changed BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END;
CREATE TRIGGER entries_are_never_removed BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'entries are never removed'); END;
-- REPLACE would remove the old row without asking the trigger above.
CREATE TRIGGER entries_are_never_replaced BEFORE INSERT ON entries WHEN EXISTS (SELECT 1 FROM entries WHERE seq = NEW.seq)
  BEGIN SELECT RAISE(ABORT, 'UNIQUE constraint: entries are never replaced'); END;
CREATE TABLE log_head (
  id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  size BIGINT NOT NULL,             -- number of entries
  last_leaf BLOB NOT NULL,          -- leaf hash of the last entry, 32 zero bytes before the first
  last_time BIGINT NOT NULL,        -- its time, milliseconds since 1970
  frontier BLOB NOT NULL            -- right edge of the tree
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
) WITHOUT ROWID;
CREATE TABLE record_keys (
  space TEXT NOT NULL,
  text TEXT NOT NULL,
  owner TEXT NOT NULL,
  PRIMARY KEY (space, text)
) WITHOUT ROWID;
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
) WITHOUT ROWID;
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
) WITHOUT ROWID;
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
  salt BLOB NOT NULL,
  PRIMARY KEY (certificate, person)
) WITHOUT ROWID;
CREATE TABLE certificate_parts (      -- the bytes that a certificate's pages are drawn from, each kept under its SHA-256
  certificate TEXT NOT NULL,
  name TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  PRIMARY KEY (certificate, name)
) WITHOUT ROWID;
CREATE TABLE status_lists (           -- every version of a status list that was published
  list TEXT NOT NULL,
  seq BIGINT NOT NULL,
  sha256 TEXT NOT NULL,
  PRIMARY KEY (list, seq)
) WITHOUT ROWID;
