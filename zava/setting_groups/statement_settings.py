"""Bounds of statements and calls."""

from os import cpu_count

from pydantic import Field

from zava.setting_groups.field_types import CommaSeparated, SettingsGroup


class StatementSettings(SettingsGroup):
    """What one process, one principal and one statement may use."""

    pool_max: int = Field(
        default_factory=lambda: (cpu_count() or 1) + 1,
        ge=1,
        le=100,
        validation_alias="ZAVA_POOL_MAX",
        json_schema_extra={"default": "cores + 1"},
        description="Most database connections of this process, and one more for principals who "
        "hold none when all are in use.",
    )
    statement_timeout_seconds: int = Field(
        30,
        ge=1,
        le=600,
        validation_alias="ZAVA_STATEMENT_TIMEOUT_SECONDS",
        description="Deadline of one statement, enforced by the database.",
    )
    statement_cost_limit: float = Field(
        2_000_000_000,
        ge=0,
        validation_alias="ZAVA_STATEMENT_COST_LIMIT",
        description="Most rows that a free statement may visit. The estimate uses its text alone "
        "and fixed sizes of the tables; a statement with more is refused. The default is about "
        "what the default deadline allows. 0: no limit.",
    )
    budget_calls_at_once: int | None = Field(
        None,
        ge=0,
        le=1000,
        validation_alias="ZAVA_BUDGET_CALLS_AT_ONCE",
        json_schema_extra={"default": "`16` on Azure, else `0`"},
        description="Statements of one principal that run at once, over all instances. 0: no "
        "limit.",
    )
    budget_calls_per_minute: int | None = Field(
        None,
        ge=0,
        validation_alias="ZAVA_BUDGET_CALLS_PER_MINUTE",
        json_schema_extra={"default": "`1200` on Azure, else `0`"},
        description="Calls of one principal in a minute of the clock, over all instances. 0: no "
        "limit.",
    )
    budget_database_seconds_per_hour: int | None = Field(
        None,
        ge=0,
        validation_alias="ZAVA_BUDGET_DATABASE_SECONDS_PER_HOUR",
        json_schema_extra={"default": "`900` on Azure, else `0`"},
        description="Database time of one principal in an hour of the clock, over all instances. "
        "0: no limit.",
    )
    slow_query_seconds: float = Field(
        1.0,
        gt=0,
        le=600,
        validation_alias="ZAVA_SLOW_QUERY_SECONDS",
        description="A statement that takes longer is logged with its fingerprint and plan.",
    )
    late_orders_hours: float = Field(
        0,
        ge=0,
        le=8760,
        validation_alias="ZAVA_LATE_ORDERS_HOURS",
        description="Hours without any order after which `/health/ready` is `degraded`"
        " and the metric `orders_late` counts. 0: not watched.",
    )
    max_concurrent_calls: int = Field(
        64,
        ge=1,
        le=10_000,
        validation_alias="ZAVA_MAX_CONCURRENT_CALLS",
        description="Requests served at once; one more is answered BUSY with Retry-After.",
    )
    prepared_statements: bool = Field(
        True,
        validation_alias="ZAVA_PREPARED_STATEMENTS",
        description="Off behind PgBouncer older than 1.21 or with max_prepared_statements 0.",
    )
    context_keys: CommaSeparated = Field(
        (),
        validation_alias="ZAVA_CONTEXT_KEYS",
        repr=False,
        description="Keys that sign the tenant context, `id:base64,…`, the one in use first; "
        "unset: those of ZAVA_HOME, which Azure does not have.",
    )
