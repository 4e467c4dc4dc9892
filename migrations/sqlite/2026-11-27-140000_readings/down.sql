DROP TABLE media_lists;
DROP TABLE evidence_media;
DROP TABLE evidence_lists;
DROP TABLE readings;
