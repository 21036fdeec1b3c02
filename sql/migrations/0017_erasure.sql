-- Customers who were erased on request. The row stays as a pseudonym, so that figures stay as they
-- were. Its source key becomes a digest: a later import of the same files finds the pseudonym and
-- brings no name back.
SET LOCAL ROLE zava_context;
CREATE TABLE zava.erasures (
  erasure_id    uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  erased_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  customer_ids  uuid[] NOT NULL,
  found_by      text NOT NULL CHECK (found_by IN ('id', 'email', 'key')),
  removed       jsonb NOT NULL
);
COMMENT ON COLUMN zava.erasures.removed IS 'How many rows or values were removed from where.';
GRANT INSERT ON zava.erasures TO zava_loader;
-- The certificate is the row of the log, which no role can change.
CREATE TRIGGER log_change AFTER INSERT ON zava.erasures FOR EACH ROW EXECUTE FUNCTION zava.log_change();
RESET ROLE;
