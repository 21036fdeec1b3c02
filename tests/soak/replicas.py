"""`make soak-replicas`: people read from a standby that lags, ends and is promoted; one is revoked.

A writer counts up one product's stock in every store. Each answer is compared with what was
committed when the call was sent, less the bound. Counted at the end: answers older than the bound,
answers to a revoked person beyond it, failures other than BUSY and QUERY_TIMEOUT.
"""

import argparse
import asyncio
import base64
import random
import sys
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import cycle

import psycopg
import uvloop

from tests.soak.questions import scope
from tests.support.answers.call_records import recorded
from tests.support.servers.breakable import (
    TODAY,
    TOLD_TO_COME_BACK,
    application_over,
    breakable,
    pause,
)
from tests.support.servers.database import CONTEXT_KEY, one
from tests.support.servers.homes import open_directory
from tests.support.servers.standby import Pair, standby_of
from zava.app import Application
from zava.cli.client import call_tool
from zava.errors import ZavaError
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.local.token_issuer import LocalIssuer
from zava.infrastructure.postgres.access_grants import grant, revoke
from zava.model.core import Caller, CallRecord
from zava.protocol.tools.tool import ERROR_META
from zava.retail.declaration import RETAIL
from zava.retail.demo.principals import demo_callers
from zava.retail.demo.stores import store_id

BOUND_SECONDS = 2.0
EVERY_SECONDS = 5.0
WRITE_SECONDS, ACCESS_SECONDS = 0.02, 3.0
READERS_EACH = 2
REVOKED = "tacoma"
READERS = ("seattle", "online", "eastside", "head-office", REVOKED)
STOCK = "SELECT sum(stock_level) FROM retail.inventory"
_COUNT = "UPDATE retail.inventory SET stock_level = stock_level + 1 WHERE product_id = %s"
_IN_ALL_STORES = """
  SELECT product_id FROM retail.inventory GROUP BY 1
  HAVING count(*) = (SELECT count(*) FROM retail.stores) ORDER BY 1 LIMIT 1"""
_MAY_FAIL = TOLD_TO_COME_BACK | {"AUTHORIZATION_ERROR"}


@dataclass
class Seen:
    """What was written and when it was certain, and what was read."""

    written_at: list[float] = field(default_factory=list)
    """When each count was committed, by the order of the counts."""
    revoked: list[tuple[float, float]] = field(default_factory=list)
    """From when a revocation was certain to when the next grant was begun."""
    codes: Counter[str] = field(default_factory=Counter)
    by_server: Counter[str] = field(default_factory=Counter)
    older: list[str] = field(default_factory=list)
    beyond: list[str] = field(default_factory=list)
    unexpected: Counter[str] = field(default_factory=Counter)
    oldest_seconds: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    is_over: bool = False

    def judge(self, name: str, counted: float, sent: float, ended: float) -> None:
        """Compare one answer with what was certain when its call was sent."""
        certain = bisect_right(self.written_at, sent - BOUND_SECONDS)
        if counted < certain:
            self.older.append(f"{name}: {counted:.0f} of {certain}")
        elif counted < bisect_right(self.written_at, sent):
            first_missing = self.written_at[int(counted)]
            self.oldest_seconds = max(self.oldest_seconds, sent - first_missing)
        if name == REVOKED and any(
            since + BOUND_SECONDS <= sent and ended <= until for since, until in self.revoked
        ):
            self.beyond.append(f"{name}: sent {sent:.3f}")


@dataclass(frozen=True)
class Reader:
    """One person who reads; `base` is the stock before the first count, `step` of one count."""

    application: Application
    name: str
    caller: Caller
    token: str
    base: float
    step: float
    seen: Seen
    chance: random.Random

    async def work(self) -> None:
        """Ask until the time is up."""
        while not self.seen.is_over:
            sent = time.monotonic()
            try:
                stock = await self._stock()
            except ZavaError as error:
                self._failed(error.code)
            else:
                self.seen.codes["OK"] += 1
                counted = (stock - self.base) / self.step
                self.seen.judge(self.name, counted, sent, time.monotonic())
            await pause(0.02 * self.chance.random())

    async def _stock(self) -> float:
        if self.chance.random() < 0.7:
            with recorded(CallRecord(self.caller, "soak")) as record:
                table = await self.application.tenancy.run(self.caller, STOCK, max_rows=1)
            self.seen.by_server["primary" if record.server == "primary" else "standby"] += 1
            self.application.trail.record(record)
            return float(table.rows[0][0])
        arguments = {"metrics": ["stock_on_hand"]}
        _, body = await call_tool(self.application.endpoint, self.token, "query_metrics", arguments)
        result = body.get("result")
        if result is None or result["isError"]:
            told = result["_meta"][ERROR_META] if result else body.get("error", {}).get("data", {})
            error = ZavaError(str(told))
            error.code = told.get("code", "none")  # type: ignore[misc]  # the answer's own
            raise error
        return float(result["structuredContent"]["rows"][0][-1])

    def _failed(self, code: str) -> None:
        self.seen.codes[code] += 1
        if code not in _MAY_FAIL or (code == "AUTHORIZATION_ERROR" and self.name != REVOKED):
            self.seen.unexpected[f"{code} of {self.name}"] += 1


