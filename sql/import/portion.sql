-- The orders of a portion with the totals that their lines make.
SELECT o.*, l.total, l.only_returns
FROM zava_import.resolved_orders AS o
JOIN (SELECT l.of_order, sum(l.total_amount) AS total, bool_and(l.quantity < 0) AS only_returns
      FROM zava_import.resolved_lines AS l
      WHERE l.number > %(after)s AND l.number <= %(upto)s
      GROUP BY l.of_order) AS l ON l.of_order = o.of_order
WHERE o.number > %(after)s AND o.number <= %(upto)s
