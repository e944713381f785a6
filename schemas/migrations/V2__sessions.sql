-- Sessions and all that becomes of them. Postgres holds the truth: a queue may be purged, a broker wiped and a worker
-- killed, and what these tables say is still what has happened and what is due.
--
-- `session` holds the live ones only and is written several times for each session, so it is built for heap-only
-- updates: the one indexed column that changes on the way is `run_after`, which is set while a session waits and null
-- while it is admitted or paused. Final sessions move to `session_history`, which is partitioned by time.

CREATE SEQUENCE session_id AS bigint;

-- Every claim that may command a computer draws its epoch here: one sequence for all computers is one strictly rising
-- counter for each of them, and costs no row of its own.
CREATE SEQUENCE computer_epoch AS bigint;

CREATE TABLE session (
    id            bigint PRIMARY KEY DEFAULT nextval('session_id'),
    tenant_id     bigint NOT NULL,
    computer_id   bigint NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('full', 'targeted', 'onboarding', 'detection')),
    priority      smallint NOT NULL CHECK (priority BETWEEN 0 AND 3),
    "order"       jsonb NOT NULL,
    status        text NOT NULL CHECK (status IN ('pending', 'running', 'paused')),
    waiting_on    text CHECK (waiting_on IN ('turn', 'window', 'schedule', 'approval', 'connectivity', 'postponed',
                                             'reboot', 'retry', 'computer')),
    stage         text NOT NULL CHECK (stage IN ('detection', 'planning', 'execution')),
    dispatch      int NOT NULL,
    attempt       int NOT NULL CHECK (attempt >= 0),
    losses        int NOT NULL CHECK (losses >= 0),
    run_after     timestamptz,
    waited_on     text,
    due_at        timestamptz,
    admitted_at   timestamptz,
    taken_at      timestamptz,
    owner         text,
    deadline      timestamptz,
    epoch         bigint NOT NULL DEFAULT 0,
    run_in_flight uuid,
    cancel        jsonb,
    pause         jsonb,
    revision      int NOT NULL,
    since         timestamptz NOT NULL,
    created_at    timestamptz NOT NULL,
    started_at    timestamptz,
    last_error    text,
    CONSTRAINT pending_waits CHECK ((status = 'pending') = (waiting_on IS NOT NULL)),
    CONSTRAINT running_is_taken CHECK ((status = 'running') = (taken_at IS NOT NULL)),
    CONSTRAINT taken_has_owner CHECK ((taken_at IS NOT NULL) = (owner IS NOT NULL)),
    CONSTRAINT taken_was_admitted CHECK (taken_at IS NULL OR admitted_at IS NOT NULL),
    CONSTRAINT admitted_has_deadline CHECK ((admitted_at IS NOT NULL) = (deadline IS NOT NULL)),
    CONSTRAINT waits_or_is_admitted_or_paused CHECK
        ((run_after IS NOT NULL)::int + (admitted_at IS NOT NULL)::int + (status = 'paused')::int = 1)
) WITH (fillfactor = 60);

COMMENT ON TABLE session IS 'Live sessions. Every change passes through one gate, which fences it by revision.';
COMMENT ON COLUMN session.run_after IS 'From when on it may be admitted; null while admitted or paused.';
COMMENT ON COLUMN session.waited_on IS 'What it waited for before the current dispatch was admitted.';
COMMENT ON COLUMN session.dispatch IS 'Names one sending of the stage''s job; a result commits only for the current one.';
COMMENT ON COLUMN session.losses IS 'Claims of this stage lost without an answer; past the limit the session fails.';

CREATE INDEX session_due ON session (tenant_id, priority, run_after, id) WHERE run_after IS NOT NULL;
CREATE INDEX session_becomes_due ON session (run_after) WHERE run_after IS NOT NULL;
CREATE INDEX session_out ON session (id) WHERE run_after IS NULL;
CREATE INDEX session_of_computer ON session (computer_id);

CREATE TABLE session_history (
    id            bigint NOT NULL,
    tenant_id     bigint NOT NULL,
    computer_id   bigint NOT NULL,
    kind          text NOT NULL,
    priority      smallint NOT NULL,
    "order"       jsonb NOT NULL,
    status        text NOT NULL CHECK (status IN ('completed', 'partially_completed', 'failed', 'cancelled', 'missed')),
    stage         text NOT NULL,
    dispatch      int NOT NULL,
    attempt       int NOT NULL,
    losses        int NOT NULL,
    epoch         bigint NOT NULL,
    cancel        jsonb,
    revision      int NOT NULL,
    created_at    timestamptz NOT NULL,
    started_at    timestamptz,
    finished_at   timestamptz NOT NULL,
    last_error    text,
    PRIMARY KEY (id, finished_at)
) PARTITION BY RANGE (finished_at);

