-- Two final sessions on two computers, at once, as they should be: one with an action and a run, one cancelled early.
INSERT INTO tenant (name, max_running) VALUES ('acme', 2);
INSERT INTO session_history (id, tenant_id, computer_id, kind, priority, "order", status, stage, dispatch, attempt,
                             losses, epoch, revision, created_at, started_at, finished_at)
VALUES (1, 1, 11, 'full', 2, '{}', 'completed', 'execution', 3, 0, 0, 5, 6,
        '2026-01-01 10:00:00', '2026-01-01 10:00:02', '2026-01-01 10:00:30'),
       (2, 1, 12, 'full', 2, '{}', 'cancelled', 'detection', 1, 0, 0, 6, 4,
        '2026-01-01 10:00:00', '2026-01-01 10:00:02', '2026-01-01 10:00:10');
INSERT INTO transition (session_id, seq, tenant_id, computer_id, what, stage, dispatch, status, by, waited_on,
                        since, due_at, admitted_at, taken_at, at)
VALUES (1, 1, 1, 11, 'submitted', 'detection', 0, 'pending', 'me', NULL,
        '2026-01-01 10:00:00', NULL, NULL, NULL, '2026-01-01 10:00:00'),
       (1, 4, 1, 11, 'advanced', 'detection', 1, 'pending', 'a worker', 'turn',
        '2026-01-01 10:00:00', '2026-01-01 10:00:00', '2026-01-01 10:00:01', '2026-01-01 10:00:02', '2026-01-01 10:00:10'),
       (1, 6, 1, 11, 'finished', 'execution', 2, 'completed', 'a worker', NULL,
        '2026-01-01 10:00:10', NULL, '2026-01-01 10:00:10', '2026-01-01 10:00:12', '2026-01-01 10:00:30'),
       (2, 1, 1, 12, 'submitted', 'detection', 0, 'pending', 'me', NULL,
        '2026-01-01 10:00:00', NULL, NULL, NULL, '2026-01-01 10:00:00'),
       (2, 4, 1, 12, 'finished', 'detection', 1, 'cancelled', 'me', 'turn',
        '2026-01-01 10:00:00', '2026-01-01 10:00:00', '2026-01-01 10:00:01', '2026-01-01 10:00:02', '2026-01-01 10:00:10');
INSERT INTO action (session_id, dispatch, seq, item, deployment, type, reason, status, result, started_at, ended_at)
VALUES (1, 2, 1, 'software/a', 'a', 'install', 'missing', 'done', 'success',
        '2026-01-01 10:00:12', '2026-01-01 10:00:30'),
       (1, 2, 2, 'software/b', 'b', 'install', 'missing', 'planned', NULL, NULL, NULL);
INSERT INTO run (run_id, session_id, computer_id, dispatch, epoch, action_seq, purpose, start_by, body, created_at, outcome)
VALUES ('00000000-0000-0000-0000-000000000001', 1, 11, 3, 5, 1, 'act', '2026-01-01 10:01:00', '{}', '2026-01-01 10:00:13',
        '{"run_id": "00000000-0000-0000-0000-000000000001", "session": 1}');
UPDATE action SET attempts = 1 WHERE seq = 1;
INSERT INTO compliance VALUES (11, 'software/a', 1, 'a', 'compliant', '', NULL, 'any', '2026-01-01 10:00:30', 1);
INSERT INTO compliance_past VALUES (11, 'software/a', 1, 'a', 'non_compliant', 'missing', NULL, 'any', '2025-12-31 10:00:00', 0,
                                    '2026-01-01 10:00:30', 1);
