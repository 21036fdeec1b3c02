"""The second wall: an allow-list on PostgreSQL's own grammar, in front of the sealed runner.

Row security bounds what a statement reads; this bounds what else it does: WAL, locks, memory and
the catalog. The seal holds without it, so a mistake here costs comfort and not isolation.
"""
