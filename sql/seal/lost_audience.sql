-- An audience that is no longer declared. Its grants end with its row in zava.audiences.
REVOKE ALL ON SCHEMA zava FROM {{role}};
REVOKE ALL ON zava.canary FROM {{role}};
REVOKE ALL ON FUNCTION
  zava.open_context(name, integer, uuid, uuid, bigint, uuid, bytea, text, text),
  zava.my_tenant(name), zava.my_tenants(name), zava.sees_all(name), zava.policies_hold(name, oid[]),
  zava.rows_as_text(text, integer), zava.plan_shape(json) FROM {{role}};
