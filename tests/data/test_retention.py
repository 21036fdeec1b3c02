"""`zava retain` ends old records, and nothing else does."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.support.servers.database import Database, one
from zava.infrastructure.postgres.audit_report import read_audit
from zava.infrastructure.postgres.retention import Removal, remove_old_records
from zava.model.core import Caller
from zava.retail.demo.principals import demo_callers

AGES = (0, 10, 399, 401, 500)


def record(age: int) -> dict[str, Any]:
    called_at = datetime.now(UTC) - timedelta(days=age)
    return {
        "call_id": str(uuid4()),
        "phase": "outcome",
        "called_at": called_at.isoformat(),
        "tenant_id": str(uuid4()),
        "object_id": str(uuid4()),
        "client_id": "client",
        "client_name": "client",
        "tool": "query_metrics",
        "outcome": "OK",
    }


def keep_question(admin: psycopg.Connection, person: Caller, kind: str, age: int) -> None:
    """Keep a question as the person's own, noted so many days ago."""
    with admin.transaction():
        admin.execute("SET LOCAL ROLE zava_context")
        own = f"{person.tenant_id}/{person.object_id}"
        admin.execute("SELECT set_config('zava.questions_of', %s, true)", [own])
        admin.execute(
            "INSERT INTO zava.kept_questions"
            " (tenant_id, object_id, kind, address_hash, address, title, noted_at)"
            " VALUES (%s, %s, %s, %s, '/console/sql', 'SQL', now() - make_interval(days => %s))",
            [person.tenant_id, person.object_id, kind, age, age],
        )


def logged(owner: psycopg.Connection) -> list[tuple[str, Any]]:
    return owner.execute(
        "SELECT actor, new FROM zava.change_log WHERE subject = 'audit_log' ORDER BY change_id"
    ).fetchall()


def test_old_records_end_and_the_change_log_says_so(seeded_clone: Database) -> None:
    with (
        psycopg.connect(seeded_clone.owner, autocommit=True) as owner,
        psycopg.connect(seeded_clone.admin, autocommit=True) as admin,
    ):
        entries = [record(age) for age in AGES]
        owner.execute("SELECT zava.record_calls(%s)", [Jsonb(entries)])
        runs = [
            one(
                owner,
                "INSERT INTO zava.import_runs (source_system, mode, manifest, files, started_at)"
                " VALUES ('till', 'upsert', %s, '[]', now() - make_interval(days => %s))"
                " RETURNING run_id",
                f"run {age}",
                age,
            )
            for age in AGES
        ]
        for run in runs:
            owner.execute(
                "INSERT INTO zava_import.rejects (run_id, table_name, file, row, rule, record)"
                " VALUES (%s, 'orders', 1, 1, 'a rule', '{}')",
                [run],
            )
        for person in ("seattle", "tacoma"):
            for kind, age in (("history", 89), ("history", 91), ("saved", 91), ("saved", 500)):
                keep_question(admin, demo_callers()[person], kind, age)
        counted = remove_old_records(admin, keep_days=400, is_rehearsal=True)
        assert (counted.records, counted.rejected_rows, counted.visits) == (2, 2, 2)
        assert one(owner, "SELECT count(*) FROM zava.audit_log") == len(AGES)
        assert logged(owner) == []

        removed = remove_old_records(admin, keep_days=400, is_rehearsal=False, actor="ann")
        assert removed == counted
        assert removed.oldest == datetime.fromisoformat(entries[-1]["called_at"])
        assert one(owner, "SELECT count(*) FROM zava.audit_log") == 3
        assert one(owner, "SELECT count(*) FROM zava_import.rejects") == 3
        ((actor, new),) = logged(owner)
        assert actor == "ann"
        assert (new["records"], new["removed_before"]) == (2, str(removed.before))
        # The report shows what is left of the hours that it is asked for.
        assert sum(each.calls for each in read_audit(admin, hours=24 * 366).people) == 2

        again = remove_old_records(admin, keep_days=400, is_rehearsal=False)
        assert again == Removal(removed.before, 0, None, 0)


@pytest.mark.parametrize("days", [29, 0, -5, None])
def test_last_thirty_days_stay_whoever_asks(seeded_clone: Database, days: int | None) -> None:
    with psycopg.connect(seeded_clone.admin, autocommit=True) as admin:
        admin.execute("SET ROLE zava_context")
        with pytest.raises(psycopg.errors.InvalidParameterValue):
            admin.execute("SELECT zava.remove_records(%s::integer, false)", [days])


def test_no_other_role_removes_records(seeded_clone: Database) -> None:
    with psycopg.connect(seeded_clone.admin, autocommit=True) as admin:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            admin.execute("SET ROLE zava_retention")
        for role in ("zava_context", "zava_audit", "zava_loader", "zava_owner"):
            admin.execute(f"SET ROLE {role}")
            for table in ("audit_log", "change_log"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    admin.execute(f"DELETE FROM zava.{table}")
            if role != "zava_context":
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    admin.execute("SELECT zava.remove_records(400, true)")
            admin.execute("RESET ROLE")
