"""Settings that Azure makes on its own machines."""

from pydantic import Field

from zava.setting_groups.field_types import SettingsGroup


class PlatformSettings(SettingsGroup):
    """What the platform states about the function app."""

    website_hostname: str | None = Field(
        None,
        validation_alias="WEBSITE_HOSTNAME",
        description="Host name that Azure gives the function app; set by the platform.",
    )
    website_instance_id: str | None = Field(
        None,
        validation_alias="WEBSITE_INSTANCE_ID",
        description="Set by Azure on its own machines, where the local issuer does not exist.",
    )
    website_auth_enabled: bool = Field(
        False,
        validation_alias="WEBSITE_AUTH_ENABLED",
        description="Set by Azure where its built-in authentication is on. Only there Zava reads "
        "its headers, in addition to its own check of the token.",
    )
    website_sku: str | None = Field(
        None,
        validation_alias="WEBSITE_SKU",
        description="Set by Azure, with the name of the plan; Flex Consumption has no "
        "WEBSITE_INSTANCE_ID.",
    )
    identity_endpoint: str | None = Field(
        None,
        validation_alias="IDENTITY_ENDPOINT",
        description="Set by Azure where a managed identity is at hand.",
    )
