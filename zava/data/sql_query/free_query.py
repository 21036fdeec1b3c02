"""The domain's data for the use cases: free SQL, guarded, with hints and explanations."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Any, cast

import psycopg

from zava import call_context
from zava.data.guard.analysis import ParsingTurns, StatementAnalysis, StatementAnalyzer
from zava.data.guard.guard import Guard
from zava.data.guard.vocabulary import FUNCTIONS, NO_FOREIGN_NAMES, ForeignNames
from zava.data.named_queries import core_statement, domain_statement
from zava.data.session.tenant_database import ROWS_AS_TEXT, TenantDatabase
from zava.data.sql_query import empty_results
from zava.data.sql_query.keyset_hint import how_to_continue, sort_keys
from zava.data.sql_query.name_hints import NAMES_COLUMNS, advise, names_of
from zava.data.sql_query.predicates import find_conditions
from zava.data.sql_query.schema_catalog import SchemaReader
from zava.data.sql_query.statement_text import check_characters, plain_statement
from zava.data.syntax.fingerprint import note_fingerprint, note_statement
from zava.data.syntax.limits import check_limits
from zava.data.syntax.outside_text import OutsideText
from zava.data.syntax.parser import Node
from zava.errors import DatabaseFault, NotPermitted, QueryRefused, ZavaError
from zava.model.answer_size import rows_that_fit
from zava.model.audiences import Breadth, ReadingRole
from zava.model.core import BudgetUse, Caller, PerformanceSummary, Scope, Table, TableSchema
from zava.model.domain import Domain
from zava.telemetry import events
from zava.telemetry.instruments import CacheType

if TYPE_CHECKING:
    from zava.data.export.row_spool import RowSpool
    from zava.data.sql_query.answer_checks import AnswerChecks
    from zava.data.sql_query.lint.linter import Lint, Linter
    from zava.data.sql_query.lint.query_tree import Tables

logger = logging.getLogger(__name__)

_COMPUTING = ("(", "'", "current_")


class FreeQuery:
    """Run callers' own statements, and describe the tables that they may read."""

    def __init__(
        self,
        tenancy: TenantDatabase,
        domain: Domain,
        *,
        most_rows: float = inf,
        turns: ParsingTurns | None = None,
        make_linter: "Callable[[Tables], Linter] | None" = None,
    ) -> None:
        """`most_rows` is how many rows a free statement may have to visit, by its text.

        `make_linter` is called with the readable tables when the first statement needs it.
        """
        self._tenancy = tenancy
        self.domain = domain
        self._make_linter = make_linter
        self._linter: Linter | None = None
        self._most_rows = most_rows
        self._schemas = SchemaReader(domain)
        self._outside_text = OutsideText(domain.outside_text)
        self._turns = turns or ParsingTurns()
        self._reader: StatementAnalyzer | None = None
        self._tables: Tables = {}
        self._checks: AnswerChecks | None = None

    async def run(self, caller: Caller, sql: str, *, max_rows: int) -> Table:
        """Run a statement that the caller's model wrote.

        An empty answer costs one more round trip and has the reason in `notes`; the notes of a cut
        answer state how to continue. The rows are bounded in bytes, too; `max_rows` raises that.

        Raises:
            ZavaError: the statement was refused, failed, or could not be run now.
        """
        sql, read = await self._checked(caller, sql)
        try:
            table = await self._tenancy.run(
                caller,
                sql,
                max_rows=max_rows,
                is_heavy=read.is_heavy,
                gathers=read.verdict.gathers,
                reads_outside_text=read.verdict.reads_outside_text,
                fingerprint=read.fingerprint,
                columns=read.verdict.columns if read.verdict.visited_rows > ROWS_AS_TEXT else 0,
            )
        except (DatabaseFault, QueryRefused) as fault:
            await self._advise(caller, sql, fault)
            raise
        fitting = rows_that_fit(table.rows, max_rows)
        if fitting < len(table.rows):
            table = replace(table, rows=table.rows[:fitting], truncated="bytes")
        notes = await self._notes(caller, sql, table)
        if self._linter is not None and table.rows:
            places = self._linter.about_places(sql, table.scope.zones, table.scope.currencies)
            notes = [*places, *notes]
        lint: Lint | None = read.verdict.findings
        if lint is None or self._linter is None:
            return replace(table, notes=tuple(notes)) if notes else table
        findings = lint.on(table.as_of.astimezone(self._linter.zone).date())
        return replace(table, notes=tuple(notes), findings=findings)

    async def _checked(self, caller: Caller, sql: str) -> tuple[str, StatementAnalysis]:
        """Return a statement as it is run, once the guard has let it pass.

        Raises:
            ZavaError: the statement is refused.
        """
        sql = plain_statement(sql)
        check_limits(sql)  # before anything is asked of the database
        check_characters(sql)
        record = call_context.record()
        if self._reader is None:
            await note_statement(record, sql)  # before the statements that learn the tables
        reader = self._reader or await self.reader(caller)
        read = await reader.read(caller.identity, sql)
        note_fingerprint(record, read.fingerprint)
        read.verdict.enforce()
        if read.verdict.visited_rows > self._most_rows:
            self._tenancy.charge_refusal(caller)
            raise QueryRefused(
                "The statement would visit more rows than the limit.",
                hint="Join on keys, narrow the period, or aggregate in a WITH before joining.",
            )
        return sql, read

    async def export(
        self, caller: Caller, sql: str, *, max_rows: int, max_bytes: int
    ) -> "tuple[Table, RowSpool]":
        """Run a caller's statement with all its rows; the receiver closes their spool.

        Raises:
            ZavaError: the statement was refused, failed, or could not be run now.
        """
        from zava.data.export.row_spool import RowSpool
        from zava.data.export.whole_statement import SpooledRows, WholeStatement

        sql, read = await self._checked(caller, sql)
        rows = SpooledRows(RowSpool())
        whole = WholeStatement(
            sql, rows, read.fingerprint, read.verdict.gathers, max_rows, max_bytes
        )
        try:
            table = await self._tenancy.run_whole(
                caller, whole, reads_outside_text=read.verdict.reads_outside_text
            )
        except BaseException as fault:
            rows.spool.close()
            if isinstance(fault, DatabaseFault | QueryRefused):
                await self._advise(caller, sql, fault)
            raise
        record = call_context.record()
        if record is not None:
            record.row_count += rows.spool.count
            record.byte_count += rows.spool.bytes
        return table, rows.spool

    def _read_findings(self, text: str, tree: Node, has_subqueries: bool) -> "Lint | None":  # noqa: FBT001  # as the guard calls it
        if self._linter is None:  # it is loaded with the first statement that computes anything
            folded = text.lower()
            if any(mark in folded for mark in _COMPUTING) or self._outside_text.is_read(text, tree):
                self._load_linter()
        return None if self._linter is None else self._linter.read(text, tree, has_subqueries)

    def _load_linter(self) -> "Linter | None":
        if self._linter is None and self._make_linter is not None:
            self._linter = self._make_linter(self._tables)
        return self._linter

    def needs_checks(self, sql: str, table: Table) -> bool:
        """Whether a note on an answer may rest on something that is not yet read."""
        if self._linter is None and table.truncated is None:
            return False
        is_noted = bool(table.findings) or self.names_moment(sql)
        return is_noted or (table.truncated is not None and self._load_linter() is not None)

    def names_moment(self, sql: str) -> bool:
        """Whether a statement names the moment by which certified metrics select their days."""
        return self._linter is not None and self._linter.names_moment(sql)

    async def count_rows(self, caller: Caller, sql: str) -> int | None:
        """Return how many rows a statement has in all; None where counting would cost too much.

        Raises:
            ZavaError: it could not be counted now.
        """
        return await self.checks.count_rows(caller, await self.reader(caller), sql)

    @property
    def checks(self) -> "AnswerChecks":
        """What such notes rest on, where `needs_checks` is true."""
        from zava.data.sql_query.answer_checks import AnswerChecks

        if self._checks is None:
            linter = cast("Linter", self._linter)
            self._checks = AnswerChecks(
                self._tenancy, self.domain, self._turns, linter, most_rows=self._most_rows
            )
        return self._checks

    async def _notes(self, caller: Caller, sql: str, table: Table) -> list[str]:
        notes = empty_results.about_json_nulls(table)
        if table.truncated:
            keys = await self._turns.run(caller.identity, sort_keys, sql)
            notes.append(how_to_continue(keys, table))
        elif empty_results.is_empty(table.rows):
            notes += await self._explain(caller, table.scope.role, sql)
        return notes

    async def table_schemas(
        self, caller: Caller, names: Sequence[str] | None
    ) -> tuple[list[TableSchema], Scope]:
        """Describe the tables as the caller's audience may read them; None means all of them.

        Raises:
            InvalidInput: a name is no table that this audience can read.
        """
        # The values are read each time: the trip also asks whether the caller may still ask.
        values, scope = await self._tenancy.read(
            caller, domain_statement("enumerated_values", self.domain)
        )
        await self._know_structure(caller, scope.role)
        return self._schemas.describe(scope.role, names, values), scope

    async def readable_tables(self, caller: Caller) -> list[str]:
        """Return the bare names of the tables that the caller's audience may read."""
        # Read each time: the trip also asks whether the caller may still ask.
        return list(self._schemas.columns(await self._learn_structure(caller)))

    async def performance(self, caller: Caller) -> PerformanceSummary:
        """Return this process's query statistics, to the audience that sees all.

        Raises:
            AccessDenied: the caller has no grant.
            NotPermitted: the caller is of another audience.
        """
        _, scope = await self._tenancy.read(caller, domain_statement("scope", self.domain))
        if scope.audience.breadth is not Breadth.ALL:
            raise NotPermitted(
                f"Only {self.domain.audiences.widest.title} may read query statistics.",
                hint=f"Request them from {self.domain.audiences.widest.title}.",
            )
        return self._tenancy.performance()

    async def budget(self, caller: Caller) -> BudgetUse:
        """Return what the caller has used of the budgets.

        Raises:
            AccessDenied: the caller has no grant.
        """
        return await self._tenancy.budget(caller)

    async def _know_structure(self, caller: Caller, role: ReadingRole) -> None:
        if self._schemas.knows(role):
            events.cache_hit(CacheType.SCHEMA)
        else:
            events.cache_miss(CacheType.SCHEMA)
            await self._learn_structure(caller)

    async def _learn_structure(self, caller: Caller) -> ReadingRole:
        rows, scope = await self._tenancy.read(
            caller, core_statement("table_structure", self.domain), {"schema": self.domain.schema}
        )
        self._schemas.learn(scope.role, rows)
        return scope.role

    async def reader(self, caller: Caller) -> StatementAnalyzer:
        """Return the reader over the domain's tables, which the first caller's question reads."""
        if self._reader is not None:
            return self._reader
        # The same tables for every audience: a verdict depends on the text alone.
        tables = self._schemas.columns(await self._learn_structure(caller))
        rows, _ = await self._tenancy.read(
            caller, core_statement("field_names", self.domain), {"schema": self.domain.schema}
        )
        foreign = NO_FOREIGN_NAMES
        if self.domain.table_names:
            foreign = self._learn_foreign(rows[0])
        guard = Guard(
            self.domain.schema,
            frozenset(tables) - foreign.spelled.keys(),
            frozenset(rows[0]["columns"]),
            frozenset(rows[0]["calling"]),
            self._outside_text,
            self._read_findings,
            {name: len(columns) for name, columns in rows[0]["tables"].items()},
            foreign=foreign,
        )
        self._tables = self._tables or rows[0]["tables"]
        self._reader = self._reader or StatementAnalyzer(guard, self._turns)
        return self._reader

    def _learn_foreign(self, found: Mapping[str, Any]) -> ForeignNames:
        """Keep what another application's database adds to names, and whose text is outsiders'."""
        outside = {name: tuple(columns) for name, columns in found["outside_text"].items()}
        self.domain = replace(self.domain, outside_text=outside)
        bare = {name.rpartition(".")[2]: columns for name, columns in outside.items()}
        self._outside_text = OutsideText(bare | outside)
        return ForeignNames(
            tables=frozenset(found["names"]),
            types=frozenset(found["types"]),
            hiding=FUNCTIONS & frozenset(found["functions"]),
            spelled=self.domain.table_names,
        )

    async def _advise(self, caller: Caller, sql: str, fault: DatabaseFault | QueryRefused) -> None:
        """Write into the hint what would have worked, and into the message the caller's literal."""
        cause = fault.__cause__
        if not isinstance(cause, psycopg.Error):
            return
        state, said = cause.sqlstate or "", cause.diag.message_primary or ""
        position = int(cause.diag.statement_position or 0)
        if state not in NAMES_COLUMNS:
            from zava.data.sql_query.corrections import correct

            correct(fault, sql, state=state, said=said, position=position)
            return
        role = self._tenancy.role(caller)
        if role is None:
            role = await self._learn_structure(caller)
        else:
            await self._know_structure(caller, role)
        names = await self._turns.run(caller.identity, names_of, sql)
        readable = self._schemas.columns(role)
        fault.hint = advise(self.domain, said, sql, position, names, readable) or fault.hint

    async def _explain(self, caller: Caller, role: ReadingRole, sql: str) -> list[str]:
        """Read which conditions removed the rows; a failure here does not change the answer."""
        await self._know_structure(caller, role)
        tables = self._schemas.columns(role)
        conditions = await self._turns.run(caller.identity, find_conditions, sql, tables)
        question = empty_results.question(self.domain, conditions, tables)
        if question is None:
            return []
        try:
            rows, _ = await self._tenancy.read(caller, *question)
        except ZavaError as error:
            logger.info("no explanation: %s correlation_id=%s", error.code, error.correlation_id)
            return []
        return empty_results.explain(self.domain, conditions, rows)
