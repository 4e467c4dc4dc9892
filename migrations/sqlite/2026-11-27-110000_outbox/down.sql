DROP TABLE mail_preferences;
DROP TABLE outbox_told;
DROP TABLE outbox;