@dataclass(frozen=True)
class Changes:
    """What changes on the primary, and what happens to the standby."""

    pair: Pair
    seen: Seen
    callers: dict[str, Caller]

    async def count(self, product: object) -> None:
        """Count up until the time is up; a count is certain once its commit is answered."""
        owner: psycopg.AsyncConnection | None = None
        while not self.seen.is_over:
            try:
                if owner is None or owner.closed:
                    owner = await psycopg.AsyncConnection.connect(
                        self.pair.primary.database.owner, autocommit=True
                    )
                    await owner.execute("SET synchronous_commit = on")
                await owner.execute(_COUNT, [product])
            except psycopg.OperationalError:
                # Whether it was committed is unknown: the stock itself says so.
                self._make_up(await self._counted(product))
            else:
                self.seen.written_at.append(time.monotonic())
            await pause(WRITE_SECONDS)
        if owner is not None:
            await owner.close()

    async def revoke_and_grant(self) -> None:
        """Take one person's access and give it back, again and again."""
        while not self.seen.is_over:
            await pause(ACCESS_SECONDS)
            await self._on_the_primary(lambda admin: revoke(admin, RETAIL, self.callers[REVOKED]))
            since = time.monotonic()
            self.seen.revoked.append((since, float("inf")))
            await pause(ACCESS_SECONDS)
            self.seen.revoked[-1] = (since, time.monotonic())
            await self._on_the_primary(self._grant)

    async def break_things(self) -> None:
        """Hold replay up, end servers, promote the standby and make it anew."""
        faults: tuple[Callable[[], Awaitable[None]], ...] = (
            *(self._lag, self._standby_restarts, self._long_lag, self._promotion),
            *(self._primary_killed, self._lag, self._standby_killed),
        )
        for fault in cycle(faults):
            await pause(EVERY_SECONDS)
            if self.seen.is_over:
                return
            self.seen.faults[fault.__name__.strip("_").replace("_", " ")] += 1
            await fault()

    async def _lag(self, seconds: float = 2 * BOUND_SECONDS) -> None:
        await asyncio.to_thread(self.pair.hold)
        await pause(seconds)
        await asyncio.to_thread(self.pair.on_standby, "SELECT pg_wal_replay_resume()")

    async def _long_lag(self) -> None:
        await self._lag(5 * BOUND_SECONDS)

    async def _standby_restarts(self) -> None:
        await asyncio.to_thread(self.pair.standby.stop)
        await pause(BOUND_SECONDS)
        await asyncio.to_thread(self.pair.standby.start)

    async def _standby_killed(self) -> None:
        await asyncio.to_thread(self.pair.kill)
        await asyncio.to_thread(self.pair.standby.start)

    async def _promotion(self) -> None:
        await asyncio.to_thread(self.pair.promote)
        await pause(2 * BOUND_SECONDS)
        await asyncio.to_thread(self.pair.make_anew)

    async def _primary_killed(self) -> None:
        await asyncio.to_thread(self.pair.primary.kill_postmaster)

    def _grant(self, admin: psycopg.Connection) -> None:
        grant(
            admin,
            RETAIL,
            caller=self.callers[REVOKED],
            display_name=REVOKED,
            audience="store_managers",
            stores=list(scope(REVOKED)),
        )

    async def _on_the_primary(self, change: Callable[[psycopg.Connection], object]) -> None:
        """Change grants, again where the primary ends meanwhile: each change may come twice."""

        def changed() -> None:
            with psycopg.connect(self.pair.primary.database.admin, autocommit=True) as admin:
                admin.execute("SET synchronous_commit = on")
                change(admin)

        while True:
            try:
                await asyncio.to_thread(changed)
            except psycopg.OperationalError:
                await pause(0.1)
            else:
                return

    async def _counted(self, product: object) -> int:
        read = "SELECT min(stock_level) FROM retail.inventory WHERE product_id = %s"
        while True:
            try:
                row = await asyncio.to_thread(self.pair.on_primary, read, product)
            except psycopg.OperationalError:
                await pause(0.1)
            else:
                assert isinstance(row, tuple)
                return int(row[0])

    def _make_up(self, stock: int) -> None:
        """Take a count that was committed though its answer was lost; `stock` began at 0."""
        self.seen.written_at += [time.monotonic()] * (stock - len(self.seen.written_at))


