"""The core names nothing of the retail domain, but for the words listed here with their reasons."""

import re
import tomllib
from collections import defaultdict
from pathlib import Path

from zava.retail.demo.principals import PRINCIPALS

ROOT = Path(__file__).parents[2]
PEOPLE = "|".join(re.escape(person.name) for person in PRINCIPALS if person.name != "online")
OF_RETAIL = re.compile(rf"\w*(?:retail|store_|chain|{PEOPLE})\w*", re.IGNORECASE)

# A word, how the paths of the files begin that may have it, and why.
ALLOWED = {
    # The seal's migrations name the tenant so, and so do the audit's record and every answer.
    "store_id": (
        *("data/", "infrastructure/postgres/access_grants.py"),
        "adoption/metrics/served_catalogue.py",  # the core's compiler reads columns of these names
    ),
    "store_ids": ("data/session/", "infrastructure/postgres/access_grants.py", "model/core.py"),
    "store_name": (
        *("data/", "infrastructure/postgres/access_grants.py"),
        "adoption/serving/served_statements.py",  # it renders what the core reads under this name
        "adoption/metrics/served_catalogue.py",
    ),
    "store_count": (
        *("data/", "model/core.py", "protocol/rendering/scope.py", "service/metrics/"),
        "adoption/serving/served_statements.py",
    ),
    # A value of the domain, which another one leaves empty.
    "store_prefix": ("model/domain.py", "adoption/serving/served_domain.py"),
    # The calendar of the National Retail Federation has this name, and a setting has it, too.
    "retail": (
        *("model/retail_calendar.py", "model/fiscal_calendar.py", "settings.py"),
        *("data/metrics/catalog_page.py", "service/metrics/period_reading/named_days.py"),
    ),
    "retail_calendar": ("settings.py", "model/metrics.py", "service/metrics/"),
    "zava_retail_calendar": ("settings.py",),
    "retailcalendar": ("settings.py", "setting_groups/field_types.py"),
    # Python's iterator, an exception's causes, operators in a row, and Azure's class.
    "chain": ("data/sql_query/name_hints.py", "data/guard/cost/work.py", "telemetry/redaction.py"),
    "chains": ("data/guard/refusals.py",),
    "chainedtokencredential": ("infrastructure/azure/entra_credentials.py",),
}


def core_files() -> list[Path]:
    """Return the files of the packages that the contract holds apart from retail."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = (
        each
        for each in project["tool"]["importlinter"]["contracts"]
        if each["name"] == "the core does not know retail"
    )
    places = [ROOT / name.replace(".", "/") for name in contract["source_modules"]]
    modules = [place.with_suffix(".py") for place in places if not place.is_dir()]
    folders = [file for place in places if place.is_dir() for file in place.rglob("*")]
    return [file for file in (*modules, *folders) if file.suffix in {".py", ".sql", ".toml"}]


def words_of(text: str) -> set[str]:
    return {word.lower() for word in OF_RETAIL.findall(text)}


def test_the_core_has_no_word_of_the_retail_domain() -> None:
    unexpected = defaultdict(set)
    seen = set()
    files = core_files()
    assert len(files) > 150, "the core was found"
    for file in files:
        place = file.relative_to(ROOT / "zava").as_posix()
        for word in words_of(file.read_text(encoding="utf-8")):
            if place.startswith(ALLOWED.get(word, ())):
                seen.add(word)
            else:
                unexpected[place].add(word)
    assert unexpected == {}
    assert seen == ALLOWED.keys(), "each word on the list is needed"


def test_a_word_of_the_domain_is_found_in_any_name() -> None:
    planted = "from zava.Retail import x; STORE_MANAGERS = 'seattle'; by_chain(1)"
    assert words_of(planted) == {"retail", "store_managers", "seattle", "by_chain"}
