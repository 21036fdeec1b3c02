"""Rewrites phrases of reports, spreadsheets and other languages for `period_forms`.

Each phrase has one meaning. `proposed` names the periods that a phrase without one may mean.
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
_MONTH = rf"(?:{'|'.join(_MONTHS)})[a-z]*\.?"
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
}

# Words of German, Spanish, French and Italian, in the letters without accents.
_TRANSLATED = {
    "today": "heute hoy aujourd'hui aujourdhui oggi",
    "yesterday": "gestern ayer hier ieri",
    "day before yesterday": "vorgestern anteayer avant-hier",
    "this": "diese dieser dieses diesen aktuelle aktueller aktuelles laufende laufender laufendes"
    " este esta ce cet cette actual actuelle questo questa in_corso",
    "last": "letzte letzter letztes letzten vorige voriger voriges vergangene vergangener"
    " vergangenes pasado pasada ultimo ultima ultimos ultimas anterior anteriores dernier derniere"
    " derniers dernieres passe passee scorso scorsa scorsi scorse ultimi ultime",
    "day": "tag tage tagen dia dias jour jours giorno giorni",
    "week": "woche wochen semana semanas semaine semaines settimana settimane",
    "month": "monat monate monaten mes meses mois mese mesi",
    "quarter": "quartal quartale quartalen trimestre trimestres trimestri",
    "year": "jahr jahre jahren ano anos an ans annee annees anno anni",
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

# The first month of a season, and how many months it has.
_SEASONS = {"spring": (3, 3), "summer": (6, 3), "fall": (9, 3), "autumn": (9, 3), "winter": (12, 3)}
_SEASONS |= dict.fromkeys(
    ("holidays", "holiday season", "christmas season", "xmas season"), (11, 2)
)
_SEASON = re.compile(
    rf"(?P<which>(?:last|this|past) )?(?P<season>{'|'.join(_SEASONS)})(?: (?:of )?\d{{4}})?",
    re.ASCII,
)
_PARTS_OF_MONTH = {"early": (1, 10), "beginning of": (1, 10), "start of": (1, 10)}
_PARTS_OF_MONTH |= {"mid": (11, 20), "middle of": (11, 20), "late": (21, 31), "end of": (21, 31)}
_PLACES = {"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4}
_HOURS_OF_A_DAY = 24


def usual_form(text: str, today: date) -> str:
    """Return a phrase in words that `period_forms` reads; other texts are returned unchanged."""
    text = _PHRASES.get(text, text)
    for pattern, rule in _RULES:
        if match := pattern.fullmatch(text):
            try:
                return rule(match, today) or text
            except (ValueError, OverflowError):  # no such day: the text is refused as it is
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
        (r"so far (this .+)", lambda m, _: m[1]),
        (r"(week|month|quarter|year) so far", lambda m, _: f"this {m[1]}"),
        (_YEAR_TO_DATE.pattern, _to_date_of_year),
        (rf"(?P<day>{_WEEKDAYS}) (?:of )?(?P<which>{_WHICH}) week", _day_of_week),
        (rf"(?P<which>{_WHICH}) week'?s? (?P<day>{_WEEKDAYS})", _day_of_week),
        (rf"(?:{_WEEKDAYS}|mon|tue|wed|thu|fri|sat|sun),? (?=\d|{_MONTH})(.+)", lambda m, _: m[1]),
        (r"(?:the )?(?P<day>\d{1,2})(?:st|nd|rd|th)", _day_of_this_month),
        (r"(\d\d)-(\d\d)-(\d{4})", lambda m, _: f"{m[1]}/{m[2]}/{m[3]}"),
        (
            rf"(?P<month>{_MONTH}) {_FIRST_TO_LAST}(?:,? (?P<year>\d{{4}}))?",
            _days_of_month,
        ),
        (
            rf"{_FIRST_TO_LAST} (?:of )?(?P<month>{_MONTH})(?:,? (?P<year>\d{{4}}))?",
            _days_of_month,
        ),
    )
)


def _full_year(year: str) -> str:
    return year if len(year) > len("26") else f"20{year}"


def proposed(text: str, today: date) -> list[str]:
    """Return the periods that a phrase without one meaning may have; none for other texts."""
    if match := re.fullmatch(r"(?:last |past )?(\d{1,4}) ?(?:h|hr|hrs|hours?)", text, re.ASCII):
        days = -(-int(match[1]) // _HOURS_OF_A_DAY)
        return ["today", "yesterday"] if days == 1 else [f"last {days} days"]
    if re.fullmatch(r"(?:this |last )?(?:morning|afternoon|evening|night|hour)|tonight", text):
        return ["today", "yesterday"]
    if re.fullmatch(r"last (?:business|working|work|trading) day", text):
        return ["yesterday"]
    year = re.search(r"\b\d{4}\b", text)
    named = int(year[0]) if year else None
    if season := _SEASON.fullmatch(text):
        first, months = _SEASONS[season["season"]]
        latest = named or _latest(first, today)
        years = [latest, latest - 1] if season["which"] == "last " else [latest]
        return [_months(each, first, months) for each in years]
    if re.fullmatch(r"cyber (?:week|weekend|five|5)(?: \d{4})?", text):
        of = f" {year[0]}" if year else ""
        return [f"thanksgiving{of}..cyber monday{of}", f"cyber monday week{of}"]
    return _within_month(text, today, named)


def _months(year: int, first: int, count: int) -> str:
    last = first + count - 1
    return f"{year:04}-{first:02}..{year + (last > 12):04}-{(last - 1) % 12 + 1:02}"  # noqa: PLR2004  # months of a year


def _latest(month: int, today: date) -> int:
    """Return the year of the latest such month that has begun."""
    return today.year - (today.month < month)


def _within_month(text: str, today: date, named: int | None) -> list[str]:
    """Return the days of a part of a month: "mid november", "first week of november"."""
    if match := re.fullmatch(rf"({_MONTH})-(\d\d)", text):
        number = _number(match[1])
        days = [f"20{match[2]}-{number:02}"]
        if 0 < int(match[2]) <= monthrange(today.year, number)[1]:
            days.append(f"{_latest(number, today):04}-{number:02}-{match[2]}")
        return days
    part = re.fullmatch(
        rf"(?P<part>{'|'.join(_PARTS_OF_MONTH)})[ -](?P<month>{_MONTH})(?: \d{{4}})?", text
    )
    week = re.fullmatch(
        rf"(?P<place>{'|'.join(_PLACES)}|last) week (?:of|in) (?P<month>{_MONTH})(?: \d{{4}})?",
        text,
    )
    found = part or week
    if found is None:
        return []
    number = _number(found["month"])
    year = named or _latest(number, today)
    length = monthrange(year, number)[1]
    if part:
        first, last = _PARTS_OF_MONTH[part["part"]]
    elif found["place"] == "last":
        first, last = length - 6, length
    else:
        first, last = 7 * _PLACES[found["place"]] - 6, 7 * _PLACES[found["place"]]
    start = date(year, number, first)
    iso_year, iso_week, _ = start.isocalendar()
    whole = f"{start}..{date(year, number, min(last, length))}"
    return [whole] if part else [whole, f"{iso_year}-W{iso_week:02}"]


def _number(month: str) -> int:
    return _MONTHS.index(month[:3]) + 1
