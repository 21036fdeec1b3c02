"""The catalogue of the retail domain's certified metrics, `zava/retail/metrics.toml`."""

from functools import cache
from importlib.resources import files

from zava.data.metrics.catalog import Catalogue, read_catalogue
from zava.retail.declaration import RETAIL


@cache
def catalogue() -> Catalogue:
    """Return the domain's catalogue, read once.

    Raises:
        CatalogueError: the file breaks its form.
    """
    text = (files("zava.retail") / "metrics.toml").read_text(encoding="utf-8")
    return read_catalogue(text, RETAIL)
