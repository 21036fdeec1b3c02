"""`zava audit` reports the audit of the last hours; `zava retain` removes old records."""

import re
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from zava.cli.terminal import administered, console, operator
from zava.infrastructure.postgres.audit_report import Traced, read_audit, read_trace
from zava.infrastructure.postgres.retention import SHORTEST_DAYS, remove_old_records


def audit(
    hours: Annotated[int, typer.Option(min=1, max=24 * 366, help="How far back.")] = 24,
    trace: Annotated[
        str | None, typer.Option(help="Show the calls of one client's trace id instead.")
    ] = None,
) -> None:
    """Show who called how much, what was denied, and whose calls stand out."""
    with administered() as database, database.administration() as connection:
        if trace is not None:
            _print_trace(read_trace(connection, trace.lower(), hours=hours))
            return
        report = read_audit(connection, hours=hours)
    console.print(f"The last {report.hours} hours, by person")
    table = Table()
    headings = ("who", "calls", "denied", "unknown", "refused for cost", "statements", "rows")
    for heading in (*headings, "bytes", "db s"):
        is_name = heading == "who"
        table.add_column(heading, justify="left" if is_name else "right", no_wrap=is_name)
    table.add_column("last call")
    for person in report.people:
        table.add_row(
            person.who,
            *(
                f"{count:,}"
                for count in (
                    person.calls,
                    person.denied,
                    person.unknown,
                    person.refused_for_cost,
                    person.statements,
                    person.rows,
                    person.bytes,
                )
            ),
            f"{person.database_seconds:,.1f}",
            _moment(person.last_called_at),
        )
    console.print(table)
    console.print(f"Denied calls: {len(report.denied)}")
    for denied in report.denied:
        console.print(
            f"  {_moment(denied.called_at)} {denied.who} {denied.tool} "
            f"client={denied.client_name} correlation_id={denied.correlation_id}"
            + (f" trace_id={denied.trace_id}" if denied.trace_id else ""),
            highlight=False,
            markup=False,
        )
    console.print(f"Unusual breadth: {len(report.unusual) or 'none'}")
    for sentence in report.unusual:
        console.print(f"  {sentence}", highlight=False, markup=False)


def retain(
    *,
    keep: Annotated[
        str, typer.Option(help="How many days of records to keep, such as 400d; at least 30d.")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count what is older, and remove nothing.")
    ] = False,
    by: Annotated[
        str | None,
        typer.Option("--by", help="Who requested it, for the log; default: your account."),
    ] = None,
) -> None:
    """Remove records of the audit, and rows that imports rejected, that are older than --keep.

    The console's history ends after 90 days.
    """
    days = re.fullmatch(r"(\d{1,5})d", keep.strip(), re.ASCII)
    if days is None or int(days[1]) < SHORTEST_DAYS:
        raise typer.BadParameter(
            f"expected days such as 400d, at least {SHORTEST_DAYS}d", param_hint="--keep"
        )
    with administered() as database, database.administration() as connection:
        removed = remove_old_records(
            connection, keep_days=int(days[1]), is_rehearsal=dry_run, actor=by or operator()
        )
    since = f", the oldest of {_moment(removed.oldest)}" if removed.oldest else ""
    console.print(
        f"{'Would remove' if dry_run else 'Removed'} what is from before {removed.before} (UTC): "
        f"{removed.records:,} records of the audit{since}; "
        f"{removed.rejected_rows:,} rows that imports rejected. "
        f"The console's history of more than 90 days: {removed.visits:,} addresses.",
        highlight=False,
    )


def _print_trace(calls: list[Traced]) -> None:
    console.print(f"Calls of this trace: {len(calls)}")
    for call in calls:
        console.print(
            f"  {_moment(call.called_at)} {call.who} {call.tool} {call.outcome} "
            f"client={call.client_name} correlation_id={call.correlation_id}",
            highlight=False,
            markup=False,
        )


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"
