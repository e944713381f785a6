-- More kinds of session, tasks that run one at a time in the whole fleet, secrets, actions below actions, and reruns.
--
-- A lock is a column of the session that holds it, unique among live sessions: two holders cannot be stored, whoever
-- dies, and a session that becomes final leaves this table and its lock with it. So there is no lock without a live
-- owner, nothing has to be cleaned up, and sessions without serial tasks pay for two empty partial indexes.

ALTER TABLE session
    DROP CONSTRAINT session_kind_check,
    ADD CONSTRAINT session_kind_check CHECK (kind IN ('full', 'targeted', 'onboarding', 'detection', 'repair', 'inventory',
                                                      'resolution', 'download')),
    DROP CONSTRAINT session_waiting_on_check,
    ADD CONSTRAINT session_waiting_on_check CHECK (waiting_on IN ('turn', 'window', 'schedule', 'approval', 'connectivity',
                                                                  'postponed', 'reboot', 'retry', 'computer', 'lock')),
    ADD COLUMN lock text CHECK (lock <> ''),
    ADD COLUMN lock_wanted text CHECK (lock_wanted <> ''),
    ADD COLUMN lock_since timestamptz,
    ADD CONSTRAINT holds_or_wants_a_lock CHECK (num_nonnulls(lock, lock_wanted) = num_nonnulls(lock_since));

COMMENT ON COLUMN session.lock IS 'The fleet-wide lock that it holds; a session does one action at a time, so it holds one at most.';
COMMENT ON COLUMN session.lock_wanted IS 'The lock that it waits for.';
COMMENT ON COLUMN session.lock_since IS 'Since when it has held the lock or waited for it: the order in which waiters are woken.';
CREATE UNIQUE INDEX session_lock ON session (lock) WHERE lock IS NOT NULL;
CREATE INDEX session_lock_wanted ON session (lock_wanted, lock_since, id) WHERE lock_wanted IS NOT NULL;

-- A final session never changes. That one of its actions, or all of it, was run again is said here, beside it.
CREATE TABLE rerun (
    session_id bigint NOT NULL,
    rerun_id   bigint NOT NULL,
    item       text,
    at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (session_id, rerun_id)
);

COMMENT ON TABLE rerun IS 'Sessions that run another one again: all of it, or the action of one item.';

-- What people must not read. Deployments, plans and runs name a secret by its id; its value is joined in when a run is
-- sent to its computer. A value never changes under its id: another value is another secret, so that a plan made with
-- the old one shows that it is old.
CREATE TABLE secret (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    owner       text NOT NULL CHECK (owner <> ''),
    name        text NOT NULL CHECK (name <> ''),
    value       text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    replaced_at timestamptz
);

COMMENT ON TABLE secret IS 'Values of secret parameters, by what gives them; nothing but sending a run reads them.';
CREATE UNIQUE INDEX secret_of ON secret (owner, name) WHERE replaced_at IS NULL;

ALTER TABLE action ADD COLUMN parent int, ADD CONSTRAINT not_its_own_parent CHECK (parent <> seq);

COMMENT ON COLUMN action.parent IS 'The place of the action whose script has asked for this one.';
