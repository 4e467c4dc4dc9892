-- Lines that list a device, a loose medium or a number of like things. Both tables follow from the log and are filled from it.
DROP TABLE consignment_lines;
CREATE TABLE consignment_lines (
  consignment TEXT NOT NULL,
  item TEXT NOT NULL,          -- the id of a device; of other things `medium` or `quantity`, a space and the id
  last_seq BIGINT NOT NULL,
  state TEXT NOT NULL,
  PRIMARY KEY (consignment, item)
) WITHOUT ROWID;

DROP TABLE consignment_tags;
CREATE TABLE consignment_tags (       -- the lines of a consignment by container and name; what was taken off again has no row
  consignment TEXT NOT NULL,
  tag TEXT NOT NULL,           -- container / a device's tag, a loose medium's serial number or the kind of counted things
  item TEXT NOT NULL,
  PRIMARY KEY (consignment, tag, item)
) WITHOUT ROWID;
