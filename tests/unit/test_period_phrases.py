"""Phrases of reports, spreadsheets and other languages, and what is proposed for unclear ones."""

from datetime import date

import pytest

from zava.errors import InvalidInput
from zava.service.metrics.period_reading.period_forms import nearest_forms
from zava.service.metrics.periods import parse_period

TODAY = date(2026, 11, 29)  # a Sunday, the last day of ISO week 48


@pytest.mark.parametrize(
    ("phrase", "first", "last"),
    [
        # Short forms of reports and spreadsheets.
        *((text, "2025-11-01", "2026-10-31") for text in ("TTM", "LTM", "T12M", "r12m", "L12M", "MAT")),
        ("fortnight", "2026-11-09", "2026-11-22"),
        ("the past fortnight", "2026-11-09", "2026-11-22"),
        ("last decade", "2016-01-01", "2025-12-31"),
        ("3Q25", "2025-07-01", "2025-09-30"),
        ("3Q 2025", "2025-07-01", "2025-09-30"),
        ("Q3-25", "2025-07-01", "2025-09-30"),
        ("1H26", "2026-01-01", "2026-06-30"),
        ("CY25", "2025-01-01", "2025-12-31"),
        ("'25", "2025-01-01", "2025-12-31"),
        ("all of 2025", "2025-01-01", "2025-12-31"),
        ("202511", "2025-11-01", "2025-11-30"),
        ("2025-W47-1", "2025-11-17", "2025-11-17"),
        ("11-27-2026", "2026-11-27", "2026-11-27"),
        ("P30D", "2026-10-30", "2026-11-28"),
        ("-30d", "2026-10-30", "2026-11-28"),
        ("P3M", "2026-08-01", "2026-10-31"),
        # Letters without blanks, and shortened words.
        ("lastMonth", "2026-10-01", "2026-10-31"),
        ("last30days", "2026-10-30", "2026-11-28"),
        ("thisWeek", "2026-11-23", "2026-11-29"),
        ("prev. month", "2026-10-01", "2026-10-31"),
        ("last 3 mths", "2026-08-01", "2026-10-31"),
        # Days beside one another.
        ("2026-01-01,2026-03-31", "2026-01-01", "2026-03-31"),
        ("2026-01-01 and 2026-03-31", "2026-01-01", "2026-03-31"),
        ("Nov 1-15", "2026-11-01", "2026-11-15"),
        ("November 1 to 15, 2025", "2025-11-01", "2025-11-15"),
        ("1-15 November 2025", "2025-11-01", "2025-11-15"),
        ("Friday, November 27, 2026", "2026-11-27", "2026-11-27"),
        ("the 27th", "2026-11-27", "2026-11-27"),
        ("31st", "2026-10-31", "2026-10-31"),
        # To date, of this year and of another.
        ("so far this month", "2026-11-01", "2026-11-29"),
        ("year so far", "2026-01-01", "2026-11-29"),
        ("ytd 2026", "2026-01-01", "2026-11-29"),
        ("ytd 2025", "2025-01-01", "2025-11-29"),
        ("2025 QTD", "2025-10-01", "2025-11-29"),
        ("mtd 2025", "2025-11-01", "2025-11-29"),
        ("prior YTD", "2025-01-01", "2025-11-29"),
        # Days of a week.
        ("friday last week", "2026-11-20", "2026-11-20"),
        ("Monday of last week", "2026-11-16", "2026-11-16"),
        ("last week's Tuesday", "2026-11-17", "2026-11-17"),
        ("this week monday", "2026-11-23", "2026-11-23"),
        # An event as a note prints it.
        ("Easter (2024-03-31)", "2024-03-31", "2024-03-31"),
        ("Black Friday (2025-11-28)", "2025-11-28", "2025-11-28"),
        # Counted from another period.
        ("52 weeks ending 2026-11-28", "2025-11-30", "2026-11-28"),
        ("4 weeks to 2026-11-28", "2026-11-01", "2026-11-28"),
        ("the 12 months ending October 2026", "2025-11-01", "2026-10-31"),
        ("6 months to march 2026", "2025-10-01", "2026-03-31"),
        ("30 days before black friday", "2026-10-28", "2026-11-26"),
        ("7 days after christmas", "2025-12-26", "2026-01-01"),
        ("day before christmas", "2025-12-24", "2025-12-24"),
        ("the day after thanksgiving", "2026-11-27", "2026-11-27"),
        ("first 10 days of november", "2026-11-01", "2026-11-10"),
        ("in the last 3 days of october", "2026-10-29", "2026-10-31"),
        ("last day of last quarter", "2026-09-30", "2026-09-30"),
        ("first 2 weeks of 2026", "2026-01-01", "2026-01-14"),
        ("last 2 months of 2025", "2025-11-01", "2025-12-31"),
        ("last 7 days including today", "2026-11-23", "2026-11-29"),
        ("week ending 2026-11-28", "2026-11-22", "2026-11-28"),
        ("w/e 2026-11-28", "2026-11-22", "2026-11-28"),
        ("w/c 2026-11-16", "2026-11-16", "2026-11-22"),
        ("wk ending 2026-11-22", "2026-11-16", "2026-11-22"),
        ("week starting 2026-11-18", "2026-11-18", "2026-11-24"),
        # Both ends with a time, and days whose order another one settles.
        ("2026-10-01T00:00:00/2026-10-31T23:59:59", "2026-10-01", "2026-10-31"),
        ("2026-10-01 00:00 to 2026-10-31 23:59", "2026-10-01", "2026-10-31"),
        ("2026-10-01T00:00:00Z..2026-10-31T23:59:59Z", "2026-10-01", "2026-10-31"),
        ("11/01/2026 - 11/15/2026", "2026-11-01", "2026-11-15"),
        ("15/10/2026 to 11/11/2026", "2026-10-15", "2026-11-11"),
        ("10/25/26", "2026-10-25", "2026-10-25"),
        ("2026-10-01/P1M", "2026-10-01", "2026-10-31"),
        ("P2W/2026-11-28", "2026-11-15", "2026-11-28"),
        ("start=2026-10-01&end=2026-10-31", "2026-10-01", "2026-10-31"),
        ("month=2026-10", "2026-10-01", "2026-10-31"),
        # Units of another unit.
        ("last year's Q4", "2025-10-01", "2025-12-31"),
        ("this year's Q1", "2026-01-01", "2026-03-31"),
        ("2025's third quarter", "2025-07-01", "2025-09-30"),
        ("last year same quarter", "2025-10-01", "2025-12-31"),
        ("last year same week", "2025-11-24", "2025-11-30"),
        ("last year's October", "2025-10-01", "2025-10-31"),
        ("November MTD", "2026-11-01", "2026-11-29"),
        ("Q4 to date", "2026-10-01", "2026-11-29"),
        ("Q4 QTD", "2026-10-01", "2026-11-29"),
        ("month 10", "2026-10-01", "2026-10-31"),
        ("month 10 of 2025", "2025-10-01", "2025-10-31"),
        ("15th of last month", "2026-10-15", "2026-10-15"),
        ("the 3rd of this month", "2026-11-03", "2026-11-03"),
        ("first of November", "2026-11-01", "2026-11-01"),
        ("first month of the year", "2026-01-01", "2026-01-31"),
        ("first month of 2025", "2025-01-01", "2025-01-31"),
        ("last month of last year", "2025-12-01", "2025-12-31"),
        ("first monday of september", "2026-09-07", "2026-09-07"),
        ("3rd Thursday of November 2025", "2025-11-20", "2025-11-20"),
        ("last sunday of october", "2026-10-25", "2026-10-25"),
        ("leap day", "2024-02-29", "2024-02-29"),
        ("leap day 2020", "2020-02-29", "2020-02-29"),
        # The latest one.
        ("most recent month", "2026-10-01", "2026-10-31"),
        ("latest quarter", "2026-07-01", "2026-09-30"),
        ("the most recent full week", "2026-11-16", "2026-11-22"),
        ("throughout 2025", "2025-01-01", "2025-12-31"),
        ("as of today", "2026-11-29", "2026-11-29"),
        ("thru 10/31/2026", "1900-01-01", "2026-10-31"),
        ("start of the year to date", "2026-01-01", "2026-11-29"),
        # Units side by side.
        ("2024 and 2025", "2024-01-01", "2025-12-31"),
        ("Oct & Nov", "2026-10-01", "2026-11-29"),
        ("October and November 2025", "2025-10-01", "2025-11-30"),
        ("Sep, Oct", "2026-09-01", "2026-10-31"),
        ("Q1 and Q2 2026", "2026-01-01", "2026-06-30"),
        ("last month and this month", "2026-10-01", "2026-11-29"),
        ("this and last month", "2026-10-01", "2026-11-29"),
        ("this week and last week", "2026-11-16", "2026-11-29"),
        ("yesterday and today", "2026-11-28", "2026-11-29"),
        # Other languages.
        ("上个月", "2026-10-01", "2026-10-31"),
        ("先月", "2026-10-01", "2026-10-31"),
        ("今年", "2026-01-01", "2026-11-29"),
        ("昨天", "2026-11-28", "2026-11-28"),
        ("ontem", "2026-11-28", "2026-11-28"),
        ("mês passado", "2026-10-01", "2026-10-31"),
        ("vorige maand", "2026-10-01", "2026-10-31"),
        ("heute", "2026-11-29", "2026-11-29"),
        ("gestern", "2026-11-28", "2026-11-28"),
        ("letzter Monat", "2026-10-01", "2026-10-31"),
        ("die letzten 30 Tage", "2026-10-30", "2026-11-28"),
        ("diese Woche", "2026-11-23", "2026-11-29"),
        ("seit Januar", "2026-01-01", "2026-11-29"),
        ("Oktober 2025", "2025-10-01", "2025-10-31"),
        ("ayer", "2026-11-28", "2026-11-28"),
        ("el mes pasado", "2026-10-01", "2026-10-31"),
        ("últimos 3 meses", "2026-08-01", "2026-10-31"),
        ("este año", "2026-01-01", "2026-11-29"),
        ("15 de noviembre de 2025", "2025-11-15", "2025-11-15"),
        ("aujourd'hui", "2026-11-29", "2026-11-29"),
        ("hier", "2026-11-28", "2026-11-28"),
        ("le mois dernier", "2026-10-01", "2026-10-31"),
        ("les 3 derniers mois", "2026-08-01", "2026-10-31"),
        ("l'année dernière", "2025-01-01", "2025-12-31"),
        ("il mese scorso", "2026-10-01", "2026-10-31"),
    ],
)  # fmt: skip
def test_phrase_with_one_meaning_is_read_as_that(phrase: str, first: str, last: str) -> None:
    period = parse_period(phrase, TODAY)
    assert (str(period.start), str(period.last_day)) == (first, last)
    again = parse_period(str(period), TODAY)
    assert (again.start, again.end) == (period.start, period.end)


