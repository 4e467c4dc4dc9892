-- A medium may be in no device: then somebody holds it by itself.
DROP TABLE media;
CREATE TABLE media (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  last_seq BIGINT NOT NULL,
  state TEXT NOT NULL,
  host TEXT COLLATE "C",                         -- the device it is in
  party TEXT COLLATE "C"                         -- who holds a loose one
);
CREATE INDEX media_by_host ON media (host, id);
CREATE INDEX media_by_party ON media (party, id);

-- Not derived: which device is with whom, as a keyed hash of the person's identifier (its key is in the key folder); erased on demand.
CREATE TABLE assignees (
  asset TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  person TEXT COLLATE "C" NOT NULL
);
CREATE INDEX assignees_by_person ON assignees (person);
