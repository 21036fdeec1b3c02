"""Rewrites phrases of reports, spreadsheets and other languages for `period_forms`.

Each phrase has one meaning.
"""

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import date, timedelta

_YEAR_TO_DATE = re.compile(
    r"(?:(?P<unit>[ymq])td (?P<year>\d{4})|(?P<first>\d{4}) (?P<of>[ymq])td)"
)
_UNITS = {"m": "month", "q": "quarter", "y": "year", "d": "day", "w": "week"}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTH = rf"(?:{'|'.join(_MONTHS)})[a-z]*\.?"
_WEEKDAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_WHICH = "last|previous|this|current"
_FIRST_TO_LAST = (
    r"(?P<first>\d{1,2})(?:st|nd|rd|th)? ?(?:-|to|through) ?(?P<last>\d{1,2})(?:st|nd|rd|th)?"
)
_DAY = r"\d{4}-\d\d-\d\d"
_BACK = r"(?:last|past|previous|prior|trailing)"

_PHRASES = {
    **dict.fromkeys(("ttm", "ltm", "mat", "moving annual total"), "last 12 months"),
    **dict.fromkeys(("fortnight", "past fortnight", "previous fortnight"), "last 2 weeks"),
    **dict.fromkeys(("past decade", "last decade"), "last 10 years"),
    **dict.fromkeys(("pytd", "prior ytd", "previous ytd", "last ytd", "ly ytd"), "lytd"),
    **dict.fromkeys(
        ("everything", "since opening", "since inception", "entire history"), "all time"
    ),
    **dict.fromkeys(("from the beginning", "full history", "since the beginning"), "all time"),
    **dict.fromkeys(("as of today", "as at today"), "today"),
    # Chinese and Japanese write without blanks.
    **dict.fromkeys(("今天", "今日"), "today"),
    **dict.fromkeys(("昨天", "昨日"), "yesterday"),
    **dict.fromkeys(("本周", "这周", "今週"), "this week"),
    **dict.fromkeys(("上周", "上个星期", "先週"), "last week"),
    **dict.fromkeys(("本月", "这个月", "今月"), "this month"),
    **dict.fromkeys(("上月", "上个月", "先月"), "last month"),
    **dict.fromkeys(("本季度", "今四半期"), "this quarter"),
    **dict.fromkeys(("上季度", "上个季度", "前四半期"), "last quarter"),
    **dict.fromkeys(("今年", "本年"), "this year"),
    **dict.fromkeys(("去年", "昨年"), "last year"),
}

# Words of German, Spanish, French, Italian, Portuguese and Dutch, in the letters without accents.
_TRANSLATED = {
    "today": "heute hoy aujourd'hui aujourdhui oggi hoje vandaag",
    "yesterday": "gestern ayer hier ieri ontem gisteren",
    "day before yesterday": "vorgestern anteayer avant-hier",
    "this": "diese dieser dieses diesen aktuelle aktueller aktuelles laufende laufender laufendes"
    " este esta ce cet cette actual actuelle questo questa in_corso deze dit",
    "last": "letzte letzter letztes letzten vorige voriger voriges vergangene vergangener"
    " vergangenes pasado pasada ultimo ultima ultimos ultimas anterior anteriores dernier derniere"
    " derniers dernieres passe passee scorso scorsa scorsi scorse ultimi ultime passado passada"
    " vorig laatste afgelopen",
    "day": "tag tage tagen dia dias jour jours giorno giorni dag dagen",
    "week": "woche wochen semana semanas semaine semaines settimana settimane week weken",
    "month": "monat monate monaten mes meses mois mese mesi maand maanden",
    "quarter": "quartal quartale quartalen trimestre trimestres trimestri kwartaal",
    "year": "jahr jahre jahren ano anos an ans annee annees anno anni jaar",
    "since": "seit desde depuis da dal",
    "to": "bis hasta jusqu'au fino_al",
    "": "der die das den im in el la los las en le les l' il i gli lo de du von vom",
    "january": "januar janner enero janvier gennaio",
    "february": "februar febrero fevrier febbraio",
    "march": "marz maerz marzo mars",
    "april": "abril avril aprile",
    "may": "mai mayo maggio",
    "june": "juni junio juin giugno",
    "july": "juli julio juillet luglio",
    "august": "agosto aout",
    "september": "septiembre setiembre septembre settembre",
    "october": "oktober octubre octobre ottobre",
    "november": "noviembre novembre",
    "december": "dezember diciembre decembre dicembre",
}
_ENGLISH = {word: english for english, words in _TRANSLATED.items() for word in words.split()}
_WITHOUT_ACCENTS = str.maketrans("áàâäãéèêëíìîïóòôöõúùûüñç", "aaaaaeeeeiiiiooooouuuunc")
_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
_UNIT = r"(?P<unit>day|week|month|quarter|year)"
_SWAPPED = re.compile(rf"(?P<count>\d+ )?{_UNIT} (?P<which>last|this)")
_BETWEEN = re.compile(rf"(?P<count>\d+) last {_UNIT}")

