"""`make soak`: ten principals ask everything at once while a part breaks every few seconds.

Each answer is compared with what the superuser reads. Counted at the end: wrong answers, rows of
another store, answers that no caller should get, connections left, memory grown, shapes of a
million statements. Everything runs on this machine and ends after the given time.
"""

import argparse
import asyncio
import base64
import gc
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import psutil
import psycopg
import uvloop

from tests.breakable import TOLD_TO_COME_BACK, Breakable, application_over, breakable, pause
from tests.database import CONTEXT_KEY
from tests.protocol.rpc import ERAS, request
from tests.proxy import Proxy, counting_proxy
from zava.app import Application
from zava.data.monitor import QueryMonitor
from zava.infrastructure.demo_data import store_id
from zava.infrastructure.demo_principals import demo_callers
from zava.infrastructure.home import Home
from zava.infrastructure.local_issuer import LocalIssuer
from zava.measures import QueryType

FAULT_EVERY_SECONDS = 5.0
WORKERS_EACH = 2
SCALE = 0.02
POOL, STATEMENT_SECONDS = 3, 5
MEMORY_GROWTH = 1.10
_STORES = ("Seattle", "Bellevue", "Tacoma", "Spokane", "Everett", "Redmond", "Kirkland", "Online")
_SCOPES = {"eastside": ("Bellevue", "Kirkland", "Redmond"), "head-office": _STORES}

# Each is asked by a caller as it stands, and by the superuser with the caller's stores in {scope}.
QUESTIONS = (
    "SELECT count(*) AS n, sum(total_amount)::text AS s FROM retail.orders {where}",
    "SELECT status, count(*) FROM retail.orders {where} GROUP BY 1 ORDER BY 1",
    "SELECT DISTINCT store_id::text FROM retail.customers {where} ORDER BY 1",
    "SELECT store_name FROM retail.stores {where} ORDER BY 1",
    """SELECT date_trunc('month', o.order_date)::date::text AS m, sum(i.total_amount)::text
    FROM retail.order_items AS i JOIN retail.orders AS o USING (store_id, order_id)
    {where} GROUP BY 1 ORDER BY 1 DESC LIMIT 12""",
    "SELECT max(email), min(last_name) FROM retail.customers {where}",
    "SELECT sum(stock_level) FROM retail.inventory {where}",
)
# What a model may try, and the only code that it may be told.
REFUSED = {
    "SELECT * FROM pg_catalog.pg_authid": "QUERY_REFUSED",
    "SELECT set_config('zava.context', repeat('0', 64), true)": "QUERY_REFUSED",
    "UPDATE retail.orders SET status = 'refunded'": "QUERY_REFUSED",
    "SELECT nothing FROM retail.orders": "DATABASE_ERROR",
    "SELEC 1": "DATABASE_ERROR",
    "SELECT 1 / (count(*) - count(*)) FROM retail.orders": "DATABASE_ERROR",
}


@dataclass
class Tally:
    """What was seen, by what was broken at the time."""

    calls: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    by_fault: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    recovery: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    slowest: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    wrong: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    unexpected: Counter[str] = field(default_factory=Counter)


