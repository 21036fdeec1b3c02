"""What the played host reads: host.json, the settings that override it, and its own limits."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_OVERRIDE = "AzureFunctionsJobHost__"
_MAX_BODY_BYTES = 104_857_600


@dataclass(frozen=True)
class HostSettings:
    """The settings of one host. Times are seconds."""

    function_timeout: float = 300.0
    body_limit: int = _MAX_BODY_BYTES
    has_homepage: bool = True
    levels: Mapping[str, str] = field(default_factory=dict)
    body_patience: float = 7.0
    """After so long a body that trickles is given up."""
    stop_patience: float = 5.0
    """So long a stopped host waits for calls in flight."""

    @classmethod
    def read(cls, directory: Path, environment: Mapping[str, str], **given: Any) -> "HostSettings":
        """Read them as the host does: an application setting overrides a key of host.json."""
        keys = dict(_flat(json.loads((directory / "host.json").read_text(encoding="utf-8"))))
        keys |= {
            name.removeprefix(_OVERRIDE): value
            for name, value in environment.items()
            if name.startswith(_OVERRIDE)
        }
        prefix = "logging__logLevel__"
        return cls(
            function_timeout=_seconds(keys.get("functionTimeout", "00:05:00")),
            body_limit=int(environment.get("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT", _MAX_BODY_BYTES)),
            has_homepage=environment.get("AzureWebJobsDisableHomepage", "").lower() != "true",
            levels={
                name.removeprefix(prefix): value
                for name, value in keys.items()
                if name.startswith(prefix)
            },
            **given,
        )


def _flat(node: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, str]]:
    for name, value in node.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{place}{name}__")
        else:
            yield f"{place}{name}", str(value)


def _seconds(span: str) -> float:
    hours, minutes, seconds = span.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
