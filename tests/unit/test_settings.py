"""Each setting comes from its environment name; a wrong one is one sentence that names it."""

import traceback
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from psycopg.conninfo import conninfo_to_dict

from zava.app import application, compose
from zava.infrastructure.local.database import local_database, named_database
from zava.infrastructure.local.state_dir import StateDirectory
from zava.settings import Settings, SettingsError, read_settings, settings

TENANTS = (
    UUID("11111111-2222-4333-8444-555555555555"),
    UUID("66666666-7777-4888-8999-aaaaaaaaaaaa"),
)
NAMES = {str(field.validation_alias): name for name, field in Settings.model_fields.items()}
SECRET = "hunter2-hunter2"
KEY = "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

Environment = Callable[..., None]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Environment]:
    """Set what is given and nothing else, in a directory of the test's own."""
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    settings.cache_clear()
    application.cache_clear()

    def give(**given: str) -> None:
        for name, value in given.items():
            monkeypatch.setenv(name, value)

    yield give
    settings.cache_clear()
    application.cache_clear()


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("DATABASE_URL", "postgresql://u:p@h/d", "postgresql://u:p@h/d"),
        ("PGHOST", "db", "db"),
        ("PGPORT", "5433", 5433),
        ("PGDATABASE", "d", "d"),
        ("PGUSER", "u", "u"),
        ("PGPASSWORD", "p", "p"),
        ("ZAVA_DATABASE_AUTH", "entra", "entra"),
        ("AZURE_TENANT_ID", str(TENANTS[0]), TENANTS[0]),
        ("AZURE_KEY_VAULT_ENDPOINT", "https://v", "https://v"),
        ("AZURE_FUNCTION_APP_ID", "/subscriptions/s", "/subscriptions/s"),
        ("ZAVA_FISCAL_YEAR_START", "7", 7),
        ("ZAVA_RETAIL_CALENDAR", "4-5-4", "4-5-4"),
        ("ZAVA_HOME", "/srv/zava", Path("/srv/zava")),
        ("PORT", "8080", 8080),
        ("HOST", " 0.0.0.0 ", "0.0.0.0"),  # noqa: S104  # the setting under test
        ("HOST", "::1", "::1"),
        ("HOST", "a-machine.example", "127.0.0.1"),
        ("ZAVA_PUBLISHED_ON_LOOPBACK", "1", True),
        ("SCALE", "0.5", 0.5),
        ("ZAVA_POOL_MAX", "7", 7),
        ("ZAVA_STATEMENT_TIMEOUT_SECONDS", "60", 60),
        ("ZAVA_PREPARED_STATEMENTS", "false", False),
        ("ZAVA_CONTEXT_KEYS", "2:b, 1:a,", ("2:b", "1:a")),
        ("ZAVA_IDENTITY_ISSUER", "https://i/{tid}/v2.0", "https://i/{tid}/v2.0"),
        ("ZAVA_IDENTITY_AUDIENCE", "api://a, b", ("api://a", "b")),
        ("ZAVA_ALLOWED_TENANTS", f"{TENANTS[0]},{TENANTS[1]}", TENANTS),
        ("ZAVA_ALLOWED_CLIENTS", " a, b ,", ("a", "b")),
        ("ZAVA_ALLOWED_HOSTS", "a.example", ("a.example",)),
        ("WEBSITE_HOSTNAME", "z.azurewebsites.net", "z.azurewebsites.net"),
        ("WEBSITE_INSTANCE_ID", "1", "1"),
        ("WEBSITE_SKU", "FlexConsumption", "FlexConsumption"),
        ("IDENTITY_ENDPOINT", "http://127.0.0.1:4141/msi/token", "http://127.0.0.1:4141/msi/token"),
        ("REDIS_URL", "rediss://cache:6380/0", "rediss://cache:6380/0"),
        ("ZAVA_CACHE_TTL_SECONDS", "0", 0),
        ("AZURE_OPENAI_ENDPOINT", "https://o.example", "https://o.example"),
        ("EMBEDDING_MODEL_DEPLOYMENT_NAME", "next, present", ("next", "present")),
        ("EMBEDDING_TOKENS_PER_MINUTE", "5000", 5000),
        ("AZURE_CLIENT_ID", "c", "c"),
        ("ZAVA_SLOW_QUERY_SECONDS", "0.25", 0.25),
        ("ZAVA_MAX_CONCURRENT_CALLS", "8", 8),
        ("ZAVA_TELEMETRY", "off", "off"),
        ("APPLICATIONINSIGHTS_CONNECTION_STRING", "InstrumentationKey=k", "InstrumentationKey=k"),
        ("APPLICATIONINSIGHTS_AUTHENTICATION_STRING", "Authorization=AAD", "Authorization=AAD"),
        ("ZAVA_TODAY", "2026-06-30", date(2026, 6, 30)),
        ("LOG_LEVEL", "DEBUG", "DEBUG"),
        ("LOG_LEVEL", " warn", "WARNING"),
        ("LOG_LEVEL", "debug", "DEBUG"),
        ("LOG_LEVEL", "critical", "ERROR"),
        ("ZAVA_AUDIT", "Required", "required"),
    ],
)
def test_setting_is_read_from_its_name(
    environment: Environment, name: str, given: str, expected: Any
) -> None:
    complete = {"ZAVA_IDENTITY_AUDIENCE": "a", "ZAVA_ALLOWED_TENANTS": str(TENANTS[0])}
    environment(**complete | {name: given})
    assert getattr(read_settings(), NAMES[name]) == expected


