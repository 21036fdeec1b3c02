-- Stores, and what belongs to one of them. Each tenant table carries store_id at the head of its keys:
-- the row policies compare it first, and a composite foreign key cannot point at another store's row.
-- Every index of such a table begins with the store, so that the policy is a condition of whichever
-- index is read: a statement reads the rows of its caller's stores and passes over no other row.
SET LOCAL ROLE zava_owner;

CREATE TABLE retail.stores (
  store_id    uuid PRIMARY KEY DEFAULT retail.new_id(),
  store_name  text NOT NULL UNIQUE CHECK (length(store_name) BETWEEN 1 AND 100),
  location    text NOT NULL CHECK (length(location) BETWEEN 1 AND 200),
  region      text NOT NULL CHECK (length(region) BETWEEN 1 AND 100),
  is_online   boolean NOT NULL DEFAULT false,
  created_at  timestamptz NOT NULL DEFAULT now(),
  -- `created_at` is the moment of the row: after an import every store would be new.
  opened_on   date,
  -- A store that closed: like-for-like leaves it out, and its orders are never late.
  closed_on   date,
  CONSTRAINT stores_closed_on_check CHECK (closed_on >= opened_on)
);

-- A till has a card or a name, seldom all of these.
CREATE TABLE retail.customers (
  store_id     uuid NOT NULL REFERENCES retail.stores,
  customer_id  uuid NOT NULL DEFAULT retail.new_id(),
  first_name   text CHECK (length(first_name) BETWEEN 1 AND 50),
  last_name    text CHECK (length(last_name) BETWEEN 1 AND 50),
  email        text CHECK (length(email) BETWEEN 3 AND 100),
  phone        text CHECK (length(phone) <= 40),
  created_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (store_id, customer_id),
  UNIQUE (store_id, email)
);

-- One person who is a customer of several stores. Who buys where is no store's business: the head
-- office alone reads these rows, and only where its grant has personal data.
CREATE TABLE retail.customer_persons (
  store_id     uuid NOT NULL,
  customer_id  uuid NOT NULL,
  person_id    uuid NOT NULL,
  PRIMARY KEY (store_id, customer_id) INCLUDE (person_id),
  FOREIGN KEY (store_id, customer_id) REFERENCES retail.customers (store_id, customer_id) ON DELETE CASCADE
);

-- A quantity has no fixed scale, so that a piece is written 1 and not 1.000. Its check holds three
-- decimals. A stock may be below zero until a delivery is entered.
CREATE TABLE retail.inventory (
  store_id       uuid NOT NULL REFERENCES retail.stores,
  product_id     uuid NOT NULL REFERENCES retail.products,
  stock_level    numeric NOT NULL
    CHECK (stock_level = round(stock_level, 3) AND abs(stock_level) < 1000000000),
  reorder_point  numeric NOT NULL
    CHECK (reorder_point = round(reorder_point, 3) AND reorder_point >= 0 AND reorder_point < 1000000000),
  updated_at     timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (store_id, product_id)
);
-- So that a filter on stock touches what is there, however little that is.
CREATE INDEX inventory_in_stock_idx ON retail.inventory (store_id, product_id) WHERE stock_level > 0;
CREATE TRIGGER inventory_touch BEFORE UPDATE ON retail.inventory
  FOR EACH ROW EXECUTE FUNCTION retail.touch();

-- The revenue that a store is to reach in a month. A store manager reads the store's own.
CREATE TABLE retail.store_targets (
  store_id        uuid NOT NULL REFERENCES retail.stores,
  month           date NOT NULL
    CHECK (month = date_trunc('month', month::timestamp)::date AND month BETWEEN '1900-01-01' AND '2999-12-31'),
  revenue_target  numeric(12, 2) NOT NULL CHECK (revenue_target >= 0),
  PRIMARY KEY (store_id, month)
);

CREATE TABLE retail.orders (
  store_id         uuid NOT NULL REFERENCES retail.stores,
  order_id         uuid NOT NULL DEFAULT retail.new_id(),
  customer_id      uuid,
  order_date       timestamptz NOT NULL DEFAULT now(),
  status           text NOT NULL DEFAULT 'pending'
    CHECK (status IN ('pending', 'completed', 'cancelled', 'refunded')),
  total_amount     numeric(12, 2) NOT NULL,
  is_return        boolean NOT NULL DEFAULT false,
  tax_amount       numeric(12, 2) NOT NULL DEFAULT 0,
  shipping_amount  numeric(12, 2) NOT NULL DEFAULT 0,
  tender           text CHECK (length(tender) BETWEEN 1 AND 50),
  CONSTRAINT orders_total_amount_check CHECK (total_amount >= 0 OR is_return),
  -- The day after the last one that PostgreSQL has cannot be computed. One such order would stop each
  -- answer of its store, and each refresh of the sums.
  CONSTRAINT orders_date_check
    CHECK (order_date >= '1900-01-01 00:00+00' AND order_date < '3000-01-01 00:00+00'),
  -- Covering, so that revenue by period joins lines to dates without touching the heap.
  PRIMARY KEY (store_id, order_id) INCLUDE (order_date),
  FOREIGN KEY (store_id, customer_id) REFERENCES retail.customers (store_id, customer_id)
);
-- What analytics reads of a store, from its indexes alone. Orders arrive in the order of time, so
-- a store's rows lie scattered over the whole heap: an index that carries the columns reads
-- a third to a half less than one that sends for each row. This one serves orders, revenue and
-- customers of a period or of the whole history.
CREATE INDEX orders_of_period_idx ON retail.orders (store_id, order_date)
  INCLUDE (order_id, status, total_amount, customer_id, is_return);
