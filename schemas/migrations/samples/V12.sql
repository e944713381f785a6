INSERT INTO expected_duration VALUES ('software/editor', 'install', '2.0', 12500, 7, '2026-01-05 08:00Z'),
                                     ('task/time-server', 'enforce_task', '', 800, 1, '2026-01-04 08:00Z');
