-- How long actions take, learned from those that were done: what a plan tells before anybody agrees to it.
--
-- The leading scheduler looks through the latest actions every now and then and keeps the medians here, so that no
-- session pays for it and what is done seldom is still known when its actions are no longer among the latest.

CREATE TABLE expected_duration (
    item       text NOT NULL,
    type       text NOT NULL,
    version    text NOT NULL,
    median_ms  bigint NOT NULL CHECK (median_ms >= 0),
    samples    int NOT NULL CHECK (samples > 0),
    learned_at timestamptz NOT NULL,
    PRIMARY KEY (item, type, version)
);

COMMENT ON TABLE expected_duration IS 'The median duration of the latest actions of each type on each item and version.';
COMMENT ON COLUMN expected_duration.version IS 'The version that the action brought about; empty where there is none.';
