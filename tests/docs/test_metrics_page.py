"""`docs/reference/metrics.md` is what the catalogue says, and the catalogue is what it says."""

from tests.metrics import naive
from tests.support.generators.metrics_page import PAGE, page
from zava.data.metrics.catalog_page import metric_page
from zava.retail.data.metric_catalogue import catalogue


def test_page_is_the_catalogues() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs`"


def test_page_names_the_dimensions_that_each_metric_goes_with() -> None:
    told = {
        cells[1].split("`")[1]: set(cells[4].strip().split(", "))
        for line in metric_page(catalogue()).splitlines()
        if line.startswith("| `") and len(cells := line.split("|")) == 7
    }
    assert told == {name: set(naive.allowed_dimensions(name)) for name in catalogue().metrics}
