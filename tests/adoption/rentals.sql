-- An application of shops that rent films, with traits that adoption meets: integer keys of several
-- sizes, a partitioned table, ways of two joins, an enum and a domain.
CREATE TYPE public.rating AS ENUM ('G', 'PG-13', 'R');
CREATE DOMAIN public.year AS integer CHECK (VALUE BETWEEN 1900 AND 2100);
CREATE DOMAIN public.store_key AS smallint;

CREATE TABLE public.store (store_id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE public.address (address_id integer PRIMARY KEY, street text NOT NULL);
CREATE TABLE public.film (film_id integer PRIMARY KEY, title text NOT NULL, rated public.rating NOT NULL, made public.year NOT NULL);
CREATE TABLE public.customer (
  customer_id  integer PRIMARY KEY,
  store_id     smallint NOT NULL,
  address_id   integer NOT NULL REFERENCES public.address,
  name         text NOT NULL
);
CREATE INDEX ON public.customer (store_id);
CREATE INDEX ON public.customer (address_id);
CREATE TABLE public.inventory (
  inventory_id  bigint PRIMARY KEY,
  film_id       integer NOT NULL REFERENCES public.film,
  store_id      public.store_key NOT NULL
);
CREATE INDEX ON public.inventory (store_id);
CREATE TABLE public.rental (
  rental_id     bigint PRIMARY KEY,
  inventory_id  bigint NOT NULL REFERENCES public.inventory,
  customer_id   integer NOT NULL,
  rented_at     timestamptz NOT NULL
);
CREATE TABLE public.payment (
  payment_id  bigint NOT NULL,
  rental_id   bigint NOT NULL,
  paid_at     timestamptz NOT NULL,
  amount      numeric(8, 2) NOT NULL,
  PRIMARY KEY (paid_at, payment_id)
) PARTITION BY RANGE (paid_at);
CREATE TABLE public.payment_2026_01 PARTITION OF public.payment FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE public.payment_2026_02 PARTITION OF public.payment FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
CREATE TABLE public."Notes" ("noteId" integer PRIMARY KEY, "storeId" bigint, "Body text" text);
CREATE INDEX ON public."Notes" ("storeId");

INSERT INTO public.store SELECT n, 'Store ' || n FROM generate_series(1, 3) AS n;
INSERT INTO public.address SELECT n, 'Street ' || n FROM generate_series(1, 60) AS n;
INSERT INTO public.film SELECT n, 'Film ' || n, (ARRAY['G', 'PG-13', 'R'])[1 + n % 3]::public.rating, 1990 + n FROM generate_series(1, 30) AS n;
INSERT INTO public.customer SELECT n, 1 + n % 3, n, 'Customer ' || n FROM generate_series(1, 60) AS n;
INSERT INTO public.inventory SELECT n, 1 + n % 30, 1 + n % 3 FROM generate_series(1, 90) AS n;
INSERT INTO public.rental SELECT n, 1 + n % 90, 1 + n % 60, TIMESTAMPTZ '2026-01-01 10:00:00Z' + n * interval '2 hours' FROM generate_series(1, 600) AS n;
INSERT INTO public.payment SELECT n, n, TIMESTAMPTZ '2026-01-02 10:00:00Z' + n * interval '2 hours', n FROM generate_series(1, 600) AS n;
INSERT INTO public."Notes" SELECT n, nullif(n % 4, 0), 'Note ' || n FROM generate_series(1, 40) AS n;
