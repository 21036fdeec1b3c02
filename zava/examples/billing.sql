-- A small application of subscriptions and invoices for several organizations, as its own
-- migrations would make it: nothing in it is about Zava. Run it as the owner of a database.
CREATE TYPE public.invoice_status AS ENUM ('draft', 'open', 'paid', 'void');

CREATE TABLE public.organizations (
  id       uuid PRIMARY KEY,
  name     text NOT NULL UNIQUE,
  country  text NOT NULL,
  api_key  text NOT NULL
);

CREATE TABLE public.currencies (code text PRIMARY KEY, name text NOT NULL);

CREATE TABLE public.customers (
  id               uuid PRIMARY KEY,
  organization_id  uuid NOT NULL REFERENCES public.organizations,
  name             text NOT NULL,
  email            text NOT NULL
);
CREATE INDEX customers_organization_idx ON public.customers (organization_id);

-- A plan without an organization is offered by all of them.
CREATE TABLE public.plans (
  id               uuid PRIMARY KEY,
  organization_id  uuid REFERENCES public.organizations,
  name             text NOT NULL,
  amount_cents     bigint NOT NULL,
  currency         text NOT NULL REFERENCES public.currencies
);
CREATE INDEX plans_organization_idx ON public.plans (organization_id);

CREATE TABLE public.subscriptions (
  id               uuid PRIMARY KEY,
  organization_id  uuid NOT NULL REFERENCES public.organizations,
  customer_id      uuid NOT NULL REFERENCES public.customers,
  plan_id          uuid NOT NULL REFERENCES public.plans,
  started_on       date NOT NULL,
  deleted_at       timestamptz
);
CREATE INDEX subscriptions_organization_idx ON public.subscriptions (organization_id);

CREATE TABLE public.invoices (
  id               uuid PRIMARY KEY,
  organization_id  uuid NOT NULL REFERENCES public.organizations,
  subscription_id  uuid NOT NULL REFERENCES public.subscriptions,
  number           integer NOT NULL,
  issued_on        date NOT NULL,
  status           public.invoice_status NOT NULL,
  amount_cents     bigint NOT NULL,
  UNIQUE (organization_id, number)
);

CREATE TABLE public.invoice_lines (
  id            uuid PRIMARY KEY,
  invoice_id    uuid NOT NULL REFERENCES public.invoices,
  description   text NOT NULL,
  amount_cents  bigint NOT NULL
);
CREATE INDEX invoice_lines_invoice_idx ON public.invoice_lines (invoice_id);

CREATE TABLE public.payments (
  id            uuid PRIMARY KEY,
  invoice_id    uuid NOT NULL REFERENCES public.invoices,
  paid_at       timestamptz NOT NULL,
  amount_cents  bigint NOT NULL
);
CREATE INDEX payments_invoice_idx ON public.payments (invoice_id);

CREATE TABLE public.refunds (
  id            uuid PRIMARY KEY,
  payment_id    uuid NOT NULL REFERENCES public.payments,
  amount_cents  bigint NOT NULL
);
CREATE INDEX refunds_payment_idx ON public.refunds (payment_id);

-- Belongs to no organization: no key leads to one.
CREATE TABLE public.jobs (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, payload text NOT NULL);

-- An id of each kind and number, the same in every run.
CREATE FUNCTION public.sample_id(kind text, number bigint) RETURNS uuid
LANGUAGE sql IMMUTABLE AS $$ SELECT md5(kind || number)::uuid $$;

INSERT INTO public.organizations
  SELECT public.sample_id('organization', n), name, country, 'key-of-' || n
  FROM (VALUES (1, 'Alder', 'US'), (2, 'Birch', 'FR'), (3, 'Cedar', 'US'), (4, 'Damson', 'DE')) AS v (n, name, country);
INSERT INTO public.currencies VALUES ('USD', 'US dollar'), ('EUR', 'Euro');
INSERT INTO public.customers
  SELECT public.sample_id('customer', n), public.sample_id('organization', 1 + n % 4), 'Customer ' || n,
         'customer' || n || '@example.com'
  FROM generate_series(1, 80) AS n;
INSERT INTO public.plans
  SELECT public.sample_id('plan', n), CASE WHEN n > 2 THEN public.sample_id('organization', 1 + n % 4) END,
         'Plan ' || n, 1000 * n, CASE n % 2 WHEN 0 THEN 'USD' ELSE 'EUR' END
  FROM generate_series(1, 10) AS n;
INSERT INTO public.subscriptions
  SELECT public.sample_id('subscription', n), public.sample_id('organization', 1 + n % 4), public.sample_id('customer', n),
         public.sample_id('plan', 1 + n % 2), DATE '2026-01-01' + (n % 28)::integer,
         CASE WHEN n % 10 = 0 THEN TIMESTAMPTZ '2026-05-01 00:00:00Z' END
  FROM generate_series(1, 80) AS n;
INSERT INTO public.invoices
  SELECT public.sample_id('invoice', n), public.sample_id('organization', 1 + n % 4),
         public.sample_id('subscription', 1 + (n - 1) % 80), n, DATE '2026-01-31' + (n % 150)::integer,
         (ARRAY['open', 'paid', 'paid', 'void'])[1 + n % 4]::public.invoice_status, 100 * n
  FROM generate_series(1, 400) AS n;
INSERT INTO public.invoice_lines
  SELECT public.sample_id('line', n), public.sample_id('invoice', 1 + (n - 1) % 400), 'Line ' || n, 50 * n
  FROM generate_series(1, 800) AS n;
INSERT INTO public.payments
  SELECT public.sample_id('payment', n), public.sample_id('invoice', n), TIMESTAMPTZ '2026-03-01 12:00:00Z', 100 * n
  FROM generate_series(1, 300) AS n;
INSERT INTO public.refunds
  SELECT public.sample_id('refund', n), public.sample_id('payment', n * 3), 10 * n FROM generate_series(1, 60) AS n;
INSERT INTO public.jobs (payload) SELECT 'job ' || n FROM generate_series(1, 5) AS n;
