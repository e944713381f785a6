-- What sessions have judged: whether each item of each computer is as it should be, since when, and by which session.
--
-- Cost follows change: a row is written when its verdict changes, in the transaction that settles the session. So that a
-- session that finds everything as it was costs no statement at all, the last judgement of a whole computer is named by
-- a fingerprint, which claims read along with the computer. What is in order has no index but the key; what is out of
-- order, which is little and is what people look for, has more.

CREATE TABLE compliance (
    computer_id bigint NOT NULL,
    item        text NOT NULL,
    tenant_id   bigint NOT NULL,
    deployment  text NOT NULL,
    state       text NOT NULL CHECK (state IN ('compliant', 'non_compliant', 'not_judged', 'unknown')),
    reason      text NOT NULL,
    detected    text,
    desired     text,
    since       timestamptz NOT NULL,
    session_id  bigint NOT NULL,
    PRIMARY KEY (computer_id, item)
) WITH (fillfactor = 80);

COMMENT ON TABLE compliance IS 'The present verdict on each item of each computer that a deployment wants.';
COMMENT ON COLUMN compliance.since IS 'Since when the state has been this one; a reason or a version may have changed since.';
COMMENT ON COLUMN compliance.session_id IS 'The session that found or brought about the present state.';
CREATE INDEX compliance_out_of_tenant ON compliance (tenant_id, computer_id, item) WHERE state IN ('non_compliant', 'unknown');
CREATE INDEX compliance_out_of_item ON compliance (item, computer_id) WHERE state IN ('non_compliant', 'unknown');
CREATE INDEX compliance_out_of_deployment ON compliance (deployment, computer_id, item)
    WHERE state IN ('non_compliant', 'unknown');

-- The states that came before, each with its end.
CREATE TABLE compliance_past (
    computer_id bigint NOT NULL,
    item        text NOT NULL,
    tenant_id   bigint NOT NULL,
    deployment  text NOT NULL,
    state       text NOT NULL,
    reason      text NOT NULL,
    detected    text,
    desired     text,
    since       timestamptz NOT NULL,
    session_id  bigint NOT NULL,
    until       timestamptz NOT NULL,
    ended_by    bigint NOT NULL
) PARTITION BY RANGE (until);

COMMENT ON TABLE compliance_past IS 'Verdicts that no longer hold, which never change. Retention drops whole partitions.';
CREATE TABLE compliance_past_default PARTITION OF compliance_past DEFAULT;
CREATE INDEX compliance_past_of ON compliance_past (computer_id, item, since);
-- Recurring problems are looked for by period.
CREATE INDEX compliance_past_out ON compliance_past (since) WHERE state IN ('non_compliant', 'unknown');

CREATE TABLE judgement (
    computer_id bigint PRIMARY KEY,
    fingerprint bytea CHECK (octet_length(fingerprint) = 16),
    session_id  bigint NOT NULL,
    at          timestamptz NOT NULL
) WITH (fillfactor = 60);

COMMENT ON TABLE judgement IS 'The last judgement of a whole computer that changed something.';
COMMENT ON COLUMN judgement.fingerprint IS 'Storing a judgement of this name again would change nothing; null if that is not known.';
