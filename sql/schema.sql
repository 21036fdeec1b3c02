--
-- PostgreSQL database dump
--

SELECT pg_catalog.set_config('search_path', '', false);

--
-- Name: extensions; Type: SCHEMA; Schema: -; Owner: zava_admin
--

CREATE SCHEMA extensions;

ALTER SCHEMA extensions OWNER TO zava_admin;

--
-- Name: retail; Type: SCHEMA; Schema: -; Owner: zava_owner
--

CREATE SCHEMA retail;

ALTER SCHEMA retail OWNER TO zava_owner;

--
-- Name: zava; Type: SCHEMA; Schema: -; Owner: zava_context
--

CREATE SCHEMA zava;

ALTER SCHEMA zava OWNER TO zava_context;

--
-- Name: zava_import; Type: SCHEMA; Schema: -; Owner: zava_loader
--

CREATE SCHEMA zava_import;

ALTER SCHEMA zava_import OWNER TO zava_loader;

--
-- Name: zava_migrations; Type: SCHEMA; Schema: -; Owner: zava_admin
--

CREATE SCHEMA zava_migrations;

ALTER SCHEMA zava_migrations OWNER TO zava_admin;

--
-- Name: vector; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA extensions;

--
-- Name: EXTENSION vector; Type: COMMENT; Schema: -; Owner: 
--

COMMENT ON EXTENSION vector IS 'vector data type and ivfflat and hnsw access methods';

--
-- Name: asked_vector(jsonb); Type: FUNCTION; Schema: retail; Owner: zava_owner
--

CREATE FUNCTION retail.asked_vector(question jsonb) RETURNS extensions.vector
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  IF question->>'vector' IS NOT NULL THEN
    RETURN (question->>'vector')::extensions.vector;
  ELSIF question->>'like' IS NULL THEN
    RETURN NULL;
  END IF;
  RETURN (SELECT e.embedding
          FROM retail.product_embeddings AS e
          WHERE e.product_id = retail.likened_product(question->>'like')
            AND e.model_id = (question->>'model_id')::uuid);
END $$;

ALTER FUNCTION retail.asked_vector(question jsonb) OWNER TO zava_owner;

--
-- Name: check_dimensions(); Type: FUNCTION; Schema: retail; Owner: zava_owner
--

CREATE FUNCTION retail.check_dimensions() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
  expected integer := (SELECT m.dimensions FROM retail.embedding_models m WHERE m.model_id = NEW.model_id);
BEGIN
  IF extensions.vector_dims(NEW.embedding) <> expected THEN
    RAISE EXCEPTION 'embedding has % dimensions, its model %', extensions.vector_dims(NEW.embedding), expected
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;

ALTER FUNCTION retail.check_dimensions() OWNER TO zava_owner;

--
-- Name: index_words(); Type: FUNCTION; Schema: retail; Owner: zava_owner
--

CREATE FUNCTION retail.index_words() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
  touched uuid[];
BEGIN
  IF TG_TABLE_NAME = 'products' THEN
    touched := ARRAY(SELECT n.product_id FROM changed AS n);
  ELSIF TG_TABLE_NAME = 'product_types' THEN
    touched := ARRAY(SELECT p.product_id FROM retail.products AS p JOIN changed AS n ON n.type_id = p.type_id);
  ELSE
    touched := ARRAY(SELECT p.product_id FROM retail.products AS p JOIN changed AS n ON n.category_id = p.category_id);
  END IF;
  INSERT INTO retail.product_words (product_id, words)
  SELECT p.product_id,
         setweight(to_tsvector('pg_catalog.english', p.product_name), 'A')
         || setweight(to_tsvector('pg_catalog.english', concat_ws(', ', t.type_name, p.synonyms)), 'B')
         || setweight(to_tsvector('pg_catalog.english', c.category_name), 'C')
         || setweight(to_tsvector('pg_catalog.english', p.product_description), 'D')
  FROM retail.products AS p
  JOIN retail.categories AS c ON c.category_id = p.category_id
  JOIN retail.product_types AS t ON t.type_id = p.type_id
  WHERE p.product_id = ANY (touched)
  ON CONFLICT (product_id) DO UPDATE SET words = excluded.words
  WHERE product_words.words IS DISTINCT FROM excluded.words;
  RETURN NULL;
END $$;

ALTER FUNCTION retail.index_words() OWNER TO zava_owner;

--
-- Name: new_id(); Type: FUNCTION; Schema: retail; Owner: zava_owner
--

CREATE FUNCTION retail.new_id() RETURNS uuid
    LANGUAGE sql PARALLEL SAFE
    BEGIN ATOMIC
 SELECT (encode(set_bit(set_bit(OVERLAY(uuid_send(gen_random_uuid()) PLACING SUBSTRING(int8send((floor((EXTRACT(epoch FROM clock_timestamp()) * (1000)::numeric)))::bigint) FROM 3) FROM 1 FOR 6), (52)::bigint, 1), (53)::bigint, 1), 'hex'::text))::uuid AS encode;
END;

ALTER FUNCTION retail.new_id() OWNER TO zava_owner;

--
-- Name: products; Type: TABLE; Schema: retail; Owner: zava_owner
--

CREATE TABLE retail.products (
    product_id uuid DEFAULT retail.new_id() NOT NULL,
    sku text NOT NULL,
    product_name text NOT NULL,
    category_id uuid NOT NULL,
    type_id uuid NOT NULL,
    cost numeric(10,2) NOT NULL,
    base_price numeric(10,2) NOT NULL,
    product_description text DEFAULT ''::text NOT NULL,
    synonyms text DEFAULT ''::text NOT NULL,
    discontinued boolean DEFAULT false NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    gross_margin_percent numeric(7,2) GENERATED ALWAYS AS (
CASE
    WHEN (base_price > (0)::numeric) THEN GREATEST(round((((base_price - cost) / base_price) * (100)::numeric), 2), '-99999.99'::numeric)
    ELSE NULL::numeric
END) STORED,
    unit text DEFAULT 'each'::text NOT NULL,
    CONSTRAINT products_base_price_check CHECK ((base_price >= (0)::numeric)),
    CONSTRAINT products_cost_check CHECK ((cost >= (0)::numeric)),
    CONSTRAINT products_product_name_check CHECK (((length(product_name) >= 1) AND (length(product_name) <= 200))),
    CONSTRAINT products_sku_check CHECK (((length(sku) >= 1) AND (length(sku) <= 50))),
    CONSTRAINT products_unit_check CHECK (((length(unit) >= 1) AND (length(unit) <= 20)))
);

ALTER TABLE retail.products OWNER TO zava_owner;

--
-- Name: TABLE products; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON TABLE retail.products IS 'The catalogue, shared by all stores.';

--
-- Name: COLUMN products.cost; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON COLUMN retail.products.cost IS 'Purchase cost today.';

--
-- Name: COLUMN products.base_price; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON COLUMN retail.products.base_price IS 'List price; order_items.unit_price is what was charged.';

--
-- Name: COLUMN products.synonyms; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON COLUMN retail.products.synonyms IS 'Other words that shoppers use for the product.';

--
-- Name: COLUMN products.discontinued; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON COLUMN retail.products.discontinued IS 'True when the product is no longer bought in.';

--
-- Name: COLUMN products.gross_margin_percent; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON COLUMN retail.products.gross_margin_percent IS 'Margin of base_price over cost, in percent.';

--
-- Name: likened_product(text); Type: FUNCTION; Schema: retail; Owner: zava_owner
--

CREATE FUNCTION retail.likened_product(name text) RETURNS uuid
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 SELECT p.product_id
    FROM retail.products p
   WHERE ((upper(p.sku) = upper(likened_product.name)) OR (lower(p.product_name) = lower(likened_product.name)))
   ORDER BY p.sku
  LIMIT 1;
END;

ALTER FUNCTION retail.likened_product(name text) OWNER TO zava_owner;

--
-- Name: rank_products(jsonb, uuid[], uuid[], double precision[]); Type: FUNCTION; Schema: retail; Owner: zava_owner
--

CREATE FUNCTION retail.rank_products(question jsonb, available uuid[], near_ids uuid[], near_distances double precision[]) RETURNS TABLE(is_model_active boolean, likened text, words_found bigint, nearest_found bigint, best_similarity double precision, nearest_categories json, found bigint, of_size bigint, place bigint, product_id uuid, sku text, product_name text, category_name text, base_price numeric, description text, discontinued boolean, is_sku boolean, is_word boolean, is_meaning boolean, similarity double precision, coverage double precision, is_of_size boolean)
    LANGUAGE plpgsql STABLE ROWS 10
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
#variable_conflict use_column
DECLARE
  -- Read once: in the statement each of them would be read from the JSON at every row.
  v_model uuid := (question->>'model_id')::uuid;
  v_threshold double precision := (question->>'threshold')::double precision;
  v_is_strict boolean := (question->>'is_strict')::boolean;
  v_words integer := (question->>'word_count')::integer;
  v_rows integer := (question->>'max_rows')::integer;
  v_category uuid := (question->>'category_id')::uuid;
  v_least numeric := (question->>'least')::numeric;
  v_most numeric := (question->>'most')::numeric;
  v_is_filtered boolean := v_category IS NOT NULL OR v_least IS NOT NULL OR available IS NOT NULL;
  v_asked extensions.vector := retail.asked_vector(question);
  v_likened uuid;
  v_sizes text[];
  v_skus text[];
  v_sku_ids uuid[];
  v_sku_places bigint[];
  v_lexemes tsquery[] := retail.words_of(question->>'text');
  v_wanted tsquery;
BEGIN
  IF question->>'like' IS NOT NULL THEN
    v_likened := retail.likened_product(question->>'like');
  END IF;
  IF jsonb_array_length(question->'size_patterns') > 0 THEN
    v_sizes := ARRAY(SELECT jsonb_array_elements_text(question->'size_patterns'));
  END IF;
  v_wanted := array_to_string(v_lexemes, ' | ')::tsquery;
  IF jsonb_array_length(question->'skus') > 0 THEN
    SELECT array_agg(p.product_id), array_agg(named.place)
    INTO v_sku_ids, v_sku_places
    FROM jsonb_array_elements_text(question->'skus') WITH ORDINALITY AS named (sku, place)
    JOIN retail.products AS p ON upper(p.sku) = named.sku
    WHERE (v_category IS NULL OR p.category_id = v_category)
      AND (v_least IS NULL OR p.base_price BETWEEN v_least AND v_most)
      AND (available IS NULL OR p.product_id = ANY (available));
  END IF;

  RETURN QUERY
  WITH allowed AS MATERIALIZED (
    SELECT p.product_id
    FROM retail.products AS p
    WHERE (v_category IS NULL OR p.category_id = v_category)
      AND (v_least IS NULL OR p.base_price BETWEEN v_least AND v_most)
      AND (available IS NULL OR p.product_id IN (SELECT unnest(available)))
  ),
  nearest AS MATERIALIZED (
    (SELECT e.product_id, e.embedding OPERATOR(extensions.<=>) v_asked AS distance
     FROM retail.product_embeddings AS e
     WHERE near_ids IS NULL AND v_asked IS NOT NULL AND e.model_id = v_model
       AND (NOT v_is_filtered OR e.product_id IN (SELECT a.product_id FROM allowed AS a))
     ORDER BY distance, e.product_id
     LIMIT 51)
    UNION ALL
    SELECT n.product_id, n.distance FROM unnest(near_ids, near_distances) AS n (product_id, distance)
  ),
  by_words AS MATERIALIZED (
    SELECT best.product_id, row_number() OVER (ORDER BY best.rank DESC, best.product_id) AS place
    FROM (
      SELECT w.product_id, ts_rank(w.words, v_wanted, 1) AS rank
      FROM retail.product_words AS w
      WHERE w.words @@ v_wanted
        AND (NOT v_is_filtered OR w.product_id IN (SELECT a.product_id FROM allowed AS a))
      ORDER BY rank DESC, w.product_id
      LIMIT 50
    ) AS best
  ),
  -- The floor is applied here: inside the limit, an index would be read to its end.
  by_meaning AS (
    SELECT n.product_id, n.distance, n.is_near,
           count(*) FILTER (WHERE n.is_near) OVER (ORDER BY n.distance, n.product_id) AS place
    FROM (SELECT a.product_id, a.distance,
                 1 - a.distance >= v_threshold AND a.product_id IS DISTINCT FROM v_likened AS is_near
          FROM nearest AS a) AS n
  ),
  placed AS (
    SELECT c.product_id, bool_or(c.is_sku) AS is_sku, max(c.word_place) AS word_place,
           bool_or(c.is_near) AS is_meaning, min(c.distance) AS distance, sum(c.score) AS score
    FROM (
      SELECT s.product_id, true AS is_sku, NULL::bigint AS word_place, false AS is_near,
             NULL::double precision AS distance, 1 / (60 + s.place)::double precision AS score
      FROM unnest(v_sku_ids, v_sku_places) AS s (product_id, place)
      UNION ALL
      SELECT b.product_id, false, b.place, false, NULL, 0 FROM by_words AS b
      UNION ALL
      SELECT m.product_id, false, NULL, m.is_near, m.distance,
             CASE WHEN m.is_near THEN 1 / (60 + m.place)::double precision ELSE 0 END
      FROM by_meaning AS m
    ) AS c
    GROUP BY c.product_id
    HAVING bool_or(c.is_sku OR c.is_near OR c.word_place IS NOT NULL)
  ),
  judged AS MATERIALIZED (  -- each of its sub-queries is read once
    SELECT f.*,
           1 - CASE WHEN f.distance IS NOT NULL THEN f.distance
                    WHEN v_asked IS NOT NULL THEN (
                      SELECT e.embedding OPERATOR(extensions.<=>) v_asked
                      FROM retail.product_embeddings AS e
                      WHERE e.product_id = f.product_id AND e.model_id = v_model) END AS similarity,
           -- One word of seven says little, whatever place it has.
           (SELECT count(*) FILTER (WHERE w.words @@ l.query)
            FROM (SELECT unnest(v_lexemes) AS query) AS l)::double precision
             / cardinality(v_lexemes) AS coverage,
           v_sizes IS NOT NULL AND NOT EXISTS (
             SELECT FROM retail.products AS p, unnest(v_sizes) AS size (pattern)
             WHERE p.product_id = f.product_id AND p.product_name !~* size.pattern) AS is_of_size
    FROM placed AS f
    LEFT JOIN retail.product_words AS w ON w.product_id = f.product_id
  ),
  chosen AS MATERIALIZED (
    SELECT j.*,
           row_number() OVER (
             ORDER BY j.is_sku DESC, coalesce(j.is_of_size AND j.coverage = 1, false) DESC,
                      j.score + coalesce(j.coverage / (60 + j.word_place), 0) DESC, j.product_id
           ) AS place
    FROM judged AS j
    -- What shares less than half of the words and no meaning is found by accident. A text that
    -- holds SKUs alone means those.
    WHERE j.is_sku OR (
      coalesce(cardinality(v_sku_ids), 0) < v_words
      AND (j.similarity IS NULL OR j.similarity >= v_threshold OR (j.coverage >= 0.5 AND NOT v_is_strict)))
  )
  SELECT told.*, c.place, p.product_id, p.sku, p.product_name, k.category_name, p.base_price,
         left(p.product_description, 241), p.discontinued, c.is_sku, c.is_sku OR c.word_place IS NOT NULL, c.is_meaning,
         c.similarity, c.coverage, c.is_of_size
  FROM (
    SELECT (SELECT m.model_id FROM retail.embedding_models AS m WHERE m.active) IS NOT DISTINCT FROM v_model,
           CASE WHEN v_likened IS NOT NULL
                THEN (SELECT p.sku FROM retail.products AS p WHERE p.product_id = v_likened) END,
           (SELECT count(*) FROM by_words),
           near.nearest_found, near.best_similarity,
           CASE WHEN whole.found = 0 THEN (
             SELECT json_agg(n.category_name)
             FROM (SELECT k.category_name
                   FROM nearest AS n
                   JOIN retail.products AS p ON p.product_id = n.product_id
                   JOIN retail.categories AS k ON k.category_id = p.category_id
                   GROUP BY k.category_name
                   ORDER BY min(n.distance)
                   LIMIT 3) AS n) END,
           whole.found, whole.of_size
    FROM (SELECT count(*) AS found, count(*) FILTER (WHERE c.is_of_size) AS of_size FROM chosen AS c) AS whole,
         (SELECT count(*) AS nearest_found,
                 1 - min(n.distance) FILTER (WHERE n.product_id IS DISTINCT FROM v_likened) AS best_similarity
          FROM nearest AS n) AS near
  ) AS told
  LEFT JOIN (chosen AS c
             JOIN retail.products AS p ON p.product_id = c.product_id
             JOIN retail.categories AS k ON k.category_id = p.category_id) ON c.place <= v_rows;
END $$;

ALTER FUNCTION retail.rank_products(question jsonb, available uuid[], near_ids uuid[], near_distances double precision[]) OWNER TO zava_owner;

--
-- Name: touch(); Type: FUNCTION; Schema: retail; Owner: zava_owner
--

CREATE FUNCTION retail.touch() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  NEW.updated_at := statement_timestamp();
  RETURN NEW;
END $$;

ALTER FUNCTION retail.touch() OWNER TO zava_owner;

--
-- Name: words_of(text); Type: FUNCTION; Schema: retail; Owner: zava_owner
--

