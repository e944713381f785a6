INSERT INTO stored_file (id, sha256, size, begun_at, stored_at) VALUES
    ('6f8a1c1e-0000-4000-8000-000000000001', sha256('installer'), 9, '2026-01-05 08:00Z', '2026-01-05 08:00Z'),
    ('6f8a1c1e-0000-4000-8000-000000000002', NULL, NULL, '2026-01-05 09:00Z', NULL);
INSERT INTO stored_file_piece (file_id, place, bytes) VALUES
    ('6f8a1c1e-0000-4000-8000-000000000001', 0, 'installer');
