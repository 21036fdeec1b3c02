"""Which servers the settings name: the primary for what writes, a standby for what reads."""

from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from zava.composition.replica import standby_conninfo
from zava.infrastructure.local.database import has_standby, named_database
from zava.settings import Settings, SettingsError

BOTH = "postgresql://zava_server:secret@one:5432,two:5433/zava?sslmode=verify-full"


def of(**given: str) -> Settings:
    return Settings.model_validate(given)


def primary(url: str) -> dict[str, Any]:
    return conninfo_to_dict(named_database(of(DATABASE_URL=url)) or "")


@pytest.mark.parametrize("url", ["postgresql://a@one/zava", "host=one password=a,b"])
def test_one_host_is_asked_for_nothing(url: str) -> None:
    assert "target_session_attrs" not in primary(url)
    assert not has_standby(of(DATABASE_URL=url))


@pytest.mark.parametrize("wanted", ["", "any", "primary", "standby", "prefer-standby"])
def test_of_several_hosts_the_primary_takes_what_writes(wanted: str) -> None:
    url = f"{BOTH}&target_session_attrs={wanted}" if wanted else BOTH
    parts = primary(url)
    assert parts["target_session_attrs"] == "primary"
    assert parts["host"] == "one,two"
    assert has_standby(of(DATABASE_URL=url)) is (wanted in {"standby", "prefer-standby"})


@pytest.mark.parametrize("wanted", ["read-write", "read-only"])
def test_words_that_compare_the_session_s_default_are_refused(wanted: str) -> None:
    """The login's transactions only read, so the primary would never match read-write."""
    with pytest.raises(SettingsError, match=f"{wanted} compares .* expected primary"):
        named_database(of(DATABASE_URL=f"{BOTH}&target_session_attrs={wanted}"))


def test_hosts_in_parts_take_the_primary_too() -> None:
    named = named_database(of(PGHOST="one,two", ZAVA_DATABASE_AUTH="entra"))
    assert conninfo_to_dict(named or "")["target_session_attrs"] == "primary"


def test_standby_among_several_hosts_is_any_in_recovery() -> None:
    settings = of(DATABASE_URL=f"{BOTH}&target_session_attrs=prefer-standby")
    parts = conninfo_to_dict(standby_conninfo(settings, named_database(settings) or ""))
    assert (parts["host"], parts["target_session_attrs"]) == ("one,two", "standby")


def test_an_address_of_its_own_takes_all_else_from_the_primary() -> None:
    settings = of(ZAVA_REPLICA_URL="postgresql://three")
    assert has_standby(settings)
    parts = conninfo_to_dict(standby_conninfo(settings, f"{BOTH}&hostaddr=192.0.2.1,192.0.2.2"))
    assert parts == {
        "host": "three",
        "user": "zava_server",
        "password": "secret",
        "dbname": "zava",
        "sslmode": "verify-full",
        "target_session_attrs": "standby",
    }
    own = of(ZAVA_REPLICA_URL="postgresql://reader:other@three:6432/copy?sslmode=disable")
    parts = conninfo_to_dict(standby_conninfo(own, BOTH))
    assert (parts["user"], parts["port"], parts["dbname"]) == ("reader", "6432", "copy")


@pytest.mark.parametrize("url", ["three:secret@:x://", "dbname=zava", "postgresql:///zava"])
def test_address_without_a_host_is_refused_without_its_text(url: str) -> None:
    with pytest.raises(SettingsError, match="ZAVA_REPLICA_URL: expected") as refused:
        standby_conninfo(of(ZAVA_REPLICA_URL=url), BOTH)
    assert "secret" not in str(refused.value)