@dataclass
class Soak:
    """One run: the app, what breaks behind it, and the truth."""

    application: Application
    server: Breakable
    line: Proxy
    tokens: dict[str, str]
    truth: dict[tuple[str, str], list[list[Any]]]
    store_ids: dict[str, frozenset[str]]
    tally: Tally = field(default_factory=Tally)
    fault: str = "none"
    fault_ended: float | None = None
    is_over: bool = False

    async def work(self, name: str, chance: random.Random) -> None:
        """Ask one thing after the other as one principal until the time is up."""
        while not self.is_over:
            started, fault = time.monotonic(), self.fault
            code = await self._ask(name, chance)
            self.tally.calls += 1
            self.tally.codes[code] += 1
            met = self.fault if fault == "none" else fault
            self.tally.by_fault[met][code] += 1
            self.tally.slowest[met] = max(self.tally.slowest[met], time.monotonic() - started)
            if code == "OK" and self.fault_ended is not None and started >= self.fault_ended:
                self.tally.recovery[self.fault].append(time.monotonic() - self.fault_ended)
                self.fault_ended, self.fault = None, "none"
            if code in TOLD_TO_COME_BACK or code == "HTTP 503":
                await pause(0.1 + 0.2 * chance.random())

    async def _ask(self, name: str, chance: random.Random) -> str:
        kind = chance.random()
        if kind < 0.70:
            return await self._question(name, chance.choice(QUESTIONS), chance)
        if kind < 0.80:
            sql, expected = chance.choice(list(REFUSED.items()))
            code, _ = await self._free(name, sql, chance)
            return self._judged(code, {expected}, sql)
        if kind < 0.88:
            others = [store_id(store) for store in _STORES if store not in _scope(name)]
            other = chance.choice(others or [UUID(int=1)])
            sql = f"SELECT count(*) FROM retail.orders WHERE store_id = '{other}'"
            code, rows = await self._free(name, sql, chance)
            if code == "OK" and rows != [[0]]:
                self.tally.foreign.append(f"{name}: {sql}")
            return self._judged(code, {"OK"}, sql)
        if kind < 0.93:
            era = chance.choice(ERAS)
            headers, body = request(era, "tools/list", token=self.tokens[name])
            status, answer = await self._post(headers, body)
            # A name of its own: it needs no database, so it says nothing of a recovery.
            return self._judged(
                "listed" if "result" in answer else f"HTTP {status}", {"listed"}, era
            )
        if kind < 0.97:
            arguments = {"table_names": ["retail.orders", "retail.customers"]}
            code, content = await self._tool(name, "get_multiple_table_schemas", arguments, chance)
            if code == "OK" and len(content["tables"]) != len(arguments["table_names"]):
                self.tally.wrong.append(f"{name}: schemas")
            return self._judged(code, {"OK"}, "schemas")
        headers, body = request(ERAS[0], "tools/list", token=f"{self.tokens[name]}x")
        status, _ = await self._post(headers, body)
        return self._judged(f"HTTP {status}", {"HTTP 401"}, "bad token")

    async def _question(self, name: str, question: str, chance: random.Random) -> str:
        code, rows = await self._free(name, question.format(where=""), chance)
        if code == "OK":
            if rows != self.truth[name, question]:
                self.tally.wrong.append(f"{name}: {question}: {str(rows)[:200]}")
            seen = {
                cell for row in rows for cell in row if isinstance(cell, str) and len(cell) == 36
            }
            if not seen <= self.store_ids[name]:
                self.tally.foreign.append(f"{name}: {question}")
        return self._judged(code, {"OK"}, question)

    async def _free(
        self, name: str, sql: str, chance: random.Random
    ) -> tuple[str, list[list[Any]]]:
        code, content = await self._tool(
            name, "execute_sales_query", {"postgresql_query": sql}, chance
        )
        return code, content.get("rows", [])

    async def _tool(
        self, name: str, tool: str, arguments: dict[str, Any], chance: random.Random
    ) -> tuple[str, dict[str, Any]]:
        params = {"name": tool, "arguments": arguments}
        headers, body = request(chance.choice(ERAS), "tools/call", params, self.tokens[name])
        status, answer = await self._post(headers, body)
        if "result" not in answer:
            return f"HTTP {status}", {}
        content: dict[str, Any] = answer["result"]["structuredContent"]
        return (content["code"] if answer["result"].get("isError") else "OK"), content

    async def _post(self, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        answer = await self.application.endpoint.handle("POST", "/mcp", headers, body)
        return answer.status, orjson.loads(answer.body)

    def _judged(self, code: str, expected: set[str], what: str) -> str:
        if code not in expected | TOLD_TO_COME_BACK | {"HTTP 503"}:
            self.tally.unexpected[f"{code} under {self.fault}: {what[:60]}"] += 1
        return code

    async def break_things(self) -> None:
        """Break one part after the other, and mend each."""
        faults: tuple[Callable[[], Awaitable[None]], ...] = (
            *(self._end_backends, self._cut, self._half_close, self._delay, self._refuse),
            *(self._silence, self._kill_backend, self._restart, self._kill_postmaster),
            *(self._clock_ahead, self._clock_behind),
        )
        for fault in cycle(faults):
            await pause(FAULT_EVERY_SECONDS)
            if self.is_over:
                return
            self.fault = fault.__name__.removeprefix("_").replace("_", " ")
            await fault()
            self.fault_ended = time.monotonic()

    async def _end_backends(self) -> None:
        await asyncio.to_thread(self.server.end_backends)

    async def _kill_backend(self) -> None:
        await asyncio.to_thread(self.server.kill_backend)

    async def _restart(self) -> None:
        await asyncio.to_thread(self.server.restart)

    async def _kill_postmaster(self) -> None:
        await asyncio.to_thread(self.server.kill_postmaster)

    async def _cut(self) -> None:
        self.line.cut()

    async def _half_close(self) -> None:
        self.line.half_close()

    async def _delay(self) -> None:
        self.line.delay_seconds = 0.2
        await pause(1)
        self.line.delay_seconds = 0

    async def _refuse(self) -> None:
        self.line.refuses = True
        self.line.cut()
        await pause(1)
        self.line.refuses = False

    async def _silence(self) -> None:
        self.line.answers_flow.clear()
        await pause(1)
        self.line.answers_flow.set()

    async def _clock_ahead(self) -> None:
        await self._clock(30)

    async def _clock_behind(self) -> None:
        await self._clock(-30)

    async def _clock(self, seconds: float) -> None:
        """Set the app's clock wrong, within what two machines may differ by."""
        signer = self.application.tenancy._signer  # the seam of the clock
        before, signer._clock = signer._clock, lambda: time.time() + seconds
        await pause(1)
        signer._clock = before


def _scope(name: str) -> tuple[str, ...]:
    return _SCOPES.get(name, (name.capitalize(),))


def read_truth(superuser: str) -> Iterator[tuple[tuple[str, str], list[list[Any]]]]:
    """Yield what each principal has to be answered, read where no policy stands."""
    with psycopg.connect(superuser, autocommit=True) as owner:
        owner.execute("SET timezone = 'America/Los_Angeles'")
        for name in demo_callers():
            stores = ", ".join(f"'{store_id(store)}'" for store in _scope(name))
            for question in QUESTIONS:
                where = f"WHERE store_id IN ({stores})"
                rows = owner.execute(question.format(where=where).encode()).fetchall()
                yield (name, question), [list(row) for row in rows]


async def run(seconds: float) -> bool:
    """Soak for so long, print what was seen, and return whether all was well."""
    key_id, secret = CONTEXT_KEY
    keys = [f"{key_id}:{base64.b64encode(secret).decode()}"]
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory,
        breakable(Path(directory) / "server", scale=SCALE) as server,
    ):
        home = Home(Path(directory) / "home")
        issuer = LocalIssuer(home)
        tokens = {
            name: issuer.token(
                tenant_id=caller.tenant_id,
                object_id=caller.object_id,
                name=name,
                ttl_seconds=int(seconds) + 600,
            )
            for name, caller in demo_callers().items()
        }
        async with (
            counting_proxy(server.database.server) as line,
            application_over(
                line.conninfo,
                home,
                keys,
                ZAVA_POOL_MAX=POOL,
                ZAVA_STATEMENT_TIMEOUT_SECONDS=STATEMENT_SECONDS,
                LOG_LEVEL="ERROR",
            ) as application,
        ):
            soak = Soak(
                application,
                server,
                line,
                tokens,
                dict(read_truth(server.database.owner)),
                {
                    name: frozenset(str(store_id(store)) for store in _scope(name))
                    for name in tokens
                },
            )
            memory = await _soak(soak, seconds)
            held = await asyncio.to_thread(server.backends)
            pool = application.pool
            await asyncio.gather(*pool._returning)
            lent = pool._leased - len(pool._resting)  # what a leak would show in
        left = await asyncio.to_thread(server.backends)
    return report(soak.tally, seconds, memory, (held, lent, left))


