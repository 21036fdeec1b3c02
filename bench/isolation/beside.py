"""What a subject is worth beside its isolation, so that refusing everything does not win."""

import json
import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from bench.isolation.answers import NoAnswer, NotRunnable, Session, Subject, started
from bench.isolation.case_files import LEGITIMATE, MISTAKES, VOCABULARY, filled, read_lines
from bench.isolation.databases import Databases
from bench.isolation.installs import node_packages

_CALLS = 30
_COST = "SELECT count(*), round(avg({amount}), 2) FROM {orders}"
_COUNT = """
const { encode } = require('gpt-tokenizer');
console.log(encode(require('fs').readFileSync(0, 'utf8')).length);
"""


@dataclass(frozen=True)
class Beside:
    """`refused` are ids of legitimate statements; `ratio` compares a call with bare psycopg."""

    refused: Sequence[str] = ()
    legitimate: int = 0
    named: int = 0
    mistakes: int = 0
    tokens: int | None = None
    ratio: float | None = None

    @staticmethod
    def head() -> str:
        """Return the columns of the table."""
        return (
            "subject | legitimate refused | errors that name the mistake | tokens of tools/list"
            " | cost of a call"
        )

    def cells(self) -> tuple[str, ...]:
        """Return the cells of the table."""
        return (
            f"{len(self.refused)} of {self.legitimate}",
            f"{self.named} of {self.mistakes}",
            "-" if self.tokens is None else f"{self.tokens:,}",
            "-" if self.ratio is None else f"× {self.ratio:.0f}",
        )

    def content(self) -> dict[str, Any]:
        """Return the same for JSON."""
        return {
            "legitimate": self.legitimate,
            "refused": list(self.refused),
            "mistakes": self.mistakes,
            "errors_that_name_the_mistake": self.named,
            "tokens_of_tools_list": self.tokens,
            "cost_of_a_call": None if self.ratio is None else round(self.ratio),
        }


def measure(subject: Subject, databases: Databases) -> Beside:
    """Return what a freshly started subject does with ordinary statements."""
    words = VOCABULARY[subject.domain]
    legitimate, mistakes = read_lines(LEGITIMATE), read_lines(MISTAKES)
    with started(subject, databases) as session:
        refused = [
            line["id"] for line in legitimate if _is_refused(session, filled(line["sql"], words))
        ]
        named = sum(_names(session, filled(line["sql"], words), line["names"]) for line in mistakes)
        tools = session.tools()
        ratio = _ratio(session, databases.superuser(subject.database), filled(_COST, words))
    return Beside(
        refused=refused,
        legitimate=len(legitimate),
        named=named,
        mistakes=len(mistakes),
        tokens=None if tools is None else _tokens(tools),
        ratio=ratio,
    )


def _is_refused(session: Session, sql: str) -> bool:
    try:
        return session.run("attacker", sql).is_error
    except NoAnswer:
        return True


def _names(session: Session, sql: str, names: Sequence[str]) -> bool:
    """Whether the answer is an error that names what is wrong."""
    try:
        answer = session.run("attacker", sql)
    except NoAnswer:
        return False
    text = json.dumps(answer.text, ensure_ascii=False).replace('\\\\"', '"').replace('\\"', '"')
    return answer.is_error and any(name in text for name in names)


def _ratio(session: Session, conninfo: str, sql: str) -> float:
    """Return how many times a call takes what a bare statement takes, in turns."""
    ours, bare = [], []
    with psycopg.connect(conninfo, autocommit=True) as connection:
        for _ in range(_CALLS):
            begun = time.perf_counter()
            session.run("attacker", sql)
            between = time.perf_counter()
            connection.execute(sql.encode()).fetchall()
            ours.append(between - begun)
            bare.append(time.perf_counter() - between)
    return statistics.median(ours) / statistics.median(bare)


def _tokens(text: str) -> int | None:
    try:
        node, modules = node_packages()
    except NotRunnable:
        return None
    counted = subprocess.run(
        [str(node), "-e", _COUNT],
        input=text,
        capture_output=True,
        check=True,
        text=True,
        cwd=modules.parent,
    )
    return int(counted.stdout)
