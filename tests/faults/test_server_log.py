"""PostgreSQL's own log holds no statement, no literal and no cell, whatever a call runs into."""

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from tests.infra.evaluation import Scope
from tests.infra.infrastructure import Infrastructure
from tests.support.servers.breakable import Breakable, ask
from zava.app import Application
from zava.errors import ResultTooLarge, ZavaError
from zava.infrastructure.local.embedded.server_log import LOG_SETTINGS
from zava.model.core import Caller

ROOT = Path(__file__).parents[2]
MARK = "planted4714"
CELL = "written4714"

# Each with what its caller is answered.
CALLS = {
    f"SELECT cost FROM retail.products WHERE sku = '{MARK}'": "QUERY_REFUSED",
    f"SELECT '{MARK}' FROM zava.valid_principals": "QUERY_REFUSED",
    f"SELECT '{MARK}'::integer": "DATABASE_ERROR",
    f"SELECT ('{MARK}' || '{{')::json": "DATABASE_ERROR",
    "SELECT first_name::integer FROM retail.customers": "DATABASE_ERROR",
    f"SELECT ('{MARK}' || first_name)::date FROM retail.customers": "DATABASE_ERROR",
    f"SELECT pg_typeof(('{MARK}' || first_name)::uuid)::text FROM retail.customers": (
        "DATABASE_ERROR"
    ),
    "SELECT first_name::jsonb FROM retail.customers": "DATABASE_ERROR",
    f"SELECT 1 / (length('{MARK}') - {len(MARK)})": "DATABASE_ERROR",
    f"SELECT to_date('{MARK}', 'YYYY-MM-DD')": "DATABASE_ERROR",
    f"SELECT {MARK} FROM retail.orders": "DATABASE_ERROR",
    f"SELECT '{MARK}' FROM retail.{MARK}": "QUERY_REFUSED",
    f"SELEC '{MARK}'": "DATABASE_ERROR",
    f"SELECT '{MARK}', (SELECT first_name FROM retail.customers)": "DATABASE_ERROR",
}
# The seal alone: what the guard keeps away, at the level LOG, and past a deadline.
UNGUARDED = (
    (
        f"SELECT set_config('debug_print_plan', 'on', true) || '{MARK}' || first_name"
        " FROM retail.customers"
    ),
    "SELECT query_to_xml('SELECT first_name::date FROM retail.customers', true, true, '')",
    f"SELECT '{MARK}', pg_sleep(60), first_name FROM retail.customers",
)
# It asks for more memory than a backend has, and its beginning names the memory contexts.
TOO_LARGE = f"SELECT '{MARK}', string_agg(repeat('{MARK}', 40000000), '') FROM retail.customers"
# As an administrator: a load that fails, messages of every level, a lock, the end of a session.
ADMINISTERED = (
    f"INSERT INTO retail.stores SELECT * FROM retail.stores WHERE store_name <> '{MARK}'",
    f"UPDATE retail.customers SET customer_id = '{MARK}'",
    f"DO $$ BEGIN RAISE WARNING '{MARK}'; RAISE LOG '{MARK}'; RAISE EXCEPTION '{MARK}'; END $$",
    f"UPDATE retail.stores SET region = '{MARK}'",
    f"SELECT '{MARK}', pg_terminate_backend(pg_backend_pid()), pg_sleep(1)",
)


@pytest.fixture
def written(own_server: Breakable) -> Iterator[str]:
    """The name of every customer, which stands in no log."""
    with psycopg.connect(own_server.database.owner, autocommit=True) as owner:
        owner.execute("CREATE TABLE kept AS SELECT customer_id, first_name FROM retail.customers")
        owner.execute("UPDATE retail.customers SET first_name = %s", [CELL])
        yield CELL
        owner.execute(
            "UPDATE retail.customers AS c SET first_name = k.first_name FROM kept AS k"
            " WHERE k.customer_id = c.customer_id"
        )
        owner.execute("DROP TABLE kept")


def log(server: Breakable) -> str:
    # No public name leads to the home, which holds the log.
    (found,) = server.server._home.path.glob("postgresql-*/server.log")
    return found.read_text(errors="replace")


async def test_failing_statements_leave_nothing_of_themselves_in_the_log(
    over_the_line: Application,
    own_server: Breakable,
    tokens: dict[str, str],
    callers: dict[str, Caller],
    written: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = {sql: (await ask(over_the_line, tokens["seattle"], sql))[0] for sql in CALLS}
    assert told == CALLS
    with pytest.raises(ResultTooLarge):
        await over_the_line.tenancy.run(callers["seattle"], TOO_LARGE, max_rows=1)
    # Below the use cases no public name leads to the executor and its pool.
    # No setting changes this bound, and a test cannot wait for it.
    monkeypatch.setattr(over_the_line.tenancy._executor, "_timeout_seconds", 1)
    for sql in UNGUARDED:
        with suppress(ZavaError):
            await over_the_line.tenancy.run(callers["seattle"], sql, max_rows=1)
    with psycopg.connect(own_server.database.owner) as other:
        other.execute("SELECT FROM retail.stores FOR UPDATE")
        for sql in ADMINISTERED:
            with psycopg.connect(own_server.database.owner, autocommit=True) as owner:
                owner.execute("SET lock_timeout = '10ms'")
                owner.execute("SET debug_print_parse = on")
                with pytest.raises(psycopg.Error):
                    owner.execute(sql)
    found = log(own_server)
    assert MARK not in found
    assert written not in found
    assert "total in" not in found, "lists of memory contexts are not kept"
    assert "FATAL:  terminating connection" in found, "it is this server's log"


def test_server_has_the_settings_of_the_list(own_server: Breakable) -> None:
    with psycopg.connect(own_server.database.owner) as owner:
        rows = owner.execute(
            "SELECT name, current_setting(name), boot_val FROM pg_settings WHERE name = ANY(%s)",
            [list(LOG_SETTINGS)],
        ).fetchall()
        loaded = owner.execute(
            "SELECT current_setting('shared_preload_libraries')"
            " || current_setting('session_preload_libraries')"
        ).fetchone()
    assert {name: value for name, value, _ in rows} == LOG_SETTINGS
    assert loaded == ("",), "a library such as auto_explain writes statements"
    proof = (ROOT / "sql" / "verify" / "logins.sql").read_text(encoding="utf-8")
    _, _, silent = proof.partition("silent (name, value) AS (")
    pairs = re.findall(r"\('(\w+)', '([^']+)'\)", silent.partition("\n)")[0])
    assert dict(pairs) == LOG_SETTINGS, "what the proof compares for the login and the database"
    # Azure's server is given what PostgreSQL's defaults do not already say.
    bicep = Infrastructure(ROOT).files["modules/database.bicep"]
    given = Scope(bicep, {}).of("logSettings")
    assert {one["name"]: one["value"] for one in given} == {
        name: value for name, value, default in rows if value != default
    }
