"""The seal of an adopted database is that of the shipped one, and nothing else of it is loaded."""

import subprocess
import sys

import pytest

from tests.adoption.foreign import Foreign
from tests.support.suite.patience import patient
from zava.sql_files import SQL

SHARED = (
    "admit",
    "charge",
    "pad",
    "plan_shape",
    "proof",
    "rows_as_text",
    "used",
    "working",
)
DEFINED = (
    "SELECT coalesce(pg_get_function_sqlbody(oid), prosrc) FROM pg_proc"
    " WHERE pronamespace = 'zava'::regnamespace AND proname = %s"
)
LOADED = """
import sys
import zava.adopted_app
print(sorted(name for name in sys.modules if name.startswith("zava.retail")))
"""


@pytest.mark.parametrize("name", SHARED)
def test_what_both_schemas_need_has_one_definition(billing: Foreign, name: str) -> None:
    shipped = (SQL / "schema.sql").read_text(encoding="utf-8")
    with billing.superuser() as superuser:
        rows = superuser.execute(DEFINED, [name]).fetchall()
    ((body,),) = rows
    assert body.strip() in shipped


def test_the_server_over_an_adopted_database_loads_nothing_of_retail() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", LOADED],
        capture_output=True,
        text=True,
        check=True,
        timeout=patient(60),
    )
    assert loaded.stdout.strip() == "[]"
