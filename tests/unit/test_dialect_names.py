"""Functions of other dialects are answered with PostgreSQL, not with a name that looks alike."""

import pytest

from zava.data.guard import dialects, refusals
from zava.data.guard.vocabulary import FUNCTIONS

# By source: Snowflake, BigQuery, T-SQL, Oracle, MySQL, ClickHouse, DuckDB, Spark, spreadsheets.
NAMES = {
    "try_to_date convert_timezone time_slice dateadd object_construct parse_json array_agg_distinct "
    "to_timestamp_ntz div0 zeroifnull equal_null monthname dayofweekiso ratio_to_report": "Snowflake",
    "parse_datetime date_diff timestamp_trunc safe_cast countif logical_or to_json_string "
    "generate_date_array regexp_extract_all contains_substr farm_fingerprint approx_top_k": "BigQuery",
    "datediff_big eomonth datefromparts isnull iif len charindex stuff string_split newid try_convert "
    "format_number getutcdate sysdatetimeoffset openjson choose": "T-SQL",
    "add_months months_between nvl nvl2 decode_oracle listagg next_day sysdate trunc_date "
    " instr systimestamp": "Oracle",
    "date_format str_to_date curdate ifnull group_concat find_in_set period_diff to_days from_days "
    "makedate sec_to_time last_insert_id json_unquote sha2 hex": "MySQL",
    "toStartOfMonth toYYYYMM uniqExact argMax groupArray countIf quantileExact multiIf toDate "
    "arrayJoin splitByChar formatDateTime lengthUTF8": "ClickHouse",
    "strptime list_value struct_pack arbitrary median quantile_cont list range": "DuckDB",
    "collect_list explode_outer posexplode from_unixtime named_struct rlike bround": "Spark",
    "averageif sumproduct vlookup edate networkdays workday countblank stdev textjoin iferror": "sheets",
    "cumsum running_total moving_avg rolling_avg zscore mean previous offset diff": "data frames",
}  # fmt: skip
GENERAL = "Use PostgreSQL's aggregate, window"


@pytest.mark.parametrize("source", NAMES.values())
def test_function_of_another_dialect_is_answered_with_what_to_write(source: str) -> None:
    (names,) = [names for names, each in NAMES.items() if each == source]
    told = {name: refusals.function(name.lower()).hint for name in names.split()}
    assert [name for name, hint in told.items() if hint.startswith((GENERAL, "Perhaps"))] == []


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("edate", "interval"),  # looks like date
        ("array_avg", "unnest"),  # looks like array_agg
        ("bitand", "a & b"),  # looks like bit_and, an aggregate
        ("lstrip", "ltrim"),  # looks like strip, of text search
        ("list_value", "array_agg"),  # looks like last_value
        ("makedate", "make_date(y, m, d)"),  # takes the day of the year in MySQL
        ("convert_tz", "AT TIME ZONE"),
        ("nextday", "date_trunc('week', x)"),
        ("hours_between", "epoch"),
    ],
)
def test_name_that_looks_like_another_is_not_taken_for_it(name: str, part: str) -> None:
    assert part in refusals.function(name).hint


@pytest.mark.slow
def test_each_listed_name_is_found_and_is_no_function_of_postgresql() -> None:
    for name, hint in dialects.FUNCTIONS.items():
        assert "_" not in name
        assert hint.endswith((".", "…)."))
        assert name not in FUNCTIONS
        assert refusals.function(name).hint == hint
    assert len(dialects.FUNCTIONS) >= 400
