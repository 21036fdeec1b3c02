"""Remove old records: of the audit, of the console's history, and rows that imports rejected.

For an administrator's connection only. The database refuses to remove records of the last 30 days,
and leaves one record of each removal in the change log, which keeps everything. The history of the
console ends after 90 days, however long the records are kept.
"""

from dataclasses import dataclass
from datetime import date, datetime

import psycopg

SHORTEST_DAYS = 30
"""What `zava.remove_records` keeps at least."""

_COUNT_REJECTS = """
SELECT count(*) FROM zava_import.rejects AS j JOIN zava.import_runs AS r USING (run_id)
WHERE r.started_at < %s::timestamp AT TIME ZONE 'UTC'
"""
_REMOVE_REJECTS = """
DELETE FROM zava_import.rejects AS j USING zava.import_runs AS r
WHERE r.run_id = j.run_id AND r.started_at < %s::timestamp AT TIME ZONE 'UTC'
"""
_FORGET = "SELECT zava.forget_questions(NULL, %s)"
_VACUUM = (
    ("SET ROLE zava_context", "VACUUM (ANALYZE) zava.audit_log, zava.kept_questions"),
    ("SET ROLE zava_loader", "VACUUM (ANALYZE) zava_import.rejects"),
)


@dataclass(frozen=True, slots=True)
class Removal:
    """What was removed, or would be: records and rejected rows from before a day (UTC).

    `visits` are addresses of the console's history that are older than 90 days.
    """

    before: date
    records: int
    oldest: datetime | None
    rejected_rows: int
    visits: int = 0


def remove_old_records(
    connection: psycopg.Connection, *, keep_days: int, is_rehearsal: bool, actor: str = ""
) -> Removal:
    """Remove records that are older than `keep_days`; a rehearsal only counts them.

    `connection` commits by itself.

    Raises:
        psycopg.errors.InvalidParameterValue: fewer days are to be kept than the database allows.
    """
    with connection.transaction():
        connection.execute("SELECT set_config('zava.actor', %s, true)", [actor])
        connection.execute("SET LOCAL statement_timeout = 0")
        connection.execute("SET LOCAL ROLE zava_context")
        row = connection.execute(
            "SELECT before, records, oldest FROM zava.remove_records(%s, %s)",
            [keep_days, is_rehearsal],
        ).fetchone()
        if row is None:
            raise RuntimeError("zava.remove_records returns one row")
        before, records, oldest = row
        (visits,) = connection.execute(_FORGET, [is_rehearsal]).fetchone() or (0,)
        connection.execute("SET LOCAL ROLE zava_loader")
        if is_rehearsal:
            (rejected,) = connection.execute(_COUNT_REJECTS, [before]).fetchone() or (0,)
        else:
            rejected = connection.execute(_REMOVE_REJECTS, [before]).rowcount
    if not is_rehearsal:
        # The space of removed rows serves the next ones only after this.
        for role, vacuum in _VACUUM:
            connection.execute(role)
            connection.execute(vacuum)
        connection.execute("RESET ROLE")
    return Removal(before, records, oldest, rejected, visits)