CREATE FUNCTION retail.words_of(text text) RETURNS tsquery[]
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 SELECT array_agg((((''''::text || replace(replace(t.lexeme, '\'::text, '\\'::text), ''''::text, ''''''::text)) || ''''::text))::tsquery) AS array_agg
    FROM ( SELECT l.lexeme
            FROM unnest(to_tsvector('english'::regconfig, words_of.text)) l(lexeme, positions, weights)
          LIMIT 64) t;
END;

ALTER FUNCTION retail.words_of(text text) OWNER TO zava_owner;

--
-- Name: admit(uuid, uuid, uuid, boolean, integer, bigint, double precision, bigint, double precision); Type: FUNCTION; Schema: zava; Owner: zava_context
--

CREATE FUNCTION zava.admit(tenant uuid, person uuid, nonce uuid, is_searched boolean, calls_at_once integer, calls_per_minute bigint, milliseconds_per_hour double precision, unwritten_calls bigint, unwritten_milliseconds double precision) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
  used record;
  moment timestamptz := statement_timestamp();
  place integer := 0;
BEGIN
  IF is_searched THEN
    PERFORM FROM pg_locks AS l
    WHERE l.locktype = 'advisory' AND l.objsubid = 2
      AND l.objid::bigint BETWEEN 1 AND floor(date_part('epoch', clock_timestamp())) - 1577836802
      AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
      AND l.classid::bigint
        = zava.proof(concat_ws('|', tenant, person, l.pid, l.objid))::bigint & 4294967295;
    IF FOUND THEN
      RAISE EXCEPTION 'overdue' USING ERRCODE = 'ZA007';
    END IF;
  END IF;
  IF calls_per_minute > 0 OR milliseconds_per_hour > 0 THEN
    SELECT u.minute, u.calls, u.hour, u.busy_milliseconds INTO used
    FROM zava.usage AS u WHERE u.tenant_id = tenant AND u.object_id = person;
    IF calls_per_minute > 0 AND calls_per_minute <= unwritten_calls
       + (CASE WHEN used.minute = date_trunc('minute', moment) THEN used.calls ELSE 0 END) THEN
      RAISE EXCEPTION 'calls %', ceil(60 - extract(second FROM moment)) USING ERRCODE = 'ZA005';
    END IF;
    IF milliseconds_per_hour > 0 AND milliseconds_per_hour <= unwritten_milliseconds
       + (CASE WHEN used.hour = date_trunc('hour', moment) THEN used.busy_milliseconds ELSE 0 END) THEN
      RAISE EXCEPTION 'time %', ceil(extract(epoch FROM date_trunc('hour', moment) + interval '1 hour' - moment))
        USING ERRCODE = 'ZA005';
    END IF;
  END IF;
  IF calls_at_once > 0 THEN
    WHILE NOT pg_try_advisory_xact_lock(hashtextextended(concat_ws('|', tenant, person), place)) LOOP
      place := place + 1;
      IF place = calls_at_once THEN
        RAISE EXCEPTION 'place 1' USING ERRCODE = 'ZA005';
      END IF;
    END LOOP;
  END IF;
END $$;

ALTER FUNCTION zava.admit(tenant uuid, person uuid, nonce uuid, is_searched boolean, calls_at_once integer, calls_per_minute bigint, milliseconds_per_hour double precision, unwritten_calls bigint, unwritten_milliseconds double precision) OWNER TO zava_context;

--
-- Name: audit_log; Type: TABLE; Schema: zava; Owner: zava_context
--

CREATE TABLE zava.audit_log (
    call_id uuid NOT NULL,
    phase text NOT NULL,
    called_at timestamp with time zone NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    tenant_id uuid NOT NULL,
    object_id uuid NOT NULL,
    client_id text NOT NULL,
    client_name text NOT NULL,
    tool text NOT NULL,
    fingerprint text,
    audience name,
    store_ids uuid[],
    row_count bigint,
    byte_count bigint,
    duration_milliseconds double precision,
    database_milliseconds double precision,
    outcome text,
    correlation_id text,
    trace_id text,
    CONSTRAINT audit_log_check CHECK (((outcome IS NOT NULL) = (phase = 'outcome'::text))),
    CONSTRAINT audit_log_client_id_check CHECK ((length(client_id) <= 100)),
    CONSTRAINT audit_log_client_name_check CHECK ((length(client_name) <= 100)),
    CONSTRAINT audit_log_correlation_id_check CHECK ((length(correlation_id) <= 100)),
    CONSTRAINT audit_log_fingerprint_check CHECK ((length(fingerprint) <= 64)),
    CONSTRAINT audit_log_outcome_check CHECK ((length(outcome) <= 100)),
    CONSTRAINT audit_log_phase_check CHECK ((phase = ANY (ARRAY['intent'::text, 'outcome'::text]))),
    CONSTRAINT audit_log_tool_check CHECK ((length(tool) <= 100)),
    CONSTRAINT audit_log_trace_id_check CHECK ((length(trace_id) = 32))
);

ALTER TABLE zava.audit_log OWNER TO zava_context;

--
-- Name: COLUMN audit_log.client_id; Type: COMMENT; Schema: zava; Owner: zava_context
--

COMMENT ON COLUMN zava.audit_log.client_id IS 'Client that the token was issued to: verified.';

--
-- Name: COLUMN audit_log.client_name; Type: COMMENT; Schema: zava; Owner: zava_context
--

COMMENT ON COLUMN zava.audit_log.client_name IS 'What the client calls itself: not verified.';

--
-- Name: COLUMN audit_log.fingerprint; Type: COMMENT; Schema: zava; Owner: zava_context
--

COMMENT ON COLUMN zava.audit_log.fingerprint IS 'libpg_query''s: the same for statements that differ in literals only.';

--
-- Name: COLUMN audit_log.outcome; Type: COMMENT; Schema: zava; Owner: zava_context
--

COMMENT ON COLUMN zava.audit_log.outcome IS 'OK, CANCELLED, or the code of the error.';

--
-- Name: COLUMN audit_log.correlation_id; Type: COMMENT; Schema: zava; Owner: zava_context
--

COMMENT ON COLUMN zava.audit_log.correlation_id IS 'Id that the product gave this call; also in the log and in the error.';

--
-- Name: COLUMN audit_log.trace_id; Type: COMMENT; Schema: zava; Owner: zava_context
--

COMMENT ON COLUMN zava.audit_log.trace_id IS 'Trace id that the client sent: not verified, not unique. NULL where it sent none.';

--
-- Name: change_log; Type: TABLE; Schema: zava; Owner: zava_context
--

CREATE TABLE zava.change_log (
    change_id bigint NOT NULL,
    changed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    subject name NOT NULL,
    login name NOT NULL,
    actor text,
    old jsonb,
    new jsonb,
    CONSTRAINT change_log_check CHECK (((old IS NOT NULL) OR (new IS NOT NULL)))
);

ALTER TABLE zava.change_log OWNER TO zava_context;

--
-- Name: principals; Type: TABLE; Schema: zava; Owner: zava_context
--

CREATE TABLE zava.principals (
    tenant_id uuid NOT NULL,
    object_id uuid NOT NULL,
    display_name text NOT NULL,
    audience name NOT NULL,
    store_ids uuid[] NOT NULL,
    active boolean DEFAULT true NOT NULL,
    kind text DEFAULT 'person'::text NOT NULL,
    valid_from timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    valid_until timestamp with time zone DEFAULT 'infinity'::timestamp with time zone NOT NULL,
    issuer text,
    subject text,
    reads_personal boolean DEFAULT false NOT NULL,
    CONSTRAINT principals_audience_check CHECK ((audience = ANY (ARRAY['store_managers'::name, 'regional_managers'::name, 'head_office'::name]))),
    CONSTRAINT principals_check CHECK (((audience <> 'store_managers'::name) OR (cardinality(store_ids) = 1))),
    CONSTRAINT principals_check1 CHECK ((valid_from < valid_until)),
    CONSTRAINT principals_check2 CHECK (((issuer IS NULL) = (subject IS NULL))),
    CONSTRAINT principals_kind_check CHECK ((kind = ANY (ARRAY['person'::text, 'application'::text]))),
    CONSTRAINT principals_store_ids_check CHECK ((array_position(store_ids, NULL::uuid) IS NULL))
);

ALTER TABLE zava.principals OWNER TO zava_context;

--
-- Name: COLUMN principals.reads_personal; Type: COMMENT; Schema: zava; Owner: zava_context
--

COMMENT ON COLUMN zava.principals.reads_personal IS 'Whether names, e-mail and phone of customers are readable.';

--
-- Name: audited(integer, text); Type: FUNCTION; Schema: zava; Owner: zava_audit
--

CREATE FUNCTION zava.audited(hours integer, ended text) RETURNS jsonb
    LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 WITH call AS (
          SELECT DISTINCT ON (a.call_id) a.call_id,
             a.called_at,
             a.tenant_id,
             a.object_id,
             a.client_name,
             a.tool,
             a.fingerprint,
             a.row_count,
             a.database_milliseconds,
             a.correlation_id,
             COALESCE(a.outcome, 'UNKNOWN'::text) AS outcome
            FROM zava.audit_log a
           WHERE (a.called_at >= (statement_timestamp() - make_interval(hours => audited.hours)))
           ORDER BY a.call_id, a.phase DESC
         ), latest AS (
          SELECT c.called_at,
             c.client_name,
             c.tool,
             c.fingerprint,
             c.row_count,
             c.database_milliseconds,
             c.correlation_id,
             c.outcome,
             COALESCE(p.display_name, ((c.tenant_id || '/'::text) || c.object_id)) AS who
            FROM (call c
              LEFT JOIN zava.principals p USING (tenant_id, object_id))
           WHERE
                 CASE audited.ended
                     WHEN ''::text THEN true
                     WHEN 'not OK'::text THEN (c.outcome <> 'OK'::text)
                     ELSE (c.outcome = audited.ended)
                 END
           ORDER BY c.called_at DESC
          LIMIT 1000
         )
  SELECT jsonb_build_object('calls', ( SELECT COALESCE(jsonb_agg(to_jsonb(l.*) ORDER BY l.called_at DESC), '[]'::jsonb) AS "coalesce"
            FROM latest l), 'outcomes', ( SELECT COALESCE(jsonb_object_agg(o.outcome, o.calls), '{}'::jsonb) AS "coalesce"
            FROM ( SELECT c.outcome,
                     count(*) AS calls
                    FROM call c
                   GROUP BY c.outcome) o), 'since', ( SELECT COALESCE(jsonb_object_agg(s.person, s.changed_at), '{}'::jsonb) AS "coalesce"
            FROM ( SELECT (((g.new ->> 'tenant_id'::text) || '/'::text) || (g.new ->> 'object_id'::text)) AS person,
                     max(g.changed_at) AS changed_at
                    FROM zava.change_log g
                   WHERE ((g.subject = 'principals'::name) AND ((g.new ->> 'object_id'::text) IS NOT NULL))
                   GROUP BY (((g.new ->> 'tenant_id'::text) || '/'::text) || (g.new ->> 'object_id'::text))) s)) AS jsonb_build_object;
END;

ALTER FUNCTION zava.audited(hours integer, ended text) OWNER TO zava_audit;

--
-- Name: keyring; Type: TABLE; Schema: zava; Owner: zava_context
--

CREATE TABLE zava.keyring (
    only_row boolean DEFAULT true NOT NULL,
    key_a integer,
    inner_pad_a bytea,
    outer_pad_a bytea,
    key_b integer,
    inner_pad_b bytea,
    outer_pad_b bytea,
    inner_pad bytea NOT NULL,
    outer_pad bytea NOT NULL,
    CONSTRAINT keyring_check CHECK ((key_a <> key_b)),
    CONSTRAINT keyring_only_row_check CHECK (only_row)
);

ALTER TABLE zava.keyring OWNER TO zava_context;

--
-- Name: my_store(name); Type: FUNCTION; Schema: zava; Owner: zava_context
--

CREATE FUNCTION zava.my_store(reader name) RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 SELECT
         CASE
             WHEN (sha256(convert_to("left"(current_setting('zava.context'::text, true), 64), 'UTF8'::name)) = sha256(convert_to(encode(sha256((k.outer_pad || sha256((k.inner_pad || convert_to(concat_ws('|'::text, replace((my_store.reader)::text, '_personal'::text, ''::text), substr(current_setting('zava.context'::text, true), 65), pg_backend_pid(), transaction_timestamp(), statement_timestamp()), 'UTF8'::name))))), 'hex'::text), 'UTF8'::name))) THEN (substr(current_setting('zava.context'::text, true), 65))::uuid
             ELSE NULL::uuid
         END AS "case"
    FROM zava.keyring k;
END;

ALTER FUNCTION zava.my_store(reader name) OWNER TO zava_context;

--
-- Name: my_stores(name); Type: FUNCTION; Schema: zava; Owner: zava_context
--

CREATE FUNCTION zava.my_stores(reader name) RETURNS uuid[]
    LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 SELECT
         CASE
             WHEN (sha256(convert_to("left"(current_setting('zava.context'::text, true), 64), 'UTF8'::name)) = sha256(convert_to(encode(sha256((k.outer_pad || sha256((k.inner_pad || convert_to(concat_ws('|'::text, replace((my_stores.reader)::text, '_personal'::text, ''::text), substr(current_setting('zava.context'::text, true), 65), pg_backend_pid(), transaction_timestamp(), statement_timestamp()), 'UTF8'::name))))), 'hex'::text), 'UTF8'::name))) THEN (substr(current_setting('zava.context'::text, true), 65))::uuid[]
             ELSE NULL::uuid[]
         END AS "case"
    FROM zava.keyring k;
END;

ALTER FUNCTION zava.my_stores(reader name) OWNER TO zava_context;

--
-- Name: chain; Type: TABLE; Schema: retail; Owner: zava_owner
--

CREATE TABLE retail.chain (
    reporting_currency text NOT NULL,
    time_zone text NOT NULL,
    CONSTRAINT chain_reporting_currency_check CHECK ((reporting_currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT chain_time_zone_check CHECK ((timezone(time_zone, '2000-01-01 00:00:00+00'::timestamp with time zone) IS NOT NULL))
);

ALTER TABLE retail.chain OWNER TO zava_owner;

--
-- Name: TABLE chain; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON TABLE retail.chain IS 'The currency of figures over several currencies, and the zone of stores that name none.';

--
-- Name: exchange_rates; Type: TABLE; Schema: retail; Owner: zava_owner
--

CREATE TABLE retail.exchange_rates (
    currency text NOT NULL,
    day date NOT NULL,
    rate numeric NOT NULL,
    CONSTRAINT exchange_rates_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT exchange_rates_day_check CHECK (((day >= '1900-01-01'::date) AND (day <= '2999-12-31'::date))),
    CONSTRAINT exchange_rates_rate_check CHECK (((rate > (0)::numeric) AND (rate < (1000000000)::numeric) AND (rate = round(rate, 12))))
);

ALTER TABLE retail.exchange_rates OWNER TO zava_owner;

--
-- Name: TABLE exchange_rates; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON TABLE retail.exchange_rates IS 'To the reporting currency, by day.';

--
-- Name: order_items; Type: TABLE; Schema: retail; Owner: zava_owner
--

CREATE TABLE retail.order_items (
    store_id uuid NOT NULL,
    order_id uuid NOT NULL,
    line_number smallint NOT NULL,
    product_id uuid NOT NULL,
    quantity numeric NOT NULL,
    unit_price numeric(10,2) NOT NULL,
    discount_percent numeric(5,2) DEFAULT 0 NOT NULL,
    discount_amount numeric(12,2) DEFAULT 0 NOT NULL,
    total_amount numeric(12,2) NOT NULL,
    CONSTRAINT order_items_check CHECK ((total_amount = round(((quantity * unit_price) - discount_amount), 2))),
    CONSTRAINT order_items_discount_percent_check CHECK (((discount_percent >= (0)::numeric) AND (discount_percent <= (100)::numeric))),
    CONSTRAINT order_items_line_number_check CHECK ((line_number > 0)),
    CONSTRAINT order_items_quantity_check CHECK (((quantity <> (0)::numeric) AND (quantity = round(quantity, 3)) AND (abs(quantity) < (1000000000)::numeric))),
    CONSTRAINT order_items_total_amount_check CHECK (((total_amount >= (0)::numeric) OR (quantity < (0)::numeric))),
    CONSTRAINT order_items_unit_price_check CHECK ((unit_price >= (0)::numeric))
);
ALTER TABLE ONLY retail.order_items ALTER COLUMN store_id SET STATISTICS 0;
ALTER TABLE ONLY retail.order_items ALTER COLUMN order_id SET STATISTICS 0;

ALTER TABLE ONLY retail.order_items FORCE ROW LEVEL SECURITY;

ALTER TABLE retail.order_items OWNER TO zava_owner;

--
-- Name: TABLE order_items; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON TABLE retail.order_items IS 'Lines of an order; join on store_id and order_id.';

--
-- Name: COLUMN order_items.quantity; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON COLUMN retail.order_items.quantity IS 'Below 0: goods came back.';

--
-- Name: COLUMN order_items.unit_price; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON COLUMN retail.order_items.unit_price IS 'Price charged per unit before discount.';

--
-- Name: COLUMN order_items.discount_percent; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON COLUMN retail.order_items.discount_percent IS 'Discount on the line, 0 to 100.';

--
-- Name: COLUMN order_items.total_amount; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON COLUMN retail.order_items.total_amount IS 'round(quantity * unit_price - discount_amount, 2): net sales of the line.';

--
-- Name: orders; Type: TABLE; Schema: retail; Owner: zava_owner
--

CREATE TABLE retail.orders (
    store_id uuid NOT NULL,
    order_id uuid DEFAULT retail.new_id() NOT NULL,
    customer_id uuid,
    order_date timestamp with time zone DEFAULT now() NOT NULL,
    status text DEFAULT 'pending'::text NOT NULL,
    total_amount numeric(12,2) NOT NULL,
    is_return boolean DEFAULT false NOT NULL,
    tax_amount numeric(12,2) DEFAULT 0 NOT NULL,
    shipping_amount numeric(12,2) DEFAULT 0 NOT NULL,
    tender text,
    CONSTRAINT orders_date_check CHECK (((order_date >= '1900-01-01 00:00:00+00'::timestamp with time zone) AND (order_date < '3000-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT orders_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'completed'::text, 'cancelled'::text, 'refunded'::text]))),
    CONSTRAINT orders_tender_check CHECK (((length(tender) >= 1) AND (length(tender) <= 50))),
    CONSTRAINT orders_total_amount_check CHECK (((total_amount >= (0)::numeric) OR is_return))
);
ALTER TABLE ONLY retail.orders ALTER COLUMN store_id SET STATISTICS 0;
ALTER TABLE ONLY retail.orders ALTER COLUMN order_id SET STATISTICS 0;
ALTER TABLE ONLY retail.orders ALTER COLUMN customer_id SET STATISTICS 0;
ALTER TABLE ONLY retail.orders ALTER COLUMN tender SET STATISTICS 0;

ALTER TABLE ONLY retail.orders FORCE ROW LEVEL SECURITY;

ALTER TABLE retail.orders OWNER TO zava_owner;

--
-- Name: TABLE orders; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON TABLE retail.orders IS 'Orders. Revenue leaves out status cancelled and refunded.';

--
-- Name: COLUMN orders.order_date; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON COLUMN retail.orders.order_date IS 'When the order was placed, by the store''s time_zone.';

--
-- Name: COLUMN orders.total_amount; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON COLUMN retail.orders.total_amount IS 'Sum of the order''s lines in the store''s currency, without tax and shipping.';

--
-- Name: COLUMN orders.is_return; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON COLUMN retail.orders.is_return IS 'Goods came back; counts as no order.';

--
-- Name: stores; Type: TABLE; Schema: retail; Owner: zava_owner
--

CREATE TABLE retail.stores (
    store_id uuid DEFAULT retail.new_id() NOT NULL,
    store_name text NOT NULL,
    location text NOT NULL,
    region text NOT NULL,
    is_online boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    opened_on date,
    closed_on date,
    time_zone text DEFAULT 'America/Los_Angeles'::text NOT NULL,
    currency text DEFAULT 'USD'::text NOT NULL,
    CONSTRAINT stores_closed_on_check CHECK ((closed_on >= opened_on)),
    CONSTRAINT stores_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT stores_location_check CHECK (((length(location) >= 1) AND (length(location) <= 200))),
    CONSTRAINT stores_region_check CHECK (((length(region) >= 1) AND (length(region) <= 100))),
    CONSTRAINT stores_store_name_check CHECK (((length(store_name) >= 1) AND (length(store_name) <= 100))),
    CONSTRAINT stores_time_zone_check CHECK (((time_zone ~ '^(UTC|[A-Z][A-Za-z]+(/[A-Z][A-Za-z0-9_+-]+){1,2})$'::text) AND (timezone(time_zone, '2000-01-01 00:00:00+00'::timestamp with time zone) IS NOT NULL)))
);
ALTER TABLE ONLY retail.stores ALTER COLUMN store_id SET STATISTICS 0;
ALTER TABLE ONLY retail.stores ALTER COLUMN store_name SET STATISTICS 0;
ALTER TABLE ONLY retail.stores ALTER COLUMN location SET STATISTICS 0;
ALTER TABLE ONLY retail.stores ALTER COLUMN region SET STATISTICS 0;
ALTER TABLE ONLY retail.stores ALTER COLUMN is_online SET STATISTICS 0;
ALTER TABLE ONLY retail.stores ALTER COLUMN created_at SET STATISTICS 0;
ALTER TABLE ONLY retail.stores ALTER COLUMN opened_on SET STATISTICS 0;
ALTER TABLE ONLY retail.stores ALTER COLUMN closed_on SET STATISTICS 0;
ALTER TABLE ONLY retail.stores ALTER COLUMN time_zone SET STATISTICS 0;
ALTER TABLE ONLY retail.stores ALTER COLUMN currency SET STATISTICS 0;

ALTER TABLE ONLY retail.stores FORCE ROW LEVEL SECURITY;

ALTER TABLE retail.stores OWNER TO zava_owner;

--
-- Name: TABLE stores; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON TABLE retail.stores IS 'Stores of the chain; you see those in your scope.';

--
-- Name: COLUMN stores.region; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON COLUMN retail.stores.region IS 'Region of a regional manager.';

--
-- Name: COLUMN stores.closed_on; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON COLUMN retail.stores.closed_on IS 'NULL: open.';

--
-- Name: day_marks; Type: TABLE; Schema: zava; Owner: zava_owner
--

CREATE TABLE zava.day_marks (
    store_id uuid NOT NULL,
    day date NOT NULL,
    marked_by xid8 DEFAULT pg_current_xact_id() NOT NULL,
    month date GENERATED ALWAYS AS ((date_trunc('month'::text, (day)::timestamp without time zone))::date) STORED NOT NULL,
    zone text NOT NULL
);
ALTER TABLE ONLY zava.day_marks ALTER COLUMN store_id SET STATISTICS 0;
ALTER TABLE ONLY zava.day_marks ALTER COLUMN marked_by SET STATISTICS 0;
ALTER TABLE ONLY zava.day_marks ALTER COLUMN zone SET STATISTICS 0;

ALTER TABLE ONLY zava.day_marks FORCE ROW LEVEL SECURITY;

ALTER TABLE zava.day_marks OWNER TO zava_owner;

--
-- Name: TABLE day_marks; Type: COMMENT; Schema: zava; Owner: zava_owner
--

COMMENT ON TABLE zava.day_marks IS 'Days of a store whose sums a transaction made stale.';

--
-- Name: store_days; Type: TABLE; Schema: zava; Owner: zava_owner
--

CREATE TABLE zava.store_days (
    store_id uuid NOT NULL,
    day date NOT NULL,
    counted bigint NOT NULL,
    orders bigint NOT NULL,
    revenue numeric NOT NULL,
    placed bigint NOT NULL,
    refunded bigint NOT NULL,
    lines bigint NOT NULL,
    units numeric NOT NULL,
    gross_sales numeric NOT NULL,
    discounts numeric NOT NULL
);
ALTER TABLE ONLY zava.store_days ALTER COLUMN store_id SET STATISTICS 0;
ALTER TABLE ONLY zava.store_days ALTER COLUMN counted SET STATISTICS 0;
ALTER TABLE ONLY zava.store_days ALTER COLUMN orders SET STATISTICS 0;
ALTER TABLE ONLY zava.store_days ALTER COLUMN revenue SET STATISTICS 0;
ALTER TABLE ONLY zava.store_days ALTER COLUMN placed SET STATISTICS 0;
ALTER TABLE ONLY zava.store_days ALTER COLUMN refunded SET STATISTICS 0;
ALTER TABLE ONLY zava.store_days ALTER COLUMN lines SET STATISTICS 0;
ALTER TABLE ONLY zava.store_days ALTER COLUMN units SET STATISTICS 0;
ALTER TABLE ONLY zava.store_days ALTER COLUMN gross_sales SET STATISTICS 0;
ALTER TABLE ONLY zava.store_days ALTER COLUMN discounts SET STATISTICS 0;

ALTER TABLE ONLY zava.store_days FORCE ROW LEVEL SECURITY;

ALTER TABLE zava.store_days OWNER TO zava_owner;

--
-- Name: current_days; Type: VIEW; Schema: zava; Owner: zava_owner
--

CREATE VIEW zava.current_days WITH (security_invoker='true') AS
 SELECT d.store_id,
    d.day,
    d.counted,
    d.orders,
    d.revenue,
    d.placed,
    d.refunded
   FROM zava.store_days d
  WHERE (NOT (EXISTS ( SELECT
           FROM zava.day_marks m
          WHERE ((m.store_id = d.store_id) AND (m.day = d.day)))))
UNION ALL
 SELECT m.store_id,
    m.day,
    f.counted,
    f.orders,
    f.revenue,
    f.placed,
    f.refunded
   FROM (( SELECT DISTINCT m_1.store_id,
            m_1.day,
            m_1.zone
           FROM zava.day_marks m_1) m
     CROSS JOIN LATERAL ( SELECT count(*) FILTER (WHERE (o.status <> ALL (ARRAY['cancelled'::text, 'refunded'::text]))) AS counted,
            count(*) FILTER (WHERE ((o.status <> ALL (ARRAY['cancelled'::text, 'refunded'::text])) AND (NOT o.is_return))) AS orders,
            sum(o.total_amount) FILTER (WHERE (o.status <> ALL (ARRAY['cancelled'::text, 'refunded'::text]))) AS revenue,
            count(*) FILTER (WHERE ((o.status <> 'cancelled'::text) AND (NOT o.is_return))) AS placed,
            count(*) FILTER (WHERE ((o.status = 'refunded'::text) AND (NOT o.is_return))) AS refunded
           FROM retail.orders o
          WHERE ((o.store_id = m.store_id) AND (o.order_date >= ((m.day)::timestamp without time zone AT TIME ZONE m.zone)) AND (o.order_date < (((m.day + 1))::timestamp without time zone AT TIME ZONE m.zone)))) f);

ALTER VIEW zava.current_days OWNER TO zava_owner;

--
-- Name: current_line_days; Type: VIEW; Schema: zava; Owner: zava_owner
--

CREATE VIEW zava.current_line_days WITH (security_invoker='true') AS
 SELECT d.store_id,
    d.day,
    d.lines,
    d.units,
    d.gross_sales,
    d.discounts
   FROM zava.store_days d
  WHERE (NOT (EXISTS ( SELECT
           FROM zava.day_marks m
          WHERE ((m.store_id = d.store_id) AND (m.day = d.day)))))
UNION ALL
 SELECT m.store_id,
    m.day,
    f.lines,
    f.units,
    f.gross_sales,
    f.discounts
   FROM (( SELECT DISTINCT m_1.store_id,
            m_1.day,
            m_1.zone
           FROM zava.day_marks m_1) m
     CROSS JOIN LATERAL ( SELECT count(*) AS lines,
            sum(i.quantity) AS units,
            sum((i.quantity * i.unit_price)) AS gross_sales,
            sum(i.discount_amount) AS discounts
           FROM (retail.orders o
             JOIN retail.order_items i ON (((i.store_id = o.store_id) AND (i.order_id = o.order_id))))
          WHERE ((o.store_id = m.store_id) AND (o.order_date >= ((m.day)::timestamp without time zone AT TIME ZONE m.zone)) AND (o.order_date < (((m.day + 1))::timestamp without time zone AT TIME ZONE m.zone)) AND (o.status <> ALL (ARRAY['cancelled'::text, 'refunded'::text])))) f);

ALTER VIEW zava.current_line_days OWNER TO zava_owner;

--
-- Name: chain_quartiles(text, date, date); Type: FUNCTION; Schema: zava; Owner: zava_chain
--

CREATE FUNCTION zava.chain_quartiles(p_metric text, p_start date, p_end date) RETURNS TABLE(store_count bigint, lower_quartile numeric, median numeric, upper_quartile numeric)
    LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 WITH caller AS MATERIALIZED (
          SELECT COALESCE(zava.my_stores('head_office'::name), zava.my_stores('regional_managers'::name),
                 CASE
                     WHEN (zava.my_store('store_managers'::name) IS NOT NULL) THEN ARRAY[zava.my_store('store_managers'::name)]
                     ELSE NULL::uuid[]
                 END) AS stores
         ), place AS MATERIALIZED (
          SELECT s.store_id,
             ((chain_quartiles.p_start)::timestamp without time zone AT TIME ZONE s.time_zone) AS since,
             ((chain_quartiles.p_end)::timestamp without time zone AT TIME ZONE s.time_zone) AS until,
             ((statement_timestamp() AT TIME ZONE s.time_zone))::date AS today,
                 CASE
                     WHEN c.is_mixed THEN NULLIF(s.currency, c.reporting_currency)
                     ELSE NULL::text
                 END AS foreign_currency
            FROM (retail.stores s
              CROSS JOIN ( SELECT COALESCE(( SELECT g.reporting_currency
                            FROM retail.chain g), 'USD'::text) AS reporting_currency,
                     ( SELECT (min(o.currency) <> max(o.currency))
                            FROM retail.stores o) AS is_mixed) c)
         ), rate AS MATERIALIZED (
          SELECT f.currency,
             (d.day)::date AS day,
             COALESCE(( SELECT r.rate
                    FROM retail.exchange_rates r
                   WHERE ((r.currency = f.currency) AND (r.day <= d.day))
                   ORDER BY r.day DESC
                  LIMIT 1), ( SELECT r.rate
                    FROM retail.exchange_rates r
                   WHERE (r.currency = f.currency)
                   ORDER BY r.day
                  LIMIT 1)) AS rate
            FROM (( SELECT DISTINCT p.foreign_currency AS currency
                    FROM place p
                   WHERE (p.foreign_currency IS NOT NULL)) f
              CROSS JOIN generate_series((chain_quartiles.p_start)::timestamp without time zone, (chain_quartiles.p_end - '1 day'::interval), '1 day'::interval) d(day))
         ), asked AS MATERIALIZED (
          SELECT true AS is_answered
            FROM caller
           WHERE ((caller.stores IS NOT NULL) AND (chain_quartiles.p_metric = ANY (ARRAY['revenue'::text, 'orders'::text, 'average_order_value'::text, 'customers'::text, 'units'::text, 'discount_rate'::text])) AND (chain_quartiles.p_end <= ( SELECT min(p.today) AS min
                    FROM place p)) AND (((chain_quartiles.p_start = date_trunc('month'::text, (chain_quartiles.p_start)::timestamp with time zone)) AND (chain_quartiles.p_end = (chain_quartiles.p_start + '1 mon'::interval))) OR ((chain_quartiles.p_start = date_trunc('quarter'::text, (chain_quartiles.p_start)::timestamp with time zone)) AND (chain_quartiles.p_end = (chain_quartiles.p_start + '3 mons'::interval))) OR ((chain_quartiles.p_start = date_trunc('year'::text, (chain_quartiles.p_start)::timestamp with time zone)) AND (chain_quartiles.p_end = (chain_quartiles.p_start + '1 year'::interval)))) AND ((chain_quartiles.p_metric <> ALL (ARRAY['revenue'::text, 'average_order_value'::text, 'discount_rate'::text])) OR (NOT (EXISTS ( SELECT
                    FROM rate r
                   WHERE (r.rate IS NULL))))))
         ), ordered AS (
          SELECT d.store_id,
             sum(
                 CASE
                     WHEN (p.foreign_currency IS NULL) THEN d.revenue
                     ELSE (d.revenue * r.rate)
                 END) AS revenue,
             sum(d.orders) AS orders
            FROM (((asked
              CROSS JOIN zava.current_days d)
              JOIN place p ON ((p.store_id = d.store_id)))
              LEFT JOIN rate r ON (((r.currency = p.foreign_currency) AND (r.day = d.day))))
           WHERE ((d.day >= chain_quartiles.p_start) AND (d.day < chain_quartiles.p_end) AND (d.counted > 0))
           GROUP BY d.store_id
         ), bought AS (
          SELECT o.store_id,
             count(DISTINCT o.customer_id) AS customers
            FROM ((asked
              CROSS JOIN place p)
              JOIN retail.orders o ON (((o.store_id = p.store_id) AND (o.order_date >= p.since) AND (o.order_date < p.until))))
           WHERE ((o.status <> ALL (ARRAY['cancelled'::text, 'refunded'::text])) AND (chain_quartiles.p_metric = 'customers'::text))
           GROUP BY o.store_id
         ), sold AS (
          SELECT d.store_id,
             sum(d.units) AS units,
             sum(
                 CASE
                     WHEN (p.foreign_currency IS NULL) THEN d.discounts
                     ELSE (d.discounts * r.rate)
                 END) AS discounts,
             sum(
                 CASE
                     WHEN (p.foreign_currency IS NULL) THEN d.gross_sales
                     ELSE (d.gross_sales * r.rate)
                 END) AS gross_sales
            FROM (((asked
              CROSS JOIN zava.current_line_days d)
              JOIN place p ON ((p.store_id = d.store_id)))
              LEFT JOIN rate r ON (((r.currency = p.foreign_currency) AND (r.day = d.day))))
           WHERE ((d.day >= chain_quartiles.p_start) AND (d.day < chain_quartiles.p_end) AND (d.lines > 0) AND (chain_quartiles.p_metric = ANY (ARRAY['units'::text, 'discount_rate'::text])))
           GROUP BY d.store_id
         ), figure AS (
          SELECT ordered.store_id,
                 CASE chain_quartiles.p_metric
                     WHEN 'revenue'::text THEN ordered.revenue
                     WHEN 'orders'::text THEN ordered.orders
                     WHEN 'average_order_value'::text THEN (ordered.revenue / NULLIF(ordered.orders, (0)::numeric))
                     WHEN 'customers'::text THEN (bought.customers)::numeric
                     WHEN 'units'::text THEN sold.units
                     WHEN 'discount_rate'::text THEN (((100)::numeric * sold.discounts) / NULLIF(sold.gross_sales, (0)::numeric))
                     ELSE NULL::numeric
                 END AS value
            FROM ((ordered
              LEFT JOIN bought USING (store_id))
              LEFT JOIN sold USING (store_id))
         ), summed AS (
          SELECT count(*) AS stores,
             count(*) FILTER (WHERE (figure.store_id <> ALL (caller.stores))) AS others,
             percentile_cont((ARRAY[0.25, 0.5, 0.75])::double precision[]) WITHIN GROUP (ORDER BY ((figure.value)::double precision)) AS quartiles
            FROM (figure
              CROSS JOIN caller)
           WHERE (figure.value IS NOT NULL)
         )
  SELECT summed.stores,
     rounded.shown[1] AS shown,
     rounded.shown[2] AS shown,
     rounded.shown[3] AS shown
    FROM (summed
      CROSS JOIN LATERAL ( SELECT array_agg(
                 CASE summed.others
                     WHEN 0 THEN round((each.q)::numeric, 2)
                     ELSE (round(((each.q)::numeric / coarse.step)) * coarse.step)
                 END ORDER BY each.place) AS shown
            FROM (unnest(summed.quartiles) WITH ORDINALITY each(q, place)
              CROSS JOIN LATERAL ( SELECT GREATEST(
                         CASE
                             WHEN (each.q > (0)::double precision) THEN trim_scale(power((10)::numeric, (floor(log((each.q)::numeric)) - (1)::numeric)))
                             ELSE (1)::numeric
                         END, (
                         CASE
                             WHEN (chain_quartiles.p_metric = ANY (ARRAY['orders'::text, 'customers'::text, 'units'::text])) THEN 5
                             ELSE 0
                         END)::numeric) AS step) coarse)) rounded)
   WHERE ((summed.stores >= 5) AND ((summed.others = 0) OR (summed.others >= 5)));
END;

ALTER FUNCTION zava.chain_quartiles(p_metric text, p_start date, p_end date) OWNER TO zava_chain;

--
-- Name: usage; Type: TABLE; Schema: zava; Owner: zava_context
--

CREATE UNLOGGED TABLE zava.usage (
    tenant_id uuid NOT NULL,
    object_id uuid NOT NULL,
    minute timestamp with time zone NOT NULL,
    calls bigint NOT NULL,
    hour timestamp with time zone NOT NULL,
    busy_milliseconds double precision NOT NULL
);

ALTER TABLE zava.usage OWNER TO zava_context;

--
-- Name: charge(jsonb); Type: FUNCTION; Schema: zava; Owner: zava_context
--

CREATE FUNCTION zava.charge(entries jsonb) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 INSERT INTO zava.usage AS u (tenant_id, object_id, minute, calls, hour, busy_milliseconds)  SELECT e.tenant_id,
             e.object_id,
             date_trunc('minute'::text, statement_timestamp()) AS date_trunc,
             count(*) AS count,
             date_trunc('hour'::text, statement_timestamp()) AS date_trunc,
             COALESCE(sum(e.database_milliseconds), (0)::double precision) AS "coalesce"
            FROM jsonb_to_recordset(charge.entries) e(phase text, tenant_id uuid, object_id uuid, database_milliseconds double precision)
           WHERE (e.phase = 'outcome'::text)
           GROUP BY e.tenant_id, e.object_id
           ORDER BY e.tenant_id, e.object_id ON CONFLICT(tenant_id, object_id) DO UPDATE SET calls = (excluded.calls +
         CASE
             WHEN (u.minute = excluded.minute) THEN u.calls
             ELSE (0)::bigint
         END), busy_milliseconds = (excluded.busy_milliseconds +
         CASE
             WHEN (u.hour = excluded.hour) THEN u.busy_milliseconds
             ELSE (0)::double precision
         END), minute = excluded.minute, hour = excluded.hour;
END;

ALTER FUNCTION zava.charge(entries jsonb) OWNER TO zava_context;

--
-- Name: forget_loaded(); Type: FUNCTION; Schema: zava; Owner: zava_context
--

CREATE FUNCTION zava.forget_loaded() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  IF TG_NARGS > 0 THEN
    DELETE FROM zava.orders_loaded AS l
    USING (SELECT o.store_id, max(o.order_date) AS newest FROM old_rows AS o GROUP BY o.store_id) AS gone
    WHERE l.of_store = gone.store_id
      AND NOT EXISTS (SELECT FROM retail.orders AS o
                      WHERE o.store_id = gone.store_id AND o.order_date >= gone.newest);
  ELSE
    DELETE FROM zava.orders_loaded;
  END IF;
  RETURN NULL;
END $$;

ALTER FUNCTION zava.forget_loaded() OWNER TO zava_context;

--
-- Name: forget_questions(text[], boolean); Type: FUNCTION; Schema: zava; Owner: zava_context
--

CREATE FUNCTION zava.forget_questions(texts text[], is_rehearsal boolean) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
  person record;
  forgotten bigint := 0;
  removed bigint;
  hashes bigint[];
BEGIN
  FOR person IN SELECT p.tenant_id, p.object_id FROM zava.principals AS p LOOP
    -- The policy shows the rows of the named person alone.
    PERFORM set_config('zava.questions_of', person.tenant_id || '/' || person.object_id, true);
    SELECT coalesce(array_agg(q.address_hash), '{}') INTO hashes
    FROM zava.kept_questions AS q
    WHERE CASE WHEN texts IS NULL
          THEN q.kind = 'history' AND q.noted_at < statement_timestamp() - interval '90 days'
          ELSE EXISTS (
            SELECT FROM unnest(texts) AS t (named)
            WHERE strpos(lower(q.title), t.named) > 0
               OR position(convert_to(t.named, 'UTF8') IN (
                    SELECT coalesce(string_agg(
                             CASE WHEN length(m.part[1]) = 3 AND m.part[1] LIKE '\%__' THEN decode(substr(m.part[1], 2), 'hex')
                                  ELSE convert_to(lower(replace(m.part[1], '+', ' ')), 'UTF8') END, '' ORDER BY m.place), '')
                    FROM regexp_matches(q.address, '%[0-9A-Fa-f]{2}|%|[^%]+', 'g') WITH ORDINALITY AS m (part, place))) > 0)
          END;
    removed := cardinality(hashes);
    IF NOT is_rehearsal AND removed > 0 THEN
      DELETE FROM zava.kept_questions AS q
      WHERE q.address_hash = ANY (hashes) AND (texts IS NOT NULL OR q.kind = 'history');
    END IF;
    forgotten := forgotten + removed;
  END LOOP;
  PERFORM set_config('zava.questions_of', '', true);
  RETURN forgotten;
END $$;

ALTER FUNCTION zava.forget_questions(texts text[], is_rehearsal boolean) OWNER TO zava_context;

--
-- Name: newest_orders(uuid[]); Type: FUNCTION; Schema: zava; Owner: zava_chain
--

CREATE FUNCTION zava.newest_orders(p_stores uuid[]) RETURNS TABLE(store_id uuid, store_name text, region text, channel text, newest timestamp with time zone)
    LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 SELECT s.store_id,
     s.store_name,
     s.region,
         CASE
             WHEN s.is_online THEN 'online'::text
             ELSE 'store'::text
         END AS "case",
     last.newest
    FROM (retail.stores s
      CROSS JOIN LATERAL ( SELECT max(o.order_date) AS newest
            FROM retail.orders o
           WHERE (o.store_id = s.store_id)) last)
   WHERE (((s.store_id = ANY (newest_orders.p_stores)) OR (newest_orders.p_stores IS NULL)) AND ((s.closed_on IS NULL) OR (s.closed_on >= ((statement_timestamp() AT TIME ZONE s.time_zone))::date)));
END;

ALTER FUNCTION zava.newest_orders(p_stores uuid[]) OWNER TO zava_chain;

--
-- Name: hours_without_orders(); Type: FUNCTION; Schema: zava; Owner: zava_context
--

CREATE FUNCTION zava.hours_without_orders() RETURNS double precision
    LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 SELECT ((EXTRACT(epoch FROM (statement_timestamp() - max(n.newest))))::double precision / (3600)::double precision)
    FROM zava.newest_orders(NULL::uuid[]) n(store_id, store_name, region, channel, newest);
END;

ALTER FUNCTION zava.hours_without_orders() OWNER TO zava_context;

--
-- Name: keep_questions(integer, uuid, uuid, bigint, uuid, bytea, text); Type: FUNCTION; Schema: zava; Owner: zava_context
--

CREATE FUNCTION zava.keep_questions(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, change text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
  given jsonb;
  asked text;
  place text;
  hash bigint;
BEGIN
  -- The other entries open a context in a transaction that only reads. This one writes, so it verifies
  -- the signature alone, by the same keys and within the same time.
  IF NOT coalesce((
    SELECT sha256(p_mac) = sha256(sha256(
             CASE p_key_id WHEN k.key_a THEN k.outer_pad_a WHEN k.key_b THEN k.outer_pad_b END
             || sha256(CASE p_key_id WHEN k.key_a THEN k.inner_pad_a WHEN k.key_b THEN k.inner_pad_b END
                       || convert_to(concat_ws('|', p_key_id, p_tenant, p_person, p_expires, p_nonce,
                                               length('keep questions'), 'keep questions', change), 'UTF8'))))
           AND abs((p_expires - 60)::double precision - date_part('epoch', statement_timestamp())) <= 60
    FROM zava.keyring AS k), false) THEN
    RAISE EXCEPTION 'context refused' USING ERRCODE = 'ZA001';
  ELSIF NOT EXISTS (SELECT FROM zava.valid_principals AS p
                    WHERE p.tenant_id = p_tenant AND p.object_id = p_person) THEN
    RAISE EXCEPTION 'principal refused' USING ERRCODE = 'ZA003';
  END IF;
  PERFORM set_config('zava.questions_of', p_tenant || '/' || p_person, true);
  given := change::jsonb;
  asked := given ->> 'action';
  place := given ->> 'address';
  hash := hashtextextended(place, 0);
  IF asked IN ('save', 'visit') THEN
    INSERT INTO zava.kept_questions AS q (tenant_id, object_id, kind, address_hash, address, title, is_pinned)
    VALUES (p_tenant, p_person, CASE asked WHEN 'save' THEN 'saved' ELSE 'history' END, hash, place,
            left(given ->> 'title', 100), asked = 'save' AND coalesce((given ->> 'is_pinned')::boolean, false))
    ON CONFLICT (tenant_id, object_id, kind, address_hash) DO UPDATE
      SET title = excluded.title, is_pinned = excluded.is_pinned, noted_at = excluded.noted_at;
    DELETE FROM zava.kept_questions AS q
    WHERE q.tenant_id = p_tenant AND q.object_id = p_person
      AND (q.kind = 'history' AND q.noted_at < statement_timestamp() - interval '90 days'
           OR (q.kind, q.address_hash) IN (
             SELECT n.kind, n.address_hash
             FROM (SELECT o.kind, o.address_hash, row_number() OVER (PARTITION BY o.kind ORDER BY o.noted_at DESC) AS place
                   FROM zava.kept_questions AS o WHERE o.tenant_id = p_tenant AND o.object_id = p_person) AS n
             WHERE n.place > 100));
  ELSIF asked = 'pin' THEN
    UPDATE zava.kept_questions AS q SET is_pinned = (given ->> 'is_pinned')::boolean
    WHERE q.tenant_id = p_tenant AND q.object_id = p_person AND q.kind = 'saved' AND q.address_hash = hash;
  ELSIF asked IN ('remove', 'clear') THEN
    DELETE FROM zava.kept_questions AS q
    WHERE q.tenant_id = p_tenant AND q.object_id = p_person
      AND CASE asked WHEN 'remove' THEN q.kind = 'saved' AND q.address_hash = hash ELSE q.kind = 'history' END;
  ELSIF asked IS DISTINCT FROM 'list' THEN
    RAISE EXCEPTION 'unknown action' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  RETURN (SELECT coalesce(jsonb_agg(jsonb_build_object('kind', q.kind, 'address', q.address, 'title', q.title,
                                                       'is_pinned', q.is_pinned) ORDER BY q.noted_at DESC), '[]')::text
          FROM zava.kept_questions AS q WHERE q.tenant_id = p_tenant AND q.object_id = p_person);
END $$;

ALTER FUNCTION zava.keep_questions(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, change text) OWNER TO zava_context;

--
-- Name: import_runs; Type: TABLE; Schema: zava; Owner: zava_context
--

CREATE TABLE zava.import_runs (
    run_id uuid DEFAULT gen_random_uuid() NOT NULL,
    source_system text NOT NULL,
    mode text NOT NULL,
    manifest text NOT NULL,
    files jsonb NOT NULL,
    staged jsonb,
    state text DEFAULT 'reading'::text NOT NULL,
    result jsonb,
    started_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    finished_at timestamp with time zone,
    CONSTRAINT import_runs_mode_check CHECK ((mode = ANY (ARRAY['append'::text, 'upsert'::text, 'replace-period'::text]))),
    CONSTRAINT import_runs_source_system_check CHECK (((length(source_system) >= 1) AND (length(source_system) <= 50))),
    CONSTRAINT import_runs_state_check CHECK ((state = ANY (ARRAY['reading'::text, 'staged'::text, 'done'::text])))
);

ALTER TABLE zava.import_runs OWNER TO zava_context;

--
-- Name: COLUMN import_runs.manifest; Type: COMMENT; Schema: zava; Owner: zava_context
--

COMMENT ON COLUMN zava.import_runs.manifest IS 'Hash over the files, the mapping and the mode.';

--
-- Name: COLUMN import_runs.files; Type: COMMENT; Schema: zava; Owner: zava_context
--

COMMENT ON COLUMN zava.import_runs.files IS 'Name, SHA-256 and size of each file.';

--
-- Name: COLUMN import_runs.staged; Type: COMMENT; Schema: zava; Owner: zava_context
--

COMMENT ON COLUMN zava.import_runs.staged IS 'Rows staged for each table.';

--
-- Name: last_imports(); Type: FUNCTION; Schema: zava; Owner: zava_context
--

CREATE FUNCTION zava.last_imports() RETURNS TABLE(finished_at timestamp with time zone, source text, mode text, written bigint, rejected bigint)
    LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 SELECT r.finished_at,
     r.source_system,
     r.mode,
     (( SELECT sum(((((c.value ->> 'added'::text))::bigint + ((c.value ->> 'changed'::text))::bigint) + ((c.value ->> 'removed'::text))::bigint)) AS sum
            FROM jsonb_each(r.result) c(key, value)))::bigint AS sum,
     (( SELECT sum(((c.value ->> 'rejected'::text))::bigint) AS sum
            FROM jsonb_each(r.result) c(key, value)))::bigint AS sum
    FROM zava.import_runs r
   WHERE ((r.state = 'done'::text) AND (zava.my_stores('head_office'::name) IS NOT NULL))
   ORDER BY r.finished_at DESC
  LIMIT 10;
END;

ALTER FUNCTION zava.last_imports() OWNER TO zava_context;

--
-- Name: list_currency(); Type: FUNCTION; Schema: zava; Owner: zava_chain
--

CREATE FUNCTION zava.list_currency() RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 SELECT COALESCE(
         CASE
             WHEN (min(s.currency) = max(s.currency)) THEN min(s.currency)
             ELSE NULL::text
         END, ( SELECT c.reporting_currency
            FROM retail.chain c), 'USD'::text) AS "coalesce"
    FROM retail.stores s;
END;

ALTER FUNCTION zava.list_currency() OWNER TO zava_chain;

--
-- Name: log_change(); Type: FUNCTION; Schema: zava; Owner: zava_recorder
--

CREATE FUNCTION zava.log_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  INSERT INTO zava.change_log (subject, login, actor, old, new) VALUES (
    TG_TABLE_NAME, session_user, nullif(current_setting('zava.actor', true), ''),
    CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END,
    CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END);
  RETURN NULL;
END $$;

ALTER FUNCTION zava.log_change() OWNER TO zava_recorder;

--
-- Name: mark_all(); Type: FUNCTION; Schema: zava; Owner: zava_loader
--

CREATE FUNCTION zava.mark_all() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'TRUNCATE % needs the isolation level READ COMMITTED', TG_TABLE_NAME
      USING ERRCODE = 'feature_not_supported';
  END IF;
  INSERT INTO zava.day_marks (store_id, day, zone)
  SELECT d.store_id, d.day, s.time_zone
  FROM zava.store_days AS d JOIN retail.stores AS s ON s.store_id = d.store_id
  ON CONFLICT DO NOTHING;
  INSERT INTO zava.customer_marks (store_id, customer_id, zone)
  SELECT t.store_id, t.customer_id, s.time_zone
  FROM zava.customer_totals AS t JOIN retail.stores AS s ON s.store_id = t.store_id
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;

ALTER FUNCTION zava.mark_all() OWNER TO zava_loader;

--
-- Name: mark_everything(); Type: FUNCTION; Schema: zava; Owner: zava_loader
--

CREATE FUNCTION zava.mark_everything() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  INSERT INTO zava.day_marks (store_id, day, zone)
  SELECT k.store_id, k.day, s.time_zone
  FROM (
    SELECT o.store_id, (o.order_date AT TIME ZONE s.time_zone)::date AS day
    FROM retail.orders AS o JOIN retail.stores AS s ON s.store_id = o.store_id
    UNION SELECT d.store_id, d.day FROM zava.store_days AS d
  ) AS k JOIN retail.stores AS s ON s.store_id = k.store_id
  ON CONFLICT DO NOTHING;
  INSERT INTO zava.customer_marks (store_id, customer_id, zone)
  SELECT k.store_id, k.customer_id, s.time_zone
  FROM (
    SELECT o.store_id, o.customer_id FROM retail.orders AS o WHERE o.customer_id IS NOT NULL
    UNION SELECT t.store_id, t.customer_id FROM zava.customer_totals AS t
  ) AS k JOIN retail.stores AS s ON s.store_id = k.store_id
  ON CONFLICT DO NOTHING;
END $$;

ALTER FUNCTION zava.mark_everything() OWNER TO zava_loader;

--
-- Name: mark_lines(); Type: FUNCTION; Schema: zava; Owner: zava_context
--

CREATE FUNCTION zava.mark_lines() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
  is_strict boolean := current_setting('transaction_isolation') <> 'read committed';
BEGIN
  IF TG_OP <> 'DELETE' THEN
    IF is_strict THEN
      PERFORM FROM retail.stores AS s WHERE s.store_id IN (SELECT n.store_id FROM new_rows AS n) FOR SHARE;
    END IF;
    INSERT INTO zava.day_marks (store_id, day, zone)
    SELECT n.store_id, (d.order_date AT TIME ZONE z.time_zone)::date, z.time_zone
    FROM (SELECT DISTINCT n.store_id, n.order_id FROM new_rows AS n ORDER BY n.store_id, n.order_id) AS n
    CROSS JOIN LATERAL (SELECT o.order_date FROM retail.orders AS o
                        WHERE o.store_id = n.store_id AND o.order_id = n.order_id
                          AND o.xmin <> pg_current_xact_id()::xid FOR NO KEY UPDATE) AS d
    LEFT JOIN LATERAL (SELECT s.time_zone FROM retail.stores AS s WHERE s.store_id = n.store_id OFFSET 0) AS z ON true
    ON CONFLICT DO NOTHING;
  END IF;
  IF TG_OP <> 'INSERT' THEN
    IF is_strict THEN
      PERFORM FROM retail.stores AS s WHERE s.store_id IN (SELECT o.store_id FROM old_rows AS o) FOR SHARE;
    END IF;
    INSERT INTO zava.day_marks (store_id, day, zone)
    SELECT n.store_id, (d.order_date AT TIME ZONE z.time_zone)::date, z.time_zone
    FROM (SELECT DISTINCT n.store_id, n.order_id FROM old_rows AS n ORDER BY n.store_id, n.order_id) AS n
    CROSS JOIN LATERAL (SELECT o.order_date FROM retail.orders AS o
                        WHERE o.store_id = n.store_id AND o.order_id = n.order_id
                          AND o.xmin <> pg_current_xact_id()::xid FOR NO KEY UPDATE) AS d
    LEFT JOIN LATERAL (SELECT s.time_zone FROM retail.stores AS s WHERE s.store_id = n.store_id OFFSET 0) AS z ON true
    ON CONFLICT DO NOTHING;
  END IF;
  RETURN NULL;
END $$;

ALTER FUNCTION zava.mark_lines() OWNER TO zava_context;

--
-- Name: mark_moved_store(); Type: FUNCTION; Schema: zava; Owner: zava_loader
--

CREATE FUNCTION zava.mark_moved_store() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  IF OLD.time_zone = NEW.time_zone THEN
    RETURN NULL;
  END IF;
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'a store''s time zone is changed at the isolation level READ COMMITTED'
      USING ERRCODE = 'feature_not_supported';
  END IF;
  -- The refresh holds the same lock.
  PERFORM pg_advisory_xact_lock(7261941212);
  LOCK TABLE retail.orders, retail.order_items IN SHARE MODE;
  UPDATE zava.day_marks AS m SET zone = NEW.time_zone WHERE m.store_id = NEW.store_id;
  UPDATE zava.customer_marks AS m SET zone = NEW.time_zone WHERE m.store_id = NEW.store_id;
  INSERT INTO zava.day_marks (store_id, day, zone)
  SELECT NEW.store_id, k.day, NEW.time_zone
  FROM (
    SELECT (o.order_date AT TIME ZONE NEW.time_zone)::date AS day FROM retail.orders AS o WHERE o.store_id = NEW.store_id
    UNION SELECT d.day FROM zava.store_days AS d WHERE d.store_id = NEW.store_id
  ) AS k
  ON CONFLICT DO NOTHING;
  DELETE FROM zava.new_customer_days AS n WHERE n.store_id = NEW.store_id;
  INSERT INTO zava.new_customer_days (store_id, day, customers)
  SELECT NEW.store_id, (t.first_at AT TIME ZONE NEW.time_zone)::date, count(*)
  FROM zava.customer_totals AS t WHERE t.store_id = NEW.store_id AND t.first_at IS NOT NULL
  GROUP BY 2;
  RETURN NULL;
END $$;

ALTER FUNCTION zava.mark_moved_store() OWNER TO zava_loader;

--
-- Name: mark_orders(); Type: FUNCTION; Schema: zava; Owner: zava_context
--

CREATE FUNCTION zava.mark_orders() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
  is_strict boolean := current_setting('transaction_isolation') <> 'read committed';
BEGIN
  IF TG_OP <> 'DELETE' THEN
    IF is_strict THEN
      PERFORM FROM retail.stores AS s WHERE s.store_id IN (SELECT n.store_id FROM new_rows AS n) FOR SHARE;
    END IF;
    WITH marked AS (
      INSERT INTO zava.day_marks (store_id, day, zone)
      SELECT DISTINCT n.store_id, (n.order_date AT TIME ZONE s.time_zone)::date, s.time_zone
      FROM new_rows AS n LEFT JOIN retail.stores AS s ON s.store_id = n.store_id
      ON CONFLICT DO NOTHING
    )
    INSERT INTO zava.customer_marks (store_id, customer_id, zone)
    SELECT n.store_id, n.customer_id, s.time_zone
    FROM new_rows AS n LEFT JOIN retail.stores AS s ON s.store_id = n.store_id
    WHERE n.customer_id IS NOT NULL
    ON CONFLICT DO NOTHING;
  END IF;
  IF TG_OP <> 'INSERT' THEN
    IF is_strict THEN
      PERFORM FROM retail.stores AS s WHERE s.store_id IN (SELECT o.store_id FROM old_rows AS o) FOR SHARE;
    END IF;
    WITH marked AS (
      INSERT INTO zava.day_marks (store_id, day, zone)
      SELECT DISTINCT o.store_id, (o.order_date AT TIME ZONE s.time_zone)::date, s.time_zone
      FROM old_rows AS o LEFT JOIN retail.stores AS s ON s.store_id = o.store_id
      ON CONFLICT DO NOTHING
    )
    INSERT INTO zava.customer_marks (store_id, customer_id, zone)
    SELECT o.store_id, o.customer_id, s.time_zone
    FROM old_rows AS o LEFT JOIN retail.stores AS s ON s.store_id = o.store_id
    WHERE o.customer_id IS NOT NULL
    ON CONFLICT DO NOTHING;
  END IF;
  RETURN NULL;
END $$;

ALTER FUNCTION zava.mark_orders() OWNER TO zava_context;

--
-- Name: note_change(); Type: FUNCTION; Schema: zava; Owner: zava_context
--

CREATE FUNCTION zava.note_change() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
  this_transaction text := pg_current_xact_id()::text;
  noted text[] := string_to_array(current_setting('zava.changed_in', true), ' ');
  changed text[] := '{all}';
  store text;
  own integer;
BEGIN
  IF TG_NARGS > 0 AND TG_OP = 'INSERT' THEN
    changed := ARRAY(SELECT DISTINCT n.store_id::text FROM new_rows AS n);
  ELSIF TG_NARGS > 0 AND TG_OP = 'DELETE' THEN
    changed := ARRAY(SELECT DISTINCT o.store_id::text FROM old_rows AS o);
  ELSIF TG_NARGS > 0 AND TG_OP = 'UPDATE' THEN
    changed := ARRAY(SELECT o.store_id::text FROM old_rows AS o UNION SELECT n.store_id::text FROM new_rows AS n);
  END IF;
  IF noted[1] IS DISTINCT FROM this_transaction THEN
    noted := ARRAY[this_transaction];
  END IF;
  FOREACH store IN ARRAY changed LOOP
    -- Once for each transaction: nobody sees the data between its statements.
    CONTINUE WHEN noted && ARRAY[store, 'all'];
    noted := noted || store;
    own := NULL;
    -- At a stricter level a row that others moved since the snapshot, or merely read, would fail
    -- the transaction: it adds one and reads none.
    IF current_setting('transaction_isolation') = 'read committed' THEN
      SELECT c.slot INTO own FROM zava.data_changes AS c
      WHERE c.of_store IS NOT DISTINCT FROM nullif(store, 'all')::uuid
      LIMIT 1 FOR UPDATE SKIP LOCKED;
    END IF;
    IF own IS NULL THEN
      INSERT INTO zava.data_changes (changes, of_store) VALUES (1, nullif(store, 'all')::uuid);
    ELSE
      UPDATE zava.data_changes SET changes = changes + 1 WHERE slot = own;
      -- Rows of past transactions are folded into one, so that the sum stays cheap.
      IF (SELECT count(*) FROM zava.data_changes AS c
          WHERE c.of_store IS NOT DISTINCT FROM nullif(store, 'all')::uuid) > 64 THEN
        WITH folded AS (
          DELETE FROM zava.data_changes WHERE slot IN (
            SELECT c.slot FROM zava.data_changes AS c
            WHERE c.slot <> own AND c.of_store IS NOT DISTINCT FROM nullif(store, 'all')::uuid
            FOR UPDATE SKIP LOCKED)
          RETURNING changes
        )
        UPDATE zava.data_changes SET changes = changes + (SELECT coalesce(sum(f.changes), 0) FROM folded AS f)
        WHERE slot = own;
      END IF;
    END IF;
  END LOOP;
  PERFORM set_config('zava.changed_in', array_to_string(noted, ' '), true);
  RETURN NULL;
END $$;

ALTER FUNCTION zava.note_change() OWNER TO zava_context;

--
-- Name: note_place(); Type: FUNCTION; Schema: zava; Owner: zava_loader
--

CREATE FUNCTION zava.note_place() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  UPDATE zava.shared_place SET time_zone = NULL, currency = NULL;
  UPDATE zava.shared_place AS p SET time_zone = f.time_zone, currency = f.currency
  FROM (SELECT CASE WHEN min(s.time_zone) = max(s.time_zone) THEN min(s.time_zone) END AS time_zone,
               CASE WHEN min(s.currency) = max(s.currency) THEN min(s.currency) END AS currency
        FROM retail.stores AS s) AS f;
  RETURN NULL;
END $$;

ALTER FUNCTION zava.note_place() OWNER TO zava_loader;

--
-- Name: standby_lag(); Type: FUNCTION; Schema: zava; Owner: zava_context
--

CREATE FUNCTION zava.standby_lag() RETURNS double precision
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
  lag double precision := extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp());
BEGIN
  IF NOT pg_is_in_recovery() THEN
    RAISE EXCEPTION 'not a standby' USING ERRCODE = 'ZA009';
  ELSIF (lag BETWEEN -1 AND (SELECT b.seconds FROM zava.standby_bound AS b)) IS NOT TRUE THEN
    RAISE EXCEPTION 'standby late' USING ERRCODE = 'ZA008';
  END IF;
  RETURN lag;
END $$;

ALTER FUNCTION zava.standby_lag() OWNER TO zava_context;

--
-- Name: valid_principals; Type: VIEW; Schema: zava; Owner: zava_context
--

CREATE VIEW zava.valid_principals AS
 SELECT tenant_id,
    object_id,
    audience,
    store_ids,
    reads_personal
   FROM zava.principals
  WHERE (active AND (valid_from <= statement_timestamp()) AND (statement_timestamp() < valid_until));

ALTER VIEW zava.valid_principals OWNER TO zava_context;

--
-- Name: open_context(name, integer, uuid, uuid, bigint, uuid, bytea, text, text); Type: FUNCTION; Schema: zava; Owner: zava_context
--

CREATE FUNCTION zava.open_context(runner name, key_id integer, tenant uuid, person uuid, expires bigint, nonce uuid, mac bytea, statement text, params text) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 SELECT
         CASE
             WHEN ((sha256(open_context.mac) = sha256(sha256((
             CASE open_context.key_id
                 WHEN k.key_a THEN k.outer_pad_a
                 WHEN k.key_b THEN k.outer_pad_b
                 ELSE NULL::bytea
             END || sha256((
             CASE open_context.key_id
                 WHEN k.key_a THEN k.inner_pad_a
                 WHEN k.key_b THEN k.inner_pad_b
                 ELSE NULL::bytea
             END || convert_to(concat_ws('|'::text, open_context.key_id, open_context.tenant, open_context.person, open_context.expires, open_context.nonce, length(open_context.statement), open_context.statement, open_context.params), 'UTF8'::name))))))) AND (abs((((open_context.expires - 60))::double precision - date_part('epoch'::text, statement_timestamp()))) <= (60)::double precision) AND (current_setting('transaction_read_only'::text) = 'on'::text) AND
             CASE
                 WHEN pg_is_in_recovery() THEN (zava.standby_lag() IS NOT NULL)
                 ELSE true
             END) THEN
             CASE
                 WHEN (p.audience IS NULL) THEN ''::text
                 WHEN (granted.opened <> open_context.runner) THEN
                 CASE open_context.runner
                     WHEN granted.role THEN (p.audience)::text
                     ELSE granted.role
                 END
                 WHEN ((NOT pg_try_advisory_xact_lock(marks.of_principal, due.second)) OR (NOT pg_try_advisory_xact_lock(marks.of_call, 0))) THEN NULL::text
                 WHEN (set_config('zava.context'::text, (minted.seal || minted.scope), true) IS NOT NULL) THEN (open_context.runner)::text
                 ELSE NULL::text
             END
             ELSE NULL::text
         END AS "case"
    FROM (((((zava.keyring k
      LEFT JOIN zava.valid_principals p ON (((p.tenant_id = open_context.tenant) AND (p.object_id = open_context.person))))
      CROSS JOIN LATERAL ( SELECT ((p.audience)::text ||
                 CASE
                     WHEN p.reads_personal THEN '_personal'::text
                     ELSE ''::text
                 END) AS "?column?",
             ((p.audience)::text ||
                 CASE
                     WHEN (p.reads_personal AND (current_setting('zava.narrowed'::text, true) IS DISTINCT FROM 'on'::text)) THEN '_personal'::text
                     ELSE ''::text
                 END) AS "?column?",
                 CASE p.audience
                     WHEN 'store_managers'::name THEN (p.store_ids[1])::text
                     ELSE (p.store_ids)::text
                 END AS store_ids) granted(role, opened, scope))
      CROSS JOIN LATERAL ( SELECT granted.scope,
             encode(sha256((k.outer_pad || sha256((k.inner_pad || convert_to(concat_ws('|'::text, p.audience, granted.scope, pg_backend_pid(), transaction_timestamp(), statement_timestamp()), 'UTF8'::name))))), 'hex'::text) AS encode) minted(scope, seal))
      CROSS JOIN LATERAL ( SELECT ((date_part('epoch'::text, (statement_timestamp() + (COALESCE(NULLIF(current_setting('statement_timeout'::text), '0'::text), '30s'::text))::interval)))::integer - 1577836799) AS "?column?") due(second))
      CROSS JOIN LATERAL ( SELECT ((('x'::text || encode(substr(sha256((k.outer_pad || sha256((k.inner_pad || convert_to(concat_ws('|'::text, 'mark', open_context.tenant, open_context.person, pg_backend_pid(), due.second), 'UTF8'::name))))), 1, 4), 'hex'::text)))::bit(32))::integer AS int4,
             ((('x'::text || encode(substr(sha256((k.outer_pad || sha256((k.inner_pad || convert_to(concat_ws('|'::text, 'mark', open_context.nonce, pg_backend_pid()), 'UTF8'::name))))), 1, 4), 'hex'::text)))::bit(32))::integer AS int4) marks(of_principal, of_call));
END;

ALTER FUNCTION zava.open_context(runner name, key_id integer, tenant uuid, person uuid, expires bigint, nonce uuid, mac bytea, statement text, params text) OWNER TO zava_context;

--
-- Name: operator_page(integer, uuid, uuid, bigint, uuid, bytea, text); Type: FUNCTION; Schema: zava; Owner: zava_context
--

CREATE FUNCTION zava.operator_page(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, asked text) RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
  opened text := zava.open_context(
    '', p_key_id, p_tenant, p_person, p_expires, p_nonce, p_mac, 'operator page', asked);
  logged jsonb;
BEGIN
  IF opened IS NULL THEN
    RAISE EXCEPTION 'context refused' USING ERRCODE = 'ZA001';
  ELSIF opened = '' THEN
    RAISE EXCEPTION 'principal refused' USING ERRCODE = 'ZA003';
  ELSIF opened NOT IN ('head_office', 'head_office_personal') THEN
    RETURN NULL;
  END IF;
  logged := zava.audited(least(greatest((asked::jsonb ->> 'hours')::integer, 1), 24 * 31), asked::jsonb ->> 'outcome');
  RETURN jsonb_build_object(
    'calls', logged -> 'calls',
    'outcomes', logged -> 'outcomes',
    'budgets', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                  'who', p.display_name,
                  'calls_this_minute', CASE WHEN u.minute = date_trunc('minute', statement_timestamp()) THEN u.calls ELSE 0 END,
                  'seconds_this_hour', CASE WHEN u.hour = date_trunc('hour', statement_timestamp())
                                       THEN round(u.busy_milliseconds::numeric / 1000, 1) ELSE 0 END)
                  ORDER BY u.hour DESC, u.busy_milliseconds DESC), '[]')
                FROM zava.usage AS u JOIN zava.principals AS p USING (tenant_id, object_id)),
    'grants', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                 'who', p.display_name, 'kind', p.kind, 'audience', p.audience, 'store_ids', p.store_ids,
                 'reads_personal', p.reads_personal, 'active', p.active,
                 'valid_from', nullif(p.valid_from, '-infinity'), 'valid_until', nullif(p.valid_until, 'infinity'),
                 'is_valid', EXISTS (SELECT FROM zava.valid_principals AS v
                                     WHERE v.tenant_id = p.tenant_id AND v.object_id = p.object_id),
                 'since', logged -> 'since' -> (p.tenant_id || '/' || p.object_id)) ORDER BY p.display_name), '[]')
               FROM zava.principals AS p
               WHERE p.tenant_id <> '00000000-0000-0000-0000-000000000000'))::text;
END $$;

ALTER FUNCTION zava.operator_page(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, asked text) OWNER TO zava_context;

--
-- Name: pad(bytea, integer); Type: FUNCTION; Schema: zava; Owner: zava_context
--

CREATE FUNCTION zava.pad(key bytea, fill integer) RETURNS bytea
    LANGUAGE plpgsql IMMUTABLE STRICT
    SET search_path TO 'pg_catalog', 'pg_temp'
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

ALTER FUNCTION zava.pad(key bytea, fill integer) OWNER TO zava_context;

--
-- Name: plan_shape(json); Type: FUNCTION; Schema: zava; Owner: zava_context
--

CREATE FUNCTION zava.plan_shape(plan json) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 WITH RECURSIVE step(place, plan) AS (
          SELECT ARRAY[]::bigint[] AS "array",
             plan_shape.plan AS plan
         UNION ALL
          SELECT (step.place || child.number),
             child.plan
            FROM (step
              CROSS JOIN LATERAL json_array_elements((step.plan -> 'Plans'::text)) WITH ORDINALITY child(plan, number))
         ), line(number, words) AS (
          SELECT row_number() OVER (ORDER BY step.place) AS row_number,
             concat(repeat('  '::text, cardinality(step.place)), (step.plan ->> 'Node Type'::text), (' '::text || lower(NULLIF((step.plan ->> 'Join Type'::text), 'Inner'::text))), (' using '::text || (step.plan ->> 'Index Name'::text)), (' on '::text || (step.plan ->> 'Relation Name'::text)), '  rows=', (step.plan ->> 'Plan Rows'::text), ' cost=', round(((step.plan ->> 'Total Cost'::text))::numeric)) AS concat
            FROM step
         )
  SELECT string_agg(
         CASE line.number
             WHEN 61 THEN '…'::text
             ELSE line.words
         END, '
'::text ORDER BY line.number) AS string_agg
    FROM line
   WHERE (line.number <= 61);
END;

ALTER FUNCTION zava.plan_shape(plan json) OWNER TO zava_context;

--
-- Name: proof(text); Type: FUNCTION; Schema: zava; Owner: zava_context
--

CREATE FUNCTION zava.proof(content text) RETURNS integer
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT ((('x'::text || encode(substr(sha256((k.outer_pad || sha256((k.inner_pad || convert_to(('mark|'::text || proof.content), 'UTF8'::name))))), 1, 4), 'hex'::text)))::bit(32))::integer AS int4
    FROM zava.keyring k;
END;

ALTER FUNCTION zava.proof(content text) OWNER TO zava_context;

--
-- Name: record_calls(jsonb); Type: FUNCTION; Schema: zava; Owner: zava_recorder
--

CREATE FUNCTION zava.record_calls(entries jsonb) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 INSERT INTO zava.audit_log (call_id, phase, called_at, tenant_id, object_id, client_id, client_name, tool, fingerprint, audience, store_ids, row_count, byte_count, duration_milliseconds, database_milliseconds, outcome, correlation_id, trace_id)  SELECT entry.call_id,
             entry.phase,
             entry.called_at,
             entry.tenant_id,
             entry.object_id,
             entry.client_id,
             entry.client_name,
             entry.tool,
             entry.fingerprint,
             entry.audience,
             entry.store_ids,
             entry.row_count,
             entry.byte_count,
             entry.duration_milliseconds,
             entry.database_milliseconds,
             entry.outcome,
             entry.correlation_id,
             entry.trace_id
            FROM jsonb_to_recordset(record_calls.entries) entry(call_id uuid, phase text, called_at timestamp with time zone, tenant_id uuid, object_id uuid, client_id text, client_name text, tool text, fingerprint text, audience name, store_ids uuid[], row_count bigint, byte_count bigint, duration_milliseconds double precision, database_milliseconds double precision, outcome text, correlation_id text, trace_id text) ON CONFLICT DO NOTHING;
END;

ALTER FUNCTION zava.record_calls(entries jsonb) OWNER TO zava_recorder;

--
-- Name: refresh_sums(integer, integer); Type: FUNCTION; Schema: zava; Owner: zava_loader
--

CREATE FUNCTION zava.refresh_sums(p_customers integer, p_months integer) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET random_page_cost TO '1.1'
    SET jit TO 'off'
    AS $$
DECLARE
  marked record;
  stores uuid[];
  customers uuid[];
  first_stores uuid[];
  first_days date[];
  since timestamptz;
  until timestamptz;
  needed integer;
  had integer;
BEGIN
  -- Any constant does, but not the importer's.
  IF NOT pg_try_advisory_xact_lock(7261941212) THEN
    RETURN NULL;
  END IF;

  WITH chosen AS (
    SELECT DISTINCT m.store_id, m.customer_id FROM zava.customer_marks AS m
    ORDER BY m.store_id, m.customer_id LIMIT p_customers
  ), taken AS (
    DELETE FROM zava.customer_marks AS m USING chosen AS c
    WHERE m.store_id = c.store_id AND m.customer_id = c.customer_id
  )
  SELECT array_agg(c.store_id), array_agg(c.customer_id) INTO stores, customers FROM chosen AS c;

  IF stores IS NOT NULL THEN
    SELECT array_agg(f.store_id), array_agg(f.day) INTO first_stores, first_days
    FROM (SELECT DISTINCT t.store_id, (t.first_at AT TIME ZONE z.time_zone)::date AS day
          FROM unnest(stores, customers) AS k (store_id, customer_id)
          JOIN zava.customer_totals AS t ON t.store_id = k.store_id AND t.customer_id = k.customer_id
          JOIN retail.stores AS z ON z.store_id = k.store_id
          WHERE t.first_at IS NOT NULL) AS f;

    -- The last ordinals are read before the first row is written. Read for each row, they would pass by
    -- all rows that the statement wrote before it.
    WITH last AS MATERIALIZED (
      SELECT s.store_id, (SELECT coalesce(max(n.ordinal), 0) FROM zava.customer_totals AS n
                          WHERE n.store_id = s.store_id) AS ordinal
      FROM (SELECT DISTINCT u.store_id FROM unnest(stores) AS u (store_id)) AS s
    )
    INSERT INTO zava.customer_totals AS t (store_id, customer_id, ordinal, orders, spent, first_at, last_at, newest_at)
    SELECT k.store_id, k.customer_id,
           coalesce(e.ordinal, last.ordinal
             + row_number() OVER (PARTITION BY k.store_id, e.ordinal IS NULL ORDER BY k.customer_id)),
           f.orders, f.spent, f.first_at, f.last_at, f.newest_at
    FROM unnest(stores, customers) AS k (store_id, customer_id)
    LEFT JOIN zava.customer_totals AS e ON e.store_id = k.store_id AND e.customer_id = k.customer_id
    CROSS JOIN LATERAL (
      SELECT count(*) AS counted, count(*) FILTER (WHERE NOT o.is_return) AS orders, sum(o.total_amount) AS spent,
             min(o.order_date) FILTER (WHERE NOT o.is_return) AS first_at,
             max(o.order_date) FILTER (WHERE NOT o.is_return) AS last_at, max(o.order_date) AS newest_at
      FROM retail.orders AS o
      WHERE o.store_id = k.store_id AND o.customer_id = k.customer_id AND o.status NOT IN ('cancelled', 'refunded')
    ) AS f
    JOIN last ON last.store_id = k.store_id
    WHERE f.counted > 0
    ON CONFLICT (store_id, customer_id) DO UPDATE SET
      orders = excluded.orders, spent = excluded.spent, first_at = excluded.first_at,
      last_at = excluded.last_at, newest_at = excluded.newest_at;

    DELETE FROM zava.customer_totals AS t
    USING unnest(stores, customers) AS k (store_id, customer_id)
    WHERE t.store_id = k.store_id AND t.customer_id = k.customer_id
      AND NOT EXISTS (SELECT FROM retail.orders AS o
                      WHERE o.store_id = k.store_id AND o.customer_id = k.customer_id
                        AND o.status NOT IN ('cancelled', 'refunded'));

    SELECT array_agg(f.store_id), array_agg(f.day) INTO first_stores, first_days
    FROM (SELECT s.store_id, s.day FROM unnest(first_stores, first_days) AS s (store_id, day)
          UNION
          SELECT t.store_id, (t.first_at AT TIME ZONE z.time_zone)::date
          FROM unnest(stores, customers) AS k (store_id, customer_id)
          JOIN zava.customer_totals AS t ON t.store_id = k.store_id AND t.customer_id = k.customer_id
          JOIN retail.stores AS z ON z.store_id = k.store_id
          WHERE t.first_at IS NOT NULL) AS f;
    DELETE FROM zava.new_customer_days AS n USING unnest(first_stores, first_days) AS s (store_id, day)
    WHERE n.store_id = s.store_id AND n.day = s.day;
    INSERT INTO zava.new_customer_days (store_id, day, customers)
    SELECT s.store_id, s.day, f.customers
    FROM unnest(first_stores, first_days) AS s (store_id, day)
    JOIN retail.stores AS z ON z.store_id = s.store_id
    CROSS JOIN LATERAL (
      SELECT count(*) AS customers FROM zava.customer_totals AS t
      WHERE t.store_id = s.store_id AND t.first_at >= (s.day::timestamp AT TIME ZONE z.time_zone)
        AND t.first_at < ((s.day + 1)::timestamp AT TIME ZONE z.time_zone)
    ) AS f
    WHERE f.customers > 0;
  END IF;

  FOR marked IN
    SELECT DISTINCT m.store_id, m.month, m.zone FROM zava.day_marks AS m
    ORDER BY m.month DESC, m.store_id LIMIT p_months
  LOOP
    since := marked.month::timestamp AT TIME ZONE marked.zone;
    until := (marked.month + interval '1 month') AT TIME ZONE marked.zone;
    DELETE FROM zava.day_marks AS m
    WHERE m.store_id = marked.store_id AND m.day >= marked.month AND m.day < marked.month + interval '1 month';
    DELETE FROM zava.store_days AS d
    WHERE d.store_id = marked.store_id AND d.day >= marked.month AND d.day < marked.month + interval '1 month';
    DELETE FROM zava.product_months AS p WHERE p.store_id = marked.store_id AND p.month = marked.month;
    DELETE FROM zava.month_customers AS c WHERE c.store_id = marked.store_id AND c.month = marked.month;

    -- The lines of the month are read once, for its days and its products.
    WITH line AS MATERIALIZED (
      SELECT (o.order_date AT TIME ZONE marked.zone)::date AS day, i.product_id, o.order_id, o.is_return,
             count(*) AS lines, sum(i.total_amount) AS revenue, sum(i.quantity) AS units,
             sum(i.quantity * i.unit_price) AS gross_sales, sum(i.discount_amount) AS discounts
      FROM retail.orders AS o
      JOIN retail.order_items AS i ON i.store_id = o.store_id AND i.order_id = o.order_id
      WHERE o.store_id = marked.store_id AND o.order_date >= since AND o.order_date < until
        AND o.status NOT IN ('cancelled', 'refunded')
      GROUP BY o.order_id, o.order_date, o.is_return, i.product_id
    ), by_product AS (
      INSERT INTO zava.product_months (store_id, month, product_id, orders, revenue, units, gross_sales, discounts)
      SELECT marked.store_id, marked.month, l.product_id, count(*) FILTER (WHERE NOT l.is_return),
             sum(l.revenue), sum(l.units), sum(l.gross_sales), sum(l.discounts)
      FROM line AS l GROUP BY l.product_id
    )
    INSERT INTO zava.store_days (store_id, day, counted, orders, revenue, placed, refunded, lines, units, gross_sales, discounts)
    SELECT marked.store_id, s.day, sum(s.counted), sum(s.orders), sum(s.revenue), sum(s.placed), sum(s.refunded),
           sum(s.lines), sum(s.units), sum(s.gross_sales), sum(s.discounts)
    FROM (
      SELECT (o.order_date AT TIME ZONE marked.zone)::date AS day,
             count(*) FILTER (WHERE o.status NOT IN ('cancelled', 'refunded')) AS counted,
             count(*) FILTER (WHERE o.status NOT IN ('cancelled', 'refunded') AND NOT o.is_return) AS orders,
             coalesce(sum(o.total_amount) FILTER (WHERE o.status NOT IN ('cancelled', 'refunded')), 0) AS revenue,
             count(*) FILTER (WHERE o.status <> 'cancelled' AND NOT o.is_return) AS placed,
             count(*) FILTER (WHERE o.status = 'refunded' AND NOT o.is_return) AS refunded,
             0::bigint AS lines, 0::numeric AS units, 0::numeric AS gross_sales, 0::numeric AS discounts
      FROM retail.orders AS o
      WHERE o.store_id = marked.store_id AND o.order_date >= since AND o.order_date < until
      GROUP BY 1
      UNION ALL
      SELECT l.day, 0, 0, 0, 0, 0, sum(l.lines), sum(l.units), sum(l.gross_sales), sum(l.discounts)
      FROM line AS l GROUP BY l.day
    ) AS s
    GROUP BY s.day
    HAVING sum(s.counted) > 0 OR sum(s.placed) > 0;

    -- A customer without an ordinal gets one; the totals follow with that customer's own mark.
    SELECT coalesce(max(t.ordinal), 0) INTO needed FROM zava.customer_totals AS t WHERE t.store_id = marked.store_id;
    INSERT INTO zava.customer_totals (store_id, customer_id, ordinal)
    SELECT b.store_id, b.customer_id, needed + row_number() OVER (ORDER BY b.customer_id)
    FROM (
      SELECT DISTINCT o.store_id, o.customer_id FROM retail.orders AS o
      WHERE o.store_id = marked.store_id AND o.order_date >= since AND o.order_date < until
        AND o.status NOT IN ('cancelled', 'refunded') AND NOT o.is_return AND o.customer_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM zava.customer_totals AS t
                        WHERE t.store_id = o.store_id AND t.customer_id = o.customer_id)
    ) AS b;

    SELECT coalesce(max(t.ordinal), 0) INTO needed FROM zava.customer_totals AS t WHERE t.store_id = marked.store_id;
    SELECT coalesce(max(c.width), 0) INTO had FROM zava.month_customers AS c WHERE c.store_id = marked.store_id;
    IF needed > had THEN
      -- Wider than needed, so that the strings of all months are seldom written anew.
      needed := 1024 * (1 + needed * 5 / 4096);
      UPDATE zava.month_customers AS c
      SET bits = c.bits || repeat('0', needed - c.width)::varbit, width = needed
      WHERE c.store_id = marked.store_id;
    ELSE
      needed := had;
    END IF;
    INSERT INTO zava.month_customers (store_id, month, width, bits)
    SELECT marked.store_id, marked.month, needed,
           (coalesce(f.bits, '') || repeat('0', needed - coalesce(f.highest, 0)))::varbit
    FROM (
      SELECT string_agg(repeat('0', n.ordinal - n.before - 1) || '1', '' ORDER BY n.ordinal) AS bits,
             max(n.ordinal) AS highest, count(*) AS rows
      FROM (
        SELECT d.ordinal, lag(d.ordinal, 1, 0) OVER (ORDER BY d.ordinal) AS before
        FROM (
          SELECT DISTINCT CASE WHEN NOT o.is_return THEN t.ordinal END AS ordinal
          FROM retail.orders AS o
          LEFT JOIN zava.customer_totals AS t ON t.store_id = o.store_id AND t.customer_id = o.customer_id
          WHERE o.store_id = marked.store_id AND o.order_date >= since AND o.order_date < until
            AND o.status NOT IN ('cancelled', 'refunded')
        ) AS d
        -- Who came after the numbering has a mark, so that this string is not read.
        WHERE d.ordinal IS NULL OR d.ordinal <= needed
      ) AS n
    ) AS f
    WHERE f.rows > 0;
  END LOOP;

  RETURN EXISTS (SELECT FROM zava.day_marks) OR EXISTS (SELECT FROM zava.customer_marks);
END $$;

ALTER FUNCTION zava.refresh_sums(p_customers integer, p_months integer) OWNER TO zava_loader;

--
-- Name: refuse_own_mark(); Type: FUNCTION; Schema: zava; Owner: zava_context
--

CREATE FUNCTION zava.refuse_own_mark() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  RAISE EXCEPTION 'sums are refreshed by a transaction that changed no sales'
    USING ERRCODE = 'object_not_in_prerequisite_state';
END $$;

ALTER FUNCTION zava.refuse_own_mark() OWNER TO zava_context;

--
-- Name: remove_records(integer, boolean); Type: FUNCTION; Schema: zava; Owner: zava_retention
--

CREATE FUNCTION zava.remove_records(keep_days integer, is_rehearsal boolean) RETURNS TABLE(before date, records bigint, oldest timestamp with time zone)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  IF keep_days IS NULL OR is_rehearsal IS NULL OR keep_days < 30 THEN
    RAISE EXCEPTION 'records of the last 30 days are kept' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  before := (statement_timestamp() AT TIME ZONE 'UTC')::date - keep_days;
  IF is_rehearsal THEN
    SELECT count(*), min(a.called_at) INTO records, oldest
    FROM zava.audit_log AS a WHERE a.called_at < before::timestamp AT TIME ZONE 'UTC';
  ELSE
    WITH removed AS (
      DELETE FROM zava.audit_log AS a WHERE a.called_at < before::timestamp AT TIME ZONE 'UTC'
      RETURNING a.called_at
    )
    SELECT count(*), min(r.called_at) INTO records, oldest FROM removed AS r;
    INSERT INTO zava.change_log (subject, login, actor, new)
    VALUES ('audit_log', session_user, nullif(current_setting('zava.actor', true), ''),
            jsonb_build_object('removed_before', before, 'records', records, 'oldest', oldest));
  END IF;
  RETURN NEXT;
END $$;

ALTER FUNCTION zava.remove_records(keep_days integer, is_rehearsal boolean) OWNER TO zava_retention;

--
-- Name: rows_as_text(text, integer); Type: FUNCTION; Schema: zava; Owner: zava_context
--

CREATE FUNCTION zava.rows_as_text(statement text, columns integer) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 SELECT format('SELECT pg_catalog.concat(pg_catalog.num_nulls(%1$s), E''\x1f'', %2$s)
      FROM (SELECT %1$s FROM (%3$s
    ) AS q (%1$s) OFFSET 0) AS q'::text, string_agg(format('"zava cell %s"'::text, n.n), ', '::text ORDER BY n.n), string_agg(format('"zava cell %s"'::text, n.n), ', E''\x1f'', '::text ORDER BY n.n), rows_as_text.statement) AS format
    FROM generate_series(1, rows_as_text.columns) n(n);
END;

ALTER FUNCTION zava.rows_as_text(statement text, columns integer) OWNER TO zava_context;

--
-- Name: run_head_office(integer, uuid, uuid, bigint, uuid, bytea, text, text, integer, bigint, integer); Type: FUNCTION; Schema: zava; Owner: head_office
--

CREATE FUNCTION zava.run_head_office(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text, p_max_rows integer, p_max_bytes bigint, p_columns integer DEFAULT 0) RETURNS SETOF text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'retail', 'pg_temp'
    AS $$
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
          RAISE EXCEPTION '%', opened USING ERRCODE = 'ZA004';
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
                  RAISE EXCEPTION 'a row exceeds % bytes', p_max_bytes USING ERRCODE = '54000';
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
              RAISE EXCEPTION 'a row exceeds % bytes', p_max_bytes USING ERRCODE = '54000';
            END IF;
            line := pg_catalog.row_to_json(found_row)::pg_catalog.text;
            bytes_left := bytes_left OPERATOR(pg_catalog.-) pg_catalog.octet_length(line);
            IF bytes_left OPERATOR(pg_catalog.<) 0 THEN
              IF rows_left OPERATOR(pg_catalog.=) p_max_rows THEN
                RAISE EXCEPTION 'a row exceeds % bytes', p_max_bytes USING ERRCODE = '54000';
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
      END $$;

ALTER FUNCTION zava.run_head_office(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text, p_max_rows integer, p_max_bytes bigint, p_columns integer) OWNER TO head_office;

--
-- Name: run_head_office_personal(integer, uuid, uuid, bigint, uuid, bytea, text, text, integer, bigint, integer); Type: FUNCTION; Schema: zava; Owner: head_office_personal
--

CREATE FUNCTION zava.run_head_office_personal(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text, p_max_rows integer, p_max_bytes bigint, p_columns integer DEFAULT 0) RETURNS SETOF text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'retail', 'pg_temp'
    AS $$
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
          RAISE EXCEPTION '%', opened USING ERRCODE = 'ZA004';
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
                  RAISE EXCEPTION 'a row exceeds % bytes', p_max_bytes USING ERRCODE = '54000';
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
              RAISE EXCEPTION 'a row exceeds % bytes', p_max_bytes USING ERRCODE = '54000';
            END IF;
            line := pg_catalog.row_to_json(found_row)::pg_catalog.text;
            bytes_left := bytes_left OPERATOR(pg_catalog.-) pg_catalog.octet_length(line);
            IF bytes_left OPERATOR(pg_catalog.<) 0 THEN
              IF rows_left OPERATOR(pg_catalog.=) p_max_rows THEN
                RAISE EXCEPTION 'a row exceeds % bytes', p_max_bytes USING ERRCODE = '54000';
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
      END $$;

ALTER FUNCTION zava.run_head_office_personal(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text, p_max_rows integer, p_max_bytes bigint, p_columns integer) OWNER TO head_office_personal;

--
-- Name: run_regional_managers(integer, uuid, uuid, bigint, uuid, bytea, text, text, integer, bigint, integer); Type: FUNCTION; Schema: zava; Owner: regional_managers
--

CREATE FUNCTION zava.run_regional_managers(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text, p_max_rows integer, p_max_bytes bigint, p_columns integer DEFAULT 0) RETURNS SETOF text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'retail', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
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
          RAISE EXCEPTION '%', opened USING ERRCODE = 'ZA004';
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
                  RAISE EXCEPTION 'a row exceeds % bytes', p_max_bytes USING ERRCODE = '54000';
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
              RAISE EXCEPTION 'a row exceeds % bytes', p_max_bytes USING ERRCODE = '54000';
            END IF;
            line := pg_catalog.row_to_json(found_row)::pg_catalog.text;
            bytes_left := bytes_left OPERATOR(pg_catalog.-) pg_catalog.octet_length(line);
            IF bytes_left OPERATOR(pg_catalog.<) 0 THEN
              IF rows_left OPERATOR(pg_catalog.=) p_max_rows THEN
                RAISE EXCEPTION 'a row exceeds % bytes', p_max_bytes USING ERRCODE = '54000';
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
      END $$;

ALTER FUNCTION zava.run_regional_managers(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text, p_max_rows integer, p_max_bytes bigint, p_columns integer) OWNER TO regional_managers;

--
-- Name: run_regional_managers_personal(integer, uuid, uuid, bigint, uuid, bytea, text, text, integer, bigint, integer); Type: FUNCTION; Schema: zava; Owner: regional_managers_personal
--

CREATE FUNCTION zava.run_regional_managers_personal(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text, p_max_rows integer, p_max_bytes bigint, p_columns integer DEFAULT 0) RETURNS SETOF text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'retail', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
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
          RAISE EXCEPTION '%', opened USING ERRCODE = 'ZA004';
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
                  RAISE EXCEPTION 'a row exceeds % bytes', p_max_bytes USING ERRCODE = '54000';
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
              RAISE EXCEPTION 'a row exceeds % bytes', p_max_bytes USING ERRCODE = '54000';
            END IF;
            line := pg_catalog.row_to_json(found_row)::pg_catalog.text;
            bytes_left := bytes_left OPERATOR(pg_catalog.-) pg_catalog.octet_length(line);
            IF bytes_left OPERATOR(pg_catalog.<) 0 THEN
              IF rows_left OPERATOR(pg_catalog.=) p_max_rows THEN
                RAISE EXCEPTION 'a row exceeds % bytes', p_max_bytes USING ERRCODE = '54000';
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
      END $$;

ALTER FUNCTION zava.run_regional_managers_personal(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text, p_max_rows integer, p_max_bytes bigint, p_columns integer) OWNER TO regional_managers_personal;

--
-- Name: run_store_managers(integer, uuid, uuid, bigint, uuid, bytea, text, text, integer, bigint, integer); Type: FUNCTION; Schema: zava; Owner: store_managers
--

CREATE FUNCTION zava.run_store_managers(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text, p_max_rows integer, p_max_bytes bigint, p_columns integer DEFAULT 0) RETURNS SETOF text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'retail', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
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
          RAISE EXCEPTION '%', opened USING ERRCODE = 'ZA004';
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
                  RAISE EXCEPTION 'a row exceeds % bytes', p_max_bytes USING ERRCODE = '54000';
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
              RAISE EXCEPTION 'a row exceeds % bytes', p_max_bytes USING ERRCODE = '54000';
            END IF;
            line := pg_catalog.row_to_json(found_row)::pg_catalog.text;
            bytes_left := bytes_left OPERATOR(pg_catalog.-) pg_catalog.octet_length(line);
            IF bytes_left OPERATOR(pg_catalog.<) 0 THEN
              IF rows_left OPERATOR(pg_catalog.=) p_max_rows THEN
                RAISE EXCEPTION 'a row exceeds % bytes', p_max_bytes USING ERRCODE = '54000';
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
      END $$;

ALTER FUNCTION zava.run_store_managers(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text, p_max_rows integer, p_max_bytes bigint, p_columns integer) OWNER TO store_managers;

--
-- Name: run_store_managers_personal(integer, uuid, uuid, bigint, uuid, bytea, text, text, integer, bigint, integer); Type: FUNCTION; Schema: zava; Owner: store_managers_personal
--

CREATE FUNCTION zava.run_store_managers_personal(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text, p_max_rows integer, p_max_bytes bigint, p_columns integer DEFAULT 0) RETURNS SETOF text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'retail', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
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
          RAISE EXCEPTION '%', opened USING ERRCODE = 'ZA004';
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
                  RAISE EXCEPTION 'a row exceeds % bytes', p_max_bytes USING ERRCODE = '54000';
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
              RAISE EXCEPTION 'a row exceeds % bytes', p_max_bytes USING ERRCODE = '54000';
            END IF;
            line := pg_catalog.row_to_json(found_row)::pg_catalog.text;
            bytes_left := bytes_left OPERATOR(pg_catalog.-) pg_catalog.octet_length(line);
            IF bytes_left OPERATOR(pg_catalog.<) 0 THEN
              IF rows_left OPERATOR(pg_catalog.=) p_max_rows THEN
                RAISE EXCEPTION 'a row exceeds % bytes', p_max_bytes USING ERRCODE = '54000';
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
      END $$;

ALTER FUNCTION zava.run_store_managers_personal(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text, p_max_rows integer, p_max_bytes bigint, p_columns integer) OWNER TO store_managers_personal;

--
-- Name: scope(integer, uuid, uuid, bigint, uuid, bytea); Type: FUNCTION; Schema: zava; Owner: zava_context
--

CREATE FUNCTION zava.scope(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea) RETURNS TABLE(audience text, scope_hash text, data_version bigint, scope text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
  opened text := zava.open_context(
    '', p_key_id, p_tenant, p_person, p_expires, p_nonce, p_mac, 'scope', '');
BEGIN
  IF opened IS NULL THEN
    RAISE EXCEPTION 'context refused' USING ERRCODE = 'ZA001';
  ELSIF opened = '' THEN
    RAISE EXCEPTION 'principal refused' USING ERRCODE = 'ZA003';
  END IF;
  RETURN QUERY
  SELECT opened,
         encode(sha256(convert_to(concat_ws('|', opened, granted.scope), 'UTF8')), 'hex'),
         (SELECT coalesce(sum(c.changes), 0)::bigint FROM zava.data_changes AS c
          WHERE c.of_store IS NULL OR c.of_store = ANY (granted.stores)),
         granted.scope
  FROM zava.principals AS p
  CROSS JOIN LATERAL (
    SELECT CASE p.audience WHEN 'store_managers' THEN p.store_ids[1]::text ELSE p.store_ids::text END,
           CASE p.audience WHEN 'store_managers' THEN p.store_ids[1:1] ELSE p.store_ids END
  ) AS granted (scope, stores)
  WHERE p.tenant_id = p_tenant AND p.object_id = p_person;
END $$;

ALTER FUNCTION zava.scope(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea) OWNER TO zava_context;

--
-- Name: scope_of_data(integer, uuid, uuid, bigint, uuid, bytea); Type: FUNCTION; Schema: zava; Owner: zava_context
--

CREATE FUNCTION zava.scope_of_data(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea) RETURNS TABLE(audience text, scope_hash text, data_version bigint, scope text, reach text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
  shared record;
BEGIN
  SELECT p.time_zone, p.currency INTO shared FROM zava.shared_place AS p;
  IF shared.time_zone IS NOT NULL AND shared.currency IS NOT NULL THEN
    RETURN QUERY
    SELECT s.audience, s.scope_hash, s.data_version, s.scope, r.reach
    FROM zava.scope(p_key_id, p_tenant, p_person, p_expires, p_nonce, p_mac) AS s
    CROSS JOIN LATERAL (
      SELECT CASE WHEN s.audience IN ('store_managers', 'store_managers_personal')
                  THEN ARRAY[s.scope::uuid] ELSE s.scope::uuid[] END
    ) AS granted (stores)
    CROSS JOIN LATERAL (
      SELECT json_build_object(
               'newest', max(t.through),
               'is_whole', count(*) <= 100,
               'stores', coalesce(json_agg(json_build_array(t.store_name, t.region, t.channel, t.through) ORDER BY t.through, t.store_name)
                                  FILTER (WHERE t.stores <= 100 OR t.through < date_trunc('day', t.newest)), '[]'),
               'zones', json_build_array(shared.time_zone), 'latest_zone', shared.time_zone,
               'currencies', json_build_array(shared.currency), 'one_currency', shared.currency,
               'reporting_currency', NULL, 'rates', NULL)::text
      FROM (SELECT n.store_name, n.region, n.channel, of_store.through,
                   max(of_store.through) OVER () AS newest, count(*) OVER () AS stores
            FROM zava.newest_orders(granted.stores) AS n
            LEFT JOIN zava.orders_loaded AS l ON l.of_store = n.store_id
            CROSS JOIN LATERAL (
              SELECT greatest(n.newest, l.through) AT TIME ZONE shared.time_zone
            ) AS of_store (through)
            WHERE of_store.through IS NOT NULL) AS t
    ) AS r (reach);
    RETURN;
  END IF;
  RETURN QUERY
  SELECT s.audience, s.scope_hash, s.data_version, s.scope, r.reach
  FROM zava.scope(p_key_id, p_tenant, p_person, p_expires, p_nonce, p_mac) AS s
  CROSS JOIN LATERAL (
    SELECT CASE WHEN s.audience IN ('store_managers', 'store_managers_personal')
                THEN ARRAY[s.scope::uuid] ELSE s.scope::uuid[] END
  ) AS granted (stores)
  CROSS JOIN LATERAL (
    SELECT json_build_object(
             'newest', max(t.newest),
             'is_whole', count(t.through) <= 100,
             'stores', coalesce(json_agg(json_build_array(t.store_name, t.region, t.channel, t.through) ORDER BY t.through, t.store_name)
                                FILTER (WHERE t.through IS NOT NULL AND (t.stores <= 100 OR t.through < date_trunc('day', t.newest))), '[]'),
             'zones', json_agg(DISTINCT t.time_zone),
             'currencies', json_agg(DISTINCT t.currency),
             'latest_zone', min(t.latest_zone),
             'one_currency', min(t.chain_currency),
             'reporting_currency', min(t.reporting_currency),
             'rates', min(t.rates)::json)::text
    FROM (SELECT n.store_name, n.region, n.channel, n.time_zone, n.currency, n.chain_currency, n.reporting_currency, n.rates,
                 of_store.reached AT TIME ZONE n.time_zone AS through,
                 n.latest_zone, max(of_store.reached) OVER () AT TIME ZONE n.latest_zone AS newest,
                 count(of_store.reached) OVER () AS stores
          FROM (SELECT o.*, first_value(o.time_zone) OVER (ORDER BY statement_timestamp() AT TIME ZONE o.time_zone) AS latest_zone
                FROM zava.store_places(granted.stores) AS o) AS n
          LEFT JOIN zava.orders_loaded AS l ON l.of_store = n.store_id
          CROSS JOIN LATERAL (
            SELECT CASE WHEN NOT n.is_closed THEN greatest(n.newest, l.through) END
          ) AS of_store (reached)) AS t
  ) AS r (reach);
END $$;

ALTER FUNCTION zava.scope_of_data(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea) OWNER TO zava_context;

--
-- Name: sign_in(text, uuid, text, text, uuid, uuid, text, integer); Type: FUNCTION; Schema: zava; Owner: zava_context
--

CREATE FUNCTION zava.sign_in(step text, id uuid, given text, following text, tenant uuid, person uuid, client text, seconds integer) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  IF step = 'begin' THEN
    -- A bounded number each time: more expire with no more sign-ins than begin.
    DELETE FROM zava.sign_ins WHERE sign_in_id IN (
      SELECT s.sign_in_id FROM zava.sign_ins AS s WHERE s.expires_at < statement_timestamp()
      ORDER BY s.expires_at LIMIT 20 FOR UPDATE SKIP LOCKED);
    -- One person's are few, however often a program signs in as them. None that is younger than
    -- ten minutes is removed: a code that is redeemed again must find its row.
    DELETE FROM zava.sign_ins WHERE sign_in_id IN (
      SELECT s.sign_in_id FROM zava.sign_ins AS s
      WHERE s.tenant_id = tenant AND s.object_id = person
        AND s.begun_at < statement_timestamp() - interval '10 minutes'
      ORDER BY s.used_at DESC OFFSET 50 FOR UPDATE SKIP LOCKED);
    INSERT INTO zava.sign_ins (sign_in_id, following, tenant_id, object_id, client_name, expires_at)
    VALUES (id, sign_in.following, tenant, person, left(client, 100), statement_timestamp() + make_interval(secs => seconds))
    ON CONFLICT DO NOTHING;
  ELSIF step = 'turn' THEN
    UPDATE zava.sign_ins AS s SET following = sign_in.following, used_at = statement_timestamp()
    WHERE s.sign_in_id = id AND s.following = given AND s.ended_at IS NULL
      AND s.expires_at > statement_timestamp();
  ELSE
    RAISE EXCEPTION 'unknown step' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF FOUND THEN
    RETURN true;
  END IF;
  UPDATE zava.sign_ins AS s SET ended_at = statement_timestamp(), ended_because = 'reuse'
  WHERE s.sign_in_id = id AND s.ended_at IS NULL AND s.expires_at > statement_timestamp();
  RETURN false;
END $$;

ALTER FUNCTION zava.sign_in(step text, id uuid, given text, following text, tenant uuid, person uuid, client text, seconds integer) OWNER TO zava_context;

--
-- Name: store_count(); Type: FUNCTION; Schema: zava; Owner: zava_chain
--

CREATE FUNCTION zava.store_count() RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 SELECT count(*) AS count
    FROM retail.stores;
END;

ALTER FUNCTION zava.store_count() OWNER TO zava_chain;

--
-- Name: store_places(uuid[]); Type: FUNCTION; Schema: zava; Owner: zava_chain
--

CREATE FUNCTION zava.store_places(p_stores uuid[]) RETURNS TABLE(store_id uuid, store_name text, region text, channel text, newest timestamp with time zone, is_closed boolean, time_zone text, currency text, chain_currency text, reporting_currency text, rates text)
    LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 SELECT s.store_id,
     s.store_name,
     s.region,
         CASE
             WHEN s.is_online THEN 'online'::text
             ELSE 'store'::text
         END AS "case",
     last.newest,
     COALESCE((s.closed_on < ((statement_timestamp() AT TIME ZONE s.time_zone))::date), false) AS "coalesce",
     s.time_zone,
     s.currency,
     c.shared,
     COALESCE(( SELECT g.reporting_currency
            FROM retail.chain g), 'USD'::text) AS "coalesce",
         CASE
             WHEN (c.shared IS NULL) THEN ( SELECT (json_object_agg(e.currency, json_build_array(e.first_day, e.last_day)))::text AS json_object_agg
                FROM ( SELECT x.currency,
                         min(x.day) AS first_day,
                         max(x.day) AS last_day
                        FROM retail.exchange_rates x
                       GROUP BY x.currency) e)
             ELSE NULL::text
         END AS "case"
    FROM ((( SELECT
                 CASE
                     WHEN (min(o.currency) = max(o.currency)) THEN min(o.currency)
                     ELSE NULL::text
                 END AS shared
            FROM retail.stores o) c
      CROSS JOIN retail.stores s)
      CROSS JOIN LATERAL ( SELECT max(o.order_date) AS newest
            FROM retail.orders o
           WHERE (o.store_id = s.store_id)) last)
   WHERE ((s.store_id = ANY (store_places.p_stores)) OR (store_places.p_stores IS NULL));
END;

ALTER FUNCTION zava.store_places(p_stores uuid[]) OWNER TO zava_chain;

--
-- Name: used(uuid, uuid); Type: FUNCTION; Schema: zava; Owner: zava_context
--

CREATE FUNCTION zava.used(tenant uuid, person uuid) RETURNS TABLE(calls bigint, busy_milliseconds double precision, minute_seconds_left integer, hour_seconds_left integer)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 SELECT COALESCE(max(u.calls) FILTER (WHERE (u.minute = clock.minute)), (0)::bigint) AS "coalesce",
     COALESCE(max(u.busy_milliseconds) FILTER (WHERE (u.hour = clock.hour)), (0)::double precision) AS "coalesce",
     (ceil(EXTRACT(epoch FROM ((clock.minute + '00:01:00'::interval) - clock.moment))))::integer AS ceil,
     (ceil(EXTRACT(epoch FROM ((clock.hour + '01:00:00'::interval) - clock.moment))))::integer AS ceil
    FROM (( SELECT statement_timestamp() AS moment,
             date_trunc('minute'::text, statement_timestamp()) AS minute,
             date_trunc('hour'::text, statement_timestamp()) AS hour) clock
      LEFT JOIN zava.usage u ON (((u.tenant_id = used.tenant) AND (u.object_id = used.person))))
   GROUP BY clock.moment, clock.minute, clock.hour;
END;

ALTER FUNCTION zava.used(tenant uuid, person uuid) OWNER TO zava_context;

--
-- Name: weigh_head_office(integer, uuid, uuid, bigint, uuid, bytea, text, text); Type: FUNCTION; Schema: zava; Owner: head_office
--

CREATE FUNCTION zava.weigh_head_office(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'retail', 'pg_temp'
    AS $$
      DECLARE
        opened text := zava.open_context(
          current_user, p_key_id, p_tenant, p_person, p_expires, p_nonce, p_mac, p_statement, p_params);
        found_plan record;
        plan pg_catalog.json;
      BEGIN
        IF opened IS NULL THEN
          RAISE EXCEPTION 'context refused' USING ERRCODE = 'ZA001';
        ELSIF opened OPERATOR(pg_catalog.=) '' THEN
          RAISE EXCEPTION 'principal refused' USING ERRCODE = 'ZA003';
        ELSIF opened OPERATOR(pg_catalog.<>) current_user::text THEN
          RAISE EXCEPTION '%', opened USING ERRCODE = 'ZA004';
        END IF;
        -- As the runner's cursor would: that takes no workers.
        PERFORM pg_catalog.set_config('max_parallel_workers_per_gather', '0', true);
        FOR found_plan IN
          EXECUTE 'EXPLAIN (FORMAT JSON) ' OPERATOR(pg_catalog.||) p_statement
          USING NULLIF(p_params, '')::pg_catalog.jsonb
        LOOP
          plan := found_plan."QUERY PLAN" OPERATOR(pg_catalog.#>) '{0,Plan}';
        END LOOP;
        PERFORM pg_catalog.set_config('zava.plan', zava.plan_shape(plan), true);
      END $$;

ALTER FUNCTION zava.weigh_head_office(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text) OWNER TO head_office;

--
-- Name: weigh_head_office_personal(integer, uuid, uuid, bigint, uuid, bytea, text, text); Type: FUNCTION; Schema: zava; Owner: head_office_personal
--

CREATE FUNCTION zava.weigh_head_office_personal(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'retail', 'pg_temp'
    AS $$
      DECLARE
        opened text := zava.open_context(
          current_user, p_key_id, p_tenant, p_person, p_expires, p_nonce, p_mac, p_statement, p_params);
        found_plan record;
        plan pg_catalog.json;
      BEGIN
        IF opened IS NULL THEN
          RAISE EXCEPTION 'context refused' USING ERRCODE = 'ZA001';
        ELSIF opened OPERATOR(pg_catalog.=) '' THEN
          RAISE EXCEPTION 'principal refused' USING ERRCODE = 'ZA003';
        ELSIF opened OPERATOR(pg_catalog.<>) current_user::text THEN
          RAISE EXCEPTION '%', opened USING ERRCODE = 'ZA004';
        END IF;
        -- As the runner's cursor would: that takes no workers.
        PERFORM pg_catalog.set_config('max_parallel_workers_per_gather', '0', true);
        FOR found_plan IN
          EXECUTE 'EXPLAIN (FORMAT JSON) ' OPERATOR(pg_catalog.||) p_statement
          USING NULLIF(p_params, '')::pg_catalog.jsonb
        LOOP
          plan := found_plan."QUERY PLAN" OPERATOR(pg_catalog.#>) '{0,Plan}';
        END LOOP;
        PERFORM pg_catalog.set_config('zava.plan', zava.plan_shape(plan), true);
      END $$;

ALTER FUNCTION zava.weigh_head_office_personal(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text) OWNER TO head_office_personal;

--
-- Name: weigh_regional_managers(integer, uuid, uuid, bigint, uuid, bytea, text, text); Type: FUNCTION; Schema: zava; Owner: regional_managers
--

CREATE FUNCTION zava.weigh_regional_managers(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'retail', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
      DECLARE
        opened text := zava.open_context(
          current_user, p_key_id, p_tenant, p_person, p_expires, p_nonce, p_mac, p_statement, p_params);
        found_plan record;
        plan pg_catalog.json;
      BEGIN
        IF opened IS NULL THEN
          RAISE EXCEPTION 'context refused' USING ERRCODE = 'ZA001';
        ELSIF opened OPERATOR(pg_catalog.=) '' THEN
          RAISE EXCEPTION 'principal refused' USING ERRCODE = 'ZA003';
        ELSIF opened OPERATOR(pg_catalog.<>) current_user::text THEN
          RAISE EXCEPTION '%', opened USING ERRCODE = 'ZA004';
        END IF;
        -- As the runner's cursor would: that takes no workers.
        PERFORM pg_catalog.set_config('max_parallel_workers_per_gather', '0', true);
        FOR found_plan IN
          EXECUTE 'EXPLAIN (FORMAT JSON) ' OPERATOR(pg_catalog.||) p_statement
          USING NULLIF(p_params, '')::pg_catalog.jsonb
        LOOP
          plan := found_plan."QUERY PLAN" OPERATOR(pg_catalog.#>) '{0,Plan}';
        END LOOP;
        PERFORM pg_catalog.set_config('zava.plan', zava.plan_shape(plan), true);
      END $$;

ALTER FUNCTION zava.weigh_regional_managers(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text) OWNER TO regional_managers;

--
-- Name: weigh_regional_managers_personal(integer, uuid, uuid, bigint, uuid, bytea, text, text); Type: FUNCTION; Schema: zava; Owner: regional_managers_personal
--

CREATE FUNCTION zava.weigh_regional_managers_personal(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'retail', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
      DECLARE
        opened text := zava.open_context(
          current_user, p_key_id, p_tenant, p_person, p_expires, p_nonce, p_mac, p_statement, p_params);
        found_plan record;
        plan pg_catalog.json;
      BEGIN
        IF opened IS NULL THEN
          RAISE EXCEPTION 'context refused' USING ERRCODE = 'ZA001';
        ELSIF opened OPERATOR(pg_catalog.=) '' THEN
          RAISE EXCEPTION 'principal refused' USING ERRCODE = 'ZA003';
        ELSIF opened OPERATOR(pg_catalog.<>) current_user::text THEN
          RAISE EXCEPTION '%', opened USING ERRCODE = 'ZA004';
        END IF;
        -- As the runner's cursor would: that takes no workers.
        PERFORM pg_catalog.set_config('max_parallel_workers_per_gather', '0', true);
        FOR found_plan IN
          EXECUTE 'EXPLAIN (FORMAT JSON) ' OPERATOR(pg_catalog.||) p_statement
          USING NULLIF(p_params, '')::pg_catalog.jsonb
        LOOP
          plan := found_plan."QUERY PLAN" OPERATOR(pg_catalog.#>) '{0,Plan}';
        END LOOP;
        PERFORM pg_catalog.set_config('zava.plan', zava.plan_shape(plan), true);
      END $$;

ALTER FUNCTION zava.weigh_regional_managers_personal(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text) OWNER TO regional_managers_personal;

--
-- Name: weigh_store_managers(integer, uuid, uuid, bigint, uuid, bytea, text, text); Type: FUNCTION; Schema: zava; Owner: store_managers
--

CREATE FUNCTION zava.weigh_store_managers(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'retail', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
      DECLARE
        opened text := zava.open_context(
          current_user, p_key_id, p_tenant, p_person, p_expires, p_nonce, p_mac, p_statement, p_params);
        found_plan record;
        plan pg_catalog.json;
      BEGIN
        IF opened IS NULL THEN
          RAISE EXCEPTION 'context refused' USING ERRCODE = 'ZA001';
        ELSIF opened OPERATOR(pg_catalog.=) '' THEN
          RAISE EXCEPTION 'principal refused' USING ERRCODE = 'ZA003';
        ELSIF opened OPERATOR(pg_catalog.<>) current_user::text THEN
          RAISE EXCEPTION '%', opened USING ERRCODE = 'ZA004';
        END IF;
        -- As the runner's cursor would: that takes no workers.
        PERFORM pg_catalog.set_config('max_parallel_workers_per_gather', '0', true);
        FOR found_plan IN
          EXECUTE 'EXPLAIN (FORMAT JSON) ' OPERATOR(pg_catalog.||) p_statement
          USING NULLIF(p_params, '')::pg_catalog.jsonb
        LOOP
          plan := found_plan."QUERY PLAN" OPERATOR(pg_catalog.#>) '{0,Plan}';
        END LOOP;
        PERFORM pg_catalog.set_config('zava.plan', zava.plan_shape(plan), true);
      END $$;

ALTER FUNCTION zava.weigh_store_managers(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text) OWNER TO store_managers;

--
-- Name: weigh_store_managers_personal(integer, uuid, uuid, bigint, uuid, bytea, text, text); Type: FUNCTION; Schema: zava; Owner: store_managers_personal
--

CREATE FUNCTION zava.weigh_store_managers_personal(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'retail', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
      DECLARE
        opened text := zava.open_context(
          current_user, p_key_id, p_tenant, p_person, p_expires, p_nonce, p_mac, p_statement, p_params);
        found_plan record;
        plan pg_catalog.json;
      BEGIN
        IF opened IS NULL THEN
          RAISE EXCEPTION 'context refused' USING ERRCODE = 'ZA001';
        ELSIF opened OPERATOR(pg_catalog.=) '' THEN
          RAISE EXCEPTION 'principal refused' USING ERRCODE = 'ZA003';
        ELSIF opened OPERATOR(pg_catalog.<>) current_user::text THEN
          RAISE EXCEPTION '%', opened USING ERRCODE = 'ZA004';
        END IF;
        -- As the runner's cursor would: that takes no workers.
        PERFORM pg_catalog.set_config('max_parallel_workers_per_gather', '0', true);
        FOR found_plan IN
          EXECUTE 'EXPLAIN (FORMAT JSON) ' OPERATOR(pg_catalog.||) p_statement
          USING NULLIF(p_params, '')::pg_catalog.jsonb
        LOOP
          plan := found_plan."QUERY PLAN" OPERATOR(pg_catalog.#>) '{0,Plan}';
        END LOOP;
        PERFORM pg_catalog.set_config('zava.plan', zava.plan_shape(plan), true);
      END $$;

ALTER FUNCTION zava.weigh_store_managers_personal(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text) OWNER TO store_managers_personal;

--
-- Name: working(uuid[]); Type: FUNCTION; Schema: zava; Owner: zava_context
--

CREATE FUNCTION zava.working(nonces uuid[]) RETURNS uuid[]
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 SELECT COALESCE(array_agg(asked.nonce), '{}'::uuid[]) AS "coalesce"
    FROM unnest(working.nonces) asked(nonce)
   WHERE (EXISTS ( SELECT
            FROM pg_locks l
           WHERE ((l.locktype = 'advisory'::text) AND (l.objsubid = 2) AND (l.objid = (0)::oid) AND (l.database = ( SELECT d.oid
                    FROM pg_database d
                   WHERE (d.datname = current_database()))) AND ((l.classid)::bigint = ((zava.proof(concat_ws('|'::text, asked.nonce, l.pid)))::bigint & '4294967295'::bigint)))));
END;

ALTER FUNCTION zava.working(nonces uuid[]) OWNER TO zava_context;

--
-- Name: categories; Type: TABLE; Schema: retail; Owner: zava_owner
--

CREATE TABLE retail.categories (
    category_id uuid DEFAULT retail.new_id() NOT NULL,
    category_name text NOT NULL,
    CONSTRAINT categories_category_name_check CHECK (((length(category_name) >= 1) AND (length(category_name) <= 100)))
);

ALTER TABLE retail.categories OWNER TO zava_owner;

--
-- Name: TABLE categories; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON TABLE retail.categories IS 'Product categories, shared by all stores.';

--
-- Name: customer_persons; Type: TABLE; Schema: retail; Owner: zava_owner
--

CREATE TABLE retail.customer_persons (
    store_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    person_id uuid NOT NULL
);
ALTER TABLE ONLY retail.customer_persons ALTER COLUMN store_id SET STATISTICS 0;
ALTER TABLE ONLY retail.customer_persons ALTER COLUMN customer_id SET STATISTICS 0;
ALTER TABLE ONLY retail.customer_persons ALTER COLUMN person_id SET STATISTICS 0;

ALTER TABLE ONLY retail.customer_persons FORCE ROW LEVEL SECURITY;

ALTER TABLE retail.customer_persons OWNER TO zava_owner;

--
-- Name: TABLE customer_persons; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON TABLE retail.customer_persons IS 'Customers of several stores who are one person.';

--
-- Name: customers; Type: TABLE; Schema: retail; Owner: zava_owner
--

CREATE TABLE retail.customers (
    store_id uuid NOT NULL,
    customer_id uuid DEFAULT retail.new_id() NOT NULL,
    first_name text,
    last_name text,
    email text,
    phone text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT customers_email_check CHECK (((length(email) >= 3) AND (length(email) <= 100))),
    CONSTRAINT customers_first_name_check CHECK (((length(first_name) >= 1) AND (length(first_name) <= 50))),
    CONSTRAINT customers_last_name_check CHECK (((length(last_name) >= 1) AND (length(last_name) <= 50))),
    CONSTRAINT customers_phone_check CHECK ((length(phone) <= 40))
);
ALTER TABLE ONLY retail.customers ALTER COLUMN store_id SET STATISTICS 0;
ALTER TABLE ONLY retail.customers ALTER COLUMN customer_id SET STATISTICS 0;
ALTER TABLE ONLY retail.customers ALTER COLUMN first_name SET STATISTICS 0;
ALTER TABLE ONLY retail.customers ALTER COLUMN last_name SET STATISTICS 0;
ALTER TABLE ONLY retail.customers ALTER COLUMN email SET STATISTICS 0;
ALTER TABLE ONLY retail.customers ALTER COLUMN phone SET STATISTICS 0;

ALTER TABLE ONLY retail.customers FORCE ROW LEVEL SECURITY;

ALTER TABLE retail.customers OWNER TO zava_owner;

--
-- Name: TABLE customers; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON TABLE retail.customers IS 'Customers; each belongs to the one store where they buy.';

--
-- Name: COLUMN customers.created_at; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON COLUMN retail.customers.created_at IS 'When the customer first registered.';

--
-- Name: embedding_models; Type: TABLE; Schema: retail; Owner: zava_owner
--

CREATE TABLE retail.embedding_models (
    model_id uuid DEFAULT retail.new_id() NOT NULL,
    name text NOT NULL,
    dimensions integer NOT NULL,
    minimum_similarity real NOT NULL,
    active boolean DEFAULT false NOT NULL,
    weak_similarity real DEFAULT 1 NOT NULL,
    CONSTRAINT embedding_models_check CHECK (((weak_similarity >= minimum_similarity) AND (weak_similarity <= (1)::double precision))),
    CONSTRAINT embedding_models_dimensions_check CHECK (((dimensions >= 1) AND (dimensions <= 2000))),
    CONSTRAINT embedding_models_minimum_similarity_check CHECK (((minimum_similarity >= (0)::double precision) AND (minimum_similarity <= (1)::double precision)))
);

ALTER TABLE retail.embedding_models OWNER TO zava_owner;

--
-- Name: TABLE embedding_models; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON TABLE retail.embedding_models IS 'Embedding models known to product search.';

--
-- Name: inventory; Type: TABLE; Schema: retail; Owner: zava_owner
--

CREATE TABLE retail.inventory (
    store_id uuid NOT NULL,
    product_id uuid NOT NULL,
    stock_level numeric NOT NULL,
    reorder_point numeric NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT inventory_reorder_point_check CHECK (((reorder_point = round(reorder_point, 3)) AND (reorder_point >= (0)::numeric) AND (reorder_point < (1000000000)::numeric))),
    CONSTRAINT inventory_stock_level_check CHECK (((stock_level = round(stock_level, 3)) AND (abs(stock_level) < (1000000000)::numeric)))
);
ALTER TABLE ONLY retail.inventory ALTER COLUMN store_id SET STATISTICS 0;

ALTER TABLE ONLY retail.inventory FORCE ROW LEVEL SECURITY;

ALTER TABLE retail.inventory OWNER TO zava_owner;

--
-- Name: TABLE inventory; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON TABLE retail.inventory IS 'Stock on hand for each product at each store.';

--
-- Name: COLUMN inventory.stock_level; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON COLUMN retail.inventory.stock_level IS 'Units on hand; 0 or less: out of stock.';

--
-- Name: COLUMN inventory.reorder_point; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON COLUMN retail.inventory.reorder_point IS 'Reorder when stock_level is at or below this.';

--
-- Name: product_embeddings; Type: TABLE; Schema: retail; Owner: zava_owner
--

CREATE TABLE retail.product_embeddings (
    product_id uuid NOT NULL,
    model_id uuid NOT NULL,
    content_hash bytea NOT NULL,
    embedding extensions.vector NOT NULL,
    embedded_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE ONLY retail.product_embeddings ALTER COLUMN embedding SET STORAGE PLAIN;

ALTER TABLE retail.product_embeddings OWNER TO zava_owner;

--
-- Name: TABLE product_embeddings; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON TABLE retail.product_embeddings IS 'Vectors of product search; use the search tool instead.';

--
-- Name: product_prices; Type: TABLE; Schema: retail; Owner: zava_owner
--

CREATE TABLE retail.product_prices (
    product_id uuid NOT NULL,
    valid_from date NOT NULL,
    cost numeric(10,2) NOT NULL,
    base_price numeric(10,2) NOT NULL,
    CONSTRAINT product_prices_base_price_check CHECK ((base_price >= (0)::numeric)),
    CONSTRAINT product_prices_cost_check CHECK ((cost >= (0)::numeric)),
    CONSTRAINT product_prices_valid_from_check CHECK (((valid_from >= '1900-01-01'::date) AND (valid_from <= '2999-12-31'::date)))
);

ALTER TABLE retail.product_prices OWNER TO zava_owner;

--
-- Name: TABLE product_prices; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON TABLE retail.product_prices IS 'Cost and list price of a product from a day on; without a row: as in products.';

--
-- Name: COLUMN product_prices.valid_from; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON COLUMN retail.product_prices.valid_from IS 'First day; holds until the product''s next row. The first row holds before it, too.';

--
-- Name: product_suppliers; Type: TABLE; Schema: retail; Owner: zava_owner
--

CREATE TABLE retail.product_suppliers (
    product_id uuid NOT NULL,
    supplier_id uuid NOT NULL
);

ALTER TABLE retail.product_suppliers OWNER TO zava_owner;

--
-- Name: TABLE product_suppliers; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON TABLE retail.product_suppliers IS 'The supplier of a product.';

--
-- Name: product_types; Type: TABLE; Schema: retail; Owner: zava_owner
--

CREATE TABLE retail.product_types (
    type_id uuid DEFAULT retail.new_id() NOT NULL,
    category_id uuid NOT NULL,
    type_name text NOT NULL,
    CONSTRAINT product_types_type_name_check CHECK (((length(type_name) >= 1) AND (length(type_name) <= 100)))
);

ALTER TABLE retail.product_types OWNER TO zava_owner;

--
-- Name: TABLE product_types; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON TABLE retail.product_types IS 'Product types within a category.';

--
-- Name: product_words; Type: TABLE; Schema: retail; Owner: zava_owner
--

CREATE TABLE retail.product_words (
    product_id uuid NOT NULL,
    words tsvector NOT NULL
);

ALTER TABLE retail.product_words OWNER TO zava_owner;

--
-- Name: TABLE product_words; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON TABLE retail.product_words IS 'Words of product search; use the search tool instead.';

--
-- Name: promotion_products; Type: TABLE; Schema: retail; Owner: zava_owner
--

CREATE TABLE retail.promotion_products (
    promotion_id uuid NOT NULL,
    product_id uuid NOT NULL
);

ALTER TABLE retail.promotion_products OWNER TO zava_owner;

--
-- Name: TABLE promotion_products; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON TABLE retail.promotion_products IS 'The products of a promotion.';

--
-- Name: promotions; Type: TABLE; Schema: retail; Owner: zava_owner
--

CREATE TABLE retail.promotions (
    promotion_id uuid DEFAULT retail.new_id() NOT NULL,
    promotion_name text NOT NULL,
    first_day date NOT NULL,
    last_day date NOT NULL,
    CONSTRAINT promotions_days_check CHECK ((last_day >= first_day)),
    CONSTRAINT promotions_first_day_check CHECK (((first_day >= '1900-01-01'::date) AND (first_day <= '2999-12-31'::date))),
    CONSTRAINT promotions_last_day_check CHECK (((last_day >= '1900-01-01'::date) AND (last_day <= '2999-12-31'::date))),
    CONSTRAINT promotions_promotion_name_check CHECK (((length(promotion_name) >= 1) AND (length(promotion_name) <= 100)))
);

ALTER TABLE retail.promotions OWNER TO zava_owner;

--
-- Name: TABLE promotions; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON TABLE retail.promotions IS 'Promotions of the chain, with their first and last day.';

--
-- Name: store_targets; Type: TABLE; Schema: retail; Owner: zava_owner
--

CREATE TABLE retail.store_targets (
    store_id uuid NOT NULL,
    month date NOT NULL,
    revenue_target numeric(12,2) NOT NULL,
    CONSTRAINT store_targets_month_check CHECK (((month = (date_trunc('month'::text, (month)::timestamp without time zone))::date) AND ((month >= '1900-01-01'::date) AND (month <= '2999-12-31'::date)))),
    CONSTRAINT store_targets_revenue_target_check CHECK ((revenue_target >= (0)::numeric))
);
ALTER TABLE ONLY retail.store_targets ALTER COLUMN store_id SET STATISTICS 0;
ALTER TABLE ONLY retail.store_targets ALTER COLUMN month SET STATISTICS 0;
ALTER TABLE ONLY retail.store_targets ALTER COLUMN revenue_target SET STATISTICS 0;

ALTER TABLE ONLY retail.store_targets FORCE ROW LEVEL SECURITY;

ALTER TABLE retail.store_targets OWNER TO zava_owner;

--
-- Name: TABLE store_targets; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON TABLE retail.store_targets IS 'Net sales that a store is to reach in a month.';

--
-- Name: COLUMN store_targets.month; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON COLUMN retail.store_targets.month IS 'First day of the month.';

--
-- Name: suppliers; Type: TABLE; Schema: retail; Owner: zava_owner
--

CREATE TABLE retail.suppliers (
    supplier_id uuid DEFAULT retail.new_id() NOT NULL,
    supplier_name text NOT NULL,
    lead_days integer NOT NULL,
    CONSTRAINT suppliers_lead_days_check CHECK (((lead_days >= 0) AND (lead_days <= 999))),
    CONSTRAINT suppliers_supplier_name_check CHECK (((length(supplier_name) >= 1) AND (length(supplier_name) <= 100)))
);

ALTER TABLE retail.suppliers OWNER TO zava_owner;

--
-- Name: TABLE suppliers; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON TABLE retail.suppliers IS 'Suppliers of the chain.';

--
-- Name: COLUMN suppliers.lead_days; Type: COMMENT; Schema: retail; Owner: zava_owner
--

COMMENT ON COLUMN retail.suppliers.lead_days IS 'Days from an order to its delivery.';

--
-- Name: canary; Type: TABLE; Schema: zava; Owner: zava_owner
--

CREATE TABLE zava.canary (
    store_id uuid NOT NULL,
    song text NOT NULL
);
ALTER TABLE ONLY zava.canary ALTER COLUMN store_id SET STATISTICS 0;
ALTER TABLE ONLY zava.canary ALTER COLUMN song SET STATISTICS 0;

ALTER TABLE ONLY zava.canary FORCE ROW LEVEL SECURITY;

ALTER TABLE zava.canary OWNER TO zava_owner;

--
-- Name: change_log_change_id_seq; Type: SEQUENCE; Schema: zava; Owner: zava_context
--

ALTER TABLE zava.change_log ALTER COLUMN change_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME zava.change_log_change_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: customer_marks; Type: TABLE; Schema: zava; Owner: zava_owner
--

CREATE TABLE zava.customer_marks (
    store_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    marked_by xid8 DEFAULT pg_current_xact_id() NOT NULL,
    zone text NOT NULL
);
ALTER TABLE ONLY zava.customer_marks ALTER COLUMN store_id SET STATISTICS 0;
ALTER TABLE ONLY zava.customer_marks ALTER COLUMN customer_id SET STATISTICS 0;
ALTER TABLE ONLY zava.customer_marks ALTER COLUMN marked_by SET STATISTICS 0;
ALTER TABLE ONLY zava.customer_marks ALTER COLUMN zone SET STATISTICS 0;

ALTER TABLE ONLY zava.customer_marks FORCE ROW LEVEL SECURITY;

ALTER TABLE zava.customer_marks OWNER TO zava_owner;

--
-- Name: TABLE customer_marks; Type: COMMENT; Schema: zava; Owner: zava_owner
--

COMMENT ON TABLE zava.customer_marks IS 'Customers whose totals a transaction made stale.';

--
-- Name: customer_totals; Type: TABLE; Schema: zava; Owner: zava_owner
--

CREATE TABLE zava.customer_totals (
    store_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    ordinal integer NOT NULL,
    orders bigint DEFAULT 0 NOT NULL,
    spent numeric DEFAULT 0 NOT NULL,
    first_at timestamp with time zone,
    last_at timestamp with time zone,
    newest_at timestamp with time zone,
    CONSTRAINT customer_totals_ordinal_check CHECK ((ordinal > 0))
);
ALTER TABLE ONLY zava.customer_totals ALTER COLUMN store_id SET STATISTICS 0;
ALTER TABLE ONLY zava.customer_totals ALTER COLUMN customer_id SET STATISTICS 0;
ALTER TABLE ONLY zava.customer_totals ALTER COLUMN ordinal SET STATISTICS 0;
ALTER TABLE ONLY zava.customer_totals ALTER COLUMN orders SET STATISTICS 0;
ALTER TABLE ONLY zava.customer_totals ALTER COLUMN spent SET STATISTICS 0;
ALTER TABLE ONLY zava.customer_totals ALTER COLUMN first_at SET STATISTICS 0;
ALTER TABLE ONLY zava.customer_totals ALTER COLUMN last_at SET STATISTICS 0;
ALTER TABLE ONLY zava.customer_totals ALTER COLUMN newest_at SET STATISTICS 0;

ALTER TABLE ONLY zava.customer_totals FORCE ROW LEVEL SECURITY;

ALTER TABLE zava.customer_totals OWNER TO zava_owner;

--
-- Name: COLUMN customer_totals.newest_at; Type: COMMENT; Schema: zava; Owner: zava_owner
--

COMMENT ON COLUMN zava.customer_totals.newest_at IS 'The newest order that counts, returns included.';

--
-- Name: new_customer_days; Type: TABLE; Schema: zava; Owner: zava_owner
--

CREATE TABLE zava.new_customer_days (
    store_id uuid NOT NULL,
    day date NOT NULL,
    customers bigint NOT NULL
);
ALTER TABLE ONLY zava.new_customer_days ALTER COLUMN store_id SET STATISTICS 0;
ALTER TABLE ONLY zava.new_customer_days ALTER COLUMN customers SET STATISTICS 0;

ALTER TABLE ONLY zava.new_customer_days FORCE ROW LEVEL SECURITY;

ALTER TABLE zava.new_customer_days OWNER TO zava_owner;

--
-- Name: current_first_days; Type: VIEW; Schema: zava; Owner: zava_owner
--

CREATE VIEW zava.current_first_days WITH (security_invoker='true') AS
 SELECT store_id,
    day,
    sum(customers) AS new_customers
   FROM ( SELECT d.store_id,
            d.day,
            d.counted,
            (0)::bigint AS customers
           FROM zava.current_days d
        UNION ALL
         SELECT f.store_id,
            f.day,
            (0)::bigint AS int8,
            f.customers
           FROM zava.new_customer_days f
        UNION ALL
         SELECT t.store_id,
            ((t.first_at AT TIME ZONE m.zone))::date AS timezone,
            (0)::bigint AS int8,
            ('-1'::integer)::bigint AS int8
           FROM (( SELECT DISTINCT m_1.store_id,
                    m_1.customer_id,
                    m_1.zone
                   FROM zava.customer_marks m_1) m
             JOIN zava.customer_totals t ON (((t.store_id = m.store_id) AND (t.customer_id = m.customer_id))))
          WHERE (t.first_at IS NOT NULL)
        UNION ALL
         SELECT m.store_id,
            ((f.first_at AT TIME ZONE m.zone))::date AS timezone,
            (0)::bigint AS int8,
            (1)::bigint AS int8
           FROM (( SELECT DISTINCT m_1.store_id,
                    m_1.customer_id,
                    m_1.zone
                   FROM zava.customer_marks m_1) m
             CROSS JOIN LATERAL ( SELECT min(o.order_date) AS first_at
                   FROM retail.orders o
                  WHERE ((o.store_id = m.store_id) AND (o.customer_id = m.customer_id) AND (o.status <> ALL (ARRAY['cancelled'::text, 'refunded'::text])) AND (NOT o.is_return))) f)
          WHERE (f.first_at IS NOT NULL)) n
  GROUP BY store_id, day
 HAVING (sum(counted) > (0)::numeric);

ALTER VIEW zava.current_first_days OWNER TO zava_owner;

--
-- Name: current_first_purchases; Type: VIEW; Schema: zava; Owner: zava_owner
--

CREATE VIEW zava.current_first_purchases WITH (security_invoker='true') AS
 SELECT t.store_id,
    t.customer_id,
    t.first_at
   FROM zava.customer_totals t
  WHERE ((t.first_at IS NOT NULL) AND (NOT (EXISTS ( SELECT
           FROM zava.customer_marks m
          WHERE ((m.store_id = t.store_id) AND (m.customer_id = t.customer_id))))))
UNION ALL
 SELECT m.store_id,
    m.customer_id,
    f.first_at
   FROM (( SELECT DISTINCT m_1.store_id,
            m_1.customer_id
           FROM zava.customer_marks m_1) m
     CROSS JOIN LATERAL ( SELECT min(o.order_date) AS first_at
           FROM retail.orders o
          WHERE ((o.store_id = m.store_id) AND (o.customer_id = m.customer_id) AND (o.status <> ALL (ARRAY['cancelled'::text, 'refunded'::text])) AND (NOT o.is_return))) f)
  WHERE (f.first_at IS NOT NULL);

ALTER VIEW zava.current_first_purchases OWNER TO zava_owner;

--
-- Name: month_customers; Type: TABLE; Schema: zava; Owner: zava_owner
--

CREATE TABLE zava.month_customers (
    store_id uuid NOT NULL,
    month date NOT NULL,
    width integer NOT NULL,
    bits bit varying NOT NULL,
    CONSTRAINT month_customers_check CHECK ((length((bits)::"bit") = width))
);
ALTER TABLE ONLY zava.month_customers ALTER COLUMN store_id SET STATISTICS 0;
ALTER TABLE ONLY zava.month_customers ALTER COLUMN width SET STATISTICS 0;
ALTER TABLE ONLY zava.month_customers ALTER COLUMN bits SET STATISTICS 0;
ALTER TABLE ONLY zava.month_customers ALTER COLUMN bits SET STORAGE EXTERNAL;

ALTER TABLE ONLY zava.month_customers FORCE ROW LEVEL SECURITY;

ALTER TABLE zava.month_customers OWNER TO zava_owner;

--
-- Name: unnumbered_customers; Type: VIEW; Schema: zava; Owner: zava_owner
--

CREATE VIEW zava.unnumbered_customers WITH (security_invoker='true') AS
 SELECT u.store_id,
    u.customer_id,
    ((last.ordinal + row_number() OVER (PARTITION BY u.store_id ORDER BY u.customer_id)))::integer AS ordinal
   FROM (( SELECT DISTINCT m.store_id,
            m.customer_id
           FROM zava.customer_marks m
          WHERE (NOT (EXISTS ( SELECT
                   FROM zava.customer_totals t
                  WHERE ((t.store_id = m.store_id) AND (t.customer_id = m.customer_id)))))) u
     JOIN ( SELECT s.store_id,
            COALESCE(( SELECT max(t.ordinal) AS max
                   FROM zava.customer_totals t
                  WHERE (t.store_id = s.store_id)), 0) AS ordinal
           FROM retail.stores s
         OFFSET 0) last ON ((last.store_id = u.store_id)));

ALTER VIEW zava.unnumbered_customers OWNER TO zava_owner;

--
-- Name: customer_widths; Type: VIEW; Schema: zava; Owner: zava_owner
--

CREATE VIEW zava.customer_widths WITH (security_invoker='true') AS
 SELECT store_id,
    (GREATEST((( SELECT c.width
           FROM zava.month_customers c
          WHERE (c.store_id = s.store_id)
         LIMIT 1))::bigint, (COALESCE(( SELECT max(t.ordinal) AS max
           FROM zava.customer_totals t
          WHERE (t.store_id = s.store_id)), 0) + ( SELECT count(*) AS count
           FROM zava.unnumbered_customers u
          WHERE (u.store_id = s.store_id)))))::integer AS width
   FROM retail.stores s
 OFFSET 0;

ALTER VIEW zava.customer_widths OWNER TO zava_owner;

--
-- Name: numbered_orders; Type: VIEW; Schema: zava; Owner: zava_owner
--

CREATE VIEW zava.numbered_orders WITH (security_invoker='true') AS
 SELECT o.store_id,
    o.order_date,
        CASE
            WHEN (NOT o.is_return) THEN COALESCE(t.ordinal, u.ordinal)
            ELSE NULL::integer
        END AS ordinal
   FROM ((retail.orders o
     LEFT JOIN zava.customer_totals t ON (((t.store_id = o.store_id) AND (t.customer_id = o.customer_id))))
     LEFT JOIN zava.unnumbered_customers u ON (((u.store_id = o.store_id) AND (u.customer_id = o.customer_id))))
  WHERE (o.status <> ALL (ARRAY['cancelled'::text, 'refunded'::text]));

ALTER VIEW zava.numbered_orders OWNER TO zava_owner;

--
-- Name: current_month_customers; Type: VIEW; Schema: zava; Owner: zava_owner
--

CREATE VIEW zava.current_month_customers WITH (security_invoker='true') AS
 SELECT w.store_id,
    c.month,
        CASE
            WHEN (w.width > c.width) THEN (c.bits || (repeat('0'::text, (w.width - c.width)))::bit varying)
            ELSE c.bits
        END AS bits
   FROM (zava.customer_widths w
     CROSS JOIN LATERAL ( SELECT c_1.month,
            c_1.width,
            c_1.bits
           FROM zava.month_customers c_1
          WHERE ((c_1.store_id = w.store_id) AND (NOT (EXISTS ( SELECT
                   FROM zava.day_marks m
                  WHERE ((m.store_id = c_1.store_id) AND (m.month = c_1.month))))))
        UNION ALL
         SELECT m.month,
            f.width,
            f.bits
           FROM (( SELECT DISTINCT m_1.month,
                    m_1.zone
                   FROM zava.day_marks m_1
                  WHERE (m_1.store_id = w.store_id)) m
             CROSS JOIN LATERAL ( SELECT COALESCE(max(n.ordinal), 0) AS width,
                    count(*) AS rows,
                    (COALESCE(string_agg((repeat('0'::text, ((n.ordinal - n.before) - 1)) || '1'::text), ''::text ORDER BY n.ordinal), ''::text))::bit varying AS bits
                   FROM ( SELECT d.ordinal,
                            lag(d.ordinal, 1, 0) OVER (ORDER BY d.ordinal) AS before
                           FROM ( SELECT DISTINCT o.ordinal
                                   FROM zava.numbered_orders o
                                  WHERE ((o.store_id = w.store_id) AND (o.order_date >= ((m.month)::timestamp without time zone AT TIME ZONE m.zone)) AND (o.order_date < ((m.month + '1 mon'::interval) AT TIME ZONE m.zone)))) d) n) f)
          WHERE (f.rows > 0)) c);

ALTER VIEW zava.current_month_customers OWNER TO zava_owner;

--
-- Name: product_months; Type: TABLE; Schema: zava; Owner: zava_owner
--

CREATE TABLE zava.product_months (
    store_id uuid NOT NULL,
    month date NOT NULL,
    product_id uuid NOT NULL,
    orders bigint NOT NULL,
    revenue numeric NOT NULL,
    units numeric NOT NULL,
    gross_sales numeric NOT NULL,
    discounts numeric NOT NULL
);
ALTER TABLE ONLY zava.product_months ALTER COLUMN store_id SET STATISTICS 0;
ALTER TABLE ONLY zava.product_months ALTER COLUMN orders SET STATISTICS 0;
ALTER TABLE ONLY zava.product_months ALTER COLUMN revenue SET STATISTICS 0;
ALTER TABLE ONLY zava.product_months ALTER COLUMN units SET STATISTICS 0;
ALTER TABLE ONLY zava.product_months ALTER COLUMN gross_sales SET STATISTICS 0;
ALTER TABLE ONLY zava.product_months ALTER COLUMN discounts SET STATISTICS 0;

ALTER TABLE ONLY zava.product_months FORCE ROW LEVEL SECURITY;

ALTER TABLE zava.product_months OWNER TO zava_owner;

--
-- Name: current_product_months; Type: VIEW; Schema: zava; Owner: zava_owner
--

CREATE VIEW zava.current_product_months WITH (security_invoker='true') AS
 SELECT p.store_id,
    p.month,
    p.product_id,
    p.orders,
    p.revenue,
    p.units,
    p.gross_sales,
    p.discounts
   FROM zava.product_months p
  WHERE (NOT (EXISTS ( SELECT
           FROM zava.day_marks m
          WHERE ((m.store_id = p.store_id) AND (m.month = p.month)))))
UNION ALL
 SELECT m.store_id,
    m.month,
    f.product_id,
    f.orders,
    f.revenue,
    f.units,
    f.gross_sales,
    f.discounts
   FROM (( SELECT DISTINCT m_1.store_id,
            m_1.month,
            m_1.zone
           FROM zava.day_marks m_1) m
     CROSS JOIN LATERAL ( SELECT i.product_id,
            count(DISTINCT o.order_id) FILTER (WHERE (NOT o.is_return)) AS orders,
            sum(i.total_amount) AS revenue,
            sum(i.quantity) AS units,
            sum((i.quantity * i.unit_price)) AS gross_sales,
            sum(i.discount_amount) AS discounts
           FROM (retail.orders o
             JOIN retail.order_items i ON (((i.store_id = o.store_id) AND (i.order_id = o.order_id))))
          WHERE ((o.store_id = m.store_id) AND (o.order_date >= ((m.month)::timestamp without time zone AT TIME ZONE m.zone)) AND (o.order_date < ((m.month + '1 mon'::interval) AT TIME ZONE m.zone)) AND (o.status <> ALL (ARRAY['cancelled'::text, 'refunded'::text])))
          GROUP BY i.product_id) f);

ALTER VIEW zava.current_product_months OWNER TO zava_owner;

--
-- Name: data_changes; Type: TABLE; Schema: zava; Owner: zava_context
--

CREATE TABLE zava.data_changes (
    slot integer NOT NULL,
    changes bigint NOT NULL,
    of_store uuid
);

ALTER TABLE zava.data_changes OWNER TO zava_context;

--
-- Name: COLUMN data_changes.of_store; Type: COMMENT; Schema: zava; Owner: zava_context
--

COMMENT ON COLUMN zava.data_changes.of_store IS 'Store whose data changed; NULL: what every store shares, or all stores.';

--
-- Name: data_changes_slot_seq; Type: SEQUENCE; Schema: zava; Owner: zava_context
--

ALTER TABLE zava.data_changes ALTER COLUMN slot ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME zava.data_changes_slot_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: demo_data; Type: TABLE; Schema: zava; Owner: zava_context
--

CREATE TABLE zava.demo_data (
    only_row boolean DEFAULT true NOT NULL,
    seed text NOT NULL,
    scale numeric NOT NULL,
    today date NOT NULL,
    loaded_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT demo_data_only_row_check CHECK (only_row)
);

ALTER TABLE zava.demo_data OWNER TO zava_context;

--
-- Name: erasures; Type: TABLE; Schema: zava; Owner: zava_context
--

CREATE TABLE zava.erasures (
    erasure_id uuid DEFAULT gen_random_uuid() NOT NULL,
    erased_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    customer_ids uuid[] NOT NULL,
    found_by text NOT NULL,
    removed jsonb NOT NULL,
    CONSTRAINT erasures_found_by_check CHECK ((found_by = ANY (ARRAY['id'::text, 'email'::text, 'key'::text])))
);

ALTER TABLE zava.erasures OWNER TO zava_context;

--
-- Name: COLUMN erasures.removed; Type: COMMENT; Schema: zava; Owner: zava_context
--

COMMENT ON COLUMN zava.erasures.removed IS 'How many rows or values were removed from where.';

--
-- Name: kept_questions; Type: TABLE; Schema: zava; Owner: zava_context
--

CREATE TABLE zava.kept_questions (
    tenant_id uuid NOT NULL,
    object_id uuid NOT NULL,
    kind text NOT NULL,
    address_hash bigint NOT NULL,
    address text NOT NULL,
    title text NOT NULL,
    is_pinned boolean DEFAULT false NOT NULL,
    noted_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT kept_questions_address_check CHECK (((address ~ '^/(\?[!-~]*|console(/[a-z0-9_/-]*)?(\?[!-~]*)?)?$'::text) AND (strpos(address, '\'::text) = 0) AND (length(address) <= 20000))),
    CONSTRAINT kept_questions_check CHECK (((kind = 'saved'::text) OR (NOT is_pinned))),
    CONSTRAINT kept_questions_kind_check CHECK ((kind = ANY (ARRAY['saved'::text, 'history'::text]))),
    CONSTRAINT kept_questions_title_check CHECK (((length(title) >= 1) AND (length(title) <= 100)))
);
ALTER TABLE ONLY zava.kept_questions ALTER COLUMN tenant_id SET STATISTICS 0;
ALTER TABLE ONLY zava.kept_questions ALTER COLUMN object_id SET STATISTICS 0;
ALTER TABLE ONLY zava.kept_questions ALTER COLUMN kind SET STATISTICS 0;
ALTER TABLE ONLY zava.kept_questions ALTER COLUMN address_hash SET STATISTICS 0;
ALTER TABLE ONLY zava.kept_questions ALTER COLUMN address SET STATISTICS 0;
ALTER TABLE ONLY zava.kept_questions ALTER COLUMN title SET STATISTICS 0;
ALTER TABLE ONLY zava.kept_questions ALTER COLUMN is_pinned SET STATISTICS 0;
ALTER TABLE ONLY zava.kept_questions ALTER COLUMN noted_at SET STATISTICS 0;

ALTER TABLE ONLY zava.kept_questions FORCE ROW LEVEL SECURITY;

ALTER TABLE zava.kept_questions OWNER TO zava_context;

--
-- Name: TABLE kept_questions; Type: COMMENT; Schema: zava; Owner: zava_context
--

COMMENT ON TABLE zava.kept_questions IS 'Addresses of questions that a person saved or opened in the console.';

--
-- Name: orders_loaded; Type: TABLE; Schema: zava; Owner: zava_context
--

CREATE TABLE zava.orders_loaded (
    of_store uuid NOT NULL,
    through timestamp with time zone NOT NULL
);

ALTER TABLE zava.orders_loaded OWNER TO zava_context;

--
-- Name: TABLE orders_loaded; Type: COMMENT; Schema: zava; Owner: zava_context
--

COMMENT ON TABLE zava.orders_loaded IS 'Moment before which all orders of a store are loaded, where the loader states it.';

--
-- Name: shared_place; Type: TABLE; Schema: zava; Owner: zava_context
--

CREATE TABLE zava.shared_place (
    only_row boolean DEFAULT true NOT NULL,
    time_zone text,
    currency text,
    CONSTRAINT shared_place_only_row_check CHECK (only_row)
);

ALTER TABLE zava.shared_place OWNER TO zava_context;

--
-- Name: TABLE shared_place; Type: COMMENT; Schema: zava; Owner: zava_context
--

COMMENT ON TABLE zava.shared_place IS 'The zone and the currency that all stores share; NULL where they share none.';

--
-- Name: sign_ins; Type: TABLE; Schema: zava; Owner: zava_context
--

CREATE TABLE zava.sign_ins (
    sign_in_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    object_id uuid NOT NULL,
    client_name text NOT NULL,
    begun_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    used_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    following text NOT NULL,
    ended_at timestamp with time zone,
    ended_because text,
    CONSTRAINT sign_ins_check CHECK (((ended_at IS NULL) = (ended_because IS NULL))),
    CONSTRAINT sign_ins_client_name_check CHECK ((length(client_name) <= 100)),
    CONSTRAINT sign_ins_ended_because_check CHECK ((ended_because = ANY (ARRAY['reuse'::text, 'administrator'::text]))),
    CONSTRAINT sign_ins_following_check CHECK ((length(following) <= 100))
);

ALTER TABLE zava.sign_ins OWNER TO zava_context;

--
-- Name: COLUMN sign_ins.client_name; Type: COMMENT; Schema: zava; Owner: zava_context
--

COMMENT ON COLUMN zava.sign_ins.client_name IS 'What the client calls itself: not verified.';

--
-- Name: COLUMN sign_ins.following; Type: COMMENT; Schema: zava; Owner: zava_context
--

COMMENT ON COLUMN zava.sign_ins.following IS 'The id of the refresh token that may be used next; no token.';

--
-- Name: standby_bound; Type: TABLE; Schema: zava; Owner: zava_context
--

CREATE TABLE zava.standby_bound (
    only_row boolean DEFAULT true NOT NULL,
    seconds double precision NOT NULL,
    CONSTRAINT standby_bound_only_row_check CHECK (only_row),
    CONSTRAINT standby_bound_seconds_check CHECK (((seconds >= (1)::double precision) AND (seconds <= (300)::double precision)))
);

ALTER TABLE zava.standby_bound OWNER TO zava_context;

--
-- Name: COLUMN standby_bound.seconds; Type: COMMENT; Schema: zava; Owner: zava_context
--

COMMENT ON COLUMN zava.standby_bound.seconds IS 'How old the data of an answer from a standby may be, at most.';

--
-- Name: chain; Type: TABLE; Schema: zava_import; Owner: zava_loader
--

CREATE UNLOGGED TABLE zava_import.chain (
    file integer NOT NULL,
    "row" bigint NOT NULL,
    reporting_currency text,
    time_zone text
);

ALTER TABLE zava_import.chain OWNER TO zava_loader;

--
-- Name: customer_keys; Type: TABLE; Schema: zava_import; Owner: zava_owner
--

CREATE TABLE zava_import.customer_keys (
    store_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    source_system text NOT NULL,
    source_key text NOT NULL,
    CONSTRAINT customer_keys_source_key_check CHECK (((length(source_key) >= 1) AND (length(source_key) <= 200))),
    CONSTRAINT customer_keys_source_system_check CHECK (((length(source_system) >= 1) AND (length(source_system) <= 50)))
);
ALTER TABLE ONLY zava_import.customer_keys ALTER COLUMN store_id SET STATISTICS 0;
ALTER TABLE ONLY zava_import.customer_keys ALTER COLUMN customer_id SET STATISTICS 0;
ALTER TABLE ONLY zava_import.customer_keys ALTER COLUMN source_system SET STATISTICS 0;
ALTER TABLE ONLY zava_import.customer_keys ALTER COLUMN source_key SET STATISTICS 0;

ALTER TABLE ONLY zava_import.customer_keys FORCE ROW LEVEL SECURITY;

ALTER TABLE zava_import.customer_keys OWNER TO zava_owner;

--
-- Name: customers; Type: TABLE; Schema: zava_import; Owner: zava_loader
--

CREATE UNLOGGED TABLE zava_import.customers (
    file integer NOT NULL,
    "row" bigint NOT NULL,
    store_key text,
    customer_key text,
    first_name text,
    last_name text,
    email text,
    phone text,
    created_at text,
    person_key text
);

ALTER TABLE zava_import.customers OWNER TO zava_loader;

--
-- Name: exchange_rates; Type: TABLE; Schema: zava_import; Owner: zava_loader
--

CREATE UNLOGGED TABLE zava_import.exchange_rates (
    file integer NOT NULL,
    "row" bigint NOT NULL,
    currency text,
    day text,
    rate text
);

ALTER TABLE zava_import.exchange_rates OWNER TO zava_loader;

--
-- Name: inbox_chain; Type: TABLE; Schema: zava_import; Owner: zava_loader
--

CREATE TABLE zava_import.inbox_chain (
    id bigint NOT NULL,
    loaded_by name DEFAULT SESSION_USER NOT NULL,
    reporting_currency text,
    time_zone text
);

ALTER TABLE zava_import.inbox_chain OWNER TO zava_loader;

--
-- Name: inbox_chain_id_seq; Type: SEQUENCE; Schema: zava_import; Owner: zava_loader
--

ALTER TABLE zava_import.inbox_chain ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME zava_import.inbox_chain_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: inbox_customers; Type: TABLE; Schema: zava_import; Owner: zava_loader
--

CREATE TABLE zava_import.inbox_customers (
    id bigint NOT NULL,
    loaded_by name DEFAULT SESSION_USER NOT NULL,
    store_key text,
    customer_key text,
    first_name text,
    last_name text,
    email text,
    phone text,
    created_at text,
    person_key text
);
ALTER TABLE ONLY zava_import.inbox_customers ALTER COLUMN id SET STATISTICS 0;
ALTER TABLE ONLY zava_import.inbox_customers ALTER COLUMN loaded_by SET STATISTICS 0;
ALTER TABLE ONLY zava_import.inbox_customers ALTER COLUMN store_key SET STATISTICS 0;
ALTER TABLE ONLY zava_import.inbox_customers ALTER COLUMN customer_key SET STATISTICS 0;
ALTER TABLE ONLY zava_import.inbox_customers ALTER COLUMN first_name SET STATISTICS 0;
ALTER TABLE ONLY zava_import.inbox_customers ALTER COLUMN last_name SET STATISTICS 0;
ALTER TABLE ONLY zava_import.inbox_customers ALTER COLUMN email SET STATISTICS 0;
ALTER TABLE ONLY zava_import.inbox_customers ALTER COLUMN phone SET STATISTICS 0;
ALTER TABLE ONLY zava_import.inbox_customers ALTER COLUMN created_at SET STATISTICS 0;
ALTER TABLE ONLY zava_import.inbox_customers ALTER COLUMN person_key SET STATISTICS 0;

ALTER TABLE zava_import.inbox_customers OWNER TO zava_loader;

--
-- Name: inbox_customers_id_seq; Type: SEQUENCE; Schema: zava_import; Owner: zava_loader
--

ALTER TABLE zava_import.inbox_customers ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME zava_import.inbox_customers_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: inbox_exchange_rates; Type: TABLE; Schema: zava_import; Owner: zava_loader
--

CREATE TABLE zava_import.inbox_exchange_rates (
    id bigint NOT NULL,
    loaded_by name DEFAULT SESSION_USER NOT NULL,
    currency text,
    day text,
    rate text
);

ALTER TABLE zava_import.inbox_exchange_rates OWNER TO zava_loader;

--
-- Name: inbox_exchange_rates_id_seq; Type: SEQUENCE; Schema: zava_import; Owner: zava_loader
--

ALTER TABLE zava_import.inbox_exchange_rates ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME zava_import.inbox_exchange_rates_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: inbox_inventory; Type: TABLE; Schema: zava_import; Owner: zava_loader
--

CREATE TABLE zava_import.inbox_inventory (
    id bigint NOT NULL,
    loaded_by name DEFAULT SESSION_USER NOT NULL,
    store_key text,
    product_key text,
    stock_level text,
    reorder_point text
);

ALTER TABLE zava_import.inbox_inventory OWNER TO zava_loader;

--
-- Name: inbox_inventory_id_seq; Type: SEQUENCE; Schema: zava_import; Owner: zava_loader
--

ALTER TABLE zava_import.inbox_inventory ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME zava_import.inbox_inventory_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: inbox_order_items; Type: TABLE; Schema: zava_import; Owner: zava_loader
--

CREATE TABLE zava_import.inbox_order_items (
    id bigint NOT NULL,
    loaded_by name DEFAULT SESSION_USER NOT NULL,
    store_key text,
    order_key text,
    line_number text,
    product_key text,
    quantity text,
    unit_price text,
    discount_amount text,
    total_amount text
);

ALTER TABLE zava_import.inbox_order_items OWNER TO zava_loader;

--
-- Name: inbox_order_items_id_seq; Type: SEQUENCE; Schema: zava_import; Owner: zava_loader
--

ALTER TABLE zava_import.inbox_order_items ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME zava_import.inbox_order_items_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: inbox_orders; Type: TABLE; Schema: zava_import; Owner: zava_loader
--

CREATE TABLE zava_import.inbox_orders (
    id bigint NOT NULL,
    loaded_by name DEFAULT SESSION_USER NOT NULL,
    store_key text,
    order_key text,
    customer_key text,
    order_date text,
    status text,
    total_amount text,
    tax_amount text,
    shipping_amount text,
    tender text
);
ALTER TABLE ONLY zava_import.inbox_orders ALTER COLUMN id SET STATISTICS 0;
ALTER TABLE ONLY zava_import.inbox_orders ALTER COLUMN loaded_by SET STATISTICS 0;
ALTER TABLE ONLY zava_import.inbox_orders ALTER COLUMN store_key SET STATISTICS 0;
ALTER TABLE ONLY zava_import.inbox_orders ALTER COLUMN order_key SET STATISTICS 0;
ALTER TABLE ONLY zava_import.inbox_orders ALTER COLUMN customer_key SET STATISTICS 0;
ALTER TABLE ONLY zava_import.inbox_orders ALTER COLUMN order_date SET STATISTICS 0;
ALTER TABLE ONLY zava_import.inbox_orders ALTER COLUMN status SET STATISTICS 0;
ALTER TABLE ONLY zava_import.inbox_orders ALTER COLUMN total_amount SET STATISTICS 0;
ALTER TABLE ONLY zava_import.inbox_orders ALTER COLUMN tax_amount SET STATISTICS 0;
ALTER TABLE ONLY zava_import.inbox_orders ALTER COLUMN shipping_amount SET STATISTICS 0;
ALTER TABLE ONLY zava_import.inbox_orders ALTER COLUMN tender SET STATISTICS 0;

ALTER TABLE zava_import.inbox_orders OWNER TO zava_loader;

--
-- Name: inbox_orders_id_seq; Type: SEQUENCE; Schema: zava_import; Owner: zava_loader
--

ALTER TABLE zava_import.inbox_orders ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME zava_import.inbox_orders_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: inbox_product_prices; Type: TABLE; Schema: zava_import; Owner: zava_loader
--

CREATE TABLE zava_import.inbox_product_prices (
    id bigint NOT NULL,
    loaded_by name DEFAULT SESSION_USER NOT NULL,
    product_key text,
    valid_from text,
    cost text,
    base_price text
);

ALTER TABLE zava_import.inbox_product_prices OWNER TO zava_loader;

--
-- Name: inbox_product_prices_id_seq; Type: SEQUENCE; Schema: zava_import; Owner: zava_loader
--

ALTER TABLE zava_import.inbox_product_prices ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME zava_import.inbox_product_prices_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: inbox_product_suppliers; Type: TABLE; Schema: zava_import; Owner: zava_loader
--

CREATE TABLE zava_import.inbox_product_suppliers (
    id bigint NOT NULL,
    loaded_by name DEFAULT SESSION_USER NOT NULL,
    product_key text,
    supplier_key text
);

ALTER TABLE zava_import.inbox_product_suppliers OWNER TO zava_loader;

--
-- Name: inbox_product_suppliers_id_seq; Type: SEQUENCE; Schema: zava_import; Owner: zava_loader
--

ALTER TABLE zava_import.inbox_product_suppliers ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME zava_import.inbox_product_suppliers_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: inbox_products; Type: TABLE; Schema: zava_import; Owner: zava_loader
--

CREATE TABLE zava_import.inbox_products (
    id bigint NOT NULL,
    loaded_by name DEFAULT SESSION_USER NOT NULL,
    product_key text,
    sku text,
    product_name text,
    category text,
    product_type text,
    cost text,
    base_price text,
    unit text,
    description text,
    synonyms text,
    discontinued text
);

ALTER TABLE zava_import.inbox_products OWNER TO zava_loader;

--
-- Name: inbox_products_id_seq; Type: SEQUENCE; Schema: zava_import; Owner: zava_loader
--

ALTER TABLE zava_import.inbox_products ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME zava_import.inbox_products_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: inbox_promotion_products; Type: TABLE; Schema: zava_import; Owner: zava_loader
--

CREATE TABLE zava_import.inbox_promotion_products (
    id bigint NOT NULL,
    loaded_by name DEFAULT SESSION_USER NOT NULL,
    promotion_key text,
    product_key text
);

ALTER TABLE zava_import.inbox_promotion_products OWNER TO zava_loader;

--
-- Name: inbox_promotion_products_id_seq; Type: SEQUENCE; Schema: zava_import; Owner: zava_loader
--

ALTER TABLE zava_import.inbox_promotion_products ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME zava_import.inbox_promotion_products_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: inbox_promotions; Type: TABLE; Schema: zava_import; Owner: zava_loader
--

CREATE TABLE zava_import.inbox_promotions (
    id bigint NOT NULL,
    loaded_by name DEFAULT SESSION_USER NOT NULL,
    promotion_key text,
    promotion_name text,
    first_day text,
    last_day text
);

ALTER TABLE zava_import.inbox_promotions OWNER TO zava_loader;

--
-- Name: inbox_promotions_id_seq; Type: SEQUENCE; Schema: zava_import; Owner: zava_loader
--

ALTER TABLE zava_import.inbox_promotions ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME zava_import.inbox_promotions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: inbox_store_targets; Type: TABLE; Schema: zava_import; Owner: zava_loader
--

CREATE TABLE zava_import.inbox_store_targets (
    id bigint NOT NULL,
    loaded_by name DEFAULT SESSION_USER NOT NULL,
    store_key text,
    month text,
    revenue_target text
);

ALTER TABLE zava_import.inbox_store_targets OWNER TO zava_loader;

--
-- Name: inbox_store_targets_id_seq; Type: SEQUENCE; Schema: zava_import; Owner: zava_loader
--

ALTER TABLE zava_import.inbox_store_targets ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME zava_import.inbox_store_targets_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: inbox_stores; Type: TABLE; Schema: zava_import; Owner: zava_loader
--

CREATE TABLE zava_import.inbox_stores (
    id bigint NOT NULL,
    loaded_by name DEFAULT SESSION_USER NOT NULL,
    store_key text,
    store_name text,
    location text,
    region text,
    is_online text,
    opened_on text,
    closed_on text,
    time_zone text,
    currency text
);

ALTER TABLE zava_import.inbox_stores OWNER TO zava_loader;

--
-- Name: inbox_stores_id_seq; Type: SEQUENCE; Schema: zava_import; Owner: zava_loader
--

ALTER TABLE zava_import.inbox_stores ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME zava_import.inbox_stores_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: inbox_suppliers; Type: TABLE; Schema: zava_import; Owner: zava_loader
--

CREATE TABLE zava_import.inbox_suppliers (
    id bigint NOT NULL,
    loaded_by name DEFAULT SESSION_USER NOT NULL,
    supplier_key text,
    supplier_name text,
    lead_days text
);

ALTER TABLE zava_import.inbox_suppliers OWNER TO zava_loader;

--
-- Name: inbox_suppliers_id_seq; Type: SEQUENCE; Schema: zava_import; Owner: zava_loader
--

ALTER TABLE zava_import.inbox_suppliers ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME zava_import.inbox_suppliers_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: inventory; Type: TABLE; Schema: zava_import; Owner: zava_loader
--

CREATE UNLOGGED TABLE zava_import.inventory (
    file integer NOT NULL,
    "row" bigint NOT NULL,
    store_key text,
    product_key text,
    stock_level text,
    reorder_point text
);

ALTER TABLE zava_import.inventory OWNER TO zava_loader;

--
-- Name: order_items; Type: TABLE; Schema: zava_import; Owner: zava_loader
--

CREATE UNLOGGED TABLE zava_import.order_items (
    file integer NOT NULL,
    "row" bigint NOT NULL,
    store_key text,
    order_key text,
    line_number text,
    product_key text,
    quantity text,
    unit_price text,
    discount_amount text,
    total_amount text
);

ALTER TABLE zava_import.order_items OWNER TO zava_loader;

--
-- Name: order_keys; Type: TABLE; Schema: zava_import; Owner: zava_owner
--

CREATE TABLE zava_import.order_keys (
    store_id uuid NOT NULL,
    order_id uuid NOT NULL,
    source_system text NOT NULL,
    source_key text NOT NULL,
    CONSTRAINT order_keys_source_key_check CHECK (((length(source_key) >= 1) AND (length(source_key) <= 200))),
    CONSTRAINT order_keys_source_system_check CHECK (((length(source_system) >= 1) AND (length(source_system) <= 50)))
);
ALTER TABLE ONLY zava_import.order_keys ALTER COLUMN store_id SET STATISTICS 0;
ALTER TABLE ONLY zava_import.order_keys ALTER COLUMN order_id SET STATISTICS 0;
ALTER TABLE ONLY zava_import.order_keys ALTER COLUMN source_system SET STATISTICS 0;
ALTER TABLE ONLY zava_import.order_keys ALTER COLUMN source_key SET STATISTICS 0;

ALTER TABLE ONLY zava_import.order_keys FORCE ROW LEVEL SECURITY;

ALTER TABLE zava_import.order_keys OWNER TO zava_owner;

--
-- Name: orders; Type: TABLE; Schema: zava_import; Owner: zava_loader
--

CREATE UNLOGGED TABLE zava_import.orders (
    file integer NOT NULL,
    "row" bigint NOT NULL,
    store_key text,
    order_key text,
    customer_key text,
    order_date text,
    status text,
    total_amount text,
    tax_amount text,
    shipping_amount text,
    tender text
);

ALTER TABLE zava_import.orders OWNER TO zava_loader;

--
-- Name: product_keys; Type: TABLE; Schema: zava_import; Owner: zava_owner
--

CREATE TABLE zava_import.product_keys (
    product_id uuid NOT NULL,
    source_system text NOT NULL,
    source_key text NOT NULL,
    CONSTRAINT product_keys_source_key_check CHECK (((length(source_key) >= 1) AND (length(source_key) <= 200))),
    CONSTRAINT product_keys_source_system_check CHECK (((length(source_system) >= 1) AND (length(source_system) <= 50)))
);

ALTER TABLE zava_import.product_keys OWNER TO zava_owner;

--
-- Name: product_prices; Type: TABLE; Schema: zava_import; Owner: zava_loader
--

CREATE UNLOGGED TABLE zava_import.product_prices (
    file integer NOT NULL,
    "row" bigint NOT NULL,
    product_key text,
    valid_from text,
    cost text,
    base_price text
);

ALTER TABLE zava_import.product_prices OWNER TO zava_loader;

--
-- Name: product_suppliers; Type: TABLE; Schema: zava_import; Owner: zava_loader
--

CREATE UNLOGGED TABLE zava_import.product_suppliers (
    file integer NOT NULL,
    "row" bigint NOT NULL,
    product_key text,
    supplier_key text
);

ALTER TABLE zava_import.product_suppliers OWNER TO zava_loader;

--
-- Name: products; Type: TABLE; Schema: zava_import; Owner: zava_loader
--

CREATE UNLOGGED TABLE zava_import.products (
    file integer NOT NULL,
    "row" bigint NOT NULL,
    product_key text,
    sku text,
    product_name text,
    category text,
    product_type text,
    cost text,
    base_price text,
    unit text,
    description text,
    synonyms text,
    discontinued text
);

ALTER TABLE zava_import.products OWNER TO zava_loader;

--
-- Name: promotion_keys; Type: TABLE; Schema: zava_import; Owner: zava_owner
--

CREATE TABLE zava_import.promotion_keys (
    promotion_id uuid NOT NULL,
    source_system text NOT NULL,
    source_key text NOT NULL,
    CONSTRAINT promotion_keys_source_key_check CHECK (((length(source_key) >= 1) AND (length(source_key) <= 200))),
    CONSTRAINT promotion_keys_source_system_check CHECK (((length(source_system) >= 1) AND (length(source_system) <= 50)))
);

ALTER TABLE zava_import.promotion_keys OWNER TO zava_owner;

--
-- Name: promotion_products; Type: TABLE; Schema: zava_import; Owner: zava_loader
--

CREATE UNLOGGED TABLE zava_import.promotion_products (
    file integer NOT NULL,
    "row" bigint NOT NULL,
    promotion_key text,
    product_key text
);

ALTER TABLE zava_import.promotion_products OWNER TO zava_loader;

--
-- Name: promotions; Type: TABLE; Schema: zava_import; Owner: zava_loader
--

CREATE UNLOGGED TABLE zava_import.promotions (
    file integer NOT NULL,
    "row" bigint NOT NULL,
    promotion_key text,
    promotion_name text,
    first_day text,
    last_day text
);

ALTER TABLE zava_import.promotions OWNER TO zava_loader;

--
-- Name: rejects; Type: TABLE; Schema: zava_import; Owner: zava_loader
--

CREATE TABLE zava_import.rejects (
    run_id uuid NOT NULL,
    table_name text NOT NULL,
    file integer NOT NULL,
    "row" bigint NOT NULL,
    column_name text,
    rule text NOT NULL,
    value text,
    record jsonb NOT NULL
);
ALTER TABLE ONLY zava_import.rejects ALTER COLUMN value SET STATISTICS 0;
ALTER TABLE ONLY zava_import.rejects ALTER COLUMN record SET STATISTICS 0;

ALTER TABLE zava_import.rejects OWNER TO zava_loader;

--
-- Name: resolved_lines; Type: TABLE; Schema: zava_import; Owner: zava_loader
--

CREATE UNLOGGED TABLE zava_import.resolved_lines (
    number bigint,
    of_store uuid,
    order_id uuid,
    is_new boolean,
    line_number smallint,
    product_id uuid,
    quantity numeric NOT NULL,
    unit_price numeric(10,2),
    discount_percent numeric(5,2),
    discount_amount numeric(12,2),
    total_amount numeric(12,2),
    file integer NOT NULL,
    "row" bigint NOT NULL,
    of_order bigint,
    rule text
);

ALTER TABLE zava_import.resolved_lines OWNER TO zava_loader;

--
-- Name: COLUMN resolved_lines.rule; Type: COMMENT; Schema: zava_import; Owner: zava_loader
--

COMMENT ON COLUMN zava_import.resolved_lines.rule IS 'Why its figures cannot be loaded; its price and amounts are then NULL.';

--
-- Name: resolved_orders; Type: TABLE; Schema: zava_import; Owner: zava_loader
--

CREATE UNLOGGED TABLE zava_import.resolved_orders (
    number bigint NOT NULL,
    store_key text NOT NULL,
    order_key text NOT NULL,
    of_store uuid,
    order_id uuid NOT NULL,
    is_new boolean NOT NULL,
    customer_id uuid,
    order_date timestamp with time zone NOT NULL,
    status text NOT NULL,
    tax_amount numeric(12,2) NOT NULL,
    shipping_amount numeric(12,2) NOT NULL,
    tender text,
    file integer NOT NULL,
    "row" bigint NOT NULL,
    of_order bigint NOT NULL,
    has_unknown_customer boolean NOT NULL,
    stated_amount numeric
);

ALTER TABLE zava_import.resolved_orders OWNER TO zava_loader;

--
-- Name: COLUMN resolved_orders.number; Type: COMMENT; Schema: zava_import; Owner: zava_loader
--

COMMENT ON COLUMN zava_import.resolved_orders.number IS 'The moment of the order, in microseconds of Unix time.';

--
-- Name: COLUMN resolved_orders.of_order; Type: COMMENT; Schema: zava_import; Owner: zava_loader
--

COMMENT ON COLUMN zava_import.resolved_orders.of_order IS 'The order in this run: file and row in one number.';

--
-- Name: COLUMN resolved_orders.stated_amount; Type: COMMENT; Schema: zava_import; Owner: zava_loader
--

COMMENT ON COLUMN zava_import.resolved_orders.stated_amount IS 'The total that the source gives for the order.';

--
-- Name: store_keys; Type: TABLE; Schema: zava_import; Owner: zava_owner
--

CREATE TABLE zava_import.store_keys (
    store_id uuid NOT NULL,
    source_system text NOT NULL,
    source_key text NOT NULL,
    CONSTRAINT store_keys_source_key_check CHECK (((length(source_key) >= 1) AND (length(source_key) <= 200))),
    CONSTRAINT store_keys_source_system_check CHECK (((length(source_system) >= 1) AND (length(source_system) <= 50)))
);
ALTER TABLE ONLY zava_import.store_keys ALTER COLUMN store_id SET STATISTICS 0;
ALTER TABLE ONLY zava_import.store_keys ALTER COLUMN source_system SET STATISTICS 0;
ALTER TABLE ONLY zava_import.store_keys ALTER COLUMN source_key SET STATISTICS 0;

ALTER TABLE ONLY zava_import.store_keys FORCE ROW LEVEL SECURITY;

ALTER TABLE zava_import.store_keys OWNER TO zava_owner;

--
-- Name: store_targets; Type: TABLE; Schema: zava_import; Owner: zava_loader
--

CREATE UNLOGGED TABLE zava_import.store_targets (
    file integer NOT NULL,
    "row" bigint NOT NULL,
    store_key text,
    month text,
    revenue_target text
);

ALTER TABLE zava_import.store_targets OWNER TO zava_loader;

--
-- Name: stores; Type: TABLE; Schema: zava_import; Owner: zava_loader
--

CREATE UNLOGGED TABLE zava_import.stores (
    file integer NOT NULL,
    "row" bigint NOT NULL,
    store_key text,
    store_name text,
    location text,
    region text,
    is_online text,
    opened_on text,
    closed_on text,
    time_zone text,
    currency text
);

ALTER TABLE zava_import.stores OWNER TO zava_loader;

--
-- Name: supplier_keys; Type: TABLE; Schema: zava_import; Owner: zava_owner
--

CREATE TABLE zava_import.supplier_keys (
    supplier_id uuid NOT NULL,
    source_system text NOT NULL,
    source_key text NOT NULL,
    CONSTRAINT supplier_keys_source_key_check CHECK (((length(source_key) >= 1) AND (length(source_key) <= 200))),
    CONSTRAINT supplier_keys_source_system_check CHECK (((length(source_system) >= 1) AND (length(source_system) <= 50)))
);

ALTER TABLE zava_import.supplier_keys OWNER TO zava_owner;

--
-- Name: suppliers; Type: TABLE; Schema: zava_import; Owner: zava_loader
--

CREATE UNLOGGED TABLE zava_import.suppliers (
    file integer NOT NULL,
    "row" bigint NOT NULL,
    supplier_key text,
    supplier_name text,
    lead_days text
);

ALTER TABLE zava_import.suppliers OWNER TO zava_loader;

--
-- Name: applied; Type: TABLE; Schema: zava_migrations; Owner: zava_admin
--

CREATE TABLE zava_migrations.applied (
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE zava_migrations.applied OWNER TO zava_admin;

--
-- Name: categories categories_category_name_key; Type: CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.categories
    ADD CONSTRAINT categories_category_name_key UNIQUE (category_name);

--
-- Name: categories categories_pkey; Type: CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.categories
    ADD CONSTRAINT categories_pkey PRIMARY KEY (category_id);

--
-- Name: chain chain_pkey; Type: CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.chain
    ADD CONSTRAINT chain_pkey PRIMARY KEY (reporting_currency);

--
-- Name: customer_persons customer_persons_pkey; Type: CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.customer_persons
    ADD CONSTRAINT customer_persons_pkey PRIMARY KEY (store_id, customer_id) INCLUDE (person_id);

--
-- Name: customers customers_pkey; Type: CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.customers
    ADD CONSTRAINT customers_pkey PRIMARY KEY (store_id, customer_id);

--
-- Name: customers customers_store_id_email_key; Type: CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.customers
    ADD CONSTRAINT customers_store_id_email_key UNIQUE (store_id, email);

--
-- Name: embedding_models embedding_models_name_key; Type: CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.embedding_models
    ADD CONSTRAINT embedding_models_name_key UNIQUE (name);

--
-- Name: embedding_models embedding_models_pkey; Type: CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.embedding_models
    ADD CONSTRAINT embedding_models_pkey PRIMARY KEY (model_id);

--
-- Name: exchange_rates exchange_rates_pkey; Type: CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.exchange_rates
    ADD CONSTRAINT exchange_rates_pkey PRIMARY KEY (currency, day);

--
-- Name: inventory inventory_pkey; Type: CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.inventory
    ADD CONSTRAINT inventory_pkey PRIMARY KEY (store_id, product_id);

--
-- Name: order_items order_items_pkey; Type: CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.order_items
    ADD CONSTRAINT order_items_pkey PRIMARY KEY (store_id, order_id, line_number) INCLUDE (product_id, quantity, total_amount);

--
-- Name: orders orders_pkey; Type: CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.orders
    ADD CONSTRAINT orders_pkey PRIMARY KEY (store_id, order_id) INCLUDE (order_date);

--
-- Name: product_embeddings product_embeddings_pkey; Type: CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.product_embeddings
    ADD CONSTRAINT product_embeddings_pkey PRIMARY KEY (product_id, model_id);

--
-- Name: product_prices product_prices_pkey; Type: CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.product_prices
    ADD CONSTRAINT product_prices_pkey PRIMARY KEY (product_id, valid_from);

--
-- Name: product_suppliers product_suppliers_pkey; Type: CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.product_suppliers
    ADD CONSTRAINT product_suppliers_pkey PRIMARY KEY (product_id);

--
-- Name: product_types product_types_category_id_type_name_key; Type: CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.product_types
    ADD CONSTRAINT product_types_category_id_type_name_key UNIQUE (category_id, type_name);

--
-- Name: product_types product_types_pkey; Type: CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.product_types
    ADD CONSTRAINT product_types_pkey PRIMARY KEY (type_id);

--
-- Name: product_types product_types_type_id_category_id_key; Type: CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.product_types
    ADD CONSTRAINT product_types_type_id_category_id_key UNIQUE (type_id, category_id);

--
-- Name: product_words product_words_pkey; Type: CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.product_words
    ADD CONSTRAINT product_words_pkey PRIMARY KEY (product_id);

--
-- Name: products products_pkey; Type: CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.products
    ADD CONSTRAINT products_pkey PRIMARY KEY (product_id);

--
-- Name: products products_sku_key; Type: CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.products
    ADD CONSTRAINT products_sku_key UNIQUE (sku);

--
-- Name: promotion_products promotion_products_pkey; Type: CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.promotion_products
    ADD CONSTRAINT promotion_products_pkey PRIMARY KEY (product_id, promotion_id);

--
-- Name: promotions promotions_pkey; Type: CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.promotions
    ADD CONSTRAINT promotions_pkey PRIMARY KEY (promotion_id);

--
-- Name: promotions promotions_promotion_name_key; Type: CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.promotions
    ADD CONSTRAINT promotions_promotion_name_key UNIQUE (promotion_name);

--
-- Name: store_targets store_targets_pkey; Type: CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.store_targets
    ADD CONSTRAINT store_targets_pkey PRIMARY KEY (store_id, month);

--
-- Name: stores stores_pkey; Type: CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.stores
    ADD CONSTRAINT stores_pkey PRIMARY KEY (store_id);

--
-- Name: stores stores_store_name_key; Type: CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.stores
    ADD CONSTRAINT stores_store_name_key UNIQUE (store_name);

--
-- Name: suppliers suppliers_pkey; Type: CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.suppliers
    ADD CONSTRAINT suppliers_pkey PRIMARY KEY (supplier_id);

--
-- Name: suppliers suppliers_supplier_name_key; Type: CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.suppliers
    ADD CONSTRAINT suppliers_supplier_name_key UNIQUE (supplier_name);

--
-- Name: audit_log audit_log_pkey; Type: CONSTRAINT; Schema: zava; Owner: zava_context
--

ALTER TABLE ONLY zava.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (call_id, phase);

--
-- Name: canary canary_pkey; Type: CONSTRAINT; Schema: zava; Owner: zava_owner
--

ALTER TABLE ONLY zava.canary
    ADD CONSTRAINT canary_pkey PRIMARY KEY (store_id);

--
-- Name: change_log change_log_pkey; Type: CONSTRAINT; Schema: zava; Owner: zava_context
--

ALTER TABLE ONLY zava.change_log
    ADD CONSTRAINT change_log_pkey PRIMARY KEY (change_id);

--
-- Name: customer_marks customer_marks_pkey; Type: CONSTRAINT; Schema: zava; Owner: zava_owner
--

ALTER TABLE ONLY zava.customer_marks
    ADD CONSTRAINT customer_marks_pkey PRIMARY KEY (store_id, customer_id, marked_by);

--
-- Name: customer_totals customer_totals_pkey; Type: CONSTRAINT; Schema: zava; Owner: zava_owner
--

ALTER TABLE ONLY zava.customer_totals
    ADD CONSTRAINT customer_totals_pkey PRIMARY KEY (store_id, customer_id);

--
-- Name: customer_totals customer_totals_store_id_ordinal_key; Type: CONSTRAINT; Schema: zava; Owner: zava_owner
--

ALTER TABLE ONLY zava.customer_totals
    ADD CONSTRAINT customer_totals_store_id_ordinal_key UNIQUE (store_id, ordinal);

--
-- Name: data_changes data_changes_pkey; Type: CONSTRAINT; Schema: zava; Owner: zava_context
--

ALTER TABLE ONLY zava.data_changes
    ADD CONSTRAINT data_changes_pkey PRIMARY KEY (slot);

--
-- Name: day_marks day_marks_pkey; Type: CONSTRAINT; Schema: zava; Owner: zava_owner
--

ALTER TABLE ONLY zava.day_marks
    ADD CONSTRAINT day_marks_pkey PRIMARY KEY (store_id, day, marked_by);

--
-- Name: demo_data demo_data_pkey; Type: CONSTRAINT; Schema: zava; Owner: zava_context
--

ALTER TABLE ONLY zava.demo_data
    ADD CONSTRAINT demo_data_pkey PRIMARY KEY (only_row);

--
-- Name: erasures erasures_pkey; Type: CONSTRAINT; Schema: zava; Owner: zava_context
--

ALTER TABLE ONLY zava.erasures
    ADD CONSTRAINT erasures_pkey PRIMARY KEY (erasure_id);

--
-- Name: import_runs import_runs_pkey; Type: CONSTRAINT; Schema: zava; Owner: zava_context
--

ALTER TABLE ONLY zava.import_runs
    ADD CONSTRAINT import_runs_pkey PRIMARY KEY (run_id);

--
-- Name: kept_questions kept_questions_pkey; Type: CONSTRAINT; Schema: zava; Owner: zava_context
--

ALTER TABLE ONLY zava.kept_questions
    ADD CONSTRAINT kept_questions_pkey PRIMARY KEY (tenant_id, object_id, kind, address_hash);

--
-- Name: keyring keyring_pkey; Type: CONSTRAINT; Schema: zava; Owner: zava_context
--

ALTER TABLE ONLY zava.keyring
    ADD CONSTRAINT keyring_pkey PRIMARY KEY (only_row);

--
-- Name: month_customers month_customers_pkey; Type: CONSTRAINT; Schema: zava; Owner: zava_owner
--

ALTER TABLE ONLY zava.month_customers
    ADD CONSTRAINT month_customers_pkey PRIMARY KEY (store_id, month);

--
-- Name: new_customer_days new_customer_days_pkey; Type: CONSTRAINT; Schema: zava; Owner: zava_owner
--

ALTER TABLE ONLY zava.new_customer_days
    ADD CONSTRAINT new_customer_days_pkey PRIMARY KEY (store_id, day);

--
-- Name: orders_loaded orders_loaded_pkey; Type: CONSTRAINT; Schema: zava; Owner: zava_context
--

ALTER TABLE ONLY zava.orders_loaded
    ADD CONSTRAINT orders_loaded_pkey PRIMARY KEY (of_store);

--
-- Name: principals principals_pkey; Type: CONSTRAINT; Schema: zava; Owner: zava_context
--

ALTER TABLE ONLY zava.principals
    ADD CONSTRAINT principals_pkey PRIMARY KEY (tenant_id, object_id);

--
-- Name: product_months product_months_pkey; Type: CONSTRAINT; Schema: zava; Owner: zava_owner
--

ALTER TABLE ONLY zava.product_months
    ADD CONSTRAINT product_months_pkey PRIMARY KEY (store_id, month, product_id);

--
-- Name: shared_place shared_place_pkey; Type: CONSTRAINT; Schema: zava; Owner: zava_context
--

ALTER TABLE ONLY zava.shared_place
    ADD CONSTRAINT shared_place_pkey PRIMARY KEY (only_row);

--
-- Name: sign_ins sign_ins_pkey; Type: CONSTRAINT; Schema: zava; Owner: zava_context
--

ALTER TABLE ONLY zava.sign_ins
    ADD CONSTRAINT sign_ins_pkey PRIMARY KEY (sign_in_id);

--
-- Name: standby_bound standby_bound_pkey; Type: CONSTRAINT; Schema: zava; Owner: zava_context
--

ALTER TABLE ONLY zava.standby_bound
    ADD CONSTRAINT standby_bound_pkey PRIMARY KEY (only_row);

--
-- Name: store_days store_days_pkey; Type: CONSTRAINT; Schema: zava; Owner: zava_owner
--

ALTER TABLE ONLY zava.store_days
    ADD CONSTRAINT store_days_pkey PRIMARY KEY (store_id, day);

--
-- Name: usage usage_pkey; Type: CONSTRAINT; Schema: zava; Owner: zava_context
--

ALTER TABLE ONLY zava.usage
    ADD CONSTRAINT usage_pkey PRIMARY KEY (tenant_id, object_id);

--
-- Name: customer_keys customer_keys_pkey; Type: CONSTRAINT; Schema: zava_import; Owner: zava_owner
--

ALTER TABLE ONLY zava_import.customer_keys
    ADD CONSTRAINT customer_keys_pkey PRIMARY KEY (store_id, customer_id);

--
-- Name: customer_keys customer_keys_store_id_source_system_source_key_key; Type: CONSTRAINT; Schema: zava_import; Owner: zava_owner
--

ALTER TABLE ONLY zava_import.customer_keys
    ADD CONSTRAINT customer_keys_store_id_source_system_source_key_key UNIQUE (store_id, source_system, source_key);

--
-- Name: order_keys order_keys_pkey; Type: CONSTRAINT; Schema: zava_import; Owner: zava_owner
--

ALTER TABLE ONLY zava_import.order_keys
    ADD CONSTRAINT order_keys_pkey PRIMARY KEY (store_id, order_id);

--
-- Name: order_keys order_keys_store_id_source_system_source_key_key; Type: CONSTRAINT; Schema: zava_import; Owner: zava_owner
--

ALTER TABLE ONLY zava_import.order_keys
    ADD CONSTRAINT order_keys_store_id_source_system_source_key_key UNIQUE (store_id, source_system, source_key);

--
-- Name: product_keys product_keys_pkey; Type: CONSTRAINT; Schema: zava_import; Owner: zava_owner
--

ALTER TABLE ONLY zava_import.product_keys
    ADD CONSTRAINT product_keys_pkey PRIMARY KEY (product_id, source_system);

--
-- Name: product_keys product_keys_source_system_source_key_key; Type: CONSTRAINT; Schema: zava_import; Owner: zava_owner
--

ALTER TABLE ONLY zava_import.product_keys
    ADD CONSTRAINT product_keys_source_system_source_key_key UNIQUE (source_system, source_key);

--
-- Name: promotion_keys promotion_keys_pkey; Type: CONSTRAINT; Schema: zava_import; Owner: zava_owner
--

ALTER TABLE ONLY zava_import.promotion_keys
    ADD CONSTRAINT promotion_keys_pkey PRIMARY KEY (promotion_id, source_system);

--
-- Name: promotion_keys promotion_keys_source_system_source_key_key; Type: CONSTRAINT; Schema: zava_import; Owner: zava_owner
--

ALTER TABLE ONLY zava_import.promotion_keys
    ADD CONSTRAINT promotion_keys_source_system_source_key_key UNIQUE (source_system, source_key);

--
-- Name: store_keys store_keys_pkey; Type: CONSTRAINT; Schema: zava_import; Owner: zava_owner
--

ALTER TABLE ONLY zava_import.store_keys
    ADD CONSTRAINT store_keys_pkey PRIMARY KEY (store_id, source_system);

--
-- Name: store_keys store_keys_source_system_source_key_key; Type: CONSTRAINT; Schema: zava_import; Owner: zava_owner
--

ALTER TABLE ONLY zava_import.store_keys
    ADD CONSTRAINT store_keys_source_system_source_key_key UNIQUE (source_system, source_key);

--
-- Name: supplier_keys supplier_keys_pkey; Type: CONSTRAINT; Schema: zava_import; Owner: zava_owner
--

ALTER TABLE ONLY zava_import.supplier_keys
    ADD CONSTRAINT supplier_keys_pkey PRIMARY KEY (supplier_id, source_system);

--
-- Name: supplier_keys supplier_keys_source_system_source_key_key; Type: CONSTRAINT; Schema: zava_import; Owner: zava_owner
--

ALTER TABLE ONLY zava_import.supplier_keys
    ADD CONSTRAINT supplier_keys_source_system_source_key_key UNIQUE (source_system, source_key);

--
-- Name: applied applied_pkey; Type: CONSTRAINT; Schema: zava_migrations; Owner: zava_admin
--

ALTER TABLE ONLY zava_migrations.applied
    ADD CONSTRAINT applied_pkey PRIMARY KEY (name);

--
-- Name: chain_only_row_idx; Type: INDEX; Schema: retail; Owner: zava_owner
--

CREATE UNIQUE INDEX chain_only_row_idx ON retail.chain USING btree ((true));

--
-- Name: embedding_models_one_active_idx; Type: INDEX; Schema: retail; Owner: zava_owner
--

CREATE UNIQUE INDEX embedding_models_one_active_idx ON retail.embedding_models USING btree (active) WHERE active;

--
-- Name: inventory_in_stock_idx; Type: INDEX; Schema: retail; Owner: zava_owner
--

CREATE INDEX inventory_in_stock_idx ON retail.inventory USING btree (store_id, product_id) WHERE (stock_level > (0)::numeric);

--
-- Name: order_items_by_product_idx; Type: INDEX; Schema: retail; Owner: zava_owner
--

CREATE INDEX order_items_by_product_idx ON retail.order_items USING btree (store_id, product_id);

--
-- Name: orders_by_customer_idx; Type: INDEX; Schema: retail; Owner: zava_owner
--

CREATE INDEX orders_by_customer_idx ON retail.orders USING btree (store_id, customer_id);

--
-- Name: orders_of_period_idx; Type: INDEX; Schema: retail; Owner: zava_owner
--

CREATE INDEX orders_of_period_idx ON retail.orders USING btree (store_id, order_date) INCLUDE (order_id, status, total_amount, customer_id, is_return);

--
-- Name: product_embeddings_model_idx; Type: INDEX; Schema: retail; Owner: zava_owner
--

CREATE INDEX product_embeddings_model_idx ON retail.product_embeddings USING btree (model_id);

--
-- Name: product_suppliers_by_supplier_idx; Type: INDEX; Schema: retail; Owner: zava_owner
--

CREATE INDEX product_suppliers_by_supplier_idx ON retail.product_suppliers USING btree (supplier_id);

--
-- Name: product_words_idx; Type: INDEX; Schema: retail; Owner: zava_owner
--

CREATE INDEX product_words_idx ON retail.product_words USING gin (words);

--
-- Name: products_category_idx; Type: INDEX; Schema: retail; Owner: zava_owner
--

CREATE INDEX products_category_idx ON retail.products USING btree (category_id);

--
-- Name: products_sku_idx; Type: INDEX; Schema: retail; Owner: zava_owner
--

CREATE INDEX products_sku_idx ON retail.products USING btree (upper(sku));

--
-- Name: products_type_idx; Type: INDEX; Schema: retail; Owner: zava_owner
--

CREATE INDEX products_type_idx ON retail.products USING btree (type_id, category_id);

--
-- Name: promotion_products_by_promotion_idx; Type: INDEX; Schema: retail; Owner: zava_owner
--

CREATE INDEX promotion_products_by_promotion_idx ON retail.promotion_products USING btree (promotion_id);

--
-- Name: audit_log_by_time_idx; Type: INDEX; Schema: zava; Owner: zava_context
--

CREATE INDEX audit_log_by_time_idx ON zava.audit_log USING btree (called_at);

--
-- Name: customer_totals_by_first_idx; Type: INDEX; Schema: zava; Owner: zava_owner
--

CREATE INDEX customer_totals_by_first_idx ON zava.customer_totals USING btree (store_id, first_at);

--
-- Name: data_changes_by_store_idx; Type: INDEX; Schema: zava; Owner: zava_context
--

CREATE INDEX data_changes_by_store_idx ON zava.data_changes USING btree (of_store);

--
-- Name: sign_ins_by_expiry_idx; Type: INDEX; Schema: zava; Owner: zava_context
--

CREATE INDEX sign_ins_by_expiry_idx ON zava.sign_ins USING btree (expires_at);

--
-- Name: sign_ins_by_person_idx; Type: INDEX; Schema: zava; Owner: zava_context
--

CREATE INDEX sign_ins_by_person_idx ON zava.sign_ins USING btree (tenant_id, object_id);

--
-- Name: customer_keys_erased_idx; Type: INDEX; Schema: zava_import; Owner: zava_owner
--

CREATE INDEX customer_keys_erased_idx ON zava_import.customer_keys USING btree (store_id, source_key) WHERE starts_with(source_key, 'erased:'::text);

--
-- Name: rejects_by_run_idx; Type: INDEX; Schema: zava_import; Owner: zava_loader
--

CREATE INDEX rejects_by_run_idx ON zava_import.rejects USING btree (run_id);

--
-- Name: resolved_lines_number_idx; Type: INDEX; Schema: zava_import; Owner: zava_loader
--

CREATE INDEX resolved_lines_number_idx ON zava_import.resolved_lines USING btree (number);

--
-- Name: resolved_orders_number_idx; Type: INDEX; Schema: zava_import; Owner: zava_loader
--

CREATE INDEX resolved_orders_number_idx ON zava_import.resolved_orders USING btree (number);

--
-- Name: categories categories_words_changed; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER categories_words_changed AFTER UPDATE ON retail.categories REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION retail.index_words();

--
-- Name: orders forget_moved; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER forget_moved AFTER UPDATE OF order_date, store_id OR TRUNCATE ON retail.orders FOR EACH STATEMENT EXECUTE FUNCTION zava.forget_loaded();

--
-- Name: orders forget_removed; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER forget_removed AFTER DELETE ON retail.orders REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION zava.forget_loaded('by store');

--
-- Name: inventory inventory_touch; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER inventory_touch BEFORE UPDATE ON retail.inventory FOR EACH ROW EXECUTE FUNCTION retail.touch();

--
-- Name: order_items mark_all; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER mark_all AFTER TRUNCATE ON retail.order_items FOR EACH STATEMENT EXECUTE FUNCTION zava.mark_all();

--
-- Name: orders mark_all; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER mark_all AFTER TRUNCATE ON retail.orders FOR EACH STATEMENT EXECUTE FUNCTION zava.mark_all();

--
-- Name: order_items mark_delete; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER mark_delete AFTER DELETE ON retail.order_items REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION zava.mark_lines();

--
-- Name: orders mark_delete; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER mark_delete AFTER DELETE ON retail.orders REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION zava.mark_orders();

--
-- Name: order_items mark_insert; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER mark_insert AFTER INSERT ON retail.order_items REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION zava.mark_lines();

--
-- Name: orders mark_insert; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER mark_insert AFTER INSERT ON retail.orders REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION zava.mark_orders();

--
-- Name: stores mark_moved_store; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER mark_moved_store AFTER UPDATE OF time_zone ON retail.stores FOR EACH ROW EXECUTE FUNCTION zava.mark_moved_store();

--
-- Name: order_items mark_update; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER mark_update AFTER UPDATE ON retail.order_items REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION zava.mark_lines();

--
-- Name: orders mark_update; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER mark_update AFTER UPDATE ON retail.orders REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION zava.mark_orders();

--
-- Name: categories note_change; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER note_change AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON retail.categories FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change();

--
-- Name: chain note_change; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER note_change AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON retail.chain FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change();

--
-- Name: customer_persons note_change; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER note_change AFTER TRUNCATE ON retail.customer_persons FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change();

--
-- Name: customers note_change; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER note_change AFTER TRUNCATE ON retail.customers FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change();

--
-- Name: exchange_rates note_change; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER note_change AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON retail.exchange_rates FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change();

--
-- Name: inventory note_change; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER note_change AFTER TRUNCATE ON retail.inventory FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change();

--
-- Name: order_items note_change; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER note_change AFTER TRUNCATE ON retail.order_items FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change();

--
-- Name: orders note_change; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER note_change AFTER TRUNCATE ON retail.orders FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change();

--
-- Name: product_prices note_change; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER note_change AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON retail.product_prices FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change();

--
-- Name: product_suppliers note_change; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER note_change AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON retail.product_suppliers FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change();

--
-- Name: product_types note_change; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER note_change AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON retail.product_types FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change();

--
-- Name: products note_change; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER note_change AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON retail.products FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change();

--
-- Name: promotion_products note_change; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER note_change AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON retail.promotion_products FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change();

--
-- Name: promotions note_change; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER note_change AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON retail.promotions FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change();

--
-- Name: store_targets note_change; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER note_change AFTER TRUNCATE ON retail.store_targets FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change();

--
-- Name: stores note_change; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER note_change AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON retail.stores FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change();

--
-- Name: suppliers note_change; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER note_change AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON retail.suppliers FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change();

--
-- Name: customer_persons note_delete; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER note_delete AFTER DELETE ON retail.customer_persons REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change('by store');

--
-- Name: customers note_delete; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER note_delete AFTER DELETE ON retail.customers REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change('by store');

--
-- Name: inventory note_delete; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER note_delete AFTER DELETE ON retail.inventory REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change('by store');

--
-- Name: order_items note_delete; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER note_delete AFTER DELETE ON retail.order_items REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change('by store');

--
-- Name: orders note_delete; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER note_delete AFTER DELETE ON retail.orders REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change('by store');

--
-- Name: store_targets note_delete; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER note_delete AFTER DELETE ON retail.store_targets REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change('by store');

--
-- Name: customer_persons note_insert; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER note_insert AFTER INSERT ON retail.customer_persons REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change('by store');

--
-- Name: customers note_insert; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER note_insert AFTER INSERT ON retail.customers REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change('by store');

--
-- Name: inventory note_insert; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER note_insert AFTER INSERT ON retail.inventory REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change('by store');

--
-- Name: order_items note_insert; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER note_insert AFTER INSERT ON retail.order_items REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change('by store');

--
-- Name: orders note_insert; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER note_insert AFTER INSERT ON retail.orders REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change('by store');

--
-- Name: store_targets note_insert; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER note_insert AFTER INSERT ON retail.store_targets REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change('by store');

--
-- Name: stores note_place; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER note_place AFTER INSERT OR DELETE OR UPDATE OF time_zone, currency OR TRUNCATE ON retail.stores FOR EACH STATEMENT EXECUTE FUNCTION zava.note_place();

--
-- Name: customer_persons note_update; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER note_update AFTER UPDATE ON retail.customer_persons REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change('by store');

--
-- Name: customers note_update; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER note_update AFTER UPDATE ON retail.customers REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change('by store');

--
-- Name: inventory note_update; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER note_update AFTER UPDATE ON retail.inventory REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change('by store');

--
-- Name: order_items note_update; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER note_update AFTER UPDATE ON retail.order_items REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change('by store');

--
-- Name: orders note_update; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER note_update AFTER UPDATE ON retail.orders REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change('by store');

--
-- Name: store_targets note_update; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER note_update AFTER UPDATE ON retail.store_targets REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change('by store');

--
-- Name: product_embeddings product_embeddings_dimensions; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER product_embeddings_dimensions BEFORE INSERT OR UPDATE ON retail.product_embeddings FOR EACH ROW EXECUTE FUNCTION retail.check_dimensions();

--
-- Name: product_types product_types_words_changed; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER product_types_words_changed AFTER UPDATE ON retail.product_types REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION retail.index_words();

--
-- Name: products products_touch; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER products_touch BEFORE UPDATE ON retail.products FOR EACH ROW EXECUTE FUNCTION retail.touch();

--
-- Name: products products_words_changed; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER products_words_changed AFTER UPDATE ON retail.products REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION retail.index_words();

--
-- Name: products products_words_made; Type: TRIGGER; Schema: retail; Owner: zava_owner
--

CREATE TRIGGER products_words_made AFTER INSERT ON retail.products REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION retail.index_words();

--
-- Name: demo_data log_change; Type: TRIGGER; Schema: zava; Owner: zava_context
--

CREATE TRIGGER log_change AFTER INSERT OR DELETE OR UPDATE ON zava.demo_data FOR EACH ROW EXECUTE FUNCTION zava.log_change();

--
-- Name: erasures log_change; Type: TRIGGER; Schema: zava; Owner: zava_context
--

CREATE TRIGGER log_change AFTER INSERT ON zava.erasures FOR EACH ROW EXECUTE FUNCTION zava.log_change();

--
-- Name: import_runs log_change; Type: TRIGGER; Schema: zava; Owner: zava_context
--

CREATE TRIGGER log_change AFTER UPDATE ON zava.import_runs FOR EACH ROW WHEN (((old.state <> 'done'::text) AND (new.state = 'done'::text))) EXECUTE FUNCTION zava.log_change();

--
-- Name: principals log_change; Type: TRIGGER; Schema: zava; Owner: zava_context
--

CREATE TRIGGER log_change AFTER INSERT OR DELETE OR UPDATE ON zava.principals FOR EACH ROW EXECUTE FUNCTION zava.log_change();

--
-- Name: standby_bound log_change; Type: TRIGGER; Schema: zava; Owner: zava_context
--

CREATE TRIGGER log_change AFTER INSERT OR DELETE OR UPDATE ON zava.standby_bound FOR EACH ROW EXECUTE FUNCTION zava.log_change();

--
-- Name: sign_ins log_end; Type: TRIGGER; Schema: zava; Owner: zava_context
--

CREATE TRIGGER log_end AFTER UPDATE ON zava.sign_ins FOR EACH ROW WHEN (((old.ended_at IS NULL) AND (new.ended_at IS NOT NULL))) EXECUTE FUNCTION zava.log_change();

--
-- Name: day_marks refuse_own_mark; Type: TRIGGER; Schema: zava; Owner: zava_owner
--

CREATE TRIGGER refuse_own_mark BEFORE DELETE ON zava.day_marks FOR EACH ROW WHEN ((old.marked_by = pg_current_xact_id_if_assigned())) EXECUTE FUNCTION zava.refuse_own_mark();

--
-- Name: customer_persons customer_persons_store_id_customer_id_fkey; Type: FK CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.customer_persons
    ADD CONSTRAINT customer_persons_store_id_customer_id_fkey FOREIGN KEY (store_id, customer_id) REFERENCES retail.customers(store_id, customer_id) ON DELETE CASCADE;

--
-- Name: customers customers_store_id_fkey; Type: FK CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.customers
    ADD CONSTRAINT customers_store_id_fkey FOREIGN KEY (store_id) REFERENCES retail.stores(store_id);

--
-- Name: inventory inventory_product_id_fkey; Type: FK CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.inventory
    ADD CONSTRAINT inventory_product_id_fkey FOREIGN KEY (product_id) REFERENCES retail.products(product_id);

--
-- Name: inventory inventory_store_id_fkey; Type: FK CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.inventory
    ADD CONSTRAINT inventory_store_id_fkey FOREIGN KEY (store_id) REFERENCES retail.stores(store_id);

--
-- Name: order_items order_items_product_id_fkey; Type: FK CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.order_items
    ADD CONSTRAINT order_items_product_id_fkey FOREIGN KEY (product_id) REFERENCES retail.products(product_id);

--
-- Name: order_items order_items_store_id_order_id_fkey; Type: FK CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.order_items
    ADD CONSTRAINT order_items_store_id_order_id_fkey FOREIGN KEY (store_id, order_id) REFERENCES retail.orders(store_id, order_id);

--
-- Name: orders orders_store_id_customer_id_fkey; Type: FK CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.orders
    ADD CONSTRAINT orders_store_id_customer_id_fkey FOREIGN KEY (store_id, customer_id) REFERENCES retail.customers(store_id, customer_id);

--
-- Name: orders orders_store_id_fkey; Type: FK CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.orders
    ADD CONSTRAINT orders_store_id_fkey FOREIGN KEY (store_id) REFERENCES retail.stores(store_id);

--
-- Name: product_embeddings product_embeddings_model_id_fkey; Type: FK CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.product_embeddings
    ADD CONSTRAINT product_embeddings_model_id_fkey FOREIGN KEY (model_id) REFERENCES retail.embedding_models(model_id);

--
-- Name: product_embeddings product_embeddings_product_id_fkey; Type: FK CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.product_embeddings
    ADD CONSTRAINT product_embeddings_product_id_fkey FOREIGN KEY (product_id) REFERENCES retail.products(product_id) ON DELETE CASCADE;

--
-- Name: product_prices product_prices_product_id_fkey; Type: FK CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.product_prices
    ADD CONSTRAINT product_prices_product_id_fkey FOREIGN KEY (product_id) REFERENCES retail.products(product_id) ON DELETE CASCADE;

--
-- Name: product_suppliers product_suppliers_product_id_fkey; Type: FK CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.product_suppliers
    ADD CONSTRAINT product_suppliers_product_id_fkey FOREIGN KEY (product_id) REFERENCES retail.products(product_id) ON DELETE CASCADE;

--
-- Name: product_suppliers product_suppliers_supplier_id_fkey; Type: FK CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.product_suppliers
    ADD CONSTRAINT product_suppliers_supplier_id_fkey FOREIGN KEY (supplier_id) REFERENCES retail.suppliers(supplier_id) ON DELETE CASCADE;

--
-- Name: product_types product_types_category_id_fkey; Type: FK CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.product_types
    ADD CONSTRAINT product_types_category_id_fkey FOREIGN KEY (category_id) REFERENCES retail.categories(category_id);

--
-- Name: product_words product_words_product_id_fkey; Type: FK CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.product_words
    ADD CONSTRAINT product_words_product_id_fkey FOREIGN KEY (product_id) REFERENCES retail.products(product_id) ON DELETE CASCADE;

--
-- Name: products products_type_id_category_id_fkey; Type: FK CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.products
    ADD CONSTRAINT products_type_id_category_id_fkey FOREIGN KEY (type_id, category_id) REFERENCES retail.product_types(type_id, category_id);

--
-- Name: promotion_products promotion_products_product_id_fkey; Type: FK CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.promotion_products
    ADD CONSTRAINT promotion_products_product_id_fkey FOREIGN KEY (product_id) REFERENCES retail.products(product_id) ON DELETE CASCADE;

--
-- Name: promotion_products promotion_products_promotion_id_fkey; Type: FK CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.promotion_products
    ADD CONSTRAINT promotion_products_promotion_id_fkey FOREIGN KEY (promotion_id) REFERENCES retail.promotions(promotion_id) ON DELETE CASCADE;

--
-- Name: store_targets store_targets_store_id_fkey; Type: FK CONSTRAINT; Schema: retail; Owner: zava_owner
--

ALTER TABLE ONLY retail.store_targets
    ADD CONSTRAINT store_targets_store_id_fkey FOREIGN KEY (store_id) REFERENCES retail.stores(store_id);

--
-- Name: customer_keys customer_keys_store_id_customer_id_fkey; Type: FK CONSTRAINT; Schema: zava_import; Owner: zava_owner
--

ALTER TABLE ONLY zava_import.customer_keys
    ADD CONSTRAINT customer_keys_store_id_customer_id_fkey FOREIGN KEY (store_id, customer_id) REFERENCES retail.customers(store_id, customer_id) ON DELETE CASCADE;

--
-- Name: order_keys order_keys_store_id_order_id_fkey; Type: FK CONSTRAINT; Schema: zava_import; Owner: zava_owner
--

ALTER TABLE ONLY zava_import.order_keys
    ADD CONSTRAINT order_keys_store_id_order_id_fkey FOREIGN KEY (store_id, order_id) REFERENCES retail.orders(store_id, order_id) ON DELETE CASCADE;

--
-- Name: product_keys product_keys_product_id_fkey; Type: FK CONSTRAINT; Schema: zava_import; Owner: zava_owner
--

ALTER TABLE ONLY zava_import.product_keys
    ADD CONSTRAINT product_keys_product_id_fkey FOREIGN KEY (product_id) REFERENCES retail.products(product_id) ON DELETE CASCADE;

--
-- Name: promotion_keys promotion_keys_promotion_id_fkey; Type: FK CONSTRAINT; Schema: zava_import; Owner: zava_owner
--

ALTER TABLE ONLY zava_import.promotion_keys
    ADD CONSTRAINT promotion_keys_promotion_id_fkey FOREIGN KEY (promotion_id) REFERENCES retail.promotions(promotion_id) ON DELETE CASCADE;

--
-- Name: store_keys store_keys_store_id_fkey; Type: FK CONSTRAINT; Schema: zava_import; Owner: zava_owner
--

ALTER TABLE ONLY zava_import.store_keys
    ADD CONSTRAINT store_keys_store_id_fkey FOREIGN KEY (store_id) REFERENCES retail.stores(store_id) ON DELETE CASCADE;

--
-- Name: supplier_keys supplier_keys_supplier_id_fkey; Type: FK CONSTRAINT; Schema: zava_import; Owner: zava_owner
--

ALTER TABLE ONLY zava_import.supplier_keys
    ADD CONSTRAINT supplier_keys_supplier_id_fkey FOREIGN KEY (supplier_id) REFERENCES retail.suppliers(supplier_id) ON DELETE CASCADE;

--
-- Name: order_items chain; Type: POLICY; Schema: retail; Owner: zava_owner
--

CREATE POLICY chain ON retail.order_items FOR SELECT TO zava_chain USING (true);

--
-- Name: orders chain; Type: POLICY; Schema: retail; Owner: zava_owner
--

CREATE POLICY chain ON retail.orders FOR SELECT TO zava_chain USING (true);

--
-- Name: stores chain; Type: POLICY; Schema: retail; Owner: zava_owner
--

CREATE POLICY chain ON retail.stores FOR SELECT TO zava_chain USING (true);

--
-- Name: customer_persons; Type: ROW SECURITY; Schema: retail; Owner: zava_owner
--

ALTER TABLE retail.customer_persons ENABLE ROW LEVEL SECURITY;

--
-- Name: customers; Type: ROW SECURITY; Schema: retail; Owner: zava_owner
--

ALTER TABLE retail.customers ENABLE ROW LEVEL SECURITY;

--
-- Name: inventory; Type: ROW SECURITY; Schema: retail; Owner: zava_owner
--

ALTER TABLE retail.inventory ENABLE ROW LEVEL SECURITY;

--
-- Name: customer_persons loader; Type: POLICY; Schema: retail; Owner: zava_owner
--

CREATE POLICY loader ON retail.customer_persons TO zava_loader USING (true) WITH CHECK (true);

--
-- Name: customers loader; Type: POLICY; Schema: retail; Owner: zava_owner
--

CREATE POLICY loader ON retail.customers TO zava_loader USING (true) WITH CHECK (true);

--
-- Name: inventory loader; Type: POLICY; Schema: retail; Owner: zava_owner
--

CREATE POLICY loader ON retail.inventory TO zava_loader USING (true) WITH CHECK (true);

--
-- Name: order_items loader; Type: POLICY; Schema: retail; Owner: zava_owner
--

CREATE POLICY loader ON retail.order_items TO zava_loader USING (true) WITH CHECK (true);

--
-- Name: orders loader; Type: POLICY; Schema: retail; Owner: zava_owner
--

CREATE POLICY loader ON retail.orders TO zava_loader USING (true) WITH CHECK (true);

--
-- Name: store_targets loader; Type: POLICY; Schema: retail; Owner: zava_owner
--

CREATE POLICY loader ON retail.store_targets TO zava_loader USING (true) WITH CHECK (true);

--
-- Name: stores loader; Type: POLICY; Schema: retail; Owner: zava_owner
--

CREATE POLICY loader ON retail.stores TO zava_loader USING (true) WITH CHECK (true);

--
-- Name: order_items; Type: ROW SECURITY; Schema: retail; Owner: zava_owner
--

ALTER TABLE retail.order_items ENABLE ROW LEVEL SECURITY;

--
-- Name: orders; Type: ROW SECURITY; Schema: retail; Owner: zava_owner
--

ALTER TABLE retail.orders ENABLE ROW LEVEL SECURITY;

--
-- Name: customers own_store; Type: POLICY; Schema: retail; Owner: zava_owner
--

CREATE POLICY own_store ON retail.customers FOR SELECT TO store_managers USING ((store_id = ( SELECT zava.my_store(CURRENT_USER) AS my_store)));

--
-- Name: inventory own_store; Type: POLICY; Schema: retail; Owner: zava_owner
--

CREATE POLICY own_store ON retail.inventory FOR SELECT TO store_managers USING ((store_id = ( SELECT zava.my_store(CURRENT_USER) AS my_store)));

--
-- Name: order_items own_store; Type: POLICY; Schema: retail; Owner: zava_owner
--

CREATE POLICY own_store ON retail.order_items FOR SELECT TO store_managers USING ((store_id = ( SELECT zava.my_store(CURRENT_USER) AS my_store)));

--
-- Name: orders own_store; Type: POLICY; Schema: retail; Owner: zava_owner
--

CREATE POLICY own_store ON retail.orders FOR SELECT TO store_managers USING ((store_id = ( SELECT zava.my_store(CURRENT_USER) AS my_store)));

--
-- Name: store_targets own_store; Type: POLICY; Schema: retail; Owner: zava_owner
--

CREATE POLICY own_store ON retail.store_targets FOR SELECT TO store_managers USING ((store_id = ( SELECT zava.my_store(CURRENT_USER) AS my_store)));

--
-- Name: stores own_store; Type: POLICY; Schema: retail; Owner: zava_owner
--

CREATE POLICY own_store ON retail.stores FOR SELECT TO store_managers USING ((store_id = ( SELECT zava.my_store(CURRENT_USER) AS my_store)));

--
-- Name: customer_persons own_stores; Type: POLICY; Schema: retail; Owner: zava_owner
--

CREATE POLICY own_stores ON retail.customer_persons FOR SELECT TO regional_managers, head_office USING ((store_id = ANY (( SELECT zava.my_stores(CURRENT_USER) AS my_stores)::uuid[])));

--
-- Name: customers own_stores; Type: POLICY; Schema: retail; Owner: zava_owner
--

CREATE POLICY own_stores ON retail.customers FOR SELECT TO regional_managers, head_office USING ((store_id = ANY (( SELECT zava.my_stores(CURRENT_USER) AS my_stores)::uuid[])));

--
-- Name: inventory own_stores; Type: POLICY; Schema: retail; Owner: zava_owner
--

CREATE POLICY own_stores ON retail.inventory FOR SELECT TO regional_managers, head_office USING ((store_id = ANY (( SELECT zava.my_stores(CURRENT_USER) AS my_stores)::uuid[])));

--
-- Name: order_items own_stores; Type: POLICY; Schema: retail; Owner: zava_owner
--

CREATE POLICY own_stores ON retail.order_items FOR SELECT TO regional_managers, head_office USING ((store_id = ANY (( SELECT zava.my_stores(CURRENT_USER) AS my_stores)::uuid[])));

--
-- Name: orders own_stores; Type: POLICY; Schema: retail; Owner: zava_owner
--

CREATE POLICY own_stores ON retail.orders FOR SELECT TO regional_managers, head_office USING ((store_id = ANY (( SELECT zava.my_stores(CURRENT_USER) AS my_stores)::uuid[])));

--
-- Name: store_targets own_stores; Type: POLICY; Schema: retail; Owner: zava_owner
--

CREATE POLICY own_stores ON retail.store_targets FOR SELECT TO regional_managers, head_office USING ((store_id = ANY (( SELECT zava.my_stores(CURRENT_USER) AS my_stores)::uuid[])));

--
-- Name: stores own_stores; Type: POLICY; Schema: retail; Owner: zava_owner
--

CREATE POLICY own_stores ON retail.stores FOR SELECT TO regional_managers, head_office USING ((store_id = ANY (( SELECT zava.my_stores(CURRENT_USER) AS my_stores)::uuid[])));

--
-- Name: store_targets; Type: ROW SECURITY; Schema: retail; Owner: zava_owner
--

ALTER TABLE retail.store_targets ENABLE ROW LEVEL SECURITY;

--
-- Name: stores; Type: ROW SECURITY; Schema: retail; Owner: zava_owner
--

ALTER TABLE retail.stores ENABLE ROW LEVEL SECURITY;

--
-- Name: canary; Type: ROW SECURITY; Schema: zava; Owner: zava_owner
--

ALTER TABLE zava.canary ENABLE ROW LEVEL SECURITY;

--
-- Name: day_marks chain; Type: POLICY; Schema: zava; Owner: zava_owner
--

CREATE POLICY chain ON zava.day_marks FOR SELECT TO zava_chain USING (true);

--
-- Name: store_days chain; Type: POLICY; Schema: zava; Owner: zava_owner
--

CREATE POLICY chain ON zava.store_days FOR SELECT TO zava_chain USING (true);

--
-- Name: customer_marks; Type: ROW SECURITY; Schema: zava; Owner: zava_owner
--

ALTER TABLE zava.customer_marks ENABLE ROW LEVEL SECURITY;

--
-- Name: customer_totals; Type: ROW SECURITY; Schema: zava; Owner: zava_owner
--

ALTER TABLE zava.customer_totals ENABLE ROW LEVEL SECURITY;

--
-- Name: day_marks; Type: ROW SECURITY; Schema: zava; Owner: zava_owner
--

ALTER TABLE zava.day_marks ENABLE ROW LEVEL SECURITY;

--
-- Name: kept_questions; Type: ROW SECURITY; Schema: zava; Owner: zava_context
--

ALTER TABLE zava.kept_questions ENABLE ROW LEVEL SECURITY;

--
-- Name: canary loader; Type: POLICY; Schema: zava; Owner: zava_owner
--

CREATE POLICY loader ON zava.canary TO zava_loader USING (true) WITH CHECK (true);

--
-- Name: customer_marks loader; Type: POLICY; Schema: zava; Owner: zava_owner
--

CREATE POLICY loader ON zava.customer_marks TO zava_loader USING (true) WITH CHECK (true);

--
-- Name: customer_totals loader; Type: POLICY; Schema: zava; Owner: zava_owner
--

CREATE POLICY loader ON zava.customer_totals TO zava_loader USING (true) WITH CHECK (true);

--
-- Name: day_marks loader; Type: POLICY; Schema: zava; Owner: zava_owner
--

CREATE POLICY loader ON zava.day_marks TO zava_loader USING (true) WITH CHECK (true);

--
-- Name: month_customers loader; Type: POLICY; Schema: zava; Owner: zava_owner
--

CREATE POLICY loader ON zava.month_customers TO zava_loader USING (true) WITH CHECK (true);

--
-- Name: new_customer_days loader; Type: POLICY; Schema: zava; Owner: zava_owner
--

CREATE POLICY loader ON zava.new_customer_days TO zava_loader USING (true) WITH CHECK (true);

--
-- Name: product_months loader; Type: POLICY; Schema: zava; Owner: zava_owner
--

CREATE POLICY loader ON zava.product_months TO zava_loader USING (true) WITH CHECK (true);

--
-- Name: store_days loader; Type: POLICY; Schema: zava; Owner: zava_owner
--

CREATE POLICY loader ON zava.store_days TO zava_loader USING (true) WITH CHECK (true);

--
-- Name: month_customers; Type: ROW SECURITY; Schema: zava; Owner: zava_owner
--

ALTER TABLE zava.month_customers ENABLE ROW LEVEL SECURITY;

--
-- Name: new_customer_days; Type: ROW SECURITY; Schema: zava; Owner: zava_owner
--

ALTER TABLE zava.new_customer_days ENABLE ROW LEVEL SECURITY;

--
-- Name: kept_questions own_questions; Type: POLICY; Schema: zava; Owner: zava_context
--

CREATE POLICY own_questions ON zava.kept_questions TO zava_context USING ((((tenant_id || '/'::text) || object_id) = current_setting('zava.questions_of'::text, true))) WITH CHECK ((((tenant_id || '/'::text) || object_id) = current_setting('zava.questions_of'::text, true)));

--
-- Name: canary own_store; Type: POLICY; Schema: zava; Owner: zava_owner
--

CREATE POLICY own_store ON zava.canary FOR SELECT TO store_managers USING ((store_id = ( SELECT zava.my_store(CURRENT_USER) AS my_store)));

--
-- Name: customer_marks own_store; Type: POLICY; Schema: zava; Owner: zava_owner
--

CREATE POLICY own_store ON zava.customer_marks FOR SELECT TO store_managers USING ((store_id = ( SELECT zava.my_store(CURRENT_USER) AS my_store)));

--
-- Name: customer_totals own_store; Type: POLICY; Schema: zava; Owner: zava_owner
--

CREATE POLICY own_store ON zava.customer_totals FOR SELECT TO store_managers USING ((store_id = ( SELECT zava.my_store(CURRENT_USER) AS my_store)));

--
-- Name: day_marks own_store; Type: POLICY; Schema: zava; Owner: zava_owner
--

CREATE POLICY own_store ON zava.day_marks FOR SELECT TO store_managers USING ((store_id = ( SELECT zava.my_store(CURRENT_USER) AS my_store)));

--
-- Name: month_customers own_store; Type: POLICY; Schema: zava; Owner: zava_owner
--

CREATE POLICY own_store ON zava.month_customers FOR SELECT TO store_managers USING ((store_id = ( SELECT zava.my_store(CURRENT_USER) AS my_store)));

--
-- Name: new_customer_days own_store; Type: POLICY; Schema: zava; Owner: zava_owner
--

CREATE POLICY own_store ON zava.new_customer_days FOR SELECT TO store_managers USING ((store_id = ( SELECT zava.my_store(CURRENT_USER) AS my_store)));

--
-- Name: product_months own_store; Type: POLICY; Schema: zava; Owner: zava_owner
--

CREATE POLICY own_store ON zava.product_months FOR SELECT TO store_managers USING ((store_id = ( SELECT zava.my_store(CURRENT_USER) AS my_store)));

--
-- Name: store_days own_store; Type: POLICY; Schema: zava; Owner: zava_owner
--

CREATE POLICY own_store ON zava.store_days FOR SELECT TO store_managers USING ((store_id = ( SELECT zava.my_store(CURRENT_USER) AS my_store)));

--
-- Name: canary own_stores; Type: POLICY; Schema: zava; Owner: zava_owner
--

CREATE POLICY own_stores ON zava.canary FOR SELECT TO regional_managers, head_office USING ((store_id = ANY (( SELECT zava.my_stores(CURRENT_USER) AS my_stores)::uuid[])));

--
-- Name: customer_marks own_stores; Type: POLICY; Schema: zava; Owner: zava_owner
--

CREATE POLICY own_stores ON zava.customer_marks FOR SELECT TO regional_managers, head_office USING ((store_id = ANY (( SELECT zava.my_stores(CURRENT_USER) AS my_stores)::uuid[])));

--
-- Name: customer_totals own_stores; Type: POLICY; Schema: zava; Owner: zava_owner
--

CREATE POLICY own_stores ON zava.customer_totals FOR SELECT TO regional_managers, head_office USING ((store_id = ANY (( SELECT zava.my_stores(CURRENT_USER) AS my_stores)::uuid[])));

--
-- Name: day_marks own_stores; Type: POLICY; Schema: zava; Owner: zava_owner
--

CREATE POLICY own_stores ON zava.day_marks FOR SELECT TO regional_managers, head_office USING ((store_id = ANY (( SELECT zava.my_stores(CURRENT_USER) AS my_stores)::uuid[])));

--
-- Name: month_customers own_stores; Type: POLICY; Schema: zava; Owner: zava_owner
--

CREATE POLICY own_stores ON zava.month_customers FOR SELECT TO regional_managers, head_office USING ((store_id = ANY (( SELECT zava.my_stores(CURRENT_USER) AS my_stores)::uuid[])));

--
-- Name: new_customer_days own_stores; Type: POLICY; Schema: zava; Owner: zava_owner
--

CREATE POLICY own_stores ON zava.new_customer_days FOR SELECT TO regional_managers, head_office USING ((store_id = ANY (( SELECT zava.my_stores(CURRENT_USER) AS my_stores)::uuid[])));

--
-- Name: product_months own_stores; Type: POLICY; Schema: zava; Owner: zava_owner
--

CREATE POLICY own_stores ON zava.product_months FOR SELECT TO regional_managers, head_office USING ((store_id = ANY (( SELECT zava.my_stores(CURRENT_USER) AS my_stores)::uuid[])));

--
-- Name: store_days own_stores; Type: POLICY; Schema: zava; Owner: zava_owner
--

CREATE POLICY own_stores ON zava.store_days FOR SELECT TO regional_managers, head_office USING ((store_id = ANY (( SELECT zava.my_stores(CURRENT_USER) AS my_stores)::uuid[])));

--
-- Name: product_months; Type: ROW SECURITY; Schema: zava; Owner: zava_owner
--

ALTER TABLE zava.product_months ENABLE ROW LEVEL SECURITY;

--
-- Name: store_days; Type: ROW SECURITY; Schema: zava; Owner: zava_owner
--

ALTER TABLE zava.store_days ENABLE ROW LEVEL SECURITY;

--
-- Name: customer_keys; Type: ROW SECURITY; Schema: zava_import; Owner: zava_owner
--

ALTER TABLE zava_import.customer_keys ENABLE ROW LEVEL SECURITY;

--
-- Name: customer_keys loader; Type: POLICY; Schema: zava_import; Owner: zava_owner
--

CREATE POLICY loader ON zava_import.customer_keys TO zava_loader USING (true) WITH CHECK (true);

--
-- Name: order_keys loader; Type: POLICY; Schema: zava_import; Owner: zava_owner
--

CREATE POLICY loader ON zava_import.order_keys TO zava_loader USING (true) WITH CHECK (true);

--
-- Name: store_keys loader; Type: POLICY; Schema: zava_import; Owner: zava_owner
--

CREATE POLICY loader ON zava_import.store_keys TO zava_loader USING (true) WITH CHECK (true);

--
-- Name: order_keys; Type: ROW SECURITY; Schema: zava_import; Owner: zava_owner
--

ALTER TABLE zava_import.order_keys ENABLE ROW LEVEL SECURITY;

--
-- Name: store_keys; Type: ROW SECURITY; Schema: zava_import; Owner: zava_owner
--

ALTER TABLE zava_import.store_keys ENABLE ROW LEVEL SECURITY;

--
-- Name: SCHEMA extensions; Type: ACL; Schema: -; Owner: zava_admin
--

GRANT USAGE ON SCHEMA extensions TO zava_owner;
GRANT USAGE ON SCHEMA extensions TO zava_loader;
GRANT USAGE ON SCHEMA extensions TO store_managers;
GRANT USAGE ON SCHEMA extensions TO regional_managers;
GRANT USAGE ON SCHEMA extensions TO head_office;
GRANT USAGE ON SCHEMA extensions TO zava_server;

--
-- Name: SCHEMA public; Type: ACL; Schema: -; Owner: pg_database_owner
--

REVOKE USAGE ON SCHEMA public FROM PUBLIC;

--
-- Name: SCHEMA retail; Type: ACL; Schema: -; Owner: zava_owner
--

GRANT USAGE ON SCHEMA retail TO zava_server;
GRANT USAGE ON SCHEMA retail TO zava_loader;
GRANT USAGE ON SCHEMA retail TO zava_chain;
GRANT USAGE ON SCHEMA retail TO store_managers;
GRANT USAGE ON SCHEMA retail TO regional_managers;
GRANT USAGE ON SCHEMA retail TO head_office;

--
-- Name: SCHEMA zava; Type: ACL; Schema: -; Owner: zava_context
--

GRANT USAGE ON SCHEMA zava TO zava_server;
GRANT USAGE ON SCHEMA zava TO zava_owner;
GRANT USAGE ON SCHEMA zava TO zava_loader;
GRANT USAGE ON SCHEMA zava TO zava_chain;
GRANT USAGE ON SCHEMA zava TO store_managers;
GRANT USAGE ON SCHEMA zava TO regional_managers;
GRANT USAGE ON SCHEMA zava TO head_office;
GRANT USAGE ON SCHEMA zava TO zava_recorder;
GRANT USAGE ON SCHEMA zava TO zava_audit;
GRANT USAGE ON SCHEMA zava TO zava_retention;

--
-- Name: SCHEMA zava_import; Type: ACL; Schema: -; Owner: zava_loader
--

GRANT USAGE ON SCHEMA zava_import TO zava_owner;

--
-- Name: FUNCTION asked_vector(question jsonb); Type: ACL; Schema: retail; Owner: zava_owner
--

REVOKE ALL ON FUNCTION retail.asked_vector(question jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION retail.asked_vector(question jsonb) TO store_managers;
GRANT ALL ON FUNCTION retail.asked_vector(question jsonb) TO regional_managers;
GRANT ALL ON FUNCTION retail.asked_vector(question jsonb) TO head_office;

--
-- Name: FUNCTION check_dimensions(); Type: ACL; Schema: retail; Owner: zava_owner
--

REVOKE ALL ON FUNCTION retail.check_dimensions() FROM PUBLIC;

--
-- Name: FUNCTION index_words(); Type: ACL; Schema: retail; Owner: zava_owner
--

REVOKE ALL ON FUNCTION retail.index_words() FROM PUBLIC;

--
-- Name: FUNCTION new_id(); Type: ACL; Schema: retail; Owner: zava_owner
--

REVOKE ALL ON FUNCTION retail.new_id() FROM PUBLIC;
GRANT ALL ON FUNCTION retail.new_id() TO zava_loader;

--
-- Name: TABLE products; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE retail.products TO zava_loader;
GRANT SELECT ON TABLE retail.products TO regional_managers;
GRANT SELECT ON TABLE retail.products TO head_office;

--
-- Name: COLUMN products.product_id; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT(product_id) ON TABLE retail.products TO store_managers;

--
-- Name: COLUMN products.sku; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT(sku) ON TABLE retail.products TO store_managers;

--
-- Name: COLUMN products.product_name; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT(product_name) ON TABLE retail.products TO store_managers;

--
-- Name: COLUMN products.category_id; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT(category_id) ON TABLE retail.products TO store_managers;

--
-- Name: COLUMN products.type_id; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT(type_id) ON TABLE retail.products TO store_managers;

--
-- Name: COLUMN products.base_price; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT(base_price) ON TABLE retail.products TO store_managers;

--
-- Name: COLUMN products.product_description; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT(product_description) ON TABLE retail.products TO store_managers;

--
-- Name: COLUMN products.synonyms; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT(synonyms) ON TABLE retail.products TO store_managers;

--
-- Name: COLUMN products.discontinued; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT(discontinued) ON TABLE retail.products TO store_managers;

--
-- Name: COLUMN products.updated_at; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT(updated_at) ON TABLE retail.products TO store_managers;

--
-- Name: COLUMN products.unit; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT(unit) ON TABLE retail.products TO store_managers;

--
-- Name: FUNCTION likened_product(name text); Type: ACL; Schema: retail; Owner: zava_owner
--

REVOKE ALL ON FUNCTION retail.likened_product(name text) FROM PUBLIC;
GRANT ALL ON FUNCTION retail.likened_product(name text) TO store_managers;
GRANT ALL ON FUNCTION retail.likened_product(name text) TO regional_managers;
GRANT ALL ON FUNCTION retail.likened_product(name text) TO head_office;

--
-- Name: FUNCTION rank_products(question jsonb, available uuid[], near_ids uuid[], near_distances double precision[]); Type: ACL; Schema: retail; Owner: zava_owner
--

REVOKE ALL ON FUNCTION retail.rank_products(question jsonb, available uuid[], near_ids uuid[], near_distances double precision[]) FROM PUBLIC;
GRANT ALL ON FUNCTION retail.rank_products(question jsonb, available uuid[], near_ids uuid[], near_distances double precision[]) TO store_managers;
GRANT ALL ON FUNCTION retail.rank_products(question jsonb, available uuid[], near_ids uuid[], near_distances double precision[]) TO regional_managers;
GRANT ALL ON FUNCTION retail.rank_products(question jsonb, available uuid[], near_ids uuid[], near_distances double precision[]) TO head_office;

--
-- Name: FUNCTION touch(); Type: ACL; Schema: retail; Owner: zava_owner
--

REVOKE ALL ON FUNCTION retail.touch() FROM PUBLIC;

--
-- Name: FUNCTION words_of(text text); Type: ACL; Schema: retail; Owner: zava_owner
--

REVOKE ALL ON FUNCTION retail.words_of(text text) FROM PUBLIC;
GRANT ALL ON FUNCTION retail.words_of(text text) TO store_managers;
GRANT ALL ON FUNCTION retail.words_of(text text) TO regional_managers;
GRANT ALL ON FUNCTION retail.words_of(text text) TO head_office;

--
-- Name: FUNCTION admit(tenant uuid, person uuid, nonce uuid, is_searched boolean, calls_at_once integer, calls_per_minute bigint, milliseconds_per_hour double precision, unwritten_calls bigint, unwritten_milliseconds double precision); Type: ACL; Schema: zava; Owner: zava_context
--

REVOKE ALL ON FUNCTION zava.admit(tenant uuid, person uuid, nonce uuid, is_searched boolean, calls_at_once integer, calls_per_minute bigint, milliseconds_per_hour double precision, unwritten_calls bigint, unwritten_milliseconds double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION zava.admit(tenant uuid, person uuid, nonce uuid, is_searched boolean, calls_at_once integer, calls_per_minute bigint, milliseconds_per_hour double precision, unwritten_calls bigint, unwritten_milliseconds double precision) TO zava_server;

--
-- Name: TABLE audit_log; Type: ACL; Schema: zava; Owner: zava_context
--

REVOKE ALL ON TABLE zava.audit_log FROM zava_context;
GRANT INSERT ON TABLE zava.audit_log TO zava_recorder;
GRANT SELECT ON TABLE zava.audit_log TO zava_audit;
GRANT SELECT,DELETE ON TABLE zava.audit_log TO zava_retention;

--
-- Name: TABLE change_log; Type: ACL; Schema: zava; Owner: zava_context
--

REVOKE ALL ON TABLE zava.change_log FROM zava_context;
GRANT INSERT ON TABLE zava.change_log TO zava_recorder;
GRANT SELECT ON TABLE zava.change_log TO zava_audit;
GRANT INSERT ON TABLE zava.change_log TO zava_retention;

--
-- Name: COLUMN principals.tenant_id; Type: ACL; Schema: zava; Owner: zava_context
--

GRANT SELECT(tenant_id) ON TABLE zava.principals TO zava_audit;

--
-- Name: COLUMN principals.object_id; Type: ACL; Schema: zava; Owner: zava_context
--

GRANT SELECT(object_id) ON TABLE zava.principals TO zava_audit;

--
-- Name: COLUMN principals.display_name; Type: ACL; Schema: zava; Owner: zava_context
--

GRANT SELECT(display_name) ON TABLE zava.principals TO zava_audit;

--
-- Name: FUNCTION audited(hours integer, ended text); Type: ACL; Schema: zava; Owner: zava_audit
--

REVOKE ALL ON FUNCTION zava.audited(hours integer, ended text) FROM PUBLIC;
GRANT ALL ON FUNCTION zava.audited(hours integer, ended text) TO zava_context;

--
-- Name: FUNCTION my_store(reader name); Type: ACL; Schema: zava; Owner: zava_context
--

REVOKE ALL ON FUNCTION zava.my_store(reader name) FROM PUBLIC;
GRANT ALL ON FUNCTION zava.my_store(reader name) TO store_managers;
GRANT ALL ON FUNCTION zava.my_store(reader name) TO zava_chain;

--
-- Name: FUNCTION my_stores(reader name); Type: ACL; Schema: zava; Owner: zava_context
--

REVOKE ALL ON FUNCTION zava.my_stores(reader name) FROM PUBLIC;
GRANT ALL ON FUNCTION zava.my_stores(reader name) TO regional_managers;
GRANT ALL ON FUNCTION zava.my_stores(reader name) TO head_office;
GRANT ALL ON FUNCTION zava.my_stores(reader name) TO zava_chain;

--
-- Name: TABLE chain; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE retail.chain TO zava_loader;

--
-- Name: COLUMN chain.reporting_currency; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT(reporting_currency) ON TABLE retail.chain TO zava_chain;

--
-- Name: TABLE exchange_rates; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT ON TABLE retail.exchange_rates TO store_managers;
GRANT SELECT ON TABLE retail.exchange_rates TO regional_managers;
GRANT SELECT ON TABLE retail.exchange_rates TO head_office;
GRANT SELECT ON TABLE retail.exchange_rates TO zava_chain;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE retail.exchange_rates TO zava_loader;

--
-- Name: TABLE order_items; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE retail.order_items TO zava_loader;
GRANT SELECT ON TABLE retail.order_items TO regional_managers;
GRANT SELECT ON TABLE retail.order_items TO head_office;
GRANT SELECT ON TABLE retail.order_items TO store_managers;

--
-- Name: COLUMN order_items.store_id; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT(store_id) ON TABLE retail.order_items TO zava_chain;

--
-- Name: COLUMN order_items.order_id; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT(order_id) ON TABLE retail.order_items TO zava_chain;

--
-- Name: COLUMN order_items.quantity; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT(quantity) ON TABLE retail.order_items TO zava_chain;

--
-- Name: COLUMN order_items.unit_price; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT(unit_price) ON TABLE retail.order_items TO zava_chain;

--
-- Name: COLUMN order_items.discount_amount; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT(discount_amount) ON TABLE retail.order_items TO zava_chain;

--
-- Name: TABLE orders; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE retail.orders TO zava_loader;
GRANT SELECT ON TABLE retail.orders TO regional_managers;
GRANT SELECT ON TABLE retail.orders TO head_office;
GRANT SELECT ON TABLE retail.orders TO store_managers;

--
-- Name: COLUMN orders.store_id; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT(store_id) ON TABLE retail.orders TO zava_chain;

--
-- Name: COLUMN orders.order_id; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT(order_id) ON TABLE retail.orders TO zava_chain;

--
-- Name: COLUMN orders.customer_id; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT(customer_id) ON TABLE retail.orders TO zava_chain;

--
-- Name: COLUMN orders.order_date; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT(order_date) ON TABLE retail.orders TO zava_chain;

--
-- Name: COLUMN orders.status; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT(status) ON TABLE retail.orders TO zava_chain;

--
-- Name: COLUMN orders.total_amount; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT(total_amount) ON TABLE retail.orders TO zava_chain;

--
-- Name: COLUMN orders.is_return; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT(is_return) ON TABLE retail.orders TO zava_chain;

--
-- Name: TABLE stores; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE retail.stores TO zava_loader;
GRANT SELECT ON TABLE retail.stores TO regional_managers;
GRANT SELECT ON TABLE retail.stores TO head_office;
GRANT SELECT ON TABLE retail.stores TO store_managers;
GRANT SELECT ON TABLE retail.stores TO zava_chain;

--
-- Name: TABLE day_marks; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE zava.day_marks TO zava_loader;

--
-- Name: COLUMN day_marks.store_id; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT(store_id) ON TABLE zava.day_marks TO store_managers;
GRANT SELECT(store_id) ON TABLE zava.day_marks TO regional_managers;
GRANT SELECT(store_id) ON TABLE zava.day_marks TO head_office;
GRANT SELECT(store_id) ON TABLE zava.day_marks TO zava_chain;

--
-- Name: COLUMN day_marks.day; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT(day) ON TABLE zava.day_marks TO store_managers;
GRANT SELECT(day) ON TABLE zava.day_marks TO regional_managers;
GRANT SELECT(day) ON TABLE zava.day_marks TO head_office;
GRANT SELECT(day) ON TABLE zava.day_marks TO zava_chain;

--
-- Name: COLUMN day_marks.month; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT(month) ON TABLE zava.day_marks TO store_managers;
GRANT SELECT(month) ON TABLE zava.day_marks TO regional_managers;
GRANT SELECT(month) ON TABLE zava.day_marks TO head_office;

--
-- Name: COLUMN day_marks.zone; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT(zone) ON TABLE zava.day_marks TO store_managers;
GRANT SELECT(zone) ON TABLE zava.day_marks TO regional_managers;
GRANT SELECT(zone) ON TABLE zava.day_marks TO head_office;
GRANT SELECT(zone) ON TABLE zava.day_marks TO zava_chain;

--
-- Name: TABLE store_days; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE zava.store_days TO zava_loader;
GRANT SELECT ON TABLE zava.store_days TO store_managers;
GRANT SELECT ON TABLE zava.store_days TO regional_managers;
GRANT SELECT ON TABLE zava.store_days TO head_office;

--
-- Name: COLUMN store_days.store_id; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT(store_id) ON TABLE zava.store_days TO zava_chain;

--
-- Name: COLUMN store_days.day; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT(day) ON TABLE zava.store_days TO zava_chain;

--
-- Name: COLUMN store_days.counted; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT(counted) ON TABLE zava.store_days TO zava_chain;

--
-- Name: COLUMN store_days.orders; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT(orders) ON TABLE zava.store_days TO zava_chain;

--
-- Name: COLUMN store_days.revenue; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT(revenue) ON TABLE zava.store_days TO zava_chain;

--
-- Name: COLUMN store_days.placed; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT(placed) ON TABLE zava.store_days TO zava_chain;

--
-- Name: COLUMN store_days.refunded; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT(refunded) ON TABLE zava.store_days TO zava_chain;

--
-- Name: COLUMN store_days.lines; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT(lines) ON TABLE zava.store_days TO zava_chain;

--
-- Name: COLUMN store_days.units; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT(units) ON TABLE zava.store_days TO zava_chain;

--
-- Name: COLUMN store_days.gross_sales; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT(gross_sales) ON TABLE zava.store_days TO zava_chain;

--
-- Name: COLUMN store_days.discounts; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT(discounts) ON TABLE zava.store_days TO zava_chain;

--
-- Name: TABLE current_days; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT ON TABLE zava.current_days TO store_managers;
GRANT SELECT ON TABLE zava.current_days TO regional_managers;
GRANT SELECT ON TABLE zava.current_days TO head_office;

--
-- Name: COLUMN current_days.store_id; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT(store_id) ON TABLE zava.current_days TO zava_chain;

--
-- Name: COLUMN current_days.day; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT(day) ON TABLE zava.current_days TO zava_chain;

--
-- Name: COLUMN current_days.counted; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT(counted) ON TABLE zava.current_days TO zava_chain;

--
-- Name: COLUMN current_days.orders; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT(orders) ON TABLE zava.current_days TO zava_chain;

--
-- Name: COLUMN current_days.revenue; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT(revenue) ON TABLE zava.current_days TO zava_chain;

--
-- Name: TABLE current_line_days; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT ON TABLE zava.current_line_days TO store_managers;
GRANT SELECT ON TABLE zava.current_line_days TO regional_managers;
GRANT SELECT ON TABLE zava.current_line_days TO head_office;

--
-- Name: COLUMN current_line_days.store_id; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT(store_id) ON TABLE zava.current_line_days TO zava_chain;

--
-- Name: COLUMN current_line_days.day; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT(day) ON TABLE zava.current_line_days TO zava_chain;

--
-- Name: COLUMN current_line_days.lines; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT(lines) ON TABLE zava.current_line_days TO zava_chain;

--
-- Name: COLUMN current_line_days.units; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT(units) ON TABLE zava.current_line_days TO zava_chain;

--
-- Name: COLUMN current_line_days.gross_sales; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT(gross_sales) ON TABLE zava.current_line_days TO zava_chain;

--
-- Name: COLUMN current_line_days.discounts; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT(discounts) ON TABLE zava.current_line_days TO zava_chain;

--
-- Name: FUNCTION chain_quartiles(p_metric text, p_start date, p_end date); Type: ACL; Schema: zava; Owner: zava_chain
--

REVOKE ALL ON FUNCTION zava.chain_quartiles(p_metric text, p_start date, p_end date) FROM PUBLIC;
GRANT ALL ON FUNCTION zava.chain_quartiles(p_metric text, p_start date, p_end date) TO store_managers;
GRANT ALL ON FUNCTION zava.chain_quartiles(p_metric text, p_start date, p_end date) TO regional_managers;
GRANT ALL ON FUNCTION zava.chain_quartiles(p_metric text, p_start date, p_end date) TO head_office;

--
-- Name: FUNCTION charge(entries jsonb); Type: ACL; Schema: zava; Owner: zava_context
--

REVOKE ALL ON FUNCTION zava.charge(entries jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION zava.charge(entries jsonb) TO zava_server;

--
-- Name: FUNCTION forget_loaded(); Type: ACL; Schema: zava; Owner: zava_context
--

REVOKE ALL ON FUNCTION zava.forget_loaded() FROM PUBLIC;
GRANT ALL ON FUNCTION zava.forget_loaded() TO zava_owner;

--
-- Name: FUNCTION forget_questions(texts text[], is_rehearsal boolean); Type: ACL; Schema: zava; Owner: zava_context
--

REVOKE ALL ON FUNCTION zava.forget_questions(texts text[], is_rehearsal boolean) FROM PUBLIC;

--
-- Name: FUNCTION newest_orders(p_stores uuid[]); Type: ACL; Schema: zava; Owner: zava_chain
--

REVOKE ALL ON FUNCTION zava.newest_orders(p_stores uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION zava.newest_orders(p_stores uuid[]) TO zava_context;

--
-- Name: FUNCTION hours_without_orders(); Type: ACL; Schema: zava; Owner: zava_context
--

REVOKE ALL ON FUNCTION zava.hours_without_orders() FROM PUBLIC;
GRANT ALL ON FUNCTION zava.hours_without_orders() TO zava_server;

--
-- Name: FUNCTION keep_questions(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, change text); Type: ACL; Schema: zava; Owner: zava_context
--

REVOKE ALL ON FUNCTION zava.keep_questions(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, change text) FROM PUBLIC;
GRANT ALL ON FUNCTION zava.keep_questions(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, change text) TO zava_server;

--
-- Name: TABLE import_runs; Type: ACL; Schema: zava; Owner: zava_context
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE zava.import_runs TO zava_loader;

--
-- Name: FUNCTION last_imports(); Type: ACL; Schema: zava; Owner: zava_context
--

REVOKE ALL ON FUNCTION zava.last_imports() FROM PUBLIC;
GRANT ALL ON FUNCTION zava.last_imports() TO head_office;

--
-- Name: FUNCTION list_currency(); Type: ACL; Schema: zava; Owner: zava_chain
--

REVOKE ALL ON FUNCTION zava.list_currency() FROM PUBLIC;
GRANT ALL ON FUNCTION zava.list_currency() TO store_managers;
GRANT ALL ON FUNCTION zava.list_currency() TO regional_managers;
GRANT ALL ON FUNCTION zava.list_currency() TO head_office;

--
-- Name: FUNCTION log_change(); Type: ACL; Schema: zava; Owner: zava_recorder
--

REVOKE ALL ON FUNCTION zava.log_change() FROM PUBLIC;
GRANT ALL ON FUNCTION zava.log_change() TO zava_context;

--
-- Name: FUNCTION mark_all(); Type: ACL; Schema: zava; Owner: zava_loader
--

REVOKE ALL ON FUNCTION zava.mark_all() FROM PUBLIC;
GRANT ALL ON FUNCTION zava.mark_all() TO zava_owner;

--
-- Name: FUNCTION mark_everything(); Type: ACL; Schema: zava; Owner: zava_loader
--

REVOKE ALL ON FUNCTION zava.mark_everything() FROM PUBLIC;

--
-- Name: FUNCTION mark_lines(); Type: ACL; Schema: zava; Owner: zava_context
--

REVOKE ALL ON FUNCTION zava.mark_lines() FROM PUBLIC;
GRANT ALL ON FUNCTION zava.mark_lines() TO zava_owner;

--
-- Name: FUNCTION mark_moved_store(); Type: ACL; Schema: zava; Owner: zava_loader
--

REVOKE ALL ON FUNCTION zava.mark_moved_store() FROM PUBLIC;
GRANT ALL ON FUNCTION zava.mark_moved_store() TO zava_owner;

--
-- Name: FUNCTION mark_orders(); Type: ACL; Schema: zava; Owner: zava_context
--

REVOKE ALL ON FUNCTION zava.mark_orders() FROM PUBLIC;
GRANT ALL ON FUNCTION zava.mark_orders() TO zava_owner;

--
-- Name: FUNCTION note_change(); Type: ACL; Schema: zava; Owner: zava_context
--

REVOKE ALL ON FUNCTION zava.note_change() FROM PUBLIC;
GRANT ALL ON FUNCTION zava.note_change() TO zava_owner;

--
-- Name: FUNCTION note_place(); Type: ACL; Schema: zava; Owner: zava_loader
--

REVOKE ALL ON FUNCTION zava.note_place() FROM PUBLIC;
GRANT ALL ON FUNCTION zava.note_place() TO zava_owner;

--
-- Name: FUNCTION standby_lag(); Type: ACL; Schema: zava; Owner: zava_context
--

REVOKE ALL ON FUNCTION zava.standby_lag() FROM PUBLIC;
GRANT ALL ON FUNCTION zava.standby_lag() TO zava_server;

--
-- Name: FUNCTION open_context(runner name, key_id integer, tenant uuid, person uuid, expires bigint, nonce uuid, mac bytea, statement text, params text); Type: ACL; Schema: zava; Owner: zava_context
--

REVOKE ALL ON FUNCTION zava.open_context(runner name, key_id integer, tenant uuid, person uuid, expires bigint, nonce uuid, mac bytea, statement text, params text) FROM PUBLIC;
GRANT ALL ON FUNCTION zava.open_context(runner name, key_id integer, tenant uuid, person uuid, expires bigint, nonce uuid, mac bytea, statement text, params text) TO store_managers;
GRANT ALL ON FUNCTION zava.open_context(runner name, key_id integer, tenant uuid, person uuid, expires bigint, nonce uuid, mac bytea, statement text, params text) TO regional_managers;
GRANT ALL ON FUNCTION zava.open_context(runner name, key_id integer, tenant uuid, person uuid, expires bigint, nonce uuid, mac bytea, statement text, params text) TO head_office;

--
-- Name: FUNCTION operator_page(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, asked text); Type: ACL; Schema: zava; Owner: zava_context
--

REVOKE ALL ON FUNCTION zava.operator_page(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, asked text) FROM PUBLIC;
GRANT ALL ON FUNCTION zava.operator_page(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, asked text) TO zava_server;

--
-- Name: FUNCTION pad(key bytea, fill integer); Type: ACL; Schema: zava; Owner: zava_context
--

REVOKE ALL ON FUNCTION zava.pad(key bytea, fill integer) FROM PUBLIC;

--
-- Name: FUNCTION plan_shape(plan json); Type: ACL; Schema: zava; Owner: zava_context
--

REVOKE ALL ON FUNCTION zava.plan_shape(plan json) FROM PUBLIC;
GRANT ALL ON FUNCTION zava.plan_shape(plan json) TO store_managers;
GRANT ALL ON FUNCTION zava.plan_shape(plan json) TO regional_managers;
GRANT ALL ON FUNCTION zava.plan_shape(plan json) TO head_office;

--
-- Name: FUNCTION proof(content text); Type: ACL; Schema: zava; Owner: zava_context
--

REVOKE ALL ON FUNCTION zava.proof(content text) FROM PUBLIC;

--
-- Name: FUNCTION record_calls(entries jsonb); Type: ACL; Schema: zava; Owner: zava_recorder
--

REVOKE ALL ON FUNCTION zava.record_calls(entries jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION zava.record_calls(entries jsonb) TO zava_server;

--
-- Name: FUNCTION refresh_sums(p_customers integer, p_months integer); Type: ACL; Schema: zava; Owner: zava_loader
--

REVOKE ALL ON FUNCTION zava.refresh_sums(p_customers integer, p_months integer) FROM PUBLIC;
GRANT ALL ON FUNCTION zava.refresh_sums(p_customers integer, p_months integer) TO zava_server;

--
-- Name: FUNCTION refuse_own_mark(); Type: ACL; Schema: zava; Owner: zava_context
--

REVOKE ALL ON FUNCTION zava.refuse_own_mark() FROM PUBLIC;
GRANT ALL ON FUNCTION zava.refuse_own_mark() TO zava_owner;

--
-- Name: FUNCTION remove_records(keep_days integer, is_rehearsal boolean); Type: ACL; Schema: zava; Owner: zava_retention
--

REVOKE ALL ON FUNCTION zava.remove_records(keep_days integer, is_rehearsal boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION zava.remove_records(keep_days integer, is_rehearsal boolean) TO zava_context;

--
-- Name: FUNCTION rows_as_text(statement text, columns integer); Type: ACL; Schema: zava; Owner: zava_context
--

REVOKE ALL ON FUNCTION zava.rows_as_text(statement text, columns integer) FROM PUBLIC;
GRANT ALL ON FUNCTION zava.rows_as_text(statement text, columns integer) TO store_managers;
GRANT ALL ON FUNCTION zava.rows_as_text(statement text, columns integer) TO regional_managers;
GRANT ALL ON FUNCTION zava.rows_as_text(statement text, columns integer) TO head_office;

--
-- Name: FUNCTION run_head_office(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text, p_max_rows integer, p_max_bytes bigint, p_columns integer); Type: ACL; Schema: zava; Owner: head_office
--

REVOKE ALL ON FUNCTION zava.run_head_office(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text, p_max_rows integer, p_max_bytes bigint, p_columns integer) FROM PUBLIC;
GRANT ALL ON FUNCTION zava.run_head_office(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text, p_max_rows integer, p_max_bytes bigint, p_columns integer) TO zava_server;

--
-- Name: FUNCTION run_head_office_personal(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text, p_max_rows integer, p_max_bytes bigint, p_columns integer); Type: ACL; Schema: zava; Owner: head_office_personal
--

REVOKE ALL ON FUNCTION zava.run_head_office_personal(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text, p_max_rows integer, p_max_bytes bigint, p_columns integer) FROM PUBLIC;
GRANT ALL ON FUNCTION zava.run_head_office_personal(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text, p_max_rows integer, p_max_bytes bigint, p_columns integer) TO zava_server;

--
-- Name: FUNCTION run_regional_managers(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text, p_max_rows integer, p_max_bytes bigint, p_columns integer); Type: ACL; Schema: zava; Owner: regional_managers
--

REVOKE ALL ON FUNCTION zava.run_regional_managers(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text, p_max_rows integer, p_max_bytes bigint, p_columns integer) FROM PUBLIC;
GRANT ALL ON FUNCTION zava.run_regional_managers(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text, p_max_rows integer, p_max_bytes bigint, p_columns integer) TO zava_server;

--
-- Name: FUNCTION run_regional_managers_personal(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text, p_max_rows integer, p_max_bytes bigint, p_columns integer); Type: ACL; Schema: zava; Owner: regional_managers_personal
--

REVOKE ALL ON FUNCTION zava.run_regional_managers_personal(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text, p_max_rows integer, p_max_bytes bigint, p_columns integer) FROM PUBLIC;
GRANT ALL ON FUNCTION zava.run_regional_managers_personal(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text, p_max_rows integer, p_max_bytes bigint, p_columns integer) TO zava_server;

--
-- Name: FUNCTION run_store_managers(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text, p_max_rows integer, p_max_bytes bigint, p_columns integer); Type: ACL; Schema: zava; Owner: store_managers
--

REVOKE ALL ON FUNCTION zava.run_store_managers(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text, p_max_rows integer, p_max_bytes bigint, p_columns integer) FROM PUBLIC;
GRANT ALL ON FUNCTION zava.run_store_managers(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text, p_max_rows integer, p_max_bytes bigint, p_columns integer) TO zava_server;

--
-- Name: FUNCTION run_store_managers_personal(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text, p_max_rows integer, p_max_bytes bigint, p_columns integer); Type: ACL; Schema: zava; Owner: store_managers_personal
--

REVOKE ALL ON FUNCTION zava.run_store_managers_personal(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text, p_max_rows integer, p_max_bytes bigint, p_columns integer) FROM PUBLIC;
GRANT ALL ON FUNCTION zava.run_store_managers_personal(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text, p_max_rows integer, p_max_bytes bigint, p_columns integer) TO zava_server;

--
-- Name: FUNCTION scope(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea); Type: ACL; Schema: zava; Owner: zava_context
--

REVOKE ALL ON FUNCTION zava.scope(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION zava.scope(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea) TO zava_server;

--
-- Name: FUNCTION scope_of_data(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea); Type: ACL; Schema: zava; Owner: zava_context
--

REVOKE ALL ON FUNCTION zava.scope_of_data(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION zava.scope_of_data(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea) TO zava_server;

--
-- Name: FUNCTION sign_in(step text, id uuid, given text, following text, tenant uuid, person uuid, client text, seconds integer); Type: ACL; Schema: zava; Owner: zava_context
--

REVOKE ALL ON FUNCTION zava.sign_in(step text, id uuid, given text, following text, tenant uuid, person uuid, client text, seconds integer) FROM PUBLIC;
GRANT ALL ON FUNCTION zava.sign_in(step text, id uuid, given text, following text, tenant uuid, person uuid, client text, seconds integer) TO zava_server;

--
-- Name: FUNCTION store_count(); Type: ACL; Schema: zava; Owner: zava_chain
--

REVOKE ALL ON FUNCTION zava.store_count() FROM PUBLIC;
GRANT ALL ON FUNCTION zava.store_count() TO store_managers;
GRANT ALL ON FUNCTION zava.store_count() TO regional_managers;
GRANT ALL ON FUNCTION zava.store_count() TO head_office;

--
-- Name: FUNCTION store_places(p_stores uuid[]); Type: ACL; Schema: zava; Owner: zava_chain
--

REVOKE ALL ON FUNCTION zava.store_places(p_stores uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION zava.store_places(p_stores uuid[]) TO zava_context;

--
-- Name: FUNCTION used(tenant uuid, person uuid); Type: ACL; Schema: zava; Owner: zava_context
--

REVOKE ALL ON FUNCTION zava.used(tenant uuid, person uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION zava.used(tenant uuid, person uuid) TO zava_server;

--
-- Name: FUNCTION weigh_head_office(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text); Type: ACL; Schema: zava; Owner: head_office
--

REVOKE ALL ON FUNCTION zava.weigh_head_office(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text) FROM PUBLIC;
GRANT ALL ON FUNCTION zava.weigh_head_office(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text) TO zava_server;

--
-- Name: FUNCTION weigh_head_office_personal(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text); Type: ACL; Schema: zava; Owner: head_office_personal
--

REVOKE ALL ON FUNCTION zava.weigh_head_office_personal(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text) FROM PUBLIC;
GRANT ALL ON FUNCTION zava.weigh_head_office_personal(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text) TO zava_server;

--
-- Name: FUNCTION weigh_regional_managers(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text); Type: ACL; Schema: zava; Owner: regional_managers
--

REVOKE ALL ON FUNCTION zava.weigh_regional_managers(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text) FROM PUBLIC;
GRANT ALL ON FUNCTION zava.weigh_regional_managers(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text) TO zava_server;

--
-- Name: FUNCTION weigh_regional_managers_personal(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text); Type: ACL; Schema: zava; Owner: regional_managers_personal
--

REVOKE ALL ON FUNCTION zava.weigh_regional_managers_personal(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text) FROM PUBLIC;
GRANT ALL ON FUNCTION zava.weigh_regional_managers_personal(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text) TO zava_server;

--
-- Name: FUNCTION weigh_store_managers(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text); Type: ACL; Schema: zava; Owner: store_managers
--

REVOKE ALL ON FUNCTION zava.weigh_store_managers(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text) FROM PUBLIC;
GRANT ALL ON FUNCTION zava.weigh_store_managers(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text) TO zava_server;

--
-- Name: FUNCTION weigh_store_managers_personal(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text); Type: ACL; Schema: zava; Owner: store_managers_personal
--

REVOKE ALL ON FUNCTION zava.weigh_store_managers_personal(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text) FROM PUBLIC;
GRANT ALL ON FUNCTION zava.weigh_store_managers_personal(p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, p_statement text, p_params text) TO zava_server;

--
-- Name: FUNCTION working(nonces uuid[]); Type: ACL; Schema: zava; Owner: zava_context
--

REVOKE ALL ON FUNCTION zava.working(nonces uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION zava.working(nonces uuid[]) TO zava_server;

--
-- Name: TABLE categories; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE retail.categories TO zava_loader;
GRANT SELECT ON TABLE retail.categories TO regional_managers;
GRANT SELECT ON TABLE retail.categories TO head_office;
GRANT SELECT ON TABLE retail.categories TO store_managers;

--
-- Name: TABLE customer_persons; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE retail.customer_persons TO zava_loader;
GRANT SELECT ON TABLE retail.customer_persons TO head_office_personal;

--
-- Name: TABLE customers; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE retail.customers TO zava_loader;

--
-- Name: COLUMN customers.store_id; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT(store_id) ON TABLE retail.customers TO store_managers;
GRANT SELECT(store_id) ON TABLE retail.customers TO regional_managers;
GRANT SELECT(store_id) ON TABLE retail.customers TO head_office;

--
-- Name: COLUMN customers.customer_id; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT(customer_id) ON TABLE retail.customers TO store_managers;
GRANT SELECT(customer_id) ON TABLE retail.customers TO regional_managers;
GRANT SELECT(customer_id) ON TABLE retail.customers TO head_office;

--
-- Name: COLUMN customers.first_name; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT(first_name) ON TABLE retail.customers TO store_managers_personal;
GRANT SELECT(first_name) ON TABLE retail.customers TO regional_managers_personal;
GRANT SELECT(first_name) ON TABLE retail.customers TO head_office_personal;

--
-- Name: COLUMN customers.last_name; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT(last_name) ON TABLE retail.customers TO store_managers_personal;
GRANT SELECT(last_name) ON TABLE retail.customers TO regional_managers_personal;
GRANT SELECT(last_name) ON TABLE retail.customers TO head_office_personal;

--
-- Name: COLUMN customers.email; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT(email) ON TABLE retail.customers TO store_managers_personal;
GRANT SELECT(email) ON TABLE retail.customers TO regional_managers_personal;
GRANT SELECT(email) ON TABLE retail.customers TO head_office_personal;

--
-- Name: COLUMN customers.phone; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT(phone) ON TABLE retail.customers TO store_managers_personal;
GRANT SELECT(phone) ON TABLE retail.customers TO regional_managers_personal;
GRANT SELECT(phone) ON TABLE retail.customers TO head_office_personal;

--
-- Name: COLUMN customers.created_at; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT(created_at) ON TABLE retail.customers TO store_managers;
GRANT SELECT(created_at) ON TABLE retail.customers TO regional_managers;
GRANT SELECT(created_at) ON TABLE retail.customers TO head_office;

--
-- Name: TABLE embedding_models; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE retail.embedding_models TO zava_loader;
GRANT SELECT ON TABLE retail.embedding_models TO regional_managers;
GRANT SELECT ON TABLE retail.embedding_models TO head_office;
GRANT SELECT ON TABLE retail.embedding_models TO store_managers;

--
-- Name: TABLE inventory; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE retail.inventory TO zava_loader;
GRANT SELECT ON TABLE retail.inventory TO regional_managers;
GRANT SELECT ON TABLE retail.inventory TO head_office;
GRANT SELECT ON TABLE retail.inventory TO store_managers;

--
-- Name: TABLE product_embeddings; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE retail.product_embeddings TO zava_loader;
GRANT SELECT ON TABLE retail.product_embeddings TO regional_managers;
GRANT SELECT ON TABLE retail.product_embeddings TO head_office;
GRANT SELECT ON TABLE retail.product_embeddings TO store_managers;

--
-- Name: TABLE product_prices; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE retail.product_prices TO zava_loader;
GRANT SELECT ON TABLE retail.product_prices TO regional_managers;
GRANT SELECT ON TABLE retail.product_prices TO head_office;

--
-- Name: TABLE product_suppliers; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE retail.product_suppliers TO zava_loader;
GRANT SELECT ON TABLE retail.product_suppliers TO store_managers;
GRANT SELECT ON TABLE retail.product_suppliers TO regional_managers;
GRANT SELECT ON TABLE retail.product_suppliers TO head_office;

--
-- Name: TABLE product_types; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE retail.product_types TO zava_loader;
GRANT SELECT ON TABLE retail.product_types TO regional_managers;
GRANT SELECT ON TABLE retail.product_types TO head_office;
GRANT SELECT ON TABLE retail.product_types TO store_managers;

--
-- Name: TABLE product_words; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE retail.product_words TO zava_loader;
GRANT SELECT ON TABLE retail.product_words TO store_managers;
GRANT SELECT ON TABLE retail.product_words TO regional_managers;
GRANT SELECT ON TABLE retail.product_words TO head_office;

--
-- Name: TABLE promotion_products; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE retail.promotion_products TO zava_loader;
GRANT SELECT ON TABLE retail.promotion_products TO store_managers;
GRANT SELECT ON TABLE retail.promotion_products TO regional_managers;
GRANT SELECT ON TABLE retail.promotion_products TO head_office;

--
-- Name: TABLE promotions; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE retail.promotions TO zava_loader;
GRANT SELECT ON TABLE retail.promotions TO store_managers;
GRANT SELECT ON TABLE retail.promotions TO regional_managers;
GRANT SELECT ON TABLE retail.promotions TO head_office;

--
-- Name: TABLE store_targets; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE retail.store_targets TO zava_loader;
GRANT SELECT ON TABLE retail.store_targets TO store_managers;
GRANT SELECT ON TABLE retail.store_targets TO regional_managers;
GRANT SELECT ON TABLE retail.store_targets TO head_office;

--
-- Name: TABLE suppliers; Type: ACL; Schema: retail; Owner: zava_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE retail.suppliers TO zava_loader;
GRANT SELECT ON TABLE retail.suppliers TO store_managers;
GRANT SELECT ON TABLE retail.suppliers TO regional_managers;
GRANT SELECT ON TABLE retail.suppliers TO head_office;

--
-- Name: TABLE canary; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT ON TABLE zava.canary TO store_managers;
GRANT SELECT ON TABLE zava.canary TO regional_managers;
GRANT SELECT ON TABLE zava.canary TO head_office;
GRANT SELECT,INSERT ON TABLE zava.canary TO zava_loader;

--
-- Name: TABLE customer_marks; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE zava.customer_marks TO zava_loader;

--
-- Name: COLUMN customer_marks.store_id; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT(store_id) ON TABLE zava.customer_marks TO store_managers;
GRANT SELECT(store_id) ON TABLE zava.customer_marks TO regional_managers;
GRANT SELECT(store_id) ON TABLE zava.customer_marks TO head_office;

--
-- Name: COLUMN customer_marks.customer_id; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT(customer_id) ON TABLE zava.customer_marks TO store_managers;
GRANT SELECT(customer_id) ON TABLE zava.customer_marks TO regional_managers;
GRANT SELECT(customer_id) ON TABLE zava.customer_marks TO head_office;

--
-- Name: COLUMN customer_marks.zone; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT(zone) ON TABLE zava.customer_marks TO store_managers;
GRANT SELECT(zone) ON TABLE zava.customer_marks TO regional_managers;
GRANT SELECT(zone) ON TABLE zava.customer_marks TO head_office;

--
-- Name: TABLE customer_totals; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE zava.customer_totals TO zava_loader;
GRANT SELECT ON TABLE zava.customer_totals TO store_managers;
GRANT SELECT ON TABLE zava.customer_totals TO regional_managers;
GRANT SELECT ON TABLE zava.customer_totals TO head_office;

--
-- Name: TABLE new_customer_days; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE zava.new_customer_days TO zava_loader;
GRANT SELECT ON TABLE zava.new_customer_days TO store_managers;
GRANT SELECT ON TABLE zava.new_customer_days TO regional_managers;
GRANT SELECT ON TABLE zava.new_customer_days TO head_office;

--
-- Name: TABLE current_first_days; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT ON TABLE zava.current_first_days TO store_managers;
GRANT SELECT ON TABLE zava.current_first_days TO regional_managers;
GRANT SELECT ON TABLE zava.current_first_days TO head_office;

--
-- Name: TABLE current_first_purchases; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT ON TABLE zava.current_first_purchases TO store_managers;
GRANT SELECT ON TABLE zava.current_first_purchases TO regional_managers;
GRANT SELECT ON TABLE zava.current_first_purchases TO head_office;

--
-- Name: TABLE month_customers; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE zava.month_customers TO zava_loader;
GRANT SELECT ON TABLE zava.month_customers TO store_managers;
GRANT SELECT ON TABLE zava.month_customers TO regional_managers;
GRANT SELECT ON TABLE zava.month_customers TO head_office;

--
-- Name: TABLE unnumbered_customers; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT ON TABLE zava.unnumbered_customers TO store_managers;
GRANT SELECT ON TABLE zava.unnumbered_customers TO regional_managers;
GRANT SELECT ON TABLE zava.unnumbered_customers TO head_office;

--
-- Name: TABLE customer_widths; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT ON TABLE zava.customer_widths TO store_managers;
GRANT SELECT ON TABLE zava.customer_widths TO regional_managers;
GRANT SELECT ON TABLE zava.customer_widths TO head_office;

--
-- Name: TABLE numbered_orders; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT ON TABLE zava.numbered_orders TO store_managers;
GRANT SELECT ON TABLE zava.numbered_orders TO regional_managers;
GRANT SELECT ON TABLE zava.numbered_orders TO head_office;

--
-- Name: TABLE current_month_customers; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT ON TABLE zava.current_month_customers TO store_managers;
GRANT SELECT ON TABLE zava.current_month_customers TO regional_managers;
GRANT SELECT ON TABLE zava.current_month_customers TO head_office;

--
-- Name: TABLE product_months; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE zava.product_months TO zava_loader;
GRANT SELECT ON TABLE zava.product_months TO store_managers;
GRANT SELECT ON TABLE zava.product_months TO regional_managers;
GRANT SELECT ON TABLE zava.product_months TO head_office;

--
-- Name: TABLE current_product_months; Type: ACL; Schema: zava; Owner: zava_owner
--

GRANT SELECT ON TABLE zava.current_product_months TO store_managers;
GRANT SELECT ON TABLE zava.current_product_months TO regional_managers;
GRANT SELECT ON TABLE zava.current_product_months TO head_office;

--
-- Name: TABLE data_changes; Type: ACL; Schema: zava; Owner: zava_context
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE zava.data_changes TO zava_owner;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE zava.data_changes TO zava_loader;

--
-- Name: TABLE demo_data; Type: ACL; Schema: zava; Owner: zava_context
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE zava.demo_data TO zava_loader;

--
-- Name: TABLE erasures; Type: ACL; Schema: zava; Owner: zava_context
--

GRANT INSERT ON TABLE zava.erasures TO zava_loader;

--
-- Name: TABLE orders_loaded; Type: ACL; Schema: zava; Owner: zava_context
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE zava.orders_loaded TO zava_owner;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE zava.orders_loaded TO zava_loader;

--
-- Name: TABLE shared_place; Type: ACL; Schema: zava; Owner: zava_context
--

GRANT SELECT,UPDATE ON TABLE zava.shared_place TO zava_loader;

--
-- Name: TABLE customer_keys; Type: ACL; Schema: zava_import; Owner: zava_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE zava_import.customer_keys TO zava_loader;

--
-- Name: TABLE order_keys; Type: ACL; Schema: zava_import; Owner: zava_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE zava_import.order_keys TO zava_loader;

--
-- Name: TABLE product_keys; Type: ACL; Schema: zava_import; Owner: zava_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE zava_import.product_keys TO zava_loader;

--
-- Name: TABLE promotion_keys; Type: ACL; Schema: zava_import; Owner: zava_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE zava_import.promotion_keys TO zava_loader;

--
-- Name: TABLE store_keys; Type: ACL; Schema: zava_import; Owner: zava_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE zava_import.store_keys TO zava_loader;

--
-- Name: TABLE supplier_keys; Type: ACL; Schema: zava_import; Owner: zava_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE zava_import.supplier_keys TO zava_loader;

--
-- Name: DEFAULT PRIVILEGES FOR FUNCTIONS; Type: DEFAULT ACL; Schema: -; Owner: zava_chain
--

ALTER DEFAULT PRIVILEGES FOR ROLE zava_chain REVOKE ALL ON FUNCTIONS FROM PUBLIC;

--
-- Name: DEFAULT PRIVILEGES FOR FUNCTIONS; Type: DEFAULT ACL; Schema: -; Owner: zava_context
--

ALTER DEFAULT PRIVILEGES FOR ROLE zava_context REVOKE ALL ON FUNCTIONS FROM PUBLIC;

--
-- Name: DEFAULT PRIVILEGES FOR FUNCTIONS; Type: DEFAULT ACL; Schema: -; Owner: zava_owner
--

ALTER DEFAULT PRIVILEGES FOR ROLE zava_owner REVOKE ALL ON FUNCTIONS FROM PUBLIC;

--
-- Name: DEFAULT PRIVILEGES FOR FUNCTIONS; Type: DEFAULT ACL; Schema: -; Owner: zava_recorder
--

ALTER DEFAULT PRIVILEGES FOR ROLE zava_recorder REVOKE ALL ON FUNCTIONS FROM PUBLIC;

--
-- Name: DEFAULT PRIVILEGES FOR FUNCTIONS; Type: DEFAULT ACL; Schema: -; Owner: zava_retention
--

ALTER DEFAULT PRIVILEGES FOR ROLE zava_retention REVOKE ALL ON FUNCTIONS FROM PUBLIC;

--
-- PostgreSQL database dump complete
--
