"""Names of other SQL dialects, with the PostgreSQL to write instead.

A function is found by its name without underscores.
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
    growth growthrate pctchange percentchange percentagechange yoy yoygrowth mom momgrowth
        Write 100.0 * (x - lag(x) OVER (ORDER BY t)) / nullif(lag(x) OVER (ORDER BY t), 0), or use
        compare of query_metrics.
    forecast forecastlinear predict arima
        Use forecast_periods of query_metrics.
    fiscalyear fiscalquarter fiscalmonth fiscalweek
        Use the fiscal dimensions of query_metrics, or compute it: extract(year FROM x).
    year toyear extractyear
        Write extract(year FROM x), or date_trunc('year', x) for its first day.
    monthname
        Write to_char(x, 'FMMonth').
    month tomonth monthofyear toyyyymm yearmonth ym formatmonth monthyear
        Write extract(month FROM x), or to_char(x, 'YYYY-MM').
    day dayofmonth todayofmonth
        Write extract(day FROM x).
    quarter toquarter quarterofyear
        Write extract(quarter FROM x), or to_char(x, 'YYYY-"Q"Q').
    hour minute second tohour hourofday timepart timetosec totime
        Write extract(hour FROM x): minute and second, too.
    week yearweek weekofyear isoweek weekiso weeknum weeknumber wk isoweeknum yearofweek isoyear
    toweek
    toisoweek toyearweek
        Write extract(week FROM x), or to_char(x, 'IYYY-IW').
    weekday dayofweek dayname todayofweek dayofweekiso
        Write extract(isodow FROM x), which is 1 on Monday, or to_char(x, 'FMDay').
    dayofyear
        Write extract(doy FROM x).
    datename
        Write to_char(x, 'FMMonth'), to_char(x, 'FMDay'), or extract(year FROM x).
    datepart
        Write extract(month FROM x), with the unit that you need.
    datediff timestampdiff timediff daysbetween datediffbig datediffday daysdiff daydiff todays
    periodofdays networkdays
        Write a::date - b::date: the difference of two dates is a number of days.
    monthsdiff monthdiff yearsbetween yeardiff yearsdiff perioddiff datedifmonths monthsbetween
        Write extract(year FROM age(a, b)) * 12 + extract(month FROM age(a, b)).
    dateadd datesub adddate subdate timestampadd timestampsub datetimeadd datetimesub adddays
    addhours addmonths addyears addweeks dateaddday timeadd edate periodadd addinterval
        Write x + interval '30 days', or x - interval '1 month'.
    strftime formatdate formattimestamp formatdatetime timeformat dateformat date2str toyyyymmdd
    dateformatting datetostring tochardate
        Write to_char(x, 'YYYY-MM'), or to_char(x, 'YYYY-MM-DD') for days.
    getdate curdate sysdate currentdatetime curtime getutcdate sysdatetime utctimestamp
    systimestamp today datetimenow todaysdate nowutc utcnow sysdatetimeoffset sysutcdatetime
    currentdate currenttime currenttimestamp localtimestamp localtime
        Write CURRENT_DATE for the day, now() for the time.
    lastday eomonth monthend endofmonth
        Write (date_trunc('month', x) + interval '1 month - 1 day')::date.
    strtodate parsedate parsetimestamp datefromparts str2date dateparse strptime trytodate
    todatesafe parsedatetime parsedatetimebesteffort timestampfromparts dateserial makedate
    fromdays todatetime
        Write to_date(x, 'YYYY-MM-DD'), or make_date(y, m, d).
    datetime julianday unixepoch fromunixtime unixtimestamp timestampseconds tounixtimestamp
    totimestampntz totimestampltz totimestamptz trytotimestamp sectotime
        Write x::timestamptz, to_timestamp(seconds), or extract(epoch FROM x).
    datetrunc timestamptrunc datetimetrunc truncdate startofmonth tostartofmonth truncmonth dtrunc
    tostartofweek tostartofyear tostartofquarter tostartofday tostartofhour monthstart weekstart
    startofyear startofweek startofquarter beginningofmonth firstday timebucket timebucketgapfill
    timeslice timefloor
        Write date_trunc('month', x).
    ifnull nvl isnull zeroifnull zn ifempty iferror nanvl isblank coalesce
        Write coalesce(x, y).
    nvl2 if iif iff decodeoracle choose switch ifelse casewhen multiif
        Write CASE WHEN condition THEN a ELSE b END.
    nullifzero nulliszero
        Write nullif(x, 0).
    len datalength strlen charlen lengthutf8 bytelength lenb
        Write length(x).
    groupconcat listagg wmconcat stringconcat concatagg grouparray groupconcatws stringaggdistinct
    listaggdistinct xmlagg textjoin joinstrings
        Write string_agg(x::text, ', ' ORDER BY x).
    collectlist collectset arrayuniqueagg arrayaggdistinct list listvalue groupuniqarray
        Write array_agg(x), or array_agg(DISTINCT x).
    median mediandistinct approxmedian
        Write percentile_cont(0.5) WITHIN GROUP (ORDER BY x).
    percentile quantile approxquantile approxquantiles approxpercentile percentileapprox
    quantilecont
    quantiletdigest quantileexact quantiledisc
        Write percentile_cont(0.9) WITHIN GROUP (ORDER BY x).
    countif sumif avgif sumifs countifs averageif averageifs maxif minif countblank countdistinctif
        Write count(*) FILTER (WHERE condition), or sum(x) FILTER (WHERE condition).
    countdistinct countd uniq ndv uniqexact approxdistinct approxcountdistinct hll hllcount
    sumdistinct
    distinctcount
        Write count(DISTINCT x).
    safedivide div0 divide trydivide div0null dividenull intdivorzero dividezero
        Write a / nullif(b, 0).
    subtract safesubtract trysubtract
        Write a - b.
    add safeadd tryadd
        Write a + b.
    multiply safemultiply trymultiply
        Write a * b.
    instr charindex locate patindex findinset indexof index find search
        Write strpos(text, word), or position(word IN text).
    replicate space
        Write repeat(x, 3).
    mid parsename strsplit split substringindex substringbefore substringafter strleft strright
    splitbychar
    splittoarray
        Write substr(x, start, length), or split_part(x, ',', 1).
    ucase
        Write upper(x).
    lcase
        Write lower(x).
    stuff insert
        Write overlay(x PLACING y FROM 1 FOR 2).
    isnumeric isnumber isinteger isfloat
        Write x ~ '^[0-9.]+$'.
    isdate
        Write x ~ '^\d{4}-\d\d-\d\d$'.
    regexpcontains regexpmatchesany rlike regexpextract regexp match extractall regexpextractall
        Write x ~ 'pattern', or substring(x FROM 'pattern').
    rand newid uuidstring generateuuid uuidgeneratev4 generateuuidv4 newsequentialid randn uniform
    randbetween
        Write random(), or gen_random_uuid() for an id.
    log2
        Write log(2, x).
    truncate fix rounddown
        Write trunc(x, 2).
    square
        Write x ^ 2.
    contains containssubstr like ilike
        Write x ILIKE '%word%'.
    startswith beginswith
        Write x LIKE 'word%', or starts_with(x, 'word').
    endswith
        Write x LIKE '%word'.
    safecast trycast tryconvert tryparse todecimal todate tofloat tovarchar str tostring cast
    cstr val trytonumber trytonumeric trytodecimal toint tointeger toint32 toint64
    tofloat64 tofloat32 todecimal64 todouble toboolean int float number string boolean
    int64 castas
        Write x::numeric, x::date or x::text. PostgreSQL has no cast that ignores errors.
    explode flatten splittotable stringsplit tablesplit jsontablesplit explodeouter posexplode
    lateralflatten inline stack
        Write unnest(string_to_array(x, ',')).
    arrayjoin arraytostr joinarray
        Write array_to_string(x, ', ') for one text, unnest(x) for rows.
    crosstab pivot crosstabn
        Write one sum(x) FILTER (WHERE y = '…') for each column.
    argmax maxby
        Write (array_agg(x ORDER BY y DESC))[1], or DISTINCT ON.
    argmin minby
        Write (array_agg(x ORDER BY y))[1], or DISTINCT ON.
    anyvalue first anyval arbitrary
        Write (array_agg(x ORDER BY y))[1], or first_value(x) OVER (…).
    last anylast lastval lastrow
        Write (array_agg(x ORDER BY y DESC))[1].
    ratiotoreport
        Write x / sum(x) OVER ().
    jsonextract jsonvaluetext getjsonobject jsonextractscalar jsonunquote jsonvalue jsonquery
    jsonparse parsejson variantget openjson jsonextractstring jsonextracttext
        Write x -> 'key', x ->> 'key' or x #>> '{a,b}'.
    arraycount size arraysize lenarray jsonlength
        Write cardinality(x).
    arraycontains has jsoncontains
        Write value = ANY (x).
    generatedatearray generatearray sequence generatedates generateseriesdate series range numbers
    generator rowgenerator seq4 arange datespine
        Write generate_series(date '2026-01-01', date '2026-01-31', interval '1 day').
    similarity wordsimilarity levenshtein soundex difference vectorsearch cosinedistance
    cosinesimilarity dotproduct innerproduct l2distance embedding embed matchagainst freetext
    jarowinkler jarowinklersimilarity editdistance editdist metaphone dmetaphone soundexmatch
        Search products with semantic_search_products.
    converttz converttimezone attimezone fromutctimestamp toutctimestamp
        Write x AT TIME ZONE 'UTC', or of another zone.
    nextday previousday
        Write date_trunc('week', x)::date + 7: the next Monday.
    yesterday
        Write CURRENT_DATE - 1.
    hoursbetween minutesbetween secondsbetween hoursdiff minutesdiff hourdiff
        Write extract(epoch FROM a - b) / 3600 for hours.
    sub minus
        Write a - b.
    sumsquare sumsq
        Write sum(x ^ 2).
    sumproduct weightedavg avgweighted weightedaverage
        Write sum(x * y) / nullif(sum(y), 0) for a weighted average.
    mean average avgdistinct averagea
        Write avg(x).
    counta countall countstar countnonnull countnotnull counting rowcount foundrows
        Write count(*), or count(x) for values that are not NULL.
    stdev stdevp stdevs varp vars var variancesamp variancepop variancep
        Write stddev_samp(x) or stddev_pop(x), var_samp(x) or var_pop(x).
    skewness skew kurtosis
        Write avg((x - m) ^ 3) / s ^ 3, with the mean m and the deviation s from a WITH.
    topk approxtopk mostcommon
        Write mode() WITHIN GROUP (ORDER BY x), or GROUP BY x ORDER BY count(*) DESC LIMIT n.
    cumsum cumesum cumulativesum runningsum runningtotal runningcount
        Write sum(x) OVER (ORDER BY y).
    movingavg movingaverage rollingavg rollingsum rollingmean
        Write avg(x) OVER (ORDER BY y ROWS BETWEEN 6 PRECEDING AND CURRENT ROW).
    previous prev lagged offset next shift
        Write lag(x) OVER (ORDER BY y), or lead(x).
    diff delta runningdifference
        Write x - lag(x) OVER (ORDER BY y).
    rownum rownumber rankavg ntiledesc percentilerank percentrankdesc
        Write row_number() OVER (ORDER BY x), or percent_rank() and ntile(n) likewise.
    zscore standardize
        Write (x - avg(x) OVER ()) / nullif(stddev_samp(x) OVER (), 0).
    linearregression covar
        Write regr_slope(y, x), regr_intercept(y, x), covar_pop(y, x) or corr(y, x).
    logicalor logicaland boolor booland any some
        Write bool_or(x) or bool_and(x).
    bitand bitor bitxor bitnot
        Write a & b, a | b or a # b.
    groupingid
        Write GROUPING(a, b).
    bround roundhalfup roundup mround
        Write round(x::numeric, 2), ceil(x) or floor(x).
    intdiv idiv quotient
        Write div(a, b).
    remainder fmod pmod
        Write mod(a, b).
    negate safenegate
        Write -x.
    log1p
        Write ln(1 + x).
    lstrip rstrip
        Write ltrim(x) or rtrim(x).
    proper title titlecase
        Write initcap(x).
    toupper
        Write upper(x).
    tolower
        Write lower(x).
    concatstr concatenate strcat
        Write a || b, or concat(a, b).
    printf sprintf formatnumber
        Write to_char(x, 'FM999,990.00'), or format('%s: %s', a, b).
    ord unicode
        Write ascii(x).
    unichr char
        Write chr(65).
    hex tohex bin oct conv
        Write to_hex(x).
    unhex tobase64 frombase64 base64
        Write encode(x, 'hex') or decode(x, 'base64').
    hash md5hex tomd5 sha1 sha2 checksum farmfingerprint xxhash64 murmurhash hashbytes
        Write md5(x), or hashtext(x) for a number.
    signum
        Write sign(x).
    total
        Write coalesce(sum(x), 0).
    field
        Write array_position(ARRAY['a', 'b'], x).
    elt
        Write (ARRAY['a', 'b'])[n].
    unaccent translit stripaccents
        Write translate(x, 'áéíóú', 'aeiou').
    quotename
        Leave it out: write names plain or in double quotes.
    notnull isnotnull
        Write x IS NOT NULL.
    equalnull eqnull isdistinct nullsafeequal
        Write a IS NOT DISTINCT FROM b.
    in between not
        It is an operator: write x IN (…), x BETWEEN a AND b, NOT x.
    arraysum arrayavg arraymax arraymin arraymap arrayfilter arrayreduce transform
        Unnest it: (SELECT sum(v) FROM unnest(x) AS v).
    arrayslice
        Write x[1:3].
    arrayelement elementat getitem
        Write x[1]: the first element has the number 1.
    arraydistinct
        Write ARRAY(SELECT DISTINCT v FROM unnest(x) AS v ORDER BY v).
    struct structpack namedstruct map objectconstruct objectagg mapagg jsonobjectagg
        Write jsonb_build_object('key', x), or jsonb_object_agg(k, v).
    jsonarrayagg tojsonstring toarrayjson
        Write jsonb_agg(x), or to_jsonb(x).
    jsonkeys
        Write jsonb_object_keys(x).
    strtoarray
        Write string_to_array(x, ',').
    dimdate calendar datetable
        Write generate_series(date '2026-01-01', date '2026-01-31', interval '1 day').
    vlookup xlookup lookup indexmatch
        Join the tables on their key.
    large small
        Write ORDER BY x DESC LIMIT 1 OFFSET n - 1.
    histogram bucket datehistogram
        Write width_bucket(x, low, high, count), or floor(x / 10) * 10.
    workday networkdaysintl businessdays
        Count the days: count(*) FILTER (WHERE extract(isodow FROM d) < 6).
    user currentuser sessionuser systemuser susername hostname connectionid lastinsertid identity
    scopeidentity
        Each answer states the stores that it covers: nothing about the session is read.
    sleep benchmark loadfile waitfor
        Leave it out: a statement reads, and nothing else.
    stdistance stpoint haversine earthdistance geodistance
        No table has coordinates: compare by region or store_name.
    try error assert raise
        Leave it out: use CASE WHEN for a value that may fail.
    tablename objectid schemaname currentschema schema database dbname tables columns
        The tool get_multiple_table_schemas describes the tables that you can read.
    eoquarter endofquarter quarterend
        Write (date_trunc('quarter', x) + interval '3 months - 1 day')::date.
    replaceregexp regexpreplaceall
        Write regexp_replace(x, 'pattern', 'new', 'g').
    unpivot melt
        Write CROSS JOIN LATERAL (VALUES ('a', a), ('b', b)) AS t(name, value).
    """
)

TYPES = _table(
    """
    datetime datetime2 smalldatetime timestamp_ntz timestamp_ltz timestamp_tz datetimeoffset
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
    !== =! ><
        Write <> to compare.
    =<
        Write <=.
    =>
        Write >=.
    ^^
        Write x ^ 2.
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
    sysdate getdate curdate systimestamp current_datetime now today getutcdate
        Write CURRENT_DATE for the day, now() for the time.
    rownum
        Write LIMIT 10, or row_number() OVER (ORDER BY x).
    sum avg min max count
        Write the argument in parentheses: sum(x).
    rowid
        Sort by the primary key: rows have no number of their own.
    day days week month quarter year hour minute second dow doy isodow epoch
        Write the unit as text, and first: date_trunc('month', x). A number is extract(year FROM x).
    """
)
