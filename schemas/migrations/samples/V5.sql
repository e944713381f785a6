-- Rows such as V5 leaves behind: each new kind of session, a lock with its holder and a waiter, and what else is new.

INSERT INTO session (tenant_id, computer_id, kind, priority, "order", status, waiting_on, stage, dispatch, attempt, losses,
                     run_after, revision, since, created_at, lock_wanted, lock_since)
VALUES (2, 1, 'inventory', 2, '{"reboot":"never","by":"ann","origin":"api"}', 'pending', 'turn', 'detection', 0, 0, 0,
        '2026-01-06 08:00Z', 1, '2026-01-06 08:00Z', '2026-01-06 08:00Z', NULL, NULL),
       (2, 1, 'resolution', 2, '{"reboot":"never","by":"ann","origin":"api"}', 'pending', 'turn', 'planning', 0, 0, 0,
        '2026-01-06 08:00Z', 1, '2026-01-06 08:00Z', '2026-01-06 08:00Z', NULL, NULL),
       (2, 1, 'download', 2, '{"reboot":"never","by":"ann","origin":"api"}', 'pending', 'turn', 'detection', 0, 0, 0,
        '2026-01-06 08:00Z', 1, '2026-01-06 08:00Z', '2026-01-06 08:00Z', NULL, NULL),
       (2, 1, 'repair', 2, '{"item":"task/time-server","reboot":"never","by":"ann","origin":"api"}', 'pending', 'lock',
        'execution', 3, 0, 0, '2026-01-06 08:10Z', 6, '2026-01-06 08:00Z', '2026-01-06 08:00Z', 'clock', '2026-01-06 08:00Z');
UPDATE session SET lock = 'clock', lock_since = '2026-01-06 07:59Z' WHERE id = 3;
INSERT INTO rerun (session_id, rerun_id, item) VALUES (5, 3, 'task/time-server'), (6, 2, NULL);
INSERT INTO secret (owner, name, value, replaced_at) VALUES
    ('deployment/time-at-acme', 'key', 'old-sample', '2026-01-06 08:00Z'),
    ('deployment/time-at-acme', 'key', 'new-sample', NULL);
INSERT INTO action (session_id, dispatch, seq, parent, item, deployment, type, reason, status)
VALUES (3, 2, 2, 1, 'task/time-server', 'editor-for-all', 'enforce_task', 'added', 'planned');
