"""Principals that ask one thing after the other and compare each answer with the truth."""

import random
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from tests.soak.questions import (
    DISTINCT_TEXTS,
    MONTHS,
    QUESTIONS,
    REFUSED,
    STORES,
    Truth,
    harmless,
    scope,
    sought,
)
from tests.support.answers.rpc import ERAS, request
from tests.support.servers.breakable import TOLD_TO_COME_BACK, pause
from zava.app import Application
from zava.protocol.tools.tool import ERROR_META
from zava.retail.demo.stores import store_id

AWAY = "refused at the edge"  # before any work, so without a record
_LATE = "The request took longer than it may."
TURNED_AWAY, ANSWERED, OUT_OF_TIME = range(3)
"""What became of a tool call: without a record, with one, and with one where it came so far."""


@dataclass
class Tally:
    """What was seen, by what was broken at the time."""

    calls: int = 0
    fates: bytearray = field(default_factory=lambda: bytearray(1))
    """Of each tool call by its number, which is its trace id as well. No trace id is 0."""
    cached: int = 0
    by_meaning: int = 0
    by_fault: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    recovery: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    slowest: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    wrong: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    unexpected: Counter[str] = field(default_factory=Counter)


@dataclass
class Moment:
    """What is broken now, and when the last fault was mended, until somebody is answered again."""

    fault: str = "none"
    mended: float | None = None
    is_over: bool = False


