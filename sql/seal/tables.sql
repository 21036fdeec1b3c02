-- What the seal keeps in the adopted database: all of it in one schema, which --remove drops.

-- RFC 2104 pads, never the key itself. Up to two application keys, so that rotation has no gap.
CREATE TABLE zava.keyring (
  only_row     boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  key_a        integer,
  inner_pad_a  bytea,
  outer_pad_a  bytea,
  key_b        integer,
  inner_pad_b  bytea,
  outer_pad_b  bytea,
  inner_pad    bytea NOT NULL,
  outer_pad    bytea NOT NULL,
  CHECK (key_a <> key_b)
);

CREATE FUNCTION zava.pad(key bytea, fill integer) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  -- RFC 2104: a key longer than the 64-byte block is hashed, a shorter one filled with zeros.
  block bytea := CASE WHEN length(key) > 64 THEN sha256(key) ELSE key END;
BEGIN
  block := block || decode(repeat('00', 64 - length(block)), 'hex');
  FOR i IN 0..63 LOOP
    block := set_byte(block, i, get_byte(block, i) # fill);
  END LOOP;
  RETURN block;
END $$;
REVOKE ALL ON FUNCTION zava.pad(bytea, integer) FROM PUBLIC;

-- The database's own key is drawn here and shown to no role: four random UUIDs hold 488 random bits.
DO $$
DECLARE
  own bytea := sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
                   || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
BEGIN
  INSERT INTO zava.keyring (inner_pad, outer_pad) VALUES (zava.pad(own, 54), zava.pad(own, 92));
END $$;

-- The audiences of the declaration; each is a role. one: one tenant; many: a list; all: every row.
CREATE TABLE zava.audiences (
  role   name PRIMARY KEY,
  name   text NOT NULL UNIQUE,
  scope  text NOT NULL CHECK (scope IN ('one', 'many', 'all'))
);

CREATE TABLE zava.principals (
  tenant_id     uuid NOT NULL,
  object_id     uuid NOT NULL,
  display_name  text NOT NULL,
  audience      name NOT NULL REFERENCES zava.audiences ON DELETE CASCADE,
  tenants       {{key}}[] NOT NULL CHECK (array_position(tenants, NULL) IS NULL),
  active        boolean NOT NULL DEFAULT true,
  kind          text NOT NULL DEFAULT 'person' CHECK (kind IN ('person', 'application')),
  valid_from    timestamptz NOT NULL DEFAULT '-infinity',
  valid_until   timestamptz NOT NULL DEFAULT 'infinity',
  PRIMARY KEY (tenant_id, object_id),
  CHECK (valid_from < valid_until)
);

-- The one definition of a grant that holds at this moment. A grant of several tenants to an audience
-- of one tenant is no grant.
CREATE VIEW zava.valid_principals AS
  SELECT p.tenant_id, p.object_id, p.audience, a.scope AS kind,
         CASE a.scope WHEN 'one' THEN p.tenants[1]::text WHEN 'many' THEN p.tenants::text ELSE 'all' END AS scope
  FROM zava.principals AS p JOIN zava.audiences AS a ON a.role = p.audience
  WHERE p.active AND p.valid_from <= statement_timestamp() AND statement_timestamp() < p.valid_until
    AND (a.scope <> 'one' OR cardinality(p.tenants) = 1);

-- Two rows under policies like those of the adopted tables. They prove the seal without any data.
CREATE TABLE zava.canary (tenant {{key}} PRIMARY KEY, song text NOT NULL);
INSERT INTO zava.canary VALUES ({{first_canary}}, 'first canary'), ({{second_canary}}, 'second canary');

-- Each relation that callers read. The policies are in the server's own spelling, and the rendered
-- ones as the declaration gave them. `dormant` are the application's policies that had no effect before
-- the adoption, because row security was off.
CREATE TABLE zava.adopted (
  relation          text PRIMARY KEY,
  relation_oid      oid NOT NULL,
  had_row_security  boolean NOT NULL,
  rendered          jsonb NOT NULL,
  policies          jsonb NOT NULL,
  columns           jsonb NOT NULL DEFAULT '{}',
  dormant           text[] NOT NULL DEFAULT '{}'
);

-- Each text that was applied. `facts` has what the isolation check compares the catalog with.
CREATE TABLE zava.declaration (
  number       integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  text         text NOT NULL,
  checksum     text NOT NULL,
  applied_by   name NOT NULL DEFAULT session_user,
  applied_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  is_complete  boolean NOT NULL,
  facts        jsonb NOT NULL
);

-- One intent and one outcome of each call. No statement and no value is in it.
CREATE TABLE zava.audit_log (
  call_id                uuid NOT NULL,
  phase                  text NOT NULL CHECK (phase IN ('intent', 'outcome')),
  called_at              timestamptz NOT NULL,
  recorded_at            timestamptz NOT NULL DEFAULT clock_timestamp(),
  tenant_id              uuid NOT NULL,
  object_id              uuid NOT NULL,
  client_id              text NOT NULL CHECK (length(client_id) <= 100),
  client_name            text NOT NULL CHECK (length(client_name) <= 100),
  tool                   text NOT NULL CHECK (length(tool) <= 100),
  fingerprint            text CHECK (length(fingerprint) <= 64),
  audience               name,
  tenants                text[],
  row_count              bigint,
  byte_count             bigint,
  duration_milliseconds  double precision,
  database_milliseconds  double precision,
  outcome                text CHECK (length(outcome) <= 100),
  correlation_id         text CHECK (length(correlation_id) <= 100),
  trace_id               text CHECK (length(trace_id) = 32),
  PRIMARY KEY (call_id, phase),
  CHECK ((outcome IS NOT NULL) = (phase = 'outcome'))
);
CREATE INDEX audit_log_by_time_idx ON zava.audit_log (called_at);

-- What each principal has used of the minute and the hour at hand. A crash empties it: budgets begin anew.
CREATE UNLOGGED TABLE zava.usage (
  tenant_id          uuid NOT NULL,
  object_id          uuid NOT NULL,
  minute             timestamptz NOT NULL,
  calls              bigint NOT NULL,
  hour               timestamptz NOT NULL,
  busy_milliseconds  double precision NOT NULL,
  PRIMARY KEY (tenant_id, object_id)
);
