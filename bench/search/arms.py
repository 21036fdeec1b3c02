"""The same statement asked three ways: by words, by meaning, by both."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

from zava.infrastructure.embeddings.embedder import Embedder, vector_text
from zava.model.core import Caller
from zava.retail.data.search_statement import ProductData
from zava.retail.search_values import ProductQuestion, SearchRegistry
from zava.retail.service.product_search import question_of
from zava.retail.service.search_text.product_text import TextReader

ARMS = ("words", "meaning", "fused")
_PATIENCE_SECONDS = 60.0
NEAREST = "nearest"
"""By meaning without a floor: what the floor is derived from."""


@dataclass
class Ranking:
    """What one arm returned for one query: SKUs best first, and how long the database took."""

    skus: list[str]
    similarities: dict[str, float]
    milliseconds: float


@dataclass
class Arms:
    """Asks each query in every arm, as a caller, with its vector at hand."""

    data: ProductData
    embedder: Embedder
    caller: Caller
    rankings: dict[str, list[Ranking]] = field(default_factory=dict)

    async def ask(
        self, texts: Sequence[str], *, tell: Callable[[int], None] = lambda _: None
    ) -> None:
        """Fill `rankings` by arm, in the order of the texts."""
        registry = await self.data.registry(self.caller)
        if registry.model is None:
            raise SystemExit("nothing is embedded")
        reader = TextReader(await self.data.words(self.caller))
        for number, text in enumerate(texts):
            asked = reader.read(text)
            (made,) = await self.embedder.embed([asked.text], within_seconds=_PATIENCE_SECONDS)
            vector = vector_text(made)
            question = replace(question_of(asked, registry, max_rows=50), vector=vector)
            for arm in (*ARMS, NEAREST):
                self.rankings.setdefault(arm, []).append(
                    await self._rank(_only(arm, question), registry)
                )
            tell(number)

    async def _rank(self, question: ProductQuestion, registry: SearchRegistry) -> Ranking:
        started = time.perf_counter()
        findings = await self.data.search(self.caller, question, registry)
        took = (time.perf_counter() - started) * 1000
        if findings is None:
            raise SystemExit("the model was changed meanwhile")
        return Ranking(
            [row["sku"] for row in findings.rows],
            {
                row["sku"]: row["similarity"]
                for row in findings.rows
                if row["similarity"] is not None
            },
            took,
        )

    def p50(self, arm: str) -> float:
        """Return the median time of one arm, in milliseconds."""
        return median(ranking.milliseconds for ranking in self.rankings[arm])


def _only(arm: str, question: ProductQuestion) -> ProductQuestion:
    if arm == "words":
        return replace(question, vector=None)
    if arm == "meaning":
        return replace(question, text="", skus=())
    if arm == NEAREST:
        return replace(question, text="", skus=(), threshold=-1.0)
    return question
