"""How good the ranking is, on judged queries and on Cranfield."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import mean, quantiles

import psycopg

from bench.search.arms import ARMS, NEAREST, Arms
from bench.search.judged import JudgedQuery, Product, judged_queries
from bench.search.measures import difference, ndcg, recall
from zava.infrastructure.embeddings.embedder import EmbeddingModel

RELEVANT_GRADE = 2  # "would do": what is only related is no success
_ASKED_FOR_GRADE = 3
_CRANFIELD_GAINS = {1: 4, 2: 3, 3: 2, 4: 1}


def catalogue(connection: psycopg.Connection) -> list[Product]:
    """Return the products that rules are about."""
    rows = connection.execute(
        "SELECT p.sku, p.product_name, t.type_name"
        " FROM retail.products AS p JOIN retail.product_types AS t USING (type_id)"
    )
    return [Product(*row) for row in rows]


async def judge_demo(arms: Arms, products: Sequence[Product]) -> None:
    """Print the table of the judged set, and the same by kind of query."""
    queries = judged_queries()
    _refuse_idle_rules(queries, products)
    await arms.ask([query.text for query in queries])
    gains = [_gains(query, products) for query in queries]
    answered = [number for number, found in enumerate(gains) if found]
    print(
        f"\nJudged queries over {len(products)} products: {len(queries)}, of which"
        f" {len(answered)} have an answer\n"
    )
    _table(arms, gains, answered, _would_do)
    print("\n| nDCG@10 by kind | queries | words | meaning | fused |\n|---|---|---|---|---|")
    for kind in dict.fromkeys(query.kind for query in queries):
        own = [number for number in answered if queries[number].kind == kind]
        if own:
            cells = " | ".join(f"{mean(_ndcgs(arms, arm, gains, own)):.3f}" for arm in ARMS)
            print(f"| {kind} | {len(own)} | {cells} |")
    fused = arms.rankings["fused"]
    empty = [q.kind for q, found in zip(queries, fused, strict=True) if not found.skus]
    print(f"\nFused, without a result: {len(empty)}, off topic: {empty.count('off-topic')}")
    asked = [(query, fused[place]) for place, query in enumerate(queries) if query.kind == "sku"]
    first = [
        set(found.skus[: len(query.rules)]) == {rule.sku for rule in query.rules}
        for query, found in asked
    ]
    print(f"SKU queries answered by their products first: {sum(first)} of {len(first)}")


async def judge_cranfield(
    arms: Arms, queries: Mapping[int, str], gains: Mapping[int, Mapping[str, int]]
) -> None:
    """Print the table of the Cranfield collection."""
    numbers = sorted(queries)
    await arms.ask([queries[number] for number in numbers])
    found = [gains.get(number, {}) for number in numbers]
    print(f"\nCranfield, off the retail domain: {len(numbers)} queries\n")
    _table(arms, found, list(range(len(numbers))), set)


def thresholds(
    arms: Arms, products: Sequence[Product], outside: Sequence[float], model: EmbeddingModel
) -> None:
    """Print where similarities lie, and what floor and weak threshold follow from them.

    `outside` are best similarities of queries that have nothing to do with the catalogue. The floor
    keeps 95 % of the products that were asked for and came among the nearest fifty; weak is the cut
    that tells best matches of answered queries from those of the others with the fewest mistakes.
    """
    inside: list[float] = []
    others = list(outside)
    relevant: list[float] = []
    for query, ranking in zip(judged_queries(), arms.rankings[NEAREST], strict=True):
        if query.kind in {"sku", "brand"}:  # names, which have no meaning
            continue
        (inside if query.rules else others).append(max(ranking.similarities.values()))
        relevant += [
            ranking.similarities[sku]
            for sku, grade in _gains(query, products).items()
            if grade == _ASKED_FOR_GRADE and sku in ranking.similarities
        ]
    cuts = [step / 100 for step in range(100)]
    weak = max(cuts, key=lambda cut: _share(inside, cut) - _share(others, cut))
    print(f"\n| similarity, {model.name} | | p5 | p50 | p95 |\n|---|---|---|---|---|")
    for name, values in (
        ("best match, answered", inside),
        ("best match, off topic", others),
        ("what was asked for", relevant),
    ):
        p = quantiles(values, n=20)
        print(f"| {name} | {len(values)} | {p[0]:.2f} | {p[9]:.2f} | {p[18]:.2f} |")
    floor = quantiles(relevant, n=20)[0]
    for name, derived, registered, kept in (
        ("floor", floor, model.minimum_similarity, relevant),
        ("weak below", weak, model.weak_similarity, inside),
    ):
        print(
            f"{name}: derived {derived:.2f}, registered {registered:.2f}, which keeps"
            f" {_share(kept, registered):.1%} of these and {_share(others, registered):.1%} of the"
            " best matches off topic"
        )


def read_cranfield(
    directory: Path,
) -> tuple[list[tuple[str, str]], dict[int, str], dict[int, dict[str, int]]]:
    """Return documents as (title, text), queries by their place, and gains by query."""
    documents = [
        (" ".join(parts.get("T", "").split()), " ".join(parts.get("W", "").split()))
        for parts in _records(directory / "cran.all.1400")
    ]
    # The judgements count the queries; the numbers that stand in their file have gaps.
    queries = {
        place: " ".join(parts["W"].split())
        for place, parts in enumerate(_records(directory / "cran.qry"), 1)
    }
    gains: dict[int, dict[str, int]] = {}
    for line in (directory / "cranqrel_corrected").read_text().splitlines():
        query, _, document, code = (int(part) for part in line.split())
        if gain := _CRANFIELD_GAINS.get(code):
            gains.setdefault(query, {})[cranfield_sku(document)] = gain
    return documents, queries, gains


def cranfield_sku(number: int) -> str:
    """Return the name under which a document stands in for a product."""
    return f"CRAN-{number}"


def _records(file: Path) -> list[dict[str, str]]:
    records: list[dict[str, str]] = []
    field = ""
    for line in file.read_text(encoding="latin-1").splitlines():
        if line.startswith(".I"):
            records.append({})
        elif re.fullmatch(r"\.[TABWX]\s*", line):
            field = line[1]
        else:
            records[-1][field] = f"{records[-1].get(field, '')} {line}"
    return records


def _gains(query: JudgedQuery, products: Sequence[Product]) -> dict[str, int]:
    return {product.sku: grade for product in products if (grade := query.grade(product))}


def _would_do(gains: Mapping[str, int]) -> set[str]:
    return {sku for sku, grade in gains.items() if grade >= RELEVANT_GRADE}


def _refuse_idle_rules(queries: Sequence[JudgedQuery], products: Sequence[Product]) -> None:
    for query in queries:
        for rule in query.rules:
            if not any(rule.fits(product) for product in products):
                raise SystemExit(f"a rule of {query.text!r} fits no product")


def _table(
    arms: Arms,
    gains: Sequence[Mapping[str, int]],
    numbers: Sequence[int],
    relevant: Callable[[Mapping[str, int]], set[str]],
) -> None:
    print("| | nDCG@10 | recall@20 | without a result | p50, ms |\n|---|---|---|---|---|")
    for arm in ARMS:
        rankings = [arms.rankings[arm][number].skus for number in numbers]
        wanted = [relevant(gains[number]) for number in numbers]
        recalls = [recall(*pair) for pair in zip(rankings, wanted, strict=True) if pair[1]]
        empty = mean(not ranking for ranking in rankings)
        figures = f"{mean(_ndcgs(arms, arm, gains, numbers)):.3f} | {mean(recalls):.3f}"
        print(f"| {arm} | {figures} | {empty:.1%} | {arms.p50(arm):.1f} |")
    fused = _ndcgs(arms, "fused", gains, numbers)
    for part in ("words", "meaning"):
        middle, low, high = difference(fused, _ndcgs(arms, part, gains, numbers))
        print(f"fused - {part}: {middle:+.3f} nDCG@10, 95 % interval {low:+.3f} to {high:+.3f}")


def _ndcgs(
    arms: Arms, arm: str, gains: Sequence[Mapping[str, int]], numbers: Sequence[int]
) -> list[float]:
    return [ndcg(arms.rankings[arm][number].skus, gains[number]) for number in numbers]


def _share(values: Sequence[float], cut: float) -> float:
    return mean(value >= cut for value in values) if values else 0.0
