-- Lists, search and counts at a million devices. The tables here follow from the entries; where the version differs from the program's, all derived
-- tables are made anew from the log before anything is served.
CREATE TABLE tables_version (
  id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  version BIGINT NOT NULL
);

DROP TABLE asset_parties;
CREATE TABLE asset_parties (          -- which parties but the organisation have, had or are to receive a device
  party TEXT NOT NULL,
  tag TEXT NOT NULL,
  asset TEXT NOT NULL,
  label TEXT NOT NULL,
  PRIMARY KEY (party, tag, asset)
) WITHOUT ROWID;
CREATE INDEX asset_parties_by_label ON asset_parties (party, label, tag, asset);

CREATE TABLE label_counts (           -- how many devices of a party but the organisation have a label; the party '' stands for all devices
  party TEXT NOT NULL,
  label TEXT NOT NULL,
  devices BIGINT NOT NULL,
  PRIMARY KEY (party, label)
) WITHOUT ROWID;

CREATE INDEX parties_by_name ON parties (name, id);
CREATE INDEX consignments_by_sender ON consignments (from_party, reference, id);
CREATE INDEX consignments_by_receiver ON consignments (to_party, reference, id);
CREATE TABLE consignment_tags (       -- the lines of a consignment in the order of their devices' tags
  consignment TEXT NOT NULL,
  tag TEXT NOT NULL,
  asset TEXT NOT NULL,
  PRIMARY KEY (consignment, tag, asset)
) WITHOUT ROWID;

DROP TABLE discrepancies;
CREATE TABLE discrepancies (
  id TEXT NOT NULL PRIMARY KEY,
  last_seq BIGINT NOT NULL,
  state TEXT NOT NULL,
  consignment TEXT NOT NULL,
  asset TEXT
);
CREATE INDEX discrepancies_by_consignment ON discrepancies (consignment, id);
CREATE INDEX discrepancies_by_asset ON discrepancies (consignment, asset);

CREATE TABLE certificate_parties (    -- which parties but the organisation the certified device concerns
  party TEXT NOT NULL,
  certificate TEXT NOT NULL,
  PRIMARY KEY (party, certificate)
) WITHOUT ROWID;

CREATE TABLE asset_search (
  number INTEGER NOT NULL PRIMARY KEY, -- the entry that registered the device: results come in this order
  asset TEXT NOT NULL,
  text TEXT NOT NULL                -- normal tag, normal serial (or nothing), normal serials of its media, one a line
);
-- Every three characters in a row of the text, and the parties of the device; what is found is compared with the text again.
CREATE VIRTUAL TABLE asset_trigrams USING fts5(text, parties, content='', contentless_delete=1, detail=none, tokenize='trigram case_sensitive 1');