async def run(seconds: float) -> bool:
    """Soak for so long, print what was seen, and return whether all was well."""
    with (
        open_directory(ignore_cleanup_errors=True) as directory,
        breakable(directory / "primary", scale=0.01) as primary,
    ):
        with psycopg.connect(primary.database.owner, autocommit=True) as owner:
            product = one(owner, _IN_ALL_STORES)
            owner.execute(
                "UPDATE retail.inventory SET stock_level = 0 WHERE product_id = %s", [product]
            )
            owner.execute("UPDATE zava.standby_bound SET seconds = %s", [BOUND_SECONDS])
            bases = {name: _stock(owner, name) for name in READERS}
        with standby_of(primary, directory / "standby") as pair:
            pair.catch_up()
            seen = await _soaked(pair, StateDirectory(directory / "home"), product, bases, seconds)
            final = pair.on_primary(f"{STOCK} WHERE product_id = '{product}'")
    assert final == (len(seen.written_at) * len(scope("head-office")),), "each count is known"
    return report(seen, seconds)


def _stock(owner: psycopg.Connection, name: str) -> float:
    stores = [store_id(store) for store in scope(name)]
    return float(one(owner, f"{STOCK} WHERE store_id = ANY(%s)", stores))


async def _soaked(
    pair: Pair, home: StateDirectory, product: object, bases: dict[str, float], seconds: float
) -> Seen:
    key_id, secret = CONTEXT_KEY
    keys = [f"{key_id}:{base64.b64encode(secret).decode()}"]
    settings = {
        "ZAVA_REPLICA_URL": pair.replica,
        "ZAVA_AUDIT": "required",
        "ZAVA_TODAY": TODAY.isoformat(),
        "ZAVA_STATEMENT_TIMEOUT_SECONDS": 5,
        "LOG_LEVEL": "ERROR",
    }
    callers, issuer, seen = demo_callers(), LocalIssuer(home), Seen()
    changes = Changes(pair, seen, callers)
    async with (
        application_over(pair.database, home, keys, **settings) as application,
        asyncio.TaskGroup() as tasks,
    ):
        for name in READERS * READERS_EACH:
            caller = callers[name]
            token = issuer.token(
                tenant_id=caller.tenant_id,
                object_id=caller.object_id,
                name=name,
                ttl_seconds=int(seconds) + 3600,
            )
            reader = Reader(
                application,
                name,
                caller,
                token,
                bases[name],
                len(scope(name)),
                seen,
                random.Random(name),  # noqa: S311  # the same run again
            )
            tasks.create_task(reader.work())
        tasks.create_task(changes.count(product))
        tasks.create_task(changes.revoke_and_grant())
        tasks.create_task(changes.break_things())
        await pause(seconds)
        seen.is_over = True
    return seen


def report(seen: Seen, seconds: float) -> bool:
    """Print what was seen and return whether all was well."""
    say = sys.stdout.write
    say(f"{seconds:.0f} s, bound {BOUND_SECONDS:g} s, {len(seen.written_at):,} counts\n")
    say(f"answers: {dict(seen.codes)}; statements read on: {dict(seen.by_server)}\n")
    say(f"faults: {dict(seen.faults)}; revocations: {len(seen.revoked)}\n")
    say(f"oldest answer: {seen.oldest_seconds:.2f} s behind\n")
    checks = {
        f"answers older than the bound: {len(seen.older)}": not seen.older,
        f"answers to a revoked person beyond it: {len(seen.beyond)}": not seen.beyond,
        f"other failures: {dict(seen.unexpected)}": not seen.unexpected,
        "both servers answered": min(seen.by_server["standby"], seen.by_server["primary"]) > 0,
    }
    for line, is_well in checks.items():
        say(f"- {'ok' if is_well else 'NOT WELL'}: {line}\n")
    for example in [*seen.older[:5], *seen.beyond[:5]]:
        say(f"  - {example}\n")
    return all(checks.values())


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
