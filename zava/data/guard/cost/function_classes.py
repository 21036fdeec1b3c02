"""Functions and operators by what they do with the sizes of their arguments."""

SEARCHING = frozenset(
    {"strpos", "position", "translate", "replace", "split_part", "btrim", "ltrim", "rtrim"}
    | {"string_to_array", "string_to_table", "array_position", "array_positions", "array_remove"}
    | {"array_replace", "jsonb_delete", "starts_with", "overlay"}
)
WITH_ITSELF = frozenset(
    {"normalize", "is_normalized", "mod", "div", "gcd", "lcm", "sqrt", "cbrt", "ln", "log", "exp"}
    | {"log10", "power", "pow", "array_sort", "range_agg", "to_tsvector", "tsvector_to_array"}
    | {"to_tsquery", "plainto_tsquery", "phraseto_tsquery", "websearch_to_tsquery", "numeric"}
    | {"to_number"}
)
SHORT_RESULT = frozenset(
    {"md5", "sha224", "sha256", "sha384", "sha512", "crc32", "crc32c", "length", "char_length"}
    | {
        "character_length",
        "octet_length",
        "bit_length",
        "count",
        "sum",
        "avg",
        "stddev",
        "variance",
    }
    | {"strpos", "position", "cardinality", "array_length", "json_array_length", "ascii", "rank"}
    | {"jsonb_array_length", "row_number", "dense_rank", "bit_count", "scale", "min_scale", "sign"}
    | {"json_typeof", "jsonb_typeof", "regexp_count", "regexp_instr", "is_normalized", "isempty"}
)
ESCAPING = frozenset(
    {"encode", "quote_literal", "quote_ident", "quote_nullable", "to_json", "to_jsonb"}
    | {"row_to_json", "array_to_json", "json_build_array", "json_build_object", "jsonb_pretty"}
    | {"jsonb_build_array", "jsonb_build_object", "json_object", "jsonb_object", "similar_escape"}
    | {"similar_to_escape", "like_escape", "array_to_string", "convert", "convert_to", "text"}
)
# Operators that compare each part of one side with each of the other.
SET_OPERATORS = frozenset(
    {"&&", "@>", "<@", "?|", "?&", "-", "*", "/", "%", "@@", "#-", "~~", "!~~", "~~*", "!~~*"}
    | {"~", "!~", "~*", "!~*"}
)
# What a pair weighs where it is more than that of the others, measured.
WEIGHTS = {"translate": 4.0}
# Which argument bounds the characters of the result, by its number.
LENGTHS = {"left": 1, "right": 1, "substr": 2, "substring": 2}
POWERS = frozenset({"^"})
SUMS = frozenset({"+", "-"})
WIDTHS = frozenset({"bit", "varbit", "bpchar", "varchar", "char"})