CREATE INDEX orders_by_customer_idx ON retail.orders (store_id, customer_id);

CREATE TABLE retail.order_items (
  store_id          uuid NOT NULL,
  order_id          uuid NOT NULL,
  line_number       smallint NOT NULL CHECK (line_number > 0),
  product_id        uuid NOT NULL REFERENCES retail.products,
  quantity          numeric NOT NULL
    CHECK (quantity <> 0 AND quantity = round(quantity, 3) AND abs(quantity) < 1000000000),
  unit_price        numeric(10, 2) NOT NULL CHECK (unit_price >= 0),
  discount_percent  numeric(5, 2) NOT NULL DEFAULT 0 CHECK (discount_percent BETWEEN 0 AND 100),
  discount_amount   numeric(12, 2) NOT NULL DEFAULT 0,
  total_amount      numeric(12, 2) NOT NULL,
  -- Units and revenue by product.
  PRIMARY KEY (store_id, order_id, line_number) INCLUDE (product_id, quantity, total_amount),
  FOREIGN KEY (store_id, order_id) REFERENCES retail.orders (store_id, order_id),
  CHECK (total_amount = round(quantity * unit_price - discount_amount, 2)),
  CONSTRAINT order_items_total_amount_check CHECK (total_amount >= 0 OR quantity < 0)
);
CREATE INDEX order_items_by_product_idx ON retail.order_items (store_id, product_id);

-- The model that writes SQL reads these.
COMMENT ON TABLE retail.stores IS 'Stores of the chain; you see those in your scope.';
COMMENT ON COLUMN retail.stores.region IS 'Region of a regional manager.';
COMMENT ON COLUMN retail.stores.closed_on IS 'NULL: open.';
COMMENT ON TABLE retail.customers IS 'Customers; each belongs to the one store where they buy.';
COMMENT ON COLUMN retail.customers.created_at IS 'When the customer first registered.';
COMMENT ON TABLE retail.customer_persons IS 'Customers of several stores who are one person.';
COMMENT ON TABLE retail.inventory IS 'Stock on hand for each product at each store.';
COMMENT ON COLUMN retail.inventory.stock_level IS 'Units on hand; 0 or less: out of stock.';
COMMENT ON COLUMN retail.inventory.reorder_point IS 'Reorder when stock_level is at or below this.';
COMMENT ON TABLE retail.store_targets IS 'Net sales that a store is to reach in a month.';
COMMENT ON COLUMN retail.store_targets.month IS 'First day of the month.';
COMMENT ON TABLE retail.orders IS 'Orders. Revenue leaves out status cancelled and refunded.';
COMMENT ON COLUMN retail.orders.order_date IS 'When the order was placed; days are in America/Los_Angeles.';
COMMENT ON COLUMN retail.orders.total_amount IS 'Sum of the order''s lines in US dollars, without tax and shipping.';
COMMENT ON COLUMN retail.orders.is_return IS 'Goods came back; counts as no order.';
COMMENT ON TABLE retail.order_items IS 'Lines of an order; join on store_id and order_id.';
COMMENT ON COLUMN retail.order_items.quantity IS 'Below 0: goods came back.';
COMMENT ON COLUMN retail.order_items.unit_price IS 'Price charged per unit before discount, US dollars.';
COMMENT ON COLUMN retail.order_items.discount_percent IS 'Discount on the line, 0 to 100.';
COMMENT ON COLUMN retail.order_items.total_amount IS 'round(quantity * unit_price - discount_amount, 2): net sales of the line.';

GRANT SELECT, INSERT, UPDATE, DELETE
  ON retail.stores, retail.customers, retail.customer_persons, retail.inventory, retail.store_targets,
     retail.orders, retail.order_items
  TO zava_loader;
GRANT SELECT ON retail.stores, retail.inventory, retail.orders, retail.order_items
  TO regional_managers, head_office;
GRANT SELECT ON retail.stores, retail.inventory, retail.orders, retail.order_items TO store_managers;
GRANT SELECT ON retail.store_targets TO store_managers, regional_managers, head_office;
-- Names, e-mail and phone of customers are a permission of their own, in the grant and in the token.
GRANT SELECT (store_id, customer_id, created_at) ON retail.customers
  TO store_managers, regional_managers, head_office;
GRANT SELECT (first_name, last_name, email, phone) ON retail.customers
  TO store_managers_personal, regional_managers_personal, head_office_personal;
GRANT SELECT ON retail.customer_persons TO head_office_personal;
RESET ROLE;
