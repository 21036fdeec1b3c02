-- What one audience may call, and its policy on the canaries.
GRANT USAGE ON SCHEMA zava TO {{role}};
GRANT EXECUTE ON FUNCTION
  zava.open_context(name, integer, uuid, uuid, bigint, uuid, bytea, text, text), zava.{{reading}}(name),
  zava.policies_hold(name, oid[]), zava.rows_as_text(text, integer), zava.plan_shape(json)
  TO {{role}};
GRANT SELECT ON zava.canary TO {{role}};
ALTER TABLE zava.canary ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY {{policy}} ON zava.canary FOR SELECT TO {{role}} USING ({{condition}});
