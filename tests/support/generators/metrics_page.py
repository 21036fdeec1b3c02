"""`docs/reference/metrics.md`: the catalogue as `zava/retail/metrics.toml` declares it, written by `make docs`."""

from pathlib import Path

from zava.data.metrics.catalog_page import metric_page
from zava.retail.data.metric_catalogue import catalogue
from zava.retail.service.insights import insight_page

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "metrics.md"


def page() -> str:
    """Return the page as it has to stand in the repository."""
    return metric_page(catalogue()) + insight_page()


def main() -> None:
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
