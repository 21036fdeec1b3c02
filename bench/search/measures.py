"""Measures of a ranking, and whether two of them differ by more than chance."""

import math
import random
from collections.abc import Mapping, Sequence
from statistics import mean

_RESAMPLES = 10_000


def ndcg(ranking: Sequence[str], gains: Mapping[str, int], depth: int = 10) -> float:
    """Return the discounted gain of the first `depth`, of what the best order would have."""

    def discounted(values: Sequence[int]) -> float:
        return sum(
            float(2**gain - 1) / math.log2(place + 2) for place, gain in enumerate(values[:depth])
        )

    best = discounted(sorted(gains.values(), reverse=True))
    return discounted([gains.get(item, 0) for item in ranking]) / best if best else 0.0


def recall(ranking: Sequence[str], relevant: set[str], depth: int = 20) -> float:
    """Return the share of the relevant items among the first `depth`."""
    return len(relevant & set(ranking[:depth])) / len(relevant) if relevant else 0.0


def difference(a: Sequence[float], b: Sequence[float], seed: int = 1) -> tuple[float, float, float]:
    """Return the mean of a - b over the same queries and its 95 % bootstrap interval."""
    draw = random.Random(seed)  # noqa: S311  # repeatable, not secret
    pairs = [x - y for x, y in zip(a, b, strict=True)]
    means = sorted(mean(draw.choices(pairs, k=len(pairs))) for _ in range(_RESAMPLES))
    low, high = (means[int(share * _RESAMPLES)] for share in (0.025, 0.975))
    return mean(pairs), low, high