async def _soak(soak: Soak, seconds: float) -> tuple[int, int]:
    """Run workers and faults; return resident bytes after a tenth of the time, and at the end."""
    started = time.monotonic()
    process = psutil.Process()
    async with asyncio.TaskGroup() as tasks:
        for name in soak.tokens:
            for number in range(WORKERS_EACH):
                tasks.create_task(soak.work(name, random.Random(f"{name}{number}")))  # noqa: S311
        tasks.create_task(soak.break_things())
        await pause(min(60, seconds / 5))
        gc.collect()
        early = process.memory_info().rss
        while time.monotonic() - started < seconds:
            await pause(min(30, seconds / 5))
            sys.stderr.write(f"{time.monotonic() - started:.0f} s: {soak.tally.calls:,} calls\n")
        soak.is_over = True
    gc.collect()
    return early, process.memory_info().rss


def report(
    tally: Tally, seconds: float, memory: tuple[int, int], connections: tuple[int, int, int]
) -> bool:
    """Print the tables and return whether all was well."""
    say = sys.stdout.write
    say(f"{tally.calls:,} calls in {seconds:.0f} s as ten principals\n\n")
    say("| what broke | answers | told to come back | others | slowest, s | back after, s |\n")
    say("|---|---|---|---|---|---|\n")
    for fault, codes in sorted(tally.by_fault.items()):
        told = {code: n for code, n in codes.items() if code in TOLD_TO_COME_BACK}
        expected = {"OK", "listed", "HTTP 401", *REFUSED.values()}
        answered = sum(n for code, n in codes.items() if code in expected)
        others = {c: n for c, n in codes.items() if c not in told and c not in expected}
        worst = max(tally.recovery.get(fault, [0.0]))
        figures = f"{tally.slowest[fault]:.2f} | {worst:.2f}"
        say(f"| {fault} | {answered:,} | {told or '-'} | {others or '-'} | {figures} |\n")
    growth = memory[1] / memory[0]
    held, lent, left = connections
    shapes, grown = _million_shapes()
    checks = {
        f"wrong answers: {len(tally.wrong)}": not tally.wrong,
        f"rows of another store: {len(tally.foreign)}": not tally.foreign,
        f"answers that nobody should get: {sum(tally.unexpected.values())}": not tally.unexpected,
        f"connections: {held} held of {POOL}, {lent} lent, {left} after the end": (
            held <= POOL and lent == 0 and left == 0
        ),
        f"resident memory: {memory[0] >> 20} MiB, {memory[1] >> 20} MiB, x{growth:.2f}": (
            growth <= MEMORY_GROWTH
        ),
        f"1,000,000 distinct statements: {shapes} shapes kept, {grown >> 10} KiB grown": (
            grown < 4 << 20
        ),
    }
    say("\n")
    for line, is_well in checks.items():
        say(f"- {'ok' if is_well else 'NOT WELL'}: {line}\n")
    for example in [*tally.wrong[:5], *tally.foreign[:5], *map(str, tally.unexpected.items())]:
        say(f"  - {example}\n")
    return all(checks.values())


def _million_shapes() -> tuple[int, int]:
    monitor = QueryMonitor()
    process = psutil.Process()
    early = 0
    for number in range(1_000_000):
        sql = f"SELECT c{number} FROM t"
        monitor._learn(  # on this thread: nothing else parses
            number.to_bytes(16, "big"), QueryType.FREE, sql, 0.01, failed=False
        )
        if number == 20_000:  # all caches are full
            early = process.memory_info().rss
    return monitor.summary().shapes, process.memory_info().rss - early


def main() -> None:
    """Soak for `--seconds`, exit 1 when something was not well."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=600)
    seconds = parser.parse_args().seconds
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # as the product serves
        is_well = runner.run(run(seconds))
    if not is_well:
        sys.exit(1)


if __name__ == "__main__":
    main()
