INSERT INTO secret (owner, name, key_id, sealed) VALUES
    ('stored', 'enrolment-key', '0123456789abcdef', '\x000102030405060708090a0b0c0d0e0f');
