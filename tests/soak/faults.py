"""What the soak breaks, one part after the other, and mends again."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import cycle

from tests.cache.redis_server import RedisServer
from tests.soak.asking import Moment
from tests.support.embedding.azure_openai import CUT, SILENCE, AzureOpenAI, Fault
from tests.support.servers.breakable import Breakable, pause
from tests.support.servers.proxy import Proxy
from zava.app import Application

EVERY_SECONDS = 5.0


@dataclass(frozen=True)
class Parts:
    """What an app stands on."""

    server: Breakable
    line: Proxy
    redis: RedisServer
    embeddings: AzureOpenAI


@dataclass(frozen=True)
class Faults:
    """What happens to the parts behind one app."""

    application: Application
    parts: Parts
    moment: Moment

    async def come_and_go(self) -> None:
        """Break one part after the other, and mend each."""
        faults: tuple[Callable[[], Awaitable[None]], ...] = (
            *(self._end_backends, self._cut, self._half_close, self._delay, self._refuse),
            *(self._redis_restarts, self._redis_silent),
            *(self._silence, self._kill_backend, self._restart, self._kill_postmaster),
            *(self._embeddings_busy, self._embeddings_silent, self._embeddings_cut),
            *(self._clock_ahead, self._clock_behind),
        )
        for fault in cycle(faults):
            await pause(EVERY_SECONDS)
            if self.moment.is_over:
                return
            self.moment.fault = fault.__name__.removeprefix("_").replace("_", " ")
            await fault()
            self.moment.mended = time.monotonic()
            self.parts.embeddings.requests.clear()  # the stand-in notes every text

    async def _end_backends(self) -> None:
        await asyncio.to_thread(self.parts.server.end_backends)

    async def _kill_backend(self) -> None:
        await asyncio.to_thread(self.parts.server.kill_backend)

    async def _restart(self) -> None:
        await asyncio.to_thread(self.parts.server.restart)

    async def _kill_postmaster(self) -> None:
        await asyncio.to_thread(self.parts.server.kill_postmaster)

    async def _cut(self) -> None:
        self.parts.line.cut()

    async def _half_close(self) -> None:
        self.parts.line.half_close()

    async def _delay(self) -> None:
        self.parts.line.delay_seconds = 0.2
        await pause(1)
        self.parts.line.delay_seconds = 0

    async def _refuse(self) -> None:
        self.parts.line.refuses = True
        self.parts.line.cut()
        await pause(1)
        self.parts.line.refuses = False

    async def _silence(self) -> None:
        self.parts.line.answers_flow.clear()
        await pause(1)
        self.parts.line.answers_flow.set()

    async def _redis_restarts(self) -> None:
        await asyncio.to_thread(self.parts.redis.stop)
        await pause(1)
        await asyncio.to_thread(self.parts.redis.start)

    async def _redis_silent(self) -> None:
        self.parts.redis.freeze()
        await pause(1)
        self.parts.redis.thaw()

    async def _embeddings_busy(self) -> None:
        await self._embeddings(Fault(429, {"retry-after": "60"}))

    async def _embeddings_silent(self) -> None:
        await self._embeddings(SILENCE)

    async def _embeddings_cut(self) -> None:
        await self._embeddings(CUT)

    async def _embeddings(self, fault: Fault) -> None:
        self.parts.embeddings.always = fault
        await pause(1)
        self.parts.embeddings.always = None

    async def _clock_ahead(self) -> None:
        await self._clock(30)

    async def _clock_behind(self) -> None:
        await self._clock(-30)

    async def _clock(self, seconds: float) -> None:
        """Set the app's clock wrong, within what two machines may differ by."""
        signer = self.application.tenancy._executor._signer  # the seam of the clock
        before, signer._clock = signer._clock, lambda: time.time() + seconds
        await pause(1)
        signer._clock = before