COMMENT ON TABLE session_history IS 'Final sessions, which never change. Retention drops whole partitions.';

CREATE TABLE session_history_default PARTITION OF session_history DEFAULT;
CREATE INDEX session_history_of_computer ON session_history (computer_id, id);
CREATE INDEX session_history_of_tenant ON session_history (tenant_id, id);
-- People look for what did not go well, which is rare.
CREATE INDEX session_history_not_well ON session_history (status, id) WHERE status <> 'completed';

-- One row for a computer that a session has: one session at a time, and caps count these rows. It is taken with the
-- admission, so that a claim never finds the computer taken, and kept until the session is final or waits with neither
-- a step nor a reboot in flight.
CREATE TABLE computer_hold (
    computer_id bigint PRIMARY KEY,
    session_id  bigint NOT NULL UNIQUE,
    tenant_id   bigint NOT NULL,
    since       timestamptz NOT NULL
);

COMMENT ON TABLE computer_hold IS 'Computers reserved by a session. Caps count these rows.';

-- The timeline: waits and work without a gap. Also the outbox of events: `tx` lets a reader see rows in an order in
-- which none can appear behind it.
CREATE TABLE transition (
    session_id  bigint NOT NULL,
    seq         int NOT NULL,
    tenant_id   bigint NOT NULL,
    computer_id bigint NOT NULL,
    what        text NOT NULL,
    at          timestamptz NOT NULL,
    since       timestamptz NOT NULL,
    stage       text NOT NULL,
    dispatch    int NOT NULL,
    waited_on   text,
    due_at      timestamptz,
    admitted_at timestamptz,
    taken_at    timestamptz,
    status      text NOT NULL,
    by          text NOT NULL,
    note        text NOT NULL DEFAULT '',
    traceparent text,
    tx          xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (session_id, seq)
);

COMMENT ON TABLE transition IS 'What happened to each session, in order; append-only.';
CREATE INDEX transition_outbox ON transition (tx, session_id, seq);

-- How far each reader of the outbox has come.
CREATE TABLE outbox_cursor (
    reader     text PRIMARY KEY,
    tx         xid8 NOT NULL,
    session_id bigint NOT NULL,
    seq        int NOT NULL
);

COMMENT ON TABLE outbox_cursor IS 'Readers of `transition` and the last row that each has told of.';

-- What a stage found out or decided: findings and plans, immutable.
CREATE TABLE stage_result (
    session_id bigint NOT NULL,
    stage      text NOT NULL,
    dispatch   int NOT NULL,
    at         timestamptz NOT NULL,
    hash       bytea,
    body       jsonb NOT NULL,
    PRIMARY KEY (session_id, stage, dispatch)
);

COMMENT ON TABLE stage_result IS 'Findings (detection) and plans (planning), as they were when the stage was done.';

CREATE TABLE action (
    session_id    bigint NOT NULL,
    dispatch      int NOT NULL,
    seq           int NOT NULL,
    item          text NOT NULL,
    deployment    text NOT NULL,
    type          text NOT NULL,
    reason        text NOT NULL,
    detected      text,
    desired       text,
    status        text NOT NULL CHECK (status IN ('planned', 'started', 'done')),
    result        text CHECK (result IN ('success', 'failed', 'skipped', 'cancelled', 'indeterminate')),
    result_reason text,
    message       text,
    attempts      int NOT NULL DEFAULT 0,
    run_id        uuid,
    started_at    timestamptz,
    ended_at      timestamptz,
    PRIMARY KEY (session_id, dispatch, seq),
    CONSTRAINT done_has_result CHECK ((status = 'done') = (result IS NOT NULL))
) WITH (fillfactor = 60);

COMMENT ON TABLE action IS 'One maintenance item''s work in a session; `dispatch` names the planning that made it.';

-- One start of a sequence of steps on a computer. The row is committed before the command is sent.
CREATE TABLE run (
    run_id      uuid PRIMARY KEY,
    session_id  bigint NOT NULL,
    computer_id bigint NOT NULL,
    dispatch    int NOT NULL,
    epoch       bigint NOT NULL,
    action_seq  int,
    purpose     text NOT NULL CHECK (purpose IN ('detect', 'act', 'reboot', 'verify')),
    start_by    timestamptz NOT NULL,
    body        jsonb NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    outcome     jsonb,
    outcome_at  timestamptz
) WITH (fillfactor = 60);

