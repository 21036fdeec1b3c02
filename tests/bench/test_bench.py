"""The benchmark says what was measured, and measures nothing that is wrong."""

import re
from dataclasses import replace

import orjson
import psycopg
import pytest

from bench.candidates import HANDSHAKE, Candidate, RightAnswer, Running, WrongAnswer, check

# The list is compared with the tables of the served database.
from bench.cluster import _PEER_TABLES
from bench.report import Goal, spread, table
from bench.works import PLACE_OF_NUMBER, WORKS, plain_cell, rows_of_objects, rows_of_texts
from tests.support.servers.database import Database

W1 = WORKS[0]
PEER = Candidate("peer", (), {}, rows_of_objects)


class Answering(Running):
    """A server that answers one thing."""

    body = b""

    def ask(self, work: object) -> bytes:  # noqa: ARG002  # the seam
        return self.body


def answering(result: object) -> Running:
    server = Answering(PEER, 0, None)  # type: ignore[arg-type]  # no process is asked here
    type(server).body = orjson.dumps({"jsonrpc": "2.0", "id": 7, "result": result})
    return server


def test_wrong_rows_end_the_benchmark() -> None:
    rows = [{"store_name": "Seattle", "amount": "12.50"}]
    right = check(
        answering({"structuredContent": {"result": rows}}), W1, [["Seattle", plain_cell(12.5)]]
    )
    assert isinstance(right, RightAnswer)
    assert right.mark == "Seattle"
    for wrong in ([], [{"store_name": "Seattle", "amount": "12.51"}], rows * 2):
        with pytest.raises(WrongAnswer):
            check(
                answering({"structuredContent": {"result": wrong}}),
                W1,
                [["Seattle", plain_cell(12.5)]],
            )
    with pytest.raises(WrongAnswer):
        check(answering({"isError": True, "content": []}), WORKS[-1], None)


def test_goal_says_whether_it_is_met() -> None:
    goal = Goal("calls", 5.2, 5)
    assert goal.row() == "| calls | >= 5.00 | 5.20 | met |"
    assert "**missed**" in replace(goal, measured=4.9).row()
    assert "**missed**" in replace(goal, is_minimum=False).row()
    assert "not measured" in replace(goal, measured=float("nan")).row()
    assert spread([3.0, 1.0, 2.0]) == "2.00 (1.00-3.00)"
    assert table("a | b", ["| 1 | 2 |"]) == "| a | b |\n|---|---|\n| 1 | 2 |"


def test_every_server_is_asked_for_the_same_rows_in_its_own_words() -> None:
    for work in WORKS:
        sealed, bare = work.statement(is_sealed=True), work.statement(is_sealed=False)
        assert work.sql == "" or (("store_id = '" in bare) and ("store_id = '" not in sealed))
        assert (PLACE_OF_NUMBER in sealed) == work.is_new_each_time
    headers, body = PEER.request(W1)
    assert headers["Mcp-Name"] == "execute_sales_query"
    assert "_meta" in orjson.loads(body)["params"]
    toolbox = replace(PEER, era=HANDSHAKE, tool_names={"execute_sales_query": "execute_sql"})
    headers, body = toolbox.request(W1)
    assert "Mcp-Name" not in headers
    assert set(orjson.loads(body)["params"]["arguments"]) == {"sql"}
    documents = [{"type": "text", "text": '{"a":1}'}, {"type": "text", "text": '[{"a":2}]'}]
    assert rows_of_texts({"content": documents}) == [[1], [2]]


def test_peers_read_columns_of_the_same_names_and_types(database: Database) -> None:
    peers = {
        (table, name): kind
        for table, columns in re.findall(r"TABLE retail\.(\w+) \((.*?)\);", _PEER_TABLES, re.DOTALL)
        for name, kind in re.findall(r"(\w+) (\w+)(?: PRIMARY KEY|\(\d+, \d+\))?(?:,|$)", columns)
    }
    with psycopg.connect(database.owner) as connection:
        connection.execute("SET search_path TO extensions, pg_catalog")
        own = connection.execute(
            "SELECT relname, attname, atttypid FROM pg_attribute JOIN pg_class ON oid = attrelid"
            " WHERE relnamespace = 'retail'::regnamespace AND attnum > 0"
        ).fetchall()
        types = {(table, name): kind for table, name, kind in own}
        for column, kind in peers.items():
            row = connection.execute("SELECT to_regtype(%s)::oid", [kind]).fetchone()
            assert row == (types[column],), column
    assert len(peers) == 30
