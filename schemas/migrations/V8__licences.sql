-- A licence's key or file is a secret like any other: its body names a row of secret. V6 meant it to be a text among the
-- scripts, which every worker keeps in memory; nothing was ever stored so.

ALTER TABLE licence ADD CONSTRAINT says_it_in_secret CHECK (body -> 'text' ? 'secret');

COMMENT ON TABLE licence IS 'Who may use which software, by name; what it says is a secret.';