def test_name_counts_in_any_case(environment: Environment) -> None:
    environment(pghost="db")
    assert read_settings().pg_host == "db"


@pytest.mark.parametrize("name", NAMES)
def test_empty_setting_counts_as_not_set(environment: Environment, name: str) -> None:
    unset = read_settings()
    environment(**{name: ""})
    assert read_settings() == unset


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"PGPORT": "x"}, "PGPORT: expected a valid integer"),
        ({"PGPORT": "70000"}, "PGPORT: expected less than or equal to 65535"),
        ({"ZAVA_DATABASE_AUTH": "kerberos"}, "ZAVA_DATABASE_AUTH: expected 'password' or 'entra'"),
        (
            {"ZAVA_DATABASE_AUTH": "entra", "PGPASSWORD": "p"},
            "PGPASSWORD: not used with ZAVA_DATABASE_AUTH=entra; unset one of them",
        ),
        ({"AZURE_TENANT_ID": "contoso"}, "AZURE_TENANT_ID: expected a UUID"),
        ({"PORT": "0"}, "PORT: expected greater than or equal to 1"),
        ({"SCALE": "0"}, "SCALE: expected greater than 0"),
        ({"SCALE": "nan"}, "SCALE: expected "),
        ({"ZAVA_POOL_MAX": "0"}, "ZAVA_POOL_MAX: expected greater than or equal to 1"),
        (
            {"ZAVA_STATEMENT_TIMEOUT_SECONDS": "1.5"},
            "ZAVA_STATEMENT_TIMEOUT_SECONDS: expected a valid integer",
        ),
        ({"REDIS_URL": "http://cache"}, "REDIS_URL: expected a redis:// or rediss:// URL"),
        ({"ZAVA_CACHE_TTL_SECONDS": "-1"}, "ZAVA_CACHE_TTL_SECONDS: expected greater than or"),
        ({"ZAVA_PREPARED_STATEMENTS": "perhaps"}, "ZAVA_PREPARED_STATEMENTS: expected a valid bo"),
        ({"AZURE_OPENAI_ENDPOINT": "http://o.example"}, "AZURE_OPENAI_ENDPOINT: expected an https"),
        ({"EMBEDDING_MODEL_DEPLOYMENT_NAME": ","}, "EMBEDDING_MODEL_DEPLOYMENT_NAME: "),
        ({"EMBEDDING_TOKENS_PER_MINUTE": "0"}, "EMBEDDING_TOKENS_PER_MINUTE: expected greater"),
        ({"ZAVA_IDENTITY_ISSUER": "http://i.example"}, "ZAVA_IDENTITY_ISSUER: expected an https"),
        (
            {"ZAVA_IDENTITY_ISSUER": "http://127.0.0.1.example"},
            "ZAVA_IDENTITY_ISSUER: expected an https",
        ),
        ({"ZAVA_IDENTITY_ISSUER": "contoso"}, "ZAVA_IDENTITY_ISSUER: expected an https"),
        (
            {"ZAVA_IDENTITY_ISSUER": "https://i.example"},
            "ZAVA_IDENTITY_ISSUER: needs ZAVA_IDENTITY_AUDIENCE and ZAVA_ALLOWED_TENANTS",
        ),
        ({"ZAVA_ALLOWED_CLIENTS": " , "}, "ZAVA_ALLOWED_CLIENTS: expected client ids, comma-sep"),
        ({"ZAVA_ALLOWED_CLIENTS": " "}, "ZAVA_ALLOWED_CLIENTS: expected client ids, comma-sep"),
        ({"ZAVA_ALLOWED_TENANTS": "contoso"}, "ZAVA_ALLOWED_TENANTS: expected UUIDs, comma-sep"),
        (
            {"ZAVA_ALLOWED_TENANTS": f"{TENANTS[0]},a,b"},
            "ZAVA_ALLOWED_TENANTS: expected UUIDs, comma-separated",
        ),
        ({"ZAVA_TODAY": "30.6.2026"}, "ZAVA_TODAY: expected YYYY-MM-DD"),
        ({"ZAVA_TODAY": "1"}, "ZAVA_TODAY: expected YYYY-MM-DD"),
        ({"ZAVA_SLOW_QUERY_SECONDS": "0"}, "ZAVA_SLOW_QUERY_SECONDS: expected greater than 0"),
        ({"ZAVA_MAX_CONCURRENT_CALLS": "0"}, "ZAVA_MAX_CONCURRENT_CALLS: expected greater than"),
        ({"ZAVA_TELEMETRY": "statsd"}, "ZAVA_TELEMETRY: expected 'off' or 'opencensus'"),
        (
            {"ZAVA_TELEMETRY": "opencensus"},
            "ZAVA_TELEMETRY: needs APPLICATIONINSIGHTS_CONNECTION_STRING",
        ),
        ({"ZAVA_FISCAL_YEAR_START": "13"}, "ZAVA_FISCAL_YEAR_START: "),
        ({"ZAVA_RETAIL_CALENDAR": "5-5-3"}, "ZAVA_RETAIL_CALENDAR: expected 'months', '4-5-4'"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL: expected 'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
    ],
)
@pytest.mark.requirement("S37")
def test_wrong_setting_is_one_sentence_that_names_it(
    environment: Environment, given: dict[str, str], said: str
) -> None:
    environment(**given)
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert str(caught.value).startswith(said)
    assert ";" not in str(caught.value).removeprefix(said)
    assert "\n" not in str(caught.value)


