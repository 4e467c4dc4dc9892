-- Exceptions with what their lists walk, and the masses that reports add up: derived from the entries, made anew where the version differs.
CREATE TABLE exceptions (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,      -- urn:uuid:… of the thing, # and the rule
  last_seq BIGINT NOT NULL,
  state TEXT NOT NULL,                  -- the record as JSON
  status TEXT COLLATE "C" NOT NULL,
  subject TEXT COLLATE "C" NOT NULL
);
CREATE INDEX exceptions_by_status ON exceptions (status, id);
CREATE INDEX exceptions_by_subject ON exceptions (subject, id);

CREATE TABLE exception_lists (          -- exceptions in the order in which they are read; the party '' stands for the organisation, which sees all
  party TEXT COLLATE "C" NOT NULL,
  status TEXT COLLATE "C" NOT NULL,
  place TEXT COLLATE "C" NOT NULL,               -- rank of the severity, and when it is due
  exception TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (party, status, place, exception)
);

CREATE TABLE exception_counts (         -- how many there are; the party '' stands for all
  party TEXT COLLATE "C" NOT NULL,
  status TEXT COLLATE "C" NOT NULL,
  severity TEXT COLLATE "C" NOT NULL,
  exceptions BIGINT NOT NULL,
  PRIMARY KEY (party, status, severity)
);

CREATE TABLE mass_sums (                -- devices and grams of the mass balance
  month TEXT COLLATE "C" NOT NULL,               -- 2026-11, of the outcome, the release or the loss
  site TEXT COLLATE "C" NOT NULL,                -- the school
  vendor TEXT COLLATE "C" NOT NULL,              -- who processed or has them; '' stands for nobody but the organisation
  basis TEXT COLLATE "C" NOT NULL,               -- of the weight: scale, lot, spec, default, none
  devices BIGINT NOT NULL,
  grams BIGINT NOT NULL,                -- equals the five that follow, or there is no report
  reuse BIGINT NOT NULL,
  recovered BIGINT NOT NULL,
  energy BIGINT NOT NULL,
  landfill BIGINT NOT NULL,
  undocumented BIGINT NOT NULL,
  recycling_in BIGINT NOT NULL,         -- delivered to a recycler who said what became of it
  claimed BIGINT NOT NULL,              -- claimed not to have been landfilled
  stored_devices BIGINT NOT NULL,       -- retired and still here: in no rate
  stored BIGINT NOT NULL,
  PRIMARY KEY (month, site, vendor, basis)
);
