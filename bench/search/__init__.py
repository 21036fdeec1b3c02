"""How good product search is, and how fast: judged queries, Cranfield, and growing catalogues."""
