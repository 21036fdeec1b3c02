"""The commands of a laptop beside a running server, and what they say when something is wrong."""

import shlex
import subprocess
import sys
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.importing.files import CELLS, write_csv, write_shop
from tests.support.answers.rpc import MODERN, request
from tests.support.products.forked import ROOT
from tests.support.products.laptop import Laptop, free_port
from tests.support.suite.patience import patient
from zava.cli.own_data.import_commands import WATCHING

COUNT = "SELECT count(*) AS orders FROM retail.orders"


def refused(ended: subprocess.CompletedProcess[str], *words: str) -> bool:
    """Whether a command ended in one sentence that says these words, and no traceback."""
    said = ended.stderr.strip().splitlines()
    return (
        ended.returncode == 1
        and len(said) == 1
        and said[0].startswith("zava: ")
        and all(word in said[0] for word in words)
    )


def ask(laptop: Laptop, token: str, sql: str = COUNT) -> httpx.Response:
    params = {"name": "execute_sales_query", "arguments": {"postgresql_query": sql}}
    headers, body = request(MODERN, "tools/call", params, token)
    return httpx.post(f"{laptop.base_url}/mcp", headers=headers, content=body, timeout=patient(20))


def test_second_run_of_a_home_is_refused_in_one_sentence(laptop: Laptop) -> None:
    ended = laptop.zava("run", PORT=str(free_port()))
    assert refused(ended, str(laptop.home), "ZAVA_HOME"), ended


def test_second_run_on_a_port_is_refused_before_anything_is_made(
    laptop: Laptop, tmp_path: Path
) -> None:
    ended = laptop.zava("run", ZAVA_HOME=str(tmp_path / "other"))
    assert refused(ended, "PORT", str(laptop.port)), ended
    assert not (tmp_path / "other").exists()


def test_token_of_the_command_line_is_accepted(laptop: Laptop) -> None:
    printed = laptop.zava("token", "--as", "seattle", "--ttl", "60")
    answer = ask(laptop, printed.stdout.strip())
    assert answer.json()["result"]["structuredContent"]["scope"]["stores"] == [
        "Zava Retail Seattle"
    ]


def test_call_prints_the_caller_s_answer(laptop: Laptop, laptop_tokens: dict[str, str]) -> None:
    ended = laptop.zava(
        "call", "execute_sales_query", "--as", "redmond", f"postgresql_query={COUNT}", "max_rows=1"
    )
    served = ask(laptop, laptop_tokens["redmond"]).json()["result"]
    assert ended.returncode == 0, ended
    assert str(served["structuredContent"]["rows"][0][0]) in ended.stdout
    assert "Redmond" in ended.stdout


def test_failing_call_prints_why_and_fails(laptop: Laptop) -> None:
    ended = laptop.zava(
        "call", "execute_sales_query", "--as", "redmond", "postgresql_query=SELECT nothing"
    )
    assert ended.returncode == 1
    assert "DATABASE_ERROR" in ended.stdout
    assert "Traceback" not in ended.stderr


def test_call_of_an_unknown_tool_is_refused_with_what_lists_them(laptop: Laptop) -> None:
    ended = laptop.zava("call", "list_tools", "--as", "redmond")
    assert refused(ended, "list_tools", " -m zava tools` lists them")


def test_arguments_of_a_call_are_written_plainly_and_another_tool_s_server_is_not_asked(
    laptop: Laptop,
) -> None:
    ended = laptop.zava(
        *("call", "query_metrics", "--as", "Seattle", "metrics=revenue,orders", "limit=2"),
        *('dimensions=["category"]', "totals=true"),
        PGHOST="db.example.com",
        PGSSLMODE="require",
    )
    assert ended.returncode == 0, ended
    assert "category | revenue (USD) | orders" in ended.stdout


def test_anybody_granted_here_asks_with_a_token_of_this_machine(laptop: Laptop) -> None:
    ids = ("--tenant", "5" * 32, "--object", "6" * 32)
    grant = ("grant", "--as", "Ann Example", "--audience", "store_managers", "--store", "tacoma")
    assert laptop.zava(*grant, *ids).returncode == 0
    try:
        token = laptop.zava("token", "--as", "ann example").stdout.strip()
        answer = ask(laptop, token).json()["result"]
        assert answer["structuredContent"]["scope"]["stores"] == ["Zava Retail Tacoma"]
    finally:
        laptop.zava("revoke", "--as", "Ann Example")
    assert "AUTHORIZATION_ERROR" in ask(laptop, token).text


def test_printed_question_is_answered_as_it_is_printed(laptop: Laptop) -> None:
    (line,) = (line for line in laptop.screens[0] if line.startswith("Or in a shell: "))
    python, module, zava, *arguments = shlex.split(line.removeprefix("Or in a shell: "))
    assert (sys.executable, module, zava) == (str(ROOT / python), "-m", "zava")
    ended = laptop.shell(*arguments)
    assert ended.returncode == 0, ended
    assert "month | revenue (USD)" in ended.stdout


def test_verify_proves_isolation(laptop: Laptop) -> None:
    ended = laptop.zava("verify")
    assert ended.returncode == 0
    assert ended.stdout.startswith(
        "Isolation holds: catalog and canaries agree.\nAlso able to read every store's rows:\n"
    )
    assert "are open to every login" not in ended.stdout


def test_seed_says_what_is_there_and_refuses_to_mix(laptop: Laptop) -> None:
    ended = laptop.zava("seed")
    assert ended.returncode == 0, ended
    assert ended.stdout.startswith("Found demo data: ")
    assert ended.stdout.count("\n") == 1
    assert refused(laptop.zava("seed", SCALE="0.03"), "--replace")


