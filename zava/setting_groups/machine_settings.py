"""What a laptop or a container is started with."""

from pathlib import Path

from pydantic import Field

from zava.setting_groups.field_types import THIS_MACHINE, Address, SettingsGroup


class MachineSettings(SettingsGroup):
    """Where the local server keeps its files and listens."""

    home: Path = Field(
        Path(".zava"),
        validation_alias="ZAVA_HOME",
        description="Directory of the embedded server, the local issuer and local keys.",
    )
    port: int = Field(
        7071, ge=1, le=65535, validation_alias="PORT", description="Port of the local server."
    )
    host: Address = Field(
        THIS_MACHINE,
        validation_alias="HOST",
        description="IP address on which the local server listens; `0.0.0.0` is every address of "
        "the machine. A machine's name, which shells put there, counts as unset. Beyond loopback "
        "the demo's people do not exist: ZAVA_IDENTITY_ISSUER is required.",
    )
    is_published_on_loopback: bool = Field(
        False,
        validation_alias="ZAVA_PUBLISHED_ON_LOOPBACK",
        description="`true` in a container whose port is published on the loopback of its machine "
        "alone: the demo's people exist there, although HOST is another address.",
    )
    scale: float = Field(
        1.0,
        gt=0,
        le=100,
        validation_alias="SCALE",
        description="Size of the demo data: 1 is 50,000 customers and 200,000 orders.",
    )
