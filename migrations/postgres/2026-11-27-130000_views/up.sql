-- Not derived: lists that people narrowed and gave a name, for themselves or for everybody of a role.
CREATE TABLE views (
  id TEXT NOT NULL PRIMARY KEY,     -- a UUID, in the order of time
  person TEXT NOT NULL,             -- whose it is
  name TEXT NOT NULL,
  query TEXT NOT NULL,              -- the query of the list's address
  role TEXT NOT NULL                -- who else sees it: a role, or nobody where this is empty
);
CREATE INDEX views_by_person ON views (person, id);
CREATE INDEX views_by_role ON views (role, id);

-- What lists of devices are narrowed by, in the order in which they are read.
CREATE INDEX assets_by_site ON assets (site, tag, id);
CREATE INDEX assets_by_holder ON assets (party, tag, id);
CREATE INDEX assets_by_category ON assets (category, tag, id);