def test_embed_finds_everything_in_place_and_says_why_there_is_no_index(laptop: Laptop) -> None:
    ended = laptop.zava("embed", "--index")
    assert ended.returncode == 0, ended
    assert ended.stdout.splitlines() == [
        "Up to date: 576 products with all-MiniLM-L6-v2-int8",
        "No index: 576 vectors are scanned exactly and fast enough up to 20,000",
    ]


def test_migrate_finds_everything_in_place(laptop: Laptop) -> None:
    ended = laptop.zava("migrate")
    assert ended.returncode == 0, ended
    assert ended.stdout.splitlines() == [
        "Up to date",
        "Isolation holds: catalog and canaries agree.",
    ]


@pytest.mark.parametrize(("role", "login"), [("admin", "postgres"), ("server", "zava_server")])
def test_database_url_leads_to_the_embedded_server(laptop: Laptop, role: str, login: str) -> None:
    printed = laptop.zava("database-url", "--role", role)
    with psycopg.connect(printed.stdout.strip()) as connection:
        assert connection.execute("SELECT session_user::text").fetchone() == (login,)


def test_rotation_fails_no_call_signed_with_the_key_before(
    laptop: Laptop, laptop_tokens: dict[str, str]
) -> None:
    before = (laptop.home / "context-keys").read_text().split()
    rotated = laptop.zava("keys", "rotate")
    assert rotated.returncode == 0, rotated
    assert (laptop.home / "context-keys").read_text().split()[1:] == before[:1]
    answer = ask(laptop, laptop_tokens["seattle"])  # this server still signs with the old key
    assert answer.status_code == 200
    assert answer.json()["result"]["isError"] is False
    called = laptop.zava(
        "call", "execute_sales_query", "--as", "seattle", f"postgresql_query={COUNT}"
    )
    assert called.returncode == 0, called  # and this one with the new


def test_serve_joins_the_prepared_database_and_leaves_it_running(
    laptop: Laptop, laptop_tokens: dict[str, str]
) -> None:
    second = Laptop(laptop.home, free_port())
    second.start("serve", until=f"Serving {second.base_url}/mcp until Ctrl-C.")
    answer = ask(second, second.zava("token", "--as", "kirkland").stdout.strip())
    assert second.stop() == 0
    assert answer.json()["result"]["structuredContent"]["scope"]["stores"] == [
        "Zava Retail Kirkland"
    ]
    assert ask(laptop, laptop_tokens["kirkland"]).status_code == 200


@pytest.mark.requirement("S31")
def test_stats_show_the_statements_of_the_running_server(
    laptop: Laptop, laptop_tokens: dict[str, str]
) -> None:
    ask(laptop, laptop_tokens["seattle"], f"{COUNT} WHERE status = 'planted'")
    ended = laptop.zava("stats")
    assert ended.returncode == 0, ended
    assert "SELECT count(*) AS orders FROM retail.orders WHERE status = $1" in ended.stdout
    assert "planted" not in ended.stdout


def test_port_of_a_command_line_goes_before_the_setting(laptop: Laptop) -> None:
    port = str(free_port())
    assert refused(laptop.zava("run", "--port", str(laptop.port), PORT=port), str(laptop.port))
    assert laptop.zava("stats", "--port", str(laptop.port), PORT=port).returncode == 0


def test_stats_without_a_server_are_one_sentence(laptop: Laptop) -> None:
    port = str(free_port())
    assert refused(laptop.zava("stats", PORT=port), "PORT", port)


def test_call_to_a_database_that_is_not_there_says_so_once(laptop: Laptop) -> None:
    url = "postgresql://zava_server:secret@127.0.0.1:1/zava"
    ended = laptop.zava(
        "call",
        "execute_sales_query",
        "--as",
        "seattle",
        f"postgresql_query={COUNT}",
        DATABASE_URL=url,
    )
    assert ended.returncode == 1
    assert "BUSY" in ended.stdout
    assert ended.stderr == ""


def test_data_shows_each_store_s_days_and_that_none_was_imported(laptop: Laptop) -> None:
    ended = laptop.zava("data", "--days", "30")
    assert ended.returncode == 0, ended
    assert "Zava Retail Seattle" in ended.stdout
    assert "Imports: none" in ended.stdout


def test_import_shows_what_would_change_and_writes_rejects_beside_the_file(
    laptop: Laptop, tmp_path: Path
) -> None:
    write_shop(tmp_path, customers=[{}, {"customer_key": "c2", "store_key": "s9"}])
    ended = laptop.zava("import", str(tmp_path), "--dry-run")
    assert ended.returncode == 0, ended
    assert "Would change:" in ended.stdout
    assert "customers.csv: row 3, store_key: no store has this key" in ended.stdout
    assert (tmp_path / "customers.csv.rejects.csv").exists()
    assert refused(laptop.zava("import", str(tmp_path), "--mode", "merge"), "--mode", "upsert")
    (tmp_path / "orders.csv").write_text("store_key,order_key,order_date\n")
    assert refused(laptop.zava("import", str(tmp_path)), "orders.csv", "no row below")


def test_watched_directory_is_loaded_until_the_command_is_ended(
    laptop: Laptop, tmp_path: Path
) -> None:
    # No row of it can be loaded, so the demo's data stay what they are.
    write_csv(tmp_path / "orders.csv", [CELLS["orders"] | {"store_key": "s9"}])
    watching = Laptop(laptop.home, laptop.port)
    watching.options = (str(tmp_path), "--watch", "--every", "0.1")
    watching.start("import", until="Imported:")
    try:
        assert WATCHING in watching.screens[-1]
    finally:
        assert watching.stop() == 0
    assert refused(laptop.zava("import", "--inbox", "--watch"), "--watch", "give a directory")
