"""The commands that no role changes. Each has a name under which a connection prepares it."""

_INT4, _INT8, _TEXT, _UUID, _BYTEA, JSONB = 23, 20, 25, 2950, 17, 3802
_BOOL, _UUIDS = 16, 2951
RUNNER_TYPES = (_INT4, _UUID, _UUID, _INT8, _UUID, _BYTEA, _TEXT, _TEXT, _INT4, _INT8, _INT4)
SIGNATURE_PLACES, _PLACE_OF_SIGNATURE = 6, 5

_FLOAT8 = 701
WEIGHER_TYPES = RUNNER_TYPES[:8]
BUDGET_TYPES = (_BOOL, _INT4, _INT8, _FLOAT8, _INT8, _FLOAT8)


def formats(count: int) -> list[int]:
    """Return the formats of so many values, the signature's among them: it alone is bytes."""
    return [int(place == _PLACE_OF_SIGNATURE) for place in range(count)]


BEGIN = b"BEGIN READ ONLY"
DEADLINE = b"SELECT pg_catalog.set_config('statement_timeout', $1, true)"
ROLLBACK = b"ROLLBACK"
# The login's own default is read-only; what is recorded is all that it ever writes.
BEGIN_RECORD = b"BEGIN READ WRITE"
RECORD = b"SELECT zava.record_calls($1), zava.charge($1)"
COMMIT = b"COMMIT"
# ROLLBACK undoes settings and notifications; session-level advisory locks survive it.
UNLOCK = b"SELECT pg_catalog.pg_advisory_unlock_all()"
# The call runs without the personal data that the grant allows: the token does not allow it.
NARROW = b"SELECT pg_catalog.set_config('zava.narrowed', 'on', true)"
WORKING = b"SELECT unnest(zava.working($1))"
# Where a weigher leaves the plan's shape, in its own transaction.
PLAN = b"SELECT pg_catalog.current_setting('zava.plan')"
SCOPE = b"SELECT * FROM zava.scope_of_data($1, $2, $3, $4, $5, $6)"
USED = b"SELECT * FROM zava.used($1, $2)"
# Refuses on a late standby, and on a server that is none. As the first statement it runs before the
# snapshot of the call is taken, so the snapshot is never older than what it has seen.
STANDBY = b"SELECT zava.standby_lag()"
# Compares the budgets of a call that then runs on a standby. No other call is admitted alone.
ADMIT = b"SELECT zava.admit($1, $2, $3, $4, $5, $6, $7, $8, $9)"
TYPES: dict[bytes, tuple[int, ...]] = {
    ADMIT: (_UUID, _UUID, _UUID, *BUDGET_TYPES),
    SCOPE: RUNNER_TYPES[:SIGNATURE_PLACES],
    USED: (_UUID, _UUID),
    DEADLINE: (_TEXT,),
    RECORD: (JSONB,),
    WORKING: (_UUIDS,),
}
FORMATS = {SCOPE: formats(SIGNATURE_PLACES)}
NAMES = {
    BEGIN: b"zava_begin",
    DEADLINE: b"zava_deadline",
    NARROW: b"zava_narrow",
    ROLLBACK: b"zava_rollback",
    UNLOCK: b"zava_unlock",
    SCOPE: b"zava_scope",
    USED: b"zava_used",
    BEGIN_RECORD: b"zava_begin_record",
    RECORD: b"zava_record",
    COMMIT: b"zava_commit",
    WORKING: b"zava_working",
    ADMIT: b"zava_admit",
    STANDBY: b"zava_standby",
}
