-- The database `shared`: each pattern and server has logins of its own, with SELECT and no more.
ALTER TABLE retail.stores ADD PRIMARY KEY (store_id);
ALTER TABLE retail.customers ADD PRIMARY KEY (store_id, customer_id);
ALTER TABLE retail.orders ADD PRIMARY KEY (store_id, order_id);
ALTER TABLE retail.order_items ADD PRIMARY KEY (store_id, order_id, line_number);
ALTER TABLE retail.products ADD PRIMARY KEY (product_id);

-- A tenant's own login, for servers that hold one login each.
CREATE ROLE iso_attacker LOGIN;
CREATE ROLE iso_neighbour LOGIN;
-- One login for all tenants.
CREATE ROLE iso_one_login LOGIN;
-- The tenant in a setting, as tutorials of row security have it.
CREATE ROLE iso_setting LOGIN;
-- SET LOCAL ROLE to the tenant's role.
CREATE ROLE iso_set_role LOGIN NOINHERIT;
CREATE ROLE iso_role_attacker NOLOGIN;
CREATE ROLE iso_role_neighbour NOLOGIN;
GRANT iso_role_attacker, iso_role_neighbour TO iso_set_role WITH INHERIT FALSE, SET TRUE;
-- A signed setting, and SET LOCAL ROLE to a reading role.
CREATE ROLE iso_signed LOGIN NOINHERIT;
CREATE ROLE iso_signed_reader NOLOGIN;
GRANT iso_signed_reader TO iso_signed WITH INHERIT FALSE, SET TRUE;
-- An authenticator, and the claims of a token in a setting.
CREATE ROLE iso_authenticator LOGIN NOINHERIT;
CREATE ROLE iso_web_user NOLOGIN;
GRANT iso_web_user TO iso_authenticator WITH INHERIT FALSE, SET TRUE;
-- A role that reads all stores: an attacker may try to become it.
CREATE ROLE iso_reports NOLOGIN;
CREATE SCHEMA app;
CREATE TABLE app.signing (key text NOT NULL);
INSERT INTO app.signing VALUES ('{key}');

CREATE FUNCTION app.signed_store() RETURNS uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  parts text[] := string_to_array(current_setting('app.context', true), '.');
  key text := (SELECT s.key FROM app.signing AS s);
BEGIN
  IF parts[2] = encode(sha256(convert_to(key || encode(sha256(convert_to(key || parts[1], 'UTF8')), 'hex'), 'UTF8')), 'hex') THEN
    RETURN parts[1]::uuid;
  END IF;
  RETURN NULL;
END $$;

GRANT USAGE ON SCHEMA retail, app TO iso_attacker, iso_neighbour, iso_one_login, iso_setting, iso_set_role,
  iso_role_attacker, iso_role_neighbour, iso_signed_reader, iso_web_user, iso_reports;
GRANT SELECT ON retail.products TO iso_attacker, iso_neighbour, iso_one_login, iso_setting,
  iso_role_attacker, iso_role_neighbour, iso_signed_reader, iso_web_user, iso_reports;

-- The servers that were measured for speed read who calls here.
CREATE TABLE app.grants (object_id text PRIMARY KEY, store_id uuid NOT NULL);
CREATE TABLE app.audit_log (called_at timestamptz, object_id text, tool text, rows integer);
GRANT SELECT ON app.grants TO iso_setting;
GRANT INSERT ON app.audit_log TO iso_setting;

DO $$
DECLARE
  tenant_table text;
  tenant_role text;
  tenant uuid;
BEGIN
  FOREACH tenant_table IN ARRAY ARRAY['stores', 'customers', 'orders', 'order_items'] LOOP
    EXECUTE format('ALTER TABLE retail.%I ENABLE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format('GRANT SELECT ON retail.%I TO iso_attacker, iso_neighbour, iso_one_login, iso_setting,'
      ' iso_role_attacker, iso_role_neighbour, iso_signed_reader, iso_web_user, iso_reports', tenant_table);
    FOR tenant_role, tenant IN
      SELECT v.login, s.store_id FROM retail.stores AS s JOIN (VALUES
        ('iso_attacker', 'Seattle'), ('iso_neighbour', 'Redmond'),
        ('iso_role_attacker', 'Seattle'), ('iso_role_neighbour', 'Redmond')) AS v (login, store)
        ON s.store_name = 'Zava Retail ' || v.store
    LOOP
      EXECUTE format('CREATE POLICY %I ON retail.%I TO %I USING (store_id = %L)',
        'of_' || tenant_role, tenant_table, tenant_role, tenant);
    END LOOP;
    EXECUTE format('CREATE POLICY everything ON retail.%I TO iso_one_login, iso_reports USING (true)', tenant_table);
    EXECUTE format('CREATE POLICY by_setting ON retail.%I TO iso_setting'
      ' USING (store_id = (SELECT current_setting(''app.store_id'')::uuid))', tenant_table);
    EXECUTE format('CREATE POLICY by_signature ON retail.%I TO iso_signed_reader'
      ' USING (store_id = (SELECT app.signed_store()))', tenant_table);
    EXECUTE format('CREATE POLICY by_claims ON retail.%I TO iso_web_user USING (store_id ='
      ' (SELECT (current_setting(''request.jwt.claims'', true)::json ->> ''store_id'')::uuid))', tenant_table);
  END LOOP;
END $$;
