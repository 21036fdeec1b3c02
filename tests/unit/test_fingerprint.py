"""A statement's fingerprint is read for each person, and once for each text."""

from uuid import UUID

import pytest

from zava.data.syntax import fingerprint
from zava.data.syntax.fingerprint import note_statement
from zava.model.core import Caller, CallRecord

SQL = "SELECT sum(total_amount) AS a_sum_that_no_other_test_asks_for FROM retail.orders"


async def test_no_caller_meets_what_another_one_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    read = []

    def reading(statement: str) -> str:
        read.append(statement)
        return "a fingerprint"

    monkeypatch.setattr(fingerprint, "fingerprint", reading)
    for person in (1, 1, 2, 1, 2):
        record = CallRecord(Caller(UUID(int=9), UUID(int=person)), "query_metrics")
        await note_statement(record, SQL)
        assert record.fingerprint == "a fingerprint"
    assert read == [SQL, SQL]
