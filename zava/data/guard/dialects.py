"""Names of other SQL dialects, with the PostgreSQL to write instead.

Imported when a statement is refused: a passing one needs none of it.
"""

from collections.abc import Mapping


def _table(text: str) -> Mapping[str, str]:
    """Read lines of names, each followed by indented lines: what to write instead of them."""
    found: dict[str, str] = {}
    names: list[str] = []
    advice: list[str] = []
    for line in [*text.strip("\n").splitlines(), ""]:
        if line.startswith("        "):
            advice.append(line.strip())
            continue
        if advice:
            found |= dict.fromkeys(names, " ".join(advice))
            names, advice = [], []
        names += line.split()
    return found


FUNCTIONS = _table(
    r"""
    year yearweek toyear
        Write extract(year FROM x), or date_trunc('year', x) for its first day.
    monthname
        Write to_char(x, 'FMMonth').
    month tomonth
        Write extract(month FROM x), or to_char(x, 'YYYY-MM').
    day dayofmonth todayofmonth
        Write extract(day FROM x).
    quarter toquarter
        Write extract(quarter FROM x), or to_char(x, 'YYYY-"Q"Q').
    hour minute second tohour
        Write extract(hour FROM x): minute and second, too.
    week weekofyear isoweek iso_week
        Write extract(week FROM x), or to_char(x, 'IYYY-IW').
    weekday dayofweek dayname day_of_week datename todayofweek
        Write extract(isodow FROM x), which is 1 on Monday, or to_char(x, 'FMDay').
    dayofyear
        Write extract(doy FROM x).
    datepart
        Write extract(month FROM x), with the unit that you need.
    datediff date_diff timestampdiff timestamp_diff timediff days_between daysbetween
        Write a::date - b::date: the difference of two dates is a number of days.
    months_between
        Write extract(year FROM age(a, b)) * 12 + extract(month FROM age(a, b)).
    dateadd date_sub adddate subdate timestampadd timestamp_add timestamp_sub add_months
    datetime_add datetime_sub
        Write x + interval '30 days', or x - interval '1 month'.
    date_format strftime format_date format_timestamp formatdatetime convert_tz time_format
        Write to_char(x, 'YYYY-MM'), or to_char(x, 'YYYY-MM-DD') for days.
    getdate curdate sysdate current_datetime curtime getutcdate sysdatetime utc_timestamp
    systimestamp today datetime_now
        Write CURRENT_DATE for the day, now() for the time.
    last_day eomonth end_of_month
        Write (date_trunc('month', x) + interval '1 month - 1 day')::date.
    str_to_date parse_date parse_timestamp to_datetime datefromparts date_parse
        Write to_date(x, 'YYYY-MM-DD'), or make_date(y, m, d).
    datetime julianday unixepoch from_unixtime unix_timestamp timestamp_seconds
        Write x::timestamptz, to_timestamp(seconds), or extract(epoch FROM x).
    datetrunc timestamp_trunc datetime_trunc trunc_date startofmonth tostartofmonth
        Write date_trunc('month', x).
    ifnull nvl isnull zeroifnull ifempty
        Write coalesce(x, y).
    nvl2 if iif iff decode_oracle choose switch
        Write CASE WHEN condition THEN a ELSE b END.
    nullifzero
        Write nullif(x, 0).
    len datalength strlen char_len
        Write length(x).
    group_concat listagg wm_concat string_concat concat_agg grouparray array_join
        Write string_agg(x::text, ', ' ORDER BY x).
    collect_list collect_set array_unique_agg
        Write array_agg(x), or array_agg(DISTINCT x).
    median
        Write percentile_cont(0.5) WITHIN GROUP (ORDER BY x).
    percentile quantile approx_quantiles approx_percentile percentile_approx quantile_cont
        Write percentile_cont(0.9) WITHIN GROUP (ORDER BY x).
    countif count_if sumif sum_if avgif sumifs countifs
        Write count(*) FILTER (WHERE condition), or sum(x) FILTER (WHERE condition).
    approx_count_distinct countdistinct uniq ndv count_distinct
        Write count(DISTINCT x).
    safe_divide div0 divide try_divide div0null
        Write a / nullif(b, 0).
    subtract
        Write a - b.
    add
        Write a + b.
    multiply
        Write a * b.
    instr charindex locate patindex find_in_set
        Write strpos(text, word), or position(word IN text).
    replicate
        Write repeat(x, 3).
    mid substring_index str_split split
        Write substr(x, start, length), or split_part(x, ',', 1).
    ucase
        Write upper(x).
    lcase
        Write lower(x).
    stuff insert
        Write overlay(x PLACING y FROM 1 FOR 2).
    isnumeric is_numeric isnumber
        Write x ~ '^[0-9.]+$'.
    isdate
        Write x ~ '^\d{4}-\d\d-\d\d$'.
    regexp_contains regexp_matches_any rlike regexp_extract
        Write x ~ 'pattern', or substring(x FROM 'pattern').
    rand newid uuid_string generate_uuid
        Write random(), or gen_random_uuid() for an id.
    log2
        Write log(2, x).
    truncate
        Write trunc(x, 2).
    square
        Write x ^ 2.
    contains startswith endswith
        Write x ILIKE '%word%'.
    safe_cast try_cast try_convert tryparse to_decimal todate tofloat to_varchar str tostring
    int64 cast_as
        Write x::numeric, x::date or x::text. PostgreSQL has no cast that ignores errors.
    explode flatten split_to_table string_split table_split json_table_split
        Write unnest(string_to_array(x, ',')).
    crosstab pivot
        Write one sum(x) FILTER (WHERE y = '…') for each column.
    argmax arg_max max_by
        Write (array_agg(x ORDER BY y DESC))[1], or DISTINCT ON.
    argmin arg_min min_by
        Write (array_agg(x ORDER BY y))[1], or DISTINCT ON.
    anyvalue first last any_val
        Write (array_agg(x ORDER BY y))[1], or first_value(x) OVER (…).
    ratio_to_report
        Write x / sum(x) OVER ().
    json_extract json_value_text get_json_object json_extract_scalar json_unquote
        Write x -> 'key', x ->> 'key' or x #>> '{a,b}'.
    array_size array_count size arraysize
        Write cardinality(x).
    array_contains arraycontains has
        Write value = ANY (x).
    generate_date_array generate_array sequence generate_dates
        Write generate_series(date '2026-01-01', date '2026-01-31', interval '1 day').
    similarity word_similarity levenshtein soundex difference vector_search cosine_distance
        Search products with semantic_search_products.
    table_name object_id schema_name
        The tool get_multiple_table_schemas describes the tables that you can read.
    """
)

