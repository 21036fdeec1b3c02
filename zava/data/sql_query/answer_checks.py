"""What notes on an answer rest on, read as the caller: counts, shared names, loaded orders."""

from collections.abc import Sequence
from datetime import date, datetime

import orjson
from cachetools import TTLCache

from zava.data.guard.analysis import ParsingTurns, StatementAnalyzer
from zava.data.session.tenant_database import TenantDatabase
from zava.data.sql_query.lint.linter import Linter
from zava.data.sql_query.statement_text import plain_statement
from zava.data.syntax.limits import check_limits
from zava.infrastructure.recent_values import RecentValues
from zava.model.core import Caller, Scope
from zava.model.data_reach import DataReach
from zava.model.domain import Domain
from zava.model.sql_findings import DayRange, Recomputation

MAX_COUNTED_ROWS = 500_000
"""The rows that a counting statement may visit, by its text: those of a large store's lines."""

_REACH_SECONDS = 60
_MAX_TEXTS = 1024


class AnswerChecks:
    """Reads for the notes on a free statement; each is one trip in the caller's scope."""

    def __init__(
        self,
        tenancy: TenantDatabase,
        domain: Domain,
        turns: ParsingTurns,
        linter: Linter,
        *,
        most_rows: float = MAX_COUNTED_ROWS,
    ) -> None:
        """`most_rows` is how many rows a free statement may have to visit, by its text."""
        self._tenancy = tenancy
        self._domain = domain
        self._turns = turns
        self._linter = linter
        self._most_counted = min(most_rows, MAX_COUNTED_ROWS)
        # Seen only by callers of the same audience and stores; a load shows after a minute.
        self._reaches: TTLCache[Scope, DataReach] = TTLCache(1024, _REACH_SECONDS)
        # By person, exact text and day: reading a text anew takes longer than the rest of a call.
        self._days: RecentValues[tuple[bytes, str, date], list[DayRange]] = RecentValues(_MAX_TEXTS)

    async def count_rows(self, caller: Caller, analyzer: StatementAnalyzer, sql: str) -> int | None:
        """Return how many rows a statement has in all; None where counting would cost too much.

        The guard checks the counting statement as if the caller had sent it.

        Raises:
            ZavaError: it could not be counted now, or the counting statement is too long.
        """
        # The guard reads it as one statement, or it does not run.
        bare = plain_statement(sql).rstrip("; \t\r\n\f\v")
        counting = f"SELECT count(*) AS n FROM (\n{bare}\n) AS counted"  # noqa: S608  # the guarded statement itself
        check_limits(counting)
        read = await analyzer.read(caller.identity, counting)
        verdict = read.verdict
        if verdict.error is not None or verdict.visited_rows > self._most_counted:
            return None
        table = await self._tenancy.run(
            caller,
            counting,
            max_rows=1,
            is_heavy=read.is_heavy,
            gathers=verdict.gathers,
            fingerprint=read.fingerprint,
        )
        return int(table.rows[0][0])

    async def have_shared_names(self, caller: Caller, table: str, columns: Sequence[str]) -> bool:
        """Whether several rows of a table in the caller's scope have the same values.

        `table` and `columns` are names that the domain declares.

        Raises:
            ZavaError: it could not be read now.
        """
        listed = ", ".join(columns)
        groups = f"SELECT FROM {self._domain.schema}.{table} GROUP BY {listed} HAVING count(*) > 1"
        rows, _ = await self._tenancy.read(caller, f"SELECT EXISTS ({groups}) AS is_shared")
        return bool(rows[0]["is_shared"])

    async def reach(self, caller: Caller, scope: Scope) -> DataReach:
        """Return how far the orders of the caller's stores are loaded, at most a minute old.

        Raises:
            ZavaError: it could not be read now.
        """
        known = self._reaches.get(scope)
        if known is None:
            grant = await self._tenancy.effective_access(caller)
            known = DataReach.read(orjson.loads(grant.reach), self._domain)
            # The grant may have changed since the statement: then it is of no other caller's scope.
            if {each.store for each in known.stores} <= set(scope.stores):
                self._reaches[scope] = known
        return known

    async def recomputation(self, caller: Caller, sql: str, today: date) -> Recomputation | None:
        """Return the certified metric that a statement recomputes, None unless it is certain."""
        statement = plain_statement(sql)
        return await self._turns.run(caller.identity, self._linter.recomputation, statement, today)

    def day_of(self, moment: datetime) -> date:
        """Return the day of the stores at a moment."""
        return moment.astimezone(self._linter.zone).date()

    async def days(self, caller: Caller, sql: str, today: date) -> list[DayRange]:
        """Return the days that the conditions of a statement select."""
        key = caller.identity, sql, today
        known = self._days.get(key)
        if known is None:
            statement = plain_statement(sql)
            reading = self._turns.run(caller.identity, self._linter.days, statement, today)
            known = self._days[key] = await reading
        return known
