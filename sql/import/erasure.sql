-- Erases and exports a customer, and keeps an import from bringing one back.

-- name: find customers
-- A person at several stores is found at all of them.
WITH named AS MATERIALIZED (
  SELECT c.store_id, c.customer_id FROM retail.customers AS c
  WHERE c.customer_id = %(id)s OR lower(c.email) = lower(%(email)s)
     OR (c.store_id, c.customer_id) IN (SELECT k.store_id, k.customer_id FROM zava_import.customer_keys AS k
                                        WHERE k.source_key = %(key)s)
)
SELECT c.store_id, c.customer_id, s.store_name,
       (SELECT count(*) FROM retail.orders AS o WHERE (o.store_id, o.customer_id) = (c.store_id, c.customer_id))
FROM retail.customers AS c JOIN retail.stores AS s USING (store_id)
WHERE (c.store_id, c.customer_id) IN (
  SELECT n.store_id, n.customer_id FROM named AS n
  UNION
  SELECT p.store_id, p.customer_id FROM retail.customer_persons AS p
  WHERE p.person_id IN (SELECT q.person_id FROM retail.customer_persons AS q JOIN named USING (store_id, customer_id)))
ORDER BY s.store_name, c.customer_id

-- name: count erased keys
SELECT count(*) FROM zava_import.customer_keys AS k WHERE starts_with(k.source_key, 'erased:')

-- name: replace keys in inbox_orders
UPDATE zava_import.inbox_orders AS s
SET customer_key = 'erased:' || encode(sha256(convert_to(concat_ws('|', k.store_id, k.source_system, k.source_key), 'UTF8')), 'hex')
FROM zava_import.customer_keys AS k JOIN zava_import.store_keys AS r USING (store_id, source_system)
WHERE k.customer_id = ANY (%(ids)s) AND r.source_key = btrim(s.store_key) AND k.source_key = btrim(s.customer_key)

-- name: remove keys in inbox_orders
-- Of a customer who was never loaded; the sale comes in without one.
UPDATE zava_import.inbox_orders AS s SET customer_key = NULL
WHERE btrim(s.customer_key) = %(key)s OR lower(s.customer_key) ~ ANY (%(patterns)s)

-- name: remove from inbox_customers
DELETE FROM zava_import.inbox_customers AS s
WHERE btrim(s.customer_key) = %(key)s
   OR EXISTS (SELECT FROM jsonb_each_text(to_jsonb(s)) AS c WHERE lower(c.value) ~ ANY (%(patterns)s))
   OR EXISTS (SELECT FROM zava_import.customer_keys AS k JOIN zava_import.store_keys AS r USING (store_id, source_system)
              WHERE k.customer_id = ANY (%(ids)s) AND r.source_key = btrim(s.store_key) AND k.source_key = btrim(s.customer_key))
   OR EXISTS (SELECT FROM zava_import.store_keys AS r
              WHERE md5(r.source_system || '|' || btrim(s.person_key))::uuid = ANY (%(persons)s))

-- name: remove from rejects
-- In any cell: a mapping may have put an address into another column.
DELETE FROM zava_import.rejects AS s
WHERE btrim(s.record->>'customer_key') = %(key)s OR lower(s.value) ~ ANY (%(patterns)s)
   OR EXISTS (SELECT FROM jsonb_each_text(s.record) AS c WHERE lower(c.value) ~ ANY (%(patterns)s))
   OR EXISTS (SELECT FROM zava_import.customer_keys AS k JOIN zava_import.store_keys AS r USING (store_id, source_system)
              WHERE k.customer_id = ANY (%(ids)s) AND r.source_key = btrim(s.record->>'store_key')
                AND k.source_key = btrim(s.record->>'customer_key'))
   OR EXISTS (SELECT FROM zava_import.store_keys AS r
              WHERE md5(r.source_system || '|' || btrim(s.record->>'person_key'))::uuid = ANY (%(persons)s))

-- name: replace keys
UPDATE zava_import.customer_keys AS k
SET source_key = 'erased:' || encode(sha256(convert_to(concat_ws('|', k.store_id, k.source_system, k.source_key), 'UTF8')), 'hex')
WHERE k.customer_id = ANY (%(ids)s) AND NOT starts_with(k.source_key, 'erased:')