TYPES = _table(
    """
    datetime datetime2 smalldatetime
        Write ::timestamptz, or ::date for a day.
    string nvarchar nchar varchar2 clob longtext tinytext mediumtext char2 symbol
        Write ::text.
    number bigdecimal bignumeric money4
        Write ::numeric.
    double float64 binary_double float32
        Write ::double precision.
    signed unsigned int64 int32 uint64 tinyint mediumint long
        Write ::integer, or ::bigint.
    bit1 logical
        Write ::boolean.
    uniqueidentifier
        Write ::uuid.
    vector halfvec
        Search products with semantic_search_products.
    """
)

OPERATORS = _table(
    """
    == ===
        Write = to compare.
    !==
        Write <> to compare.
    <=>
        Write IS NOT DISTINCT FROM. Search products with semantic_search_products.
    **
        Write x ^ 2.
    //
        Write div(a, b).
    !
        Write NOT.
    =~
        Write ~ for a regular expression.
    `
        Write names plain or in double quotes, not in backticks.
    """
)

RELATIONS = _table(
    """
    dual
        Leave FROM dual out: SELECT needs no table.
    sqlite_master sysobjects all_tables user_tables
        The tool get_multiple_table_schemas describes the tables that you can read.
    numbers
        Write generate_series(1, 10) AS n.
    """
)

COLUMNS = _table(
    """
    sysdate getdate curdate systimestamp current_datetime
        Write CURRENT_DATE for the day, now() for the time.
    rownum
        Write LIMIT 10, or row_number() OVER (ORDER BY x).
    rowid
        Sort by the primary key: rows have no number of their own.
    day days week month quarter year hour minute second dow doy isodow epoch
        Write the unit as text, and first: date_trunc('month', x), date_part('year', x).
    """
)
