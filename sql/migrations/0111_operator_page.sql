-- What the console's page for operators shows: calls of the audit, budgets and grants, to the head
-- office alone. The function verifies the signed call and its audience, as a runner does.
SET LOCAL ROLE zava_context;
GRANT CREATE ON SCHEMA zava TO zava_audit;
SET LOCAL ROLE zava_audit;

-- The latest calls, at most 1000, and since when each grant is as it is. The logs are readable by this
-- role alone, so the function is its own, and the page's function alone calls it.
CREATE FUNCTION zava.audited(hours integer, ended text) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  WITH call AS (
    SELECT DISTINCT ON (a.call_id) a.call_id, a.called_at, a.tenant_id, a.object_id, a.client_name, a.tool,
           a.fingerprint, a.row_count, a.database_milliseconds, a.correlation_id, coalesce(a.outcome, 'UNKNOWN') AS outcome
    FROM zava.audit_log AS a
    WHERE a.called_at >= statement_timestamp() - make_interval(hours => audited.hours)
    ORDER BY a.call_id, a.phase DESC
  ),
  latest AS (
    SELECT c.called_at, c.client_name, c.tool, c.fingerprint, c.row_count, c.database_milliseconds,
           c.correlation_id, c.outcome, coalesce(p.display_name, c.tenant_id || '/' || c.object_id) AS who
    FROM call AS c LEFT JOIN zava.principals AS p USING (tenant_id, object_id)
    WHERE CASE audited.ended WHEN '' THEN true WHEN 'not OK' THEN c.outcome <> 'OK' ELSE c.outcome = audited.ended END
    ORDER BY c.called_at DESC LIMIT 1000
  )
  SELECT jsonb_build_object(
    'calls', (SELECT coalesce(jsonb_agg(to_jsonb(l) ORDER BY l.called_at DESC), '[]') FROM latest AS l),
    'outcomes', (SELECT coalesce(jsonb_object_agg(o.outcome, o.calls), '{}')
                 FROM (SELECT c.outcome, count(*) AS calls FROM call AS c GROUP BY c.outcome) AS o),
    'since', (SELECT coalesce(jsonb_object_agg(s.person, s.changed_at), '{}')
              FROM (SELECT g.new ->> 'tenant_id' || '/' || (g.new ->> 'object_id') AS person, max(g.changed_at) AS changed_at
                    FROM zava.change_log AS g
                    WHERE g.subject = 'principals' AND g.new ->> 'object_id' IS NOT NULL
                    GROUP BY 1) AS s));
END;
REVOKE ALL ON FUNCTION zava.audited(integer, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION zava.audited(integer, text) TO zava_context;
SET LOCAL ROLE zava_context;
REVOKE CREATE ON SCHEMA zava FROM zava_audit;

-- Returns NULL to a caller of another audience. `asked` is the signed text: {"hours", "outcome"}.
CREATE FUNCTION zava.operator_page(
  p_key_id integer, p_tenant uuid, p_person uuid, p_expires bigint, p_nonce uuid, p_mac bytea, asked text
) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
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
REVOKE ALL ON FUNCTION zava.operator_page(integer, uuid, uuid, bigint, uuid, bytea, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION zava.operator_page(integer, uuid, uuid, bigint, uuid, bytea, text) TO zava_server;
RESET ROLE;
