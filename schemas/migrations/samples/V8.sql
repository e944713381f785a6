-- Rows such as V8 leaves behind.

INSERT INTO licence (name, body) VALUES
    ('viewer-for-all', '{"name": "viewer-for-all", "software": "editor", "major": "2", "text": {"secret": "7d0a4c1e-58f4-4a53-9f0c-0a4f5f6d7c11"}}');
