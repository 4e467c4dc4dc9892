-- Indexes that every entry writes hold ids as bytes (`store::ids`). Both tables are derived and made anew from the log.
DROP TABLE entry_subjects;
CREATE TABLE entry_subjects (
  subject BYTEA NOT NULL,           -- packed id
  seq BIGINT NOT NULL,
  PRIMARY KEY (subject, seq)
);
DROP TABLE asset_parties;
CREATE TABLE asset_parties (          -- which parties but the organisation have, had or are to receive a device
  party BYTEA NOT NULL,             -- packed id
  tag TEXT COLLATE "C" NOT NULL,
  asset TEXT COLLATE "C" NOT NULL,
  label TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (party, tag, asset)
);
CREATE INDEX asset_parties_by_label ON asset_parties (party, label, tag, asset);
