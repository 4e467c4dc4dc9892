-- Not derived: one command for many things, run piece by piece. What it records names the job's id as its batch.
CREATE TABLE bulk_jobs (
  id TEXT NOT NULL PRIMARY KEY,     -- urn:uuid, in the order of time
  person TEXT NOT NULL,             -- who gave it
  party TEXT NOT NULL,              -- for whom
  command TEXT NOT NULL,            -- which command
  body TEXT NOT NULL,               -- what is the same for all, JSON
  member TEXT NOT NULL,             -- the member of the body that names each thing
  state TEXT NOT NULL,              -- running, done, cancelled, stopped
  total BIGINT NOT NULL,            -- items
  done BIGINT NOT NULL,             -- items that were carried out
  refused BIGINT NOT NULL,          -- items that were refused
  began BIGINT NOT NULL,            -- milliseconds since 1970
  ended BIGINT,                     -- when it was done, cancelled or stopped
  why TEXT,                         -- why it was stopped
  runner TEXT NOT NULL,             -- the server that works on it
  lease BIGINT NOT NULL             -- until when no other server does
);
CREATE INDEX bulk_jobs_by_state ON bulk_jobs (state, lease);
CREATE TABLE bulk_items (
  job TEXT NOT NULL,
  number BIGINT NOT NULL,           -- from 1; the part of the batch
  subject TEXT NOT NULL,            -- the device or medium
  state TEXT NOT NULL,              -- waiting, done (written in the transaction of its entries), refused
  seq BIGINT,                       -- the first entry; none where everything was recorded before
  code TEXT,                        -- why it was refused
  why TEXT,
  PRIMARY KEY (job, number)
);
CREATE INDEX bulk_items_by_state ON bulk_items (job, state, number);

-- The directory: a telephone number beside the name, and whose name was erased. The id stays, because entries carry it.
ALTER TABLE people ADD COLUMN phone TEXT NOT NULL DEFAULT '';
CREATE TABLE people_erased (
  id TEXT NOT NULL PRIMARY KEY,
  role TEXT NOT NULL,
  party TEXT NOT NULL,
  at BIGINT NOT NULL                -- milliseconds since 1970
);

-- Not derived: when and where devices that are in use were seen last. Sightings of retired, disposed and missing ones are entries.
CREATE TABLE last_seen (
  asset TEXT NOT NULL PRIMARY KEY,
  at BIGINT NOT NULL,               -- milliseconds since 1970
  source TEXT NOT NULL,             -- mdm, network, count
  site TEXT                         -- where, if that is known
);
CREATE INDEX assets_by_place ON assets (party, site, id);
