"""Types of settings, in the forms in which people and platforms write them."""

from ipaddress import ip_address
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict


class SettingsGroup(BaseModel):
    """The base of each group: its schema is built once, for all groups together."""

    model_config = ConfigDict(defer_build=True, validate_default=True)


def comma_separated(value: object) -> object:
    """Return the parts of a text, without blanks and empty ones; another value as it is."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _in_small_letters(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _level(value: object) -> object:
    """Return the name of a level as `logging` writes it, for the names that other tools use."""
    if not isinstance(value, str):
        return value
    name = value.strip().upper()
    return _LEVELS.get(name, name)


def _address(value: object) -> object:
    """Return an IP address; shells set HOST to the machine's name, which is no address."""
    try:
        return str(ip_address(str(value).strip()))
    except ValueError:
        return THIS_MACHINE


CommaSeparated = Annotated[tuple[str, ...], BeforeValidator(comma_separated)]
DatabaseAuth = Annotated[Literal["password", "entra"], BeforeValidator(_in_small_letters)]
AuditMode = Annotated[Literal["required", "best-effort"], BeforeValidator(_in_small_letters)]
TelemetryBackend = Annotated[Literal["off", "opencensus"], BeforeValidator(_in_small_letters)]
RetailCalendar = Literal["months", "4-5-4", "4-4-5", "5-4-4"]
LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_level)]
Address = Annotated[str, BeforeValidator(_address)]
DirectoryTenants = Annotated[tuple[UUID, ...], BeforeValidator(comma_separated)]

# LOG_LEVEL is set for other programs, too.
_LEVELS = {
    "TRACE": "DEBUG",
    "VERBOSE": "DEBUG",
    "NOTICE": "INFO",
    "WARN": "WARNING",
    "FATAL": "ERROR",
    "CRITICAL": "ERROR",
}
THIS_MACHINE = "127.0.0.1"
LOOPBACK = frozenset({THIS_MACHINE, "::1", "localhost"})
