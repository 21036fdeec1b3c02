-- Three ways in which a sum stayed wrong, or stopped every answer that reads it.
--
-- One transaction changed the lines of an order while another moved that order to another day. Each
-- marked what it saw. A refresh between the two commits then left the new day without the change. So
-- the trigger of the lines locks their orders, as a writer of the order does. It waits for a move, and
-- a move waits for it. Orders are locked in one sequence. An order that this transaction wrote is
-- locked already.
SET LOCAL ROLE zava_context;
CREATE OR REPLACE FUNCTION zava.mark_lines() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF TG_OP <> 'DELETE' THEN
    INSERT INTO zava.day_marks (store_id, day)
    SELECT n.store_id, (d.order_date AT TIME ZONE 'America/Los_Angeles')::date
    FROM (SELECT DISTINCT n.store_id, n.order_id FROM new_rows AS n ORDER BY n.store_id, n.order_id) AS n
    CROSS JOIN LATERAL (SELECT o.order_date FROM retail.orders AS o
                        WHERE o.store_id = n.store_id AND o.order_id = n.order_id
                          AND o.xmin <> pg_current_xact_id()::xid FOR NO KEY UPDATE) AS d
    ON CONFLICT DO NOTHING;
  END IF;
  IF TG_OP <> 'INSERT' THEN
    INSERT INTO zava.day_marks (store_id, day)
    SELECT n.store_id, (d.order_date AT TIME ZONE 'America/Los_Angeles')::date
    FROM (SELECT DISTINCT n.store_id, n.order_id FROM old_rows AS n ORDER BY n.store_id, n.order_id) AS n
    CROSS JOIN LATERAL (SELECT o.order_date FROM retail.orders AS o
                        WHERE o.store_id = n.store_id AND o.order_id = n.order_id
                          AND o.xmin <> pg_current_xact_id()::xid FOR NO KEY UPDATE) AS d
    ON CONFLICT DO NOTHING;
  END IF;
  RETURN NULL;
END $$;

-- A refresh in the transaction that wrote an order took its mark away, and lines written after that
-- brought none.
CREATE FUNCTION zava.refuse_own_mark() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RAISE EXCEPTION 'sums are refreshed by a transaction that changed no sales'
    USING ERRCODE = 'object_not_in_prerequisite_state';
END $$;
GRANT EXECUTE ON FUNCTION zava.refuse_own_mark() TO zava_owner;

SET LOCAL ROLE zava_owner;
CREATE TRIGGER refuse_own_mark BEFORE DELETE ON zava.day_marks
  FOR EACH ROW WHEN (OLD.marked_by = pg_catalog.pg_current_xact_id_if_assigned())
  EXECUTE FUNCTION zava.refuse_own_mark();

-- The day after the last one that PostgreSQL has cannot be computed. One such order stopped each
-- answer of its store, and each refresh. Orders that a table holds already are not checked.
ALTER TABLE retail.orders ADD CONSTRAINT orders_date_check
  CHECK (order_date >= '1900-01-01 00:00+00' AND order_date < '3000-01-01 00:00+00') NOT VALID;
RESET ROLE;