def test_every_wrong_setting_is_named_at_once(environment: Environment) -> None:
    environment(PORT="x", LOG_LEVEL="x", SCALE="x")
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert [part.split(":")[0] for part in str(caught.value).split("; ")] == [
        "PORT",
        "SCALE",
        "LOG_LEVEL",
    ]


def test_issuer_on_this_machine_may_be_plain_http() -> None:
    given = {
        "ZAVA_IDENTITY_ISSUER": "http://localhost:9000",
        "ZAVA_IDENTITY_AUDIENCE": "a",
        "ZAVA_ALLOWED_TENANTS": str(TENANTS[0]),
    }
    assert Settings.model_validate(given).identity_issuer == "http://localhost:9000"


def test_secret_is_in_no_representation(environment: Environment) -> None:
    environment(
        DATABASE_URL=f"postgresql://u:{SECRET}@h/d", PGPASSWORD=SECRET, ZAVA_CONTEXT_KEYS=SECRET
    )
    current = read_settings()
    assert current.pg_password == SECRET
    assert SECRET not in f"{current} {current!r} {current!s}"


@pytest.mark.parametrize(
    "given",
    [
        {"ZAVA_DATABASE_AUTH": "kerberos"},
        {"PORT": "x"},
        {"DATABASE_URL": f"postgresql://u:{SECRET}%zz@h/d"},
        {"DATABASE_URL": f"postgresql://u:{SECRET} x@h/d"},
        {"DATABASE_URL": f"mysql://u:{SECRET}@h/d"},
        {"DATABASE_URL": SECRET},
        {"ZAVA_CONTEXT_KEYS": SECRET},
        {"ZAVA_CONTEXT_KEYS": f"1:{SECRET}"},
        {"ZAVA_CONTEXT_KEYS": "1:aHVudGVyMi1odW50ZXIy"},
    ],
    ids=str,
)
def test_start_fails_with_one_sentence_and_no_secret_in_its_traceback(
    environment: Environment, given: dict[str, str]
) -> None:
    environment(
        **{"DATABASE_URL": f"postgresql://u:{SECRET}@127.0.0.1/d", "PGPASSWORD": SECRET} | given
    )
    with pytest.raises(SettingsError) as caught:
        application()
    assert str(caught.value).startswith(next(iter(given)))
    told = "".join(traceback.format_exception(caught.value))
    for secret in (SECRET, "hunter2", "aHVudGVyMi1odW50ZXIy"):
        # Source lines of this file stand in a traceback as well.
        assert secret not in "\n".join(line for line in told.splitlines() if "SECRET" not in line)


