-- Lists, search and counts at a million devices. The tables here follow from the entries; where the version differs from the program's, all derived
-- tables are made anew from the log before anything is served.
CREATE TABLE tables_version (
  id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  version BIGINT NOT NULL
);

-- Lists are in the order of bytes, as on SQLite, whatever the language of the database.
ALTER TABLE entry_subjects ALTER COLUMN subject TYPE TEXT COLLATE "C";
ALTER TABLE record_keys ALTER COLUMN space TYPE TEXT COLLATE "C", ALTER COLUMN text TYPE TEXT COLLATE "C", ALTER COLUMN owner TYPE TEXT COLLATE "C";
ALTER TABLE assets ALTER COLUMN id TYPE TEXT COLLATE "C", ALTER COLUMN tag TYPE TEXT COLLATE "C", ALTER COLUMN label TYPE TEXT COLLATE "C";
ALTER TABLE media ALTER COLUMN id TYPE TEXT COLLATE "C", ALTER COLUMN host TYPE TEXT COLLATE "C";
ALTER TABLE parties ALTER COLUMN id TYPE TEXT COLLATE "C", ALTER COLUMN name TYPE TEXT COLLATE "C";
ALTER TABLE consignments ALTER COLUMN id TYPE TEXT COLLATE "C", ALTER COLUMN reference TYPE TEXT COLLATE "C",
  ALTER COLUMN from_party TYPE TEXT COLLATE "C", ALTER COLUMN to_party TYPE TEXT COLLATE "C";
ALTER TABLE consignment_lines ALTER COLUMN consignment TYPE TEXT COLLATE "C", ALTER COLUMN asset TYPE TEXT COLLATE "C";
ALTER TABLE evidence ALTER COLUMN id TYPE TEXT COLLATE "C";
ALTER TABLE certificates ALTER COLUMN id TYPE TEXT COLLATE "C", ALTER COLUMN asset TYPE TEXT COLLATE "C";

DROP TABLE asset_parties;
CREATE TABLE asset_parties (          -- which parties but the organisation have, had or are to receive a device
  party TEXT COLLATE "C" NOT NULL,
  tag TEXT COLLATE "C" NOT NULL,
  asset TEXT COLLATE "C" NOT NULL,
  label TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (party, tag, asset)
);
CREATE INDEX asset_parties_by_label ON asset_parties (party, label, tag, asset);

CREATE TABLE label_counts (           -- how many devices of a party but the organisation have a label; the party '' stands for all devices
  party TEXT COLLATE "C" NOT NULL,
  label TEXT COLLATE "C" NOT NULL,
  devices BIGINT NOT NULL,
  PRIMARY KEY (party, label)
);

CREATE INDEX parties_by_name ON parties (name, id);
CREATE INDEX consignments_by_sender ON consignments (from_party, reference, id);
CREATE INDEX consignments_by_receiver ON consignments (to_party, reference, id);
CREATE TABLE consignment_tags (       -- the lines of a consignment in the order of their devices' tags
  consignment TEXT COLLATE "C" NOT NULL,
  tag TEXT COLLATE "C" NOT NULL,
  asset TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (consignment, tag, asset)
);

DROP TABLE discrepancies;
CREATE TABLE discrepancies (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  last_seq BIGINT NOT NULL,
  state TEXT NOT NULL,
  consignment TEXT COLLATE "C" NOT NULL,
  asset TEXT COLLATE "C"
);
CREATE INDEX discrepancies_by_consignment ON discrepancies (consignment, id);
CREATE INDEX discrepancies_by_asset ON discrepancies (consignment, asset);

CREATE TABLE certificate_parties (    -- which parties but the organisation the certified device concerns
  party TEXT COLLATE "C" NOT NULL,
  certificate TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (party, certificate)
);

CREATE TABLE asset_search (
  number BIGINT NOT NULL PRIMARY KEY, -- the entry that registered the device: results come in this order
  asset TEXT NOT NULL,
  text TEXT NOT NULL,               -- normal tag, normal serial (or nothing), normal serials of its media, one a line
  -- A number for every three characters in a row of the text, and for each party of the device, other ones in each stretch of the log; what is found is compared with the text again. No
  -- extension is needed, and every character counts as it does on SQLite, which pg_trgm does not promise.
  trigrams INTEGER[] NOT NULL
);
-- The list of rows that are not yet in the index is read at every search: short.
CREATE INDEX asset_search_by_trigrams ON asset_search USING gin (trigrams) WITH (gin_pending_list_limit = 256);
