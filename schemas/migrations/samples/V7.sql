-- An editor that was installed by a session, after having been missing; a time server that is out of order.
INSERT INTO compliance VALUES
    (1, 'software/editor', 2, 'editor-for-all', 'compliant', '', '2.0', 'any', '2026-01-05 08:00Z', 4),
    (2, 'task/time-server', 2, 'time-at-acme', 'non_compliant', 'not_satisfied', NULL, 'satisfied', '2026-01-04 08:00Z', 5),
    (2, 'software/editor', 2, 'editor-for-all', 'not_judged', '', NULL, NULL, '2026-01-04 08:00Z', 5);
INSERT INTO compliance_past VALUES
    (1, 'software/editor', 2, 'editor-for-all', 'non_compliant', 'missing', NULL, 'any', '2026-01-04 08:00Z', 1,
     '2026-01-05 08:00Z', 4);
INSERT INTO judgement VALUES (1, substr(sha256('judgement'), 1, 16), 4, '2026-01-05 08:00Z'), (2, NULL, 5, '2026-01-04 08:00Z');