@pytest.mark.parametrize(
    ("phrase", "near"),
    [
        ("Nov-25", ["2025-11", "2026-11-25"]),
        ("nov-31", ["2031-11"]),
        ("last 24 hours", ["today", "yesterday"]),
        ("11/1/26", ["2026-11-01", "2026-01-11"]),
        ("week", ["this week", "last week"]),
        ("start of year", ["this year"]),
        # Misspelt months and units.
        ("Septmber", ["2026-09"]),
        ("Febuary 2026", ["2026-02"]),
        ("last mont", ["last month"]),
        ("yesteday", ["yesterday"]),
        ("last 5 business days", ["last 7 days"]),
        ("last trading week", ["last week"]),
        ("2026-W54", ["2026-W53"]),
        ("Q5", ["2026-Q4", "2025-Q4"]),
        ("31 November", ["2026-11-30"]),
        ("past 48 hours", ["last 2 days"]),
        ("this morning", ["today", "yesterday"]),
        ("last business day", ["yesterday"]),
        ("summer 2025", ["2025-06..2025-08"]),
        ("last winter", ["2025-12..2026-02", "2024-12..2025-02"]),
        ("holiday season", ["2026-11..2026-12"]),
        ("cyber week 2025", ["thanksgiving 2025..cyber monday 2025", "cyber monday week 2025"]),
        ("first week of november", ["2026-11-01..2026-11-07", "2026-W44"]),
        ("last week of october 2025", ["2025-10-25..2025-10-31", "2025-W43"]),
        ("mid november", ["2026-11-11..2026-11-20"]),
        ("end of february 2024", ["2024-02-21..2024-02-29"]),
    ],
)
def test_phrase_of_several_meanings_is_refused_with_what_it_may_mean(
    phrase: str, near: list[str]
) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_period(phrase, TODAY)
    assert nearest_forms(phrase, TODAY) == near
    assert all(repr(each) in caught.value.hint for each in near)
    for each in near:
        assert parse_period(each, TODAY)


