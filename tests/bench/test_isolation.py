"""The benchmark of isolation finds harm where there is some, and none where all is refused."""

import re
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psutil
import psycopg
import pytest

from bench.isolation import __main__ as command
from bench.isolation import harms, trial
from bench.isolation.answers import Answer, Session, Subject, all_subjects
from bench.isolation.beside import Beside
from bench.isolation.case_files import (
    FACTS,
    LEGITIMATE,
    MISTAKES,
    VOCABULARY,
    BadCase,
    Case,
    filled,
    read_cases,
    read_lines,
)
from bench.isolation.databases import CATALOG_CANARY, Databases, signed
from bench.isolation.page import Result, data, page
from bench.isolation.trial import ANSWERED, HARMFUL, REFUSED, Outcome, Trial
from tests.docs.test_lock_files import unhashed
from tests.support.servers.database import CONTEXT_KEY, Database
from zava.data.session.signed_context import ContextKey, ContextSigner

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "how-to" / "measure-isolation.md"
SERVERS = ROOT / "bench" / "isolation" / "servers"
CASES = {case.id: case for case in read_cases()}
# One case for each oracle, but for those that would end or fill the server of other tests.
LOOKED_FOR = (
    "foreign_rows-01",
    "foreign_rows-03",
    "traces-01",
    "catalog-03",
    "writes-05",
    "several_statements-01",
    "errors-01",
    "estimates-04",
    "injected_data-01",
    "neighbours-01",
    "neighbours-04",
    "residue-01",
    "timing-05",
)
# The classes about other tenants' rows: the seal alone leaves no harm in them.
SEALED_CLASSES = frozenset(
    {"errors", "foreign_rows", "forged_context", "role_change", "several_statements"}
    | {"parser_tricks", "residue", "timing", "traces", "writes"}
)


@dataclass(frozen=True)
class Clone:
    """As `Databases`, over one seeded database whose every login is the superuser's."""

    database: Database
    canary_file: str = "canary.txt"

    @property
    def ground(self) -> SimpleNamespace:
        signer = ContextSigner([ContextKey(*CONTEXT_KEY)])
        return SimpleNamespace(server=self.database.server, signer=signer)

    def superuser(self, _database: str) -> str:
        return self.database.owner

    def tenant_login(self, _tenant: str) -> str:
        return self.database.owner


class Refusing:
    def run(self, _tenant: str, sql: str) -> Answer:
        return Answer("An error.", is_error=not sql.startswith("SELECT count(*) AS orders"))

    def tools(self) -> None:
        return None


class Keeping:
    """Runs everything on one connection, and commits."""

    def __init__(self, conninfo: str) -> None:
        self.connection = psycopg.connect(conninfo, autocommit=True)

    def run(self, _tenant: str, sql: str) -> Answer:
        try:
            cursor = self.connection.execute(sql.encode())
            return Answer(str(cursor.fetchall() if cursor.description else ""))
        except (psycopg.Error, NotImplementedError) as error:
            return Answer(str(error), is_error=True)

    def tools(self) -> None:
        return None


def example() -> Subject:
    """Return the subject of the guide's example, as a new contributor would write it."""
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(code.splitlines()) <= 40
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102  # the page's own code
    (subject,) = names["SUBJECTS"]
    assert isinstance(subject, Subject)
    return subject


def refusing() -> Subject:
    @contextmanager
    def start(_databases: Databases) -> Iterator[Session]:
        yield Refusing()

    return replace(example(), name="refusing", start=start)


def outcomes(
    subject: Subject, database: Database, cases: Sequence[Case], monkeypatch: pytest.MonkeyPatch
) -> dict[str, Outcome]:
    monkeypatch.setattr(trial, "repair", lambda _databases: None)
    databases = cast("Databases", Clone(database))
    return {each.case.id: each for each in Trial(subject, databases).run(cases)}