COMMENT ON TABLE run IS 'Runs and their outcomes, late ones too: evidence that changes nothing final.';
CREATE INDEX run_of_session ON run (session_id);

-- Who works: capacity steers admission, the heartbeat says who is alive.
CREATE TABLE worker (
    id           text PRIMARY KEY,
    stage        text NOT NULL CHECK (stage IN ('detection', 'planning', 'execution')),
    capacity     int NOT NULL CHECK (capacity > 0),
    in_flight    int NOT NULL,
    version      text NOT NULL,
    started_at   timestamptz NOT NULL,
    heartbeat_at timestamptz NOT NULL
);

COMMENT ON TABLE worker IS 'Workers and their capacity; one that has been silent for a while counts for nothing.';

-- One scheduler leads. Every admission verifies the term under lock.
CREATE TABLE scheduler_term (
    one    boolean PRIMARY KEY DEFAULT true CHECK (one),
    term   bigint NOT NULL,
    holder text NOT NULL,
    until  timestamptz NOT NULL
);

COMMENT ON TABLE scheduler_term IS 'The leading scheduler and until when it leads unless it renews.';
INSERT INTO scheduler_term (term, holder, until) VALUES (0, '', '-infinity');

-- The agents' connections, written by the gateways.
CREATE TABLE agent_presence (
    computer_id   bigint PRIMARY KEY,
    gateway       text NOT NULL,
    connection    uuid NOT NULL,
    agent_version text NOT NULL,
    boot_id       text NOT NULL,
    epoch         bigint NOT NULL,
    connected_at  timestamptz NOT NULL,
    seen_at       timestamptz NOT NULL
);

COMMENT ON TABLE agent_presence IS 'Which gateway has the connection of a computer''s agent; no row means offline.';

-- The same key from the same submitter for the same tenant makes sessions once.
CREATE TABLE submission (
    tenant_id  bigint NOT NULL,
    submitter  text NOT NULL,
    key        text NOT NULL,
    body_hash  bytea NOT NULL,
    sessions   bigint[] NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (submitter, key, tenant_id)
);

COMMENT ON TABLE submission IS 'Idempotency keys, kept for 30 days.';
CREATE INDEX submission_age ON submission (created_at);

CREATE TABLE rejected_submission (
    id         bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    submitter  text NOT NULL,
    at         timestamptz NOT NULL,
    violations jsonb NOT NULL,
    body       bytea NOT NULL
);

COMMENT ON TABLE rejected_submission IS 'What could not be accepted, for inspection, up to a quota for each submitter.';
CREATE INDEX rejected_submission_of ON rejected_submission (submitter, id);

-- Which tenants the users of the broker may submit for.
CREATE TABLE broker_submitter (
    user_id   text NOT NULL,
    tenant_id bigint NOT NULL,
    PRIMARY KEY (user_id, tenant_id)
);

COMMENT ON TABLE broker_submitter IS 'The tenants for which each broker user may submit.';

CREATE TABLE dead_letter (
    id          bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    queue       text NOT NULL,
    at          timestamptz NOT NULL,
    reason      text NOT NULL,
    message_id  text NOT NULL,
    session_id  bigint,
    headers     jsonb NOT NULL,
    body        bytea NOT NULL,
    state       text NOT NULL CHECK (state IN ('open', 'redriven', 'dropped')),
    redrive     jsonb,
    resolved_by text,
    resolved_at timestamptz,
    note        text,
    CONSTRAINT resolved_at_some_time CHECK ((state = 'open') = (resolved_at IS NULL))
);

COMMENT ON TABLE dead_letter IS 'Messages the broker gave up on, for a person to act on.';
COMMENT ON COLUMN dead_letter.redrive IS 'Who wants it worked on again; the scheduler does that while the state is open.';
CREATE INDEX dead_letter_open ON dead_letter (id) WHERE state = 'open';

CREATE TABLE api_token (
    name       text PRIMARY KEY,
    hash       bytea NOT NULL UNIQUE,
    role       text NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    tenant_id  bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);

COMMENT ON TABLE api_token IS 'SHA-256 of the tokens; a token itself is shown once.';

-- Who did what on whose behalf: one row a call that changes something.
CREATE TABLE audit (
    id     bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    at     timestamptz NOT NULL DEFAULT now(),
    actor  text NOT NULL,
    action text NOT NULL,
    scope  jsonb NOT NULL,
    reason text NOT NULL DEFAULT ''
);

COMMENT ON TABLE audit IS 'Calls that change something: who, what, on what, why.';