PLACES = {"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4}


def usual_form(text: str, today: date) -> str:
    """Return a phrase in words that `period_forms` reads; other texts are returned unchanged."""
    text = _PHRASES.get(text, text)
    for pattern, rule in _RULES:
        if match := pattern.fullmatch(text):
            try:
                return rule(match, today) or text
            except (
                ValueError,
                OverflowError,
                IndexError,
            ):  # no such day: the text is refused as it is
                return text
    return _in_english(text)


def _in_english(text: str) -> str:
    """Return a phrase of another language word by word, if each of its words is known."""
    plain = text.translate(_WITHOUT_ACCENTS).replace("l'", "")
    words = _WORD.findall(plain)
    if not words or not all(word in _ENGLISH for word in words):
        return text
    english = " ".join(_WORD.sub(lambda match: _ENGLISH[match[0]], plain).split())
    if swapped := _SWAPPED.fullmatch(english):  # "mois dernier", "3 meses pasados"
        return f"{swapped['which']} {swapped['count'] or ''}{swapped['unit']}"
    if swapped := _BETWEEN.fullmatch(english):  # "3 derniers mois"
        return f"last {swapped['count']} {swapped['unit']}"
    return english


def _to_date_of_year(match: re.Match[str], today: date) -> str:
    unit, year = match["unit"] or match["of"], int(match["year"] or match["first"])
    if year == today.year:
        return f"{unit}td"
    month = {"m": today.month, "q": 3 * ((today.month - 1) // 3) + 1}.get(unit, 1)
    last = min(today.day, monthrange(year, today.month)[1])
    return f"{date(year, month, 1)}..{date(year, today.month, last)}"


def _iso_duration(match: re.Match[str], _today: date) -> str:
    return f"last {match['count']} {_UNITS[match['unit']]}s"


def _day_of_week(match: re.Match[str], today: date) -> str:
    weeks = {"this": 0, "current": 0}.get(match["which"], 1)
    monday = today - timedelta(days=today.weekday(), weeks=weeks)
    number = _WEEKDAYS.split("|").index(match["day"])
    return (monday + timedelta(days=number)).isoformat()


def _day_of_this_month(match: re.Match[str], today: date) -> str:
    day = int(match["day"])
    if day <= today.day:
        return today.replace(day=day).isoformat()
    return (today.replace(day=1) - timedelta(days=1)).replace(day=day).isoformat()


def _days_of_month(match: re.Match[str], _today: date) -> str:
    year = f" {match['year']}" if match["year"] else ""
    return f"{match['month']} {match['first']}{year}..{match['month']} {match['last']}{year}"


def _month_to_date(match: re.Match[str], today: date) -> str:
    return "this month" if month_number(match["month"]) == today.month else ""


def _quarter_to_date(match: re.Match[str], today: date) -> str:
    number, is_now = int(match["number"]), int(match["number"]) == (today.month + 2) // 3
    if match["of"] == "y" and number <= (today.month + 2) // 3:
        return f"{today.year:04}-q1..{today.year:04}-q{number}"
    return "this quarter" if match["of"] == "q" and is_now else ""


def _numbered_month(match: re.Match[str], today: date) -> str:
    number = int(match["number"])
    year = int(match["year"]) if match["year"] else latest_year(number, today)
    return f"{date(year, number, 1):%Y-%m}"


def _day_of_other_month(match: re.Match[str], today: date) -> str:
    first = today.replace(day=1)
    if match["which"] != "this":
        first = (first - timedelta(days=1)).replace(day=1)
    return first.replace(day=int(match["day"])).isoformat()


def _nth_weekday(match: re.Match[str], today: date) -> str:
    """Return a day such as the last Sunday of October."""
    number, weekday = month_number(match["month"]), _WEEKDAYS.split("|").index(match["weekday"])
    year = int(match["year"]) if match["year"] else latest_year(number, today)
    days = [
        date(year, number, day)
        for day in range(1, monthrange(year, number)[1] + 1)
        if date(year, number, day).weekday() == weekday
    ]
    place = -1 if match["place"] == "last" else PLACES[match["place"]] - 1
    return days[place].isoformat()


def _leap_day(match: re.Match[str], today: date) -> str:
    if match["year"]:
        return date(int(match["year"]), 2, 29).isoformat()
    years = (today.year - back for back in range(9))
    days = (date(year, 2, 29) for year in years if monthrange(year, 2)[1] == 29)  # noqa: PLR2004  # leap years
    return next(day for day in days if day <= today).isoformat()


def _iso_day_of_week(match: re.Match[str], _today: date) -> str:
    return date.fromisocalendar(int(match[1]), int(match[2]), int(match[3])).isoformat()


_Rule = Callable[[re.Match[str], date], str]
_RULES: tuple[tuple[re.Pattern[str], _Rule], ...] = tuple(
    (re.compile(pattern, re.ASCII), rule)
    for pattern, rule in (
        # An event as a note prints it: "Easter (2024-03-31)".
        (rf"[a-z' ]+ \(({_DAY})\)", lambda m, _: m[1]),
        # Letters without blanks: lastmonth, last30days, thisweek.
        (
            rf"(?P<which>{_BACK}|this|current)(?P<count>\d*){_UNIT}(?P<s>s?)",
            lambda m, _: " ".join(filter(None, (m["which"], m["count"], m["unit"] + m["s"]))),
        ),
        (r"prev\.? (.+)", lambda m, _: f"previous {m[1]}"),
        (r"(.*\b)mth(s?)", lambda m, _: f"{m[1]}month{m[2]}"),
        (r"[tr](\d{1,3})([mwqyd])", lambda m, _: f"last {m[1]} {_UNITS[m[2]]}s"),
        (r"(?:-|p)(?P<count>\d{1,4})(?P<unit>[dwmy])", _iso_duration),
        (r"([1-4])q ?'?(\d{4}|\d\d)", lambda m, _: f"q{m[1]} {_full_year(m[2])}"),
        (r"([12])h ?'?(\d{4}|\d\d)", lambda m, _: f"h{m[1]} {_full_year(m[2])}"),
        (r"(q[1-4]|h[12])[ -](\d\d)", lambda m, _: f"{m[1]} {_full_year(m[2])}"),
        (r"(?:cy|')(\d\d)", lambda m, _: _full_year(m[1])),
        (r"(?:all|whole) (?:of )?(\d{4})", lambda m, _: m[1]),
        (r"((?:19|20)\d\d)(0[1-9]|1[0-2])", lambda m, _: f"{m[1]}-{m[2]}"),
        (r"(\d{4})-?w(\d\d)-?([1-7])", _iso_day_of_week),
        (
            r"(?:w/c|wc|w/e|we|wk (?:of|ending|commencing|starting)) (.+)",
            lambda m, _: f"week of {m[1]}",
        ),
        (rf"({_DAY})(?:,| and|;|\|) ?({_DAY})", lambda m, _: f"{m[1]}..{m[2]}"),
        (
            rf"(?:start|from)(?: date)?[=:] ?({_DAY})[^\da-z]+(?:end|to)(?: date)?[=:] ?({_DAY})",
            lambda m, _: f"{m[1]}..{m[2]}",
        ),
        (r"(?:month|week|quarter|year|period|date|time period)[=:] ?(.+)", lambda m, _: m[1]),
        (r"(\d{1,2}/\d{1,2}/)(\d\d)", lambda m, _: f"{m[1]}20{m[2]}"),
        (r"(?P<which>last|this) year'?s (.+)", lambda m, _: f"{m[2]} {m['which']} year"),
        (r"(\d{4})'s (.+)", lambda m, _: f"{m[2]} {m[1]}"),
        (r"last year,? same (day|week|month|quarter)", lambda m, _: f"same {m[1]} last year"),
        (r"(?:the )?most recent (.+)", lambda m, _: f"last {m[1]}"),
        (rf"(?P<month>{MONTH}) mtd", _month_to_date),
        (r"q(?P<number>[1-4]) (?P<of>[qy])td", _quarter_to_date),
        (r"month (?P<number>\d{1,2})(?:,? (?:of )?(?P<year>\d{4}))?", _numbered_month),
        (
            r"(?:the )?(?P<day>\d{1,2})(?:st|nd|rd|th) (?:of )?(?P<which>this|last|previous) month",
            _day_of_other_month,
        ),
        (
            rf"(?:the )?(first|second|third)(?: day)? of ({MONTH})((?:,? \d{{4}})?)",
            lambda m, _: f"{PLACES[m[1]]} {m[2]}{m[3]}",
        ),
        (
            (
                rf"(?:the )?(?P<place>{'|'.join(PLACES)}|last) (?P<weekday>{_WEEKDAYS}) (?:of|in)"
                rf" (?P<month>{MONTH})(?:,? (?P<year>\d{{4}}))?"
            ),
            _nth_weekday,
        ),
        (r"leap day(?: (?P<year>\d{4}))?", _leap_day),
        (
            rf"(?:the )?(?:start|beginning) of (?:the |this )?{_UNIT} to (?:date|now|today)",
            lambda m, _: f"this {m['unit']}",
        ),
        (r"so far (this .+)", lambda m, _: m[1]),
        (r"(week|month|quarter|year) so far", lambda m, _: f"this {m[1]}"),
        (_YEAR_TO_DATE.pattern, _to_date_of_year),
        (rf"(?P<day>{_WEEKDAYS}) (?:of )?(?P<which>{_WHICH}) week", _day_of_week),
        (rf"(?P<which>{_WHICH}) week'?s? (?P<day>{_WEEKDAYS})", _day_of_week),
        (rf"(?:{_WEEKDAYS}|mon|tue|wed|thu|fri|sat|sun),? (?=\d|{MONTH})(.+)", lambda m, _: m[1]),
        (r"(?:the )?(?P<day>\d{1,2})(?:st|nd|rd|th)", _day_of_this_month),
        (r"(\d\d)-(\d\d)-(\d{4})", lambda m, _: f"{m[1]}/{m[2]}/{m[3]}"),
        (
            rf"(?P<month>{MONTH}) {_FIRST_TO_LAST}(?:,? (?P<year>\d{{4}}))?",
            _days_of_month,
        ),
        (
            rf"{_FIRST_TO_LAST} (?:of )?(?P<month>{MONTH})(?:,? (?P<year>\d{{4}}))?",
            _days_of_month,
        ),
    )
)


def _full_year(year: str) -> str:
    return year if len(year) > len("26") else f"20{year}"


def month_number(month: str) -> int:
    """Return the number of a month by its name or the first letters of it."""
    return _MONTHS.index(month[:3]) + 1


def latest_year(month: int, today: date) -> int:
    """Return the year of the latest such month that has begun."""
    return today.year - (today.month < month)