@pytest.mark.parametrize(
    ("phrase", "told"),
    [
        ("before November", "Perhaps '1900-01-01..2026-10-31'."),
        ("prior to Q4", "Perhaps '1900-01-01..2026-09-30'."),
        ("after October 15", "Perhaps '2026-10-16..today'."),
        ("after Q3", "Perhaps '2026-10-01..today'."),
        ("before 0001-01-01", "Use one of: today"),
        ("tomorrow", "Days to come have no sales: forecast_periods of query_metrics forecasts."),
        ("next 3 months", "Days to come have no sales: forecast_periods of query_metrics"),
        ("yoy", "Comparisons are the argument compare of query_metrics."),
        ("this time last year", "Comparisons are the argument compare of query_metrics."),
        ("Q1 2025 vs Q1 2026", "Comparisons are the argument compare of query_metrics."),
    ],
)
def test_phrase_of_another_question_is_refused_with_where_it_is_answered(
    phrase: str, told: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_period(phrase, TODAY)
    assert told in caught.value.hint


@pytest.mark.parametrize(
    "phrase",
    [
        *(
            "last day of smarch",
            "40 days of november",
            "last 40 days of november",
            "7 days after x",
        ),
        *("32nd", "nov 10-40", "2025-W54-1", "p0d", "week ending smarch", "last 0 weeks of 2025"),
        *("mid november 0000", "holidayz"),
        *("mese", "letzte oktober wochen", "first week of"),
    ],
)
def test_phrase_without_a_meaning_is_refused(phrase: str) -> None:
    with pytest.raises(InvalidInput):
        parse_period(phrase, TODAY)