class Asker:
    """One principal of the soak."""

    def __init__(
        self,
        application: Application,
        name: str,
        token: str,
        truth: Truth,
        tally: Tally,
        moment: Moment,
        seed: int,
    ) -> None:
        self._application = application
        self._name = name
        self._token = token
        self._truth = truth
        self._tally = tally
        self._moment = moment
        self._chance = random.Random(f"{name}{seed}")  # noqa: S311  # the same run again

    async def work(self) -> None:
        """Ask until the time is up."""
        tally, moment = self._tally, self._moment
        while not moment.is_over:
            started, fault = time.monotonic(), moment.fault
            code = await self._ask()
            tally.calls += 1
            met = moment.fault if fault == "none" else fault
            tally.by_fault[met][code] += 1
            tally.slowest[met] = max(tally.slowest[met], time.monotonic() - started)
            if code == "OK" and moment.mended is not None and started >= moment.mended:
                tally.recovery[moment.fault].append(time.monotonic() - moment.mended)
                moment.mended, moment.fault = None, "none"
            if code in TOLD_TO_COME_BACK or code == AWAY:
                await pause(0.1 + 0.2 * self._chance.random())

    async def warm(self, number: int) -> None:
        """Ask one of the statements that fill the caches of texts."""
        code, rows = await self._free(harmless(number))
        self._tally.calls += 1
        if code != "OK" or rows != [[number]]:
            self._tally.wrong.append(f"{self._name}: {harmless(number)}: {code}")

    async def _ask(self) -> str:
        kind = self._chance.random()
        if kind < 0.60:
            return await self._question(self._chance.choice(QUESTIONS))
        if kind < 0.70:
            sql, expected = self._chance.choice(list(REFUSED.items()))
            code, _ = await self._free(sql)
            return self._judged(code, {expected}, sql)
        if kind < 0.78:
            return await self._foreign()
        if kind < 0.83:
            return await self._revenue(self._chance.choice(MONTHS))
        if kind < 0.88:
            return await self._search(sought(self._chance.randrange(DISTINCT_TEXTS)))
        if kind < 0.93:
            era = self._chance.choice(ERAS)
            headers, body = request(era, "tools/list", token=self._token)
            status, answer = await self._post(headers, body)
            # A name of its own: it needs no database, so it says nothing of a recovery.
            listed = "listed" if "result" in answer else status
            return self._judged(listed, {"listed"}, era)
        if kind < 0.97:
            arguments = {"table_names": ["retail.orders", "retail.customers"]}
            code, content = await self._tool("get_multiple_table_schemas", arguments)
            if code == "OK" and len(content["tables"]) != len(arguments["table_names"]):
                self._tally.wrong.append(f"{self._name}: schemas")
            return self._judged(code, {"OK"}, "schemas")
        headers, body = request(ERAS[0], "tools/list", token=f"{self._token}x")
        status, _ = await self._post(headers, body)
        return self._judged(status, {"HTTP 401"}, "bad token")

    async def _question(self, question: str) -> str:
        code, rows = await self._free(question.format(where=""))
        if code == "OK":
            if rows != self._truth.rows[question]:
                self._tally.wrong.append(f"{self._name}: {question}: {str(rows)[:200]}")
            seen = {
                cell for row in rows for cell in row if isinstance(cell, str) and len(cell) == 36
            }
            if not seen <= self._truth.store_ids:
                self._tally.foreign.append(f"{self._name}: {question}")
        return self._judged(code, {"OK"}, question)

    async def _foreign(self) -> str:
        """Name another's store, each time in other words."""
        others = [store_id(store) for store in STORES if store not in scope(self._name)]
        other = self._chance.choice(others or [UUID(int=1)])
        number = self._chance.randrange(DISTINCT_TEXTS)
        sql = (
            f"SELECT count(*) FROM retail.orders WHERE store_id = '{other}'"
            f" AND total_amount <> {number}"
        )
        code, rows = await self._free(sql)
        if code == "OK" and rows != [[0]]:
            self._tally.foreign.append(f"{self._name}: {sql}")
        return self._judged(code, {"OK"}, sql)

    async def _revenue(self, month: str) -> str:
        arguments = {"metrics": ["revenue"], "dimensions": ["store"], "time_period": month}
        code, content = await self._tool("query_metrics", arguments)
        if code == "OK":
            self._tally.cached += content["cached"]
            told = {store: round(float(revenue), 2) for store, revenue in content["rows"]}
            self._compare(told, self._truth.revenue[month], f"revenue of {month}")
        return self._judged(code, {"OK"}, "revenue")

    async def _search(self, text: str) -> str:
        code, content = await self._tool("semantic_search_products", {"query_description": text})
        if code == "OK":
            self._tally.by_meaning += "meaning" in content["searched_by"]
            found = {one["sku"]: one["stock"] for one in content["products"]}
            self._compare(found, {sku: self._truth.stock.get(sku, 0) for sku in found}, text)
        return self._judged(code, {"OK"}, "search")

    def _compare(self, told: Mapping[str, Any], right: Mapping[str, Any], what: str) -> None:
        if told != right:
            self._tally.wrong.append(f"{self._name}: {what}: {str(told)[:200]}")

    async def _free(self, sql: str) -> tuple[str, list[list[Any]]]:
        code, content = await self._tool("execute_sales_query", {"postgresql_query": sql})
        return code, content.get("rows", [])

    async def _tool(self, tool: str, arguments: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        params = {"name": tool, "arguments": arguments}
        headers, body = request(self._chance.choice(ERAS), "tools/call", params, self._token)
        fates, number = self._tally.fates, len(self._tally.fates)
        fates.append(TURNED_AWAY)
        headers["traceparent"] = f"00-{number:032x}-{1:016x}-01"
        status, answer = await self._post(headers, body)
        if answer.get("error", {}).get("message") == _LATE:
            fates[number] = OUT_OF_TIME
        if status == AWAY or "result" not in answer:
            return status, {}
        fates[number] = ANSWERED
        result = answer["result"]
        if result["isError"]:
            error: dict[str, Any] = result["_meta"][ERROR_META]
            return error["code"], error
        return "OK", result["structuredContent"]

    async def _post(self, headers: dict[str, str], body: bytes) -> tuple[str, dict[str, Any]]:
        answer = await self._application.endpoint.handle("POST", "/mcp", headers, body)
        status = AWAY if "retry-after" in answer.headers else f"HTTP {answer.status}"
        return status, orjson.loads(answer.body)

    def _judged(self, code: str, expected: set[str], what: str) -> str:
        if code not in expected | TOLD_TO_COME_BACK | {AWAY}:
            self._tally.unexpected[f"{code} under {self._moment.fault}: {what[:60]}"] += 1
        return code
