-- The directory: where a person is reached, the one site that a school contact acts for, and since when somebody may not sign in.
-- What a person signs in with is in tables of its own; a person may have several tokens, so the one of before goes there. SQLite takes no unique
-- column away, so the table is made anew.
CREATE TABLE people_now (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  title TEXT NOT NULL,
  role TEXT NOT NULL,
  party TEXT NOT NULL,
  phone TEXT NOT NULL,
  email TEXT NOT NULL,              -- in lower case; empty where nobody said
  site TEXT NOT NULL,               -- of a school contact; empty for everybody else
  disabled_at BIGINT                -- milliseconds since 1970
);
INSERT INTO people_now SELECT id, name, title, role, party, phone, '', '', NULL FROM people;

-- What programs sign in with.
CREATE TABLE api_tokens (
  id TEXT NOT NULL PRIMARY KEY,
  person TEXT NOT NULL,
  name TEXT NOT NULL,
  token_sha256 TEXT NOT NULL UNIQUE, -- of the whole token, which is shown once and kept nowhere
  scopes TEXT NOT NULL,              -- read, or read write
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT                     -- to the nearest minutes; nothing until it is used
);
CREATE INDEX api_tokens_by_person ON api_tokens (person, id);
INSERT INTO api_tokens SELECT id, id, 'token of before', token_sha256, 'read write', CAST(strftime('%s', 'now') AS BIGINT) * 1000,
  CAST(strftime('%s', 'now') AS BIGINT) * 1000 + 7776000000, NULL FROM people;
DROP TABLE people;
ALTER TABLE people_now RENAME TO people;
CREATE UNIQUE INDEX people_by_email ON people (email) WHERE email <> '';

-- What people sign in with.
CREATE TABLE credentials (
  person TEXT NOT NULL PRIMARY KEY,
  password TEXT NOT NULL,           -- Argon2id, as a PHC string; empty where there is none
  totp BLOB,                        -- the secret of the second factor, sealed under a key of the key folder
  totp_step BIGINT NOT NULL         -- the step of the last code that was taken: none is taken twice
);
CREATE TABLE recovery_codes (
  person TEXT NOT NULL,
  number BIGINT NOT NULL,           -- it begins the code, so that one hash is compared and not ten
  hash TEXT NOT NULL,               -- Argon2id, as a PHC string
  PRIMARY KEY (person, number)
);
CREATE TABLE oidc_identities (      -- who somebody is at another sign-in: bound once, by a verified e-mail address
  issuer TEXT NOT NULL,
  subject TEXT NOT NULL,
  person TEXT NOT NULL,
  PRIMARY KEY (issuer, subject)
);
CREATE INDEX oidc_identities_by_person ON oidc_identities (person);

-- Browsers that are signed in, or on the way to it.
CREATE TABLE sessions (
  id TEXT NOT NULL PRIMARY KEY,
  person TEXT NOT NULL,
  token_sha256 TEXT NOT NULL UNIQUE,
  stage TEXT NOT NULL,              -- open, or what is still missing: code, factor, agreement
  signed_in TEXT NOT NULL,          -- how: password, password+totp, oidc
  created_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,          -- to the nearest minute
  proved_at BIGINT NOT NULL,        -- when a password or a code was given last
  agent TEXT NOT NULL               -- what the browser calls itself
);
CREATE INDEX sessions_by_person ON sessions (person, id);

-- Links by which somebody who was invited, or who has to begin anew, sets a password.
CREATE TABLE invitations (
  secret_sha256 TEXT NOT NULL PRIMARY KEY,
  person TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX invitations_by_person ON invitations (person);

-- Acts about people and access: they are not entries of the log, because names can be erased and entries cannot.
CREATE TABLE administration (
  id TEXT NOT NULL PRIMARY KEY,     -- begins with the time, so that it sorts by it
  at BIGINT NOT NULL,
  person TEXT NOT NULL,             -- who did it
  act TEXT NOT NULL,
  about TEXT NOT NULL,              -- a person, a token, a session
  before_sha256 TEXT NOT NULL,      -- of what was there before; empty where there was nothing
  after_sha256 TEXT NOT NULL        -- of what is there now; empty where nothing is
);
