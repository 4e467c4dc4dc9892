-- Not derived: what people write to each other. The ledger holds a salted SHA-256 of each note; the text is here alone and can be erased.
CREATE TABLE notes (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- urn:uuid:…
  about TEXT COLLATE "C" NOT NULL,          -- the consignment, stored file or exception
  line TEXT,                      -- the device or loose medium of that consignment
  author TEXT NOT NULL,           -- the person
  party TEXT NOT NULL,            -- for whom that person spoke
  text TEXT,                      -- NULL once it is erased
  salt BYTEA,                      -- 32 random bytes; NULL once it is erased: nobody can try out what the text was
  seq BIGINT NOT NULL,            -- the entry that announces it
  at BIGINT NOT NULL,             -- milliseconds since 1970
  erased_at BIGINT,
  erased_by TEXT                  -- the person
);
CREATE INDEX notes_by_about ON notes (about, seq);
CREATE INDEX notes_by_seq ON notes (seq);
