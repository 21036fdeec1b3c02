-- An application with text keys, two schemas, quoted names, a shared type and policies of its own.
CREATE SCHEMA crm;
CREATE DOMAIN public.workspace_key AS varchar(50);
CREATE TABLE public."Workspace" (key public.workspace_key PRIMARY KEY, "Title" text NOT NULL, "apiToken" text);
CREATE TABLE crm."Contact" (
  "workspaceId" public.workspace_key NOT NULL REFERENCES public."Workspace",
  id            integer NOT NULL,
  "full name"   text NOT NULL,
  loud          text GENERATED ALWAYS AS (upper("full name")) STORED,
  PRIMARY KEY ("workspaceId", id)
);
CREATE TABLE crm.deal (
  id            integer PRIMARY KEY,
  "workspaceId" varchar(50) NOT NULL,
  "billedBy"    public.workspace_key REFERENCES public."Workspace",
  "contactId"   integer NOT NULL,
  FOREIGN KEY ("workspaceId", "contactId") REFERENCES crm."Contact"
);
CREATE TABLE crm.note (id integer PRIMARY KEY, deal_id integer NOT NULL REFERENCES crm.deal, body text NOT NULL);
CREATE INDEX ON crm.note (deal_id);
ALTER TABLE crm.deal ENABLE ROW LEVEL SECURITY;
ALTER TABLE crm.deal ADD FOREIGN KEY ("workspaceId") REFERENCES public."Workspace";
CREATE POLICY own_deals ON crm.deal USING ("workspaceId" = current_setting('session.user'));

INSERT INTO public."Workspace" VALUES ('plain', 'Plain', 't1'), ('a,b', 'Comma', 't2'), ('{"x|y"}', 'Odd', 't3'), ('all', 'All', 't4'), ('o''k\', 'Quote', 't5');
INSERT INTO crm."Contact" SELECT key, n, "Title" || ' ' || n FROM public."Workspace", generate_series(1, 5) AS n;
INSERT INTO crm.deal SELECT row_number() OVER (), "workspaceId", 'all', id FROM crm."Contact";
INSERT INTO crm.note SELECT id, id, 'Note ' || id FROM crm.deal;