-- name: erase customers
UPDATE retail.customers AS c SET first_name = NULL, last_name = NULL, email = NULL, phone = NULL
WHERE c.customer_id = ANY (%(ids)s)
  AND (c.first_name, c.last_name, c.email, c.phone) IS DISTINCT FROM (NULL, NULL, NULL, NULL)

-- name: remove persons
DELETE FROM retail.customer_persons AS p WHERE p.customer_id = ANY (%(ids)s)

-- name: leave out erased customers
DELETE FROM zava_import.customers AS s
USING zava_import.store_keys AS r, zava_import.customer_keys AS k
WHERE (r.source_system, r.source_key) = (%(source)s, s.store_key) AND k.store_id = r.store_id
  AND starts_with(k.source_key, 'erased:')
  AND k.source_key = 'erased:' || encode(sha256(convert_to(concat_ws('|', r.store_id, %(source)s, s.customer_key), 'UTF8')), 'hex')

-- name: name erased customers by their pseudonym
UPDATE zava_import.orders AS s SET customer_key = k.source_key
FROM zava_import.store_keys AS r, zava_import.customer_keys AS k
WHERE (r.source_system, r.source_key) = (%(source)s, s.store_key) AND k.store_id = r.store_id
  AND starts_with(k.source_key, 'erased:')
  AND k.source_key = 'erased:' || encode(sha256(convert_to(concat_ws('|', r.store_id, %(source)s, s.customer_key), 'UTF8')), 'hex')

-- name: export customers
SELECT json_build_object(
  'customer_id', c.customer_id, 'store', s.store_name, 'first_name', c.first_name, 'last_name', c.last_name,
  'email', c.email, 'phone', c.phone, 'created_at', c.created_at,
  'person_id', (SELECT p.person_id FROM retail.customer_persons AS p
                WHERE (p.store_id, p.customer_id) = (c.store_id, c.customer_id)),
  'source_keys', (SELECT json_agg(json_build_object('system', k.source_system, 'key', k.source_key))
                  FROM zava_import.customer_keys AS k WHERE (k.store_id, k.customer_id) = (c.store_id, c.customer_id)),
  'orders', (SELECT json_agg(json_build_object(
      'order_id', o.order_id,
      'source_keys', (SELECT json_agg(json_build_object('system', k.source_system, 'key', k.source_key))
                      FROM zava_import.order_keys AS k WHERE (k.store_id, k.order_id) = (o.store_id, o.order_id)),
      'is_return', o.is_return, 'order_date', o.order_date, 'status', o.status, 'total_amount', o.total_amount,
      'tax_amount', o.tax_amount, 'shipping_amount', o.shipping_amount, 'tender', o.tender,
      'lines', (SELECT json_agg(json_build_object('product', p.product_name, 'sku', p.sku, 'quantity', i.quantity,
                                                  'unit_price', i.unit_price, 'discount_amount', i.discount_amount,
                                                  'total_amount', i.total_amount) ORDER BY i.line_number)
                FROM retail.order_items AS i JOIN retail.products AS p USING (product_id)
                WHERE (i.store_id, i.order_id) = (o.store_id, o.order_id))) ORDER BY o.order_date)
    FROM retail.orders AS o WHERE (o.store_id, o.customer_id) = (c.store_id, c.customer_id)),
  'rejected_rows', (SELECT json_agg(s.record) FROM zava_import.rejects AS s
    WHERE EXISTS (SELECT FROM zava_import.customer_keys AS k JOIN zava_import.store_keys AS r USING (store_id, source_system)
                  WHERE k.customer_id = c.customer_id AND r.source_key = btrim(s.record->>'store_key')
                    AND k.source_key = btrim(s.record->>'customer_key'))
       OR lower(btrim(s.record->>'email')) = lower(c.email)))
FROM retail.customers AS c JOIN retail.stores AS s USING (store_id)
WHERE c.customer_id = ANY (%(ids)s) ORDER BY s.store_name, c.customer_id
