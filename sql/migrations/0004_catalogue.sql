-- The catalogue: products, their categories, prices, suppliers and promotions, shared by all stores.
SET LOCAL ROLE zava_owner;

-- Time-ordered (version 7 layout), in plain SQL so that every server version makes the same.
CREATE FUNCTION retail.new_id() RETURNS uuid
LANGUAGE sql VOLATILE PARALLEL SAFE
BEGIN ATOMIC
  SELECT encode(
    set_bit(set_bit(
      overlay(uuid_send(gen_random_uuid())
        PLACING substring(int8send(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
        FROM 1 FOR 6),
      52, 1), 53, 1), 'hex')::uuid;
END;

CREATE FUNCTION retail.touch() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  NEW.updated_at := statement_timestamp();
  RETURN NEW;
END $$;

CREATE TABLE retail.categories (
  category_id    uuid PRIMARY KEY DEFAULT retail.new_id(),
  category_name  text NOT NULL UNIQUE CHECK (length(category_name) BETWEEN 1 AND 100)
);

CREATE TABLE retail.product_types (
  type_id      uuid PRIMARY KEY DEFAULT retail.new_id(),
  category_id  uuid NOT NULL REFERENCES retail.categories,
  type_name    text NOT NULL CHECK (length(type_name) BETWEEN 1 AND 100),
  UNIQUE (category_id, type_name),
  UNIQUE (type_id, category_id)
);

CREATE TABLE retail.products (
  product_id            uuid PRIMARY KEY DEFAULT retail.new_id(),
  sku                   text NOT NULL UNIQUE CHECK (length(sku) BETWEEN 1 AND 50),
  product_name          text NOT NULL CHECK (length(product_name) BETWEEN 1 AND 200),
  category_id           uuid NOT NULL,
  type_id               uuid NOT NULL,
  cost                  numeric(10, 2) NOT NULL CHECK (cost >= 0),
  base_price            numeric(10, 2) NOT NULL CHECK (base_price >= 0),
  product_description   text NOT NULL DEFAULT '',
  synonyms              text NOT NULL DEFAULT '',
  discontinued          boolean NOT NULL DEFAULT false,
  updated_at            timestamptz NOT NULL DEFAULT now(),
  -- A product may be free, and one sold far below its cost has a margin beyond any width.
  gross_margin_percent  numeric(7, 2)
    GENERATED ALWAYS AS (CASE WHEN base_price > 0 THEN
      greatest(round((base_price - cost) / base_price * 100, 2), -99999.99) END) STORED,
  unit                  text NOT NULL DEFAULT 'each' CHECK (length(unit) BETWEEN 1 AND 20),
  FOREIGN KEY (type_id, category_id) REFERENCES retail.product_types (type_id, category_id)
);
CREATE INDEX products_type_idx ON retail.products (type_id, category_id);
CREATE INDEX products_category_idx ON retail.products (category_id);
-- A SKU is typed in either case.
CREATE INDEX products_sku_idx ON retail.products (upper(sku));
CREATE TRIGGER products_touch BEFORE UPDATE ON retail.products
  FOR EACH ROW EXECUTE FUNCTION retail.touch();

-- What a product cost and what it was listed at, by the day from which that holds. The margin of a
-- sale is computed with the cost of its day. A product without a row here has the cost that
-- retail.products holds, on every day.
CREATE TABLE retail.product_prices (
  product_id  uuid NOT NULL REFERENCES retail.products ON DELETE CASCADE,
  valid_from  date NOT NULL CHECK (valid_from BETWEEN '1900-01-01' AND '2999-12-31'),
  cost        numeric(10, 2) NOT NULL CHECK (cost >= 0),
  base_price  numeric(10, 2) NOT NULL CHECK (base_price >= 0),
  PRIMARY KEY (product_id, valid_from)
);

-- Who delivers a product, and how many days after an order.
CREATE TABLE retail.suppliers (
  supplier_id    uuid PRIMARY KEY DEFAULT retail.new_id(),
  supplier_name  text NOT NULL UNIQUE CHECK (length(supplier_name) BETWEEN 1 AND 100),
  lead_days      integer NOT NULL CHECK (lead_days BETWEEN 0 AND 999)
);
CREATE TABLE retail.product_suppliers (
  product_id   uuid PRIMARY KEY REFERENCES retail.products ON DELETE CASCADE,
  supplier_id  uuid NOT NULL REFERENCES retail.suppliers ON DELETE CASCADE
);
CREATE INDEX product_suppliers_by_supplier_idx ON retail.product_suppliers (supplier_id);

-- Promotions: which products, from which day to which. A sale counts for one of them: of several
-- that hold on its day the one that began last, and of those the first by name.
CREATE TABLE retail.promotions (
  promotion_id    uuid PRIMARY KEY DEFAULT retail.new_id(),
  promotion_name  text NOT NULL UNIQUE CHECK (length(promotion_name) BETWEEN 1 AND 100),
  first_day       date NOT NULL CHECK (first_day BETWEEN '1900-01-01' AND '2999-12-31'),
  last_day        date NOT NULL CHECK (last_day BETWEEN '1900-01-01' AND '2999-12-31'),
  CONSTRAINT promotions_days_check CHECK (last_day >= first_day)
);
CREATE TABLE retail.promotion_products (
  promotion_id  uuid NOT NULL REFERENCES retail.promotions ON DELETE CASCADE,
  product_id    uuid NOT NULL REFERENCES retail.products ON DELETE CASCADE,
  PRIMARY KEY (product_id, promotion_id)
);
CREATE INDEX promotion_products_by_promotion_idx ON retail.promotion_products (promotion_id);

-- The model that writes SQL reads these. The description of all tables has a bound of tokens, so a
-- column whose name is enough has no comment.
COMMENT ON TABLE retail.categories IS 'Product categories, shared by all stores.';
COMMENT ON TABLE retail.product_types IS 'Product types within a category.';
COMMENT ON TABLE retail.products IS 'The catalogue, shared by all stores.';
COMMENT ON COLUMN retail.products.base_price IS 'List price in US dollars; order_items.unit_price is what was charged.';
COMMENT ON COLUMN retail.products.cost IS 'Purchase cost today, US dollars.';
COMMENT ON COLUMN retail.products.gross_margin_percent IS 'Margin of base_price over cost, in percent.';
COMMENT ON COLUMN retail.products.synonyms IS 'Other words that shoppers use for the product.';
COMMENT ON COLUMN retail.products.discontinued IS 'True when the product is no longer bought in.';
COMMENT ON TABLE retail.product_prices IS 'Cost and list price of a product from a day on; without a row: as in products.';
COMMENT ON COLUMN retail.product_prices.valid_from IS 'First day; holds until the product''s next row. The first row holds before it, too.';
COMMENT ON TABLE retail.suppliers IS 'Suppliers of the chain.';
COMMENT ON COLUMN retail.suppliers.lead_days IS 'Days from an order to its delivery.';
COMMENT ON TABLE retail.product_suppliers IS 'The supplier of a product.';
COMMENT ON TABLE retail.promotions IS 'Promotions of the chain, with their first and last day.';
COMMENT ON TABLE retail.promotion_products IS 'The products of a promotion.';

GRANT EXECUTE ON FUNCTION retail.new_id() TO zava_loader;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA retail TO zava_loader;
GRANT SELECT ON retail.categories, retail.product_types, retail.products
  TO regional_managers, head_office;
GRANT SELECT ON retail.categories, retail.product_types TO store_managers;
GRANT SELECT ON retail.suppliers, retail.product_suppliers, retail.promotions, retail.promotion_products
  TO store_managers, regional_managers, head_office;
-- Cost and margin are not a store manager's business. Store managers read no row of product_prices:
-- even the days of a product's rows would show when its cost changed.
GRANT SELECT (product_id, sku, product_name, category_id, type_id, base_price, product_description,
              synonyms, discontinued, updated_at, unit)
  ON retail.products TO store_managers;
GRANT SELECT ON retail.product_prices TO regional_managers, head_office;
RESET ROLE;
