"""`zava check URL`: what only a deployment can show, found out with at most 60 requests."""

import json
import re
import sys
import time
from typing import Annotated

import typer
from rich.console import Console

from zava.cli.check import http_rows, mcp_rows
from zava.cli.check.report import CheckReport
from zava.cli.check.values import Address, CheckRefused, Limits, NoAnswer, shown
from zava.cli.check.wire import Subject, content
from zava.retail.declaration import RETAIL
from zava.settings import settings

_PATH = "/mcp"
_WIDTH = 160  # of the table where no terminal has one
CHECKS = (
    *http_rows.SERVER,
    *mcp_rows.SIGN_IN,
    *http_rows.REQUESTS,
    *mcp_rows.PROTOCOL,
    *http_rows.TIME,
)
_REDIRECTED = range(300, 400)


def check(
    url: Annotated[str, typer.Argument(metavar="URL", help="The URL that clients get: …/mcp.")],
    *,
    token: Annotated[
        str | None,
        typer.Option(help="A bearer token; ZAVA_TOKEN keeps it out of the list of processes."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON in place of a table.")
    ] = False,
) -> None:
    """Check a running Zava from outside: TLS, sign-in, requests, both eras, time.

    Exit code 1 when something needed is missing. Sends at most 60 requests in at most two minutes.
    """
    try:
        report = examine(url, token or settings().check_token)
    except CheckRefused as refused:
        if as_json:
            refusal = {"url": shown(url), "ok": False, "error": str(refused), "rows": []}
            typer.echo(json.dumps(refusal, indent=2))
        raise
    if as_json:
        typer.echo(json.dumps(report.to_dict(), indent=2))
    else:
        is_terminal = sys.stdout.isatty()
        Console(width=None if is_terminal else _WIDTH).print(report.table())
        typer.echo(f"{report.requests} requests in {report.seconds:.1f} s.")
    if report.problems:
        names = ", ".join(row.what for row in report.problems)
        raise CheckRefused(f"{len(report.problems)} of {len(report.rows)} checks failed: {names}.")


def examine(url: str, token: str | None, limits: Limits | None = None) -> CheckReport:
    """Look at a server and return what was found.

    Raises:
        CheckRefused: URL or token is no such thing, or no Zava answers there.
    """
    limits = limits or Limits()
    began = time.monotonic()
    subject = Subject(_address(url), limits, _token(token))
    _recognise(subject)
    report = CheckReport(f"{subject.address.base}{_PATH}")
    report.rows += [looked.row(subject) for looked in CHECKS]
    report.requests = limits.sent
    report.seconds = time.monotonic() - began
    return report


def _address(url: str) -> Address:
    """Return where to send the requests; every refusal is one sentence."""
    try:
        address = Address.of(url)
    except ValueError as error:  # of a port, brackets or a name, too
        # What stands before an @, and behind a ?, may be a secret.
        public, _, _ = re.sub(r"//.*@", "//…@", url).partition("?")
        raise CheckRefused(f"URL: {shown(public)}: {error}.") from error
    path, mark, _ = address.path.partition("?")
    if mark:
        raise CheckRefused(f"URL: it has a query; use {address.base}{path}.")
    if path != _PATH:
        raise CheckRefused(f"URL: its path is {shown(path)}; use {address.base}{_PATH}.")
    if address.scheme == "http" and not address.is_local:
        raise CheckRefused("URL: plain HTTP is for this machine only; use https://.")
    return address


def _token(token: str | None) -> str | None:
    """Return the token, which has to be fit for a header."""
    if token is None:
        return None
    token = token.strip()
    if not token.isascii() or not token.isprintable() or " " in token or not token:
        raise CheckRefused("--token or ZAVA_TOKEN: expected the token alone, without `Bearer`.")
    return token


def _recognise(subject: Subject) -> None:
    """Check that a Zava answers, before anything unusual is sent.

    Raises:
        CheckRefused: another product answers, it redirects, or nothing answers.
    """
    base = subject.address.base
    try:
        live = subject.get(http_rows.LIVE, seconds=subject.limits.first)
        described = subject.get(mcp_rows.METADATA + _PATH)
    except NoAnswer as nothing:
        raise CheckRefused(f"{base}: {nothing}.") from nothing
    for answer in (live, described):
        if answer.status in _REDIRECTED:
            target = shown(answer.headers.get("location", "nowhere"))
            raise CheckRefused(
                f"{base} answers {answer.status} and redirects to {target}; the check follows no"
                " redirection, so give the address that answers."
            )
    is_alive = content(live).get("status") == "alive"
    if not is_alive and content(described).get("resource_name") != RETAIL.name:
        raise CheckRefused(
            f"{base} is no Zava, or Zava did not start there: {http_rows.LIVE} answered"
            f" {live.status}."
        )
