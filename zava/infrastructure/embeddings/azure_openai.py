"""Azure OpenAI: batches over the network, paced, retried, and given up on in time."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from email.utils import parsedate_to_datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any

from aiolimiter import AsyncLimiter
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_before_delay,
    wait_exponential_jitter,
)

from zava.errors import EmbeddingsUnavailable
from zava.infrastructure.embeddings.embedder import (
    EmbeddingModel,
    TextRefused,
    Vector,
    check_vectors,
)
from zava.infrastructure.embeddings.service_breaker import ServiceBreaker

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from openai import AsyncAzureOpenAI
    from openai.types import CreateEmbeddingResponse

logger = logging.getLogger(__name__)

TokenProvider = Callable[[], Awaitable[str]]

TOKENS_PER_MINUTE = 120_000
_API_VERSION = "2024-10-21"
_REQUEST_SECONDS = 20.0
_REQUESTS_FOR_1000_TOKENS = 6  # what Azure grants with each thousand tokens a minute
_CHARACTERS_OF_A_TOKEN = 3  # English has four: the estimate stays on the safe side
_FIRST_WAIT_SECONDS, _MAX_WAIT_SECONDS = 0.2, 20.0
_PROBE, _FRESH_SECONDS = "hammer", 60.0
_REFUSED = frozenset({400, 413, 422})
_TRANSIENT = frozenset({408, 409, 429, 500, 502, 503, 504})

# Their scales differ: these are the course's own floor and a step above it, not measured here.
_FLOOR, _WEAK = 0.30, 0.45
_DIMENSIONS = {"text-embedding-3-small": 1536, "text-embedding-ada-002": 1536}
# More than the table's index can hold; the service shortens them on request.
_SHORTENED = {"text-embedding-3-large": 1536}


class AzureEmbedder:
    """One deployment of an Azure OpenAI resource, called with the token's identity.

    The client is made at the first text: importing it costs half a cold start. Requests and tokens
    are paced to what the deployment is granted. After failures the service is not called for a
    while.
    """

    def __init__(
        self,
        *,
        endpoint: str,
        deployment: str,
        token: TokenProvider,
        tokens_per_minute: int = TOKENS_PER_MINUTE,
        sleep: Callable[[float], Awaitable[None]] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._endpoint = endpoint
        self._token = token
        self._shortened = _SHORTENED.get(deployment)
        dimensions = self._shortened or _DIMENSIONS.get(deployment, 1536)
        self.model = EmbeddingModel(deployment, dimensions, _FLOOR, _WEAK)
        self._clock = clock
        self._answered_at = -_FRESH_SECONDS
        self._circuit = ServiceBreaker(clock=clock)
        self._requests = AsyncLimiter(
            max(1, tokens_per_minute * _REQUESTS_FOR_1000_TOKENS // 1000), 60
        )
        self._tokens = AsyncLimiter(tokens_per_minute, 60)
        self._sleep = sleep
        self._client: AsyncAzureOpenAI | None = None

    async def is_answering(self, *, within_seconds: float) -> bool:
        """Whether a text was embedded within the last minute, or one is now."""
        if self._clock() - self._answered_at < _FRESH_SECONDS:
            return True
        try:
            await self.embed([_PROBE], within_seconds=within_seconds)
        except (EmbeddingsUnavailable, TextRefused):
            return False
        return True

    async def embed(self, texts: Sequence[str], *, within_seconds: float) -> list[Vector]:
        """Return one vector for each text.

        Busy answers, broken answers and time-outs are retried while time is left. `Retry-After`
        is honoured, and a wait that would outlast the time is not begun.

        Raises:
            EmbeddingsUnavailable: no good answer in time, or no request after many failures.
            TextRefused: the service refuses a text.
        """
        if not self._circuit.try_once():
            raise EmbeddingsUnavailable(
                f"{self.model.name} is not called at present, after several failures."
            )
        try:
            async with asyncio.timeout(within_seconds):
                vectors: list[Vector] = await self._retrying(within_seconds)(self._request, texts)
            check_vectors(vectors, self.model, count=len(texts))
        except TextRefused:
            self._circuit.succeeded()  # it answers
            raise
        except Exception as error:
            self._circuit.failed()
            logger.warning("%s: %s", self.model.name, _kind(error))
            if isinstance(error, EmbeddingsUnavailable):
                raise
            raise EmbeddingsUnavailable(f"{self.model.name} does not answer.") from error
        self._circuit.succeeded()
        self._answered_at = self._clock()
        return vectors

    async def close(self) -> None:
        """Close the client's connections."""
        if self._client is not None:
            await self._client.close()

    def _retrying(self, within_seconds: float) -> AsyncRetrying:
        options: dict[str, Any] = {"sleep": self._sleep} if self._sleep else {}
        return AsyncRetrying(
            retry=retry_if_exception(_is_transient),
            wait=_wait,
            stop=stop_before_delay(within_seconds),
            reraise=True,
            **options,
        )

    async def _request(self, texts: Sequence[str]) -> list[Vector]:
        await self._requests.acquire()
        estimate = sum(1 + len(text) // _CHARACTERS_OF_A_TOKEN for text in texts)
        await self._tokens.acquire(min(estimate, self._tokens.max_rate))
        client = await self._connected()
        from openai import APIStatusError

        options: dict[str, Any] = {"dimensions": self._shortened} if self._shortened else {}
        try:
            answer: CreateEmbeddingResponse = await client.embeddings.create(
                model=self.model.name, input=list(texts), encoding_format="float", **options
            )
        except APIStatusError as error:
            if error.status_code in _REFUSED:
                raise TextRefused(f"status {error.status_code}") from error
            raise
        ordered = sorted(answer.data, key=lambda item: item.index)
        return [item.embedding for item in ordered]

    async def _connected(self) -> "AsyncAzureOpenAI":
        # On a thread: half a second of imports would hold up every other call.
        await asyncio.to_thread(import_module, "openai")
        if self._client is None:
            from openai import AsyncAzureOpenAI

            self._client = AsyncAzureOpenAI(
                azure_endpoint=self._endpoint,
                azure_ad_token_provider=self._token,
                api_version=_API_VERSION,
                timeout=_REQUEST_SECONDS,
                max_retries=0,  # retried here, where the time that is left is known
            )
        return self._client


def entra_token(credential: "Callable[[], TokenCredential]") -> TokenProvider:
    """Return what fetches a token for Azure OpenAI with the credential of this process."""

    def fetch() -> str:
        # On a thread: these credentials block, and their asynchronous twins need another client.
        return credential().get_token("https://cognitiveservices.azure.com/.default").token

    return lambda: asyncio.to_thread(fetch)


def _is_transient(error: BaseException) -> bool:
    from openai import APIConnectionError, APIStatusError

    if isinstance(error, APIStatusError):
        return error.status_code in _TRANSIENT
    return isinstance(error, APIConnectionError)  # a timeout is one


_backoff = wait_exponential_jitter(
    multiplier=_FIRST_WAIT_SECONDS, max=_MAX_WAIT_SECONDS, jitter=_FIRST_WAIT_SECONDS
)


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    headers = getattr(getattr(error, "response", None), "headers", {})
    # Never less than asked for; a little more, so that those who were sent away do not meet again.
    return max(_requested_wait_seconds(headers), 0.0) + _backoff(state)


def _requested_wait_seconds(headers: Any) -> float:
    """Return the seconds of `retry-after-ms` or `Retry-After` (seconds or a date), else 0."""
    try:
        if milliseconds := headers.get("retry-after-ms"):
            return float(milliseconds) / 1000
        if not (header := headers.get("retry-after")):
            return 0.0
        if header.strip().replace(".", "", 1).isdigit():
            return float(header)
        return parsedate_to_datetime(header).timestamp() - time.time()
    except ValueError:
        return 0.0


def _kind(error: BaseException) -> str:
    # By kind and status alone: a client's words may name hosts and tokens.
    status = getattr(error, "status_code", "")
    return f"{type(error).__name__} {status}".strip()
