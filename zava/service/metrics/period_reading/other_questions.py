"""Where what is no period is answered: a comparison, a forecast, a weekday, an hour."""

import re

_OF_FILTERS = "is a dimension of query_metrics: filter by it."
_TO_COME = "Days to come have no sales: forecast_periods of query_metrics forecasts."
_COMPARED = (
    r".*period|.*\b(?:vs|versus|compared|against|(?:this|same) time|[ymwq]o[ymwq]"
    r"|(?:year|month|week) over)\b"
)
_WEEKDAYS = "(?:mon|tues|wednes|thurs|fri|satur|sun)days"
_SOME_DAYS = (
    rf"(?!.*\d).*\b(?:weekdays|weekends|{_WEEKDAYS}|every \w+day|(?:business|working) days)\b"
)
_HOURS = (
    r".*(?:\d ?[ap]\.?m\b|\bnoon\b|\d\d:\d\d|\d o'?clock)"
    r"|(?:.* )?(?:morning|afternoon|evening|night|hours?)$"
)
_ANSWERED = tuple(
    (re.compile(pattern, re.IGNORECASE | re.ASCII), told, replaces)
    for pattern, told, replaces in (
        (
            _COMPARED,
            "Comparisons are the argument compare of query_metrics.",
            True,
        ),
        (r"\s*(?:tomorrow|(?:the )?(?:next|coming|upcoming|future))\b", _TO_COME, False),
        (r"\s*(?:ytg|(?:the )?(?:rest|remain\w+|balance) .+)", _TO_COME, True),
        (_SOME_DAYS, f"The weekday {_OF_FILTERS}", True),
        (rf".*\b{_WEEKDAYS}\b", f"The weekday {_OF_FILTERS}", False),
        (_HOURS, f"The hour {_OF_FILTERS}", False),
    )
)
_FISCAL = re.compile(r"(?:.*\b)?(?:fiscal|fy ?'?\d*)\b", re.IGNORECASE | re.ASCII)


def answered_elsewhere(expression: str, *, has_fiscal_year: bool) -> tuple[str, bool]:
    """Return where an expression that is no period is answered, "" for others.

    The flag is true where that replaces a period near to the expression.
    """
    for pattern, told, replaces in _ANSWERED:
        if pattern.match(expression):
            return told, replaces
    if not has_fiscal_year and _FISCAL.match(expression):
        return "This server has no fiscal year; YYYY is a calendar year.", False
    return "", False