def test_settings_that_contradict_each_other_keep_the_others_secret(
    environment: Environment,
) -> None:
    # What fails as a whole is shown by pydantic as a whole, from its beginning.
    environment(PGPASSWORD=SECRET, ZAVA_IDENTITY_ISSUER="https://i.example")
    with pytest.raises(SettingsError) as caught:
        read_settings()
    cause = caught.value.__cause__
    assert cause is not None
    assert "hunter2" not in f"{caught.value} {cause}"


def test_no_database_named_says_both_ways_to_name_one(environment: Environment) -> None:
    environment(PGHOST="", DATABASE_URL="")
    with pytest.raises(SettingsError, match=r"^DATABASE_URL: .* set DATABASE_URL or PGHOST"):
        application()


@pytest.mark.parametrize("mark", ["WEBSITE_INSTANCE_ID", "WEBSITE_SKU", "IDENTITY_ENDPOINT"])
def test_context_keys_are_required_on_azure(environment: Environment, mark: str) -> None:
    environment(DATABASE_URL="postgresql://u@h/d", **{mark: "1"})
    with pytest.raises(SettingsError, match=r"^ZAVA_CONTEXT_KEYS: required on Azure"):
        application()


async def test_database_may_be_named_in_parts_and_its_password_left_to_libpq(
    environment: Environment,
) -> None:
    environment(PGHOST="127.0.0.1", PGPORT="5433", PGUSER="u", ZAVA_CONTEXT_KEYS=KEY)
    # With what the driver connects shows here alone.
    parts = conninfo_to_dict(str(application().pool._pool.conninfo))
    assert parts == {"host": "127.0.0.1", "port": "5433", "dbname": "zava", "user": "u"}
    application.cache_clear()
    settings.cache_clear()
    environment(PGPASSWORD=SECRET)
    assert conninfo_to_dict(str(application().pool._pool.conninfo))["password"] == SECRET


async def test_tenants_of_the_setting_are_those_that_the_app_lets_in(
    environment: Environment,
) -> None:
    environment(
        ZAVA_IDENTITY_ISSUER="https://i.example/{tid}",
        ZAVA_IDENTITY_AUDIENCE="api://zava",
        ZAVA_ALLOWED_TENANTS=f"{TENANTS[0]} , {TENANTS[1]}",
    )
    joined = compose(read_settings(), conninfo="host=db.example", context_keys=[KEY])
    # Which tenants are accepted shows here alone.
    # The directory is replaced by one that is slow or silent.
    assert joined.endpoint._authenticator._directory.tenants == frozenset(TENANTS)  # type: ignore[attr-defined]  # a seam


def test_database_url_that_libpq_cannot_read_is_refused_before_anything_starts(
    tmp_path: Path,
) -> None:
    wrong = Settings.model_validate({"DATABASE_URL": f"postgresql://u:{SECRET}%zz@h/d"})
    home = StateDirectory(tmp_path / "home")
    with (
        pytest.raises(SettingsError, match=r"^DATABASE_URL: expected postgresql://"),
        local_database(wrong, home),
    ):
        pytest.fail("lent")
    assert not list(home.path.glob("postgresql-*"))
    assert named_database(Settings.model_validate({})) is None


def test_settings_are_read_once(environment: Environment) -> None:
    first = settings()
    environment(PORT="8080")
    assert settings() is first
    assert read_settings().port == 8080
