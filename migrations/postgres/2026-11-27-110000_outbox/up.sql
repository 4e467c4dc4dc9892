-- Not derived: letters to be sent by mail, each written in the transaction of what it tells of.
CREATE TABLE outbox (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- a UUID; the Message-ID is made of it, at every try the same
  person TEXT COLLATE "C",                  -- whom it is for: the address is looked up when it is sent; NULL for somebody outside the directory
  to_address TEXT,                -- where somebody outside is reached; NULL once it is sent
  kind TEXT NOT NULL,             -- invitation, consignment_released, …
  language TEXT NOT NULL,         -- en, es; of a person of the directory their own is taken
  data TEXT NOT NULL,             -- what it says, JSON; {} once it is sent: it may hold a secret
  created BIGINT NOT NULL,        -- when it was written, milliseconds since 1970
  next_try BIGINT,                -- not before; NULL once it is sent or given up
  tries BIGINT NOT NULL,
  last_error TEXT,                -- what the mail server, or the way to it, said last
  sent_at BIGINT,
  given_up_at BIGINT,
  runner TEXT NOT NULL,           -- the server that is sending it
  lease BIGINT NOT NULL           -- until when nobody else may
);
CREATE INDEX outbox_by_next_try ON outbox (next_try, id);
CREATE INDEX outbox_by_person ON outbox (person, kind);
CREATE INDEX outbox_by_given_up ON outbox (given_up_at, id);
CREATE INDEX outbox_by_sent ON outbox (sent_at, id);

-- Not derived: what was told by mail once and is not told again.
CREATE TABLE outbox_told (
  what TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- an exception with its due date; a weekly digest with its week
  at BIGINT NOT NULL
);

-- Not derived: which mail a person of the directory wants, and in which language. Who has no row wants all, in English.
CREATE TABLE mail_preferences (
  person TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  language TEXT NOT NULL,
  switched_off TEXT NOT NULL      -- kinds, with spaces
);
