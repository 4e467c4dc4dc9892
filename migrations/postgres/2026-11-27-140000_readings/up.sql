-- Not derived: what readers made of stored files. A better reader adds a row and rewrites none; a row that is lost is made again from the file.
CREATE TABLE readings (
  sha256 TEXT NOT NULL,             -- of the file
  reader TEXT NOT NULL,
  version BIGINT NOT NULL,          -- of the reader
  at BIGINT NOT NULL,               -- when, in milliseconds
  body TEXT NOT NULL,               -- the reading, as JSON
  PRIMARY KEY (sha256, reader, version)
);

-- Derived: stored files in the order in which they came, as lists walk them.
CREATE TABLE evidence_lists (
  party TEXT NOT NULL,              -- whose people stored it, or nobody: everyone
  list TEXT NOT NULL,               -- all, unmatched, not_understood
  seq BIGINT NOT NULL,              -- the entry that stored it first
  sha256 TEXT NOT NULL,
  PRIMARY KEY (party, list, seq, sha256)
);

-- Derived: which files a medium is spoken of in.
CREATE TABLE evidence_media (
  medium TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  PRIMARY KEY (medium, sha256)
);

-- Derived: media that wait to be accepted, and media that were verified in a month.
CREATE TABLE media_lists (
  list TEXT NOT NULL,               -- waiting, or verified and the month
  medium TEXT NOT NULL,
  PRIMARY KEY (list, medium)
);
