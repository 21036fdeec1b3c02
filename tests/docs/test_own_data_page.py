"""The page on a retailer's own data describes each column of the layout."""

from pathlib import Path

import pytest

from zava.retail.importing.layout import LAYOUTS, Layout
from zava.retail.importing.mapping import Mapping, read_mapping
from zava.retail.importing.rejects import MODES

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "own-data.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_page_lists_the_columns_of_a_table_and_which_are_required(layout: Layout) -> None:
    section = PAGE.partition(f"\n### {layout.name}\n")[2].partition("\n#")[0]
    rows = [line.split("|")[1:4] for line in section.splitlines() if line.startswith("| `")]
    assert [(name.strip(" `"), required.strip() == "yes") for name, _, required in rows] == [
        (field.name, field.is_required) for field in layout.fields
    ]


def test_page_names_each_mode() -> None:
    for mode in MODES:
        assert f"| `{mode}`" in PAGE


def test_mapping_of_the_page_is_one(tmp_path: Path) -> None:
    text = PAGE.partition("```toml\n")[2].partition("```")[0]
    path = tmp_path / "mapping.toml"
    path.write_text(text, encoding="utf-8")
    mapping = read_mapping(path)
    assert isinstance(mapping, Mapping)
    assert (mapping.source, mapping.decimal, mapping.dates) == ("till", ",", "DMY")
