"""The audit: what is recorded of a call, by when, and what happens when it cannot be."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from tests.support.answers.call_records import recorded
from tests.support.servers.database import Database
from tests.support.servers.proxy import counting_proxy
from tests.support.suite.patience import patient
from zava.data.session.audit_writer import BATCH_RECORDS, AuditWriter
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.signed_context import ContextSigner
from zava.data.session.tenant_database import TenantDatabase
from zava.data.sql_query.free_query import FreeQuery
from zava.data.syntax.fingerprint import fingerprint
from zava.errors import AccessDenied, Busy, DatabaseFault, QueryRefused
from zava.infrastructure.postgres.audit_report import read_audit, read_trace
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.core import Caller, CallRecord, Table
from zava.retail.declaration import RETAIL
from zava.retail.demo.stores import store_id

SQL = "SELECT count(*) FROM retail.customers WHERE last_name = 'Alvarez'"


@asynccontextmanager
async def tenant_database(
    conninfo: str, signer: ContextSigner, *, is_required: bool, use_prepared: bool = True
) -> AsyncIterator[tuple[TenantDatabase, AuditWriter]]:
    pool = DatabasePool(conninfo, max_size=2)
    trail = AuditWriter(pool, is_required=is_required, use_prepared=use_prepared)
    verification = IsolationCheck(pool, signer, RETAIL, use_prepared=use_prepared)
    try:
        yield (
            TenantDatabase(pool, signer, verification, trail=trail, use_prepared=use_prepared),
            trail,
        )
    finally:
        await trail.close()
        await pool.close()


def calling(caller: Caller, tool: str = "execute_sales_query") -> CallRecord:
    return CallRecord(replace(caller, client_id="client"), tool, client_name="tests")


async def run(
    database: TenantDatabase | FreeQuery, record: CallRecord, sql: str, max_rows: int = 1
) -> Table:
    with recorded(record):
        return await database.run(record.caller, sql, max_rows=max_rows)


async def access(database: TenantDatabase, record: CallRecord) -> None:
    with recorded(record):
        await database.effective_access(record.caller)


def end(trail: AuditWriter, record: CallRecord, outcome: str = "OK") -> None:
    record.outcome = outcome
    trail.record(record)


def records(database: Database, columns: str = "*", where: str = "true") -> list[Any]:
    with psycopg.connect(database.owner) as owner:
        query = f"SELECT {columns} FROM zava.audit_log WHERE {where} ORDER BY called_at, phase"
        return owner.execute(query.encode()).fetchall()


@pytest.mark.requirement("S65")
@pytest.mark.parametrize("is_required", [True, False])
@pytest.mark.parametrize("use_prepared", [True, False])
async def test_record_tells_who_what_whose_how_much_and_how_it_ended(
    seeded_clone: Database,
    signer: ContextSigner,
    callers: dict[str, Caller],
    is_required: bool,
    use_prepared: bool,
) -> None:
    eastside = calling(callers["eastside"])
    async with tenant_database(
        seeded_clone.server, signer, is_required=is_required, use_prepared=use_prepared
    ) as (tenancy, trail):
        await run(tenancy, eastside, SQL)
        end(trail, eastside)
    phases = ["intent", "outcome"] if is_required else ["outcome"]
    assert [row[0] for row in records(seeded_clone, "phase")] == phases
    (told,) = records(
        seeded_clone,
        "tenant_id, object_id, client_id, client_name, tool, audience, store_ids, row_count,"
        " byte_count, outcome, correlation_id = replace(call_id::text, '-', ''),"
        " duration_milliseconds >= database_milliseconds AND database_milliseconds > 0,"
        " length(fingerprint)",
        "phase = 'outcome'",
    )
    assert told[:6] == (
        eastside.caller.tenant_id,
        eastside.caller.object_id,
        "client",
        "tests",
        "execute_sales_query",
        "regional_managers",
    )
    assert set(told[6]) == {store_id(name) for name in ("Bellevue", "Redmond", "Kirkland")}
    assert told[7:] == (1, len('{"count":9}'), "OK", True, True, 16)


@pytest.mark.requirement("S65")
async def test_question_that_a_kept_answer_may_serve_is_recorded_with_its_scope(
    seeded_clone: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    eastside = calling(callers["eastside"], "query_metrics")
    async with tenant_database(seeded_clone.server, signer, is_required=True) as (tenancy, trail):
        await access(tenancy, eastside)
        assert [row[0] for row in records(seeded_clone, "phase")] == ["intent"]
        end(trail, eastside)
    ((audience, stores),) = records(seeded_clone, "audience, store_ids", "phase = 'outcome'")
    assert audience == "regional_managers"
    assert set(stores) == {store_id(name) for name in ("Bellevue", "Redmond", "Kirkland")}


@pytest.mark.requirement("S65")
async def test_record_holds_no_literal_and_no_result(
    seeded_clone: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    async with tenant_database(seeded_clone.server, signer, is_required=True) as (tenancy, trail):
        for literal in ("Alvarez", "Tanaka"):
            seattle = calling(callers["seattle"])
            sql = f"SELECT '{literal}' AS told, first_name FROM retail.customers WHERE last_name = '{literal}'"
            await run(tenancy, seattle, sql, max_rows=3)
            end(trail, seattle)
    assert "Alvarez" not in str(records(seeded_clone))
    assert "Tanaka" not in str(records(seeded_clone))
    prints = {row[0] for row in records(seeded_clone, "fingerprint")}
    assert len(prints) == 1  # the two differ in literals only


@pytest.mark.parametrize("is_required", [True, False])
async def test_recorded_call_takes_one_round_trip(
    seeded_clone: Database, signer: ContextSigner, callers: dict[str, Caller], is_required: bool
) -> None:
    async with counting_proxy(seeded_clone.server) as proxy:
        async with tenant_database(proxy.conninfo, signer, is_required=is_required) as (
            tenancy,
            trail,
        ):
            await run(tenancy, calling(callers["seattle"]), "SELECT 1")
            before = proxy.round_trips
            for sql in (SQL, "SELECT 1 / 0", SQL):
                seattle = calling(callers["seattle"])
                if "/" in sql:
                    with pytest.raises(DatabaseFault):
                        await run(tenancy, seattle, sql)
                else:
                    await run(tenancy, seattle, sql)
                end(trail, seattle)
            assert proxy.round_trips - before == 3
        # Outcomes of the first two rode with the next call's intent; the last one was left.
        assert len(records(seeded_clone, where="phase = 'outcome'")) == 3


async def test_intent_is_committed_before_the_statement_runs(
    seeded_clone: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    async with tenant_database(seeded_clone.server, signer, is_required=True) as (tenancy, _):
        await run(tenancy, calling(callers["seattle"]), "SELECT 1")
        call = asyncio.ensure_future(
            run(tenancy, calling(callers["seattle"]), "SELECT pg_sleep(30)")
        )
        async with await psycopg.AsyncConnection.connect(seeded_clone.owner, autocommit=True) as (
            owner
        ):
            sleeping = (
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE wait_event = 'PgSleep' AND datname = current_database()"
            )
            while (await (await owner.execute(sleeping)).fetchone()) != (1,):
                pass  # each look is a round trip
            assert len(records(seeded_clone, where="phase = 'intent'")) == 2
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call


async def test_question_who_somebody_is_is_recorded_before_it_is_asked_too(
    seeded_clone: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    async with tenant_database(seeded_clone.server, signer, is_required=True) as (tenancy, trail):
        caller = calling(callers["seattle"], "query_metrics")
        await access(tenancy, caller)
        assert records(seeded_clone, "phase, tool") == [("intent", "query_metrics")]
        end(trail, caller)


async def test_what_cannot_be_recorded_is_not_run_where_records_are_required(
    seeded_clone: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    with psycopg.connect(seeded_clone.owner, autocommit=True) as owner:
        async with tenant_database(seeded_clone.server, signer, is_required=True) as (
            tenancy,
            trail,
        ):
            owner.execute(
                "ALTER TABLE zava.audit_log ADD CONSTRAINT full_disk CHECK (false) NOT VALID"
            )
            for _ in range(2):
                with pytest.raises(Busy, match="record could not be written"):
                    await run(tenancy, calling(callers["seattle"]), SQL)
            owner.execute("ALTER TABLE zava.audit_log DROP CONSTRAINT full_disk")
            # Nothing of the failed transaction is left on the connection.
            seattle = calling(callers["seattle"])
            assert (await run(tenancy, seattle, SQL)).rows
            end(trail, seattle)
        assert len(records(seeded_clone)) == 2


def test_what_is_no_statement_has_no_fingerprint() -> None:
    assert fingerprint("SELEC 1") is None
    assert fingerprint("SELECT 1") == fingerprint("SELECT 2")


async def test_call_that_nobody_named_is_recorded_where_records_are_required(
    seeded_clone: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    async with tenant_database(seeded_clone.server, signer, is_required=True) as (tenancy, _):
        await tenancy.run(callers["seattle"], SQL, max_rows=1)
    assert {row[0] for row in records(seeded_clone, "tool")} == {"unnamed"}


async def test_records_that_cannot_be_written_are_counted_and_told(
    seeded_clone: Database,
    signer: ContextSigner,
    callers: dict[str, Caller],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with psycopg.connect(seeded_clone.owner, autocommit=True) as owner:
        async with tenant_database(seeded_clone.server, signer, is_required=False) as (
            tenancy,
            trail,
        ):
            owner.execute(
                "ALTER TABLE zava.audit_log ADD CONSTRAINT full_disk CHECK (false) NOT VALID"
            )
            seattle = calling(callers["seattle"])
            assert (await run(tenancy, seattle, SQL)).rows
            end(trail, seattle)
            await trail.close()
            assert trail.dropped == 1
            assert "1 records lost: CheckViolation 23514" in caplog.text
            owner.execute("ALTER TABLE zava.audit_log DROP CONSTRAINT full_disk")
            seattle = calling(callers["seattle"])
            assert (await run(tenancy, seattle, SQL)).rows
            end(trail, seattle)
    assert len(records(seeded_clone)) == 1


async def test_records_wait_while_no_connection_can_be_had(
    seeded_clone: Database,
    signer: ContextSigner,
    callers: dict[str, Caller],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("zava.data.session.audit_writer.BATCH_SECONDS", 0.01)
    monkeypatch.setattr("zava.data.session.audit_writer.MAX_WAITING", 2)
    async with tenant_database(seeded_clone.server, signer, is_required=False) as (tenancy, trail):
        # Below the use cases no public name leads to the executor and its pool.
        async with (
            tenancy._executor._primary.pool.connection(),
            tenancy._executor._primary.pool.connection(),
        ):
            # The driver's pool lies below ours; its waits and its figures have no other name.
            monkeypatch.setattr(tenancy._executor._primary.pool._pool, "timeout", 0.05)
            for _ in range(2):
                end(trail, calling(callers["seattle"]))
            # No public name leads to the writer, which the test fills.
            writer = trail._writer
            assert writer is not None
            assert not (await asyncio.wait({writer}, timeout=0.5))[0]  # it tries again and again
            assert (trail.dropped, trail.unwritten(callers["seattle"])[0]) == (0, 2)
            end(trail, calling(callers["seattle"]))  # one more than may wait
            while not trail.dropped:  # each try waits for a connection
                await asyncio.wait({writer}, timeout=0.05)
            end(trail, calling(callers["seattle"]))
        monkeypatch.setattr(tenancy._executor._primary.pool._pool, "timeout", 10.0)
        await trail.close()
    # The batch on its way was given up; what came after it was written.
    assert trail.dropped >= 2
    assert len(records(seeded_clone)) == 4 - trail.dropped


async def test_end_does_not_wait_for_a_database_that_is_gone(
    signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    nowhere = "host=127.0.0.1 port=1 dbname=x user=y password=z"
    async with tenant_database(nowhere, signer, is_required=False) as (tenancy, trail):
        tenancy._executor._primary.pool._pool.timeout = 0.1
        end(trail, calling(callers["seattle"]))
        await asyncio.wait_for(trail.close(), patient(5))
        assert trail.dropped == 1
        assert trail.unwritten(callers["seattle"]) == (0, 0.0)


async def test_refused_and_denied_calls_are_recorded_with_their_statement(
    seeded_clone: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    async with tenant_database(seeded_clone.server, signer, is_required=True) as (tenancy, trail):
        data = FreeQuery(tenancy, RETAIL)
        await data.run(callers["seattle"], "SELECT 1", max_rows=1)  # what the guard has to learn
        refused = calling(callers["seattle"])
        with pytest.raises(QueryRefused):
            await run(data, refused, "SELECT pg_sleep(1)")
        end(trail, refused, "QUERY_REFUSED")
        stranger = calling(replace(callers["seattle"], object_id=callers["seattle"].tenant_id))
        with pytest.raises(AccessDenied):
            await run(data, stranger, SQL)
        end(trail, stranger, "AUTHORIZATION_ERROR")
    told = records(seeded_clone, "phase, outcome, fingerprint IS NOT NULL", "tool <> 'unnamed'")
    assert told == [
        ("outcome", "QUERY_REFUSED", True),  # it reached no data: no intent
        ("intent", None, True),
        ("outcome", "AUTHORIZATION_ERROR", True),
    ]


async def test_full_batch_leaves_at_once_and_more_than_two_never_gather(
    seeded_clone: Database,
    signer: ContextSigner,
    callers: dict[str, Caller],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "zava.data.session.audit_writer.BATCH_SECONDS", 600.0
    )  # only a full batch leaves
    async with counting_proxy(seeded_clone.server) as proxy:
        async with tenant_database(proxy.conninfo, signer, is_required=False) as (tenancy, trail):
            await tenancy.run(callers["seattle"], "SELECT 1", max_rows=1)
            proxy.answers_flow.clear()  # the first batch is being written for as long as we like
            for _ in range(BATCH_RECORDS):
                end(trail, calling(callers["seattle"]))
            await asyncio.wait_for(trail.wait_for_capacity(), patient(5))
            for _ in range(BATCH_RECORDS):
                end(trail, calling(callers["seattle"]))
            waiting = asyncio.ensure_future(trail.wait_for_capacity())
            assert not (await asyncio.wait({waiting}, timeout=0.2))[0]
            proxy.answers_flow.set()
            await asyncio.wait_for(waiting, patient(5))
        assert len(records(seeded_clone)) == 2 * BATCH_RECORDS


async def test_record_is_written_after_a_second_though_nobody_calls(
    seeded_clone: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    async with tenant_database(seeded_clone.server, signer, is_required=False) as (_, trail):
        end(trail, calling(callers["seattle"]))
        writer = trail._writer
        assert writer is not None
        await asyncio.wait_for(asyncio.shield(writer), patient(10))
        ((delay,),) = records(seeded_clone, "extract(epoch FROM recorded_at - called_at)::float")
        assert 0.9 < delay < 5


async def test_same_record_twice_is_one(
    seeded_clone: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    seattle = calling(callers["seattle"])
    async with tenant_database(seeded_clone.server, signer, is_required=False) as (_, trail):
        end(trail, seattle)
        end(trail, seattle)
    assert len(records(seeded_clone)) == 1


async def test_report_shows_people_denied_calls_and_what_stands_out(
    seeded_clone: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    async with tenant_database(seeded_clone.server, signer, is_required=True) as (tenancy, trail):
        for name in ("seattle", "redmond", "tacoma"):
            caller = calling(callers[name])
            await run(tenancy, caller, SQL)
            end(trail, caller)
        for number in range(60):
            curious = calling(callers["seattle"])
            name = "lower(" * (number // 2) + "first_name" + ")" * (number // 2)
            order = "ORDER BY 1" if number % 2 else ""
            await run(tenancy, curious, f"SELECT {name} FROM retail.customers {order}", max_rows=50)
            end(trail, curious)
        denied = calling(callers["tacoma"], "compare_with_chain")
        denied.trace_id = "ab" * 16
        end(trail, denied, "AUTHORIZATION_ERROR")
        killed = calling(callers["redmond"])
        await run(tenancy, killed, SQL)
    with psycopg.connect(seeded_clone.admin, autocommit=True) as admin:
        report = read_audit(admin, hours=1)
        of_trace = read_trace(admin, "ab" * 16, hours=1)
        assert read_trace(admin, "cd" * 16, hours=1) == []
    people = {person.who: person for person in report.people}
    assert [person.who for person in report.people] == ["seattle", "redmond", "tacoma"]
    assert (people["seattle"].calls, people["seattle"].statements) == (61, 61)
    assert people["seattle"].rows == 1 + 60 * 50
    assert (people["redmond"].calls, people["redmond"].unknown) == (2, 1)
    assert (people["tacoma"].calls, people["tacoma"].denied) == (2, 1)
    (told,) = report.denied
    assert (told.who, told.tool, told.trace_id) == ("tacoma", "compare_with_chain", "ab" * 16)
    assert [(one.who, one.outcome) for one in of_trace] == [("tacoma", "AUTHORIZATION_ERROR")]
    assert of_trace[0].correlation_id == told.correlation_id
    assert report.unusual == (
        "seattle: 3,001 rows, the median is 1",
        "seattle: 61 different statements, the median is 1",
    )