def test_harm_of_each_kind_is_found_in_the_guides_example(
    seeded_clone: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [CASES[name] for name in LOOKED_FOR if not CASES[name].then]
    with psycopg.connect(seeded_clone.owner, autocommit=True) as owner:
        owner.execute(f"CREATE TABLE public.{CATALOG_CANARY}_table (id integer)".encode())
    found = outcomes(example(), seeded_clone, cases, monkeypatch)
    harmless = {name: each.answer for name, each in found.items() if each.verdict != HARMFUL}
    # The example opens a connection for each call and rolls nothing back that failed; its one
    # statement at a time shows the last result alone.
    assert set(harmless) <= {"several_statements-01"}
    assert found["writes-05"].harms == ("rows or the catalog changed",)
    assert any("neighbour's statement failed" in harm for harm in found["neighbours-01"].harms)
    assert "write-ahead log was flooded" in found["neighbours-04"].harms
    assert found["timing-05"].harms == ("the duration depends on another tenant's rows",)
    assert found["estimates-04"].harms == ("the answer depends on another tenant's rows",)


def test_the_seal_alone_leaves_no_harm_to_rows_of_others(
    seeded_clone: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [case for case in CASES.values() if case.kind in SEALED_CLASSES]
    cases.append(CASES["injected_data-01"])
    found = outcomes(all_subjects()["zava-seal"], seeded_clone, cases, monkeypatch)
    assert {name: each.harms for name, each in found.items() if each.harms} == {}
    assert len(found) == len(cases) > 90


def test_a_neighbours_lock_lasts_until_the_case_has_ended(
    seeded_clone: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CASES["traces-06"]
    slow = replace(case, id="slow", sql=case.sql.replace("SELECT", "SELECT pg_sleep(0.5),", 1))
    found = outcomes(example(), seeded_clone, [case, slow], monkeypatch)
    assert {each.harms for each in found.values()} == {("the answer shows peer-lock",)}
    neighbour = harms.Neighbour(seeded_clone.server, seeded_clone.owner)
    neighbour.begin()
    with psycopg.connect(seeded_clone.owner, autocommit=True) as owner:
        owner.execute("SELECT pg_cancel_backend(%s)", [neighbour.pid])
    assert neighbour.end() == "the neighbour's statement failed: 57014"
    neighbour.begin()
    assert neighbour.end() is None
    neighbour.close()


def test_what_stays_for_the_next_caller_is_found(
    seeded_clone: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def start(databases: Databases) -> Iterator[Session]:
        session = Keeping(databases.superuser(""))
        yield session
        session.connection.close()

    keeping = replace(example(), name="keeping", start=start)
    cases = [CASES[f"residue-{number:02}"] for number in (1, 2, 4, 6)]
    found = outcomes(keeping, seeded_clone, cases, monkeypatch)
    assert found["residue-01"].harms == ("the next caller sees left-behind",)
    assert found["residue-02"].harms == ("the next caller gets another answer",)
    assert found["residue-04"].harms == ("the connection holds a lock",)
    assert found["residue-06"].harms == ("the next caller sees prepared-before",)


def test_a_backend_past_its_deadline_is_found_and_ended(
    seeded_clone: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(_trial: Trial, pids: Sequence[int]) -> None:
        with psycopg.connect(seeded_clone.owner) as owner:
            for pid in pids:
                owner.execute("SELECT pg_terminate_backend(%s)", [pid])

    monkeypatch.setattr(trial, "overdue_seconds", lambda: 0.5)
    # No public name leads to this part: the test ends backends in place of processes.
    monkeypatch.setattr(Trial, "_kill", end)
    begun = time.monotonic()
    found = outcomes(example(), seeded_clone, [CASES["time-01"]], monkeypatch)
    assert "a backend worked past the deadline" in found["time-01"].harms
    assert time.monotonic() - begun < 30, "the statement sleeps a minute"


def test_refusing_everything_is_harmless(
    seeded_clone: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [CASES[name] for name in LOOKED_FOR]
    found = outcomes(refusing(), seeded_clone, cases, monkeypatch)
    assert Counter(each.verdict for each in found.values()) == {REFUSED: len(cases)}


def test_memory_of_a_process_is_measured() -> None:
    hold = "b = bytearray(300 << 20); b[::4096] = b'x' * len(b[::4096]); print(); input()"
    with (
        subprocess.Popen(
            [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as child,
        harms.MemorySampler(psutil.Process()) as sampler,
    ):
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdout.readline()
        until = time.monotonic() + 30
        while sampler.peak <= harms.MAX_MEMORY_BYTES and time.monotonic() < until:
            pass
        child.stdin.close()
    assert sampler.peak > harms.MAX_MEMORY_BYTES


def test_a_connection_to_the_listener_is_noticed() -> None:
    listener = harms.Listener()
    assert not listener.was_called()
    with socket.create_connection(("127.0.0.1", listener.port)):
        assert listener.was_called()
    assert not listener.was_called()
    listener.close()


def test_each_class_has_cases_and_each_placeholder_a_value() -> None:
    kinds = Counter(case.kind for case in CASES.values())
    assert len(kinds) >= 14
    assert min(kinds.values()) >= 8
    values = dict.fromkeys({*VOCABULARY["retail"], *FACTS, "planted"}, "x")
    for case in CASES.values():
        texts = (case.sql, case.then, case.planted, *case.guess)
        assert not any(re.search(r"\{[a-z_]{2,}\}", filled(text, values)) for text in texts), case
    assert len({case.sql + case.planted + str(case.guess) for case in CASES.values()}) == len(CASES)
    assert VOCABULARY["retail"].keys() == VOCABULARY["billing"].keys()


def test_a_run_past_its_bound_ends_with_an_error_and_no_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Endless:
        def __init__(self, *_: object) -> None: ...

        def run(self, cases: Sequence[Case]) -> Iterator[Outcome]:
            while True:
                yield Outcome(cases[0], ANSWERED, (), "")

    monkeypatch.setattr(command, "Trial", Endless)
    monkeypatch.setattr(command, "seeded_databases", nullcontext)
    monkeypatch.setattr(command, "PAGE", tmp_path / "page.md")
    # The bound of a whole run is not a parameter: no caller may change it.
    monkeypatch.setattr(command, "_MAX_SECONDS", 0)
    assert command.main(["--subject", "zava", "--write"]) == 1
    assert "passed its bound" in capsys.readouterr().out
    assert not (tmp_path / "page.md").exists()


def test_corpora_beside_isolation_are_whole() -> None:
    legitimate, mistakes = read_lines(LEGITIMATE), read_lines(MISTAKES)
    assert len({line["sql"] for line in legitimate}) >= 60
    assert all(line["names"] for line in mistakes)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "not JSON"),
        ("[]", "not an object"),
        ('{"id": "writes-01", "sql": "SELECT 1", "oracle": "x"}', "unknown keys: oracle"),
        ('{"id": "writes-01", "sql": 1}', "sql has another type"),
        ('{"id": "reads-01", "sql": "SELECT 1"}', "id has to begin with writes-"),
        ('{"id": "writes-01", "sql": ""}', "sql may not be empty"),
        ('{"id": "writes-01", "sql": "{guess}", "guess": ["1"]}', "guess has two values"),
        ('{"id": "writes-01", "sql": "SELECT 1", "timed": true}', "timed needs guess"),
        (
            '{"id": "writes-01", "sql": "SELECT 1"}\n{"id": "writes-01", "sql": "SELECT 2"}',
            "comes twice",
        ),
    ],
)
def test_a_line_in_another_format_is_named(line: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "writes.jsonl").write_text(line, encoding="utf-8")
    with pytest.raises(BadCase, match=re.escape(problem)) as caught:
        read_cases(tmp_path)
    assert "writes.jsonl:" in str(caught.value)


def test_page_follows_from_the_outcomes_alone() -> None:
    subject = replace(example(), name="ours", is_ours=True)
    other = replace(example(), name="theirs")
    cases = [CASES[name] for name in ("writes-01", "catalog-01", "catalog-02", "catalog-03")]
    came = [
        Outcome(case, verdict, (), "")
        for case, verdict in zip(cases, (HARMFUL, HARMFUL, HARMFUL, ANSWERED), strict=True)
    ]
    beside = Beside(refused=("a",), legitimate=60, named=3, mistakes=9, tokens=1234, ratio=4.4)
    results = [
        Result(subject, came, beside),
        Result(other, came, beside),
        Result(replace(other, name="absent"), reason="has no wheel"),
    ]
    text = page(results)
    assert text == page([replace(result) for result in results])
    assert "| writes | 1 | 1 / 0 / 0 | 1 / 0 / 0 |" in text
    assert "| catalog | 3 | 2 / 0 / 1 | 2 / 0 / 1 |" in text
    assert "| ours | `writes-01`; `catalog-01, 02` | 0 |" in text
    # A class that PostgreSQL's documentation describes is named, another one is counted.
    assert "| theirs | `catalog-01, 02` | 1 |" in text
    assert "| absent | has no wheel |" in text
    assert "| ours | 1 of 60 | 3 of 9 | 1,234 | \u00d7 4 |" in text
    assert '"not_run": "has no wheel"' in data(results)


def test_subjects_have_names_of_their_own_and_locked_versions() -> None:
    names = list(all_subjects())
    assert {"zava", "zava-seal", "adopted", "adopted-seal", "setting", "set-role"} <= set(names)
    for lock in SERVERS.glob("*.txt"):
        assert unhashed(lock.read_text(encoding="utf-8")) == [], lock
    assert '"integrity"' in (SERVERS / "package-lock.json").read_text(encoding="utf-8")
    assert "://" not in re.sub(
        r'"(?:url|funding)": [^\n]*', "", (SERVERS / "package-lock.json").read_text("utf-8")
    )


def test_a_signature_of_one_tenant_fits_no_other() -> None:
    assert signed("a").split(".")[1] != signed("b").split(".")[1]
