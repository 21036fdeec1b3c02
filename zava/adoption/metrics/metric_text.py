"""Writes metrics as the sections of a declaration."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from zava.adoption.metrics.declared_metrics import DeclaredMeaning


def meaning_text(meaning: DeclaredMeaning) -> str:
    """Return the sections as TOML; reading them gives the same values."""
    sections: list[str] = []
    values: dict[str, Any]
    for join in meaning.joins.values():
        values = {"from": join.table, "columns": join.columns, "to": join.to, "keys": join.keys}
        sections.append(_section("joins", join.name, values))
    for dimension in meaning.dimensions.values():
        values = {
            "table": dimension.table,
            "column": dimension.column,
            "description": dimension.description,
            "synonyms": dimension.synonyms,
        }
        sections.append(_section("dimensions", dimension.name, values))
    for metric in meaning.metrics.values():
        values = {
            "label": metric.label,
            "description": metric.description,
            "table": metric.table,
            "expression": metric.expression,
            "ratio": metric.ratio,
            "time": metric.time,
            "time_type": metric.time_type if metric.time else None,
            "unit": metric.unit,
            "dimensions": metric.dimensions,
            "additive_over": metric.additive_over,
            "audiences": metric.audiences,
            "synonyms": metric.synonyms,
        }
        sections.append(_section("metrics", metric.name, values))
    return "\n".join(sections)


def _section(kind: str, name: str, values: Mapping[str, Any]) -> str:
    return "".join([f"[{kind}.{_value(name)}]\n", *_lines(values)])


def _lines(values: Mapping[str, Any]) -> Iterator[str]:
    for key, value in values.items():
        if value:
            written = f"[{', '.join(map(_value, value))}]" if isinstance(value, tuple) else None
            yield f"{key} = {written or _value(value)}\n"


def _value(text: str) -> str:
    # A text of JSON is a text of TOML, but for the one control character that JSON leaves as it is.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
