"""The words that a caller's statement may use: functions, types, operators, node types.

A word that is not listed is refused. A function is listed if every overload of it is immutable or
stable, reads nothing but its arguments, and cannot run text as SQL. The listed volatile ones
(`random`, `clock_timestamp`, the two array samplers, those that make UUIDs) change nothing that
outlives the call.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ForeignNames:
    """What a database of another application changes in the words of a statement.

    `tables` are those that a bare name does not reach in the first schema: as `schema.table`, and
    bare where the search path finds them. `types` are enum types and domains, bare and with their
    schema. `hiding` are functions that PostgreSQL finds before its own of the same name.
    `spelled` has the spelling of a table.
    """

    tables: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    hiding: frozenset[str] = frozenset()
    spelled: Mapping[str, str] = field(default_factory=dict)


def _words(text: str) -> frozenset[str]:
    """Read words from lines; a line that begins with "# " describes the lines after it."""
    lines = (line.strip() for line in text.splitlines())
    return frozenset(word for line in lines if not line.startswith("# ") for word in line.split())


FUNCTIONS = _words(
    """
    # Aggregates, also as window functions and with WITHIN GROUP.
    any_value array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count covar_pop
    covar_samp every json_agg json_agg_strict json_object_agg json_object_agg_strict
    json_object_agg_unique json_object_agg_unique_strict jsonb_agg jsonb_agg_strict
    jsonb_object_agg jsonb_object_agg_strict jsonb_object_agg_unique
    jsonb_object_agg_unique_strict max min mode percentile_cont percentile_disc range_agg
    range_intersect_agg regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx
    regr_sxy regr_syy stddev stddev_pop stddev_samp string_agg sum var_pop var_samp variance
    # Windows.
    cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank
    row_number
    # Numbers.
    abs acos acosd acosh asin asind asinh atan atan2 atan2d atand atanh cbrt ceil ceiling cos cosd
    cosh cot cotd degrees div erf erfc exp factorial floor gamma gcd lcm lgamma ln log log10
    min_scale mod numeric pi pow power radians random random_normal round scale sign sin sind sinh
    sqrt tan tand tanh to_number trim_scale trunc width_bucket
    # Dates and times.
    age clock_timestamp date date_add date_bin date_part date_subtract date_trunc extract isfinite
    justify_days justify_hours justify_interval make_date make_interval make_time make_timestamp
    make_timestamptz now overlaps statement_timestamp timezone to_date to_timestamp
    transaction_timestamp
    # Text.
    ascii bit_length bpchar btrim casefold char_length character_length chr concat concat_ws
    convert convert_from convert_to crc32 crc32c decode encode format initcap is_normalized left
    like_escape length lower lpad ltrim md5 normalize octet_length overlay position quote_ident
    quote_literal quote_nullable regexp_count regexp_instr regexp_like regexp_match regexp_matches
    regexp_replace regexp_split_to_array regexp_split_to_table regexp_substr repeat replace
    reverse right rpad rtrim sha224 sha256 sha384 sha512 similar_escape similar_to_escape
    split_part starts_with string_to_array string_to_table strpos substr substring text to_ascii
    to_bin to_char to_hex to_oct translate unistr upper varchar
    # Casts in the form of calls.
    bool float4 float8 int2 int4 int8 interval jsonb time timestamp timestamptz uuid
    # Arrays, sets of rows, and rows.
    array_append array_cat array_dims array_fill array_length array_lower array_ndims array_position
    array_positions array_prepend array_remove array_replace array_reverse array_sample
    array_shuffle array_sort array_to_json array_to_string array_upper cardinality generate_series
    generate_subscripts num_nonnulls num_nulls row_to_json trim_array unnest
    # JSON.
    json_array_elements json_array_elements_text json_array_length json_build_array
    json_build_object json_each json_each_text json_extract_path json_extract_path_text
    json_object json_object_keys json_strip_nulls json_to_record json_to_recordset json_typeof
    jsonb_array_elements jsonb_array_elements_text jsonb_array_length jsonb_build_array
    jsonb_build_object jsonb_concat jsonb_delete jsonb_each jsonb_each_text jsonb_extract_path
    jsonb_extract_path_text jsonb_insert jsonb_object jsonb_object_keys jsonb_path_exists
    jsonb_path_exists_tz jsonb_path_match jsonb_path_match_tz jsonb_path_query
    jsonb_path_query_array jsonb_path_query_array_tz jsonb_path_query_first
    jsonb_path_query_first_tz jsonb_path_query_tz jsonb_pretty jsonb_set jsonb_set_lax
    jsonb_strip_nulls jsonb_to_record jsonb_to_recordset jsonb_typeof to_json to_jsonb
    # Ranges.
    datemultirange daterange int4multirange int4range int8multirange int8range isempty lower_inc
    lower_inf multirange nummultirange numrange range_merge tsmultirange tsrange tstzmultirange
    tstzrange upper_inc upper_inf
    # Full text.
    array_to_tsvector json_to_tsvector jsonb_to_tsvector numnode phraseto_tsquery plainto_tsquery
    querytree setweight strip to_tsquery to_tsvector ts_delete ts_filter ts_headline ts_rank
    ts_rank_cd tsquery_phrase tsvector_to_array websearch_to_tsquery
    # Bits, bytes, hashes and UUIDs.
    bit_count gen_random_uuid get_bit get_byte hashtext hashtextextended set_bit set_byte
    uuid_extract_timestamp uuid_extract_version uuidv4 uuidv7
    """
)

TYPES = _words(
    """
    bit bool bpchar bytea char date float4 float8 int2 int4 int8 interval json jsonb jsonpath
    money name numeric text time timestamp timestamptz timetz tsquery tsvector uuid
    varbit varchar daterange int4range int8range numrange tsrange tstzrange datemultirange
    int4multirange int8multirange nummultirange tsmultirange tstzmultirange
    """
)

OPERATORS = _words(
    """
    + - * / % ^ |/ ||/ @ & | # ~ << >> = <> != < > <= >= *= *<> *< *> *<= *>= || ~~ !~~ ~~* !~~*
    ~* !~ !~* ^@ ~<~ ~<=~ ~>=~ ~>~ -> ->> #> #>> #- @> <@ ? ?| ?& @? @@ @@@ && &< &> -|- !! <->
    """
)

SPECIAL_VALUES = _words(
    """
    SVFOP_CURRENT_DATE SVFOP_CURRENT_TIME SVFOP_CURRENT_TIME_N SVFOP_CURRENT_TIMESTAMP
    SVFOP_CURRENT_TIMESTAMP_N SVFOP_LOCALTIME SVFOP_LOCALTIME_N SVFOP_LOCALTIMESTAMP
    SVFOP_LOCALTIMESTAMP_N
    """
)

SYSTEM_COLUMNS = frozenset({"ctid", "cmin", "cmax", "tableoid", "xmin", "xmax"})

CONTAINERS = _words(
    """
    # Node types without a rule of their own: their parts are looked at, and that is all.
    A_ArrayExpr A_Indices BoolExpr BooleanTest CaseExpr CaseWhen CoalesceExpr ColumnDef
    CTECycleClause CTESearchClause GroupingFunc GroupingSet JoinExpr List MinMaxExpr NamedArgExpr
    NullTest RangeFunction RangeSubselect ResTarget RowExpr SubLink WindowDef JsonAggConstructor
    JsonArgument JsonArrayAgg JsonArrayConstructor JsonArrayQueryConstructor
    JsonIsPredicate JsonKeyValue JsonObjectAgg JsonObjectConstructor JsonOutput JsonParseExpr
    JsonScalarExpr JsonSerializeExpr JsonTableColumn JsonTablePathSpec JsonValueExpr
    JsonBehavior
    """
)

FIELDS = _words(
    """
    # Parts without a node type of their own.
    agg_filter agg_order arg args behavior coldeflist columns functions constructor content
    context_item coerce cycle_clause cycle_mark_default cycle_mark_value defresult distinctClause
    elements expr exprs formatted_expr fromClause func groupClause havingClause indirection items
    key larg lexpr lidx limitCount limitOffset node on_empty on_error orderClause output over
    partitionClause passing pathspec quals query rarg raw_expr relation repeatable result
    returning rexpr search_clause sortClause startOffset endOffset string subquery subselect
    targetList testexpr typeName uidx val value valuesLists whereClause windowClause
    """
)

LEAVES = _words(
    """
    # Names and constants: nothing in them is evaluated, and their node's rule has read the name.
    A_Const A_Star BitString Boolean Float Integer JsonFormat String alias aliascolnames colnames
    format join_using_alias cycle_col_list search_col_list usingClause
    """
)

NO_FOREIGN_NAMES = ForeignNames()
