"""The tools, one module each: product text, arguments and answer."""

from collections.abc import Iterator, Mapping
from importlib import import_module

from zava.protocol.tools.tool import Tool

_NAMES = (
    "query_metrics",
    "show_sales_chart",
    "get_store_performance",
    "compare_with_chain",
    "get_multiple_table_schemas",
    "execute_sales_query",
    "semantic_search_products",
    "get_current_utc_date",
)


class _Tools(Mapping[str, Tool]):
    """Loads a tool's module at its first use: a cold instance calls one of them."""

    def __init__(self) -> None:
        self._loaded: dict[str, Tool] = {}

    def __getitem__(self, name: str) -> Tool:
        tool = self._loaded.get(name)
        if tool is None:
            if name not in _NAMES:
                raise KeyError(name)
            tool = self._loaded[name] = import_module(f"{__package__}.{name}").TOOL
        return tool

    def __iter__(self) -> Iterator[str]:
        return iter(_NAMES)

    def __len__(self) -> int:
        return len(_NAMES)


TOOLS: Mapping[str, Tool] = _Tools()
"""Every tool by name, in the order in which a model should read them."""
