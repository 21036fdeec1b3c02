-- As before, with fewer steps. PostgreSQL prepares the expressions of a function anew in every
-- transaction, so each of them costs a cheap call about as much as each other.
SET LOCAL ROLE zava_context;

-- The setting is read in each place: as an item of FROM it took a scan of its own and a store of rows,
-- for every table that a statement names.
CREATE OR REPLACE FUNCTION zava.my_store(reader name) RETURNS uuid
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT CASE
    WHEN sha256(convert_to(left(current_setting('zava.context', true), 64), 'UTF8'))
       = sha256(convert_to(encode(sha256(k.outer_pad || sha256(k.inner_pad || convert_to(
           concat_ws('|', replace(reader, '_personal', ''), substr(current_setting('zava.context', true), 65),
                     pg_backend_pid(), transaction_timestamp(), statement_timestamp()), 'UTF8'))), 'hex'), 'UTF8'))
    THEN substr(current_setting('zava.context', true), 65)::uuid
  END
  FROM zava.keyring k;
END;

CREATE OR REPLACE FUNCTION zava.my_stores(reader name) RETURNS uuid[]
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT CASE
    WHEN sha256(convert_to(left(current_setting('zava.context', true), 64), 'UTF8'))
       = sha256(convert_to(encode(sha256(k.outer_pad || sha256(k.inner_pad || convert_to(
           concat_ws('|', replace(reader, '_personal', ''), substr(current_setting('zava.context', true), 65),
                     pg_backend_pid(), transaction_timestamp(), statement_timestamp()), 'UTF8'))), 'hex'), 'UTF8'))
    THEN substr(current_setting('zava.context', true), 65)::uuid[]
  END
  FROM zava.keyring k;
END;
RESET ROLE;

DO $runners$
DECLARE
  reader text;
BEGIN
  FOREACH reader IN ARRAY ARRAY['store_managers', 'regional_managers', 'head_office',
    'store_managers_personal', 'regional_managers_personal', 'head_office_personal'] LOOP
    EXECUTE format('GRANT %I TO CURRENT_USER WITH INHERIT FALSE, SET TRUE', reader);
    SET LOCAL ROLE zava_context;
    EXECUTE format('GRANT CREATE ON SCHEMA zava TO %I', reader);
    EXECUTE format('SET LOCAL ROLE %I', reader);
    EXECUTE format($create$
      CREATE OR REPLACE FUNCTION zava.run_%1$s(
        p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea,
        p_statement text, p_params text, p_max_rows integer, p_max_bytes bigint, p_columns integer DEFAULT 0
      ) RETURNS SETOF text
      LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER
      SET search_path = pg_catalog, retail, pg_temp %2$s
      AS $body$
      DECLARE
        opened text := zava.open_context(
          current_user, p_key_id, p_tenant, p_person, p_expires, p_nonce, p_mac, p_statement, p_params);
        context text;
        found_row record;
        line text;
        rows_left integer := p_max_rows;
        bytes_left bigint := p_max_bytes;
        is_answered boolean := false;
        verdict text;
      BEGIN
        -- The usual call takes one step: each step of a function is prepared in every transaction.
        IF opened IS DISTINCT FROM current_user::text THEN
          IF opened IS NULL THEN
            RAISE EXCEPTION 'context refused' USING ERRCODE = 'ZA001';
          ELSIF opened OPERATOR(pg_catalog.=) '' THEN
            RAISE EXCEPTION 'principal refused' USING ERRCODE = 'ZA003';
          END IF;
          RAISE EXCEPTION '%%', opened USING ERRCODE = 'ZA004';
        END IF;
        context := pg_catalog.current_setting('zava.context', true);
        RETURN NEXT pg_catalog.substr(context, 65);
        IF p_columns OPERATOR(pg_catalog.>) 0 THEN
          BEGIN
            FOR line IN
              EXECUTE zava.rows_as_text(p_statement, p_columns) USING NULLIF(p_params, '')::pg_catalog.jsonb
            LOOP
              IF rows_left OPERATOR(pg_catalog.=) 0 THEN
                verdict := 'truncated:rows';
                EXIT;
              END IF;
              bytes_left := bytes_left OPERATOR(pg_catalog.-) pg_catalog.octet_length(line);
              IF bytes_left OPERATOR(pg_catalog.<) 0 THEN
                IF rows_left OPERATOR(pg_catalog.=) p_max_rows THEN
                  RAISE EXCEPTION 'a row exceeds %% bytes', p_max_bytes USING ERRCODE = '54000';
                END IF;
                verdict := 'truncated:bytes';
                EXIT;
              END IF;
              rows_left := rows_left OPERATOR(pg_catalog.-) 1;
              RETURN NEXT line;
            END LOOP;
            is_answered := true;
          EXCEPTION WHEN syntax_error OR invalid_column_reference THEN
            IF rows_left OPERATOR(pg_catalog.<>) p_max_rows THEN
              RAISE;
            END IF;
          END;
        END IF;
        IF NOT is_answered THEN
          FOR found_row IN EXECUTE p_statement USING NULLIF(p_params, '')::pg_catalog.jsonb LOOP
            IF rows_left OPERATOR(pg_catalog.=) 0 THEN
              verdict := 'truncated:rows';
              EXIT;
            END IF;
            -- The size is asked first: JSON of an oversized row is never built.
            IF pg_catalog.pg_column_size(found_row) OPERATOR(pg_catalog.>) p_max_bytes THEN
              RAISE EXCEPTION 'a row exceeds %% bytes', p_max_bytes USING ERRCODE = '54000';
            END IF;
            line := pg_catalog.row_to_json(found_row)::pg_catalog.text;
            bytes_left := bytes_left OPERATOR(pg_catalog.-) pg_catalog.octet_length(line);
            IF bytes_left OPERATOR(pg_catalog.<) 0 THEN
              IF rows_left OPERATOR(pg_catalog.=) p_max_rows THEN
                RAISE EXCEPTION 'a row exceeds %% bytes', p_max_bytes USING ERRCODE = '54000';
              END IF;
              verdict := 'truncated:bytes';
              EXIT;
            END IF;
            rows_left := rows_left OPERATOR(pg_catalog.-) 1;
            RETURN NEXT line;
          END LOOP;
        END IF;
        -- Nothing of the caller's runs below: drop its session locks, then see that the context held.
        IF pg_catalog.pg_advisory_unlock_all() IS NULL
           OR pg_catalog.current_setting('zava.context', true) IS DISTINCT FROM context THEN
          RAISE EXCEPTION 'context altered' USING ERRCODE = 'ZA002';
        END IF;
        IF verdict IS NOT NULL THEN
          RETURN NEXT verdict;
        END IF;
      END $body$
    $create$, reader, CASE WHEN reader NOT LIKE 'head_office%' THEN 'SET enable_seqscan = off' END);
    RESET ROLE;
    SET LOCAL ROLE zava_context;
    EXECUTE format('REVOKE CREATE ON SCHEMA zava FROM %I', reader);
    RESET ROLE;
    EXECUTE format('REVOKE %I FROM CURRENT_USER', reader);
  END LOOP;
END $runners$;
