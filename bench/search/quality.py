"""How good the ranking is, on judged queries and on Cranfield."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import mean, quantiles

import psycopg

from bench.search.arms import ARMS, NEAREST, Arms
from bench.search.judged import JudgedQuery, Product, judged_queries
from bench.search.measures import difference, ndcg, recall
from zava.model import EmbeddingModel

RELEVANT_GRADE = 2  # "would do": what is only related is no success
_CRANFIELD_GAINS = {1: 4, 2: 3, 3: 2, 4: 1}


def catalogue(connection: psycopg.Connection) -> list[Product]:
    """Return the products that rules are about."""
    rows = connection.execute(
        "SELECT p.sku, p.product_name, t.type_name"
        " FROM retail.products AS p JOIN retail.product_types AS t USING (type_id)"
    )
    return [Product(*row) for row in rows]


async def judge_demo(arms: Arms, products: Sequence[Product]) -> None:
    """Print the table of the judged set, by kind of query, and what it says of the thresholds."""
    queries = judged_queries()
    _refuse_idle_rules(queries, products)
    await arms.ask([query.text for query in queries])
    gains = [
        {product.sku: grade for product in products if (grade := query.grade(product))}
        for query in queries
    ]
    answered = [number for number, found in enumerate(gains) if found]
    print(
        f"\nJudged queries over {len(products)} products: {len(queries)}, {len(answered)} with an answer\n"
    )
    _table(
        arms, gains, answered, lambda found: {k for k, g in found.items() if g >= RELEVANT_GRADE}
    )
    print("\n| kind | queries | words | meaning | fused |\n|---|---|---|---|---|")
    for kind in dict.fromkeys(query.kind for query in queries):
        own = [number for number in answered if queries[number].kind == kind]
        if own:
            cells = " | ".join(f"{mean(_ndcgs(arms, arm, gains, own)):.3f}" for arm in ARMS)
            print(f"| {kind}, nDCG@10 | {len(own)} | {cells} |")
    empty = [
        query.text
        for query, found in zip(queries, arms.rankings["fused"], strict=True)
        if not found.skus
    ]
    off_topic = {query.text for query in queries if query.kind == "off-topic"}
    print(
        f"\nFused, without a result: {len(empty)}, of these off topic: {len(set(empty) & off_topic)}"
    )
    asked = [(number, query) for number, query in enumerate(queries) if query.kind == "sku"]
    first = sum(
        set(arms.rankings["fused"][number].skus[: len(query.rules)])
        == {rule.sku for rule in query.rules}
        for number, query in asked
    )
    print(f"SKU queries answered by their products first: {first} of {len(asked)}")


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
    """Print where the best match's similarity lies for queries with and without an answer.

    `outside` are best similarities of queries that have nothing to do with the catalogue. The floor
    keeps 95 % of the products that were asked for; weak is where a best match is as likely to be
    an accident as an answer.
    """
    best_inside, relevant = [], []
    best_outside = list(outside)
    for query, ranking in zip(judged_queries(), arms.rankings[NEAREST], strict=True):
        similarities = ranking.similarities
        if query.kind in {"sku", "brand"} or not similarities:
            continue
        best = max(similarities.values())
        (best_inside if query.rules else best_outside).append(best)
        relevant += [
            similarities[product.sku]
            for product in products
            if query.grade(product) == 3 and product.sku in similarities  # noqa: PLR2004  # asked for
        ]
    weak = max(
        (round(0.01 * step, 2) for step in range(100)),
        key=lambda cut: _share(best_inside, cut) - _share(best_outside, cut),
    )
    print(f"\nSimilarities with {model.name} | p5 | p50 | p95 |\n|---|---|---|---|")
    for name, values in (
        ("best match, with an answer", best_inside),
        ("best match, off topic", best_outside),
        ("products asked for", relevant),
    ):
        p = quantiles(values, n=20)
        print(f"| {name} ({len(values)}) | {p[0]:.2f} | {p[9]:.2f} | {p[18]:.2f} |")
    print(
        f"Floor that keeps 95 % of what was asked for: {quantiles(relevant, n=20)[0]:.2f} (registered:"
        f" {model.minimum_similarity:.2f}); weak below {weak:.2f} (registered: {model.weak_similarity:.2f}):"
        f" {_share(best_inside, weak):.0%} of the answers and {_share(best_outside, weak):.0%} of the"
        " accidents lie above"
    )


def read_cranfield(
    directory: Path,
) -> tuple[list[tuple[str, str]], dict[int, str], dict[int, dict[str, int]]]:
    """Return documents as (title, text), queries by their place, and gains by query and document."""
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
        elif line[:1] == "." and line[1:2] in "TABWX" and len(line.strip()) == 2:  # noqa: PLR2004  # .W
            field = line[1]
        else:
            records[-1][field] = f"{records[-1].get(field, '')} {line}"
    return records


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
    print(
        "| | nDCG@10 | recall@20 | without a result | p50, ms in the database |\n|---|---|---|---|---|"
    )
    for arm in ARMS:
        rankings = arms.rankings[arm]
        recalls = [
            recall(rankings[number].skus, relevant(gains[number]))
            for number in numbers
            if relevant(gains[number])
        ]
        empty = mean(not rankings[number].skus for number in numbers)
        ndcgs = _ndcgs(arms, arm, gains, numbers)
        print(
            f"| {arm} | {mean(ndcgs):.3f} | {mean(recalls):.3f} | {empty:.1%} | {arms.p50(arm):.1f} |"
        )
    for part in ("words", "meaning"):
        pairs = (_ndcgs(arms, arm, gains, numbers) for arm in ("fused", part))
        middle, low, high = difference(*pairs)
        print(f"fused - {part}: {middle:+.3f} nDCG@10, 95 % interval {low:+.3f} to {high:+.3f}")


def _ndcgs(
    arms: Arms, arm: str, gains: Sequence[Mapping[str, int]], numbers: Sequence[int]
) -> list[float]:
    return [ndcg(arms.rankings[arm][number].skus, gains[number]) for number in numbers]


def _share(values: Sequence[float], cut: float) -> float:
    return mean(value >= cut for value in values) if values else 0.0
