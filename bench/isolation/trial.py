"""Runs cases against one started subject, and decides what came of each."""

import re
import threading
import time
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from concurrent.futures import TimeoutError as NotDone
from contextlib import ExitStack, suppress
from dataclasses import dataclass

import psutil

from bench.isolation.answers import Answer, NoAnswer, NotRunnable, Session, Subject, Tenant, started
from bench.isolation.case_files import VOCABULARY, Case, filled
from bench.isolation.databases import Databases, plant, repair
from bench.isolation.harms import (
    MAX_LOCKS,
    MAX_MEMORY_BYTES,
    MAX_WAL_BYTES,
    Canaries,
    Listener,
    MemorySampler,
    Neighbour,
    Watcher,
    overdue_seconds,
)

# These end with the call: nothing has to be started anew.
_ENDED = ("the answer", "the duration", "a backend held", "a call held", "write-ahead log")
HARMFUL, REFUSED, ANSWERED = "harmful", "refused", "answered"
_TIMING_SECONDS = 0.4
_LOOK_SECONDS = 0.02
_END_SECONDS = 60
_TIMING_ROUNDS = 3
_USUAL = (
    "SELECT count(*) AS orders, min({day}) AS first_day, round(avg({amount}), 2) AS average"
    " FROM {orders}"
)
_OWN_NAME = {"retail": "Zava Retail Seattle", "billing": "Alder"}
_OTHER_NAME = {"retail": "Zava Retail Redmond", "billing": "Birch"}
_IDS = {
    "own_order": "SELECT min({order_key}::text) FROM {orders} WHERE {tenant} = %(own)s",
    "other_order": "SELECT min({order_key}::text) FROM {orders} WHERE {tenant} = %(other)s",
    "other_customer": (
        "SELECT min({customer_key}::text) FROM {customers} WHERE {tenant} = %(other)s"
    ),
    "other_email": "SELECT max({email}) FROM {customers} WHERE {tenant} = %(other)s",
}
_ABSENT = "00000000-0000-4000-8000-000000004711"
_PLANTED = re.compile("⟦(.*?)⟧", re.DOTALL)
# Ids and moments of a call differ between two equal answers.
_VARIES = re.compile(
    r"[0-9a-f]{8}-[0-9a-f-]{27}|\b[0-9a-f]{16,}\b|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.\d]*"
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a case."""

    case: Case
    verdict: str
    harms: tuple[str, ...]
    answer: str


class Trial:
    """One subject under all cases; it is started anew where a case left something behind."""

    def __init__(self, subject: Subject, databases: Databases) -> None:
        self._subject = subject
        self._databases = databases
        self._words = VOCABULARY[subject.domain]
        self._session: Session
        self._usual = filled(_USUAL, self._words)

    def run(self, cases: Sequence[Case]) -> Generator[Outcome, None, None]:
        """Yield each case's outcome.

        Raises:
            NotRunnable: the subject cannot be installed or started here.
        """
        database = self._subject.database
        with ExitStack() as stack:
            self._watcher = Watcher(self._databases.superuser(database), self._subject.domain)
            stack.callback(self._watcher.close)
            self._listener = Listener()
            stack.callback(self._listener.close)
            self._calls = stack.enter_context(ThreadPoolExecutor(1))
            self._values = self._words | self._facts()
            self._canaries: Canaries = self._watcher.canaries(self._values["own"])
            login = self._subject.neighbour_login(self._databases)
            self._neighbour = Neighbour(login, self._databases.superuser(database))
            stack.callback(self._neighbour.close)
            self._running = stack.enter_context(ExitStack())
            self._start()
            self._plant(cases)
            for case in cases:
                yield self._outcome(case)

    def _facts(self) -> dict[str, str]:
        tenants = {
            name: str(key)
            for name, key in self._watcher.rows("SELECT {tenant_name}, {tenant_key} FROM {tenants}")
        }
        own = tenants[_OWN_NAME[self._subject.domain]]
        other = tenants[_OTHER_NAME[self._subject.domain]]
        ids = {
            name: str(self._watcher.rows(query, own=own, other=other)[0][0])
            for name, query in _IDS.items()
        }
        facts = {"own": own, "other": other, "absent": _ABSENT, **ids}
        login = self._subject.facts.get("login", "zava_admin")
        named = {"context": "app.store_id", "forged": "{other}", "role": "iso_reports"}
        named |= {"login": login, "file": self._databases.canary_file}
        named |= {"port": str(self._listener.port)} | dict(self._subject.facts)
        return facts | {name: filled(text, facts) for name, text in named.items()}

    def _plant(self, cases: Sequence[Case]) -> None:
        planted = [case for case in cases if case.planted]
        names = {_email(case): filled(case.planted, self._values) for case in planted}
        plant(self._databases, self._subject.database, names)
        self._watcher.has_changed()

    def _start(self) -> None:
        try:
            session = started(self._subject, self._databases)
            self._session = self._running.enter_context(session)
            expected = self._session.run(self._subject.next_caller, self._usual)
        except NoAnswer as reason:
            raise NotRunnable(f"does not start here: {reason}") from reason
        if expected.is_error:
            raise NotRunnable(f"reads no table here: {expected.text[:200]}")
        self._expected = _plain(expected.text)

    def _restart(self) -> None:
        with suppress(OSError):
            self._running.close()
        self._start()

    def _outcome(self, case: Case) -> Outcome:
        self._listener.was_called()
        values = self._values | {"neighbour": str(self._neighbour.pid)}
        values |= {"planted": _email(case)}
        harms: list[str] = []
        answers: list[Answer] = []
        self._examine(case, values, harms, answers)
        self._recover(harms)
        shown = "\n".join(answer.text for answer in answers)
        if harms:
            verdict = HARMFUL
        else:
            # Of planted data the second answer counts: the attacker's name was only looked up.
            judged = answers[1:] if case.planted and len(answers) > 1 else answers
            verdict = REFUSED if all(answer.is_error for answer in judged) else ANSWERED
        return Outcome(case, verdict, tuple(dict.fromkeys(harms)), shown[:2000])

    def _examine(
        self, case: Case, values: dict[str, str], harms: list[str], answers: list[Answer]
    ) -> None:
        wal = self._watcher.wal()
        if case.busy:
            self._neighbour.begin()
        answers += self._measured(case, values, harms)
        harms += self._left(case, values)
        if self._watcher.wal() - wal > MAX_WAL_BYTES:
            harms.append("write-ahead log was flooded")
        problem = self._neighbour.end()
        if problem:
            harms.append(problem)

    def _measured(self, case: Case, values: dict[str, str], harms: list[str]) -> list[Answer]:
        """Run the case's own statements; memory is measured where the class is about it."""
        if case.kind != "memory":
            return self._answers(case, values, harms)
        with MemorySampler(self._watcher.postmaster()) as sampler:
            answers = self._answers(case, values, harms)
        if sampler.peak > MAX_MEMORY_BYTES:
            harms.append("a backend held more memory than the bound")
        return answers

    def _answers(self, case: Case, values: dict[str, str], harms: list[str]) -> list[Answer]:
        if case.guess:
            return self._guesses(case, values, harms)
        sql = filled(case.sql, values)
        answers = [self._run("attacker", sql, harms)]
        sent = sql + filled(case.planted, values)
        if case.planted:
            planted = _PLANTED.findall(_unescaped(answers[0].text))
            answers += [self._run("attacker", text, harms) for text in planted[:1]]
        for answer in answers:
            harms += self._shown(case, answer, sent)
        return answers

    def _shown(self, case: Case, answer: Answer, sent: str) -> list[str]:
        found = self._canaries.found_in(answer.text, sent)
        marks = [] if case.then else _marks(case, answer, sent)
        return [f"the answer shows {value}" for value in (*found[:3], *marks)]

    def _guesses(self, case: Case, values: dict[str, str], harms: list[str]) -> list[Answer]:
        answers, seconds = [], []
        for guess in case.guess:
            value = filled(guess, values)
            begun = time.monotonic()
            sql = filled(case.sql, values | {"guess": value})
            answer = self._run("attacker", sql, harms)
            seconds.append(time.monotonic() - begun)
            harms += self._shown(case, answer, sql)
            answers.append(Answer(answer.text.replace(value, "?"), is_error=answer.is_error))
        if case.timed:
            if self._differs(case, values, seconds):
                harms.append("the duration depends on another tenant's rows")
        elif _plain(answers[0].text) != _plain(answers[1].text):
            harms.append("the answer depends on another tenant's rows")
        return answers

    def _differs(self, case: Case, values: dict[str, str], seconds: Sequence[float]) -> bool:
        """Whether the fastest of several rounds differs: a loaded machine only adds time."""
        fastest = list(seconds)
        for _ in range(_TIMING_ROUNDS - 1):
            for place, guess in enumerate(case.guess):
                sql = filled(case.sql, values | {"guess": filled(guess, values)})
                begun = time.monotonic()
                self._run("attacker", sql, [])
                fastest[place] = min(fastest[place], time.monotonic() - begun)
        return abs(fastest[0] - fastest[1]) >= _TIMING_SECONDS

    def _left(self, case: Case, values: dict[str, str]) -> list[str]:
        """Return what the next caller of the connection notices."""
        found: list[str] = []
        if case.then:
            then = filled(case.then, values)
            answer = self._run(self._subject.next_caller, then, found)
            found += [f"the next caller sees {mark}" for mark in _marks(case, answer, then)]
        usual = self._run(self._subject.next_caller, self._usual, found)
        if _plain(usual.text) != self._expected:
            found.append("the next caller gets another answer")
        if self._watcher.locks(self._neighbour.pids):
            found.append("the connection holds a lock")
        if self._watcher.has_changed():
            found.append("rows or the catalog changed")
        if self._listener.was_called():
            found.append("the database opened a connection")
        return found

    def _run(self, tenant: Tenant, sql: str, harms: list[str]) -> Answer:
        """Run one call; a backend that works past the deadline is ended, and is harm.

        The server's clock decides what is overdue, so a subject that is slow to answer is not.
        """
        until = time.monotonic() + _END_SECONDS
        call = self._calls.submit(self._session.run, tenant, sql)
        others = self._neighbour.pids
        while not wait([call], _LOOK_SECONDS).done or self._watcher.working(others):
            if self._watcher.locks(others) > MAX_LOCKS:
                harms.append("a call held more locks than the bound")
            overdue = self._watcher.overdue(others, overdue_seconds())
            if overdue or time.monotonic() > until:
                harms += self._give_up(overdue)
                break
            threading.Event().wait(_LOOK_SECONDS)
        try:
            return call.result(_END_SECONDS)
        except (NoAnswer, NotDone) as reason:
            return Answer(f"no answer: {reason}", is_error=True)

    def _give_up(self, overdue: Sequence[int]) -> list[str]:
        """End a call that does not answer; a backend that is overdue is harm."""
        if overdue:
            self._kill(overdue)
        self._restart()
        return ["a backend worked past the deadline"] if overdue else []

    def _kill(self, pids: Sequence[int]) -> None:
        """End what no cancellation reaches: the cluster recovers as after a crash."""
        for pid in pids:
            with suppress(psutil.Error):
                psutil.Process(pid).kill()
        self._watcher.reconnect()
        self._neighbour.end()
        self._neighbour.reconnect()

    def _recover(self, harms: list[str]) -> None:
        if all(harm.startswith(_ENDED) for harm in harms):
            return
        repair(self._databases)
        self._neighbour.reconnect()
        self._restart()
        self._watcher.has_changed()


def _unescaped(text: str) -> str:
    """Return a text as a model reads it, where JSON escaped the marks."""
    return text.replace("\\u27e6", "⟦").replace("\\u27e7", "⟧")


def _email(case: Case) -> str:
    return f"{case.id}@example.org"


def _marks(case: Case, answer: Answer, sent: str) -> list[str]:
    return [mark for mark in case.seen if mark in answer.text and mark not in sent]


def _plain(text: str) -> str:
    return _VARIES.sub("~", text)
