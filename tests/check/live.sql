-- A live session that a living worker has, for an hour already.
INSERT INTO session (id, tenant_id, computer_id, kind, priority, "order", status, stage, dispatch, attempt, losses,
                     revision, since, created_at, admitted_at, taken_at, owner, deadline)
SELECT 3, 1, 13, 'full', 2, '{}', 'running', 'detection', 1, 0, 0, 3, begun, begun, begun, begun, 'a worker',
       now() + interval '1 minute'
FROM (SELECT now() - interval '1 hour' AS begun) AS times;
INSERT INTO transition (session_id, seq, tenant_id, computer_id, what, at, since, stage, dispatch, status, by)
SELECT id, 1, tenant_id, computer_id, 'submitted', since, since, 'detection', 0, 'pending', 'me' FROM session;
INSERT INTO computer_hold VALUES (13, 3, 1, now());
INSERT INTO worker VALUES ('a worker', 'detection', 1, 1, '0', now(), now());
