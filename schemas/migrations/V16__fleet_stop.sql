-- One word that stops the whole fleet: nothing new is begun at any computer until another word lets it go on. It stands
-- beside the tenants' stops, which it neither sets nor clears.

ALTER TABLE installation ADD COLUMN stop jsonb;

COMMENT ON COLUMN installation.stop IS 'Who stopped the whole fleet, why and when; null while it may run.';
